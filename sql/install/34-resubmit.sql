-- Submitting jobs anew that have ended: new jobs with ids of their own; what the old ones were is never changed.

-- What was asked for with a job, to be asked for again: all but its idempotency key, dependencies, times and schedule.
-- tasks: of an array job, the indices of those that are wanted again.
CREATE FUNCTION rcq_private.request_of(j rcq_private.job, tasks text) RETURNS rcq_private.request
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT pg_catalog.jsonb_populate_record(NULL::rcq_private.request, pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(
               -- the script of a typed job is that of its type
               'script', CASE WHEN j.type IS NULL THEN j.script END, 'type', j.type,
               'cpu_cores', j.cpu_cores, 'cpu_cores_min', j.cpu_cores_min, 'memory_gb', j.memory_mib / 1024.0::double precision,
               'gpu_count', j.gpu_count, 'gpu_type', j.gpu_type, 'constraints', j.constraints, 'features', j.features,
               'exclusive', j.exclusive, 'preemptible', j.preemptible, 'concurrency_key', j.concurrency_key,
               'estimated_hours', pg_catalog.date_part('epoch', j.estimate) / 3600, 'time_limit', j.time_limit,
               'priority', j.priority, 'requeue', j.requeue, 'on_disconnect', CASE WHEN j.kill_on_disconnect THEN 'kill' END,
               'name', j.name, 'workdir', j.workdir, 'project', j.project, 'tags', j.tags, 'external_id', j.external_id,
               'array', CASE WHEN j.array_spec IS NOT NULL THEN
                   tasks || COALESCE((SELECT '%' || a.throttle FROM rcq_private.array a WHERE a.job_id = j.id), '') END,
               'max_retries', j.max_retries,
               'retry_on', (SELECT pg_catalog.jsonb_agg(x) FROM pg_catalog.jsonb_array_elements_text(
                   NULLIF(COALESCE(j.retry -> 'on', '[]') || COALESCE(j.retry -> 'exit_codes', '[]'), '[]')) x),
               'retry_delay', pg_catalog.make_interval(secs => (j.retry ->> 'delay_s')::double precision),
               'retry_max_delay', pg_catalog.make_interval(secs => (j.retry ->> 'max_delay_s')::double precision),
               'retry_backoff', j.retry -> 'backoff', 'retry_jitter', j.retry -> 'jitter', 'retry_memory_factor', j.retry -> 'memory_factor'))
           || pg_catalog.jsonb_build_object('env', j.env, 'consumables', j.consumables, 'payload', j.payload))
$$;

-- The indices of an array's failed tasks, as rcq.submit takes them; NULL when none has failed.
CREATE FUNCTION rcq_private.failed_tasks(array_id bigint) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
    SELECT pg_catalog.string_agg(pg_catalog.concat_ws('-', pg_catalog.lower(r), NULLIF(pg_catalog.upper(r) - 1, pg_catalog.lower(r))), ',' ORDER BY r)
      FROM (SELECT pg_catalog.range_agg(pg_catalog.int4range(j.array_index, j.array_index, '[]')) AS failed
              FROM rcq_private.job j JOIN rcq_private.outcome o ON o.job_id = j.id
             WHERE j.array_id = failed_tasks.array_id AND o.status = 'failed') f, unnest(f.failed) r
$$;

-- Submits jobs anew, each for its owner; of an array job the tasks at the same place of `tasks` (NULL = all). Whether
-- they may be is the caller's affair.
CREATE FUNCTION rcq_private.submit_anew(jobs bigint[], tasks text[]) RETURNS TABLE (job_id bigint, new_job_id bigint)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
#variable_conflict use_column
DECLARE
    owner rcq_private.users;
    ids bigint[];
    requests rcq_private.request[];
    new_ids bigint[];
