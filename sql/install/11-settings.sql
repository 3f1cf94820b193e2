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
