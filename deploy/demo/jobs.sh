# shellcheck shell=bash disable=SC2154
# Sourced by run.sh: submits the jobs of jobs.list as their users, watches them and checks how they ended.

ids=
declare -A expected=() # by id: how it ends, as in jobs.list
canceller=alan
to_cancel=digits-of-pi

submit_jobs() {
    local user script end arguments id count=0 old
    for old in $(sql -c "SELECT id FROM rcq.jobs WHERE status = 'pending' AND reason = 'never_fits' AND name = 'training'"); do
        say "job $old of an earlier demo can never start: barbara cancels it"
        PGUSER=barbara sql -c "SELECT rcq.cancel($old)" >/dev/null
    done
    say "submitting as their users (PGUSER=ada psql -c \"SELECT rcq.submit('...', cpu_cores => 4)\"):"
    while read -r user script end arguments; do
        [[ -n $user && $user != \#* ]] || continue
        id=$(PGUSER=$user sql -v script="$(cat "$demo/jobs/$script")" -v docs="$state/share/docs" \
            <<<"SELECT rcq.submit(:'script', ${arguments/DOCS/:\'docs\'})")
        ids+="${ids:+,}$id"
        expected[$id]=$end
        count=$((count + 1))
        printf '  job %-4s %-9s %-13s %s\n' "$id" "$user" "$script" "$arguments"
    done <"$demo/jobs.list"
    say "$count jobs submitted"
}

# One line per job (J) and group (G).
poll() {
    sql -F ' ' <<SQL
SELECT 'J', id, status, COALESCE(reason, '-'), COALESCE(executor, '-'), user_name, name, COALESCE(exit_code::text, '-')
  FROM rcq.jobs WHERE id IN ($ids) ORDER BY ended_at, started_at, id;
SELECT 'G', group_name, pending_jobs, running_jobs, fair_share FROM rcq.group_usage
 WHERE group_name IN ('computing', 'mathematics', 'biology') ORDER BY group_id;
SQL
}

print_event() { printf '%s%5.1f s  %s\n' "$clear" "$(elapsed)" "$*"; }
elapsed() { echo $((${EPOCHREALTIME/[.,]/} - watch_begin)) | awk '{print $1 / 1e6}'; }

# A change of a job's state, in words.
tell() { # ID STATUS REASON EXECUTOR USER NAME EXIT_CODE
    local what=
    case $2 in
        running) if [[ $3 == cancelling ]]; then what="cancelling"; else what="started on $4"; fi ;;
        completed) what="completed on $4" ;;
        failed) what="failed: $3" && if [[ $3 == exit_code ]]; then what+=" $7"; fi ;;
        cancelled) what="cancelled" ;;
        pending) if [[ $3 == never_fits ]]; then what="stays pending: never_fits"; fi ;;
    esac
    if [[ -n $what ]]; then print_event "$(printf 'job %-4s %-16s %-9s %s' "$1" "$6" "$5" "$what")"; fi
}

cancel_when_due() { # ID STATUS REASON NAME
    [[ $4 == "$to_cancel" && $2 == running && $3 == - ]] || return 0
    cancel_at=${cancel_at:-$((SECONDS + 3))}
    if ((SECONDS >= cancel_at)); then
        print_event "$(printf 'job %-4s %-16s %-9s asks: SELECT rcq.cancel(%s)' "$1" "$4" "$canceller" "$1")"
        PGUSER=$canceller sql -c "SELECT rcq.cancel($1)" >/dev/null || true # it may have ended in between
    fi
}

watch_jobs() {
    local limit=${RCQ_DEMO_TIMEOUT:-300} end open line counts shown='' shown_at=0 rows clear='' cancel_at='' f
    local -A before=()
    watch_begin=${EPOCHREALTIME/[.,]/}
    end=$((SECONDS + limit))
    if [[ -t 1 ]]; then clear=$'\r\033[K'; fi
    while :; do
        rows=$(poll) || die "the database does not answer; its log is $state/log/server.log"
        open=0
        line=
        counts=
        while read -r -a f; do
            case ${f[0]:-} in
                J)
                    if [[ ${before[${f[1]}]:-} != "${f[2]} ${f[3]}" ]]; then
                        # starts and ends, not every change of the reason of waiting
                        tell "${f[@]:1}"
                        before[${f[1]}]="${f[2]} ${f[3]}"
                    fi
                    cancel_when_due "${f[1]}" "${f[2]}" "${f[3]}" "${f[6]}"
                    case ${f[2]}/${f[3]} in pending/never_fits | completed/* | failed/* | cancelled/*) ;; *) open=$((open + 1)) ;; esac
                    ;;
                G)
                    line+="${line:+ | }${f[1]} ${f[2]} waiting ${f[3]} running share ${f[4]}"
                    counts+="${f[2]} ${f[3]} "
                    ;;
            esac
        done <<<"$rows"
        line="$open to end | $line"
        if [[ -t 1 ]]; then
            printf '%s%5.1f s  %s' "$clear" "$(elapsed)" "${line:0:$(($(tput cols 2>/dev/null || echo 100) - 12))}"
        elif [[ $counts != "$shown" ]] || ((${EPOCHREALTIME/[.,]/} - shown_at > 1400000)); then
            print_event "     [$line]"
            shown=$counts
            shown_at=${EPOCHREALTIME/[.,]/}
        fi
        if ((open == 0)); then break; fi
        if ((SECONDS >= end)); then
            printf '\n'
            say "gave up after $limit s with $open jobs that have not ended (RCQ_DEMO_TIMEOUT sets the time); see rcq.queue, rcq.executors and $state/log" >&2
            return 1
        fi
        sleep 0.4
    done
    printf '%s' "${clear:+$clear}"
    print_event "all that can end has ended"
}

# Whether each job ended as jobs.list says; names those that did not.
check_ends() {
    local id status reason name code=0
    while read -r id status reason name; do
        case ${expected[$id]} in
            "$status" | "$status/$reason") ;;
            *)
                say "job $id $name is $status/$reason, and ${expected[$id]} was expected" >&2
                code=1
                ;;
        esac
    done < <(sql -F ' ' -c "SELECT id, status, COALESCE(reason, '-'), name FROM rcq.jobs WHERE id IN ($ids) ORDER BY id")
    return "$code"
}
