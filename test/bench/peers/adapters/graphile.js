'use strict';
// graphile-worker: a finished job is deleted.
const C = require('../lib/common');
const { Logger, run, runMigrations } = require('graphile-worker');

const quiet = new Logger(() => () => {});

module.exports = {
  name: 'graphile-worker',
  version: () => require('graphile-worker/package.json').version,
  schema: 'graphile_worker',

  async setup() {
    const pool = new C.pg.Pool(C.connection);
    await runMigrations({ pgPool: pool, logger: quiet });
    await pool.end();
  },
  reset: c => c.query('truncate graphile_worker._private_jobs, graphile_worker._private_job_queues restart identity'),
  pending: 'select count(*)::int as n from graphile_worker._private_jobs',

  enqueueSql: "\\set i random(1, 1000000000)\nselect graphile_worker.add_job('noop', json_build_object('id', :i::int));",
  async one(c, i) {
    await c.query({
      name: 'add', text: "select graphile_worker.add_job('noop', json_build_object('id', $1::int))", values: [i],
    });
  },
  bulks: {
    async add_jobs(c, jobs) {
      const specs = Array.from({ length: jobs }, (_, i) => ({ identifier: 'noop', payload: { id: i } }));
      await c.query(
        'select 1 from graphile_worker.add_jobs(array(select json_populate_recordset(null::graphile_worker.job_spec, $1::json)))',
        [JSON.stringify(specs)]);
    },
  },
  bulk: 'add_jobs',

  drainOptions: { procs: 2, concurrency: 24, size: 500, refetchMs: 10 },
  latencyOptions: { procs: 1, concurrency: 1, size: -1, batchDelay: -1 },

  async worker(options, handle) {
    const connections = options.concurrency + 2;
    const pool = new C.pg.Pool({ ...C.connection, max: connections });
    pool.on('error', () => {});
    (await pool.connect()).release();
    let runner;
    return {
      async go() {
        runner = await run({
          pgPool: pool,
          noHandleSignals: true,
          logger: quiet,
          taskList: { noop: payload => { handle(payload.id); } },
          preset: {
            worker: {
              concurrentJobs: options.concurrency,
              maxPoolSize: connections,
              pollInterval: 2000,
              localQueue: options.size > 0 ? { size: options.size, refetchDelay: { durationMs: options.refetchMs } } : { size: -1 },
              completeJobBatchDelay: options.batchDelay ?? 0,
              failJobBatchDelay: options.batchDelay ?? 0,
            },
          },
        });
      },
      async stop() {
        await runner.stop();
        await pool.end().catch(() => {});
      },
    };
  },
};
