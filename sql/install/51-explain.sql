-- Why a job does not start: everything that stands against it at once, in sentences for people and in numbers for
-- programs. One analysis over a row of `live`, which for a job that was not submitted yet is made up and never stored.

-- What a pending job waits for other jobs for, the first ten of them; a task waits with its array.
CREATE FUNCTION rcq_private.explain_dependencies(l rcq_private.live) RETURNS SETOF rcq_private.finding
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    most CONSTANT integer := 10;
    waiting CONSTANT bigint := COALESCE((SELECT t.array_id FROM rcq_private.live t WHERE t.job_id = l.job_id), l.job_id);
    total CONSTANT bigint := (SELECT pg_catalog.count(*) FROM rcq_private.dependency d WHERE d.job_id = waiting);
    caller CONSTANT integer := rcq_private.caller_id();
    admin CONSTANT boolean := rcq_private.caller_is_admin();
    d record;
BEGIN
    FOR d IN
        SELECT x.kind, NULLIF(x.on_id, 0) AS on_id, rcq_private.job_label(x.on_id) AS label, b.held, j.id IS NOT NULL AS visible, o.status AS ended,
               CASE WHEN b.claimed_at IS NOT NULL THEN 'running' WHEN b.placed_at IS NOT NULL THEN 'assigned' WHEN b.held THEN 'held' WHEN b.job_id IS NOT NULL THEN 'pending' ELSE o.status END AS status
          FROM rcq_private.dependency x
          LEFT JOIN rcq_private.job j ON j.id = x.on_id AND (j.user_id = caller OR admin)
          LEFT JOIN rcq_private.live b ON b.job_id = j.id LEFT JOIN rcq_private.outcome o ON o.job_id = j.id
         WHERE x.job_id = waiting ORDER BY x.on_id, x.kind LIMIT most LOOP
        RETURN NEXT rcq_private.found('blocker', 'dependency',
            CASE WHEN d.on_id IS NULL THEN 'It waits for earlier jobs of the same user and name to end (singleton).'
                 WHEN d.kind = 'aftercorr' THEN pg_catalog.format('Each of its tasks waits for the task of the same index of array job %s to complete (aftercorr)%s.', d.label, '; that is ' || d.status)
                 ELSE pg_catalog.format('It waits for job %s to %s (%s)%s.', d.label, CASE d.kind WHEN 'after' THEN 'start' WHEN 'afterok' THEN 'complete' WHEN 'afternotok' THEN 'fail or be cancelled' ELSE 'end' END, d.kind,
                     CASE WHEN d.ended IS NOT NULL THEN ', and that one has ended: ' ELSE '; that one is ' END || d.status) END,
            pg_catalog.jsonb_build_object('kind', d.kind, 'on_job', d.on_id, 'on_status', d.status));
        IF d.held THEN
            RETURN NEXT rcq_private.found('change', 'release', pg_catalog.format('Release job %s, which is held: SELECT rcq.release(%s).', d.label, d.on_id), pg_catalog.jsonb_build_object('call', pg_catalog.format('SELECT rcq.release(%s)', d.on_id)));
        END IF;
    END LOOP;
    IF total > most THEN
        RETURN NEXT rcq_private.found('blocker', 'dependency', pg_catalog.format('It waits for %s more: SELECT * FROM rcq.dependencies WHERE job_id = %s.', total - most, waiting), pg_catalog.jsonb_build_object('more', total - most));
    END IF;
    RETURN NEXT rcq_private.found('change', 'cancel', pg_catalog.format('If it need not wait for them, cancel it and submit it anew without: SELECT rcq.cancel(%s).', waiting), pg_catalog.jsonb_build_object('call', pg_catalog.format('SELECT rcq.cancel(%s)', waiting)));
END $$;

-- What no free capacity would help against: other jobs, held, begin time, no scheduler, pauses, limits, a hard quota.
CREATE FUNCTION rcq_private.explain_gates(l rcq_private.live) RETURNS SETOF rcq_private.finding
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    g rcq_private.groups;
    u rcq_private.users;
    s record;
    held record;
    hours record;
    needed double precision;
    room double precision;
    frees timestamptz;
