// Pages, languages and records of every kind: an element goes on, and says once on the console what is wrong.

import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { close_all } from './opened.js';
import { open_stage, record, show } from './stage.js';
import { launch } from './visitor.js';

let browser;
let page;
let said;
let mishaps;
before(async () => {
  browser = await launch();
});
beforeEach(async () => {
  page = await open_stage(browser);
  said = [];
  mishaps = [];
  page.on('console', (message) => /error|warning/.test(message.type()) && /^jobcast/.test(message.text()) && said.push(message.text()));
  page.on('pageerror', (error) => mishaps.push(String(error)));
});
afterEach(() => page.context().close());
after(close_all);

for (const lang of ['en_US', 'C', '*', '', 'C.UTF-8', 'de_DE.UTF-8', 'x', 'en-', '🦉', 'de_DE'])
  test(`a page whose language is said to be "${lang}" shows its jobs`, async () => {
    await page.evaluate((given) => (document.documentElement.lang = given), lang);
    const card = await show(page, { progress: { percent: 50, current: 1500, total: 3000, unit: 'rows', eta: 20_000 }, max_attempts: 2, attempt: 2 });
    assert.match(await card.text('count'), /^1[,.]500 of 3[,.]000 rows$/);
    assert.match(await card.text('facts'), /Attempt 2 of 2$/);
    assert.match(await card.text('percent'), /^50\s?%$/);
    assert.deepEqual([said, mishaps], [[], []]);
  });

test('a language that is only written otherwise is used', async () => {
  await page.evaluate(() => (document.documentElement.lang = 'de_DE'));
  const card = await show(page, { progress: { current: 1500, total: 3000 } });
  assert.equal(await card.text('count'), '1.500 of 3.000');
});

const strange = {
  'a status that is not known': [{ status: 'waiting_for_parts' }, 'Waiting for parts'],
  'a status named like something of JavaScript\'s': [{ status: 'constructor' }, 'Constructor'],
  'no status': [{ status: undefined }, /./],
  'labels that are null': [{ labels: null }, 'Running'],
  'labels that are a text': [{ labels: 'x' }, 'Running'],
  'no progress': [{ progress: undefined }, 'Running'],
  'progress that is null': [{ progress: null }, 'Running'],
  'progress that is a figure': [{ progress: 7 }, 'Running'],
  'a percent that is no figure': [{ progress: { percent: 'half' } }, 'Running'],
  'a percent beyond all': [{ progress: { percent: 1e9 } }, 'Running'],
  'figures that are none': [{ progress: { current: 'a', total: {}, eta: 'soon' } }, 'Running'],
  'no word of what can be done': [{ can: undefined }, 'Running'],
  'more that can be done': [{ can: ['cancel', 'postpone', 7] }, 'Running'],
  'times that are none': [{ created_at: undefined, started_at: 'x', updated_at: null }, 'Running'],
  'a time beyond all calendars': [{ created_at: 9e15, retry_at: 1e300, status: 'retrying' }, 'Retrying'],
  'no type': [{ type: undefined, labels: {} }, 'Running'],
  'a failure without an error': [{ status: 'failed', error: null }, 'Failed'],
  'an error that is a text': [{ status: 'failed', error: 'boom' }, 'Failed'],
  'an error with strange members': [{ status: 'failed', error: { title: { en: 'x' }, link: 7, reference: [], severity: 'dire' } }, 'Failed'],
  'a result of another shape': [{ status: 'done', result: [[1], null] }, 'Done'],
  'members that are not known': [{ mood: { good: true } }, 'Running'],
};

for (const [what, [given, status]] of Object.entries(strange))
  test(`a record with ${what} is shown, and so is the next`, async () => {
    const card = await show(page, given);
    const read = await card.text('status');
    if (status instanceof RegExp) assert.match(read, status);
    else assert.equal(read, status);
    await page.evaluate((next) => (document.querySelector('job-progress').record = next), record({ version: 2, status: 'done' }));
    assert.equal(await card.text('status'), 'Done');
    assert.deepEqual(mishaps, []);
  });

