-- What may be taken out of the record of what people change (76-audit.sql): what is old, by rcq.prune_audit() alone.

CREATE FUNCTION rcq_private.refuse_audit_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'DELETE' AND rcq_private.is_inside_function() THEN
        RETURN NULL;
    END IF;
    PERFORM rcq_private.fail('RC005', 'the audit log cannot be changed: ' || TG_OP || ' is refused for everybody',
        'It is only added to. Entries that are older than 30 days go with rcq.prune_audit.');
END $$;

-- Whoever got hold of an administrator's rights cannot wipe away lately left traces by them.
CREATE FUNCTION rcq.prune_audit(older_than interval) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    now_ CONSTANT timestamptz := pg_catalog.clock_timestamp();
    before timestamptz;
    pruned bigint;
BEGIN
    PERFORM rcq_private.require_admin();
    IF older_than IS NULL OR NOT older_than BETWEEN interval '30 days' AND interval '100 years' THEN
        PERFORM rcq_private.fail('RC001', pg_catalog.format('older_than is %s, allowed is 30 days to 100 years', COALESCE(older_than::text, 'NULL')),
            'What happened within the last 30 days stays in the audit log.');
    END IF;
    before := LEAST(now_ - older_than, now_ - interval '30 days'); -- a month may have fewer
    DELETE FROM rcq_private.audit a WHERE a.at < before;
    GET DIAGNOSTICS pruned = ROW_COUNT;
    PERFORM rcq_private.record_change('audit.prune', 'audit', '', NULL, pg_catalog.jsonb_build_object('before', before, 'entries', pruned));
    RETURN pruned;
END $$;
COMMENT ON FUNCTION rcq.prune_audit(interval) IS
'Deletes the entries of the audit log (rcq.audit) that are older than this, 30 days at least, and returns how many they were; that it was done becomes an entry itself. Errors: RC001, RC005';
