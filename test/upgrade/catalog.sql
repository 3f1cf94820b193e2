-- Everything that an extension's script can have made, one line of text for each: equal for two databases when their
-- schemas are. The order of a table's columns does not count, that of a view's does; nor do the names that PostgreSQL 18
-- gives to NOT NULL, which each column tells of itself.
WITH namespace AS (SELECT oid, nspname FROM pg_namespace WHERE nspname IN ('rcq', 'rcq_private', 'rcq_api', 'rcq_rest')
), relation AS (SELECT c.*, c.oid::regclass::text AS called FROM pg_class c JOIN namespace n ON n.oid = c.relnamespace
), acl AS (
    SELECT x.class, x.object, string_agg(x.grantee::regrole || '=' || x.privilege_type, ' ' ORDER BY x.grantee::regrole::text, x.privilege_type) AS granted
      FROM (SELECT 'pg_class'::regclass AS class, r.oid AS object, a.grantee, a.privilege_type FROM relation r, aclexplode(COALESCE(r.relacl, acldefault(CASE r.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", r.relowner))) a
            UNION ALL SELECT 'pg_proc'::regclass, p.oid, a.grantee, a.privilege_type FROM pg_proc p JOIN namespace n ON n.oid = p.pronamespace, aclexplode(p.proacl) a
            UNION ALL SELECT 'pg_namespace'::regclass, s.oid, a.grantee, a.privilege_type FROM pg_namespace s JOIN namespace USING (oid), aclexplode(s.nspacl) a) x
     GROUP BY x.class, x.object
)
SELECT format('%s %s: options %s, row security %s %s, persistence %s, granted %s, comment %s', CASE r.relkind WHEN 'v' THEN 'view' WHEN 'r' THEN 'table' ELSE r.relkind::text END,
              r.called, ARRAY(SELECT unnest(r.reloptions) ORDER BY 1)::text, r.relrowsecurity, r.relforcerowsecurity, r.relpersistence, a.granted, obj_description(r.oid, 'pg_class')) AS line
  FROM relation r LEFT JOIN acl a ON a.class = 'pg_class'::regclass AND a.object = r.oid
UNION ALL
SELECT format('column %s.%s%s: %s collate %s, not null %s, default %s, identity %s, storage %s %s, comment %s', r.called, a.attname, CASE r.relkind WHEN 'v' THEN ' at ' || a.attnum END,
              format_type(a.atttypid, a.atttypmod), a.attcollation::regcollation, a.attnotnull, pg_get_expr(d.adbin, d.adrelid), a.attidentity::text, a.attstorage::text, a.attcompression::text,
              col_description(r.oid, a.attnum))
  FROM relation r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped LEFT JOIN pg_attrdef d ON d.adrelid = r.oid AND d.adnum = a.attnum
 WHERE r.relkind IN ('r', 'p', 'v', 'c')
UNION ALL
SELECT format('constraint %s of %s: %s', k.conname, k.conrelid::regclass, pg_get_constraintdef(k.oid)) FROM pg_constraint k JOIN namespace n ON n.oid = k.connamespace WHERE k.contype <> 'n'
UNION ALL SELECT format('partitioned table %s: %s', r.called, pg_get_partkeydef(r.oid)) FROM relation r WHERE r.relkind = 'p'
UNION ALL SELECT format('partition %s of %s: %s', r.called, i.inhparent::regclass, pg_get_expr(r.relpartbound, r.oid)) FROM relation r JOIN pg_inherits i ON i.inhrelid = r.oid WHERE r.relispartition
UNION ALL SELECT format('index: %s', pg_get_indexdef(r.oid)) FROM relation r WHERE r.relkind = 'i'
UNION ALL SELECT format('view %s: %s', r.called, pg_get_viewdef(r.oid)) FROM relation r WHERE r.relkind = 'v'
UNION ALL SELECT format('rule %s of %s', w.rulename, r.called) FROM pg_rewrite w JOIN relation r ON r.oid = w.ev_class
UNION ALL SELECT format('trigger of %s: %s', r.called, pg_get_triggerdef(t.oid)) FROM pg_trigger t JOIN relation r ON r.oid = t.tgrelid WHERE NOT t.tgisinternal
UNION ALL
SELECT format('policy %s of %s: %s %s to %s using %s check %s', p.polname, r.called, p.polcmd, p.polpermissive, ARRAY(SELECT x::regrole::text FROM unnest(p.polroles) x ORDER BY 1),
              pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))
  FROM pg_policy p JOIN relation r ON r.oid = p.polrelid
UNION ALL
SELECT format('sequence %s: %s from %s by %s to %s, cycle %s, of %s', r.called, s.seqtypid::regtype, s.seqstart, s.seqincrement, s.seqmax, s.seqcycle,
              (SELECT d.refobjid::regclass || ' ' || d.deptype::text FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass))
  FROM pg_sequence s JOIN relation r ON r.oid = s.seqrelid
UNION ALL
SELECT format('function: %s granted %s, comment %s', pg_get_functiondef(p.oid), a.granted, obj_description(p.oid, 'pg_proc'))
  FROM pg_proc p JOIN namespace n ON n.oid = p.pronamespace LEFT JOIN acl a ON a.class = 'pg_proc'::regclass AND a.object = p.oid
UNION ALL SELECT format('type %s: %s', t.oid::regtype, obj_description(t.oid, 'pg_type')) FROM pg_type t JOIN namespace n ON n.oid = t.typnamespace
UNION ALL
SELECT format('schema %s: granted %s, comment %s', n.nspname, a.granted, obj_description(n.oid, 'pg_namespace'))
  FROM namespace n LEFT JOIN acl a ON a.class = 'pg_namespace'::regclass AND a.object = n.oid
UNION ALL
SELECT format('member: %s', pg_describe_object(d.classid, d.objid, d.objsubid)) FROM pg_depend d JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
 WHERE e.extname = 'rcq' AND d.deptype = 'e'
UNION ALL
SELECT format('initial privileges of %s: %s', pg_describe_object(i.classoid, i.objoid, i.objsubid), ARRAY(SELECT x::text FROM unnest(i.initprivs) x ORDER BY 1))
  FROM pg_init_privs i JOIN pg_depend d ON d.classid = i.classoid AND d.objid = i.objoid AND d.deptype = 'e' JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'rcq'
UNION ALL
SELECT format('dumped: %s %s', c.oid::regclass, c.condition) FROM pg_extension e, unnest(e.extconfig, e.extcondition) c(oid, condition) WHERE e.extname = 'rcq'
UNION ALL
SELECT format('setting: %s', d) FROM rcq_private.setting_definition d
ORDER BY line