test('a list and an inbox show strange records among others', async () => {
  const records = Object.values(strange).map(([given], n) => record({ id: `s${n}`, ...given }));
  await page.route('**/api/events*', (route) => route.fulfill({ contentType: 'text/event-stream', body: records.map((one) => `event: job\ndata: ${JSON.stringify(one)}\n\n`).join('') }));
  await page.route('**/api/inbox*', (route) => route.fulfill({ json: { jobs: records } }));
  await page.evaluate(async () => {
    await import('/components.js');
    document.querySelector('main').append(document.createElement('job-list'), document.createElement('job-inbox'));
  });
  await page.locator(`job-list li`).nth(records.length - 1).waitFor();
  await page.locator('job-inbox [part=badge]').filter({ hasText: String(records.length) }).waitFor();
  assert.deepEqual(mishaps, []);
});

test('what a page gives to elements may throw: the rest is shown, and it is said once', async () => {
  const records = ['a', 'b', 'c'].map((id) => record({ id, status: 'done', result: 'All rows' }));
  await page.route('**/api/events*', (route) => route.fulfill({ contentType: 'text/event-stream', body: records.map((one) => `event: job\ndata: ${JSON.stringify(one)}\n\n`).join('') }));
  await page.evaluate(async () => {
    await import('/components.js');
    const list = document.createElement('job-list');
    list.resultOf = () => {
      throw new Error('resultOf is broken');
    };
    list.decorate = (element, { id }) => {
      throw new Error(`decorate is broken`, { cause: id });
    };
    document.querySelector('main').append(list);
  });
  await page.locator('job-list li').nth(2).getByText('All rows').waitFor();
  assert.deepEqual(said.map((text) => text.split('\n')[0]).sort(), ['jobcast: Error: decorate is broken', 'jobcast: Error: resultOf is broken']);
  assert.deepEqual(mishaps, []);
});

test('an attribute that makes no sense is named on the console, and mending it mends the element', async () => {
  await page.route('**/api/jobs/a/events', (route) => route.fulfill({ contentType: 'text/event-stream', body: `event: job\ndata: ${JSON.stringify(record({}))}\n\n` }));
  await page.evaluate(async () => {
    await import('/components.js');
    const element = document.createElement('job-progress');
    element.setAttribute('job', 'a');
    element.setAttribute('transport', 'pigeon');
    document.querySelector('main').append(element);
  });
  await page.waitForFunction(() => document.querySelector('job-progress'));
  await page.evaluate(() => document.querySelector('job-progress').setAttribute('transport', 'sse'));
  await page.locator('job-progress[status=processing]').waitFor();
  assert.match(said[0], /option transport is "pigeon", but must be auto, sse/);
  assert.deepEqual(mishaps, []);
});

test('words that are set to nonsense show, and stop nothing', async () => {
  await page.evaluate(async () => (await import('/components.js')).setTexts({ processing: 7, left: null, of: undefined, newer: 'x' }));
  const card = await show(page, { progress: { current: 1, total: 2, eta: 20_000 } });
  assert.equal(await card.text('status'), '7');
  assert.deepEqual(mishaps, []);
});

for (const hours of [1, -1, 24 * 400])
  test(`a viewer's clock ${hours} h fast: durations and countdowns are the gateway's`, async () => {
    const wrong = await open_stage(browser);
    const now = Date.now();
    await wrong.addInitScript((by) => {
      const { now: true_now } = Date;
      Date.now = () => true_now() + by;
    }, hours * 3_600_000);
    await wrong.reload();
    const events = [
      ['time', { now }],
      ['job', record({ created_at: now - 65_000, started_at: now - 65_000, updated_at: now, progress: { percent: 10, eta: 600_000 } })],
    ];
    await wrong.route('**/api/jobs/a/events', (route) => route.fulfill({ contentType: 'text/event-stream', body: events.map(([name, data]) => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`).join('') }));
    await wrong.evaluate(async () => {
      await import('/components.js');
      document.querySelector('main').innerHTML = '<job-progress job="a"></job-progress>';
    });
    const facts = wrong.locator('[part=facts]');
    await facts.filter({ hasText: /· 1 min/ }).waitFor();
    assert.match(await facts.innerText(), /· 1 min \d+ sec$/);
    assert.match(await wrong.locator('[part=eta]').innerText(), /^~10 min left$/);
    await wrong.evaluate(() => {
      const { now: before } = Date;
      Date.now = () => before() + 7_200_000; // the clock is set while the page is open
    });
    await wrong.waitForFunction((text) => document.querySelector('job-progress').shadowRoot.querySelector('[part=facts]').textContent !== text, await facts.textContent());
    assert.match(await facts.innerText(), /· 1 min \d+ sec$/);
    assert.equal(await wrong.locator('[part=note]').isVisible(), false);
    await wrong.context().close();
  });