BEGIN
    FOR owner IN SELECT * FROM rcq_private.users u
                  WHERE u.id IN (SELECT j.user_id FROM unnest(jobs) k(id) JOIN rcq_private.job j ON j.id = k.id) ORDER BY u.id LOOP
        SELECT pg_catalog.array_agg(j.id ORDER BY k.place), pg_catalog.array_agg(rcq_private.request_of(j, COALESCE(k.wanted, j.array_spec)) ORDER BY k.place)
          INTO ids, requests
          FROM unnest(jobs, tasks) WITH ORDINALITY k(id, wanted, place) JOIN rcq_private.job j ON j.id = k.id WHERE j.user_id = owner.id;
        new_ids := ARRAY(SELECT rcq_private.enqueue_for(owner, requests));
        BEGIN
            INSERT INTO rcq_private.resubmission AS r (job_id, new_job_id, user_id)
            SELECT n.id, n.new_id, owner.id FROM unnest(ids, new_ids) n(id, new_id)
            ON CONFLICT (job_id) DO UPDATE SET new_job_id = EXCLUDED.new_job_id;
        EXCEPTION WHEN lock_not_available OR serialization_failure OR deadlock_detected THEN
            PERFORM rcq_private.fail('RC004', 'somebody else submits some of these jobs anew, or did since this transaction began',
                'Try again in a moment, in a new transaction.');
        END;
        PERFORM rcq_private.record_change('job.resubmit', 'job', rcq_private.id_ranges(ids), NULL, pg_catalog.jsonb_build_object('jobs', rcq_private.id_ranges(new_ids)));
        RETURN QUERY SELECT n.id, n.new_id FROM unnest(ids, new_ids) n(id, new_id);
    END LOOP;
END $$;

