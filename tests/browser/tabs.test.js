// Tabs of one browser share one connection, whoever of them comes and goes.

import { after, before, test } from 'node:test';
import { close_all } from './opened.js';
import { until } from './processes.js';
import { RunningGateway } from './running_gateway.js';
import { launch } from './visitor.js';
import { Watcher } from './watcher.js';

let gateway;
let browser;
before(async () => {
  [gateway, browser] = await Promise.all([RunningGateway.start(), launch()]);
});
after(close_all);

/** A tab of the viewer for whom all tabs here are. */
const come = (context, job, query) => Watcher.come(context, gateway.url, job, { share: 'viewer', ...query });
const done = { status: 'done', result: 7 };
const streams = (count) => until(`${count} stream(s)`, async () => (await gateway.metric('jobcast_streams')) === count);

test('twenty tabs need one connection, and all see the outcome', async () => {
  const context = await browser.newContext();
  const job = gateway.job();
  await gateway.report(job, { status: 'processing', progress: { percent: 10 } });
  const tabs = await Promise.all(Array.from({ length: 20 }, () => come(context, job)));
  await Promise.all(tabs.map((tab) => tab.sees_percent(10)));
  await streams(1);
  await gateway.report(job, { status: 'processing', progress: { percent: 55 } });
  await Promise.all(tabs.map((tab) => tab.sees_percent(55)));
  await gateway.report(job, done);
  await Promise.all(tabs.map((tab) => tab.ended_with(['done', 7])));
  await streams(0);
  await context.close();
});

test('without a token, a link or the id of who is logged in, tabs have a connection each: a cookie may be of somebody else by now', async () => {
  const context = await browser.newContext();
  const job = gateway.job();
  await gateway.report(job, { status: 'processing' });
  for (let n = 0; n < 2; ++n) await Watcher.come(context, gateway.url, job);
  await streams(2);
  await context.close();
  await streams(0);
});

test('without sharing, tabs have a connection each', async () => {
  const context = await browser.newContext();
  const job = gateway.job();
  await gateway.report(job, { status: 'processing' });
  for (let n = 0; n < 3; ++n) await come(context, job, { share: 'no' });
  await streams(3);
  await context.close();
  await streams(0);
});

test('tabs with different jobs share it too', async () => {
  const context = await browser.newContext();
  const jobs = [gateway.job(), gateway.job(), gateway.job()];
  for (const job of jobs) await gateway.report(job, { status: 'processing', progress: { percent: 10 } });
  const tabs = [];
  for (const job of jobs) tabs.push(await come(context, job));
  await Promise.all(tabs.map((tab) => tab.sees_percent(10)));
  await streams(1);
  for (const [n, job] of jobs.entries()) {
    await gateway.report(job, done);
    await tabs[n].ended_with(['done', 7]);
  }
  await context.close();
});

test('when the tab that leads is closed, another goes on', async () => {
  const context = await browser.newContext();
  const job = gateway.job();
  await gateway.report(job, { status: 'processing', progress: { percent: 10 } });
  const tabs = [];
  for (let n = 0; n < 4; ++n) {
    tabs.push(await come(context, job));
    await tabs[n].sees_percent(10);
  }
  for (const percent of [20, 30, 40]) {
    await tabs.shift().page.close();
    await gateway.report(job, { status: 'processing', progress: { percent } });
    await Promise.all(tabs.map((tab) => tab.sees_percent(percent)));
    await streams(1);
  }
  await gateway.report(job, done);
  await tabs[0].ended_with(['done', 7]);
  await context.close();
});

test('a tab that is closed takes its jobs off the connection', async () => {
  const context = await browser.newContext();
  const [kept, left] = [gateway.job(), gateway.job()];
  const first = await come(context, kept);
  const second = await come(context, left);
  await gateway.report(left, { status: 'processing', progress: { percent: 10 } });
  await second.sees_percent(10);
  await first.page.close();
  await streams(1);
  await gateway.report(left, done);
  await second.ended_with(['done', 7]);
  await streams(0);
  await context.close();
});

test('a tab that sleeps does not keep the others waiting', async () => {
  const context = await browser.newContext();
  const job = gateway.job();
  await gateway.report(job, { status: 'processing', progress: { percent: 10 } });
  const leader = await come(context, job);
  await leader.sees_percent(10);
  await leader.page.evaluate(() => {
    // As a phone does to a page in the background: it neither hears nor speaks, and keeps its locks.
    BroadcastChannel.prototype.postMessage = () => {};
  });
  const other = await come(context, job);
  await other.sees_percent(10);
  await gateway.report(job, done);
  await other.ended_with(['done', 7]);
  await context.close();
});

test('a tab that falls silent while it leads is replaced', async () => {
  const context = await browser.newContext();
  const job = gateway.job();
  await gateway.report(job, { status: 'processing', progress: { percent: 10 } });
  const leader = await come(context, job);
  await leader.sees_percent(10);
  const other = await come(context, job);
  await other.sees_percent(10);
  await other.page.clock.install();
  await gateway.report(job, { status: 'processing', progress: { percent: 20 } });
  await other.sees_percent(20);
  await leader.page.evaluate(() => {
    BroadcastChannel.prototype.postMessage = () => {};
  });
  await gateway.report(job, done);
  await leader.sees('done');
  for (const seconds of [41, 6]) await other.page.clock.fastForward(seconds * 1000);
  await other.ended_with(['done', 7]);
  await context.close();
});

test('a list in one tab and a job in another', async () => {
  const context = await browser.newContext();
  const job = gateway.job();
  await gateway.report(job, { status: 'processing', owner: 'o1', progress: { percent: 10 } });
  const tab = await come(context, job);
  await tab.sees_percent(10);
  const lists = [];
  for (let n = 0; n < 2; ++n) {
    const list = await come(context, gateway.job());
    await list.page.evaluate(() => {
      const element = document.createElement('job-list');
      element.client = window.client;
      element.setAttribute('owner', 'o1');
      document.querySelector('main').append(element);
    });
    await list.page.locator(`li[data-job="${job}"] job-progress[status=processing]`).waitFor();
    lists.push(list);
  }
  await streams(2); // one for jobs by id, one for the owner
  await gateway.report(job, done);
  for (const list of lists) await list.page.locator(`li[data-job="${job}"] job-progress[status=done]`).waitFor();
  await tab.ended_with(['done', 7]);
  await context.close();
});
