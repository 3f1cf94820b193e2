-- What PostgREST serves of the functions: those of schema rcq that make sense over HTTP, under the same names, with the
-- same arguments, defaults and volatility, and with the same comments as their descriptions. They are made from what is
-- there, so that nothing can differ; an update that changes a function of schema rcq drops that of rcq_api before, and
-- includes this piece. Each runs with the rights of its caller.

-- The JSON types that a field for an argument of this type may have.
CREATE FUNCTION rcq_private.json_types(of regtype) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN of = ANY ('{integer,bigint,numeric}'::regtype[]) THEN 'number' WHEN of = 'boolean'::regtype THEN 'boolean'
                WHEN of = 'interval'::regtype THEN 'string or number' WHEN of = 'text[]'::regtype THEN 'array'
                WHEN of = 'jsonb'::regtype THEN 'object, array, string, number or boolean' ELSE 'string' END;

-- A body whose size as jsonb is bounded: looked at before it is made jsonb. A domain, as a session may check one by a function of
-- rcq_private that it could not call by name.
CREATE FUNCTION rcq_private.check_body(body json) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rcq_check_body';
COMMENT ON FUNCTION rcq_private.check_body(json) IS 'True; RC001 when the body has more values than one request may bring';
GRANT EXECUTE ON FUNCTION rcq_private.check_body(json) TO rcq_user, rcq_admin;
CREATE DOMAIN rcq_api.body AS json CHECK (rcq_private.check_body(VALUE));
COMMENT ON DOMAIN rcq_api.body IS 'The body of a request that does not hold too many values';

-- The body that calls a function of schema rcq. object: the one argument is a JSON object whose fields are the arguments.
CREATE FUNCTION rcq_private.api_body(called regproc, object boolean) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
    p pg_catalog.pg_proc;
    arguments text;
    fields text;
    known jsonb;
    source text := '';
    declared text := '';
    checked text := '';
    call text;
    outs text;
BEGIN
    SELECT * INTO STRICT p FROM pg_catalog.pg_proc x WHERE x.oid = called;
    SELECT pg_catalog.string_agg(CASE WHEN a.mode = 'v' THEN 'VARIADIC ' ELSE '' END || CASE WHEN object THEN pg_catalog.format('given.%I', a.name) ELSE '$' || a.place END, ', ' ORDER BY a.place),
           pg_catalog.string_agg(pg_catalog.format('%I %s', a.name, a.type), ', ' ORDER BY a.place), pg_catalog.jsonb_object_agg(a.name, rcq_private.json_types(a.type))
      INTO arguments, fields, known
      FROM (SELECT x.name, x.type::regtype, x.mode, x.place FROM unnest(p.proargnames, COALESCE(p.proallargtypes, p.proargtypes::oid[]), p.proargmodes) WITH ORDINALITY x(name, type, mode, place)
             WHERE COALESCE(x.mode, 'i') IN ('i', 'b', 'v')) a;
    SELECT pg_catalog.string_agg(pg_catalog.quote_ident(x.name), ', ' ORDER BY x.n) INTO outs
      FROM unnest(p.proargnames, p.proargmodes) WITH ORDINALITY x(name, mode, n) WHERE x.mode IN ('o', 'b');
    IF object THEN
        source := pg_catalog.format('pg_catalog.jsonb_to_record(body) AS given(%s)', fields);
        declared := pg_catalog.format(E'    bounded CONSTANT rcq_api.body := $1;\n    body CONSTANT jsonb := $1::jsonb;\n    known CONSTANT jsonb := %L;\n    wrong record;\n', known);
        checked := pg_catalog.format($check$    IF pg_catalog.jsonb_typeof(body) IS DISTINCT FROM 'object' THEN
        RAISE EXCEPTION USING ERRCODE = 'RC001', MESSAGE = 'the body is not a JSON object', HINT = %1$L;
    END IF;
    SELECT k.key, known ->> k.key AS expected INTO wrong FROM pg_catalog.jsonb_each(body) k
     WHERE NOT known ? k.key OR pg_catalog.strpos((known ->> k.key) || ' or null', pg_catalog.jsonb_typeof(k.value)) = 0 ORDER BY k.key LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'RC001', HINT = %1$L, MESSAGE =
            CASE WHEN wrong.expected IS NULL THEN pg_catalog.format('unknown field "%%s"', pg_catalog.left(wrong.key, 100)) ELSE pg_catalog.format('%%s is not of type %%s', wrong.key, wrong.expected) END;
    END IF;
$check$, pg_catalog.format('Fields are the arguments of rcq.%s under their names: texts, numbers, booleans; intervals as "4h" or seconds, times as "2030-01-31T08:00:00Z", objects, arrays of texts.', p.proname));
    END IF;
    call := pg_catalog.format('rcq.%I(%s)', p.proname, arguments);
    RETURN pg_catalog.format(E'\nDECLARE\n%s    state text;\n    said text;\n    more text;\n    advice text;\nBEGIN\n%s    %s;\n', declared, checked, CASE
            WHEN p.proretset AND object THEN pg_catalog.format('RETURN QUERY SELECT made.* FROM %s, LATERAL %s made', source, call)
            WHEN p.proretset THEN pg_catalog.format('RETURN QUERY SELECT * FROM %s', call)
            WHEN object THEN pg_catalog.format('RETURN (SELECT %s FROM %s)', call, source)
            WHEN outs IS NOT NULL THEN pg_catalog.format('SELECT * INTO %s FROM %s', outs, call)
            WHEN p.prorettype = 'void'::regtype THEN 'PERFORM ' || call
            ELSE 'RETURN ' || call END)
        -- PostgREST repeats what fails with 40001 or 40P01, for ever, and answers errors of classes it does not know with 400
        || $end$EXCEPTION WHEN query_canceled OR OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, said = MESSAGE_TEXT, more = PG_EXCEPTION_DETAIL, advice = PG_EXCEPTION_HINT;
    IF state IN ('40001', '40P01', '55P03') THEN
        state := 'RC004';
        said := 'somebody else is changing the same just now';
        advice := 'Try again in a moment.';
    ELSIF state = '25006' AND pg_catalog.current_setting('request.method', true) = 'POST' THEN
        said := 'this token may only read';
        advice := 'Use one of a scope that may submit.';
    ELSIF state NOT IN ('RC002', 'RC003', 'RC004', 'RC005', 'RC006', 'RC007', 'RC010', '57014') THEN
        RAISE;
    END IF;
    RAISE EXCEPTION USING ERRCODE = 'PGRST',
        MESSAGE = pg_catalog.json_build_object('code', state, 'message', said, 'details', NULLIF(more, ''), 'hint', NULLIF(advice, '')),
        DETAIL = pg_catalog.json_build_object(
            'status', CASE WHEN state = 'RC002' THEN 404 WHEN state IN ('RC003', 'RC004', 'RC006') THEN 409 WHEN state = 'RC007' THEN 429 WHEN state = '57014' THEN 503 ELSE 403 END,
            'headers', CASE WHEN state = 'RC007' THEN '{"Retry-After": "10"}' ELSE '{}' END::json);