BEGIN
    SELECT * INTO STRICT g FROM rcq_private.groups WHERE id = l.group_id;
    SELECT * INTO STRICT u FROM rcq_private.users WHERE id = l.user_id;
    IF l.unmet > 0 THEN
        RETURN QUERY SELECT f.* FROM rcq_private.explain_dependencies(l) f;
    END IF;
    IF l.held THEN
        RETURN NEXT rcq_private.found('blocker', 'held', 'It is held, and waits until it is released.', '{}');
        RETURN NEXT rcq_private.found('change', 'release', CASE WHEN l.job_id IS NULL THEN 'Submit it without hold.' ELSE pg_catalog.format('Release it: SELECT rcq.release(%s).', l.job_id) END,
                     pg_catalog.jsonb_build_object('call', 'SELECT rcq.release(' || l.job_id || ')'));
    END IF;
    IF l.eligible_at > pg_catalog.clock_timestamp() AND l.failures > 0 THEN
        RETURN NEXT rcq_private.found('blocker', 'retry', pg_catalog.format('It failed %s of %s times that are allowed, and is tried again at %s.', l.failures, l.max_retries, rcq_private.time_text(l.eligible_at)),
                     pg_catalog.jsonb_build_object('eligible_at', l.eligible_at, 'failures', l.failures, 'max_retries', l.max_retries));
    ELSIF l.eligible_at > pg_catalog.clock_timestamp() AND l.losses > 0 THEN
        RETURN NEXT rcq_private.found('blocker', 'retry', pg_catalog.format('Its last run was lost, and may go on where it was until %s: then it is tried again.', rcq_private.time_text(l.eligible_at)),
                     pg_catalog.jsonb_build_object('eligible_at', l.eligible_at, 'losses', l.losses));
    ELSIF l.eligible_at > pg_catalog.clock_timestamp() THEN
        RETURN NEXT rcq_private.found('blocker', 'begin_time', pg_catalog.format('It may not start before %s.', rcq_private.time_text(l.eligible_at)), pg_catalog.jsonb_build_object('eligible_at', l.eligible_at));
    END IF;
    SELECT pg_catalog.count(*) AS placed INTO held FROM rcq_private.live t WHERE t.array_id = COALESCE(l.array_id, l.job_id) AND t.placed_at IS NOT NULL;
    IF held.placed >= l.array_throttle THEN
        RETURN NEXT rcq_private.found('blocker', 'array_throttle', pg_catalog.format('%s tasks of array %s are placed or running, and its throttle is %s.', held.placed, COALESCE(l.array_id, l.job_id), l.array_throttle),
                     pg_catalog.jsonb_build_object('array', COALESCE(l.array_id, l.job_id), 'throttle', l.array_throttle, 'used', held.placed));
        RETURN NEXT rcq_private.found('change', 'raise_throttle', pg_catalog.format('Raise the throttle: SELECT rcq.set_array_throttle(%s, %s).', COALESCE(l.array_id, l.job_id), 2 * l.array_throttle),
                     pg_catalog.jsonb_build_object('call', pg_catalog.format('SELECT rcq.set_array_throttle(%s, %s)', COALESCE(l.array_id, l.job_id), 2 * l.array_throttle)));
    END IF;
    SELECT * INTO s FROM rcq_private.scheduler_state();
    IF s.state <> 'running' THEN
        RETURN NEXT rcq_private.found('blocker', 'scheduler', pg_catalog.format('The scheduler of this database places nothing now: %s%s.', s.state, ', ' || s.last_error),
                     pg_catalog.jsonb_build_object('state', s.state, 'last_error', s.last_error));
    END IF;
    FOR s IN SELECT p.reason, p.since, p.by AS who FROM rcq_private.paused p LOOP
        RETURN NEXT rcq_private.found('blocker', 'paused', pg_catalog.format('The whole cluster is paused since %s: %s.', rcq_private.time_text(s.since), s.reason),
                     pg_catalog.jsonb_build_object('scope', 'cluster', 'reason', s.reason, 'since', s.since, 'by', s.who));
        RETURN NEXT rcq_private.found('change', 'resume', 'Wait for the end of the pause, or ask an administrator for it: SELECT rcq.resume().', pg_catalog.jsonb_build_object('call', 'SELECT rcq.resume()'));
    END LOOP;
    IF g.paused IS NOT NULL THEN
        RETURN NEXT rcq_private.found('blocker', 'paused', pg_catalog.format('Group %s is paused: %s.', g.name, g.paused), pg_catalog.jsonb_build_object('scope', 'group', 'name', g.name, 'reason', g.paused));
        RETURN NEXT rcq_private.found('change', 'resume', pg_catalog.format('Wait for the end of the pause, or ask an administrator for it: SELECT rcq.resume(%L).', g.name),
                     pg_catalog.jsonb_build_object('call', pg_catalog.format('SELECT rcq.resume(%L)', g.name)));
    END IF;

    SELECT pg_catalog.count(*) AS jobs, pg_catalog.count(*) FILTER (WHERE r.group_id = g.id) AS group_jobs, pg_catalog.count(*) FILTER (WHERE r.user_id = u.id) AS user_jobs,
           pg_catalog.count(*) FILTER (WHERE r.concurrency_key = l.concurrency_key) AS key_jobs,
           COALESCE(pg_catalog.sum(r.cpu_cores) FILTER (WHERE r.group_id = g.id), 0) AS group_cores, COALESCE(pg_catalog.sum(r.gpu_count) FILTER (WHERE r.group_id = g.id), 0) AS group_gpus,
           COALESCE(pg_catalog.sum(r.cpu_cores) FILTER (WHERE r.user_id = u.id), 0) AS user_cores, COALESCE(pg_catalog.sum(r.gpu_count) FILTER (WHERE r.user_id = u.id), 0) AS user_gpus
      INTO held FROM rcq_private.placed_runs() r;
    FOR s IN
        SELECT x.*, x.scope || COALESCE(' ' || x.name, '') AS whose, x.used + x.needed AS enough
          FROM (VALUES ('user', COALESCE(u.role_name, u.email), 'max_jobs', COALESCE(u.max_jobs, NULLIF(rcq_private.setting_text('max_jobs_per_user')::integer, 0)), held.user_jobs, 1,
                         CASE WHEN u.max_jobs IS NULL THEN 'rcq.set(''max_jobs_per_user'', %2$L)' ELSE 'rcq.set_user(%1$L, max_jobs => %2$s)' END, NULL),
                       ('user', COALESCE(u.role_name, u.email), 'max_cores', u.max_cores, held.user_cores, l.cpu_cores, 'rcq.set_user(%1$L, max_cores => %2$s)', 'cpu_cores'),
                       ('user', COALESCE(u.role_name, u.email), 'max_gpus', u.max_gpus, held.user_gpus, l.gpu_count, 'rcq.set_user(%1$L, max_gpus => %2$s)', 'gpu_count'),
                       ('group', g.name, 'max_jobs', COALESCE(g.max_jobs, NULLIF(rcq_private.setting_text('max_jobs_per_group')::integer, 0)), held.group_jobs, 1,
                         CASE WHEN g.max_jobs IS NULL THEN 'rcq.set(''max_jobs_per_group'', %2$L)' ELSE 'rcq.set_group(%1$L, max_jobs => %2$s)' END, NULL),
                       ('group', g.name, 'max_cores', g.max_cores, held.group_cores, l.cpu_cores, 'rcq.set_group(%1$L, max_cores => %2$s)', 'cpu_cores'),
                       ('group', g.name, 'max_gpus', g.max_gpus, held.group_gpus, l.gpu_count, 'rcq.set_group(%1$L, max_gpus => %2$s)', 'gpu_count'),
                       ('key', l.concurrency_key, 'max_jobs', (SELECT c.max_jobs FROM rcq_private.concurrency_limit c WHERE c.key = l.concurrency_key), held.key_jobs, 1, 'rcq.set_concurrency_limit(%1$L, %2$s)', NULL),
                       ('cluster', NULL, 'max_concurrent_jobs', NULLIF(rcq_private.setting_text('max_concurrent_jobs')::integer, 0), held.jobs, 1, 'rcq.set(''max_concurrent_jobs'', %2$L)', NULL))
               x(scope, name, limit_name, value, used, needed, call, field)
         WHERE x.used + x.needed > x.value LOOP
        RETURN NEXT rcq_private.found('blocker', 'limit', CASE WHEN s.needed > s.value THEN pg_catalog.format('It needs %s, and %s of %s is %s: it never starts under this limit.', s.needed, s.limit_name, s.whose, s.value)
                ELSE pg_catalog.format('It needs %s more, and of %s of %s %s of %s are in use.', s.needed, s.limit_name, s.whose, s.used, s.value) END,
            pg_catalog.jsonb_build_object('scope', s.scope, 'name', s.name, 'limit', s.limit_name, 'value', s.value, 'used', s.used, 'needed', s.needed));
        IF s.field IS NOT NULL AND s.value > s.used THEN
            RETURN NEXT rcq_private.found('change', 'smaller', pg_catalog.format('With %s = %s instead of %s it would stay within %s of %s.', s.field, s.value - s.used, s.needed, s.limit_name, s.whose),
                         pg_catalog.jsonb_build_object(s.field, s.value - s.used));
        END IF;
        RETURN NEXT rcq_private.found('change', 'raise_limit', pg_catalog.format('Ask an administrator to raise %s of %s (%s of %s in use): SELECT %s.', s.limit_name, s.whose, s.used, s.value, pg_catalog.format(s.call, s.name, s.enough)),
                     pg_catalog.jsonb_build_object('call', pg_catalog.format('SELECT ' || s.call, s.name, s.enough)));
    END LOOP;

    IF g.quota_mode = 'hard' AND g.quota_cpu_hours IS NOT NULL THEN
        SELECT * INTO hours FROM rcq_private.group_hours(g.id);
        needed := rcq_private.billed_rate(l) * l.planned_s / 3600;
        room := g.quota_cpu_hours - hours.used - hours.planned;
        IF needed > room THEN
            frees := rcq_private.usage_leaves(g.id, needed - room, hours.used);
            RETURN NEXT rcq_private.found('blocker', 'quota', pg_catalog.format('It is planned to use %s billed hours; the hard quota of group %s is %s, of which %s are used and %s planned.%s', pg_catalog.round(needed::numeric, 2), g.name,
                    g.quota_cpu_hours, pg_catalog.round(hours.used::numeric, 2), pg_catalog.round(hours.planned::numeric, 2),
                    CASE WHEN needed > g.quota_cpu_hours THEN ' It is more than the whole quota.' ELSE ' Enough of it is free again about ' || rcq_private.time_text(frees) || '.' END),
                pg_catalog.jsonb_build_object('scope', 'group', 'name', g.name, 'quota', g.quota_cpu_hours, 'used', pg_catalog.round(hours.used::numeric, 4), 'planned', pg_catalog.round(hours.planned::numeric, 4),
                    'needed', pg_catalog.round(needed::numeric, 4), 'frees_at', CASE WHEN needed <= g.quota_cpu_hours THEN frees END));
            IF room > 0 AND l.planned_s * room / needed >= 1 THEN
                RETURN NEXT rcq_private.found('change', 'shorter', pg_catalog.format('With a planned time of at most %s instead of %s it would stay within the quota.', rcq_private.duration_text(pg_catalog.floor(l.planned_s * room / needed)),
                        rcq_private.duration_text(l.planned_s)), pg_catalog.jsonb_build_object('planned_s', pg_catalog.floor(l.planned_s * room / needed), 'instead_of_s', l.planned_s));
            END IF;
            RETURN NEXT rcq_private.found('change', 'raise_quota', pg_catalog.format('Ask an administrator to raise the quota: SELECT rcq.set_group(%L, quota_cpu_hours => %s).', g.name, pg_catalog.ceil(g.quota_cpu_hours + needed - room)),
                         pg_catalog.jsonb_build_object('call', pg_catalog.format('SELECT rcq.set_group(%L, quota_cpu_hours => %s)', g.name, pg_catalog.ceil(g.quota_cpu_hours + needed - room))));
        END IF;
    END IF;
