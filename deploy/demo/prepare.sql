-- Groups, users and settings of the demo; running it again changes nothing.
SELECT pg_catalog.format('CREATE ROLE %I LOGIN', r)
  FROM pg_catalog.unnest(ARRAY['ada', 'emmy', 'rosalind', 'barbara', 'grace', 'alan']) r
 WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = r) \gexec
SELECT rcq.add_group(g.name, quota_cpu_hours => g.quota, default_estimate => '8 seconds')
  FROM (VALUES ('computing', 0.01), ('mathematics', 0.04), ('biology', 0.1)) g(name, quota)
 WHERE NOT EXISTS (SELECT FROM rcq.groups h WHERE h.name = g.name);
SELECT rcq.add_user(u.name, u.group_name)
  FROM (VALUES ('grace', 'computing'), ('alan', 'computing'), ('ada', 'mathematics'), ('emmy', 'mathematics'),
               ('rosalind', 'biology'), ('barbara', 'biology')) u(name, group_name)
 WHERE NOT EXISTS (SELECT FROM rcq.users h WHERE h.role_name = u.name);
SELECT rcq.set('billing_gpu_hour', '10') WHERE (SELECT value FROM rcq.settings WHERE name = 'billing_gpu_hour') <> '10';
