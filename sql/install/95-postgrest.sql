-- PostgREST remembers what there is in a database, and what secrets; here it hears that there is something else now.
SELECT pg_catalog.pg_notify('pgrst', 'reload config');
SELECT pg_catalog.pg_notify('pgrst', 'reload schema');
