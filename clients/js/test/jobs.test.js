// What a page holds of many jobs.

import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { RecordGuard, connect } from '../src/index.js';
import { FakeGateway, pass, record, settled } from '../test_support/fake_gateway.js';

let gateway;
let client;
let stream;
beforeEach(() => {
  gateway = FakeGateway.install();
  client = connect({ url: 'https://jobs.example' });
});
afterEach(() => FakeGateway.remove());

/** An owner's jobs are read by fetch, a list of ids from an EventSource. */
async function watched(query) {
  const jobs = client.jobs(query);
  await pass(1);
  if (query?.ids) gateway.source.accept();
  else stream = await gateway.requests.findLast(({ headers }) => headers.Accept === 'text/event-stream').stream();
  return jobs;
}

test('an owner is asked for as such, and "me" if no one is named', async () => {
  await watched();
  await watched({ owner: 'a & b' });
  assert.deepEqual(gateway.requests.map(({ path }) => path), ['/api/events?owner=me', '/api/events?owner=a+%26+b']);
});

test('records come newest first, and missing ones leave', async () => {
  const jobs = await watched({ owner: 'o' });
  for (const [id, created_at] of [['a', 1], ['c', 3], ['b', 2]]) await stream.send('job', record({ id, created_at }));
  assert.deepEqual(jobs.records.map(({ id }) => id), ['c', 'b', 'a']);
  await stream.send('missing', { id: 'b' });
  assert.deepEqual(jobs.records.map(({ id }) => id), ['c', 'a']);
});

test('jobs by id share one connection, and adding one closes the old only when the new one speaks', async () => {
  const [one, two] = [client.job('a'), client.job('b')];
  await pass(1);
  assert.equal(gateway.sources.length, 1);
  assert.equal(gateway.source.url, 'https://jobs.example/api/events?job=a&job=b');
  const first = gateway.source;
  first.accept();
  first.send('job', record({ id: 'a', version: 5 }));
  client.job('c');
  await pass(1);
  assert.equal(gateway.sources.length, 2);
  assert.equal(first.readyState, 1);
  first.send('job', record({ id: 'a', version: 6 }));
  gateway.source.accept();
  gateway.source.send('job', record({ id: 'a', version: 5 }));
  assert.equal(first.readyState, 2);
  assert.equal(one.record.version, 6, 'what the old connection said is not taken back by the new one');
  gateway.source.send('job', record({ id: 'b', version: 1 }));
  assert.equal(two.record.version, 1);
});

test('letting go of one of several opens nothing new', async () => {
  const one = client.job('a');
  client.job('b');
  await pass(1);
  one.close();
  await pass(1);
  assert.equal(gateway.sources.length, 1);
});

test('more than a hundred jobs need a second connection', async () => {
  await watched({ ids: Array.from({ length: 130 }, (_, n) => `j${n}`) });
  assert.deepEqual(gateway.sources.map(({ url }) => new URL(url).searchParams.getAll('job').length), [100, 30]);
});

for (const [count, length] of [[100, 97], [200, 103], [200, 128], [130, 2]])
  test(`${count} ids of ${length} characters are shared out over addresses that proxies take`, async () => {
    const ids = Array.from({ length: count }, (_, n) => `${n}:`.padEnd(length, 'x'));
    await watched({ ids });
    const shown = new Set();
    for (const { url } of gateway.sources) {
      assert.ok(url.length < 8000, `${url.length} characters`);
      for (const id of new URL(url).searchParams.getAll('job')) shown.add(id);
    }
    for (const socket of gateway.sockets) {
      await socket.accept();
      for (const id of socket.sent.at(-1).jobs) shown.add(id);
    }
    assert.deepEqual([...shown].sort(), ids.sort());
    assert.ok(gateway.sources.length <= 3, 'a browser has connections left for commands');
  });

test('a long watch link leaves less room for ids', async () => {
  client = connect({ url: 'https://jobs.example', link: 'l'.repeat(4000) });
  await watched({ ids: Array.from({ length: 60 }, (_, n) => `${n}-`.padEnd(97, 'x')) });
  for (const { url } of gateway.sources) assert.ok(url.length < 8000, `${url.length} characters`);
});

