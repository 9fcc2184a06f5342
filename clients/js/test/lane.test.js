// Which way a connection goes, and how it comes back.

import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { backoff, connect } from '../src/index.js';
import { FakeGateway, pass, record, settled } from '../test_support/fake_gateway.js';

let gateway;
beforeEach(() => {
  gateway = FakeGateway.install();
});
afterEach(() => FakeGateway.remove());

/** A client that watches job a; `states` holds what it said of its connection. */
async function watching(options) {
  const client = connect({ url: 'https://jobs.example', ...options });
  const states = [];
  client.onConnection(({ state, transport }) => states.push(state === 'open' ? transport : state));
  const job = client.job('a');
  await pass(1);
  return { client, job, states };
}

test('the wait doubles up to half a minute, anywhere below its ceiling', () => {
  assert.deepEqual([1, 2, 3, 6, 50].map((n) => backoff(n, 0.5)), [500, 1000, 2000, 15_000, 15_000]);
  assert.equal(backoff(3, 0), 0);
});

test('without a token, an EventSource; a gateway may live under a path', async () => {
  await watching({ url: 'https://example.com/jobs', credentials: true });
  assert.equal(gateway.source.url, 'https://example.com/jobs/api/jobs/a/events');
});

test('with a watch link, an EventSource whose address holds it', async () => {
  await watching({ link: 'sig.ned' });
  assert.equal(gateway.source.url, 'https://jobs.example/api/jobs/a/events?link=sig.ned');
});

test('with a token, the stream is read by fetch, and the token is in no address', async () => {
  const { job, states } = await watching({ token: 'jwt' });
  assert.equal(gateway.sources.length, 0);
  const { asked } = gateway;
  assert.equal(asked.headers.Authorization, 'Bearer jwt');
  assert.equal(asked.url, 'https://jobs.example/api/jobs/a/events');
  const stream = await asked.stream();
  await stream.write('retry: 1000\n\n');
  assert.equal(states.at(-1), 'stream');
  await stream.send('job', record({ version: 2 }));
  assert.equal(job.record.version, 2);
});

// Coming back

test('a dropped EventSource is left to the browser once, and its snapshot counts', async () => {
  const { job, states } = await watching();
  gateway.source.accept();
  gateway.source.send('job', record({ version: 9 }));
  gateway.source.drop();
  assert.equal(states.at(-1), 'waiting');
  await pass(3000);
  assert.equal(gateway.sources.length, 1);
  gateway.source.accept();
  gateway.source.send('job', record({ version: 2 }));
  assert.equal(job.record.version, 2);
  assert.deepEqual(states, ['idle', 'connecting', 'native', 'waiting', 'native']);
});

test('a browser that fails twice is helped', async () => {
  const { states } = await watching();
  gateway.source.accept();
  gateway.source.send('job', record({}));
  gateway.source.drop();
  gateway.source.drop();
  await pass(600);
  assert.equal(gateway.sources.length, 2);
  gateway.source.accept();
  gateway.source.send('job', record({ version: 2 }));
  assert.equal(states.at(-1), 'native');
});

test('a bad answer, after which an EventSource never comes back, is read by fetch', async () => {
  const { states } = await watching();
  gateway.source.refuse();
  await pass(1);
  await gateway.asked.answer(502, '<h1>Bad gateway</h1>');
  assert.equal(states.at(-1), 'waiting');
  await pass(1000);
  const stream = await gateway.asked.stream();
  await stream.write('retry: 1000\n\n');
  assert.equal(states.at(-1), 'stream');
});

test('retry: and Retry-After are the least that is waited', async () => {
  await watching({ token: 't' });
  const stream = await gateway.asked.stream();
  await stream.write('retry: 4000\n\n');
  await stream.end();
  await pass(3950);
  assert.equal(gateway.requests.length, 1);
  await pass(1000);
  assert.equal(gateway.requests.length, 2);
  await gateway.asked.answer(503, {}, { 'Retry-After': '20' });
  await pass(19_000);
  assert.equal(gateway.requests.length, 2);
  await pass(5000);
  assert.equal(gateway.requests.length, 3);
});