END $$;

-- Capacity: what no executor has, what none has free, what reservations and promises keep; and the least that would have
-- to be otherwise. `blocked`: something else keeps the job from starting already. `said`: the scheduler's last reason.
CREATE FUNCTION rcq_private.explain_capacity(l rcq_private.live, v rcq_private.executor_verdict[], blocked boolean, said text) RETURNS SETOF rcq_private.finding
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    n record;
    r record;
    best record;
    needed CONSTANT text := rcq_private.size_text(l.cpu_cores, l.memory_mib, l.gpu_count);
    needs CONSTANT jsonb := rcq_private.size_data(l.cpu_cores, l.memory_mib, l.gpu_count);
    sizes CONSTANT text[] := '{cpu_cores,memory_gb,gpu_count}';
    shortest double precision;
    clear boolean := true;
BEGIN
    SELECT pg_catalog.count(*) AS total, pg_catalog.count(*) FILTER (WHERE e.lacks = '{}') AS capable,
           COALESCE(pg_catalog.array_agg(e.name) FILTER (WHERE e.lacks = '{}' AND e.status = 'ready'), '{}') AS ready,
           COALESCE(pg_catalog.array_agg(e.name) FILTER (WHERE e.lacks = '{}' AND e.status = 'offline'), '{}') AS offline,
           COALESCE(pg_catalog.array_agg(e.name) FILTER (WHERE e.lacks = '{}' AND e.status = 'draining'), '{}') AS draining,
           COALESCE(pg_catalog.array_agg(e.name) FILTER (WHERE e.lacks = '{}' AND e.status = 'ready' AND e.closed_from IS NOT NULL), '{}') AS closed,
           COALESCE(pg_catalog.array_agg(e.name) FILTER (WHERE e.lacks = '{}' AND e.status = 'ready' AND e.short = '{}' AND e.closed_from IS NULL), '{}') AS fits,
           COALESCE(pg_catalog.array_agg(e.name) FILTER (WHERE e.lacks = '{}' AND e.status = 'ready' AND e.short = '{}' AND e.closed_from IS NOT NULL), '{}') AS fits_closed,
           pg_catalog.max(e.cpu_cores) AS most_cores, pg_catalog.max(e.memory_mib) AS most_mib, pg_catalog.max(e.gpu_count) AS most_gpus
      INTO n FROM unnest(v) e;

    FOR r IN
        SELECT k.name, k.total, c.amount::bigint AS amount, k.total - rcq_private.consumable_use(0, k.name) AS free
          FROM pg_catalog.jsonb_each_text(l.consumables) AS c(name, amount) JOIN rcq_private.consumable k ON k.executor_id = 0 AND k.name = c.name
         ORDER BY k.name LOOP
        IF r.free >= r.amount THEN CONTINUE; END IF;
        clear := false;
        SELECT pg_catalog.jsonb_object_agg(h.name, h.amount) AS by_group, pg_catalog.string_agg(h.amount || ' by group ' || h.name, ', ' ORDER BY h.name) AS words INTO best
          FROM (SELECT rcq_private.group_name(x.group_id) AS name, pg_catalog.sum((x.consumables ->> r.name)::bigint) AS amount FROM rcq_private.placed_runs() x WHERE x.consumables ? r.name GROUP BY 1) h;
        RETURN NEXT rcq_private.found('blocker', CASE WHEN r.total < r.amount THEN 'never_fits' ELSE 'consumable' END,
            CASE WHEN r.total < r.amount THEN pg_catalog.format('It needs %s of the consumable %s, and the cluster has %s in all.', r.amount, r.name, r.total)
                 ELSE pg_catalog.format('It needs %s of the consumable %s, and %s of %s are free; the others are held: %s.', r.amount, r.name, r.free, r.total, best.words) END,
            pg_catalog.jsonb_build_object('consumable', r.name, 'needed', r.amount, 'free', r.free, 'total', r.total, 'held_by_group', best.by_group));
        IF r.free > 0 THEN
            RETURN NEXT rcq_private.found('change', 'smaller', pg_catalog.format('%s instead of %s of the consumable %s are free now.', r.free, r.amount, r.name), pg_catalog.jsonb_build_object('consumables', pg_catalog.jsonb_build_object(r.name, r.free)));
        END IF;
    END LOOP;

    IF n.total = 0 THEN
        RETURN NEXT rcq_private.found('blocker', 'no_executor', 'No executor has registered yet.', '{"executors": 0}');
        RETURN;
    ELSIF n.capable = 0 THEN
        SELECT pg_catalog.jsonb_object_agg(w.word, w.offers) AS offers, pg_catalog.string_agg(pg_catalog.format('%s: %s', w.phrase, w.offers), ', ' ORDER BY w.offers, w.word) AS words INTO r
          FROM (SELECT q.word, q.phrase, (SELECT pg_catalog.count(*) FROM unnest(v) e WHERE q.word <> ALL (e.lacks)) AS offers
                  FROM (VALUES ('cpu_cores', pg_catalog.format('%s core%s', l.cpu_cores, CASE WHEN l.cpu_cores <> 1 THEN 's' END)), ('memory_gb', pg_catalog.format('%s GB of memory', rcq_private.memory_gb(l.memory_mib))),
                               ('gpu_count', pg_catalog.format('%s GPU%s', l.gpu_count, CASE WHEN l.gpu_count <> 1 THEN 's' END))
                        UNION ALL SELECT w.word, w.phrase FROM rcq_private.requirements(l) w) q(word, phrase)) w
         WHERE w.offers < n.total;
        RETURN NEXT rcq_private.found('blocker', 'never_fits', pg_catalog.format('No executor could hold it even when empty. Of %s in all, so many have what it asks for: %s. The most that one has is %s.', n.total, r.words, rcq_private.size_text(n.most_cores, n.most_mib, n.most_gpus)),
            pg_catalog.jsonb_build_object('needed', needs, 'executors', n.total, 'offers', r.offers, 'largest', rcq_private.size_data(n.most_cores, n.most_mib, n.most_gpus)));
    ELSIF n.ready = '{}' THEN
        IF n.offline <> '{}' THEN
            RETURN NEXT rcq_private.found('blocker', 'no_executor', pg_catalog.format('Executors that could hold it but are offline: %s.', rcq_private.names_text(n.offline)),
                pg_catalog.jsonb_build_object('needed', needs, 'could_hold', n.capable, 'offline', n.offline));
        END IF;
        IF n.draining <> '{}' THEN
            RETURN NEXT rcq_private.found('blocker', 'drained', pg_catalog.format('Executors that could hold it but take nothing new, because they are being drained: %s.', rcq_private.names_text(n.draining)),
                pg_catalog.jsonb_build_object('needed', needs, 'could_hold', n.capable, 'draining', n.draining,
                    'reasons', (SELECT pg_catalog.jsonb_object_agg(e.name, e.why) FROM unnest(v) e WHERE e.lacks = '{}' AND e.status = 'draining')));
            RETURN NEXT rcq_private.found('change', 'resume', pg_catalog.format('Ask an administrator to let an executor take jobs again: SELECT rcq.resume_executor(%L).', n.draining[1]),
                pg_catalog.jsonb_build_object('call', pg_catalog.format('SELECT rcq.resume_executor(%L)', n.draining[1])));
        END IF;
    ELSIF n.fits = '{}' THEN
        IF n.fits_closed <> '{}' OR n.closed = n.ready THEN
            SELECT e.* INTO best FROM unnest(v) e WHERE e.lacks = '{}' AND e.status = 'ready' AND e.closed_from IS NOT NULL ORDER BY (e.short = '{}') DESC, e.closed_from DESC, e.name LIMIT 1;
            RETURN NEXT rcq_private.found('blocker', 'maintenance', pg_catalog.format('Planned to take %s, it would run into a time that is reserved for %s, from %s %s%s; executors: %s.', rcq_private.duration_text(l.planned_s),
                    COALESCE('group ' || best.closed_for, 'maintenance'), rcq_private.time_text(best.closed_from), CASE WHEN pg_catalog.isfinite(best.closed_until) THEN 'to ' || rcq_private.time_text(best.closed_until) ELSE 'on' END, ' (' || best.closed_why || ')', rcq_private.names_text(n.closed)),
                pg_catalog.jsonb_build_object('planned_s', l.planned_s, 'executor', best.name, 'starts_at', best.closed_from, 'ends_at', best.closed_until, 'group', best.closed_for, 'why', best.closed_why, 'executors', n.closed));
            IF best.short = '{}' AND best.closed_from > pg_catalog.clock_timestamp() + interval '1 minute' THEN
                shortest := (pg_catalog.floor(pg_catalog.date_part('epoch', best.closed_from - pg_catalog.clock_timestamp()) / 60) * 60);
                RETURN NEXT rcq_private.found('change', 'shorter', pg_catalog.format('With a planned time (estimated_hours, else time_limit) of at most %s instead of %s it would start on executor %s before %s.',
                        rcq_private.duration_text(shortest), rcq_private.duration_text(l.planned_s), best.name, rcq_private.time_text(best.closed_from)),
                    pg_catalog.jsonb_build_object('planned_s', shortest, 'instead_of_s', l.planned_s, 'executor', best.name));
            END IF;
        END IF;
        SELECT e.* INTO best FROM unnest(v) e WHERE e.lacks = '{}' AND e.status = 'ready' AND (e.closed_from IS NULL OR n.closed = n.ready) AND e.short <> '{}'
         ORDER BY GREATEST(l.cpu_cores - e.free_cores, 0) / l.cpu_cores::numeric + GREATEST(l.memory_mib - e.free_memory_mib, 0) / l.memory_mib::numeric
                  + GREATEST(l.gpu_count - e.free_gpus, 0) / GREATEST(l.gpu_count, 1)::numeric, pg_catalog.cardinality(e.short), e.name LIMIT 1;
        IF FOUND THEN
            RETURN NEXT rcq_private.found('blocker', 'resources', pg_catalog.format('It needs %s%s%s. Executors that could hold it: %s in service%s%s%s. None has enough free now; the nearest is %s with %s free of %s, too little of: %s.',
                    needed, CASE WHEN l.exclusive THEN ' and the executor alone' END, (SELECT pg_catalog.string_agg(' and ' || w.phrase, '') FROM rcq_private.requirements(l) w WHERE w.field <> 'exclusive'),
                    pg_catalog.cardinality(n.ready), ', ' || NULLIF(pg_catalog.cardinality(n.offline), 0) || ' offline', ', ' || NULLIF(pg_catalog.cardinality(n.draining), 0) || ' being drained',
                    ', ' || NULLIF(pg_catalog.cardinality(n.closed), 0) || ' kept by reservations', best.name,
                    rcq_private.size_text(GREATEST(best.free_cores, 0), GREATEST(best.free_memory_mib, 0), GREATEST(best.free_gpus, 0)), rcq_private.size_text(best.cpu_cores, best.memory_mib, best.gpu_count),
                    pg_catalog.array_to_string(best.short, ', ')),
                pg_catalog.jsonb_build_object('needed', needs, 'could_hold', n.capable, 'in_service', pg_catalog.cardinality(n.ready), 'offline', n.offline, 'draining', n.draining, 'reserved', n.closed,
                    'best', pg_catalog.jsonb_build_object('executor', best.name, 'free', rcq_private.size_data(GREATEST(best.free_cores, 0), GREATEST(best.free_memory_mib, 0), GREATEST(best.free_gpus, 0)),
                        'total', rcq_private.size_data(best.cpu_cores, best.memory_mib, best.gpu_count), 'short', best.short, 'runs', best.runs)));
        END IF;
    ELSIF clear AND NOT blocked AND said IS NOT NULL THEN
        SELECT x.name, pg_catalog.min(x.starts) AS starts INTO best
          FROM (SELECT e.name, p.starts FROM rcq_private.published_plan() q, unnest(q.reserved_jobs, q.reserved_executors, q.reserved_starts) AS p(job_id, executor_id, starts)
                  JOIN unnest(v) e ON e.executor_id = p.executor_id WHERE e.name = ANY (n.fits) AND p.job_id <> l.job_id AND p.starts > pg_catalog.clock_timestamp()) x
         GROUP BY x.name ORDER BY 2 DESC, 1 LIMIT 1;
        IF said = 'reserved' THEN
            RETURN NEXT rcq_private.found('blocker', 'reserved', pg_catalog.format('It would fit now (%s), but the room is promised to jobs before it, and, planned to take %s, it would delay one of them%s.', rcq_private.names_text(n.fits),
                    rcq_private.duration_text(l.planned_s), ' (on ' || best.name || ' from ' || rcq_private.time_text(best.starts) || ')'),
                pg_catalog.jsonb_build_object('fits', n.fits, 'planned_s', l.planned_s, 'promised_on', best.name, 'promised_from', best.starts));
            IF best.starts > pg_catalog.clock_timestamp() + interval '1 minute' THEN
                shortest := (pg_catalog.floor(pg_catalog.date_part('epoch', best.starts - pg_catalog.clock_timestamp()) / 60) * 60);
                RETURN NEXT rcq_private.found('change', 'shorter', pg_catalog.format('With a planned time (estimated_hours, else time_limit) of at most %s instead of %s it could start on executor %s before that.',
                        rcq_private.duration_text(shortest), rcq_private.duration_text(l.planned_s), best.name),
                    pg_catalog.jsonb_build_object('planned_s', shortest, 'instead_of_s', l.planned_s, 'executor', best.name));
            END IF;
        ELSIF said IN ('priority', 'resources') THEN
            RETURN NEXT rcq_private.found('blocker', 'priority', pg_catalog.format('It fits now (%s) and waits for its turn: jobs before it go first, or the scheduler has not come to it yet.', rcq_private.names_text(n.fits)),
                pg_catalog.jsonb_build_object('fits', n.fits));
        ELSE
            RETURN NEXT rcq_private.found('blocker', said, pg_catalog.format('The scheduler last named this reason: %s. What it goes by has changed since, or was corrected by it, as the planned time of people whose jobs run longer than they say.', said),
                pg_catalog.jsonb_build_object('fits', n.fits));
        END IF;
    END IF;

    IF n.fits <> '{}' THEN RETURN; END IF;
    -- the executor that the job has to shrink least for: now, or if none could ever hold it, when empty
    SELECT e.name, n.capable = 0 AS empty, LEAST(l.cpu_cores, c.cores) AS cores, LEAST(l.memory_mib, c.mib) AS mib, LEAST(l.gpu_count, c.gpus) AS gpus INTO best
      FROM unnest(v) e, LATERAL (SELECT CASE WHEN n.capable = 0 THEN e.cpu_cores ELSE e.free_cores END, CASE WHEN n.capable = 0 THEN e.memory_mib ELSE e.free_memory_mib END,
                                        CASE WHEN n.capable = 0 THEN e.gpu_count ELSE e.free_gpus END) c(cores, mib, gpus)
     WHERE e.lacks <@ sizes AND (n.capable = 0 OR (e.status = 'ready' AND e.closed_from IS NULL AND e.short <@ sizes)) AND c.cores > 0 AND c.mib > 0 AND (l.gpu_count = 0 OR c.gpus > 0)
     ORDER BY GREATEST(l.cpu_cores - c.cores, 0) / l.cpu_cores::numeric + GREATEST(l.memory_mib - c.mib, 0) / l.memory_mib::numeric + GREATEST(l.gpu_count - c.gpus, 0) / GREATEST(l.gpu_count, 1)::numeric, e.name LIMIT 1;
    IF FOUND THEN
        RETURN NEXT rcq_private.found('change', 'smaller', pg_catalog.format('With %s instead of %s executor %s could hold it%s.', rcq_private.size_text(best.cores, best.mib, best.gpus), needed, best.name,
                CASE WHEN best.empty THEN ', when enough of it is free' ELSE ' now' END),
            rcq_private.size_data(best.cores, best.mib, best.gpus) || pg_catalog.jsonb_build_object('executor', best.name, 'now', NOT best.empty));
    END IF;
    -- each requirement that is the only thing in the way
    FOR r IN
        SELECT q.*, w.now_, w.ever FROM rcq_private.requirements(l) q,
               LATERAL (SELECT pg_catalog.array_agg(e.name) FILTER (WHERE e.status = 'ready' AND e.closed_from IS NULL AND e.short <@ ARRAY[q.word]) AS now_,
                               pg_catalog.array_agg(e.name) FILTER (WHERE e.lacks = ARRAY[q.word]) AS ever FROM unnest(v) e WHERE e.lacks <@ ARRAY[q.word]) w
         WHERE w.now_ IS NOT NULL OR (n.capable = 0 AND w.ever IS NOT NULL) ORDER BY w.now_ IS NULL, q.word LOOP
        RETURN NEXT rcq_private.found('change', 'without', CASE WHEN r.now_ IS NOT NULL THEN pg_catalog.format('Without %s it would fit now: %s.', r.phrase, rcq_private.names_text(r.now_))
                ELSE pg_catalog.format('Without %s executors could hold it when enough of them is free: %s.', r.phrase, rcq_private.names_text(r.ever)) END,
            pg_catalog.jsonb_build_object('field', r.field, 'value', r.value, 'executors', COALESCE(r.now_, r.ever), 'now', r.now_ IS NOT NULL));
    END LOOP;
