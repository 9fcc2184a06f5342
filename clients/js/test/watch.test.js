// What a watch makes of its stream, and how it comes back.

import assert from 'node:assert/strict';
import { afterEach, beforeEach, mock, test } from 'node:test';
import { backoff, connect } from '../jobcast.js';
import { FakeEventSource } from '../test_support/fake_event_source.js';

const client = connect({ url: 'https://jobs.example' });

beforeEach(() => {
  globalThis.EventSource = FakeEventSource;
  FakeEventSource.all = [];
  mock.timers.enable({ apis: ['setTimeout'] });
});
afterEach(() => mock.timers.reset());

/** Watches and notes every call. */
function noted(watched) {
  const calls = [];
  const note = (name) => (value) => calls.push([name, value]);
  const handlers = {
    onRecord: (r) => calls.push(['record', r.version]), onMissing: note('missing'), onGateway: note('gateway'),
    onMore: note('more'), onEnd: note('end'), onState: note('state'),
  };
  return { calls, watch: client.watch(watched, handlers), source: FakeEventSource.latest };
}

test('each kind of watch has its address', () => {
  noted({ job: 'a:1' });
  noted({ jobs: ['a', 'b'] });
  noted({ owner: 'me & you' });
  assert.deepEqual(FakeEventSource.all.map((s) => s.url), [
    'https://jobs.example/api/jobs/a%3A1/events',
    'https://jobs.example/api/events?job=a&job=b',
    'https://jobs.example/api/events?owner=me+%26+you',
  ]);
});

test('a gateway may live under a path', () => {
  connect({ url: 'https://example.com/jobs' }).watch({ job: 'a' }, {});
  assert.equal(FakeEventSource.latest.url, 'https://example.com/jobs/api/jobs/a/events');
});

test('records are guarded, and a reset lets a lower version in', () => {
  const { calls, source } = noted({ jobs: ['a'] });
  source.accept();
  for (const version of [4, 3, 5]) source.send('job', { id: 'a', version });
  source.send('reset', { id: 'a' });
  source.send('job', { id: 'a', version: 2 });
  assert.deepEqual(calls.filter(([name]) => name === 'record').map(([, version]) => version), [4, 5, 2]);
});

test('a job that was deleted and made again starts anew', () => {
  const { calls, source } = noted({ jobs: ['a'] });
  source.accept();
  source.send('job', { id: 'a', version: 4 });
  source.send('missing', { id: 'a' });
  source.send('job', { id: 'a', version: 1 });
  assert.deepEqual(calls.slice(-3), [['record', 4], ['missing', 'a'], ['record', 1]]);
});

test('news of the gateway and of a cut snapshot are passed on', () => {
  const { calls, source } = noted({ owner: 'me' });
  source.accept();
  source.send('gateway', { state: 'degraded' });
  source.send('more', { cursor: 'c1' });
  assert.deepEqual(calls.slice(-2), [['gateway', 'degraded'], ['more', 'c1']]);
});

test('a dropped connection is left to the browser, and its snapshot counts', () => {
  const { calls, source } = noted({ owner: 'me' });
  source.accept();
  source.send('job', { id: 'a', version: 9 });
  source.drop();
  mock.timers.tick(60_000);
  assert.equal(FakeEventSource.all.length, 1);
  source.accept();
  source.send('job', { id: 'a', version: 2 });
  assert.deepEqual(calls, [
    ['state', 'connecting'], ['state', 'open'], ['record', 9], ['state', 'waiting'], ['state', 'open'], ['record', 2],
  ]);
});

test('a stream the browser gave up is opened again', () => {
  const { calls, source } = noted({ owner: 'me' });
  source.refuse();
  assert.deepEqual(calls.at(-1), ['state', 'waiting']);
  mock.timers.tick(1000);
  assert.equal(FakeEventSource.all.length, 2);
  FakeEventSource.latest.accept();
  assert.deepEqual(calls.at(-1), ['state', 'open']);
});

test('end closes for good', () => {
  const { calls, source } = noted({ job: 'a' });
  source.accept();
  source.send('end', { reason: 'final' });
  assert.deepEqual(calls.slice(-2), [['state', 'closed'], ['end', 'final']]);
  assert.equal(source.readyState, FakeEventSource.CLOSED);
  mock.timers.tick(60_000);
  assert.equal(FakeEventSource.all.length, 1);
});

test('close stops a reconnect that was due', () => {
  const { source, watch } = noted({ owner: 'me' });
  source.refuse();
  watch.close();
  mock.timers.tick(60_000);
  assert.equal(FakeEventSource.all.length, 1);
});

test('the wait doubles up to half a minute, anywhere below its ceiling', () => {
  assert.deepEqual([1, 2, 3, 6, 50].map((n) => backoff(n, 0.5)), [500, 1000, 2000, 15_000, 15_000]);
  assert.equal(backoff(3, 0), 0);
});