test('a stream continues where it was', async () => {
  await watching({ token: 't' });
  const stream = await gateway.asked.stream();
  await stream.send('job', record({}), '77-1');
  await stream.end();
  await pass(2000);
  assert.equal(gateway.asked.headers['Last-Event-ID'], '77-1');
});

test('204 is the end', async () => {
  const { job, client } = await watching({ token: 't' });
  const stream = await gateway.asked.stream();
  await stream.send('job', record({ status: 'done' }), '77-1');
  await stream.end();
  await pass(2000);
  await gateway.asked.answer(204);
  await pass(120_000);
  assert.equal(gateway.requests.length, 2);
  assert.equal(job.record.status, 'done');
  assert.equal(client.connection.state, 'idle');
});

test('an EventSource that is answered 204 after the outcome is at its end', async () => {
  const { client } = await watching();
  gateway.source.accept();
  gateway.source.send('job', record({ status: 'done' }));
  gateway.source.drop();
  gateway.source.refuse();
  await pass(120_000);
  assert.equal(gateway.sources.length, 1);
  assert.equal(gateway.requests.length, 0);
  assert.equal(client.connection.state, 'idle');
});

test('a stream from which nothing is heard for three heartbeats is dead', async () => {
  await watching({ token: 't' });
  const stream = await gateway.asked.stream();
  await stream.write(':\n\n');
  for (let beat = 0; beat < 5; ++beat) {
    await pass(15_000);
    await stream.write(':\n\n');
  }
  assert.equal(gateway.requests.length, 1);
  await pass(62_000);
  assert.equal(gateway.requests[0].aborted, true);
  assert.ok(gateway.requests.length > 1);
});

test('news of the gateway is news of the connection', async () => {
  const { client } = await watching();
  gateway.source.accept();
  gateway.source.send('gateway', { state: 'degraded' });
  assert.equal(client.connection.gateway, 'degraded');
  gateway.source.send('gateway', { state: 'ok' });
  assert.equal(client.connection.gateway, 'ok');
});

// Ways

test('a proxy that buffers is found out, and walked around', async () => {
  const { job, states } = await watching();
  gateway.source.accept();
  await pass(5000);
  assert.equal(gateway.source.readyState, 2, 'an open EventSource that says nothing');
  await gateway.asked.stream();
  await pass(5000);
  assert.equal(gateway.requests[0].aborted, true, 'a stream without a first byte');
  await gateway.socket.accept();
  gateway.socket.say({ event: 'ack', id: 1 });
  assert.equal(states.at(-1), 'websocket');
  gateway.socket.say({ event: 'job', record: record({ version: 3 }) });
  assert.equal(job.record.version, 3);
  assert.deepEqual([gateway.socket.url, gateway.socket.protocol], ['wss://jobs.example/api/ws', 'jobcast.v1']);
  assert.deepEqual(gateway.socket.sent, [{ op: 'watch', id: 1, jobs: ['a'] }]);
});

test('an owner without jobs is no buffering proxy: the bytes tell', async () => {
  const client = connect({ url: 'https://jobs.example' });
  client.jobs({ owner: 'o' });
  await pass(1);
  const stream = await gateway.asked.stream();
  await stream.write('retry: 1000\n\n');
  assert.equal(client.connection.transport, 'stream');
  await pass(40_000);
  assert.equal(gateway.sockets.length, 0);
});