END $$;

-- The place of the job in the queue, what it is made of, who is before it, when it is expected to start. Nothing is told
-- of the jobs of others but how many of each group there are. p: its pending_state; blockers: reasons that were found.
CREATE FUNCTION rcq_private.explain_rank(l rcq_private.live, v rcq_private.executor_verdict[], p record, blockers text[]) RETURNS SETOF rcq_private.finding
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    policy CONSTANT text := rcq_private.setting_text('policy');
    caller CONSTANT integer := rcq_private.caller_id();
    admin CONSTANT boolean := rcq_private.caller_is_admin();
    g rcq_private.groups;
    hours record;
    ranked record;
    ahead record;
    base integer;
    fair double precision;
    boost double precision;
    final double precision;
    place bigint := p."position";
    top integer;
    formula text;
    starts timestamptz;
    how text;
    fits_now CONSTANT boolean := EXISTS (SELECT FROM unnest(v) e WHERE e.lacks = '{}' AND e.status = 'ready' AND e.short = '{}' AND e.closed_from IS NULL);
BEGIN
    SELECT * INTO STRICT g FROM rcq_private.groups WHERE id = l.group_id;
    base := COALESCE(p.base_priority, l.priority + g.priority);
    fair := p.fair_share;
    boost := p.wait_boost;
    final := p.final_priority;
    IF fair IS NULL AND policy = 'quota' THEN -- no such job waits: the group's own multiplier
        IF g.quota_cpu_hours IS NULL THEN
            fair := 1;
        ELSE
            SELECT h.used + CASE WHEN rcq_private.setting_text('count_planned_usage') = '1' THEN h.planned ELSE 0 END AS used INTO hours FROM rcq_private.group_hours(g.id) h;
            fair := CASE WHEN g.quota_cpu_hours = 0 THEN rcq_private.setting_text('fairshare_floor')::double precision
                         WHEN hours.used <= g.quota_cpu_hours / rcq_private.setting_text('fairshare_cap')::double precision THEN rcq_private.setting_text('fairshare_cap')::double precision
                         ELSE GREATEST(g.quota_cpu_hours / hours.used, rcq_private.setting_text('fairshare_floor')::double precision) END;
        END IF;
        boost := 1;
        final := base * fair * boost;
    END IF;
    IF l.job_id IS NULL THEN
        SELECT 1 + pg_catalog.count(*) FILTER (WHERE r.final_priority >= final OR final IS NULL) AS place INTO ranked FROM rcq_private.ranked_jobs() r;
        place := ranked.place;
    END IF;

    formula := CASE WHEN policy = 'fifo' THEN 'by the time of waiting alone' WHEN final IS NULL THEN NULL
        WHEN policy = 'quota' THEN pg_catalog.format('priority %s = base %s (job %s + group %s) x fair share %s x waiting %s', pg_catalog.round(final::numeric, 3), base, l.priority, base - l.priority,
                              pg_catalog.round(fair::numeric, 3), pg_catalog.round(boost::numeric, 4))
        ELSE pg_catalog.format('priority %s = %s x age %s + %s x fair share %s + %s x priority %s (job %s + group %s)%s', pg_catalog.round(final::numeric, 4), rcq_private.setting_text('weight_age'),
                 pg_catalog.round(boost::numeric, 4), rcq_private.setting_text('weight_fair_share'), pg_catalog.round(fair::numeric, 4), rcq_private.setting_text('weight_priority'), pg_catalog.round(base / 20.0, 3), l.priority, base - l.priority,
                 CASE WHEN rcq_private.setting_text('weight_size')::double precision > 0 THEN ' + ' || rcq_private.setting_text('weight_size') || ' x size' END) END;
    SELECT COALESCE(pg_catalog.jsonb_object_agg(x.name, x.jobs), '{}') AS by_group, pg_catalog.string_agg(pg_catalog.format('%s of group %s', x.jobs, x.name), ', ' ORDER BY x.jobs DESC, x.name) AS words,
           COALESCE(pg_catalog.sum(x.jobs), 0) AS jobs INTO ahead
      FROM (SELECT rcq_private.group_name(r.group_id) AS name, pg_catalog.count(*) AS jobs FROM rcq_private.ranked_jobs() r WHERE r."position" < place OR place IS NULL GROUP BY 1) x;
    SELECT s.pending AS total, COALESCE((SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('id', r.job_id, 'position', r."position", 'group', rcq_private.group_name(r.group_id), 'priority', r.priority,
               'final_priority', pg_catalog.round(r.final_priority::numeric, 3)) ORDER BY r."position")
               FROM (SELECT * FROM rcq_private.ranked_jobs() r WHERE (r."position" < place OR place IS NULL) AND (admin OR r.user_id = caller) ORDER BY r."position" LIMIT 5) r), '[]') AS jobs
      INTO ranked FROM rcq_private.scheduler_state() s;
    RETURN NEXT rcq_private.found('rank', policy,
        CASE WHEN l.held THEN 'While it is held it has no place in the queue' WHEN l.job_id IS NULL THEN pg_catalog.format('It would be about number %s of %s', place, ranked.total + 1)
             WHEN place IS NOT NULL THEN pg_catalog.format('It is number %s of %s in the queue', place, ranked.total)
             WHEN ahead.jobs >= 1000 THEN pg_catalog.format('It is behind the first %s of %s in the queue', ahead.jobs, ranked.total) ELSE 'It has no place in the queue yet' END
        || COALESCE(': ' || formula, '; the factors of its priority are not known yet') || '.'
        || CASE WHEN ahead.words IS NOT NULL AND NOT l.held AND (place > 1 OR ahead.jobs >= 1000) THEN pg_catalog.format(' Before it: %s.', ahead.words) ELSE '' END,
        pg_catalog.jsonb_build_object('position', CASE WHEN NOT l.held THEN place END, 'pending', ranked.total, 'base_priority', base, 'job_priority', l.priority, 'group_priority', base - l.priority,
            'fair_share', pg_catalog.round(fair::numeric, 4), 'wait_boost', pg_catalog.round(boost::numeric, 4), 'final_priority', pg_catalog.round(final::numeric, 4), 'formula', formula,
            'ahead_by_group', CASE WHEN NOT l.held AND (place IS NOT NULL OR ahead.jobs >= 1000) THEN ahead.by_group ELSE '{}' END, 'ahead', CASE WHEN NOT l.held AND (place IS NOT NULL OR ahead.jobs >= 1000) THEN ranked.jobs ELSE '[]' END));

    -- predicted start
    starts := p.expected_start;
    how := CASE WHEN p.approximate THEN 'approximate' ELSE 'exact' END;
    IF starts IS NULL AND p.reserved_start IS NOT NULL THEN
        starts := p.reserved_start;
        how := 'exact';
    ELSIF NOT blockers <@ '{resources,reserved,priority,consumable,maintenance}'::text[] THEN
        starts := NULL;
    ELSIF l.job_id IS NULL AND fits_now AND (place = 1 OR (SELECT q.reserved_jobs = '{}' FROM rcq_private.published_plan() q)) THEN
        starts := pg_catalog.clock_timestamp();
        how := CASE WHEN place = 1 THEN 'exact' ELSE 'approximate' END;
    ELSIF starts IS NULL THEN
        how := 'approximate';
        IF l.job_id IS NULL THEN -- as late as the last job before it that asks for no less
            SELECT pg_catalog.max(r.expected_start) INTO starts FROM rcq_private.ranked_jobs() r
             WHERE r."position" < place AND r.cpu_cores >= l.cpu_cores AND r.memory_mib >= l.memory_mib AND r.gpu_count >= l.gpu_count;
        END IF;
        starts := COALESCE(starts, CASE WHEN NOT fits_now THEN rcq_private.free_by_plan(l, v) END);
    END IF;
    IF starts IS NULL THEN
        RETURN NEXT rcq_private.found('expect', 'unknown', 'When it will start cannot be said, because it waits for something that has no planned time, or because nothing was computed yet.', '{}');
    ELSE
        RETURN NEXT rcq_private.found('expect', how, pg_catalog.format('It is expected to start %s%s.%s', CASE WHEN starts <= pg_catalog.clock_timestamp() + interval '1 second' THEN 'at once' ELSE 'at ' || rcq_private.time_text(starts) END,
                CASE how WHEN 'approximate' THEN ', approximately' ELSE ', if nothing else is submitted and all runs keep to their plans' END,
                ' Executor ' || rcq_private.executor_name(p.reserved_executor) || ' is promised to it from ' || rcq_private.time_text(p.reserved_start) || '.'),
            pg_catalog.jsonb_build_object('expected_start', starts, 'in_s', pg_catalog.round(GREATEST(pg_catalog.date_part('epoch', starts - pg_catalog.clock_timestamp()), 0)), 'approximate', how = 'approximate',
                'age_s', CASE WHEN p.expected_start IS NOT NULL THEN pg_catalog.round(pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - p.forecast_at)) END,
                'reserved_executor', rcq_private.executor_name(p.reserved_executor), 'reserved_start', p.reserved_start));
    END IF;

    SELECT CASE WHEN admin THEN 10 ELSE u.max_priority END INTO top FROM rcq_private.users u WHERE u.id = caller;
    IF blockers <@ '{resources,reserved,priority,consumable}'::text[] AND policy <> 'fifo' AND l.priority < top AND (place > 1 OR ahead.jobs >= 1000) THEN
        RETURN NEXT rcq_private.found('change', 'priority', pg_catalog.format('With priority %s instead of %s%s its base priority would be %s instead of %s.', top, l.priority,
                ' (SELECT rcq.set_priority(' || l.job_id || ', ' || top || '))', base + top - l.priority, base),
            pg_catalog.jsonb_build_object('priority', top, 'base_priority', base + top - l.priority, 'call', 'SELECT rcq.set_priority(' || l.job_id || ', ' || top || ')'));
    END IF;
