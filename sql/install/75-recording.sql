-- Writing to the record of what people change (76-audit.sql).

CREATE FUNCTION rcq_private.record_change(action text, kind text, object text, old jsonb DEFAULT NULL, new jsonb DEFAULT NULL) RETURNS void
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'rcq_record_change';
COMMENT ON FUNCTION rcq_private.record_change(text, text, text, jsonb, jsonb) IS 'Adds to the record that whoever acts did this';

CREATE FUNCTION rcq_private.id_ranges(ids bigint[]) RETURNS text
LANGUAGE c IMMUTABLE STRICT AS 'MODULE_PATHNAME', 'rcq_id_ranges';
COMMENT ON FUNCTION rcq_private.id_ranges(bigint[]) IS 'Ids as text, of at most 2,000 characters: 7,10-20';