CREATE FUNCTION rcq.resubmit(jobs bigint[]) RETURNS TABLE (job_id bigint, new_job_id bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' SET enable_seqscan = off AS $$
#variable_conflict use_column
DECLARE
    caller CONSTANT integer := rcq_private.caller_id();
    admin CONSTANT boolean := rcq_private.caller_is_admin();
    wrong record;
BEGIN
    SELECT k.id, j.id AS known, j.array_id, j.array_index INTO wrong
      FROM unnest(jobs) WITH ORDINALITY k(id, place)
      LEFT JOIN rcq_private.job j ON j.id = k.id AND (j.user_id = caller OR admin)
      LEFT JOIN rcq_private.outcome o ON o.job_id = j.id
     WHERE j.id IS NULL OR j.array_id IS NOT NULL OR o.job_id IS NULL ORDER BY k.place LIMIT 1;
    IF FOUND AND wrong.known IS NULL THEN
        PERFORM rcq_private.fail('RC002', pg_catalog.format('there is no job %s of yours', COALESCE(wrong.id::text, 'NULL')),
            'List your jobs with SELECT id, status FROM rcq.jobs.');
    ELSIF FOUND AND wrong.array_id IS NOT NULL THEN
        PERFORM rcq_private.fail('RC003', pg_catalog.format('job %s is task %s of array job %s', wrong.id, wrong.array_index, wrong.array_id),
            pg_catalog.format('Submit the tasks that failed anew with SELECT rcq.resubmit_failed_tasks(%s).', wrong.array_id));
    ELSIF FOUND THEN
        PERFORM rcq_private.fail('RC003', pg_catalog.format('job %s has not ended', wrong.id),
            pg_catalog.format('Wait for its end, cancel it, or run it again as it is with SELECT rcq.requeue(%s).', wrong.id));
    END IF;
    RETURN QUERY SELECT * FROM rcq_private.submit_anew(ARRAY(SELECT k.id FROM unnest(jobs) WITH ORDINALITY k(id, place) GROUP BY k.id ORDER BY pg_catalog.min(k.place)), NULL);
END $$;
COMMENT ON FUNCTION rcq.resubmit(bigint[]) IS
'Submits jobs that have ended anew, all or none, and returns their new ids: for administrators also the jobs of others, for their owners. All that was asked for is asked for again, but idempotency_key, depends_on, begin_time and deadline. Errors: RC002, RC003 (has not ended, is a task of an array), and those of rcq.submit';

CREATE FUNCTION rcq.resubmit_failed_tasks(job bigint) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' SET enable_seqscan = off AS $$
DECLARE
    caller CONSTANT integer := rcq_private.caller_id();
    admin CONSTANT boolean := rcq_private.caller_is_admin();
    found_job record;
    tasks text;
    id bigint;
BEGIN
    SELECT j.array_spec, o.job_id IS NOT NULL AS ended INTO found_job
      FROM rcq_private.job j LEFT JOIN rcq_private.outcome o ON o.job_id = j.id
     WHERE j.id = job AND (j.user_id = caller OR admin);
    IF NOT FOUND THEN
        PERFORM rcq_private.fail('RC002', pg_catalog.format('there is no job %s of yours', COALESCE(job::text, 'NULL')),
            'List your jobs with SELECT id, status FROM rcq.jobs.');
    ELSIF found_job.array_spec IS NULL THEN
        PERFORM rcq_private.fail('RC003', pg_catalog.format('job %s is no array job', job),
            pg_catalog.format('Submit a job anew with SELECT * FROM rcq.resubmit(ARRAY[%s]).', job));
    ELSIF NOT found_job.ended THEN
        PERFORM rcq_private.fail('RC003', pg_catalog.format('array job %s has not ended', job), 'Wait until all of its tasks have ended.');
    END IF;
    tasks := rcq_private.failed_tasks(job);
    IF tasks IS NULL THEN
        PERFORM rcq_private.fail('RC003', pg_catalog.format('no task of array job %s has failed', job),
            pg_catalog.format('Submit all of it anew with SELECT * FROM rcq.resubmit(ARRAY[%s]).', job));
    END IF;
    SELECT s.new_job_id INTO STRICT id FROM rcq_private.submit_anew(ARRAY[job], ARRAY[tasks]) s;
    RETURN id;
END $$;
COMMENT ON FUNCTION rcq.resubmit_failed_tasks(bigint) IS
'Submits exactly the tasks of an ended array job that failed, as a new array job with the same indices, and returns its id. Errors: RC002, RC003 (no array job, has not ended, no task has failed), and those of rcq.submit';

CREATE FUNCTION rcq.resubmit_failed(since timestamptz DEFAULT '-infinity', reason text DEFAULT NULL, name text DEFAULT NULL, project text DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' SET enable_seqscan = off AS $$
DECLARE
    caller CONSTANT integer := rcq_private.caller_id();
    count bigint;
BEGIN
    BEGIN
        PERFORM rcq_private.lock_submissions(caller); -- so that two calls at the same time do not submit the same jobs
    EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
        PERFORM rcq_private.fail('RC004', 'another transaction of yours that submits jobs is still open', 'End it, or try again in a moment.');
    END;
    SELECT pg_catalog.count(s.new_job_id) INTO count
      FROM (SELECT pg_catalog.array_agg(f.id ORDER BY f.id) AS ids, pg_catalog.array_agg(f.tasks ORDER BY f.id) AS tasks
              FROM (SELECT j.id, CASE WHEN j.array_spec IS NOT NULL THEN rcq_private.failed_tasks(j.id) END AS tasks
                      FROM rcq_private.outcome o JOIN rcq_private.job j ON j.id = o.job_id
                     WHERE o.user_id = caller AND o.status = 'failed' AND o.ended_at >= resubmit_failed.since
                       AND (resubmit_failed.reason IS NULL OR o.reason = resubmit_failed.reason)
                       AND (resubmit_failed.name IS NULL OR j.name = resubmit_failed.name)
                       AND (resubmit_failed.project IS NULL OR j.project = resubmit_failed.project)
                       AND j.array_id IS NULL AND NOT EXISTS (SELECT FROM rcq_private.resubmission r WHERE r.job_id = j.id)) f) a,
           LATERAL rcq_private.submit_anew(a.ids, a.tasks) s;
    RETURN count;
END $$;
COMMENT ON FUNCTION rcq.resubmit_failed(timestamptz, text, text, text) IS
'Submits your failed jobs anew that have not been submitted anew before, all or none, and returns how many; of an array job the tasks that failed. since: that ended then or later; reason: as rcq.jobs shows it (oom, executor_lost, ...); name, project: of the jobs. Errors: RC004, and those of rcq.submit';
