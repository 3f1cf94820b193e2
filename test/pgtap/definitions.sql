-- Definitions are read once and kept until one of them changes: PostgreSQL itself counts the rows and entries of indexes
-- that a transaction has looked at. Whoever has changed definitions, and who cannot be told of changes, reads them anew
-- every time.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgtap;
DROP EXTENSION IF EXISTS rcq;
DROP SCHEMA IF EXISTS kept CASCADE;
DROP ROLE IF EXISTS regress_ann;
CREATE EXTENSION rcq;
CREATE SCHEMA kept;
GRANT USAGE ON SCHEMA kept TO PUBLIC;
CREATE ROLE regress_ann;
SELECT rcq.add_user('regress_ann') \g /dev/null

CREATE FUNCTION kept.looked_at() RETURNS numeric LANGUAGE sql SECURITY DEFINER AS $$
    SELECT sum(pg_stat_get_xact_tuples_returned(c.oid)) FROM pg_class c
     WHERE c.relnamespace = 'rcq_private'::regnamespace AND c.relname ~ '^(users|groups|setting|setting_definition|executor)(_pkey|_role_name_key)?$' $$;
-- What a look at who acts, at a setting and at names costs.
CREATE FUNCTION kept.cost(OUT looked_at numeric, OUT seen text) LANGUAGE plpgsql AS $$
DECLARE
    before_ CONSTANT numeric := kept.looked_at();
BEGIN
    seen := concat_ws(' ', rcq_private.caller_id(), rcq_private.caller_is_admin(), rcq_private.setting_text('lease'), rcq_private.user_name(2), rcq_private.group_name(1), rcq_private.setting_text('no such setting'));
    looked_at := kept.looked_at() - before_;
END $$;

SELECT plan(14);
SELECT ok(c.looked_at > 50, 'at first they are read') FROM kept.cost() c;
SELECT is(c.looked_at || ' ' || c.seen, '0 1 t 30 regress_ann default', 'and then not any more') FROM kept.cost() c;
SELECT is(rcq_private.setting_text('no such setting'), NULL, 'there is no such setting');
SELECT rcq.set('lease', '31 s') \g /dev/null
SELECT ok(c.looked_at > 50 AND c.seen = '1 t 31 regress_ann default', 'after a change they are read again') FROM kept.cost() c;
SELECT is(c.looked_at || ' ' || c.seen, '0 1 t 31 regress_ann default', 'once') FROM kept.cost() c;
BEGIN;
UPDATE rcq_private.groups SET name = 'renamed' WHERE id = 1;
SELECT ok(c.looked_at > 50 AND c.seen = '1 t 31 regress_ann renamed', 'who has changed one reads them') FROM kept.cost() c;
SELECT ok(c.looked_at > 50 AND c.seen = '1 t 31 regress_ann renamed', 'every time') FROM kept.cost() c;
ROLLBACK;
SELECT is((kept.cost()).seen, '1 t 31 regress_ann default', 'what is undone was never so');
SELECT is(c.looked_at || ' ' || c.seen, '0 1 t 31 regress_ann default', 'and is not read again') FROM kept.cost() c;
UPDATE rcq_private.users SET role_name = 'regress_other' WHERE id = 2;
SELECT is((kept.cost()).seen, '1 t 31 regress_other default', 'a user has another role');
SET ROLE regress_ann;
SELECT throws_ok($$SELECT rcq.submit('true')$$, 'RC010', NULL, 'and the former role is none');
RESET ROLE;
ALTER TABLE rcq_private.setting DISABLE TRIGGER definitions;
SELECT is((kept.cost()).seen, '1 t 31 regress_other default', 'a table that notes no changes');
SELECT ok(c.looked_at > 50, 'is read every time') FROM kept.cost() c;
UPDATE rcq_private.setting SET parsed = '32' WHERE name = 'lease';
SELECT is((kept.cost()).seen, '1 t 32 regress_other default', 'so that what changes there counts');
SELECT * FROM finish();

DROP EXTENSION rcq CASCADE;
DROP SCHEMA kept CASCADE;
DROP ROLE regress_ann;
