-- rcq.explain of jobs that run, have ended or were restored. Findings as in 51-explain-facts.sql.

-- How far the end of a run has come that somebody asked for: when that was, whether its executor has the order, and by
-- when the run is over. An executor that is there gets an order within a third of the lease, or at once when it is told.
CREATE FUNCTION rcq_private.explain_ending(l rcq_private.live) RETURNS SETOF rcq_private.finding
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
DECLARE
    e rcq_private.executor;
    s record;
    asked CONSTANT timestamptz := COALESCE(l.cancel_requested_at, l.requeue_requested_at, l.preempt_requested_at);
    reason CONSTANT text := CASE WHEN l.cancel_requested_at IS NOT NULL THEN 'cancelling' WHEN l.preempt_requested_at IS NOT NULL THEN 'preempting' ELSE 'requeueing' END;
    seen CONSTANT timestamptz := rcq_private.executor_seen(l.executor_id);
    lease CONSTANT interval := pg_catalog.make_interval(secs => rcq_private.setting_text('lease')::double precision);
    grace_s double precision;
    grace interval;
    told rcq_private.command;
    has_it timestamptz;
    away boolean;
    forced timestamptz;
    given_up timestamptz;
BEGIN
    SELECT * INTO STRICT e FROM rcq_private.executor x WHERE x.id = l.executor_id;
    SELECT * INTO s FROM rcq_private.scheduler_state();
    SELECT * INTO told FROM rcq_private.command c
     WHERE c.executor_id = l.executor_id AND c.seq > l.command_seq AND c.job_id = l.job_id AND c.token = l.token AND c.kind = 'cancel' ORDER BY c.seq LIMIT 1;
    has_it := rcq_private.acknowledged(l.executor_id, told.seq);
    away := COALESCE(seen < pg_catalog.clock_timestamp() - lease, true);
    grace_s := CASE WHEN pg_catalog.jsonb_typeof(e.info -> 'kill_grace_s') = 'number' -- executors say what they like
                    THEN CASE WHEN (e.info ->> 'kill_grace_s')::numeric BETWEEN 0 AND 86400 THEN pg_catalog.round((e.info ->> 'kill_grace_s')::numeric, 3) END END;
    grace := pg_catalog.make_interval(secs => grace_s);
    forced := CASE WHEN has_it IS NOT NULL OR NOT away THEN LEAST(has_it, told.written_at + lease / 3) + grace END;
    given_up := CASE WHEN away THEN GREATEST(seen, s.started_at) + pg_catalog.make_interval(secs => rcq_private.setting_text('lost_after')::double precision) END;
    RETURN NEXT rcq_private.found('state', reason,
        pg_catalog.format('%s at %s. %s%s%s',
            CASE reason WHEN 'cancelling' THEN 'Its cancel was asked for' WHEN 'preempting' THEN 'It was asked to make room for another job' ELSE 'It was asked to end and to wait again' END,
            rcq_private.time_text(asked),
            CASE WHEN told.seq IS NULL THEN 'The scheduler has not passed that on yet.'
                 WHEN has_it IS NULL THEN pg_catalog.format('Executor %s was told at %s and has not said yet that it knows.', e.name, rcq_private.time_text(told.written_at))
                 ELSE pg_catalog.format('Executor %s was told at %s and knows.', e.name, rcq_private.time_text(told.written_at)) END,
            ' Whatever is left of the run is killed at ' || rcq_private.time_text(forced) || ' at the latest (kill grace ' || rcq_private.duration_text(grace_s) || ').',
            CASE WHEN away THEN COALESCE(' The executor was last heard of at ' || rcq_private.time_text(seen), ' The executor has not been heard of since the server started')
                || COALESCE('; unless it comes back, the run is given up at ' || rcq_private.time_text(given_up), '') || '.' END),
        pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object('asked_at', asked, 'told_at', told.written_at, 'acknowledged', has_it IS NOT NULL, 'acknowledged_at', has_it,
            'kill_grace_s', grace_s, 'forced_by', forced, 'executor_seen', seen, 'given_up_at', given_up)));
END $$;

-- How it stands with a job that is placed, running or ended.
CREATE FUNCTION rcq_private.explain_run(j rcq_private.job, l rcq_private.live, o rcq_private.outcome) RETURNS SETOF rcq_private.finding
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    host CONSTANT text := rcq_private.executor_name(COALESCE(l.executor_id, o.executor_id));
    ends timestamptz;
    killed timestamptz;
