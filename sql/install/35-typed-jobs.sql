-- Submitting jobs of a type, and the types that come with rcq (src/handlers).

CREATE FUNCTION rcq.submit_task(
    type text, payload jsonb DEFAULT '{}', cpu_cores integer DEFAULT NULL, memory_gb numeric DEFAULT NULL,
    gpu_count integer DEFAULT NULL, estimated_hours numeric DEFAULT NULL, time_limit interval DEFAULT NULL,
    priority integer DEFAULT NULL, max_retries integer DEFAULT NULL, name text DEFAULT NULL, workdir text DEFAULT NULL,
    env jsonb DEFAULT NULL, features text[] DEFAULT NULL, hold boolean DEFAULT NULL, requeue boolean DEFAULT NULL,
    on_disconnect text DEFAULT NULL, cpu_cores_min integer DEFAULT NULL, gpu_type text DEFAULT NULL,
    constraints text DEFAULT NULL, consumables jsonb DEFAULT NULL, exclusive boolean DEFAULT NULL,
    preemptible boolean DEFAULT NULL, concurrency_key text DEFAULT NULL, depends_on text DEFAULT NULL,
    begin_time timestamptz DEFAULT NULL, deadline timestamptz DEFAULT NULL, idempotency_key text DEFAULT NULL,
    project text DEFAULT NULL, tags text[] DEFAULT NULL, external_id uuid DEFAULT NULL,
    on_dependency_failed text DEFAULT NULL, retry_on text[] DEFAULT NULL, retry_delay interval DEFAULT NULL,
    retry_backoff text DEFAULT NULL, retry_max_delay interval DEFAULT NULL, retry_jitter numeric DEFAULT NULL,
    retry_memory_factor numeric DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    id bigint;
BEGIN
    IF type IS NULL THEN
        PERFORM rcq_private.fail('RC001', 'type is NULL', 'Name one of the types in the view rcq.types.');
    END IF;
    SELECT q INTO STRICT id FROM rcq_private.enqueue(ARRAY[ROW(NULL, cpu_cores, rcq_private.as_float(memory_gb), gpu_count,
        rcq_private.as_float(estimated_hours), time_limit, priority, max_retries, name, workdir, env, features, hold,
        requeue, on_disconnect, cpu_cores_min, gpu_type, constraints, consumables, exclusive, preemptible,
        concurrency_key, NULL, depends_on, begin_time, deadline, idempotency_key, project, tags, external_id,
        NULLIF(on_dependency_failed, 'fail'), retry_on, retry_delay, retry_backoff, retry_max_delay,
        rcq_private.as_float(retry_jitter), rcq_private.as_float(retry_memory_factor), type, payload)::rcq_private.request]) q;
    RETURN id;
END $$;
COMMENT ON FUNCTION rcq.submit_task(text, jsonb, integer, numeric, integer, numeric, interval, integer, integer, text, text, jsonb, text[], boolean, boolean,
    text, integer, text, text, jsonb, boolean, boolean, text, text, timestamptz, timestamptz, text, text, text[], uuid, text, text[], interval, text, interval,
    numeric, numeric) IS
'Submits a job of a type (view rcq.types) with a JSON payload and returns its id; its result is in rcq.jobs. The other arguments are those of rcq.submit; what is not given, the type says. Errors: RC001 (no such type; a payload that does not fit it; more than it allows), RC002, RC004, RC005, RC007, RC010';
GRANT EXECUTE ON FUNCTION rcq.submit_task(text, jsonb, integer, numeric, integer, numeric, interval, integer, integer, text, text, jsonb, text[], boolean, boolean,
    text, integer, text, text, jsonb, boolean, boolean, text, text, timestamptz, timestamptz, text, text, text[], uuid, text, text[], interval, text, interval,
    numeric, numeric) TO rcq_user, rcq_admin;

INSERT INTO rcq_private.task_type (name, shipped, command, payload_schema, defaults, limits, description) VALUES
('add_numbers', true, 'rcq-handler add_numbers',
 '{"type": "object", "required": ["numbers"], "additionalProperties": false,
   "properties": {"numbers": {"type": "array", "items": {"type": "number"}}}}', '{}', '{}',
 'Adds numbers: {"numbers": [1, 2.5]} -> {"sum": 3.5}'),
('reverse_string', true, 'rcq-handler reverse_string',
 '{"type": "object", "required": ["text"], "additionalProperties": false, "properties": {"text": {"type": "string"}}}', '{}', '{}',
 'Reverses a text: {"text": "abc"} -> {"text": "cba"}'),
('resize_image', true, 'rcq-handler resize_image',
 '{"type": "object", "required": ["image"], "additionalProperties": false,
   "properties": {"image": {"type": "string", "minLength": 1},
                  "width": {"type": "integer", "minimum": 1, "maximum": 10000},
                  "height": {"type": "integer", "minimum": 1, "maximum": 10000},
                  "format": {"enum": ["png", "jpeg", "webp", "gif"]}}}', '{"memory_gb": 2}', '{}',
 'Scales an image (PNG, JPEG, WebP, GIF, BMP): {"image": base64, "width": 200} -> {"image": base64, "width": 200, "height": 150, "format": "png"}; one of width and height may be missing, format is that of the input when missing'),
('large_array_sum', true, 'rcq-handler large_array_sum',
 '{"type": "object", "required": ["numbers"], "additionalProperties": false,
   "properties": {"numbers": {"type": "array", "items": {"type": "number"}}}}', '{"cpu_cores": 4, "cpu_cores_min": 1}', '{}',
 'Adds numbers, in a chunk for each core that it gets: {"numbers": [1, 2, 3]} -> {"sum": 6, "chunks": 3}');