END $$;

-- All findings of a pending job but its state; or all of one that was not submitted (job_id NULL): `refused` is what its
-- submission would meet.
CREATE FUNCTION rcq_private.explain_pending(l rcq_private.live, refused rcq_private.finding[] DEFAULT '{}') RETURNS SETOF rcq_private.finding
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    p record;
    v rcq_private.executor_verdict[];
    gates rcq_private.finding[];
    capacity rcq_private.finding[];
    blockers text[];
BEGIN
    SELECT * INTO p FROM rcq_private.pending_state(COALESCE(l.job_id, 0), l.group_id, l.user_id, l.priority, l.cpu_cores, l.memory_mib, l.gpu_count, l.features, l.held, l.eligible_at, l.cpu_cores_min, l.gpu_type,
        l.constraints, l.consumables, l.exclusive, l.preemptible, l.concurrency_key, COALESCE(l.array_id, l.job_id), l.array_throttle, l.unmet, GREATEST(l.failures, l.losses));
    l := rcq_private.as_planned(l);
    v := ARRAY(SELECT e FROM rcq_private.executor_verdicts(l) e);
    gates := ARRAY(SELECT f FROM rcq_private.explain_gates(l) f);
    blockers := ARRAY(SELECT f.reason FROM unnest(gates) f WHERE f.kind = 'blocker');
    capacity := ARRAY(SELECT f FROM rcq_private.explain_capacity(l, v, blockers <> '{}', CASE WHEN l.job_id IS NOT NULL THEN p.reason END) f);
    blockers := blockers || ARRAY(SELECT f.reason FROM unnest(capacity) f WHERE f.kind = 'blocker');
    IF l.job_id IS NULL THEN
        RETURN NEXT rcq_private.found('state', 'not_submitted', pg_catalog.format('The request is valid, and was not submitted: %s, planned to take %s.', rcq_private.size_text(l.cpu_cores, l.memory_mib, l.gpu_count),
                rcq_private.duration_text(l.planned_s)),
            rcq_private.size_data(l.cpu_cores, l.memory_mib, l.gpu_count) || pg_catalog.jsonb_build_object('planned_s', l.planned_s)
            || (SELECT pg_catalog.jsonb_build_object('fits_now', COALESCE(pg_catalog.jsonb_agg(e.name) FILTER (WHERE e.status = 'ready' AND e.short = '{}' AND e.closed_from IS NULL), '[]'),
                                                     'fits_ever', COALESCE(pg_catalog.jsonb_agg(e.name), '[]')) FROM unnest(v) e WHERE e.lacks = '{}'));
    END IF;
    RETURN QUERY
        SELECT f.kind, f.reason, f.message, pg_catalog.jsonb_strip_nulls(f.data)
          FROM unnest(refused || gates || capacity || ARRAY(SELECT f FROM rcq_private.explain_rank(l, v, p, blockers) f)) WITH ORDINALITY f(kind, reason, message, data, n)
         ORDER BY pg_catalog.array_position('{blocker,rank,expect,change}'::text[], f.kind), f.n;
