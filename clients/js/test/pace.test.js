// However fast a proxy answers, cuts off or refuses, a page asks about once a second.

import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { connect } from '../src/index.js';
import { FakeGateway, pass, record } from '../test_support/fake_gateway.js';

let gateway;
beforeEach(() => {
  gateway = FakeGateway.install();
});
afterEach(() => FakeGateway.remove());

const opened = () => gateway.requests.length + gateway.sources.length + gateway.sockets.length;
const is_stream = ({ headers }) => headers.Accept === 'text/event-stream';

/** Lets time pass, and answers every request as soon as it comes. Streams are held up, unless `streams` says what becomes of one. */
async function proxied(seconds, answer, streams = () => {}) {
  let n = 0;
  const met = new Set();
  for (let step = 0; step < seconds * 20; ++step) {
    for (const asked of gateway.requests.filter((one) => !one.answered && !one.signal?.aborted))
      if (!is_stream(asked)) await answer(asked, ++n);
      else if (!met.has(asked)) await streams(asked, met.add(asked));
    await pass(50);
  }
}

async function watching(options, id = 'a') {
  const client = connect({ url: 'https://jobs.example', ...options });
  const job = client.job(id);
  await pass(1);
  return { client, job };
}

const at_once = {
  'a job that is missing': (asked) => asked.answer(404, {}),
  'a job that is missing, with Retry-After': (asked) => asked.answer(404, {}, { 'Retry-After': '2' }),
  'an ETag that a proxy removes': (asked, n) => asked.answer(200, record({ version: n })),
  'an ETag that a proxy bends': (asked) => asked.answer(200, record({}), { ETag: '"T-v-gzip"' }),
  'an ETag that is another each time': (asked, n) => asked.answer(200, record({}), { ETag: `"${n}"` }),
  'a 304 that is not held': (asked, n) => (n === 1 ? asked.answer(200, record({}), { ETag: '"e"' }) : asked.answer(304)),
  'a job that changes all the time': (asked, n) => asked.answer(200, record({ version: n }), { ETag: `"${n}"` }),
  'an error': (asked) => asked.answer(502, '<h1>Bad gateway</h1>'),
  'a page that is no record': (asked) => asked.answer(200, '<h1>Sign in to this network</h1>'),
};

for (const transport of ['long-poll', 'poll', 'auto'])
  for (const [what, answer] of Object.entries(at_once))
    test(`${transport}, and at once ${what}: about one request a second`, async () => {
      await watching({ transport });
      await proxied(20, answer);
      assert.ok(opened() <= 24, `${opened()} in 20 s`);
      assert.ok(gateway.requests.length >= 2, 'it goes on');
    });

test('a poll that found nothing waits as long as it is told', async () => {
  await watching({ transport: 'poll' });
  await gateway.asked.answer(404, {}, { 'Retry-After': '7' });
  await pass(6900);
  assert.equal(gateway.requests.length, 1);
  await pass(200);
  assert.equal(gateway.requests.length, 2);
});

test('a missing job is waited for where the gateway offers it, and asked for again at once', async () => {
  const { job } = await watching({ transport: 'poll' });
  await gateway.asked.answer(404, {}, { 'Retry-After': '1' });
  await pass(1000);
  assert.deepEqual([gateway.asked.headers.Prefer, gateway.asked.headers['If-None-Match']], ['wait=25', undefined]);
  await pass(25_000);
  await gateway.asked.answer(404, {}, { 'Retry-After': '1' });
  assert.equal(gateway.requests.length, 3);
  await pass(3000);
  await gateway.asked.answer(200, record({ version: 1 }), { ETag: '"1"' });
  assert.equal(job.missing, false);
  assert.equal(gateway.asked.headers['If-None-Match'], '"1"');
});

test('a change that comes while a request is held is followed by the next at once', async () => {
  const { job } = await watching({ transport: 'poll' });
  await gateway.asked.answer(200, record({ version: 1 }), { ETag: '"1"' });
  await pass(1000);
  for (let version = 2; version < 5; ++version) {
    await pass(1500);
    await gateway.asked.answer(200, record({ version }), { ETag: `"${version}"` });
    assert.equal(job.record.version, version);
  }
  assert.equal(gateway.requests.length, 5);
});

test('several watches of a page ask about once a second together', async () => {
  for (let n = 0; n < 10; ++n) await watching({ transport: 'long-poll', link: `l${n}` }, `j${n}`);
  await proxied(20, (asked, n) => asked.answer(200, record({ id: asked.path.split('/')[3], version: n }), { ETag: `"${n}"` }));
  assert.ok(opened() <= 10 + 22, `${opened()} in 20 s`);
  const asked = new Set(gateway.requests.slice(10).map(({ path }) => path));
  assert.equal(asked.size, 10, 'each has its turn');
});

test('a stream that is cut off after its first words is opened ever less often', async () => {
  await watching({ token: 't', transport: ['stream'] });
  await proxied(60, () => {}, async (asked) => {
    const stream = await asked.stream();
    await stream.send('job', record({ version: opened() }));
    await stream.end();
  });
  assert.ok(opened() >= 4 && opened() <= 15, `${opened()} in 60 s`);
});

test('a WebSocket that is cut off after its first words is opened ever less often', async () => {
  await watching({ transport: 'websocket' });
  for (let step = 0; step < 60 * 20; ++step) {
    const { socket } = gateway;
    if (socket?.readyState === 0) {
      await socket.accept();
      socket.say({ event: 'ack', id: 1 });
      socket.drop();
    }
    await pass(50);
  }
  assert.ok(opened() >= 4 && opened() <= 15, `${opened()} in 60 s`);
});

test('a stream that went well for a while is soon opened again', async () => {
  await watching({ token: 't', transport: ['stream'] });
  for (let n = 1; n <= 5; ++n) {
    const stream = await gateway.asked.stream();
    await stream.send('job', record({ version: n }));
    await pass(12_000);
    await stream.end();
    await pass(600);
    assert.equal(gateway.requests.length, n + 1);
  }
});

test('a token that has always ended already is asked for ever less often', async () => {
  await watching({ token: async () => 't', transport: ['stream'] });
  await proxied(60, () => {}, async (asked) => (await asked.stream()).send('end', { reason: 'expired' }));
  assert.ok(opened() >= 4 && opened() <= 15, `${opened()} in 60 s`);
});

for (const wait of ['99999999999', '1e400', String(2 ** 31)])
  test(`Retry-After: ${wait} is no wait of none`, async () => {
    await watching({ token: 't', transport: ['stream'] });
    await gateway.asked.answer(503, {}, { 'Retry-After': wait });
    await pass(60_000);
    assert.equal(opened(), 1);
  });

test('retry: 99999999999 is no wait of none', async () => {
  await watching({ token: 't', transport: ['stream'] });
  const stream = await gateway.asked.stream();
  await stream.write('retry: 99999999999\n\n');
  await stream.end();
  await pass(60_000);
  assert.equal(opened(), 1);
});

test('a firstByte without end waits without end', async () => {
  await watching({ token: 't', firstByte: Infinity });
  await pass(60_000);
  assert.equal(opened(), 1);
});

test('a Retry-After that is a date is held against the gateway\'s clock', async () => {
  await watching({ token: 't', transport: ['stream'] });
  const there = Date.now() - 3_600_000;
  const date = (ms) => new Date(ms).toUTCString();
  await gateway.asked.answer(503, {}, { 'Retry-After': date(there + 20_000), Date: date(there) });
  await pass(19_000);
  assert.equal(opened(), 1);
  await pass(3000);
  assert.equal(opened(), 2);
});