BEGIN
    IF l.tasks_waiting IS NOT NULL THEN
        RETURN QUERY
            SELECT 'state', 'running', pg_catalog.format('Array job %s has been running since %s: of %s tasks %s run, %s have completed, %s failed, %s been cancelled; %s wait.', j.id, rcq_private.time_text(l.claimed_at),
                       j.array_size, n.running + n.assigned, n.completed, n.failed, n.cancelled, n.waiting + n.pending + n.held), pg_catalog.to_jsonb(n)
              FROM rcq_private.array_counts(j.id) n;
    ELSIF l.claimed_at IS NOT NULL THEN
        ends := l.claimed_at + pg_catalog.make_interval(secs => rcq_private.plan_seconds(l.planned_s, l.group_id));
        killed := l.claimed_at + j.time_limit;
        RETURN NEXT rcq_private.found('state', 'running', pg_catalog.format('Job %s has been running on executor %s since %s%s%s%s.', j.id, host, rcq_private.time_text(l.claimed_at),
                ', and is planned to end at ' || rcq_private.time_text(ends), ', its time limit is over at ' || rcq_private.time_text(killed),
                CASE WHEN l.cancel_requested_at IS NOT NULL THEN '; it is being cancelled' WHEN l.preempt_requested_at IS NOT NULL THEN '; it is being stopped for another job, and will run again' END),
            pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object('executor', host, 'started_at', l.claimed_at, 'planned_end', ends, 'time_limit_end', killed, 'attempt', l.attempt,
                'cancelling', l.cancel_requested_at IS NOT NULL, 'preempting', l.preempt_requested_at IS NOT NULL)));
        IF COALESCE(l.cancel_requested_at, l.requeue_requested_at, l.preempt_requested_at) IS NOT NULL THEN
            RETURN QUERY SELECT f.* FROM rcq_private.explain_ending(l) f;
        END IF;
    ELSIF l.placed_at IS NOT NULL THEN
        RETURN NEXT rcq_private.found('state', 'assigned', pg_catalog.format('Job %s was given to executor %s at %s, which has not started it yet; unless it does within %s, the job is given elsewhere.', j.id, host,
                rcq_private.time_text(l.placed_at), rcq_private.duration_text(rcq_private.setting_text('claim_timeout')::double precision)),
            pg_catalog.jsonb_build_object('executor', host, 'placed_at', l.placed_at, 'attempt', l.attempt));
    ELSE
        RETURN NEXT rcq_private.found('state', o.status, pg_catalog.format('Job %s %s%s at %s%s%s.', j.id, CASE o.status WHEN 'completed' THEN 'completed' WHEN 'cancelled' THEN 'was cancelled' ELSE 'failed' END, ' on executor ' || host,
                rcq_private.time_text(o.ended_at), ' after ' || rcq_private.duration_text(pg_catalog.date_part('epoch', o.ended_at - o.claimed_at)),
                CASE o.reason WHEN 'exit_code' THEN ': it ended with exit code ' || o.exit_code WHEN 'signal' THEN ': it was ended by signal ' || COALESCE(o.signal::text, 'unknown') WHEN 'timeout' THEN ': its time limit was over'
                     WHEN 'oom' THEN ': it needed more memory than it had asked for, ' || rcq_private.memory_gb(j.memory_mib) || ' GB' WHEN 'executor_lost' THEN ': its executor was lost'
                     WHEN 'not_started' THEN ': its executor could not start it'
                     WHEN 'spawn_error' THEN ': it could not be started' ELSE ': ' || o.reason END || COALESCE(' (' || o.message || ')', '')),
            pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object('reason', o.reason, 'executor', host, 'started_at', o.claimed_at, 'ended_at', o.ended_at, 'attempt', o.attempt, 'exit_code', o.exit_code, 'signal', o.signal,
                'peak_memory_gb', rcq_private.memory_gb(o.peak_memory_mib), 'message', o.message)));
    END IF;
END $$;

-- How it stands with a job that has neither a live row nor an outcome: neither is in a dump.
CREATE FUNCTION rcq_private.explain_restored(j rcq_private.job, admin boolean) RETURNS SETOF rcq_private.finding
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN NEXT rcq_private.found('state', 'pending', pg_catalog.format('Job %s is pending since the database was restored from a dump, in which it had not ended: %s.', j.id, rcq_private.size_text(j.cpu_cores, j.memory_mib, j.gpu_count)),
        rcq_private.size_data(j.cpu_cores, j.memory_mib, j.gpu_count) || pg_catalog.jsonb_build_object('submitted_at', j.submitted_at));
    RETURN NEXT rcq_private.found('blocker', 'restored', 'It is not queued: nothing that a dump holds starts by itself, for it may be running where the dump comes from.', '{}');
    RETURN NEXT rcq_private.found('change', 'resume_restored', CASE WHEN admin THEN 'Queue what was restored: SELECT rcq.resume_restored(), or a list of what is to be queued; all that is not listed is cancelled.'
            ELSE 'Ask an administrator to queue what was restored: rcq.resume_restored.' END, pg_catalog.jsonb_build_object('call', 'SELECT rcq.resume_restored()'));
    RETURN NEXT rcq_private.found('change', 'cancel', pg_catalog.format('If it is not to run any more, cancel it: SELECT rcq.cancel(%s).', j.id), pg_catalog.jsonb_build_object('call', pg_catalog.format('SELECT rcq.cancel(%s)', j.id)));
END $$;
