-- What runs say of how far they are, while they go on.

-- The row of a run that is over is seen by nobody, because its token is no longer that of its job, and goes with the next
-- tidying: so the end of a run, which most often has none, need not look.
CREATE TABLE rcq_private.progress (
    job_id  bigint PRIMARY KEY,
    user_id integer NOT NULL,
    token   bigint NOT NULL,
    percent smallint NOT NULL,
    message text,
    at      timestamptz NOT NULL
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, vacuum_truncate = off);
COMMENT ON TABLE rcq_private.progress IS 'The last that a run has said of how far it is; it counts while the run is that of its job in rcq_private.live';
COMMENT ON COLUMN rcq_private.progress.token IS 'Of the run';
COMMENT ON COLUMN rcq_private.progress.percent IS '0 to 100';
COMMENT ON COLUMN rcq_private.progress.at IS 'When it was stored';
