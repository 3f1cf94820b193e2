-- P: status follows from where a row lives. A live row per unfinished job, a live_run row per placed run, both deleted
-- at the end; outcome and run are insert-only.
\set spec_partition ''
\ir common.sql
create table live (
    job_id      bigint primary key,
    user_id     integer     not null,
    group_id    integer     not null,
    priority    smallint    not null,
    cpu_cores   integer     not null,
    memory_mib  integer     not null,
    gpu_count   smallint    not null,
    eligible_at timestamptz not null,
    attempt     smallint    not null
);
create table live_run (
    job_id      bigint primary key,
    attempt     smallint    not null,
    executor_id integer     not null,
    token       bigint      not null,
    placed_at   timestamptz not null,
    claimed_at  timestamptz,
    cancel_at   timestamptz
) with (fillfactor = 50);
create table outcome (
    job_id bigint primary key, user_id integer not null, group_id integer not null,
    status text not null collate "C", reason text collate "C", ended_at timestamptz not null, attempts smallint not null
);
create table run (
    job_id bigint, attempt smallint, executor_id integer not null, token bigint not null,
    placed_at timestamptz not null, claimed_at timestamptz, ended_at timestamptz not null,
    status text not null collate "C", exit_code integer, cpu_seconds real, memory_mib integer,
    primary key (job_id, attempt)
);
