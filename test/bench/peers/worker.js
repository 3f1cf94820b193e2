'use strict';
// One consumer process: node worker.js PEER OPTIONS. Says {ready}, waits for 'go', then tells {count} of jobs handled, or
// {job, at} of each when options.latency; ends after 'stop'.
const { now } = require('./lib/common');
const adapter = require('./adapters')(process.argv[2]);
const options = JSON.parse(process.argv[3] || '{}');

let count = 0;
let told = 0;
const handle = options.latency ? job => process.send({ job, at: now() }) : () => { count++; };
const tell = () => {
  if (count === told) return;
  told = count;
  process.send({ count });
};

async function main() {
  const worker = await adapter.worker(options, handle);
  let timer;
  process.on('message', async message => {
    if (message === 'go') {
      timer = setInterval(tell, 5);
      await worker.go();
    } else if (message === 'stop') {
      clearInterval(timer);
      await worker.stop().catch(error => console.error('stop:', error.message));
      process.exit(0);
    }
  });
  process.send({ ready: true });
}

main().catch(error => {
  console.error(error);
  process.exit(1);
});
