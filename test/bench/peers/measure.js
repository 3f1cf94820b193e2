'use strict';
// node measure.js PEER MEASURE [OPTIONS as JSON]: prints one line of JSON. Measures: setup, enqueue, bulk, drain, latency,
// held. Needs the environment that lib/common.js names, and PGBENCH, the program.
const fs = require('fs');
const os = require('os');
const path = require('path');
const { execFileSync } = require('child_process');
const C = require('./lib/common');
const { startConsumers, drain } = require('./lib/consumers');

const [peer, measure, given] = process.argv.slice(2);
const adapter = require('./adapters')(peer);
const options = JSON.parse(given || '{}');

async function fill(c, jobs) {
  const how = adapter.bulks[adapter.bulk];
  const chunk = adapter.bulkChunk || jobs;
  for (let done = 0; done < jobs; done += chunk) {
    await how.call(adapter, c, Math.min(chunk, jobs - done));
    if (adapter.afterChunk) await adapter.afterChunk(c);
  }
}

async function analyze(c) {
  const { rows } = await c.query(
    'select c.oid::regclass::text as name from pg_class c join pg_namespace n on n.oid = c.relnamespace where relkind = $1 and nspname = $2',
    ['r', adapter.schema]);
  for (const { name } of rows) await c.query(`analyze ${name}`);
}

function pgbench(script, clients, seconds) {
  const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'rcq-peers-')), 'enqueue.sql');
  fs.writeFileSync(file, `${script}\n`);
  try {
    const output = execFileSync(process.env.PGBENCH,
      ['-n', '-M', 'prepared', '-c', clients, '-j', Math.min(2, clients), '-T', seconds, '-f', file], { encoding: 'utf8' });
    return Number(output.match(/tps = ([\d.]+)/)[1]);
  } finally {
    fs.rmSync(path.dirname(file), { recursive: true });
  }
}

const measures = {
  async setup() {
    await adapter.setup();
    return { version: adapter.version() };
  },

  async enqueue(c) {
    return { rate: pgbench(adapter.enqueueSql, options.clients, options.seconds) };
  },

  // The fastest of the ways that the peer has.
  async bulk(c) {
    const rates = {};
    for (const [name, how] of Object.entries(adapter.bulks)) {
      if (adapter.canBulk && !(await adapter.canBulk(c, name))) continue;
      await adapter.reset(c);
      await c.query('checkpoint');
      const wal = await C.walPosition(c);
      const begin = C.now();
      await how.call(adapter, c, options.jobs);
      const ms = C.now() - begin;
      rates[name] = { rate: (options.jobs * 1000) / ms, wal: ((await C.walPosition(c)) - wal) / options.jobs };
    }
    const [way, best] = Object.entries(rates).sort((a, b) => b[1].rate - a[1].rate)[0];
    return { ...best, way, ways: Object.fromEntries(Object.entries(rates).map(([name, { rate }]) => [name, rate])) };
  },

  async drain(c) {
    await fill(c, options.jobs);
    if (options.analyze) await analyze(c);
    await c.query('checkpoint');
    const result = await drain(peer, adapter, c, options.jobs, adapter.drainOptions);
    return { ...result, rate: (options.jobs * 1000) / result.ms };
  },

  // From the moment a job is sent until a consumer that had nothing to do has it.
  async latency(c) {
    if (adapter.beforeLatency) await adapter.beforeLatency(c);
    const consumers = await startConsumers(peer, { ...adapter.latencyOptions, latency: true });
    let arrived;
    consumers.onJob(message => arrived(message));
    const warmUp = 20;
    const times = [];
    consumers.go();
    await C.sleep(500);
    for (let i = 0; i < options.jobs + warmUp; i++) {
      const early = new Map(); // a job may arrive before its number is known
      let expected;
      const arrival = new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`job ${i} did not arrive within 10 s`)), 10000);
        arrived = ({ job, at }) => {
          early.set(job, at);
          if (early.has(expected)) {
            clearTimeout(timer);
            resolve(early.get(expected));
          }
        };
      });
      const sent = C.now();
      expected = (await adapter.one(c, i)) ?? i;
      if (early.has(expected)) arrived({ job: expected, at: early.get(expected) });
      const at = await arrival;
      if (i >= warmUp) times.push(at - sent);
      await C.sleep(5 + Math.random() * 10);
    }
    await consumers.stop();
    return { p50: C.percentile(times, 0.5), p99: C.percentile(times, 0.99), times: times.map(ms => Number(ms.toFixed(3))) };
  },

  // The drain, part after part, under a snapshot that holds back vacuum.
  async held(c) {
    const holder = await C.client();
    await holder.query('begin isolation level repeatable read');
    await holder.query('select count(*) from pg_class');
    const rates = [];
    for (let part = 0; part < options.parts; part++) {
      await fill(c, options.jobs);
      const { ms } = await drain(peer, adapter, c, options.jobs, adapter.drainOptions);
      rates.push((options.jobs * 1000) / ms);
    }
    await holder.query('rollback');
    return { rates, ratio: rates[rates.length - 1] / rates[0] };
  },
};

async function main() {
  if (measure === 'setup') return measures.setup();
  const c = await C.client();
  await adapter.reset(c);
  const result = await measures[measure](c);
  await adapter.reset(c);
  return result;
}

main().then(result => {
  console.log(JSON.stringify({ peer: adapter.name, measure, ...result }));
  process.exit(0);
}).catch(error => {
  console.error(`${peer} ${measure}: ${error.stack || error}`);
  process.exit(1);
});
