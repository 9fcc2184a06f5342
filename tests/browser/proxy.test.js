// Proxies that hold back what the gateway sends, and what gets through all the same.

import { after, before, test } from 'node:test';
import { close_all } from './opened.js';
import { RunningGateway } from './running_gateway.js';
import { RunningNginx } from './running_nginx.js';
import { launch } from './visitor.js';
import { Watcher } from './watcher.js';

let gateway;
let browser;
before(async () => {
  [gateway, browser] = await Promise.all([RunningGateway.start(), launch()]);
});
after(close_all);

for (const [websocket, way] of [[true, 'websocket'], [false, 'long-poll']])
  test(`nginx buffers and WebSocket ${websocket ? 'gets through' : 'does not'}: the page goes by ${way}`, async () => {
    const nginx = await RunningNginx.start(gateway.url, { websocket });
    const context = await browser.newContext();
    const job = gateway.job();
    await gateway.report(job, { status: 'processing', progress: { percent: 10 } });
    const watcher = await Watcher.come(context, nginx.url, job, { first_byte: '700' });
    await watcher.hears_by(way);
    await watcher.sees_percent(10);
    await gateway.report(job, { status: 'processing', progress: { percent: 80 } });
    await watcher.sees_percent(80);
    await gateway.report(job, { status: 'done', result: 1 });
    await watcher.ended_with(['done', 1]);
    await context.close();
    await nginx.end();
  });

test('an owner\'s list gets through by polling', async () => {
  const nginx = await RunningNginx.start(gateway.url);
  const context = await browser.newContext();
  const [job, other] = [gateway.job(), gateway.job()];
  await gateway.report(job, { status: 'processing', owner: 'o2' });
  const watcher = await Watcher.come(context, nginx.url, other, { first_byte: '700' });
  await watcher.page.evaluate(() => {
    const element = document.createElement('job-list');
    element.client = window.client;
    element.setAttribute('owner', 'o2');
    document.querySelector('main').append(element);
  });
  const item = watcher.page.locator(`li[data-job="${job}"]`);
  await item.locator('job-progress[status=processing]').waitFor();
  await gateway.report(job, { status: 'done' });
  await item.locator('job-progress[status=done]').waitFor();
  await context.close();
  await nginx.end();
});

test('when the proxy is mended, the page climbs back', async () => {
  const context = await browser.newContext();
  const job = gateway.job();
  await gateway.report(job, { status: 'processing', progress: { percent: 10 } });
  let blocked = true;
  await context.route('**/events', (route) => (blocked ? undefined : route.continue()));
  await context.addInitScript(() => delete window.WebSocket);
  const watcher = await Watcher.come(context, gateway.url, job, { first_byte: '500', climb: '500' });
  await watcher.hears_by('long-poll');
  blocked = false;
  await watcher.hears_by(/^(native|stream)$/);
  await gateway.report(job, { status: 'done', result: 2 });
  await watcher.ended_with(['done', 2]);
  await context.close();
});
