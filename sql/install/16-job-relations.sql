-- What ties jobs together: arrays and their tasks, dependencies, keys that must not be used twice.

CREATE TABLE rcq_private.array (
    job_id     bigint PRIMARY KEY,
    user_id    integer NOT NULL,
    size       integer NOT NULL,
    throttle   integer,
    waiting    int4multirange NOT NULL,
    held       int4multirange NOT NULL DEFAULT '{}',
    withdrawn  int4multirange NOT NULL DEFAULT '{}',
    completed  integer NOT NULL DEFAULT 0,
    failed     integer NOT NULL DEFAULT 0,
    cancelled  integer NOT NULL DEFAULT 0
);
COMMENT ON TABLE rcq_private.array IS 'Array jobs: which of their tasks have no row of their own yet, and how many have ended how. Tasks are numbered by position: 0 is the least index';
COMMENT ON COLUMN rcq_private.array.throttle IS 'How many of its tasks might be placed and running at once, as submitted; NULL = any number';
COMMENT ON COLUMN rcq_private.array.waiting IS 'Positions of tasks without a row that will get one; every position is in one of waiting, held and withdrawn, or has a row';
COMMENT ON COLUMN rcq_private.array.held IS 'Positions of tasks without a row that were put on hold';
COMMENT ON COLUMN rcq_private.array.withdrawn IS 'Positions of tasks that were cancelled before they had a row; counted in cancelled';
COMMENT ON COLUMN rcq_private.array.completed IS 'Tasks that have ended so, as failed and cancelled; what rcq_private.array_end says comes on top';

-- Written by whoever ends tasks, added to rcq_private.array by the scheduler alone, so that executors that report at the
-- same time never wait for each other.
CREATE TABLE rcq_private.array_end (
    array_id  bigint NOT NULL,
    completed integer NOT NULL,
    failed    integer NOT NULL,
    cancelled integer NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, vacuum_truncate = off);
COMMENT ON TABLE rcq_private.array_end IS 'Tasks that ended lately, not yet counted in rcq_private.array';
CREATE INDEX array_end_array ON rcq_private.array_end (array_id);

CREATE TABLE rcq_private.dependency (
    job_id bigint NOT NULL,
    on_id  bigint NOT NULL,
    kind   text COLLATE "C" NOT NULL,
    PRIMARY KEY (job_id, on_id, kind)
);
COMMENT ON TABLE rcq_private.dependency IS 'What pending jobs still wait for: one row per dependency that is not met';
COMMENT ON COLUMN rcq_private.dependency.kind IS 'after, afterany, afterok, afternotok, aftercorr, singleton (on_id: the job before it, 0 = not yet looked up)';
CREATE INDEX dependency_on ON rcq_private.dependency (on_id);

CREATE TABLE rcq_private.idempotency (
    user_id integer NOT NULL,
    key     text COLLATE "C" NOT NULL,
    job_id  bigint NOT NULL,
    PRIMARY KEY (user_id, key)
);
COMMENT ON TABLE rcq_private.idempotency IS 'Which job a person submitted under which idempotency key, as long as the job is kept';

CREATE TABLE rcq_private.resubmission (
    job_id     bigint PRIMARY KEY,
    new_job_id bigint NOT NULL,
    user_id    integer NOT NULL
);
COMMENT ON TABLE rcq_private.resubmission IS 'Ended jobs that were submitted anew: the newest job that was made of each, as long as the old one is kept';
