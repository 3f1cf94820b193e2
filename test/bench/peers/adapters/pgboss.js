'use strict';
// pg-boss: a finished job stays, as completed.
const C = require('../lib/common');
const { PgBoss } = require('pg-boss');

const queue = 'bench';
const notifying = 'bench_notify';

function make(options = {}) {
  const boss = new PgBoss({ ...C.connection, supervise: false, schedule: false, max: 8, ...options });
  boss.on('error', error => console.error('pg-boss:', error.message));
  return boss;
}

let sender;
async function sending() {
  if (!sender) {
    sender = make();
    await sender.start();
  }
  return sender;
}

module.exports = {
  name: 'pg-boss',
  version: () => require('pg-boss/package.json').version,
  schema: 'pgboss',

  async setup() {
    const boss = make();
    await boss.start();
    await boss.createQueue(queue, { retryLimit: 2 });
    await boss.createQueue(notifying, { retryLimit: 2, notify: true });
    await boss.stop({ graceful: false });
  },
  reset: c => c.query('truncate pgboss.job'),
  pending: "select count(*)::int as n from pgboss.job where state < 'completed'",

  enqueueSql: `\\set i random(1, 1000000000)\ninsert into pgboss.job (name, data) values ('${queue}', json_build_object('id', :i::int)::jsonb);`,
  async one(c, i) {
    await (await sending()).send(notifying, { id: i });
  },
  bulks: {
    async insert(c, jobs) {
      const boss = await sending();
      for (let first = 0; first < jobs; first += 20000) {
        const length = Math.min(20000, jobs - first);
        await boss.insert(queue, Array.from({ length }, (_, i) => ({ data: { id: first + i } })));
      }
    },
    async copy(c, jobs) {
      await C.copyIn(c, 'copy pgboss.job (name, data) from stdin', (function* () {
        for (let i = 0; i < jobs; i++) yield `${queue}\t{"id":${i}}\n`;
      })());
    },
  },
  bulk: 'copy',

  drainOptions: { procs: 1, loops: 2, batch: 500 },
  latencyOptions: { procs: 1, work: true },

  async worker(options, handle) {
    const boss = make({ useListenNotify: Boolean(options.work) });
    await boss.start();
    let stopping = false;
    const loops = [];
    const loop = async () => {
      while (!stopping) {
        const jobs = await boss.fetch(queue, { batchSize: options.batch });
        if (!jobs || !jobs.length) {
          await C.sleep(20);
          continue;
        }
        for (const job of jobs) handle(job.data.id);
        await boss.complete(queue, jobs.map(job => job.id));
      }
    };
    return {
      async go() {
        if (options.work) {
          const settings = { batchSize: 1, localConcurrency: 1, burstWhenBatchFull: true, pollingIntervalSeconds: 0.5 };
          await boss.work(notifying, settings, async jobs => {
            for (const job of jobs) handle(job.data.id);
          });
        } else {
          for (let i = 0; i < options.loops; i++) loops.push(loop());
        }
      },
      async stop() {
        stopping = true;
        await Promise.all(loops);
        await boss.stop({ graceful: false });
      },
    };
  },
};
