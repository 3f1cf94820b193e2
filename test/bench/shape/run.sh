#!/bin/bash
# Every figure of docs/explanation/physical-shape.md: run.sh [section...], sections: main held reload partition variants plans.
# Makes a private cluster in a temporary directory, removes it at the end. As root it runs the server as $RCQ_BENCH_USER
# (postgres). Raw figures go to $RCQ_BENCH_OUT (shape.csv in the working directory), medians to the terminal.
# RCQ_BENCH_REPS (3), RCQ_BENCH_JOBS (200000), RCQ_BENCH_BATCHES (100 500 1), RCQ_BENCH_CLIENTS (1 4), PG_BIN (pg_config --bindir).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
bin=${PG_BIN:-$(pg_config --bindir)}
out=$(realpath "${RCQ_BENCH_OUT:-shape.csv}")
: >"$out"
reps=${RCQ_BENCH_REPS:-3}
jobs=${RCQ_BENCH_JOBS:-200000}
sections=${*:-main held reload partition variants plans}
shapes="h p l l2"
export PGUSER=postgres PGDATABASE=postgres PGPORT=25441 LC_ALL=C
unset PGOPTIONS PGSERVICE PGPASSWORD

top=$(mktemp -d /tmp/shape.XXXXXX)
as() { "$@"; }
if [ "$(id -u)" = 0 ]; then
    user=${RCQ_BENCH_USER:-postgres}
    chown "$user" "$top"
    as() { (cd "$top" && runuser -u "$user" -- "$@"); }
fi
export PGHOST=$top
stop() {
    [ -f "$top/data/postmaster.pid" ] && as "$bin/pg_ctl" -D "$top/data" -m immediate stop >/dev/null || true
    rm -rf "$top"
}
trap stop EXIT
as "$bin/initdb" -D "$top/data" -U postgres -A trust --no-sync >/dev/null
as tee -a "$top/data/postgresql.conf" >/dev/null <<CONF
port = $PGPORT
listen_addresses = ''
unix_socket_directories = '$top'
fsync = on
synchronous_commit = on
full_page_writes = on
shared_buffers = 512MB
max_wal_size = 8GB
min_wal_size = 2GB
checkpoint_timeout = 1d
wal_keep_size = 4GB
autovacuum = off
jit = off
CONF
as "$bin/pg_ctl" -D "$top/data" -l "$top/log" -w start >/dev/null

keyed="-c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off"
sql() { "$bin/psql" -XqAt -v ON_ERROR_STOP=1 "$@"; }
note() { echo "$1,$2,$3,$4,$5,$6,$7" >>"$out"; } # section,shape,batch,clients,rep,metric,value
cpu() { # CPU time of the backends that have ended, in ticks of 10 ms
    sed 's/.*) //' "/proc/$(head -1 "$top/data/postmaster.pid")/stat" | awk '{ print $14 + $15 }'
}
elsewhere() { cut -d' ' -f1 /proc/loadavg; }

fresh() { # schema, ddl, psql options: a new copy of the shape's tables
    sql -c "drop schema if exists $1 cascade" -c "create schema $1" 2>/dev/null
    PGOPTIONS="-c search_path=$1" sql "${@:3}" -f "$here/$2.sql"
    sql -c checkpoint
}
laps() { # schema script n clients laps-per-client first-lap depth -> jobs/s
    local k=$(((99 + $3) / $3)) tps
    tps=$(PGOPTIONS="-c search_path=$1 $keyed" "$bin/pgbench" -n -M prepared -f "$here/$2.pgbench" -c "$4" -j 1 -t "$5" \
        -D lap="$6" -D n="$3" -D k=$k -D depth="$7" 2>&1 | sed -n 's/^tps = \([0-9.]*\).*/\1/p')
    awk "BEGIN { printf \"%.0f\", $tps * $3 }"
}
wal() { # start end -> bytes of records without full-page images, bytes of images
    as "$bin/pg_waldump" -p "$top/data/pg_wal" -z -s "$1" -e "$2" 2>/dev/null |
        awk '/^Total/ { gsub(/\[[^]]*\]/, ""); r = $3; f = $4 } END { print r + 0, f + 0 }'
}
size() { sql -c "select sum(pg_total_relation_size(c.oid)) from pg_class c where relnamespace = '$1'::regnamespace and relkind = 'r'"; }
hot() { sql -c "select round(100.0 * sum(n_tup_hot_upd) / sum(n_tup_upd), 1) from pg_stat_user_tables where schemaname = '$1'"; }

