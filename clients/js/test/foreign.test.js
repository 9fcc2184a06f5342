// Other people's code may throw, and newer gateways may say what is not known yet: the client goes on.

import assert from 'node:assert/strict';
import { afterEach, beforeEach, mock, test } from 'node:test';
import { connect } from '../src/index.js';
import { FakeGateway, pass, record, settled } from '../test_support/fake_gateway.js';

let gateway;
let said;
beforeEach(() => {
  gateway = FakeGateway.install();
  said = [];
  mock.method(console, 'error', (...what) => said.push(what.map(String).join(' ')));
});
afterEach(() => FakeGateway.remove());

async function watching(options) {
  const client = connect({ url: 'https://jobs.example', ...options });
  const job = client.job('a');
  await pass(1);
  return { client, job };
}

const opened = () => gateway.requests.length + gateway.sources.length + gateway.sockets.length;
const throws = (what) => () => {
  throw new Error(what);
};

test('a subscriber that throws starves no other, causes no new connection, and is said once', async () => {
  const { job } = await watching();
  const heard = [];
  job.subscribe(throws('subscriber 17 is broken'));
  job.subscribe((now) => heard.push(now.version));
  gateway.source.accept();
  for (let version = 1; version < 5; ++version) gateway.source.send('job', record({ version }));
  await pass(20_000);
  assert.deepEqual([heard, opened()], [[1, 2, 3, 4], 1]);
  assert.deepEqual(said, ['jobcast: Error: subscriber 17 is broken']);
});

test('what differs in its figures alone is one kind', async () => {
  const { job } = await watching();
  job.subscribe((now) => throws(`no row ${now.version}`)());
  gateway.source.accept();
  for (let version = 1; version < 50; ++version) gateway.source.send('job', record({ version }));
  assert.deepEqual(said, ['jobcast: Error: no row 1']);
});

test('a subscriber that throws when it is first called can be stopped', async () => {
  const { job } = await watching();
  gateway.source.accept();
  gateway.source.send('job', record({ version: 1 }));
  let calls = 0;
  const stop = job.subscribe(() => {
    ++calls;
    throw new Error('too early');
  });
  stop();
  gateway.source.send('job', record({ version: 2 }));
  assert.equal(calls, 1);
});

test('a listener for the connection that throws does not keep it from coming about', async () => {
  const client = connect({ url: 'https://jobs.example' });
  const stop = client.onConnection(throws('listener is broken'));
  const states = [];
  client.onConnection(({ state }) => states.push(state));
  client.job('a');
  await pass(1);
  gateway.source.accept();
  gateway.source.send('job', record({}));
  assert.deepEqual(states, ['idle', 'connecting', 'open']);
  assert.equal(typeof stop, 'function');
});

test('done() is told, and lists are, whoever else throws', async () => {
  const { client, job } = await watching();
  job.subscribe(throws('one'));
  const jobs = client.jobs({ ids: ['a'] });
  jobs.subscribe(throws('another'));
  const outcome = job.done();
  gateway.source.accept();
  gateway.source.send('job', record({ status: 'done', result: 5 }));
  assert.equal(await outcome, 5);
  assert.equal(jobs.records.length, 1);
});

test('what is thrown need be no error', async () => {
  mock.method(console, 'error', () => {});
  const { job } = await watching();
  for (const what of [undefined, null, 7, Object.create(null)])
    job.subscribe(() => {
      throw what;
    });
  const heard = [];
  job.subscribe((now) => heard.push(now.version));
  gateway.source.accept();
  gateway.source.send('job', record({ version: 3 }));
  assert.deepEqual(heard, [3]);
});

// What newer gateways may say.

const strange = [
  ['an event that is not known', 'event: weather\ndata: {"id":"a"}\n\n'],
  ['an event whose data is no JSON', 'event: weather\ndata: fine\n\n'],
  ['an event that is known, whose data is no JSON', 'event: job\ndata: fine\n\n'],
  ['a record that is none', 'event: job\ndata: null\n\n'],
  ['a record without an id', 'event: job\ndata: {"version":9}\n\n'],
  ['missing without an id', 'event: missing\ndata: {}\n\n'],
  ['a state that is not known', 'event: gateway\ndata: {"state":"thinking"}\n\n'],
  ['a gateway without a state', 'event: gateway\ndata: []\n\n'],
  ['an end for a reason that is not known', 'event: end\ndata: {"reason":"moved"}\n\n'],
  ['a reset of a job nobody knows', 'event: reset\ndata: {"id":"x"}\n\n'],
  ['fields that are not known', 'colour: blue\nevent: more\ndata: {}\n\n'],
  ['a retry: that is no figure', 'retry: soon\n\n'],
];

for (const [what, text] of strange)
  test(`${what} is no reason to connect anew, and the next record counts`, async () => {
    const { job, client } = await watching({ token: 't' });
    const stream = await gateway.asked.stream();
    await stream.send('job', record({ version: 1 }));
    await stream.write(text);
    await stream.send('job', record({ version: 2 }));
    for (let beat = 0; beat < 4; ++beat) {
      await pass(15_000);
      await stream.write(':\n\n');
    }
    assert.deepEqual([job.record.version, opened(), client.connection.state], [2, 1, 'open']);
  });

test('over WebSocket, what is not known is let be', async () => {
  const { job } = await watching({ transport: 'websocket' });
  await gateway.socket.accept();
  gateway.socket.say({ event: 'ack', id: 1 });
  for (const message of [{ event: 'weather', id: 7 }, {}, [], null, 7, { event: 'job' }, { event: 'job', record: 5 }, { event: 'end', reason: 'moved' }]) gateway.socket.say(message);
  gateway.socket.onmessage({ data: 'no JSON' });
  gateway.socket.say({ event: 'job', record: record({ version: 4 }) });
  await pass(30_000);
  assert.deepEqual([job.record.version, opened()], [4, 1]);
});

for (const [what, given] of Object.entries({
  'a status that is not known': { status: 'scheduled' }, 'no status': { status: undefined }, 'no progress': { progress: undefined },
  'labels that are null': { labels: null }, 'no version': { version: undefined }, 'nothing that can be done': { can: null }, 'members that are not known': { mood: { good: 1 } },
}))
  test(`a record with ${what} is passed on as it is`, async () => {
    const { client, job } = await watching();
    const jobs = client.jobs({ ids: ['a'] });
    const listed = client.jobs({ ids: ['a'], status: 'pending' });
    const heard = [];
    for (const handle of [jobs, listed, job]) handle.subscribe(() => heard.push(1));
    gateway.source.accept();
    const strange_one = record({ version: 1, ...given });
    gateway.source.send('job', strange_one);
    gateway.source.send('end', { reason: 'later' });
    assert.deepEqual(job.record, JSON.parse(JSON.stringify(strange_one)));
    assert.deepEqual([jobs.records.length, listed.records.length, heard.length, said], [1, 0, 3, []]);
    await pass(30_000);
    assert.equal(opened(), 1);
  });

test('a failed job that says nothing of what can be done is at its end', async () => {
  const { client } = await watching();
  gateway.source.accept();
  gateway.source.send('job', record({ status: 'failed', can: undefined }));
  gateway.source.send('end', { reason: 'final' });
  await settled();
  await pass(1);
  assert.equal(client.connection.state, 'idle');
});
