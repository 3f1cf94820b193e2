-- Settings: what exists (shipped with the extension) and what administrators changed (dumped with the data).

CREATE TABLE rcq_private.setting_definition (
    name          text COLLATE "C" PRIMARY KEY,
    type          text COLLATE "C" NOT NULL CHECK (type IN ('number', 'integer', 'boolean', 'duration', 'choice')),
    default_value text NOT NULL,
    parsed        text,
    minimum       double precision,
    maximum       double precision,
    choices       text[],
    unit          text,
    description   text NOT NULL
);
COMMENT ON TABLE rcq_private.setting_definition IS 'Every setting: type, default, range (durations in seconds), unit and meaning';

CREATE TABLE rcq_private.setting (
    name       text COLLATE "C" PRIMARY KEY,
    value      text NOT NULL,
    parsed     text NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    changed_by text NOT NULL
);
COMMENT ON TABLE rcq_private.setting IS 'Settings that an administrator changed from their default';
COMMENT ON COLUMN rcq_private.setting.parsed IS 'The value as programs read it: numbers, durations in seconds, booleans as 0 or 1';

INSERT INTO rcq_private.setting_definition (name, type, default_value, minimum, maximum, choices, unit, description) VALUES
('billing_cpu_hour', 'number', '1', 0, 1000000, NULL, 'billed hours per CPU-hour', 'Weight of one allocated CPU core for one hour in usage'),
('billing_gb_hour', 'number', '0', 0, 1000000, NULL, 'billed hours per GB-hour', 'Weight of one allocated GB of memory for one hour in usage'),
('billing_gpu_hour', 'number', '0', 0, 1000000, NULL, 'billed hours per GPU-hour', 'Weight of one allocated GPU for one hour in usage'),
('claim_timeout', 'duration', '10 seconds', 1, 3600, NULL, NULL, 'A placement not claimed by its executor within this time returns to the queue'),
('default_estimate', 'duration', '1 hour', 1, 315360000, NULL, NULL, 'Planned duration of a job that states neither estimate nor time limit, in a group without a default of its own'),
('default_time_limit', 'duration', '0', 0, 315360000, NULL, NULL, 'Time limit of jobs that state none; 0 = none'),
('fairshare_cap', 'number', '2.0', 1, 1000, NULL, 'factor', 'Greatest fair-share multiplier; busy clusters use 10'),
('fairshare_floor', 'number', '0.01', 0.000001, 1, NULL, 'factor', 'Least fair-share multiplier'),
('fairshare_window', 'duration', '30 days', 3600, 31622400, NULL, NULL, 'Usage counts against the quota for this long (rolling window)'),
('guard_scope', 'choice', 'group', NULL, NULL, ARRAY['group', 'job'], NULL, 'Whom the starvation guard lifts: every job past max_wait, or one job per group at a time'),
('guard_spacing', 'duration', '10 minutes', 0, 86400, NULL, NULL, 'Least time between two lifted starts of one group (guard_scope = group)'),
('lease', 'duration', '30 seconds', 1, 86400, NULL, NULL, 'An executor silent for longer is offline: nothing new is placed on it'),
('lost_after', 'duration', '5 minutes', 1, 604800, NULL, NULL, 'Runs of an executor silent for longer are fenced and their jobs requeued'),
('max_concurrent_jobs', 'integer', '0', 0, 10000000, NULL, 'jobs', 'Placed and running jobs of the whole cluster; 0 = capacity alone decides'),
('max_losses', 'integer', '10', 0, 1000, NULL, 'runs', 'How often a job is run again after its executor was lost, before it fails as executor_lost'),
('max_pending_per_user', 'integer', '0', 0, 10000000, NULL, 'jobs', 'Pending jobs one user may have, unless the user has a limit of their own; 0 = no limit'),
('max_script_bytes', 'integer', '1048576', 1, 104857600, NULL, 'bytes', 'Greatest size of a job script'),
('max_time_limit', 'duration', '0', 0, 315360000, NULL, NULL, 'Greatest time limit a job may ask for; 0 = none'),
('max_wait', 'duration', '72 hours', 0, 315360000, NULL, NULL, 'Starvation guard: a job eligible for longer ranks before all others; 0 = off'),
('submit_rate_per_user', 'integer', '0', 0, 10000000, NULL, 'jobs per minute', 'Jobs one user may submit within a minute; 0 = no limit'),
('user_fairness', 'boolean', 'on', NULL, NULL, NULL, NULL, 'Whether people of one group share its rank by their own usage'),
('wait_boost_per_hour', 'number', '0.01', 0, 100, NULL, 'factor per hour', 'Growth of a job''s priority with each hour of waiting');

-- Parses a setting's value by its definition; durations come out in seconds, booleans as 0 or 1, choices as their text.
CREATE FUNCTION rcq_private.setting_value(def rcq_private.setting_definition, value text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    number double precision;
    allowed text := CASE WHEN def.type = 'choice' THEN pg_catalog.array_to_string(def.choices, ', ')
                         WHEN def.type = 'boolean' THEN 'on, off'
                         WHEN def.type = 'duration' THEN pg_catalog.format('%s to %s', pg_catalog.make_interval(secs => def.minimum), pg_catalog.make_interval(secs => def.maximum))
                         ELSE pg_catalog.format('%s to %s', def.minimum, def.maximum) END;
BEGIN
    BEGIN
        CASE def.type
            WHEN 'choice' THEN
                IF value = ANY (def.choices) THEN RETURN value; END IF;
            WHEN 'boolean' THEN
                RETURN CASE WHEN value::boolean THEN '1' ELSE '0' END;
            WHEN 'duration' THEN
                number := pg_catalog.date_part('epoch', value::interval);
            WHEN 'integer' THEN
                number := value::bigint;
            ELSE
                number := value::double precision;
        END CASE;
    EXCEPTION WHEN data_exception THEN
        number := NULL;
    END;
    IF number BETWEEN def.minimum AND def.maximum THEN RETURN number::text; END IF;
    PERFORM rcq_private.fail('RC001', pg_catalog.format('setting %s cannot be "%s"', def.name, pg_catalog.left(value, 100)),
            pg_catalog.format('Allowed: %s%s.', allowed, COALESCE(' ' || def.unit, '')));
END $$;

UPDATE rcq_private.setting_definition d SET parsed = rcq_private.setting_value(d, d.default_value);

-- The value in force, parsed.
CREATE FUNCTION rcq_private.setting_text(name text) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT COALESCE(s.parsed, d.parsed)
      FROM rcq_private.setting_definition d LEFT JOIN rcq_private.setting s ON s.name = d.name
     WHERE d.name = setting_text.name
$$;
