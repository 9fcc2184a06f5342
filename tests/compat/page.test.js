// A page as it was written for 0.1.0, in a real browser: with the client it brings (JOBCAST_COMPAT_CLIENT, a folder), or with the
// one that the gateway serves.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { close_all } from '../browser/opened.js';
import { RunningGateway } from '../browser/running_gateway.js';
import { launch } from '../browser/visitor.js';
import { Watcher } from '../browser/watcher.js';
import { later_gateway } from './later_gateway.js';

const client = process.env.JOBCAST_COMPAT_CLIENT;
const done = { status: 'done', result: { ok: true } };
const outcome = ['done', { ok: true }];
const ways = ['native', 'stream', 'websocket', 'long-poll'];

let gateway;
let browser;
let later;
before(async () => {
  browser = await launch();
  gateway = await RunningGateway.start({
    JOBCAST_WEB_ROOT: fileURLToPath(new URL('0.1.0', import.meta.url)), JOBCAST_CONFIG: '[jobs.types.import]\nuser_retry = true',
  });
  later = await later_gateway(gateway.port);
});
after(async () => {
  await later?.end();
  await close_all();
});

/** A test with a browser profile and a job of its own, which runs at 10 percent. */
function page_test(name, steps) {
  test(name, async () => {
    const context = await browser.newContext();
    const brought = new Set();
    if (client)
      for (const file of ['jobcast.js', 'components.js', 'jobcast.global.js'])
        await context.route(`**/${file}`, (route) => {
          brought.add(file);
          return route.fulfill({ path: join(client, file), contentType: 'text/javascript' });
        });
    const job = gateway.job();
    await gateway.report(job, { status: 'processing', owner: `${job}-owner`, progress: { percent: 10 } });
    try {
      await steps(context, job);
      if (client) assert.ok(brought.size > 0, 'the page took the client it brings');
    } finally {
      await context.close();
    }
  });
}


for (const way of ways) {
  page_test(`one job through to its outcome by ${way}`, async (context, job) => {
    const watcher = await Watcher.come(context, gateway.url, job, { transport: `${way},` });
    await watcher.sees_percent(10);
    await watcher.hears_by(way);
    await gateway.report(job, { percent: 50 });
    await watcher.sees_percent(50);
    await gateway.report(job, done);
    await watcher.ended_with(outcome);
  });

  page_test(`the gateway is restarted under a page that listens by ${way}`, async (context, job) => {
    const watcher = await Watcher.come(context, gateway.url, job, { transport: `${way},` });
    await watcher.sees_percent(10);
    assert.equal(await gateway.stop(), 0);
    await gateway.start();
    await gateway.report(job, { percent: 60 });
    await watcher.sees_percent(60);
    await gateway.report(job, done);
    await watcher.ended_with(outcome);
  });

  page_test(`events and members of a later version are left alone by ${way}`, async (context, job) => {
    const watcher = await Watcher.come(context, later.url, job, { transport: `${way},` });
    await watcher.sees_percent(10);
    await watcher.hears_by(way);
    await gateway.report(job, { percent: 50 });
    await watcher.sees_percent(50);
    const weather = await watcher.page.evaluate((id) => window.client.job(id).record.weather, job);
    assert.deepEqual(weather, { wind: [3, null] }, 'the record came through the proxy');
    assert.deepEqual(await watcher.page.locator('job-progress button:visible').allInnerTexts(), ['Cancel']);
    await gateway.report(job, { status: 'failed', error: { code: 'declined', title: 'The card was declined' } });
    await watcher.ended_with(['declined', 'The card was declined']);
    const { states } = await watcher.account();
    assert.deepEqual([...new Set(states)].filter((state) => ['waiting', 'failed'].includes(state)), [], 'the connection never broke');
  });
}

// An EventSource and held requests are ways for single jobs.
for (const way of ['stream', 'websocket', 'poll'])
  page_test(`an owner's list by ${way}`, async (context, job) => {
    const watcher = await Watcher.come(context, gateway.url, job, { transport: `${way},` });
    await watcher.sees_percent(10);
    await watcher.page.evaluate((owner) => {
      const list = document.createElement('job-list');
      list.setAttribute('owner', owner);
      list.client = window.client;
      document.querySelector('main').append(list);
      window.held = [];
      window.client.jobs({ owner }).subscribe((records) => (window.held = records.map(({ id, status }) => `${id} ${status}`).sort()));
    }, `${job}-owner`);
    await gateway.report(`${job}.b`, { status: 'pending', owner: `${job}-owner` });
    const holds = (...wanted) => watcher.page.waitForFunction((all) => JSON.stringify(window.held) === JSON.stringify(all), wanted);
    await holds(`${job} processing`, `${job}.b pending`);
    await gateway.report(`${job}.b`, { status: 'failed', error: { title: 'No' } });
    await gateway.report(job, done);
    await holds(`${job} done`, `${job}.b failed`);
    await watcher.page.waitForFunction(() => document.querySelector('job-list').shadowRoot.querySelectorAll('job-progress').length === 2);
    await watcher.ended_with(outcome);
  });

page_test('a viewer cancels', async (context, job) => {
  const watcher = await Watcher.come(context, gateway.url, job);
  await watcher.page.getByRole('button', { name: 'Cancel' }).click();
  await watcher.page.waitForFunction((id) => window.client.job(id).record?.cancel_requested, job);
  assert.equal((await gateway.report(job, { percent: 11 })).cancel_requested, true);
  await gateway.report(job, { status: 'cancelled' });
  await watcher.sees('cancelled');
});

page_test('a failed job is tried again', async (context) => {
  const job = await gateway.create();
  await gateway.report(job, { status: 'failed', error: { title: 'No' } });
  const watcher = await Watcher.come(context, gateway.url, job);
  await watcher.page.getByRole('button', { name: 'Try again' }).click();
  await watcher.sees('pending');
  await gateway.report(job, done);
  await watcher.sees('done');
});

page_test('an outcome that was seen leaves the inbox', async (context, job) => {
  const watcher = await Watcher.come(context, gateway.url, job);
  await watcher.sees_percent(10);
  await gateway.report(job, done);
  await watcher.ended_with(outcome);
  await watcher.page.waitForFunction(async (id) => (await (await fetch(`/api/jobs/${id}/status`)).json()).seen, job);
});

page_test('two tabs share one connection', async (context, job) => {
  const [one, other] = [await Watcher.come(context, gateway.url, job, { share: 'u' }), await Watcher.come(context, gateway.url, job, { share: 'u' })];
  await Promise.all([one.sees_percent(10), other.sees_percent(10)]);
  await gateway.report(job, done);
  await Promise.all([one.ended_with(outcome), other.ended_with(outcome)]);
});

page_test('a page with the plain script', async (context, job) => {
  const page = await context.newPage();
  await page.goto(`${gateway.url}/healthz`);
  await page.addScriptTag({ url: `${gateway.url}/jobcast.global.js` });
  const result = page.evaluate((id) => window.jobcast.connect({ url: location.origin }).job(id).done(), job);
  await gateway.report(job, done);
  assert.deepEqual(await result, { ok: true });
});
