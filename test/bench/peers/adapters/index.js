'use strict';
// Adapters by name. Each has: name, version(), setup(), reset(client), schema, pending (a query of what is not finished),
// enqueueSql (a pgbench script of one job), one(client, i) (sends a job; its number if that is not i), bulks and bulk (ways
// to send many, and the usual one), drainOptions, latencyOptions, and worker(options, handle), which gives {go, stop} and
// calls handle with the number of each job that it has.
module.exports = name => require(`./${name}`);
