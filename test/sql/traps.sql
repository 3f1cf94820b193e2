-- Traps for statements that leave it to their search_path which function or operator they mean. A superuser makes them;
-- nobody else may call them, so that a statement of others that means one of them fails (42501) before its first row,
-- and one of a superuser is counted: near.caught.
--   near, behind pg_catalog   operators and functions for combinations of types for which PostgreSQL has none, so that they
--                             match better than its own after a cast: what anybody could put into schema public
--   over, before pg_catalog   PostgreSQL's functions and aggregates anew: catches calls that name no schema
--   above, before pg_catalog  its operators anew
CREATE SCHEMA near;
CREATE SCHEMA over;
CREATE SCHEMA above;
GRANT USAGE ON SCHEMA near, over, above TO PUBLIC;
CREATE SEQUENCE near.caught;

DO $$
DECLARE
    numbers CONSTANT regtype[] := '{smallint,integer,bigint,numeric,real,double precision}';
    times CONSTANT regtype[] := '{timestamptz,timestamp,date,interval}';
    words CONSTANT regtype[] := '{text,varchar,name,"\"char\"",bpchar}';
    others CONSTANT regtype[] := '{boolean,json,jsonb,uuid,bytea,oid,regclass,regtype,regrole,text[],name[],integer[],bigint[],int4range,int4multirange,tstzrange}';
    o record;
    f record;
    arguments text;
