-- How far a cancel of running work has come: when it was asked for, whether the executor knows, by when it is forced.
\getenv dir PG_ABS_SRCDIR
\set begin :dir /test/sql/begin.sql
\set end :dir /test/sql/end.sql
\i :begin
CREATE EXTENSION rcq;
SELECT t.wait($$(SELECT state = 'running' FROM rcq.scheduler)$$);
SELECT rcq.add_user('regress_ann'), rcq.add_user('regress_ben');
SELECT t.node('regress_node_a');
SET ROLE regress_node_a;
SELECT FROM rcq.register_executor('host', '{"cpu_cores": 4, "memory_mib": 8192, "info": {"kill_grace_s": 20}}', NULL, 1, 1);
INSERT INTO t.process VALUES ('regress_node_a', 1, 1, 0);
SET ROLE regress_ann;
SELECT rcq.submit('job 1');
SET ROLE regress_node_a;
SELECT * FROM t.take();
\set said 'SELECT kind, reason, regexp_replace(message, $r$\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d [A-Z]+$r$, $r$TIME$r$, $r$g$r$) AS message FROM rcq.explain(1)'
\set facts 'SELECT array_agg(k.key ORDER BY k.key) AS known, bool_and((e.data->>$r$told_at$r$)::timestamptz >= (e.data->>$r$asked_at$r$)::timestamptz) AS told_after_asked, e.data->>$r$acknowledged$r$ AS acknowledged, (e.data->>$r$forced_by$r$)::timestamptz - (e.data->>$r$told_at$r$)::timestamptz BETWEEN $r$20 s$r$ AND $r$30 s$r$ AS forced_in_time FROM rcq.explain(1) e, jsonb_each(e.data) k WHERE e.reason <> $r$running$r$ GROUP BY e.data'
-- not asked yet
SET ROLE regress_ann;
SELECT kind, reason FROM rcq.explain(1);
-- asked, and not passed on
SELECT rcq.cancel(1);
RESET ROLE;
SELECT t.wait($$EXISTS (SELECT FROM rcq_private.command WHERE kind = 'cancel')$$);
SELECT kind, written_at IS NULL AS untold FROM rcq_private.command ORDER BY seq;
-- told; the executor has not said that it knows
SET ROLE regress_ann;
:said;
:facts;
-- it gets the command: that alone is no word of it; its next sync is
SET ROLE regress_node_a;
SELECT * FROM t.sync();
SET ROLE regress_ann;
:facts;
SET ROLE regress_node_a;
SELECT * FROM t.sync();
SET ROLE regress_ann;
:said;
:facts;
-- away: the run is given up some time after the executor was last heard of
RESET ROLE;
SELECT rcq.set('lease', '1 s');
SET ROLE regress_ann;
SELECT t.wait($$EXISTS (SELECT FROM rcq.explain(1) e WHERE e.data ? 'given_up_at')$$);
:said;
:facts;
SELECT round(extract(epoch FROM (data->>'given_up_at')::timestamptz - (data->>'executor_seen')::timestamptz)) AS lost_after_s FROM rcq.explain(1) WHERE reason = 'cancelling';
SET ROLE regress_ben;
SELECT * FROM t.errors('SELECT rcq.explain(1)');
SET ROLE regress_node_a;
SELECT * FROM t.sync(finished => t.ended(1, 'cancelled'));
-- one that does not say how long its grace is gets no time; requeued and not cancelled
SELECT t.register(incarnation => 2);
SET ROLE regress_ann;
SELECT rcq.submit('job 2') AS second \gset
SET ROLE regress_node_a;
SELECT count(*) FROM t.take();
SET ROLE regress_ann;
SELECT rcq.requeue(2);
RESET ROLE;
SELECT t.wait($$EXISTS (SELECT FROM rcq_private.command WHERE kind = 'cancel')$$);
SET ROLE regress_ann;
SELECT e.kind, e.reason, e.data ? 'forced_by' AS forced FROM rcq.explain(2) e;
-- what an executor says of itself may be anything
RESET ROLE;
CREATE FUNCTION t.grace(said jsonb) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    UPDATE rcq_private.executor SET info = jsonb_build_object('kill_grace_s', said);
    RETURN (SELECT e.data ->> 'kill_grace_s' FROM rcq.explain(2) e WHERE e.reason = 'requeueing');
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE;
END $$;
SELECT left(said::text, 12) AS said, t.grace(said) FROM unnest('{"\"x\"",5,0.5,86400,86401,-1,1e400,1e-400,null,"[5]","{}"}'::jsonb[]) said;

\i :end