cycle() { # section shape n clients rep jobs depth
    local before after rate bytes v0 v1 ticks
    fresh s "$2"
    before=$(sql -c "select pg_current_wal_lsn()")
    ticks=$(cpu)
    rate=$(laps s "$2" "$3" "$4" $(($6 / $3 / $4)) 0 "$7")
    sleep 0.2
    note "$1" "$2" "$3" "$4" "$5" cpu_us_per_job $((($(cpu) - ticks) * 10000 / $6))
    after=$(sql -c "select pg_current_wal_lsn()")
    read -r -a bytes <<<"$(wal "$before" "$after")"
    sleep 0.7
    note "$1" "$2" "$3" "$4" "$5" jobs_per_s "$rate"
    note "$1" "$2" "$3" "$4" "$5" wal_per_job $((${bytes[0]} / $6))
    note "$1" "$2" "$3" "$4" "$5" fpi_per_job $((${bytes[1]} / $6))
    note "$1" "$2" "$3" "$4" "$5" hot_pct "$(hot s)"
    note "$1" "$2" "$3" "$4" "$5" bytes_on_disk_per_job $(($(size s) / $6))
    note "$1" "$2" "$3" "$4" "$5" load "$(elsewhere)"
    v0=$(date +%s%N)
    before=$(sql -c "select pg_current_wal_lsn()")
    [ "$4" = 1 ] && {
        sql -c "vacuum s.live" -c "select pg_logical_emit_message(true, '', '')" >/dev/null # the message flushes
        v1=$(date +%s%N)
        after=$(sql -c "select pg_current_wal_lsn()")
        read -r -a bytes <<<"$(wal "$before" "$after")"
        note "$1" "$2" "$3" "$4" "$5" vacuum_live_ms $(((v1 - v0) / 1000000))
        note "$1" "$2" "$3" "$4" "$5" vacuum_live_wal_per_job $((${bytes[0]} / $6))
    }
    return 0
}

section_main() {
    local rep s n c
    for n in ${RCQ_BENCH_BATCHES:-100 500 1}; do for c in ${RCQ_BENCH_CLIENTS:-1 4}; do for rep in $(seq "$reps"); do for s in $shapes; do
        cycle main "$s" "$n" "$c" "$rep" "$([ "$n" = 1 ] && echo $((jobs / 20)) || echo "$jobs")" 0
    done; done; done; done
    for rep in $(seq "$reps"); do for s in $shapes; do cycle backlog "$s" 100 1 "$rep" "$jobs" $((jobs / 1000)); done; done
}

section_held() { # an idle REPEATABLE READ session, or none, while the jobs go through in five equal parts
    local rep s holder part step ticks
    step=$((jobs / 100 / 5))
    for rep in $(seq "$reps"); do for s in $shapes; do for holder in with without; do
        fresh s "$s"
        if [ $holder = with ]; then
            mkfifo "$top/fifo"
            "$bin/psql" -XqAt <"$top/fifo" >/dev/null &
            exec 9>"$top/fifo"
            echo "begin isolation level repeatable read; select count(*) from s.spec;" >&9
            sleep 0.5
        fi
        for part in 1 2 3 4 5; do
            ticks=$(cpu)
            note "held_$holder" "$s" 100 1 "$rep" "part${part}_jobs_per_s" "$(laps s "$s" 100 1 $step $(((part - 1) * step)) 0)"
            sleep 0.2
            note "held_$holder" "$s" 100 1 "$rep" "part${part}_cpu_us_per_job" $((($(cpu) - ticks) * 10000 / step / 100))
        done
        if [ $holder = with ]; then
            exec 9>&-
            wait $!
            rm "$top/fifo"
        fi
        note "held_$holder" "$s" 100 1 "$rep" live_mb "$(sql -c "select pg_total_relation_size('s.live') >> 20")"
    done; done; done
}

