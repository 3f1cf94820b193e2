-- What a job asks for, changed before it starts: limits and estimates. What was asked for stands in two rows, job and live;
-- the scheduler reads live, and applies no placement that it planned for other values than those (store_placing.cpp
-- compares each column that is changed here and that a plan goes by).

-- What rcq.update_job can change, as it is recorded.
CREATE FUNCTION rcq_private.changeable_terms(j rcq_private.job) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT pg_catalog.jsonb_build_object('cpu_cores', j.cpu_cores, 'memory_gb', rcq_private.memory_gb(j.memory_mib), 'gpu_count', j.gpu_count,
               'estimated_hours', pg_catalog.trim_scale(pg_catalog.round(pg_catalog.extract('epoch', j.estimate) / 3600, 6)), 'time_limit', j.time_limit,
               'deadline', j.deadline, 'max_retries', j.max_retries, 'cpu_cores_min', j.cpu_cores_min, 'gpu_type', j.gpu_type)
$$;

-- Tasks of an array that have not started and still ask for what the array does, locked: those that nobody changed by
-- themselves.
CREATE FUNCTION rcq_private.following_tasks(j rcq_private.job) RETURNS SETOF bigint
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
    SELECT t.job_id FROM rcq_private.lock_tasks(j.id, NULL) t JOIN rcq_private.job k ON k.id = t.job_id
     WHERE t.claimed_at IS NULL
       AND (k.cpu_cores, k.memory_mib, k.gpu_count, k.estimate, k.time_limit, k.deadline, k.max_retries, k.cpu_cores_min, k.gpu_type)
           IS NOT DISTINCT FROM (j.cpu_cores, j.memory_mib, j.gpu_count, j.estimate, j.time_limit, j.deadline, j.max_retries, j.cpu_cores_min, j.gpu_type)
$$;

-- The job as it would be with what is asked for and without what is cleared; RC001 when that could not be submitted
-- either. What is neither asked for nor cleared is checked only against what is.
CREATE FUNCTION rcq_private.with_changes(j rcq_private.job, asked rcq_private.request, cleared text[]) RETURNS rcq_private.job
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    n rcq_private.job := j;
    limits CONSTANT jsonb := (SELECT t.limits FROM rcq_private.task_type t WHERE t.name = j.type ORDER BY t.shipped LIMIT 1);
    hours double precision := asked.estimated_hours;
BEGIN
    IF limits IS NOT NULL THEN
        n.time_limit := (rcq_private.within_limits(asked, limits, '')).time_limit; -- with that of its type where none is asked for
    ELSE
        n.time_limit := asked.time_limit;
    END IF;
    IF asked.time_limit IS NULL THEN
        n.time_limit := CASE WHEN 'time_limit' = ANY (cleared) THEN COALESCE(n.time_limit, pg_catalog.make_interval(secs => NULLIF(rcq_private.setting_text('default_time_limit')::double precision, 0)))
                             ELSE j.time_limit END;
    END IF;
    n.cpu_cores := COALESCE(asked.cpu_cores, j.cpu_cores);
    n.gpu_count := COALESCE(asked.gpu_count, j.gpu_count);
    n.estimate := CASE WHEN NOT 'estimated_hours' = ANY (cleared) THEN j.estimate END;
    n.deadline := CASE WHEN NOT 'deadline' = ANY (cleared) THEN COALESCE(asked.deadline, j.deadline) END;
    n.cpu_cores_min := CASE WHEN NOT 'cpu_cores_min' = ANY (cleared) THEN COALESCE(asked.cpu_cores_min, j.cpu_cores_min) END;
    n.gpu_type := CASE WHEN NOT 'gpu_type' = ANY (cleared) THEN COALESCE(asked.gpu_type, j.gpu_type) END;
    IF hours IS NULL AND n.estimate > n.time_limit THEN
        hours := pg_catalog.date_part('epoch', n.estimate) / 3600;
    END IF;
    IF asked.deadline IS NOT NULL THEN
        asked.begin_time := j.begin_time;
    END IF;
    PERFORM rcq_private.check_options(ARRAY[asked]);
    n.memory_mib := rcq_private.check_request(NULL, 'true', n.cpu_cores, COALESCE(asked.memory_gb, j.memory_mib / 1024.0::double precision), n.gpu_count, hours,
        pg_catalog.date_part('epoch', n.time_limit), 5, COALESCE(asked.max_retries, j.max_retries), NULL, NULL, NULL, NULL, 'continue', n.cpu_cores_min, n.gpu_type, NULL, NULL, NULL,
        10, 1000, CASE WHEN asked.time_limit IS NOT NULL THEN NULLIF(rcq_private.setting_text('max_time_limit')::double precision, 0) END);
    n.max_retries := COALESCE(asked.max_retries, j.max_retries);
    IF asked.gpu_type IS NOT NULL THEN
        asked.gpu_count := n.gpu_count;
        PERFORM rcq_private.check_names(ARRAY[asked]);
        n.gpu_type := rcq_private.constraint_text(asked.gpu_type);
    END IF;
    IF asked.estimated_hours IS NOT NULL THEN
        n.estimate := pg_catalog.make_interval(secs => asked.estimated_hours * 3600);
    END IF;
    RETURN n;