test('where a proxy takes shorter addresses only, the ids are shared out until it takes them', async () => {
  client = connect({ url: 'https://jobs.example', token: 't', transport: ['stream'] });
  const ids = Array.from({ length: 40 }, (_, n) => `${n}-`.padEnd(97, 'x'));
  const jobs = client.jobs({ ids });
  for (let n = 0; n < 8; ++n) {
    await pass(1);
    for (const asked of gateway.requests.filter((one) => !one.answered && !one.signal.aborted)) {
      if (asked.path.length > 2000) await asked.answer(414, '<h1>Request-URI Too Large</h1>');
      else {
        const stream = await asked.stream();
        for (const id of new URL(asked.url).searchParams.getAll('job')) await stream.send('job', record({ id }));
        const single = /api.jobs.([^/]+).events/.exec(asked.path)?.[1];
        if (single) await stream.send('job', record({ id: single }));
      }
    }
  }
  assert.equal(jobs.records.length, 40);
  assert.equal(client.connection.state, 'open');
});

test('a request that is refused as too long for another reason is not repeated at once for ever', async () => {
  client = connect({ url: 'https://jobs.example', token: 't', transport: ['stream'] });
  client.jobs({ ids: ['a', 'b', 'c'] });
  for (let n = 0; n < 200; ++n) {
    await pass(50);
    await gateway.asked?.answer(431, '');
  }
  assert.ok(gateway.requests.length < 15, `${gateway.requests.length} in 10 s`);
});

test('jobs that are no longer watched leave the connection after a while, and what is still said of them is not kept', async () => {
  const [one] = [client.job('a'), client.job('b')];
  await pass(1);
  gateway.source.accept();
  for (const id of ['a', 'b']) gateway.source.send('job', record({ id }));
  one.close();
  await pass(1);
  gateway.source.send('job', record({ id: 'a', version: 2 }));
  assert.equal(client.known.get('a'), undefined);
  await pass(29_000);
  assert.equal(gateway.sources.length, 1);
  await pass(2000);
  assert.equal(gateway.source.url, 'https://jobs.example/api/jobs/b/events');
});

test('over days, a guard keeps the versions of what is held alone', () => {
  const guard = new RecordGuard();
  const held = new Set(['kept']);
  guard.accept({ id: 'kept', version: 7 });
  for (let n = 0; n < 5000; ++n) {
    guard.accept({ id: `j${n}`, version: 2 });
    guard.prune((id) => held.has(id));
  }
  assert.equal(guard.accept({ id: 'kept', version: 6 }), false);
  assert.equal(guard.accept({ id: 'j10', version: 1 }), 'first', 'forgotten');
});

test('a list by id keeps to it', async () => {
  const jobs = await watched({ ids: ['a', 'b'] });
  gateway.source.send('job', record({ id: 'a' }));
  gateway.source.send('job', record({ id: 'x' }));
  assert.deepEqual(jobs.records.map(({ id }) => id), ['a']);
});

test('of what ended it keeps the newest 200 and what more() brought, of what goes on everything', async () => {
  const jobs = await watched({ owner: 'o' });
  const ends = (n) => stream.send('job', record({ id: `e${n}`, status: 'done', created_at: n, updated_at: n }));
  for (let n = 0; n < 10; ++n) await stream.send('job', record({ id: `r${n}`, created_at: n, updated_at: n }));
  for (let n = 1; n <= 230; ++n) await ends(n);
  const ended = () => jobs.records.filter(({ status }) => status === 'done').map(({ id }) => id);
  assert.equal(jobs.records.length, 210);
  assert.deepEqual([ended()[0], ended().at(-1)], ['e230', 'e31']);
  const more = jobs.more();
  await settled();
  await gateway.asked.answer(200, { jobs: [1, 2, 3].map((n) => record({ id: `e${n}`, status: 'done', created_at: n, updated_at: n })) });
  await more;
  assert.deepEqual([ended().length, ended().at(-1)], [203, 'e1']);
  await ends(231);
  assert.equal(ended().length, 203);
});

test('a job that is held by its id stays when its owner has many', async () => {
  await watched({ owner: 'o' });
  const job = client.job('e1');
  await pass(1);
  for (let n = 1; n <= 230; ++n) await stream.send('job', record({ id: `e${n}`, status: 'done', created_at: n, updated_at: n }));
  assert.equal(job.record.id, 'e1');
});