END $$;

CREATE FUNCTION rcq.explain(job bigint) RETURNS TABLE (kind text, reason text, message text, data jsonb)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    caller CONSTANT integer := rcq_private.caller_id();
    admin CONSTANT boolean := rcq_private.caller_is_admin();
    j rcq_private.job;
    l rcq_private.live;
    o rcq_private.outcome;
BEGIN
    SELECT * INTO j FROM rcq_private.job x WHERE x.id = job AND (x.user_id = caller OR admin);
    IF NOT FOUND THEN
        PERFORM rcq_private.fail('RC002', pg_catalog.format('there is no job %s of yours', COALESCE(job::text, 'NULL')), 'List your jobs with SELECT id, status FROM rcq.jobs.');
    END IF;
    SELECT * INTO l FROM rcq_private.live x WHERE x.job_id = job;
    IF NOT FOUND THEN
        SELECT * INTO o FROM rcq_private.outcome x WHERE x.job_id = job;
        IF NOT FOUND THEN
            RETURN QUERY SELECT f.* FROM rcq_private.explain_restored(j, admin) f;
            RETURN;
        END IF;
    END IF;
    IF l.job_id IS NULL OR l.placed_at IS NOT NULL THEN
        RETURN QUERY SELECT f.* FROM rcq_private.explain_run(j, l, o) f;
        RETURN;
    END IF;
    RETURN QUERY
        SELECT 'state', 'pending', pg_catalog.format('Job %s is pending since %s (%s): %s, planned to take %s%s.', j.id, rcq_private.time_text(l.eligible_at),
                   rcq_private.duration_text(pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - l.eligible_at)), rcq_private.size_text(l.cpu_cores, l.memory_mib, l.gpu_count),
                   rcq_private.duration_text(rcq_private.plan_seconds(l.planned_s, l.group_id)), '; attempts so far: ' || NULLIF(l.attempt, 0)),
               rcq_private.size_data(l.cpu_cores, l.memory_mib, l.gpu_count) || pg_catalog.jsonb_build_object('submitted_at', j.submitted_at, 'eligible_at', l.eligible_at,
                   'waiting_s', pg_catalog.round(GREATEST(pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - l.eligible_at), 0)),
                   'planned_s', rcq_private.plan_seconds(l.planned_s, l.group_id), 'attempt', l.attempt)
        UNION ALL
        SELECT f.* FROM rcq_private.explain_pending(l) f;
