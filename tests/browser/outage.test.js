// The gateway dies under a running job and comes back.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { until } from './processes.js';
import { RunningDemo } from './running_demo.js';
import { Visitor, launch } from './visitor.js';

let demo;
let browser;
before(async () => {
  [demo, browser] = await Promise.all([RunningDemo.start(), launch()]);
});
after(() => Promise.all([browser?.close(), demo?.end()]));

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