test('when neither streams nor WebSocket get through, it polls, held where that is offered', async () => {
  const { job, states } = await watching({ transport: ['stream', 'websocket', 'long-poll', 'poll'] });
  await pass(5000);
  await pass(5000);
  await gateway.asked.answer(200, record({ version: 1 }), { ETag: '"e1"', 'Retry-After': '2' });
  assert.equal(states.at(-1), 'long-poll');
  await pass(1000);
  assert.deepEqual([gateway.asked.headers.Prefer, gateway.asked.headers['If-None-Match']], ['wait=25', '"e1"']);
  await pass(10_000);
  await gateway.asked.answer(200, record({ version: 2 }), { ETag: '"e2"' });
  assert.equal(job.record.version, 2);
  await pass(50);
  assert.equal(gateway.asked.headers['If-None-Match'], '"e2"');
  await pass(25_000);
  await gateway.asked.answer(304);
  await pass(50);
  await gateway.asked.answer(200, record({ version: 3, status: 'done' }));
  const asked = gateway.requests.length;
  await pass(60_000);
  assert.equal(gateway.requests.length, asked);
  assert.equal(states.at(-1), 'idle');
});

test('a proxy that answers held requests at once is not hammered', async () => {
  await watching({ transport: 'poll' });
  await gateway.asked.answer(200, record({}), { ETag: '"e"' });
  await pass(1000);
  const before = gateway.requests.length;
  await gateway.asked.answer(304, undefined, { 'Retry-After': '2' });
  await pass(1900);
  assert.equal(gateway.requests.length, before);
});

test('plain polling keeps to Retry-After, and says what is missing', async () => {
  const { job } = await watching({ transport: ['poll'] });
  await gateway.asked.answer(404, {}, { 'Retry-After': '4' });
  assert.equal(job.missing, true);
  await pass(3900);
  assert.equal(gateway.requests.length, 1);
  await pass(200);
  await gateway.asked.answer(200, record({}));
  assert.equal(job.missing, false);
});

test('lists are polled as lists', async () => {
  const client = connect({ url: 'https://jobs.example', transport: ['poll'] });
  const jobs = client.jobs({ owner: 'o' });
  const two = client.jobs({ ids: ['a', 'b'] });
  await pass(1);
  assert.deepEqual(gateway.requests.map(({ path }) => path).sort(), ['/api/jobs?ids=a%2Cb', '/api/jobs?owner=o']);
  for (const asked of gateway.requests) await asked.answer(200, { jobs: [record({})] });
  assert.equal(jobs.records.length, 1);
  assert.equal(two.records.length, 1);
});

test('from a lesser way it climbs back, and the lesser one goes on until the better one speaks', async () => {
  const { job, states } = await watching({ transport: ['stream', 'poll'] });
  await pass(5000);
  await gateway.asked.answer(200, record({ version: 1 }));
  assert.equal(states.at(-1), 'poll');
  await pass(30_100);
  const streams = () => gateway.requests.filter(({ headers }) => headers.Accept === 'text/event-stream');
  assert.equal(streams().length, 2);
  assert.equal(states.at(-1), 'poll');
  const stream = await streams()[1].stream();
  await stream.send('job', record({ version: 2 }));
  assert.equal(states.at(-1), 'stream');
  assert.equal(job.record.version, 2);
  const polls = gateway.requests.length;
  await pass(20_000);
  assert.equal(gateway.requests.length, polls);
});

test('each climb in vain doubles the time to the next', async () => {
  await watching({ transport: ['stream', 'poll'] });
  await pass(5000);
  const began = Date.now();
  const climbs = [];
  for (let step = 0; step < 260; ++step) {
    for (const asked of gateway.requests.filter((one) => !one.answered && !one.signal?.aborted)) {
      if (asked.headers.Accept !== 'text/event-stream') await asked.answer(200, record({}));
      else if (!climbs.includes(asked.at)) climbs.push((asked.at ??= Math.round((Date.now() - began) / 1000)));
    }
    await pass(1000);
  }
  const gaps = climbs.map((at, n) => at - (climbs[n - 1] ?? 0));
  assert.ok(gaps[0] >= 29 && gaps[0] <= 33, `first after ${gaps[0]} s`);
  assert.ok(gaps[1] >= 60 && gaps[1] <= 72 && gaps[2] > gaps[1] * 1.5, String(gaps));
});

