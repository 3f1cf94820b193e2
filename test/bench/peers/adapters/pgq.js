'use strict';
// PgQ (Debian's postgresql-15-pgq3): a batch is finished by moving the consumer's cursor; no state per job.
const C = require('../lib/common');

const queue = 'bench';
const consumer = 'w';

module.exports = {
  name: 'PgQ',
  version: () => '3.5',
  schema: 'pgq',

  async setup() {
    const c = await C.client();
    await c.query('create extension if not exists pgq');
    await this.reset(c);
    await c.end();
  },
  async reset(c) {
    if ((await c.query('select 1 from pgq.queue where queue_name = $1', [queue])).rowCount) {
      await c.query(`select pgq.drop_queue('${queue}', true)`);
    }
    await c.query(`select pgq.create_queue('${queue}')`);
    await c.query(`select pgq.register_consumer('${queue}', '${consumer}')`);
    await c.query(`select pgq.set_queue_config('${queue}', 'ticker_max_lag', '1 millisecond'),
                          pgq.set_queue_config('${queue}', 'ticker_idle_period', '1 hour'),
                          pgq.set_queue_config('${queue}', 'ticker_max_count', '1')`);
    await c.query(`select pgq.ticker('${queue}')`);
  },
  // An event that is committed after the tick that saw its number waits for the idle tick.
  beforeLatency: c => c.query(`select pgq.set_queue_config('${queue}', 'ticker_idle_period', '4 milliseconds')`),
  pending: `select count(*)::int as n
              from pgq.subscription s join pgq.queue q on q.queue_id = s.sub_queue and q.queue_name = '${queue}'
             where sub_batch is not null or sub_last_tick < (select max(tick_id) from pgq.tick t where t.tick_queue = q.queue_id)`,

  enqueueSql: `\\set i random(1, 1000000000)\nselect pgq.insert_event('${queue}', 'noop', '{"id":' || :i || '}');`,
  async one(c, i) {
    await c.query({ name: 'send', text: `select pgq.insert_event('${queue}', 'noop', $1)`, values: [`{"id":${i}}`] });
  },
  bulks: {
    async insert_event(c, jobs) {
      const data = Array.from({ length: jobs }, (_, i) => `{"id":${i}}`);
      await c.query(`select count(pgq.insert_event('${queue}', 'noop', x)) from unnest($1::text[]) x`, [data]);
    },
    async copy(c, jobs) {
      const table = (await c.query(`select pgq.current_event_table('${queue}') as name`)).rows[0].name;
      const time = new Date().toISOString();
      await C.copyIn(c, `copy ${table} (ev_time, ev_type, ev_data) from stdin`, (function* () {
        for (let i = 0; i < jobs; i++) yield `${time}\tnoop\t{"id":${i}}\n`;
      })());
    },
  },
  bulk: 'copy',
  // as a ticker would cut batches under load
  bulkChunk: 5000,
  afterChunk: c => c.query(`select pgq.ticker('${queue}')`),

  drainOptions: { procs: 1, tick: 0 },
  latencyOptions: { procs: 1, tick: 1 },

  async worker(options, handle) {
    const c = await C.client();
    const ticker = options.tick ? await C.client() : null;
    let stopping = false;
    const loops = [];
    const tick = async () => {
      while (!stopping) {
        await ticker.query({ name: 'tick', text: `select pgq.ticker('${queue}')` });
        await C.sleep(options.tick);
      }
    };
    const consume = async () => {
      while (!stopping) {
        const next = { name: 'next', text: `select pgq.next_batch('${queue}', '${consumer}') as batch` };
        const { batch } = (await c.query(next)).rows[0];
        if (batch === null) {
          await C.sleep(options.tick || 5);
          continue;
        }
        const events = await c.query(`select ev_id, ev_data from pgq.get_batch_events(${batch})`);
        for (const event of events.rows) handle(JSON.parse(event.ev_data).id);
        await c.query({ name: 'finish', text: 'select pgq.finish_batch($1)', values: [batch] });
      }
    };
    return {
      async go() {
        if (ticker) loops.push(tick());
        loops.push(consume());
      },
      async stop() {
        stopping = true;
        await Promise.all(loops);
        await c.end();
        if (ticker) await ticker.end();
      },
    };
  },
};
