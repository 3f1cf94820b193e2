'use strict';
// River's client is written in Go; its bulk insert is one INSERT ... SELECT of arrays. This is the same statement on a table
// with the columns and the indexes that River's table has, for the bulk rate alone.
const C = require('../lib/common');

module.exports = {
  name: 'River (its table)',
  version: () => 'schema 6',
  schema: 'river',

  async setup() {
    const c = await C.client();
    await c.query(`
      create schema river;
      create type river.state as enum ('available', 'cancelled', 'completed', 'discarded', 'pending', 'retryable', 'running', 'scheduled');
      create table river.job (
        id bigserial primary key, state river.state not null default 'available', attempt smallint not null default 0,
        max_attempts smallint not null, attempted_at timestamptz, created_at timestamptz not null default now(),
        finalized_at timestamptz, scheduled_at timestamptz not null default now(), priority smallint not null default 1,
        args jsonb not null, attempted_by text[], errors jsonb[], kind text not null, metadata jsonb not null default '{}',
        queue text not null default 'default', tags varchar(255)[] not null default '{}', unique_key bytea, unique_states bit(8));
      create index on river.job (kind);
      create index on river.job (state, finalized_at) where finalized_at is not null;
      create index on river.job (state, queue, priority, scheduled_at, id);
      create index on river.job using gin (args);
      create index on river.job using gin (metadata);
      create unique index on river.job (unique_key) where unique_key is not null and unique_states is not null;`);
    await c.end();
  },
  reset: c => c.query('truncate river.job'),

  bulks: {
    async insert_many(c, jobs) {
      await c.query(
        `insert into river.job (args, kind, max_attempts, metadata, priority, queue, scheduled_at, state, tags)
         select unnest($1::jsonb[]), unnest($2::text[]), 25, '{}', 1, 'default', now(), 'available', '{}'`,
        [Array.from({ length: jobs }, (_, i) => `{"id":${i}}`), Array(jobs).fill('noop')]);
    },
  },
  bulk: 'insert_many',
};
