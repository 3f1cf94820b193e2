-- L: a live row per unfinished job that also carries its run; placement and claim are HOT updates of it, the end deletes
-- it. One insert-only outcome row says how the job ended and what its last run was; run keeps superseded attempts only.
\if :{?partitioned} \else \set partitioned off \endif
\if :partitioned
\set spec_partition 'partition by range (id)'
\set outcome_partition 'partition by range (job_id)'
\else
\set spec_partition ''
\set outcome_partition ''
\endif
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
    attempt     smallint    not null,
    executor_id integer,
    token       bigint,
    placed_at   timestamptz,
    claimed_at  timestamptz,
    cancel_at   timestamptz
) with (fillfactor = 50);
create table outcome (
    job_id bigint not null, user_id integer not null, group_id integer not null,
    status text not null collate "C", reason text collate "C", ended_at timestamptz not null,
    attempt smallint not null, executor_id integer, token bigint,
    placed_at timestamptz, claimed_at timestamptz, exit_code integer, cpu_seconds real, memory_mib integer
) :outcome_partition;
alter table outcome add primary key (job_id);
create table run (
    job_id bigint, attempt smallint, executor_id integer not null, token bigint not null,
    placed_at timestamptz not null, claimed_at timestamptz, ended_at timestamptz not null,
    status text not null collate "C", exit_code integer, cpu_seconds real, memory_mib integer,
    primary key (job_id, attempt)
);
