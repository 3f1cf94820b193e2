-- Routes that submit and change jobs.

CREATE FUNCTION rcq_private.rest_submit_job(request jsonb) RETURNS json
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'rcq_rest_submit_job';
COMMENT ON FUNCTION rcq_private.rest_submit_job(jsonb) IS 'Submits the job that the body describes';

CREATE FUNCTION rcq_private.rest_submit_jobs(request jsonb) RETURNS json
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET work_mem = '256MB' AS $$
DECLARE
    requests rcq_private.request[];
    ids bigint[];
BEGIN
    PERFORM rcq_private.check_fields(request, 'jobs');
    requests := rcq_private.parse_requests(request -> 'jobs');
    IF requests IS NOT NULL THEN
        ids := ARRAY(SELECT rcq_private.enqueue(requests));
    END IF;
    PERFORM rcq_private.set_status(201);
    RETURN pg_catalog.json_build_object('message', 'Jobs submitted successfully', 'job_ids', COALESCE(ids, '{}'), 'count', COALESCE(pg_catalog.cardinality(ids), 0));
END $$;

CREATE FUNCTION rcq_private.rest_cancel_job(request jsonb) RETURNS json
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    job CONSTANT bigint := rcq_private.visible_job(request);
BEGIN
    PERFORM rcq_private.check_fields(request, 'id', 'tasks');
    RETURN pg_catalog.json_build_object('message', 'Job cancelled successfully', 'job_id', job, 'status', rcq.cancel(job, rcq_private.text_field(request, 'tasks')));
END $$;

CREATE FUNCTION rcq_private.rest_change_job(request jsonb) RETURNS json
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    job CONSTANT bigint := rcq_private.visible_job(request);
    new_priority CONSTANT integer := rcq_private.whole_field(request, 'priority', 1, 10);
BEGIN
    PERFORM rcq_private.check_fields(request, 'id', 'priority');
    IF new_priority IS NULL THEN
        PERFORM rcq_private.fail('RC001', 'there is nothing to change', 'Give priority, 1 to 10.');
    END IF;
    PERFORM rcq.set_priority(job, new_priority);
    RETURN pg_catalog.json_build_object('message', 'Job changed successfully', 'job_id', job, 'priority', new_priority);
END $$;

CREATE FUNCTION rcq_private.rest_hold_job(request jsonb) RETURNS json
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    job CONSTANT bigint := rcq_private.visible_job(request);
BEGIN
    PERFORM rcq_private.check_fields(request, 'id', 'tasks'), rcq.hold(job, rcq_private.text_field(request, 'tasks'));
    RETURN pg_catalog.json_build_object('message', 'Job held successfully', 'job_id', job);
END $$;

CREATE FUNCTION rcq_private.rest_release_job(request jsonb) RETURNS json
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    job CONSTANT bigint := rcq_private.visible_job(request);
BEGIN
    PERFORM rcq_private.check_fields(request, 'id', 'tasks'), rcq.release(job, rcq_private.text_field(request, 'tasks'));
    RETURN pg_catalog.json_build_object('message', 'Job released successfully', 'job_id', job);
END $$;

CREATE FUNCTION rcq_private.rest_requeue_job(request jsonb) RETURNS json
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    job CONSTANT bigint := rcq_private.visible_job(request);
BEGIN
    PERFORM rcq_private.check_fields(request, 'id');
    RETURN pg_catalog.json_build_object('message', 'Job requeued successfully', 'job_id', job, 'status', rcq.requeue(job));
END $$;

CREATE FUNCTION rcq_private.rest_resubmit_job(request jsonb) RETURNS json
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    job CONSTANT bigint := rcq_private.visible_job(request);
    new_id bigint;
BEGIN
    PERFORM rcq_private.check_fields(request, 'id');
    SELECT r.new_job_id INTO STRICT new_id FROM rcq.resubmit(ARRAY[job]) r;
    PERFORM rcq_private.set_status(201);
    RETURN pg_catalog.json_build_object('message', 'Job resubmitted successfully', 'job_id', new_id, 'resubmitted', job, 'status', 'pending');
END $$;

CREATE FUNCTION rcq_rest.submit_job(bytea) RETURNS rcq_rest."application/json" LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'rcq_answer_body';
COMMENT ON FUNCTION rcq_rest.submit_job(bytea) IS 'POST /api/jobs';
CREATE FUNCTION rcq_rest.submit_jobs(bytea) RETURNS rcq_rest."application/json" LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'rcq_answer_body';
COMMENT ON FUNCTION rcq_rest.submit_jobs(bytea) IS 'POST /api/jobs/batch';
CREATE FUNCTION rcq_rest.cancel_job(bytea) RETURNS rcq_rest."application/json" LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'rcq_answer_body';
COMMENT ON FUNCTION rcq_rest.cancel_job(bytea) IS 'DELETE /api/jobs/{id}';
CREATE FUNCTION rcq_rest.change_job(bytea) RETURNS rcq_rest."application/json" LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'rcq_answer_body';
COMMENT ON FUNCTION rcq_rest.change_job(bytea) IS 'PATCH /api/jobs/{id}';
CREATE FUNCTION rcq_rest.hold_job(bytea) RETURNS rcq_rest."application/json" LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'rcq_answer_body';
COMMENT ON FUNCTION rcq_rest.hold_job(bytea) IS 'POST /api/jobs/{id}/hold';
CREATE FUNCTION rcq_rest.release_job(bytea) RETURNS rcq_rest."application/json" LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'rcq_answer_body';
COMMENT ON FUNCTION rcq_rest.release_job(bytea) IS 'POST /api/jobs/{id}/release';
CREATE FUNCTION rcq_rest.requeue_job(bytea) RETURNS rcq_rest."application/json" LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'rcq_answer_body';
COMMENT ON FUNCTION rcq_rest.requeue_job(bytea) IS 'POST /api/jobs/{id}/requeue';
CREATE FUNCTION rcq_rest.resubmit_job(bytea) RETURNS rcq_rest."application/json" LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'rcq_answer_body';
COMMENT ON FUNCTION rcq_rest.resubmit_job(bytea) IS 'POST /api/jobs/{id}/resubmit';
