'use strict';
// rcq: executors that speak the SQL protocol and run nothing; what is claimed is reported as a success with the next sync.
// A database of its own for each measure, which its caller makes (and so nothing to reset).
const C = require('../lib/common');

const executors = 2;
const capacity = { cpu_cores: 4000, memory_mib: 1 << 30, gpu_count: 0 };
const job = '{"script":"true","memory_gb":0.01}';

class Executor {
  constructor(role, batch, handle) {
    Object.assign(this, { role, batch, handle, acked: 0, finished: [], notified: false, wake: null });
  }

  async register() {
    this.client = await C.client({ user: this.role });
    this.incarnation = String(process.hrtime.bigint());
    const { rows } = await this.client.query("select rcq.register_executor($1, $2, '{}', $3, 1) as terms",
      [this.role, JSON.stringify(capacity), this.incarnation]);
    this.id = rows[0].terms.executor;
    this.client.on('notification', () => {
      this.notified = true;
      if (this.wake) this.wake();
    });
    await this.client.query(`listen "${rows[0].terms.channel}"`);
  }

  // One round trip: reports what the last one claimed, and claims.
  async sync() {
    const { rows } = await this.client.query({
      name: 'sync',
      text: "select kind, seq, job_id, token, body->>'answer' as answer from rcq.executor_sync($1, $2, $3, null, $4, null, $5)",
      values: [this.id, this.incarnation, this.acked, this.finished.length ? `[${this.finished.join(',')}]` : null, this.batch],
    });
    const reported = this.finished.length;
    this.finished = [];
    for (const row of rows) {
      if (row.kind === 'start') {
        this.handle(row.job_id);
        // tokens have 63 bits, more than a number of JavaScript: here all of them are texts
        this.finished.push(`{"job_id":${row.job_id},"token":${row.token},"end":"exit_code","exit_code":0,"cpu_seconds":0}`);
      } else if (row.kind === 'ack') {
        this.acked = row.seq;
      } else if (row.kind === 'answer' && row.answer !== 'ok') {
        throw new Error(`the report of job ${row.job_id} was answered ${row.answer}`);
      }
    }
    return reported + this.finished.length;
  }

  async loop(stopping) {
    while (!stopping()) {
      this.notified = false;
      if ((await this.sync()) > 0 || this.notified) continue;
      await new Promise(resolve => {
        this.wake = resolve;
        this.timer = setTimeout(resolve, 500);
      });
      clearTimeout(this.timer);
      this.wake = null;
    }
    await this.sync();
  }
}

const roleOf = i => `${C.connection.database}_x${i}`;

module.exports = {
  name: 'rcq',
  schema: 'rcq_private',

  // logins are made beforehand, as an administrator does
  async setup() {
    const c = await C.client();
    for (let i = 0; i < executors; i++) await c.query('select rcq.create_executor_login($1)', [roleOf(i)]);
    const { rows } = await c.query("select extversion from pg_extension where extname = 'rcq'");
    this.version = () => rows[0].extversion;
    await c.end();
  },
  reset: async () => {},
  pending: 'select count(*)::int as n from rcq_private.live',

  enqueueSql: "select rcq.submit('true');",
  one: async c => (await c.query({ name: 'submit', text: "select rcq.submit('true') as id" })).rows[0].id,
  bulks: {
    async submit_many(c, jobs) {
      await c.query('select count(*) from rcq.submit_many($1::jsonb)', [`[${Array(jobs).fill(job).join(',')}]`]);
    },
    async inbox(c, jobs) {
      await C.copyIn(c, 'copy rcq.inbox (script, memory_gb) from stdin', (function* () {
        for (let i = 0; i < jobs; i++) yield 'true\t0.01\n';
      })());
    },
  },
  bulk: 'submit_many',
  canBulk: async (c, name) => name !== 'inbox' || (await c.query("select to_regclass('rcq.inbox') is not null as there")).rows[0].there,

  drainOptions: { procs: 1, executors, batch: 500 },
  latencyOptions: { procs: 1, executors: 1, batch: 10 },

  async worker(options, handle) {
    let stopping = false;
    const loops = [];
    const members = Array.from({ length: options.executors }, (_, i) => new Executor(roleOf(i), options.batch, handle));
    for (const member of members) await member.register();
    return {
      async go() {
        for (const member of members) loops.push(member.loop(() => stopping));
      },
      async stop() {
        stopping = true;
        for (const member of members) if (member.wake) member.wake();
        await Promise.all(loops);
        for (const member of members) await member.client.end();
      },
    };
  },
};
