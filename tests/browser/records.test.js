// How the page shows records that a healthy demo does not bring about. Page and stream come from the test, without a gateway.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Visitor, launch } from './visitor.js';

const root = (path) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

/** A record of a running import, but for what is given. */
const record = (given) => ({
  id: 'a', type: 'csv_import', status: 'processing', version: 1, attempt: 1, max_attempts: 1, progress: {}, stalled: false,
  cancel_requested: false, can: [], labels: { file: 'a.csv' }, created_at: Date.now() - 5000, started_at: Date.now() - 5000,
  updated_at: Date.now(), ...given,
});

/**
 * A page whose stream says these things and then stays silent.
 * @param {...[string, object]} events
 */
async function page_with(...events) {
  const visitor = new Visitor(await browser.newPage());
  const body = `retry: 3600000\n\n${events.map(([name, data]) => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`).join('')}`;
  await visitor.page.route('**/*', (route) => {
    const { pathname } = new URL(route.request().url());
    if (pathname === '/api/events') return route.fulfill({ contentType: 'text/event-stream', body });
    if (pathname === '/samples') return route.fulfill({ json: [], headers: { 'Access-Control-Allow-Origin': '*' } });
    const file = pathname === '/jobcast.js' ? root('clients/js/jobcast.js') : root(`web-demo/public${pathname === '/' ? '/index.html' : pathname}`);
    return existsSync(file) ? route.fulfill({ path: file }) : route.fulfill({ status: 404 });
  });
  await visitor.page.goto('http://demo.test:8080/');
  return visitor;
}

/** @param {object} given */
async function card_of(given) {
  const visitor = await page_with(['job', record(given)]);
  const card = visitor.card('a');
  await card.root.waitFor();
  return card;
}

test('progress that nobody measured is shown without a figure', async () => {
  const card = await card_of({ progress: { step: 'Laying out pages' } });
  const bar = card.root.getByRole('progressbar');
  assert.equal(await bar.getAttribute('aria-valuenow'), null);
  assert.equal(await bar.getAttribute('data-unknown'), '');
  assert.equal(await card.text('.said'), 'Laying out pages');
});

test('an estimate is told, and no finer than it deserves', async () => {
  const card = await card_of({ progress: { current: 30, total: 60, unit: 'rows', eta: 23_456 } });
  assert.equal(await card.text('.counts .left'), '~25 s left');
});

test('a stalled job is noted, not failed', async () => {
  const card = await card_of({ stalled: true, locked_at: Date.now() - 75_000, can: ['cancel'] });
  assert.equal(await card.text('.chip'), 'Stalled');
  assert.match(await card.text('.note'), /^No word from the worker for 1 min 1\d s\. .* You can wait, or cancel it\.$/);
  assert.equal(await card.text('.error'), undefined);
});

test('a job between attempts says why and when', async () => {
  const card = await card_of({
    status: 'retrying', attempt: 2, max_attempts: 3, retry_at: Date.now() + 1_800_000, error: { title: 'The database was away' },
  });
  assert.match(await card.text('.facts'), /attempt\s2\sof\s3$/);
  assert.match(await card.text('.note'), /^The database was away\. The next attempt starts in \d+ min/);
});

test('a cancellation under way offers no second one', async () => {
  const card = await card_of({ cancel_requested: true, can: ['cancel'] });
  assert.equal(await card.text('.chip'), 'Cancelling…');
  assert.equal(await card.button('Cancel').count(), 0);
});

test('nothing is offered that the job does not offer', async () => {
  const card = await card_of({ status: 'failed', error: { title: 'Out of paper' } });
  assert.equal(await card.root.getByRole('button').count(), 0);
});

test('text of a record is text, and only web addresses become links', async () => {
  const card = await card_of({
    status: 'done', labels: { file: '<img src=x onerror=alert(1)>' }, result: { url: 'javascript:alert(1)', pages: 1 },
  });
  assert.equal(await card.text('.name'), '<img src=x onerror=alert(1)>');
  assert.equal(await card.root.getByRole('link').count(), 0);
  assert.equal(await card.text('.said'), '1 page');
});

test('a job that is deleted leaves the page', async () => {
  const visitor = await page_with(['job', record({})], ['job', record({ id: 'b' })], ['missing', { id: 'a' }]);
  await visitor.card('b').root.waitFor();
  await visitor.card('a').root.waitFor({ state: 'detached' });
  assert.equal(await visitor.page.locator('#tally').innerText(), '1 running · 1 in all');
});
