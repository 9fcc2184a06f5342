// Tabs share a connection where the browser lets them; where it does not, each has its own within two seconds.

import assert from 'node:assert/strict';
import { afterEach, beforeEach, mock, test } from 'node:test';
import { FakeGateway, pass, record } from '../test_support/fake_gateway.js';
import { be_a_page, install, open_channels } from '../test_support/fake_tabs.js';

be_a_page();
const { connect } = await import('../src/index.js');

const jwt = `h.${btoa(JSON.stringify({ sub: 'ann' }))}.s`;
let gateway;
let locks;
let tabs;
beforeEach(() => {
  gateway = FakeGateway.install();
  let drawn = 1;
  mock.method(Math, 'random', () => (drawn = (drawn * 16_807) % 2_147_483_647) / 2_147_483_647);
  locks = install();
  tabs = [];
});
afterEach(() => {
  for (const tab of tabs) tab.close();
  document.visibilityState = 'visible';
  FakeGateway.remove();
});

/** A tab that watches job a. */
function come(options = { share: 'ann' }) {
  const tab = connect({ url: 'https://jobs.example', transport: ['stream'], ...options });
  tabs.push(tab);
  tab.shown = tab.job('a');
  return tab;
}

const connections = () => gateway.requests.filter(({ signal }) => !signal.aborted).length;
const gives = (value) => ({ value, configurable: true, writable: true });
const throws = () => {
  throw new DOMException('The operation is insecure.', 'SecurityError');
};
const getter = (act) => ({ get: act, configurable: true });
const never = () => new Promise(() => {});

test('two tabs share one connection, and both hear of it', async () => {
  const [one, two] = [come(), come()];
  await pass(100);
  assert.equal(connections(), 1);
  const stream = await gateway.asked.stream();
  await stream.send('job', record({ version: 3 }));
  assert.deepEqual([one.shown.record.version, two.shown.record.version], [3, 3]);
  await pass(10_000);
  assert.equal(connections(), 1);
});

test('the other tab learns the gateway\'s time', async () => {
  const two = [come(), come()];
  await pass(100);
  const stream = await gateway.asked.stream();
  await stream.send('time', { now: Date.now() - 3_600_000 });
  const late = come();
  await pass(100);
  for (const tab of [...two, late]) assert.ok(Math.abs(tab.now() - (Date.now() - 3_600_000)) < 5);
});

const broken = {
  'no Web Locks': () => Object.defineProperty(navigator, 'locks', gives(undefined)),
  'Web Locks whose getter throws': () => Object.defineProperty(globalThis, 'navigator', gives(Object.defineProperty({}, 'locks', getter(throws)))),
  'Web Locks that throw': () => (navigator.locks = { request: throws }),
  'Web Locks that reject': () => (navigator.locks = { request: async () => throws() }),
  'Web Locks that never answer': () => (navigator.locks = { request: never }),
  'Web Locks that answer nothing': () => (navigator.locks = { request: () => undefined }),
  'Web Locks that can\'t be stolen': () => {
    const { request } = locks;
    navigator.locks = { request: (name, options, act) => (options.steal ? throws() : request.call(locks, name, options, act)) };
    globalThis.BroadcastChannel = class { postMessage() {} close() {} };
  },
  'no BroadcastChannel': () => delete globalThis.BroadcastChannel,
  'a BroadcastChannel whose getter throws': () => Object.defineProperty(globalThis, 'BroadcastChannel', getter(throws)),
  'a BroadcastChannel that can\'t be made': () => (globalThis.BroadcastChannel = class { constructor() { throws(); } }),
  'a BroadcastChannel that can\'t post': () => (globalThis.BroadcastChannel = class { postMessage() { throws(); } close() {} }),
  'a BroadcastChannel that never delivers': () => (globalThis.BroadcastChannel = class { postMessage() {} close() {} }),
  'a BroadcastChannel that can\'t be closed': () => (globalThis.BroadcastChannel = class { postMessage() { throws(); } close() { throws(); } }),
};

for (const [what, breaks] of Object.entries(broken))
  for (const options of [{ share: 'ann' }, { token: jwt }, { token: async () => jwt }])
    test(`${what}, with ${Object.keys(options)[0]}: each tab has a connection within two seconds, and keeps it`, async () => {
      breaks();
      const [one, two] = [come(options), come(options)];
      await pass(2000);
      const asked = gateway.requests.filter((each) => !each.signal.aborted);
      assert.ok(asked.length >= 1);
      const streams = [];
      for (const each of asked) streams.push(await each.stream());
      await pass(2000);
      for (const each of gateway.requests.filter((other) => !other.answered && !other.signal.aborted)) streams.push(await each.stream());
      for (const stream of streams) await stream.send('job', record({ version: 2 })).catch(() => 0);
      assert.deepEqual([one.shown.record?.version, two.shown.record?.version], [2, 2]);
      const opened = gateway.requests.length;
      for (let beat = 0; beat < 8; ++beat) {
        await pass(10_000);
        for (const stream of streams) await stream.write(':\n\n').catch(() => 0);
      }
      assert.ok(gateway.requests.length <= opened + 1, `${gateway.requests.length - opened} new ones in 80 s`);
    });

test('a single tab whose locks never answer has its connection after less than two seconds', async () => {
  navigator.locks = { request: never };
  come();
  await pass(1900);
  assert.equal(connections(), 1);
});

test('where answers come late after all, the tabs share from then on', async () => {
  const answers = [];
  const { request } = locks;
  navigator.locks = { request: (...given) => new Promise((resolve) => answers.push(() => resolve(request.apply(locks, given)))) };
  const [, two] = [come(), come()];
  await pass(2000);
  assert.equal(connections(), 2);
  navigator.locks = locks;
  for (const answer of answers.splice(0)) answer();
  for (const each of gateway.requests.filter(({ signal }) => !signal.aborted)) await (await each.stream()).write(':\n\n');
  await pass(1000);
  assert.equal(connections(), 1);
  assert.equal(two.connection.state, 'open');
});

test('a tab that is closed leaves no lock, no channel and no timer', async () => {
  const [one, two] = [come(), come()];
  await pass(5000);
  for (const tab of [one, two]) tab.close();
  await pass(100);
  assert.deepEqual([locks.names, open_channels(), connections()], [[], 0, 0]);
});

test('a leader forgets the locks of tabs that have gone', async () => {
  const leader = come();
  await pass(100);
  for (let n = 0; n < 5; ++n) {
    const other = come();
    await pass(100);
    other.close();
    await pass(100);
  }
  leader.close();
  await pass(100);
  assert.deepEqual(locks.names, []);
});

test('a hidden tab waits for a leader that sleeps, and has its connection once it is shown', async () => {
  come();
  await pass(100);
  const post = globalThis.BroadcastChannel.prototype.postMessage;
  globalThis.BroadcastChannel.prototype.postMessage = () => {};
  document.visibilityState = 'hidden';
  come();
  await pass(10_000);
  assert.equal(connections(), 1);
  globalThis.BroadcastChannel.prototype.postMessage = post;
});
