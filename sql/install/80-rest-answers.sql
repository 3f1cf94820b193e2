-- How the routes of the REST interface answer. Each is a function rcq_rest.NAME(bytea) in C; what it does stands in
-- rcq_private.rest_NAME(request jsonb), which returns the JSON of the answer (or text), and raises what is to be refused.
-- Routes that only read are STABLE: PostgREST then asks for a transaction that only reads, which a standby can give.

CREATE DOMAIN rcq_rest."text/plain" AS text;
COMMENT ON DOMAIN rcq_rest."text/plain" IS 'What PostgREST sends as it is to who accepts text/plain';
-- of plain json it would make an aggregate, and read that again
CREATE DOMAIN rcq_rest."application/json" AS json;
COMMENT ON DOMAIN rcq_rest."application/json" IS 'What PostgREST sends as it is to who accepts application/json';

CREATE FUNCTION rcq_private.set_status(status integer) RETURNS void
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'rcq_set_status';
COMMENT ON FUNCTION rcq_private.set_status(integer) IS 'The HTTP status of the answer of the route that is being served, when it is not 200; an error sets its own';

CREATE FUNCTION rcq_private.set_header(name text, value text) RETURNS void
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'rcq_set_header';
COMMENT ON FUNCTION rcq_private.set_header(text, text) IS 'A header for that answer; error XX000 for characters that no header may have';

CREATE FUNCTION rcq_private.refuse(status integer, message text, retry_after_s integer DEFAULT NULL) RETURNS jsonb
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'rcq_refuse';
COMMENT ON FUNCTION rcq_private.refuse(integer, text, integer) IS 'The answer {"error": message} with this status, for handlers that refuse and must not undo what they wrote; with the header Retry-After';

CREATE FUNCTION rcq_private.request_header(name text) RETURNS text
LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'rcq_request_header';
COMMENT ON FUNCTION rcq_private.request_header(text) IS 'A header of the request that is being served, by its name in lower case; NULL when it is missing, and outside HTTP';

-- RFC 3339 in UTC, with microseconds; NULL for no time at all.
CREATE FUNCTION rcq_private.rfc3339(at timestamptz) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE RETURN pg_catalog.to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');

-- RC001 for the first name in a request that is none of these.
CREATE FUNCTION rcq_private.check_fields(request jsonb, VARIADIC known text[] DEFAULT '{}') RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    unknown text;
BEGIN
    IF request - known = '{}' THEN RETURN; END IF;
    SELECT pg_catalog.min(k) INTO unknown FROM pg_catalog.jsonb_object_keys(request - known) k;
    PERFORM rcq_private.fail('RC001', pg_catalog.format('there is no "%s" here', pg_catalog.left(unknown, 100)),
            CASE WHEN known = '{}' THEN 'Give nothing.' ELSE pg_catalog.format('Known are: %s.', pg_catalog.array_to_string(known, ', ')) END);
END $$;

-- A field that is a whole number between two others, or NULL; in a query it is written as text.
CREATE FUNCTION rcq_private.whole_field(request jsonb, field text, minimum bigint, maximum bigint, otherwise bigint DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    value CONSTANT text := request ->> field;
BEGIN
    IF value IS NULL THEN RETURN otherwise; END IF;
    IF value ~ '^-?[0-9]{1,18}$' AND pg_catalog.jsonb_typeof(request -> field) IN ('string', 'number') THEN
        IF value::bigint BETWEEN minimum AND maximum THEN RETURN value::bigint; END IF;
    END IF;
    PERFORM rcq_private.fail('RC001', pg_catalog.format('%s cannot be "%s"', field, pg_catalog.left(value, 100)),
            pg_catalog.format('It is a whole number from %s to %s.', minimum, maximum));
END $$;

-- A field that is a text, or NULL.
CREATE FUNCTION rcq_private.text_field(request jsonb, field text) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF pg_catalog.jsonb_typeof(request -> field) NOT IN ('string', 'null') THEN
        PERFORM rcq_private.fail('RC001', field || ' is no text');
    END IF;
    RETURN request ->> field;
END $$;

-- A field that is a length of time, or NULL.
CREATE FUNCTION rcq_private.interval_field(request jsonb, field text) RETURNS interval
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    value CONSTANT text := rcq_private.text_field(request, field);
BEGIN
    RETURN value::interval;
EXCEPTION WHEN data_exception THEN
    PERFORM rcq_private.fail('RC001', pg_catalog.format('%s cannot be "%s"', field, pg_catalog.left(value, 100)), 'Write a length of time such as "90 days".');
END $$;

-- The job that a path names.
CREATE FUNCTION rcq_private.job_field(request jsonb) RETURNS bigint
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF request ->> 'id' ~ '^[0-9]{1,18}$' THEN RETURN (request ->> 'id')::bigint; END IF;
    PERFORM rcq_private.fail('RC002', 'there is no such job of yours', 'A job is named by its id, a number.');
END $$;
