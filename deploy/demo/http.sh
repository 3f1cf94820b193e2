# shellcheck shell=bash disable=SC2154
# Sourced by run.sh: the people of the demo over HTTP, and lines to paste. Needs $root, $state and the function sql.

set_variable() { # NAME VALUE: in .rcq/env, which its owner alone can read
    (
        umask 077
        { grep -v "^export $1=" "$state/env" || true; printf 'export %s=%q\n' "$1" "$2"; } >"$state/env.new"
    )
    mv "$state/env.new" "$state/env"
}

# Ada, who is in the database already, gets an e-mail address and a password; an administrator gets a token. Both stay as
# they are while they are good.
prepare_http() {
    RCQ_HTTP_URL=$("$root/deploy/http.sh" url)
    set_variable RCQ_HTTP_URL "$RCQ_HTTP_URL"
    if [[ -z ${RCQ_DEMO_PASSWORD:-} || $(http_status /api/auth/login -d "{\"email\":\"ada@example.org\",\"password\":\"$RCQ_DEMO_PASSWORD\"}") != 200 ]]; then
        RCQ_DEMO_PASSWORD=$(od -An -N 12 -tx1 /dev/urandom | tr -d ' \n')
        sql <<<"SELECT rcq.set_user('ada', email => 'ada@example.org'); SELECT rcq.set_password('ada', '$RCQ_DEMO_PASSWORD')" >/dev/null
        set_variable RCQ_DEMO_PASSWORD "$RCQ_DEMO_PASSWORD"
    fi
    if [[ -z ${RCQ_ADMIN_TOKEN:-} || $(http_status /api/admin/stats -H "Authorization: Bearer $RCQ_ADMIN_TOKEN") != 200 ]]; then
        RCQ_ADMIN_TOKEN=$(sql -c "SELECT rcq.create_api_token('demo', 'admin')")
        set_variable RCQ_ADMIN_TOKEN "$RCQ_ADMIN_TOKEN"
    fi
}

http_status() { curl -s -o /dev/null -w '%{http_code}' "$RCQ_HTTP_URL$1" "${@:2}"; }

print_http_lines() {
    cat <<NEXT
  source $state/env
  TOKEN=\$(curl -s \$RCQ_HTTP_URL/api/auth/login -d "{\"email\":\"ada@example.org\",\"password\":\"\$RCQ_DEMO_PASSWORD\"}" | sed 's/.*"token" *: *"\([^"]*\)".*/\1/')
  JOB=\$(curl -s \$RCQ_HTTP_URL/api/jobs -H "Authorization: Bearer \$TOKEN" -d '{"script": "echo \$((6 * 7))", "cpu_cores": 1, "name": "by-http"}' | sed 's/.*"job_id" *: *\([0-9]*\).*/\1/')
  curl -sw '\n' \$RCQ_HTTP_URL/api/jobs/\$JOB -H "Authorization: Bearer \$TOKEN"
  curl -sw '\n' "\$RCQ_HTTP_URL/api/jobs?status=running&limit=10" -H "Authorization: Bearer \$TOKEN"
  curl -sw '\n' \$RCQ_HTTP_URL/api/queue -H "Authorization: Bearer \$TOKEN"
  curl -sw '\n' \$RCQ_HTTP_URL/api/admin/stats -H "Authorization: Bearer \$RCQ_ADMIN_TOKEN"
  until curl -s \$RCQ_HTTP_URL/api/jobs/\$JOB -H "Authorization: Bearer \$TOKEN" | grep -qE '"status" *: *"(completed|failed|cancelled)"'; do sleep 0.2; done
  curl -sw '\n' \$RCQ_HTTP_URL/api/jobs/\$JOB/logs -H "Authorization: Bearer \$TOKEN"
  curl -sw '\n' \$RCQ_HTTP_URL/health
NEXT
}
