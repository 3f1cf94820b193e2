-- Handlers of the REST routes that monitoring and auditors ask.

-- GET /health: for everybody, and nothing in it that is not for everybody.
CREATE FUNCTION rcq_private.rest_health(request jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    scheduler record;
    hosts record;
    is_well CONSTANT boolean := rcq_private.scheduler_is_well();
    now_ CONSTANT timestamptz := pg_catalog.clock_timestamp();
    lease CONSTANT interval := pg_catalog.make_interval(secs => rcq_private.setting_text('lease')::double precision);
    problem text;
    remark text;
BEGIN
    PERFORM rcq_private.check_fields(request);
    SELECT s.state, pg_catalog.round(pg_catalog.date_part('epoch', now_ - s.last_cycle_at)::numeric, 3) AS age_s
      INTO scheduler FROM rcq_private.scheduler_state() s;
    -- as in rcq.executors, which also looks at what runs there
    SELECT pg_catalog.count(*) FILTER (WHERE k.offline) AS offline, pg_catalog.count(*) FILTER (WHERE NOT k.offline AND k.draining) AS draining,
           pg_catalog.count(*) FILTER (WHERE NOT k.offline AND NOT k.draining) AS online
      INTO hosts
      FROM (SELECT e.signed_off OR e.registered_at IS NULL OR s.seen IS NULL OR s.seen < now_ - lease AS offline, COALESCE(e.drain_at <= now_, e.drained IS NOT NULL) OR e.leaving IS NOT NULL AS draining
              FROM rcq_private.executor e, rcq_private.executor_seen(e.id) s(seen)) k;
    problem := CASE WHEN pg_catalog.pg_is_in_recovery() THEN 'the database is in recovery: nothing is scheduled here'
                    WHEN is_well THEN NULL
                    WHEN scheduler.state IN ('running', 'failing', 'disabled') THEN 'the scheduler has gone through no cycle lately'
                    WHEN scheduler.state = 'idle' THEN 'the scheduler idles: see rcq.scheduler for the reason'
                    ELSE 'the scheduler is not running' END;
    remark := CASE WHEN scheduler.state = 'failing' THEN 'the scheduler fails: see rcq.scheduler for the error'
                   WHEN scheduler.state = 'disabled' OR EXISTS (SELECT FROM rcq_private.paused) THEN 'the queue is paused'
                   WHEN hosts.online = 0 THEN 'no executor is online'
                   ELSE 'the queue is working' END;
    IF problem IS NOT NULL THEN
        PERFORM rcq_private.set_status(503);
    END IF;
    RETURN pg_catalog.jsonb_build_object(
        'status', CASE WHEN problem IS NULL THEN 'healthy' ELSE 'unhealthy' END, 'message', COALESCE(problem, remark), 'version', '1.0.0',
        'rcq_version', rcq_private.sql_version(), 'database', CASE WHEN pg_catalog.pg_is_in_recovery() THEN 'in recovery' ELSE 'ok' END,
        'scheduler', pg_catalog.jsonb_build_object('state', scheduler.state, 'last_cycle_age_s', scheduler.age_s),
        'executors', pg_catalog.jsonb_build_object('online', hosts.online, 'offline', hosts.offline, 'draining', hosts.draining));
END $$;

-- GET /metrics: the web server decides who may (an address, or what follows).
CREATE FUNCTION rcq_private.rest_metrics(request jsonb) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM rcq_private.check_fields(request);
    PERFORM rcq_private.set_header('Content-Type', 'text/plain; version=0.0.4; charset=utf-8');
    RETURN rcq_private.read_metrics();
END $$;

-- Whether the token of the request is one of an administrator, or one for metrics.
CREATE FUNCTION rcq_private.rest_may_read_metrics(request jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF rcq_private.request_scope() = 'metrics' OR rcq_private.caller_is_admin() THEN
        RETURN pg_catalog.jsonb_build_object('allowed', true);
    END IF;
    PERFORM rcq_private.fail('RC005', 'metrics are for administrators, and for tokens that are made to read them',
        'An administrator makes one with the scope metrics.');
END $$;

-- A time in a query; RC001 when it is none.
CREATE FUNCTION rcq_private.query_time(request jsonb, name text) RETURNS timestamptz
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET TimeZone = 'UTC' AS $$
BEGIN
    RETURN (request ->> name)::timestamptz;
EXCEPTION WHEN data_exception THEN
    PERFORM rcq_private.fail('RC001', pg_catalog.format('%s cannot be "%s"', name, pg_catalog.left(request ->> name, 100)),
        'A time such as 2030-01-31T08:00:00Z.');
END $$;

-- GET /api/admin/audit: newest first, a page at a time. Each way of asking has an index; what is not asked for stays out of
-- the query, so that its plan is made for what is.
CREATE FUNCTION rcq_private.rest_admin_audit(request jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    page CONSTANT bigint := rcq_private.whole_field(request, 'limit', 1, 1000, 100);
    before_id CONSTANT bigint := rcq_private.whole_field(request, 'before', 1, 999999999999999999);
    before_at timestamptz;
    user_id integer;
    entries jsonb;
    last_id bigint;
    count bigint;
BEGIN
    PERFORM rcq_private.require_admin(), rcq_private.check_fields(request, 'user', 'action', 'kind', 'object', 'since', 'until', 'request_id', 'before', 'limit');
    IF before_id IS NOT NULL THEN
        SELECT a.at INTO before_at FROM rcq_private.audit a WHERE a.id = before_id;
        IF NOT FOUND THEN
            PERFORM rcq_private.fail('RC001', pg_catalog.format('before cannot be %s: there is no such entry', before_id), 'Pass what next_before said.');
        END IF;
    END IF;
    IF request ->> 'user' ~ '^[0-9]{1,9}$' THEN
        user_id := (request ->> 'user')::integer;
    ELSIF request ? 'user' THEN
        SELECT u.id INTO user_id FROM rcq_private.users u WHERE u.email = pg_catalog.lower(request ->> 'user') OR u.role_name = request ->> 'user';
        IF NOT FOUND THEN
            PERFORM rcq_private.fail('RC002', pg_catalog.format('there is no user "%s"', pg_catalog.left(request ->> 'user', 100)), 'Give an id, an e-mail address or a SQL role.');
        END IF;
    END IF;
    EXECUTE 'SELECT pg_catalog.jsonb_agg(pg_catalog.to_jsonb(e) ORDER BY e.at DESC, e.id DESC), pg_catalog.count(*), (pg_catalog.array_agg(e.id ORDER BY e.at, e.id))[1]'
            ' FROM (SELECT a.id, rcq_private.rfc3339(a.at) AS at, a.user_id, a.actor, a.action, a.kind, a.object, a.old, a.new, a.via, a.address, a.request_id'
            ' FROM rcq_private.audit a WHERE true'
            || CASE WHEN user_id IS NOT NULL THEN ' AND a.user_id = $1' ELSE '' END
            || CASE WHEN request ? 'action' THEN ' AND a.action = $2' ELSE '' END
            || CASE WHEN request ? 'kind' THEN ' AND a.kind = $3' ELSE '' END
            || CASE WHEN request ? 'object' THEN ' AND a.object = $4' ELSE '' END
            || CASE WHEN request ? 'since' THEN ' AND a.at >= $5' ELSE '' END
            || CASE WHEN request ? 'until' THEN ' AND a.at <= $6' ELSE '' END
            || CASE WHEN request ? 'request_id' THEN ' AND a.request_id = $7' ELSE '' END
            || CASE WHEN before_id IS NOT NULL THEN ' AND (a.at, a.id) < ($8, $9)' ELSE '' END
            || ' ORDER BY a.at DESC, a.id DESC LIMIT $10) e'
       INTO entries, count, last_id
      USING user_id, request ->> 'action', request ->> 'kind', request ->> 'object', rcq_private.query_time(request, 'since'),
            rcq_private.query_time(request, 'until'), request ->> 'request_id', before_at, before_id, page;
    RETURN pg_catalog.jsonb_build_object('audit', COALESCE(entries, '[]'), 'count', count, 'next_before', CASE WHEN count = page THEN last_id END);
END $$;

CREATE FUNCTION rcq_rest.health(bytea) RETURNS rcq_rest."application/json"
LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'rcq_answer_query';
COMMENT ON FUNCTION rcq_rest.health(bytea) IS 'GET /health: 200 when the queue works, 503 with the reason when it does not; for everybody';

CREATE FUNCTION rcq_rest.metrics(bytea) RETURNS rcq_rest."text/plain"
LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'rcq_answer_text';
COMMENT ON FUNCTION rcq_rest.metrics(bytea) IS 'GET /metrics: as rcq.metrics(); the web server lets in whom rcq_rest.may_read_metrics admits, or by address';

CREATE FUNCTION rcq_rest.may_read_metrics(bytea) RETURNS rcq_rest."application/json"
LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'rcq_answer_query';
COMMENT ON FUNCTION rcq_rest.may_read_metrics(bytea) IS 'For the web server: 200 for a token of an administrator or of the scope metrics, else 403';

CREATE FUNCTION rcq_rest.admin_audit(bytea) RETURNS rcq_rest."application/json"
LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'rcq_answer_query';
COMMENT ON FUNCTION rcq_rest.admin_audit(bytea) IS 'GET /api/admin/audit: what people changed, newest first, for administrators. Query: user (id, e-mail address or SQL role), action, kind, object, since, until, request_id, before (next_before of the page before), limit (1-1000, 100 unless given)';