BEGIN
    FOR o IN
        WITH kind AS (
            SELECT l, r, c.op, 'boolean'::regtype AS result
              FROM unnest(numbers || times || words || others) l, unnest(numbers || times || words || others) r,
                   unnest('{=,<>,<,>,<=,>=}'::text[]) c(op)
             WHERE l = r OR (l = ANY (numbers || times) AND r = ANY (numbers || times)) OR (l = ANY (words) AND r = ANY (words))
            UNION ALL
            SELECT l, r, c.op, CASE WHEN l = 'double precision'::regtype OR r = 'double precision'::regtype THEN 'double precision'::regtype ELSE 'numeric' END
              FROM unnest(numbers) l, unnest(numbers) r, unnest('{+,-,*,/,%,^}'::text[]) c(op)
            UNION ALL
            SELECT l, r, c.op, CASE WHEN l = 'interval'::regtype OR l = ANY (numbers) THEN r ELSE l END
              FROM unnest(numbers || times) l, unnest(numbers || times) r, unnest('{+,-,*,/}'::text[]) c(op)
             WHERE l = ANY (times) OR r = ANY (times)
            UNION ALL
            SELECT l, r, '||', CASE WHEN l::text ~ '\[\]$|^jsonb$' THEN l WHEN r::text ~ '\[\]$' THEN r ELSE 'text' END
              FROM unnest(numbers || times || words || others) l, unnest(numbers || times || words || others) r
            UNION ALL
            SELECT l, r, c.op, 'boolean' FROM unnest(words) l, unnest(words) r, unnest('{~,!~,~*,~~,!~~,~~*}'::text[]) c(op)
            UNION ALL
            SELECT l, l, c.op, 'boolean' FROM unnest(others) l, unnest('{@>,<@,&&}'::text[]) c(op)
            UNION ALL
            SELECT l, r, c.op, CASE c.op WHEN '->' THEN l ELSE 'text' END
              FROM unnest('{json,jsonb}'::regtype[]) l, unnest('{smallint,bigint,varchar,name}'::regtype[]) r, unnest('{->,->>}'::text[]) c(op)
        )
        SELECT k.* FROM kind k
         WHERE NOT EXISTS (SELECT FROM pg_operator e WHERE e.oprnamespace = 'pg_catalog'::regnamespace AND e.oprname = k.op AND e.oprleft = k.l AND e.oprright = k.r) LOOP
        EXECUTE format('CREATE OR REPLACE FUNCTION near.%I(%s, %s) RETURNS %s LANGUAGE plpgsql AS %L', 'trap_' || o.result::oid, o.l, o.r, o.result,
            'BEGIN PERFORM pg_catalog.nextval(''near.caught''); RETURN NULL; END');
        EXECUTE format('CREATE OPERATOR near.%s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = near.%I)', o.op, o.l, o.r, 'trap_' || o.result::oid);
    END LOOP;

    -- of functions that take anything, some
    FOR f IN SELECT 'format' AS name, 'text' || repeat(', ' || t::text, n) AS arguments, 'text' AS result FROM unnest(numbers || times || words) t, generate_series(1, 6) n
             UNION ALL SELECT 'concat', t::text || repeat(', ' || t::text, n), 'text' FROM unnest(numbers || times || words) t, generate_series(0, 3) n
             UNION ALL SELECT 'json_build_object', 'text, json' || repeat(', text, json', n), 'json' FROM generate_series(0, 7) n
             UNION ALL SELECT 'jsonb_build_object', 'text, ' || t::text || repeat(', text, ' || t::text, n), 'jsonb' FROM unnest(numbers || words) t, generate_series(0, 3) n
             UNION ALL SELECT 'round', t::text || ', integer', 'numeric' FROM unnest('{real,double precision,integer,bigint}'::regtype[]) t
             UNION ALL SELECT x.name, t::text || '[]', 'integer' FROM unnest('{cardinality,array_ndims}'::text[]) x(name), unnest(numbers || times || words) t
             UNION ALL SELECT x.name, x.arguments, x.result FROM (VALUES ('trim_scale', 'double precision', 'numeric'), ('upper', 'int4range', 'integer'), ('lower', 'int4range', 'integer'), ('to_char', 'bigint, varchar', 'text'),
                        ('array_to_string', 'text[], text', 'text'), ('power', 'double precision, numeric', 'double precision'), ('date_part', 'varchar, interval', 'double precision')) x(name, arguments, result) LOOP
        EXECUTE format('CREATE FUNCTION near.%I(%s) RETURNS %s LANGUAGE plpgsql AS %L', f.name, f.arguments, f.result,
            'BEGIN PERFORM pg_catalog.nextval(''near.caught''); RETURN NULL; END');
    END LOOP;

    FOR f IN SELECT p.oid, p.proname, p.prosrc, p.prokind, pg_get_function_arguments(p.oid) AS arguments, pg_get_function_result(p.oid) AS result, a.*
               FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang LEFT JOIN pg_aggregate a ON a.aggfnoid = p.oid
              WHERE p.pronamespace = 'pg_catalog'::regnamespace AND (p.prokind = 'f' AND l.lanname = 'internal' OR p.prokind = 'a' AND a.aggkind = 'n')
                AND p.prorettype <> ALL ('{internal,cstring,language_handler,trigger,event_trigger,index_am_handler,table_am_handler,tsm_handler,fdw_handler}'::regtype[])
                AND p.proname !~ '^(pg_|binary_upgrade|_pg|RI_|ts|bt|brin|gin|gist|spg|hash)' AND NOT p.proargtypes::oid[] && '{internal,cstring,anyenum}'::regtype[]::oid[]
                AND a.aggtranstype IS DISTINCT FROM 'record'::regtype LOOP -- those of PostgreSQL 18 nobody else can make
        IF f.prokind = 'f' THEN
            EXECUTE format('CREATE FUNCTION over.%I(%s) RETURNS %s LANGUAGE internal AS %L', f.proname, f.arguments, f.result, f.prosrc);
        ELSE
            EXECUTE format('CREATE AGGREGATE over.%I(%s) (SFUNC = pg_catalog.%I, STYPE = %s%s%s%s)', f.proname, COALESCE(NULLIF(f.arguments, ''), '*'),
                (SELECT t.proname FROM pg_proc t WHERE t.oid = f.aggtransfn), f.aggtranstype::regtype,
                COALESCE(', FINALFUNC = pg_catalog.' || (SELECT quote_ident(t.proname) FROM pg_proc t WHERE t.oid = f.aggfinalfn), ''),
                CASE WHEN f.aggfinalextra THEN ', FINALFUNC_EXTRA' ELSE '' END, COALESCE(', INITCOND = ' || quote_literal(f.agginitval), ''));
        END IF;
    END LOOP;

    FOR o IN SELECT e.oid, e.oprname, e.oprleft::regtype AS l, e.oprright::regtype AS r, e.oprresult::regtype AS result, p.prosrc
               FROM pg_operator e JOIN pg_proc p ON p.oid = e.oprcode JOIN pg_language l ON l.oid = p.prolang
              WHERE e.oprnamespace = 'pg_catalog'::regnamespace AND e.oprleft <> 0 AND l.lanname = 'internal' LOOP
        EXECUTE format('CREATE FUNCTION above.%I(%s, %s) RETURNS %s LANGUAGE internal AS %L', 'operator_' || o.oid, o.l, o.r, o.result, o.prosrc);
        EXECUTE format('CREATE OPERATOR above.%s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = above.%I)', o.oprname, o.l, o.r, 'operator_' || o.oid);
    END LOOP;
END $$;
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA near, over, above FROM PUBLIC;
