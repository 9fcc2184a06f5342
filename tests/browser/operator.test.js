// The demo's operator's view: who watches, jobs by status, what failed, what nobody has seen.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { close_all } from './opened.js';
import { RunningDemo } from './running_demo.js';
import { Visitor, launch } from './visitor.js';

let demo;
let browser;
before(async () => {
  [demo, browser] = await Promise.all([RunningDemo.start(), launch()]);
});
after(close_all);

test('a job whose worker was killed is counted as stuck until another takes it up', async () => {
  const visitor = await Visitor.come(browser, demo.url);
  const card = await visitor.start('worker-killed');
  const operator = await Visitor.come(browser, `${demo.url}/operator.html`);
  await operator.page.locator('#stuck-tile[data-warn] #stuck').getByText(/^1$/).waitFor();
  const row = operator.page.locator('#trouble tr').filter({ hasText: 'Spring catalogue' });
  await row.getByText('No word from its worker').waitFor();
  await card.becomes('done');
  await operator.page.locator('#stuck').getByText(/^0$/).waitFor();
  await row.waitFor({ state: 'detached' });
  assert.deepEqual([...visitor.mishaps, ...operator.mishaps], []);
  await Promise.all([visitor.leave(), operator.leave()]);
});

test('it counts watchers, jobs by status and outcomes not seen, and names what failed', async () => {
  const visitor = await Visitor.come(browser, demo.url);
  await (await visitor.start('orders-broken')).becomes('failed');
  const long = await visitor.start('orders-large');
  await long.becomes('processing');

  const operator = await Visitor.come(browser, `${demo.url}/operator.html`);
  const reads = (id, pattern) => operator.page.locator(`#${id}`).getByText(pattern).waitFor();
  await Promise.all([reads('watchers', /^2$/), reads('watchers-how', /^2 SSE$/), reads('running', /^1$/), reads('unseen', /^0$/), reads('stuck', /^0$/)]);
  await operator.page.locator('#trouble').getByText('Row 1337 has no amount').waitFor();

  // The visitor leaves, and the other job ends before nobody's eyes.
  await visitor.leave();
  await fetch(`${demo.url}/api/jobs/${long.id}/cancel`, { method: 'POST' });
  await Promise.all([reads('watchers', /^1$/), reads('running', /^0$/), reads('unseen', /^1$/)]);
  assert.equal(await operator.page.locator('[data-status=cancelled] .count').innerText(), '1');
  assert.deepEqual(operator.mishaps, []);
  await operator.leave();
});
