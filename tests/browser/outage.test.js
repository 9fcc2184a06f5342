// The gateway of the demo dies under a running job and comes back.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { close_all } from './opened.js';
import { until } from './processes.js';
import { RunningDemo } from './running_demo.js';
import { Visitor, launch } from './visitor.js';

let demo;
let browser;
before(async () => {
  [demo, browser] = await Promise.all([RunningDemo.start(), launch()]);
});
after(close_all);

test('the page says so, comes back by itself and shows the outcome', async () => {
  const visitor = await Visitor.come(browser, demo.url);
  const card = await visitor.start('orders-large');
  await card.passes(5);

  const killed = demo.gateway;
  demo.kill_gateway();
  await visitor.sees_connection('waiting');
  assert.equal(await card.status(), 'processing', 'a lost connection is no failure of the job');

  await until('another gateway', () => demo.gateway && demo.gateway !== killed);
  await visitor.sees_connection('open');
  await card.becomes('done');
  assert.equal(await visitor.cards.count(), 1);
  assert.match(await card.text('result'), /^60,000 rows imported/);
  assert.deepEqual(visitor.mishaps, []);
});

test('a gateway that is told to end is started again as well, and the page moves over', async () => {
  const visitor = await Visitor.come(browser, demo.url);
  const killed = demo.gateway;
  demo.kill_gateway('SIGTERM');
  await until('another gateway', () => demo.gateway && demo.gateway !== killed, 60);
  await visitor.sees_connection('open');
  const card = await visitor.start('orders-small');
  await card.becomes('done');
  assert.deepEqual(visitor.mishaps, []);
  await visitor.leave();
});

test('a gateway that ends with an error ends the demo, which shows why', async () => {
  const broken = await RunningDemo.start();
  await broken.spoil_data();
  broken.kill_gateway();
  // The application, without its Redis, takes a moment to give up.
  await until('the demo to end', () => broken.status !== null, 60);
  assert.equal(broken.status, 1);
  assert.match(broken.output, /the gateway ended with status 1; the end of .*gateway\.log:\n[\s\S]*server\.data_dir/);
  await broken.end();
});