test('after an outage of everything it is soon back on the best way', async () => {
  const { states } = await watching({ transport: ['stream', 'poll'] });
  await gateway.asked.fail();
  for (let n = 0; n < 2; ++n) {
    await pass(4000);
    await gateway.asked.fail();
  }
  await pass(8000);
  for (let n = 0; n < 8 && states.at(-1) !== 'poll' && states.at(-1) !== 'stream'; ++n) {
    const { asked } = gateway;
    if (asked?.headers.Accept === 'text/event-stream') await (await asked.stream()).write(':\n');
    else await asked?.answer(200, record({}));
    await pass(1000);
  }
  await pass(1500);
  const climbing = gateway.asked;
  if (climbing?.headers.Accept === 'text/event-stream') await (await climbing.stream()).write(':\n');
  assert.equal(states.at(-1), 'stream');
});

test('what is refused for good says so, and is not asked again soon', async () => {
  const { client } = await watching({ token: 't', transport: 'sse' });
  await gateway.asked.answer(400, { detail: 'job: 1 to 128 letters, digits, and . _ : -' });
  assert.deepEqual([client.connection.state, client.connection.problem], ['refused', 'job: 1 to 128 letters, digits, and . _ : -']);
  await pass(25_000);
  assert.equal(gateway.requests.length, 1);
});

// Tokens

test('before a token ends a new one is fetched, and the next stream opens before the last one goes', async () => {
  const asked_for = [];
  const { job } = await watching({ token: async ({ renew }) => (asked_for.push(renew), `t${asked_for.length}`) });
  const first = await gateway.asked.stream();
  await first.send('job', record({ version: 5 }));
  await first.send('reauth', { expires_at: 0 });
  await settled();
  assert.deepEqual(asked_for, [false, true]);
  assert.equal(gateway.asked.headers.Authorization, 'Bearer t2');
  await first.send('job', record({ version: 6 }));
  assert.equal(job.record.version, 6);
  const second = await gateway.asked.stream();
  await second.send('job', record({ version: 6 }));
  assert.equal(gateway.requests[0].aborted, true);
  await second.send('job', record({ version: 7 }));
  assert.equal(job.record.version, 7);
});

/** How often something new was opened: by fetch, EventSource or WebSocket. */
const opened = () => gateway.requests.length + gateway.sources.length + gateway.sockets.length;

test('an application that gives the same token until it ends is asked every ten seconds, and nothing is opened for that', async () => {
  const times = [];
  await watching({ token: async () => (times.push(Date.now()), times.length < 4 ? 'same' : 'next') });
  const stream = await gateway.asked.stream();
  await stream.send('job', record({}));
  const began = Date.now();
  await stream.send('reauth', { expires_at: began + 30_000 });
  await pass(19_000);
  assert.deepEqual([opened(), times.length], [1, 3]);
  await pass(2000);
  assert.equal(opened(), 2);
  assert.equal(gateway.asked.headers.Authorization, 'Bearer next');
});

test('a stream that is told at once that its token ends is not opened over and over', async () => {
  await watching({ token: async () => undefined, transport: ['stream'] });
  for (let n = 0; n < 18; ++n) {
    const stream = await gateway.asked?.stream();
    await stream?.send('reauth', { expires_at: 0 });
    await pass(500);
  }
  assert.equal(opened(), 2);
});

for (const [what, given] of [['a token that is no function', { token: 'jwt' }], ['a watch link that is none', { link: 'l' }], ['a cookie', {}]])
  test(`${what} cannot be renewed: its stream goes on until it is ended`, async () => {
    await watching({ ...given, transport: ['stream'] });
    const stream = await gateway.asked.stream();
    await stream.send('reauth', { expires_at: 0 });
    await pass(20_000);
    assert.equal(opened(), 1);
    await stream.send('end', { reason: 'expired' });
    await pass(1500);
    assert.equal(opened(), 2);
  });

test('over WebSocket, the same token is not sent again', async () => {
  const tokens = ['same', 'same', 'next'];
  await watching({ transport: 'websocket', token: () => tokens.shift() });
  await gateway.socket.accept();
  gateway.socket.say({ event: 'ack', id: 1 });
  gateway.socket.say({ event: 'reauth', expires_at: 0 });
  const sent = () => gateway.socket.sent.filter(({ op }) => op === 'auth').map(({ token }) => token);
  await pass(9000);
  assert.deepEqual(sent(), ['same']);
  await pass(2000);
  assert.deepEqual(sent(), ['same', 'next']);
  assert.equal(gateway.sockets.length, 1);
});

