// What the page must stand. Each time it ends up right, never goes backward, and the outcome is told exactly once.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { close_all } from './opened.js';
import { kill, until } from './processes.js';
import { RunningGateway } from './running_gateway.js';
import { launch } from './visitor.js';
import { Watcher } from './watcher.js';

let gateway;
let browser;
before(async () => {
  [gateway, browser] = await Promise.all([RunningGateway.start({ JOBCAST_CONFIG: '[jobs.types.import]\nuser_retry = true' }), launch()]);
});
after(close_all);

const done = { status: 'done', result: { ok: true } };
const outcome = ['done', { ok: true }];

/**
 * A test with a browser profile and a job of its own, which runs at 10 percent.
 * @param {string} name
 * @param {(context: import('playwright-core').BrowserContext, job: string) => Promise<void>} steps
 */
function survives(name, steps) {
  test(name, async () => {
    const context = await browser.newContext();
    const job = gateway.job();
    await gateway.report(job, { status: 'processing', progress: { percent: 10 } });
    await steps(context, job).finally(() => context.close());
  });
}

for (const transport of ['native', 'stream', 'websocket', 'long-poll', 'poll'])
  survives(`a job from start to end by ${transport}`, async (context, job) => {
    const watcher = await Watcher.come(context, gateway.url, job, { transport: `${transport},` });
    await watcher.sees_percent(10);
    await watcher.hears_by(transport);
    await gateway.report(job, { status: 'processing', progress: { percent: 50 } });
    await watcher.sees_percent(50);
    await gateway.report(job, done);
    await watcher.ended_with(outcome);
  });

for (const transport of ['auto', 'stream,', 'websocket', 'poll'])
  survives(`the gateway is killed and started again, watched by ${transport}`, async (context, job) => {
    const watcher = await Watcher.come(context, gateway.url, job, { transport });
    await watcher.sees_percent(10);
    await gateway.crash();
    await watcher.hears_by('waiting');
    await gateway.start();
    await gateway.report(job, { status: 'processing', progress: { percent: 60 } });
    await watcher.sees_percent(60);
    await gateway.report(job, done);
    await watcher.ended_with(outcome);
  });

survives('the gateway drains and another takes over', async (context, job) => {
  const watcher = await Watcher.come(context, gateway.url, job);
  await watcher.sees_percent(10);
  await gateway.stop();
  await gateway.start();
  await gateway.report(job, done);
  await watcher.ended_with(outcome);
});

survives('Redis is killed and comes back', async (context, job) => {
  const watcher = await Watcher.come(context, gateway.url, job);
  await watcher.sees_percent(10);
  kill(gateway.redis, 'SIGKILL');
  await watcher.page.waitForFunction(() => window.account.gateways.includes('degraded'));
  assert.equal(await watcher.page.locator('job-progress').getAttribute('status'), 'processing');
  await gateway.report(job, done);
  await watcher.ended_with(outcome);
});

for (const transport of ['auto', 'websocket'])
  survives(`the network is cut, the job ends meanwhile, the network comes back, by ${transport}`, async (context, job) => {
    const watcher = await Watcher.come(context, gateway.url, job, { transport });
    await watcher.sees_percent(10);
    await context.setOffline(true);
    await gateway.report(job, done);
    await context.setOffline(false);
    await watcher.ended_with(outcome);
  });

survives('the page is opened without a network, which comes later', async (context, job) => {
  const watcher = await Watcher.come(context, gateway.url, job);
  await watcher.sees_percent(10);
  await watcher.page.evaluate(() => window.client.pause());
  await context.setOffline(true);
  await watcher.page.evaluate(() => window.client.resume());
  await watcher.hears_by('waiting');
  await gateway.report(job, done);
  await context.setOffline(false);
  await watcher.ended_with(outcome);
});

survives('a reload in the middle shows where it stands', async (context, job) => {
  const watcher = await Watcher.come(context, gateway.url, job);
  await watcher.sees_percent(10);
  await gateway.report(job, { status: 'processing', progress: { percent: 70 } });
  await watcher.page.reload();
  await watcher.sees_percent(70);
  await gateway.report(job, done);
  await watcher.ended_with(outcome);
});

survives('a page that comes after the end is told the outcome', async (context, job) => {
  await gateway.report(job, done);
  const watcher = await Watcher.come(context, gateway.url, job);
  await watcher.ended_with(outcome);
  await watcher.hears_by('idle');
});

survives('a failure is an outcome with its error, and a retry has another outcome', async (context) => {
  const job = await gateway.create();
  await gateway.report(job, { status: 'processing', progress: { percent: 10 } });
  const watcher = await Watcher.come(context, gateway.url, job);
  await watcher.sees_percent(10);
  await gateway.report(job, { status: 'failed', error: { code: 'no_amount', title: 'Row 17 has no amount' } });
  await watcher.ended_with(['no_amount', 'Row 17 has no amount']);
  await watcher.page.getByRole('button', { name: 'Try again' }).click();
  await watcher.sees('pending');
  const second = await watcher.page.evaluateHandle(() => ({ outcome: window.client.job(new URLSearchParams(location.search).get('job')).done() }));
  await gateway.report(job, { status: 'processing' });
  await gateway.report(job, done);
  assert.deepEqual(await second.evaluate(({ outcome: promise }) => promise), { ok: true });
  assert.equal((await watcher.account()).jobdone, 2);
});

survives('hidden, with the connection closed meanwhile, and shown again', async (context, job) => {
  const watcher = await Watcher.come(context, gateway.url, job, { pause_hidden: '' });
  await watcher.sees_percent(10);
  await watcher.becomes('hidden');
  await watcher.hears_by('paused');
  await until('the gateway to see it go', async () => (await gateway.metric('jobcast_streams')) === 0);
  await gateway.report(job, done);
  await watcher.becomes('visible');
  await watcher.ended_with(outcome);
});

for (const [which, hours] of [['behind', -3], ['ahead', 3]])
  survives(`a clock three hours ${which} does not spoil the countdown`, async (context, job) => {
    await context.addInitScript((ms) => {
      const now = Date.now;
      Date.now = () => now() + ms;
    }, hours * 3_600_000);
    const watcher = await Watcher.come(context, gateway.url, job);
    await watcher.sees_percent(10);
    await gateway.report(job, { status: 'retrying', retry_in: 1800 });
    await watcher.sees('retrying');
    await watcher.page.getByText(/^Next attempt in 30 min|^Next attempt in 29 min/).waitFor();
    await gateway.report(job, { status: 'processing' });
    await gateway.report(job, done);
    await watcher.ended_with(outcome);
  });