restart() { as "$bin/pg_ctl" -D "$top/data" -l "$top/log" -w -m fast restart >/dev/null; }
timed() { # sql -> ms
    sql -c '\timing on' -c "set search_path = s" -c "$1" | sed -n 's/^Time: \([0-9.]*\) ms.*/\1/p' | tail -1
}
section_reload() { # 1,000,000 finished, 100,000 pending, 1,000 placed: what a restarting scheduler reads
    local rep s state need="join spec s on s.id = l.job_id" rest=") to '/dev/null'"
    local of_spec="s.features, s.resources, s.time_limit, s.begin_at, s.deadline, s.preemptible, s.limit_key"
    for s in h p l; do
        local from
        case $s in
            h) from="live l" where="where l.status in ('pending', 'assigned', 'running')" ;;
            p) from="live l left join live_run r on r.job_id = l.job_id" where= ;;
            l) from="live l" where= ;;
        esac
        fresh s $s
        sql -c "set search_path = s; $(sed -n '/^  insert into spec/,/generate_series/p' "$here/l.pgbench" | sed 's/:lo::bigint, :hi::bigint/1, 1100000/')"
        case $s in
            h) sql -c "insert into s.live select id, user_id, group_id, case when id <= 1000000 then 'completed' when id <= 1001000 then 'running' else 'pending' end,
                       null, 5, cpu_cores, 1024, 0, now(), 1, 1, id, now(), now(), null, now() from s.spec order by id" ;;
            p) sql -c "insert into s.live select id, user_id, group_id, 5, cpu_cores, 1024, 0, now(), 1 from s.spec order by id" \
                   -c "insert into s.live_run select id, 1, 1, id, now(), now(), null from s.spec where id <= 1001000 order by id" \
                   -c "delete from s.live where job_id <= 1000000" -c "delete from s.live_run where job_id <= 1000000" ;;
            l) sql -c "insert into s.live select id, user_id, group_id, 5, cpu_cores, 1024, 0, now(), 1, case when id <= 1001000 then 1 end, id, now(), now(), null
                       from s.spec order by id" -c "delete from s.live where job_id <= 1000000" ;;
        esac
        for state in unvacuumed vacuumed compact; do
            # unvacuumed: a million dead rows still in place; vacuumed: their space free but kept; compact: as autovacuum
            # in good time leaves it, space for the unfinished only.
            [ $state = vacuumed ] && sql -c "vacuum (analyze, truncate off) s.live" -c "vacuum analyze s.spec"
            [ $state = compact ] && { [ $s = h ] && continue; sql -c "vacuum full s.live" -c "analyze s.live"; }
            for rep in $(seq "$reps"); do
                restart
                note "reload_$state" $s 0 1 "$rep" live_only_restarted_ms "$(timed "copy (select * from $from $where) to '/dev/null'")"
                note "reload_$state" $s 0 1 "$rep" live_only_warm_ms "$(timed "copy (select * from $from $where) to '/dev/null'")"
                restart
                note "reload_$state" $s 0 1 "$rep" with_spec_restarted_ms "$(timed "copy (select l.*, $of_spec from $from $need $where) to '/dev/null'")"
                note "reload_$state" $s 0 1 "$rep" with_spec_warm_ms "$(timed "copy (select l.*, $of_spec from $from $need $where) to '/dev/null'")"
            done
            note "reload_$state" $s 0 1 1 live_mb "$(sql -c "select pg_table_size('s.live') >> 20")"
        done
    done
}