test('over WebSocket it is renewed in place', async () => {
  let n = 0;
  await watching({ transport: 'websocket', token: () => `t${++n}` });
  await gateway.socket.accept();
  gateway.socket.say({ event: 'ack', id: 1 });
  gateway.socket.say({ event: 'reauth', expires_at: 0 });
  await settled();
  assert.deepEqual(gateway.socket.sent.filter(({ op }) => op === 'auth').map(({ token }) => token), ['t1', 't2']);
  assert.equal(gateway.sockets.length, 1);
});

test('over WebSocket, a token that had ended is renewed on the same connection, once', async () => {
  let n = 0;
  const { client } = await watching({ transport: 'websocket', token: () => `t${++n}` });
  await gateway.socket.accept();
  const refuse = async () => {
    const problem = { status: 401, detail: 'The token has expired.' };
    gateway.socket.say({ event: 'error', problem });
    await settled();
    gateway.socket.say({ event: 'error', id: 1, problem });
    await settled();
  };
  await refuse();
  assert.deepEqual(gateway.socket.sent.map(({ op, token }) => token ?? op), ['t1', 'watch', 't2', 'watch']);
  assert.equal(client.connection.state, 'connecting');
  await refuse();
  assert.deepEqual([n, client.connection.state, client.connection.problem], [2, 'refused', 'The token has expired.']);
});

test('a token that is refused is renewed once, then said to be refused', async () => {
  let n = 0;
  const { client } = await watching({ transport: 'sse', token: () => `t${++n}` });
  await gateway.asked.answer(401, {});
  assert.equal(gateway.asked.headers.Authorization, 'Bearer t2');
  await gateway.asked.answer(401, { detail: 'The token has expired.' });
  assert.deepEqual([client.connection.state, client.connection.problem], ['refused', 'The token has expired.']);
});

test('a stream that ended with its token is opened with the next', async () => {
  let n = 0;
  await watching({ token: () => `t${++n}` });
  const stream = await gateway.asked.stream();
  await stream.send('end', { reason: 'expired' });
  await pass(1500);
  assert.equal(gateway.asked.headers.Authorization, 'Bearer t2');
});

test('a token that cannot be fetched just now is fetched later', async () => {
  let n = 0;
  await watching({ token: async () => { if (++n < 3) throw new TypeError('fetch failed'); return 't'; } });
  await pass(2000);
  assert.equal(gateway.asked.headers.Authorization, 'Bearer t');
});

// Asked for

test('pause closes the connection, resume opens it', async () => {
  const { client, states } = await watching();
  gateway.source.accept();
  gateway.source.send('job', record({}));
  client.pause();
  assert.equal(gateway.source.readyState, 2);
  client.resume();
  await pass(1);
  assert.equal(gateway.sources.length, 2);
  assert.deepEqual(states, ['idle', 'connecting', 'native', 'paused', 'connecting']);
});

test('the transport can be changed on the way, without a gap', async () => {
  const { client, states } = await watching();
  gateway.source.accept();
  gateway.source.send('job', record({}));
  client.use('websocket');
  await settled();
  assert.equal(gateway.source.readyState, 1);
  await gateway.socket.accept();
  gateway.socket.say({ event: 'ack', id: 1 });
  assert.equal(gateway.source.readyState, 2);
  assert.deepEqual(states.slice(-2), ['native', 'websocket']);
});

test('two watches with different versions of one job: one does not take back what the other said', async () => {
  const { client, job } = await watching();
  gateway.source.accept();
  gateway.source.send('job', record({ version: 8 }));
  client.jobs({ owner: 'o' });
  await pass(1);
  const stream = await gateway.asked.stream();
  await stream.send('job', record({ version: 7 }));
  assert.equal(job.record.version, 8);
});