test('what nobody holds any more is forgotten', async () => {
  const jobs = await watched({ owner: 'o' });
  const job = client.job('a');
  await pass(1);
  for (const id of ['a', 'b']) await stream.send('job', record({ id }));
  jobs.close();
  await pass(1);
  assert.deepEqual(['a', 'b'].map((id) => client.known.get(id)?.id), ['a', undefined]);
  job.close();
  await pass(1);
  assert.equal(client.known.get('a'), undefined);
});

test('a cut snapshot can be continued', async () => {
  const jobs = await watched({ owner: 'o' });
  await stream.send('job', record({ id: 'a', created_at: 9 }));
  await stream.send('more', { cursor: 'c1' });
  assert.equal(jobs.cursor, 'c1');
  const more = jobs.more();
  await settled();
  assert.equal(gateway.asked.path, '/api/jobs?owner=o&cursor=c1');
  await gateway.asked.answer(200, { jobs: [record({ id: 'b', created_at: 1 })] });
  await more;
  assert.deepEqual(jobs.records.map(({ id }) => id), ['a', 'b']);
  assert.equal(jobs.cursor, undefined);
});

test('a group is its owner\'s feed and what the feed left out', async () => {
  const jobs = await watched({ owner: 'o', group: 'g' });
  await stream.send('job', record({ id: 'a', group: 'g', created_at: 2 }));
  await stream.send('job', record({ id: 'x', group: 'h' }));
  assert.equal(gateway.asked.path, '/api/jobs?owner=o&group=g');
  await gateway.asked.answer(200, { jobs: [record({ id: 'b', group: 'g', created_at: 1 })] });
  assert.deepEqual(jobs.records.map(({ id }) => id), ['a', 'b']);
});

test('in a list, what ends before the viewer\'s eyes is seen; what had ended is not', async () => {
  const jobs = await watched({ owner: 'o' });
  jobs.subscribe(() => {});
  await stream.send('job', record({ id: 'old', status: 'done' }));
  await stream.send('job', record({ id: 'a' }));
  await stream.send('job', record({ id: 'a', status: 'done', version: 2 }));
  assert.deepEqual(gateway.requests.filter(({ method }) => method === 'POST').map(({ path }) => path), ['/api/jobs/a/seen?attempt=1']);
});

test('what a list leaves out as it ends, and what is only counted, is not seen', async () => {
  const jobs = await watched({ owner: 'o', status: 'processing' });
  const counted = client.jobs({ owner: 'o', seen: false });
  for (const handle of [jobs, counted]) handle.subscribe(() => {});
  await stream.send('job', record({ id: 'a' }));
  await stream.send('job', record({ id: 'a', status: 'done', version: 2 }));
  assert.deepEqual([jobs.records.length, counted.records.length], [0, 1]);
  assert.deepEqual(gateway.requests.filter(({ method }) => method === 'POST'), []);
});

test('submit asks the application with a key, tries again with the same, and gives the job', async () => {
  const submitted = client.submit('invoice', { order: 7 }, { url: 'https://shop.example/jobs' });
  const [first] = gateway.requests;
  assert.equal(first.url, 'https://shop.example/jobs');
  assert.deepEqual(JSON.parse(first.body), { type: 'invoice', input: { order: 7 } });
  await first.fail();
  await pass(600);
  await gateway.asked.answer(503, {}, { 'Retry-After': '2' });
  await pass(3000);
  const keys = gateway.requests.map(({ headers }) => headers['Idempotency-Key']);
  assert.equal(new Set(keys).size, 1);
  assert.equal(keys.length, 3);
  await gateway.asked.answer(202, { id: 'k1' });
  assert.equal((await submitted).id, 'k1');
});

test('where a page is no secure context, submit has a key all the same', async () => {
  Object.defineProperty(crypto, 'randomUUID', { value: undefined, configurable: true });
  client.submit('invoice', {}, { url: 'https://shop.example/jobs' }).catch(() => 0);
  delete crypto.randomUUID;
  assert.match(gateway.asked.headers['Idempotency-Key'], /^\d+(-\d+){3}$/);
});

test('submit does not insist when it is told why not', async () => {
  const submitted = client.submit('invoice', {}, { url: 'https://shop.example/jobs' });
  await settled();
  await gateway.asked.answer(422, { detail: 'The order has no address.' });
  await assert.rejects(submitted, { status: 422, message: 'The order has no address.' });
});