section_partition() {
    local rep parts script
    for rep in $(seq "$reps"); do for parts in 0 10 100; do
        if [ $parts = 0 ]; then fresh s l; else
            fresh s l -v partitioned=on
            sql -c "select format('create table s.%s_%s partition of s.%s for values from (%s) to (%s);', t, p, t, p * w, (p + 1) * w)
                      from unnest(array['spec', 'outcome']) t, generate_series(0, $parts - 1) p, (select ceil($jobs * 1.1 / $parts)::int as w) q" |
                sql
        fi
        note partition "l_$parts" 1 1 "$rep" jobs_per_s "$(laps s l 1 1 4000 0 0)"
        note partition "l_$parts" 100 1 "$rep" jobs_per_s "$(laps s l 100 1 $(((jobs - 4000) / 100)) 40 0)"
        for script in lookup-one lookup-array lookup-unnest; do
            note partition "l_$parts" 0 1 "$rep" "${script//-/_}_us" "$(PGOPTIONS="-c search_path=s $keyed" "$bin/pgbench" -n -M prepared \
                -f "$here/$script.pgbench" -D jobs="$jobs" -T 3 2>&1 | awk '/^latency average/ { print $4 * 1000 }')"
        done
    done; done
}

section_variants() { # of L: what the fill factor, the row locks taken first and the rows written one by one cost
    local rep v ff c before bytes rate rows
    sed 's/ for update of v skip locked//' "$here/l.pgbench" >"$top/nolock.pgbench"
    chmod 644 "$top/nolock.pgbench"
    for c in 1 4; do for rep in $(seq "$reps"); do for v in ff50 ff100 ff70 ff33 ff25 nolock; do
        fresh s l
        ff=50; [[ $v == ff* ]] && ff=${v#ff}
        sql -c "alter table s.live set (fillfactor = $ff)"
        before=$(sql -c "select pg_current_wal_lsn()")
        rate=$(here=$([ $v = nolock ] && echo "$top" || echo "$here"); laps s "$([ $v = nolock ] && echo nolock || echo l)" 100 $c $((jobs / 400 / c)) 0 0)
        read -r -a bytes <<<"$(wal "$before" "$(sql -c "select pg_current_wal_lsn()")")"
        sleep 0.7
        note variants $v 100 $c "$rep" jobs_per_s "$rate"
        note variants $v 100 $c "$rep" wal_per_job $((${bytes[0]} / (jobs / 4)))
        note variants $v 100 $c "$rep" hot_pct "$(hot s)"
    done; done; done
    # Rows of spec and outcome written by INSERT ... SELECT, and by the multi-insert that COPY uses, 100 a transaction.
    local t
    for t in spec outcome; do
        sql -c "copy (select * from s.$t order by 1 limit 20000) to stdout" >"$top/rows"
        rows=$(wc -l <"$top/rows")
        sql -c "truncate s.$t" -c checkpoint
        before=$(sql -c "select pg_current_wal_lsn()")
        sql -c "create temp table r (like s.$t)" -c "\\copy r from '$top/rows'" \
            -c "do \$\$ begin for i in 0..($rows - 1) / 100 loop insert into s.$t select * from r order by 1 offset i * 100 limit 100; commit; end loop; end \$\$"
        read -r -a bytes <<<"$(wal "$before" "$(sql -c "select pg_current_wal_lsn()")")"
        note variants insert_select 100 1 1 "${t}_wal_per_row" $((${bytes[0]} / rows))
        sql -c "truncate s.$t" -c checkpoint
        before=$(sql -c "select pg_current_wal_lsn()")
        { awk "NR % 100 == 1 { if (NR > 1) print \"\\\\.\"; print \"copy s.$t from stdin;\" } { print } END { print \"\\\\.\" }" "$top/rows"; } | sql
        read -r -a bytes <<<"$(wal "$before" "$(sql -c "select pg_current_wal_lsn()")")"
        note variants multi_insert 100 1 1 "${t}_wal_per_row" $((${bytes[0]} / rows))
    done
}

plan_word() { # an EXPLAIN on stdin -> what it is made of
    awk '/Seq Scan on/ { w["seq"] } /Hash Join|Hash Left|Hash Right/ { w["hash"] } /Merge Join/ { w["merge"] }
         END { for (k in w) { s = s (s ? "+" : "") k }; print s ? s : "keyed" }'
}
section_plans() { # are place, claim, finish keyed: state of the tables x settings
    local s state settings stage text f ids execs tokens
    ids="'{$(seq -s, 1 100)}'" execs=$ids tokens=$ids
    printf '\n%-4s %-28s %-32s %-10s %-10s %-10s %-10s\n' shape tables settings place claim finish by_id
    for s in h p l; do for state in empty planned_while_empty few_analysed full_never_analysed full_analysed emptied_after_analyse \
        filled_after_analyse; do
        fresh s $s
        fill() { laps s $s 500 1 $1 0 $1 >/dev/null; } # submits only: everything stays pending
        case $state in
            empty | planned_while_empty) ;;
            few_analysed) fill 1; sql -c "delete from s.live where job_id > 20" -c "vacuum analyze" ;;
            full_never_analysed) fill 200 ;;
            full_analysed) fill 200; sql -c analyze ;;
            emptied_after_analyse) fill 200; sql -c analyze -c "delete from s.live" ;;
            filled_after_analyse) sql -c "vacuum analyze s.live" -c analyze; fill 200 ;;
        esac
        local before=()
        [ $state = planned_while_empty ] && { # the session prepared and used the statement before the jobs came
            for _ in 1 2 3 4 5 6; do before+=(-c "execute p($ids, $execs, $tokens)"); done
            before+=(-c "begin" -c "$(sed -n '/^-- submit$/,/;$/p' "$here/$s.pgbench" | sed 's/:lo::bigint, :hi::bigint/1, 100000/')")
        }
        while read -r f settings; do
            printf '%-4s %-28s %-32s' $s $state $f
            for stage in place claim finish by_id; do
                [ $state = planned_while_empty ] && fresh s $s
                if [ $stage = by_id ]; then
                    text="select * from live where job_id = any(\$1) order by job_id for update skip locked"
                else
                    text=$(sed -n "/^-- $stage\$/,/;\$/p" "$here/$s.pgbench" | sed 's/:ids::/$1::/; s/:execs::/$2::/; s/:tokens::/$3::/')
                fi
                printf ' %-10s' "$(PGOPTIONS="-c search_path=s $settings" sql -c "prepare p(bigint[], integer[], bigint[]) as $text" \
                    "${before[@]}" \
                    -c "explain (costs off) execute p($ids, $execs, $tokens)" | plan_word)"
            done
            echo
        done <<SETTINGS
default
generic -c plan_cache_mode=force_generic_plan
generic+seqscan_off -c plan_cache_mode=force_generic_plan -c enable_seqscan=off
generic+hash_merge_off -c plan_cache_mode=force_generic_plan -c enable_hashjoin=off -c enable_mergejoin=off
all_four $keyed
SETTINGS
    done; done
}

for section in $sections; do "section_$section"; done

[ -s "$out" ] || exit 0
"$bin/psql" -Xq -v ON_ERROR_STOP=1 <<SQL
create temp table r (section text, shape text, batch int, clients int, rep int, metric text, value float);
\\copy r from '$out' csv
select section, batch, clients, metric,
       string_agg(shape || ' ' || m, '   ' order by array_position(array['h', 'p', 'l', 'l2'], shape), shape) as medians
  from (select section, batch, clients, metric, shape, round(percentile_cont(0.5) within group (order by value)::numeric, 1) m
          from r group by 1, 2, 3, 4, 5) q
 group by 1, 2, 3, 4 order by 1, 2, 3, 4;
SQL
