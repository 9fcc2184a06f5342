// Chromium's own WebSocket in subprotocol jobcast.v1, as a page would use it without our client.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { close_all } from './opened.js';
import { RunningGateway } from './running_gateway.js';
import { launch } from './visitor.js';

let gateway;
let browser;
before(async () => {
  [gateway, browser] = await Promise.all([RunningGateway.start(), launch()]);
});
after(close_all);

let jobs = 0;
const new_job = () => `chromium-${++jobs}`;

/** A page of the gateway's own origin with one WebSocket, and what came over it. */
class Socket {
  /** @param {import('playwright-core').Page} page */
  constructor(page) {
    this.page = page;
    page.setDefaultTimeout(20_000);
  }

  /** @param {string|string[]} [protocols] @param {string} [from] the page it is opened from */
  static async open(protocols = 'jobcast.v1', from = `${gateway.url}/healthz`) {
    const socket = new Socket(await browser.newPage());
    await socket.page.goto(from);
    await socket.connect(protocols);
    return socket;
  }

  /** @param {string|string[]} protocols */
  async connect(protocols = 'jobcast.v1') {
    await this.page.evaluate(([url, offered]) => {
      const socket = new WebSocket(url, offered);
      const it = (window.it = { socket, heard: [], taken: 0, end: null });
      socket.onmessage = ({ data }) => it.heard.push(JSON.parse(data));
      socket.onclose = ({ code, reason, wasClean }) => (it.end = { code, reason, wasClean });
    }, [`${gateway.url.replace('http', 'ws')}/api/ws`, protocols]);
    await this.page.waitForFunction(() => window.it.socket.readyState !== WebSocket.CONNECTING);
  }

  /** @param {object} message */
  say(message) {
    return this.page.evaluate((text) => window.it.socket.send(text), JSON.stringify(message));
  }

  /** The next event that was not taken yet. @returns {Promise<any>} */
  async next() {
    await this.page.waitForFunction(() => window.it.heard.length > window.it.taken);
    return this.page.evaluate(() => window.it.heard[window.it.taken++]);
  }

  /** Reads on to an event that has these members. @param {object} wanted @returns {Promise<any>} */
  async find(wanted) {
    for (;;) {
      const event = await this.next();
      if (Object.entries(wanted).every(([name, value]) => event[name] === value)) return event;
    }
  }

  /** Reads on to a record. @param {string} job @param {object} wanted */
  async record(job, wanted = {}) {
    for (;;) {
      const { record } = await this.find({ event: 'job' });
      if (record.id === job && Object.entries(wanted).every(([name, value]) => record[name] === value)) return record;
    }
  }

  async closed() {
    await this.page.waitForFunction(() => window.it.end);
    return this.page.evaluate(() => window.it.end);
  }

  leave() {
    return this.page.close();
  }
}

test('the subprotocol is agreed on, among others and without extensions', async () => {
  const socket = await Socket.open(['chat', 'jobcast.v1']);
  assert.deepEqual(await socket.page.evaluate(() => [window.it.socket.protocol, window.it.socket.extensions]), ['jobcast.v1', '']);
  await socket.leave();
});

test('without the subprotocol there is no connection', async () => {
  const socket = await Socket.open('chat');
  assert.equal((await socket.closed()).code, 1006);
  await socket.leave();
});

test('two jobs are watched, one is cancelled, the other no longer watched', async () => {
  const [one, other, third] = [new_job(), new_job(), new_job()];
  await gateway.report(one, { status: 'processing', percent: 10 });
  const socket = await Socket.open();
  await socket.say({ op: 'watch', jobs: [one, other], id: 1 });
  await socket.find({ event: 'ack', id: 1 });
  await socket.record(one);
  await socket.find({ event: 'missing', id: other });
  await gateway.report(other, { status: 'processing', message: 'Öffne “alles” 🚀' });
  assert.equal((await socket.record(other)).progress.message, 'Öffne “alles” 🚀');
  for (const percent of [20, 30, 40]) {
    await gateway.report(one, { percent });
    assert.equal((await socket.record(one)).progress.percent, percent);
  }

  await socket.say({ op: 'cancel', job: one, id: 2 });
  await socket.record(one, { cancel_requested: true });
  assert.equal((await gateway.report(one, { percent: 50 })).cancel_requested, true);
  await gateway.report(one, { status: 'cancelled' });
  assert.equal((await socket.record(one, { status: 'cancelled' })).error, undefined);
  assert.deepEqual(await socket.find({ event: 'end' }), { event: 'end', reason: 'final', job: one });

  await gateway.report(third, { status: 'processing' });
  await socket.say({ op: 'watch', jobs: [third] });
  await socket.record(third);
  await socket.say({ op: 'unwatch', jobs: [other], id: 3 });
  await socket.find({ event: 'ack', id: 3 });
  await gateway.report(other, { percent: 90 });
  await gateway.report(third, { percent: 1 });
  assert.equal((await socket.next()).record.id, third, 'what was published before it has not come');
  await socket.page.evaluate(() => window.it.socket.close(4001, 'seen enough'));
  assert.deepEqual(await socket.closed(), { code: 4001, reason: '', wasClean: true });
  await socket.leave();
});

test('a draining gateway says so and closes with 1012; its successor sends only news', async () => {
  const [same, newer] = [new_job(), new_job()];
  await gateway.report(same, { status: 'processing' });
  await gateway.report(newer, { status: 'processing' });
  const socket = await Socket.open();
  await socket.say({ op: 'watch', jobs: [same, newer] });
  const versions = { [same]: 0, [newer]: 0 };
  for (let n = 0; n < 2; ++n) {
    const { record } = await socket.find({ event: 'job' });
    versions[record.id] = record.version;
  }

  assert.equal(await gateway.stop(), 0);
  assert.deepEqual(await socket.closed(), { code: 1012, reason: 'draining', wasClean: true });
  assert.deepEqual(await socket.find({ event: 'gateway' }), { event: 'gateway', state: 'draining' });

  await gateway.start();
  await gateway.report(newer, { percent: 60 });
  await socket.connect();
  await socket.say({ op: 'watch', jobs: [same, newer], versions });
  await socket.find({ event: 'ack' });
  assert.equal((await socket.next()).record.version, versions[newer] + 1);
  await gateway.report(same, { percent: 5 });
  assert.equal((await socket.next()).record.version, versions[same] + 1);
  await socket.leave();
});

test('a page of another origin gets no connection', async () => {
  const socket = await Socket.open('jobcast.v1', 'data:text/html,<title>elsewhere</title>');
  assert.equal((await socket.closed()).code, 1006);
  assert.deepEqual(await socket.page.evaluate(() => window.it.heard), []);
  await socket.leave();
});
