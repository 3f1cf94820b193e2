'use strict';
// What every measure needs: connections, time, CPU of the server and of its clients, WAL. The environment says which
// server it is: PGHOST, PGPORT, PGDATABASE, PGUSER as always, PGDATA for its processes, NODE_PATH for the packages.
const fs = require('fs');
const path = require('path');
const { Readable } = require('stream');
const { pipeline } = require('stream/promises');
const pg = require('pg');

const connection = {
  host: process.env.PGHOST,
  port: Number(process.env.PGPORT),
  database: process.env.PGDATABASE,
  user: process.env.PGUSER,
};
const ticksPerSecond = 100;

async function client(options = {}) {
  const made = new pg.Client({ ...connection, ...options });
  await made.connect();
  return made;
}

const sleep = ms => new Promise(resolve => setTimeout(resolve, ms));

// CLOCK_MONOTONIC in ms, the same in all processes.
const now = () => Number(process.hrtime.bigint()) / 1e6;

// CPU seconds: `own` to the nanosecond, `reaped` of children that have ended, in ticks.
function cpuOf(pid) {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ').map(Number);
    const own = Number(fs.readFileSync(`/proc/${pid}/schedstat`, 'latin1').split(' ')[0]) / 1e9;
    return { parent: fields[1], own, reaped: (fields[13] + fields[14]) / ticksPerSecond };
  } catch {
    return null;
  }
}

function serverCpu() {
  const postmaster = Number(fs.readFileSync(path.join(process.env.PGDATA, 'postmaster.pid'), 'utf8').split('\n')[0]);
  const top = cpuOf(postmaster);
  let sum = top.own + top.reaped;
  for (const name of fs.readdirSync('/proc')) {
    const process = /^\d+$/.test(name) ? cpuOf(name) : null;
    if (process && process.parent === postmaster) sum += process.own;
  }
  return sum;
}

// This process, the children named, and those that have ended. All threads: schedstat has the first one's alone.
function clientCpu(pids = []) {
  let sum = 0;
  for (const pid of [process.pid, ...pids]) {
    let threads = [];
    try {
      threads = fs.readdirSync(`/proc/${pid}/task`);
    } catch {
      continue;
    }
    for (const thread of threads) sum += (cpuOf(`${pid}/task/${thread}`) || { own: 0 }).own;
    sum += (cpuOf(pid) || { reaped: 0 }).reaped;
  }
  return sum;
}

async function walPosition(c) {
  const { rows } = await c.query("select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8 as at");
  return rows[0].at;
}

function percentile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted.length ? sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] : NaN;
}

// COPY of text lines from an iterator.
async function copyIn(c, sql, lines) {
  const { from } = require('pg-copy-streams');
  const chunks = (function* () {
    let buffer = '';
    for (const line of lines) {
      buffer += line;
      if (buffer.length > 60000) {
        yield Buffer.from(buffer);
        buffer = '';
      }
    }
    if (buffer) yield Buffer.from(buffer);
  })();
  await pipeline(Readable.from(chunks), c.query(from(sql)));
}

module.exports = { pg, connection, client, sleep, now, serverCpu, clientCpu, walPosition, percentile, copyIn };
