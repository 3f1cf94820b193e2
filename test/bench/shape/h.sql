-- H: one narrow live row per job for ever, its status a column that no index mentions; every change of state is a HOT
-- update. The run is recorded at the end.
\set spec_partition ''
\ir common.sql
create table live (
    job_id      bigint primary key,
    user_id     integer     not null,
    group_id    integer     not null,
    status      text        not null collate "C",
    reason      text        collate "C",
    priority    smallint    not null,
    cpu_cores   integer     not null,
    memory_mib  integer     not null,
    gpu_count   smallint    not null,
    eligible_at timestamptz not null,
    attempt     smallint    not null,
    executor_id integer,
    token       bigint,
    placed_at   timestamptz,
    claimed_at  timestamptz,
    cancel_at   timestamptz,
    ended_at    timestamptz
) with (fillfactor = 50);
create table run (
    job_id bigint, attempt smallint, executor_id integer not null, token bigint not null,
    placed_at timestamptz not null, claimed_at timestamptz, ended_at timestamptz not null,
    status text not null collate "C", exit_code integer, cpu_seconds real, memory_mib integer,
    primary key (job_id, attempt)
);
