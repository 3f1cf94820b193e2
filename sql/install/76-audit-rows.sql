-- What the triggers of 76-audit.sql record of a row.

-- A value as it is recorded: a long one by its begin.
CREATE FUNCTION rcq_private.audit_value(value jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN pg_catalog.length(value::text) <= 2000 THEN value ELSE pg_catalog.to_jsonb(pg_catalog.left(value #>> '{}', 2000) || '...') END
$$;

-- Arguments: kind; columns that name the object; words for INSERT, UPDATE and DELETE; columns that are recorded, none =
-- that there was a change and no more. A row that a session inserts by itself, and not through a function, comes from a
-- dump and has been recorded where that was taken; so has what a trigger makes of it (78-restored-rows.sql).
CREATE FUNCTION rcq_private.audit_row() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET TimeZone = 'UTC' SET IntervalStyle = 'postgres' AS $$
DECLARE
    named CONSTANT text[] := pg_catalog.string_to_array(TG_ARGV[1], ',');
    words CONSTANT text[] := pg_catalog.string_to_array(TG_ARGV[2], ',');
    recorded CONSTANT text[] := pg_catalog.string_to_array(TG_ARGV[3], ',');
    -- the environment of jobs may hold secrets
    before CONSTANT jsonb := CASE WHEN TG_OP <> 'INSERT' THEN pg_catalog.to_jsonb(OLD) #- '{request,env}' END;
    after CONSTANT jsonb := CASE WHEN TG_OP <> 'DELETE' THEN pg_catalog.to_jsonb(NEW) #- '{request,env}' END;
    old_values jsonb;
    new_values jsonb;
BEGIN
    IF (TG_OP = 'INSERT' OR pg_catalog.pg_trigger_depth() > 1) AND NOT rcq_private.is_inside_function()
       OR EXISTS (SELECT FROM rcq_private.executor e WHERE e.name = rcq_private.outer_role()) THEN
        RETURN NULL;
    END IF;
    SELECT pg_catalog.jsonb_object_agg(c, rcq_private.audit_value(before -> c)) FILTER (WHERE before IS NOT NULL),
           pg_catalog.jsonb_object_agg(c, rcq_private.audit_value(after -> c)) FILTER (WHERE after IS NOT NULL)
      INTO old_values, new_values
      FROM unnest(recorded) c WHERE COALESCE(before -> c, 'null') IS DISTINCT FROM COALESCE(after -> c, 'null');
    IF TG_OP = 'UPDATE' AND recorded <> '{}' AND new_values IS NULL THEN
        RETURN NULL;
    END IF;
    PERFORM rcq_private.record_change(
        TG_ARGV[0] || '.' || words[CASE TG_OP WHEN 'INSERT' THEN 1 WHEN 'UPDATE' THEN 2 ELSE 3 END], TG_ARGV[0],
        (SELECT pg_catalog.string_agg(COALESCE(after, before) ->> n, '/' ORDER BY place) FROM unnest(named) WITH ORDINALITY k(n, place)),
        old_values, new_values);
    RETURN NULL;
END $$;