END $$;
COMMENT ON FUNCTION rcq.explain(bigint) IS
'Says why a job is where it is, one finding a row: state (what it does, or how it ended; of a run that is to end also since when, whether its executor knows, and by when it is killed), and of a pending job every blocker at once, its rank (place, factors, who is before it), when it is expected to start, and changes that would let it start or start sooner. message: for people; data: the numbers, for programs. Errors: RC002, RC010';

CREATE FUNCTION rcq.explain_submit(
    script text, cpu_cores integer DEFAULT NULL, memory_gb numeric DEFAULT NULL, gpu_count integer DEFAULT NULL,
    estimated_hours numeric DEFAULT NULL, time_limit interval DEFAULT NULL, priority integer DEFAULT NULL,
    max_retries integer DEFAULT NULL, name text DEFAULT NULL, workdir text DEFAULT NULL, env jsonb DEFAULT NULL,
    features text[] DEFAULT NULL, hold boolean DEFAULT NULL, requeue boolean DEFAULT NULL,
    on_disconnect text DEFAULT NULL, cpu_cores_min integer DEFAULT NULL, gpu_type text DEFAULT NULL,
    constraints text DEFAULT NULL, consumables jsonb DEFAULT NULL, exclusive boolean DEFAULT NULL,
    preemptible boolean DEFAULT NULL, concurrency_key text DEFAULT NULL)
