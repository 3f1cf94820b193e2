'use strict';
// Consumer processes (worker.js), and the time that they need for what is queued.
const path = require('path');
const { fork } = require('child_process');
const { sleep, now, serverCpu, clientCpu, walPosition } = require('./common');

async function startConsumers(peer, options) {
  const workers = [];
  for (let i = 0; i < (options.procs || 1); i++) {
    const child = fork(path.join(__dirname, '..', 'worker.js'), [peer, JSON.stringify(options)]);
    workers.push({ child, count: 0, gone: false, onJob: null });
  }
  await Promise.all(workers.map(worker => new Promise((resolve, reject) => {
    worker.child.on('message', message => {
      if (message.ready) resolve();
      if (message.count !== undefined) worker.count = message.count;
      if (message.job !== undefined && worker.onJob) worker.onJob(message);
    });
    worker.child.on('exit', code => {
      worker.gone = true;
      reject(new Error(`a consumer ended with ${code}`));
    });
  })));
  return {
    pids: workers.map(worker => worker.child.pid),
    go() {
      for (const worker of workers) worker.child.send('go');
    },
    total: () => workers.reduce((sum, worker) => sum + worker.count, 0),
    onJob(handler) {
      for (const worker of workers) worker.onJob = handler;
    },
    stop: () => Promise.all(workers.map(worker => new Promise(resolve => {
      if (worker.gone) return resolve();
      worker.child.on('exit', resolve);
      worker.child.send('stop');
      setTimeout(() => worker.child.kill('SIGKILL'), 15000).unref();
      return undefined;
    }))),
  };
}

// From 'go' until the peer's own tables say that nothing is pending.
async function drain(peer, adapter, c, jobs, options) {
  const consumers = await startConsumers(peer, options);
  const server = serverCpu();
  const clients = clientCpu(consumers.pids);
  const wal = await walPosition(c);
  const begin = now();
  const limit = begin + (options.limitMs || 120000);
  consumers.go();
  while (consumers.total() < jobs && now() < limit) await sleep(5);
  while (now() < limit && (await c.query(adapter.pending)).rows[0].n > 0) await sleep(5);
  const ms = now() - begin;
  const result = {
    ms,
    server_us: ((serverCpu() - server) * 1e6) / jobs,
    client_us: ((clientCpu(consumers.pids) - clients) * 1e6) / jobs,
    wal: ((await walPosition(c)) - wal) / jobs,
  };
  const total = consumers.total();
  await consumers.stop();
  if (total < jobs || ms >= limit - begin) throw new Error(`${total} of ${jobs} jobs within ${Math.round(ms)} ms`);
  return result;
}

module.exports = { startConsumers, drain };
