-- What monitoring reads.

CREATE FUNCTION rcq_private.metrics_text(version text, group_ids integer[], group_names text[], tables text[], table_bytes text[]) RETURNS text
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'rcq_metrics_text';
COMMENT ON FUNCTION rcq_private.metrics_text(text, integer[], text[], text[], text[]) IS 'What was counted and what the scheduler published, as Prometheus reads it';

CREATE FUNCTION rcq_private.scheduler_is_well() RETURNS boolean
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'rcq_scheduler_is_well';
COMMENT ON FUNCTION rcq_private.scheduler_is_well() IS 'Whether this database''s scheduler went through a cycle lately: in the last 10 seconds, or five times rcq.scheduler_interval if that is longer';

CREATE FUNCTION rcq_private.sql_version() RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$ SELECT e.extversion FROM pg_catalog.pg_extension e WHERE e.extname = 'rcq' $$;

-- The text for whoever may read it; bounded by groups, executors and routes, whatever the number of jobs.
CREATE FUNCTION rcq_private.read_metrics() RETURNS text
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
    SELECT rcq_private.metrics_text(rcq_private.sql_version(), g.ids, g.names, t.tables, t.bytes)
      FROM (SELECT COALESCE(pg_catalog.array_agg(g.id), '{}') AS ids, COALESCE(pg_catalog.array_agg(g.name), '{}') AS names FROM rcq_private.groups g) g,
           (SELECT pg_catalog.array_agg(n) AS tables, pg_catalog.array_agg(pg_catalog.pg_total_relation_size(('rcq_private.' || n)::regclass)::text) AS bytes
              FROM unnest('{live,command,dependency,array_end}'::text[]) n) t
$$;

CREATE FUNCTION rcq.metrics() RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM rcq_private.require_admin();
    RETURN rcq_private.read_metrics();
END $$;
COMMENT ON FUNCTION rcq.metrics() IS
'Counts since the server started and the state of the queue, as text that Prometheus reads (version 0.0.4), for administrators. Error: RC005';