END $end$;
END $body$;

CREATE DOMAIN rcq_api."application/octet-stream" AS bytea;
COMMENT ON DOMAIN rcq_api."application/octet-stream" IS 'Bytes, which are sent as they are to whoever accepts this type';

DO $$
DECLARE
    f record;
BEGIN
    FOR f IN SELECT p.oid, p.proname, l.how, pg_catalog.pg_get_function_arguments(p.oid) AS arguments, 
                    -- PostgREST sends a value of this domain as it is
                    CASE WHEN p.prorettype OPERATOR(pg_catalog.=) 'bytea'::pg_catalog.regtype THEN 'rcq_api."application/octet-stream"' ELSE pg_catalog.pg_get_function_result(p.oid) END AS result,
                    -- writes nothing, and is volatile for what it calls alone
                    CASE WHEN p.proname OPERATOR(pg_catalog.=) ANY ('{explain,explain_submit,queue_page,queue_counts}') OR p.provolatile OPERATOR(pg_catalog.=) 's' THEN 'STABLE' ELSE 'VOLATILE' END AS volatility,
                    pg_catalog.obj_description(p.oid, 'pg_proc') AS comment
               FROM (VALUES ('named', '{cancel,hold,release,set_priority,update_job,change_jobs,requeue,resubmit,resubmit_failed,resubmit_failed_tasks,set_array_throttle,tasks,task,jobs_tagged,logs,logs_raw,log_chunks,job_states,queue_page,queue_counts,ended_jobs,explain}'::text[]),
                            ('named', '{schedule,unschedule,pause_schedule,resume_schedule,next_fires,cron_preview}'),
                            ('named', '{add_group,set_group,set_user,drain_executor,resume_executor,set,set_consumable,set_concurrency_limit,set_gpu_billing,reserve,cancel_reservation,pause,resume,register_type,drop_type,prune_history,prune_audit,resume_restored}'),
                            -- one argument without a name: the whole body, so that we and not PostgREST say what is wrong with it. Lists
                            -- are in a field, because PostgREST refuses a body that is a list of objects with different fields
                            ('object', '{submit,submit_many,submit_task,submit_graph,explain_submit}')) l(how, names),
                    LATERAL pg_catalog.unnest(l.names) n(name)
               LEFT JOIN pg_catalog.pg_proc p ON p.pronamespace OPERATOR(pg_catalog.=) 'rcq'::pg_catalog.regnamespace AND p.proname OPERATOR(pg_catalog.=) n.name LOOP
        EXECUTE pg_catalog.format('CREATE FUNCTION rcq_api.%I(%s) RETURNS %s LANGUAGE plpgsql %s SET search_path = pg_catalog, pg_temp AS %L',
            f.proname, CASE WHEN f.how OPERATOR(pg_catalog.=) 'named' THEN f.arguments ELSE 'json' END, f.result, f.volatility,
            rcq_private.api_body(f.oid, f.how OPERATOR(pg_catalog.=) 'object'));
        EXECUTE pg_catalog.format('COMMENT ON FUNCTION rcq_api.%I IS %L', f.proname,
            CASE f.how WHEN 'object' THEN pg_catalog.format('The body is one JSON object whose fields are the arguments, %s. ', f.arguments) ELSE '' END || f.comment);
    END LOOP;
END $$;