END $$;

CREATE FUNCTION rcq.update_job(job bigint, cpu_cores integer DEFAULT NULL, memory_gb numeric DEFAULT NULL, gpu_count integer DEFAULT NULL,
    estimated_hours numeric DEFAULT NULL, time_limit interval DEFAULT NULL, deadline timestamptz DEFAULT NULL, max_retries integer DEFAULT NULL,
    cpu_cores_min integer DEFAULT NULL, gpu_type text DEFAULT NULL, clear text[] DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' SET enable_seqscan = off SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
DECLARE
    clearable CONSTANT text[] := '{estimated_hours,time_limit,deadline,cpu_cores_min,gpu_type}';
    cleared CONSTANT text[] := COALESCE(pg_catalog.array_remove(clear, NULL), '{}');
    asked rcq_private.request;
    l rcq_private.live;
    j rcq_private.job;
    n rcq_private.job;
    before jsonb;
    after jsonb;
    ids bigint[];
    wrong text;
BEGIN
    l := rcq_private.lock_live(update_job.job);
    asked.cpu_cores := update_job.cpu_cores;
    asked.memory_gb := rcq_private.as_float(update_job.memory_gb);
    asked.gpu_count := update_job.gpu_count;
    asked.estimated_hours := rcq_private.as_float(update_job.estimated_hours);
    asked.time_limit := update_job.time_limit;
    asked.deadline := update_job.deadline;
    asked.max_retries := update_job.max_retries;
    asked.cpu_cores_min := update_job.cpu_cores_min;
    asked.gpu_type := update_job.gpu_type;
    IF asked IS NULL AND cleared = '{}' THEN
        PERFORM rcq_private.fail('RC001', 'nothing is given that is to change',
            'Give cpu_cores, memory_gb, gpu_count, estimated_hours, time_limit, deadline, max_retries, cpu_cores_min or gpu_type; what is left out stays as it is.');
    END IF;
    SELECT c INTO wrong FROM unnest(cleared) c WHERE c <> ALL (clearable) LIMIT 1;
    IF FOUND THEN
        PERFORM rcq_private.fail('RC001', pg_catalog.format('clear cannot name "%s"', pg_catalog.left(wrong, 100)),
            'A job can be without: ' || pg_catalog.array_to_string(clearable, ', ') || '.');
    END IF;
    SELECT c INTO wrong FROM unnest(cleared) c WHERE pg_catalog.to_jsonb(asked) ->> c IS NOT NULL LIMIT 1;
    IF FOUND THEN
        PERFORM rcq_private.fail('RC001', pg_catalog.format('%s is both given and named in clear', wrong), 'Do one or the other.');
    END IF;
    IF l.claimed_at IS NOT NULL AND l.tasks_waiting IS NULL THEN
        PERFORM rcq_private.fail('RC003', pg_catalog.format('job %s is running and keeps what it was started with', update_job.job),
            pg_catalog.format('To run it with other limits, requeue it first: SELECT rcq.requeue(%s), and change it while it is pending.', update_job.job));
    END IF;
    SELECT * INTO STRICT j FROM rcq_private.job x WHERE x.id = update_job.job;
    ids := ARRAY[update_job.job];
    IF l.tasks_waiting IS NOT NULL THEN
        ids := ids || ARRAY(SELECT f FROM rcq_private.following_tasks(j) f);
        IF pg_catalog.cardinality(ids) = 1 AND EXISTS (SELECT FROM rcq_private.array a WHERE a.job_id = update_job.job AND a.waiting + a.held = '{}') THEN
            PERFORM rcq_private.fail('RC003', pg_catalog.format('no task of array job %s is left that it would change', update_job.job),
                'Tasks that were changed by themselves are changed one by one: rcq.task gives the id of each.');
        END IF;
    END IF;
    n := rcq_private.with_changes(j, asked, cleared);
    -- what is in force may be more than what was asked for, after an attempt that ran out of memory
    IF update_job.memory_gb IS NOT NULL THEN j.memory_mib := l.memory_mib; END IF;
    SELECT pg_catalog.jsonb_object_agg(b.key, b.value), pg_catalog.jsonb_object_agg(a.key, a.value) INTO before, after
      FROM pg_catalog.jsonb_each(rcq_private.changeable_terms(j)) b JOIN pg_catalog.jsonb_each(rcq_private.changeable_terms(n)) a ON a.key = b.key
     WHERE a.value <> b.value;
    IF after IS NULL THEN RETURN; END IF; -- it is so already
    PERFORM rcq_private.take_back(ARRAY(SELECT i FROM unnest(ids) i WHERE l.tasks_waiting IS NULL OR i <> update_job.job));
    -- of earlier attempts it still says what they had
    UPDATE rcq_private.run r
       SET granted_cores = COALESCE(r.granted_cores, k.cpu_cores), granted_memory_mib = COALESCE(r.granted_memory_mib, k.memory_mib), granted_gpus = COALESCE(r.granted_gpus, k.gpu_count)
      FROM rcq_private.live x JOIN rcq_private.job k ON k.id = x.job_id
     WHERE x.job_id = ANY (ids) AND x.attempt > 0 AND r.job_id = x.job_id AND before ?| '{cpu_cores,memory_gb,gpu_count}';
    UPDATE rcq_private.job x
       SET cpu_cores = n.cpu_cores, memory_mib = n.memory_mib, gpu_count = n.gpu_count, estimate = n.estimate, time_limit = n.time_limit,
           deadline = n.deadline, max_retries = n.max_retries, cpu_cores_min = n.cpu_cores_min, gpu_type = n.gpu_type
     WHERE x.id = ANY (ids);
    UPDATE rcq_private.live x
       SET cpu_cores = n.cpu_cores, gpu_count = n.gpu_count, deadline = n.deadline, max_retries = n.max_retries, cpu_cores_min = n.cpu_cores_min, gpu_type = n.gpu_type,
           memory_mib = CASE WHEN update_job.memory_gb IS NULL THEN x.memory_mib ELSE n.memory_mib END, memory_raised = x.memory_raised AND update_job.memory_gb IS NULL,
           planned_s = pg_catalog.ceil(pg_catalog.date_part('epoch', COALESCE(n.estimate, n.time_limit))), time_limit_s = pg_catalog.ceil(pg_catalog.date_part('epoch', n.time_limit))
     WHERE x.job_id = ANY (ids);
    PERFORM rcq_private.touched(i) FROM unnest(ids) i;
    PERFORM rcq_private.record_change('job.update', 'job', update_job.job::text, before, after);
END $$;
COMMENT ON FUNCTION rcq.update_job(bigint, integer, numeric, integer, numeric, interval, timestamptz, integer, integer, text, text[]) IS
'Changes what a job asks for that has not started: arguments as those of rcq.submit, NULL = as it is; clear: names of what it is to be without (estimated_hours, time_limit, deadline, cpu_cores_min, gpu_type; without a time limit it gets default_time_limit). What may not be submitted is refused here as well. A job that is assigned goes back to pending; its waiting counts on. Of an array job: all tasks that have not started, but for those that were changed by themselves; a task by its own id (rcq.task). Errors: RC001, RC002, RC003 (running, ended, or restored from a dump), RC004';
