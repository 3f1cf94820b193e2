-- Times, durations, sizes and names in sentences.

-- In the time zone of the session.
CREATE FUNCTION rcq_private.time_text(at timestamptz) RETURNS text
LANGUAGE sql STABLE RETURN pg_catalog.to_char(at, 'YYYY-MM-DD HH24:MI:SS TZ');

-- As the command rcq writes durations: 7s, 1m30s, 4h00m, 2d07h.
CREATE FUNCTION rcq_private.duration_text(seconds double precision) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN (SELECT CASE WHEN s < 60 THEN s || 's'
                    WHEN s < 3600 THEN pg_catalog.format('%sm%ss', s / 60, pg_catalog.to_char(s % 60, 'FM00'))
                    WHEN s < 86400 THEN pg_catalog.format('%sh%sm', s / 3600, pg_catalog.to_char(s / 60 % 60, 'FM00'))
                    ELSE pg_catalog.format('%sd%sh', s / 86400, pg_catalog.to_char(s / 3600 % 24, 'FM00')) END
          FROM (SELECT pg_catalog.floor(LEAST(GREATEST(seconds, 0), 1e15))::bigint) d(s));

CREATE FUNCTION rcq_private.size_text(cpu_cores bigint, memory_mib bigint, gpu_count bigint) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN pg_catalog.format('%s core%s, %s GB%s', cpu_cores, CASE WHEN cpu_cores <> 1 THEN 's' END, rcq_private.memory_gb(memory_mib::integer),
        CASE WHEN gpu_count > 0 THEN pg_catalog.format(', %s GPU%s', gpu_count, CASE WHEN gpu_count <> 1 THEN 's' END) END);

CREATE FUNCTION rcq_private.size_data(cpu_cores bigint, memory_mib bigint, gpu_count bigint) RETURNS jsonb
LANGUAGE sql IMMUTABLE RETURN pg_catalog.jsonb_build_object('cpu_cores', cpu_cores, 'memory_gb', rcq_private.memory_gb(memory_mib::integer), 'gpu_count', gpu_count);

-- The first five of these names, and how many there are besides.
CREATE FUNCTION rcq_private.names_text(names text[]) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN pg_catalog.array_to_string(names[1:5], ', ') || CASE WHEN pg_catalog.cardinality(names) > 5 THEN pg_catalog.format(' and %s more', pg_catalog.cardinality(names) - 5) ELSE '' END;
