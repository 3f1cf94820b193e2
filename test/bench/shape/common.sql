-- What every shape has: the specification, written once and never updated, and the stream of commands to executors.
-- :spec_partition is empty, or "partition by range (id)" for the partitioned variant.
create table spec (
    id               bigint      not null,
    user_id          integer     not null,
    group_id         integer     not null,
    submitted_at     timestamptz not null,
    name             text        collate "C",
    script           text        not null,
    arguments        jsonb,
    environment      jsonb,
    working_dir      text        collate "C",
    cpu_cores        integer     not null,
    memory_mib       integer     not null,
    gpu_count        integer     not null,
    features         text[],
    resources        jsonb,
    time_limit       interval,
    begin_at         timestamptz,
    deadline         timestamptz,
    priority         smallint    not null,
    max_retries      smallint    not null,
    preemptible      boolean     not null,
    limit_key        text        collate "C",
    array_size       integer,
    parent_id        bigint,
    tags             text[],
    output_path      text        collate "C"
) :spec_partition;
alter table spec add primary key (id);
create index on spec (user_id, id);

create table command (
    executor_id integer not null,
    seq         bigint  not null,
    job_id      bigint  not null,
    token       bigint  not null,
    primary key (executor_id, seq)
);