RETURNS TABLE (kind text, reason text, message text, data jsonb)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    caller rcq_private.users;
    l rcq_private.live;
    asked rcq_private.request := ROW(script, cpu_cores, rcq_private.as_float(memory_gb), gpu_count, rcq_private.as_float(estimated_hours), time_limit, priority, max_retries, name, workdir, env,
        features, hold, requeue, on_disconnect, cpu_cores_min, gpu_type, constraints, consumables, exclusive, preemptible, concurrency_key,
        NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)::rcq_private.request;
    limit_ interval;
    max_pending bigint;
    submit_rate CONSTANT bigint := rcq_private.setting_text('submit_rate_per_user')::bigint;
    count bigint;
    refused rcq_private.finding[] := '{}';
BEGIN
    SELECT * INTO STRICT caller FROM rcq_private.users u WHERE u.id = rcq_private.caller_id();
    asked := (rcq_private.with_directives(ARRAY[asked]))[1];
    limit_ := COALESCE(asked.time_limit, pg_catalog.make_interval(secs => NULLIF(rcq_private.setting_text('default_time_limit')::double precision, 0)));
    PERFORM rcq_private.check_names(ARRAY[asked]), rcq_private.check_options(ARRAY[asked]);
    l.memory_mib := rcq_private.check_request(NULL, asked.script, COALESCE(asked.cpu_cores, 1), COALESCE(asked.memory_gb, 1), COALESCE(asked.gpu_count, 0), asked.estimated_hours, pg_catalog.date_part('epoch', limit_),
        COALESCE(asked.priority, LEAST(5, caller.max_priority)), COALESCE(asked.max_retries, 0), asked.name, asked.workdir, asked.env, asked.features, COALESCE(asked.on_disconnect, 'continue'), asked.cpu_cores_min,
        asked.gpu_type, asked.constraints, asked.consumables, asked.concurrency_key,
        caller.max_priority, rcq_private.setting_text('max_script_bytes')::integer, NULLIF(rcq_private.setting_text('max_time_limit')::double precision, 0));
    l.user_id := caller.id;
    l.group_id := caller.group_id;
    l.cpu_cores := COALESCE(asked.cpu_cores, 1);
    l.gpu_count := COALESCE(asked.gpu_count, 0);
    l.planned_s := pg_catalog.ceil(COALESCE(asked.estimated_hours * 3600, pg_catalog.date_part('epoch', limit_)));
    l.features := rcq_private.feature_list(asked.features);
    l.cpu_cores_min := asked.cpu_cores_min;
    l.gpu_type := rcq_private.constraint_text(asked.gpu_type);
    l.constraints := rcq_private.constraint_text(asked.constraints);
    l.consumables := rcq_private.whole_amounts(asked.consumables);
    l.exclusive := COALESCE(asked.exclusive, false);
    l.preemptible := COALESCE(asked.preemptible, false);
    l.concurrency_key := asked.concurrency_key;
    l.held := COALESCE(asked.hold, false);
    l.priority := COALESCE(asked.priority, LEAST(5, caller.max_priority));
    l.eligible_at := GREATEST(pg_catalog.clock_timestamp(), asked.begin_time);

    max_pending := COALESCE(caller.max_pending, rcq_private.setting_text('max_pending_per_user')::bigint);
    IF max_pending > 0 THEN
        count := rcq_private.count_pending(caller.id, max_pending);
        IF count >= max_pending THEN
            refused := refused || rcq_private.found('blocker', 'max_pending', pg_catalog.format('It would be refused now (RC007): %s of your jobs are pending, and your limit is %s.', count, max_pending),
                pg_catalog.jsonb_build_object('limit', 'max_pending', 'value', max_pending, 'used', count, 'needed', 1, 'error', 'RC007'));
        END IF;
    END IF;
    IF submit_rate > 0 THEN
        count := rcq_private.count_submitted(caller.id, pg_catalog.clock_timestamp() - interval '1 minute', submit_rate);
        IF count >= submit_rate THEN
            refused := refused || rcq_private.found('blocker', 'submit_rate', pg_catalog.format('It would be refused now (RC007): you submitted %s jobs within the last minute, and the limit is %s.', count, submit_rate),
                pg_catalog.jsonb_build_object('limit', 'submit_rate_per_user', 'value', submit_rate, 'used', count, 'needed', 1, 'error', 'RC007'));
        END IF;
    END IF;
    RETURN QUERY SELECT f.* FROM rcq_private.explain_pending(l, refused) f;
END $$;
COMMENT ON FUNCTION rcq.explain_submit(text, integer, numeric, integer, numeric, interval, integer, integer, text, text, jsonb, text[], boolean, boolean, text,
    integer, text, text, jsonb, boolean, boolean, text) IS
'Says what would become of a job with these arguments, as those of rcq.submit, without submitting it: whether it is valid (errors as of rcq.submit), where it fits now or ever, what would block or refuse it, with which priority it would begin, when it would start; rows as of rcq.explain. Options in #RCQ lines of the script count as they do for rcq.submit, but for dependencies. Errors: RC001, RC005, RC010';
