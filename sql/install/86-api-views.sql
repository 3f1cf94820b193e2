-- What PostgREST serves of the views: those of schema rcq under the same names and with the same comments, as their
-- descriptions over HTTP. They are made from what is there, so that nothing can differ; an update that changes a view of
-- schema rcq drops that of rcq_api before, and includes this piece.

DO $$
DECLARE
    name text;
    described record;
BEGIN
    FOREACH name IN ARRAY ARRAY['api_tokens', 'arrays', 'audit', 'concurrency_limits', 'consumables', 'dead_jobs', 'dependencies', 'efficiency', 'executors', 'gpu_billing', 'group_usage',
                                'groups', 'history', 'jobs', 'queue', 'reservations', 'runs', 'schedule_history', 'scheduler', 'schedules', 'settings',
                                'types', 'user_efficiency', 'users'] LOOP
        -- the second relation costs nothing and makes PostgreSQL regard the view as one that cannot be written to, so that
        -- PostgREST describes it as one that can only be read
        EXECUTE pg_catalog.format('CREATE VIEW rcq_api.%I WITH (security_invoker = true) AS SELECT v.* FROM rcq.%1$I v, (SELECT) read_only', name);
        EXECUTE pg_catalog.format('COMMENT ON VIEW rcq_api.%I IS %L', name,
                                  pg_catalog.obj_description(pg_catalog.format('rcq.%I', name)::pg_catalog.regclass, 'pg_class'));
        FOR described IN SELECT a.attname, d.text
                           FROM pg_catalog.pg_attribute a,
                                LATERAL (SELECT pg_catalog.col_description(a.attrelid, a.attnum) AS text) d
                          WHERE a.attrelid OPERATOR(pg_catalog.=) pg_catalog.format('rcq.%I', name)::pg_catalog.regclass AND d.text IS NOT NULL LOOP
            EXECUTE pg_catalog.format('COMMENT ON COLUMN rcq_api.%I.%I IS %L', name, described.attname, described.text);
        END LOOP;
    END LOOP;
END $$;
