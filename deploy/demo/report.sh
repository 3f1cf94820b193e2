# shellcheck shell=bash disable=SC2154
# Sourced by run.sh: what came of the jobs.

table() { "$bin/psql" -Xq -v ON_ERROR_STOP=1 -P footer=off -P pager=off "$@"; }

title() { printf '\n%s\n' "$*"; }

show_logs() { # USER NAME LINES
    local id
    id=$(PGUSER=$1 sql -c "SELECT max(id) FROM rcq.jobs WHERE name = '$2' AND id IN ($ids)")
    printf '  PGUSER=%s psql -c "SELECT line FROM rcq.logs(%s)"    -- %s\n' "$1" "$id" "$2"
    PGUSER=$1 sql -c "SELECT '    ' || line FROM rcq.logs($id) ORDER BY seq DESC LIMIT $3" | tac
}

report_all() {
    local first last listing
    title "Results (rcq.jobs)"
    table -c "
        SELECT id AS job, name, user_name AS user, group_name AS \"group\", status, COALESCE(reason, '') AS reason,
               COALESCE(exit_code::text, '') AS exit, COALESCE(executor, '') AS executor,
               COALESCE(round(extract(epoch FROM ended_at - started_at), 1)::text, '') AS \"ran s\",
               COALESCE(round(cpu_seconds::numeric, 1)::text, '') AS \"cpu s\", cpu_cores AS cores, gpu_count AS gpus
          FROM rcq.jobs WHERE id IN ($ids) ORDER BY id"
    title "Output, as each user sees their own (rcq.logs)"
    show_logs ada pi-wide 1
    show_logs grace nbody-50m 2
    show_logs barbara word-counts 2
    show_logs emmy matrix-gpu 1
    show_logs emmy verify-series 2
    show_logs alan halting 1
    listing=$(sql -c "SELECT max(id) FROM rcq.jobs WHERE name = 'prime-listing' AND id IN ($ids)")
    printf '  %s lines of the listing are in the database as well: job %s\n' "$(sql -c "SELECT count(*) FROM rcq.logs($listing)")" "$listing"
    title "Files that jobs left in their RCQ_OUTPUT_DIR"
    table -c "
        SELECT j.id AS job, j.name, f->>'name' AS file, f->>'bytes' AS bytes FROM rcq.jobs j, jsonb_array_elements(j.output->'files') f
         WHERE j.id IN ($ids) ORDER BY j.id, 3 LIMIT 6"
    title "Usage and fair share (rcq.group_usage): who used more of their quota ranks lower"
    table -c "
        SELECT group_name AS \"group\", quota_cpu_hours AS quota, cpu_hours, gpu_hours, billed_hours AS billed,
               quota_used_percent AS \"used %\", fair_share
          FROM rcq.group_usage WHERE group_name IN ('computing', 'mathematics', 'biology') ORDER BY group_id"
    title "Queue (rcq.queue): never_fits = no executor is that large"
    table -c "SELECT id AS job, name, user_name AS user, gpu_count AS gpus, reason, final_priority, fair_share, waiting FROM rcq.queue"
    title "Executors (rcq.executors)"
    table -c "SELECT name, status, runs, cpu_cores AS cores, memory_gb, gpu_count AS gpus FROM rcq.executors ORDER BY id"
    first=${ids%%,*} last=${ids##*,}
    cat <<NEXT

The system stays up; make demo again submits the jobs again, make stop ends it, make reset removes its state. To go on:

  source $root/.rcq/env
  job=\$(rcq submit --name mine -- python3 -c "print(6 * 7)")
  rcq wait \$job; rcq logs \$job
  rcq queue
  rcq explain $last
  rcq history; rcq top
  rcq cancel $last
  PGUSER=grace rcq history                                      # sees only her own

The same in SQL:

  psql -c "SELECT rcq.submit('python3 -c \"print(6 * 7)\"', name => 'mine')"
  psql -c "SELECT id, name, status, reason, executor FROM rcq.jobs ORDER BY id DESC LIMIT 5"
  psql -c "SELECT line FROM rcq.logs($first)"

The same over HTTP, as ada:

$(print_http_lines)
NEXT
}
