// What a page holds of one job: its record, its outcome, what may be asked of it.

import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { JobError, connect } from '../src/index.js';
import { FakeGateway, pass, record, settled } from '../test_support/fake_gateway.js';

let gateway;
let client;
let job;
beforeEach(async () => {
  gateway = FakeGateway.install();
  client = connect({ url: 'https://jobs.example' });
  job = client.job('a');
  await pass(1);
  gateway.source.accept();
});
afterEach(() => FakeGateway.remove());

const says = async (given) => {
  gateway.source.send('job', record(given));
  await settled();
};

test('a subscriber hears what is known, then every change, each once', async () => {
  const heard = [];
  await says({ version: 4 });
  const stop = job.subscribe((now) => heard.push(now.version));
  for (const version of [4, 5, 3, 5, 6]) await says({ version });
  assert.deepEqual(heard, [4, 5, 6]);
  stop();
  await says({ version: 7 });
  assert.deepEqual(heard, [4, 5, 6]);
  assert.equal(job.record.version, 7);
});

test('done resolves with the result, once, and later callers get it too', async () => {
  let times = 0;
  const first = job.done().then((result) => (++times, result));
  await says({ status: 'done', version: 2, result: { rows: 5 } });
  assert.deepEqual(await first, { rows: 5 });
  await says({ status: 'done', version: 3, result: { rows: 5 } });
  assert.deepEqual(await job.done(), { rows: 5 });
  assert.equal(times, 1);
});

test('done rejects with the members of the error', async () => {
  const outcome = job.done();
  await says({ status: 'failed', error: { code: 'no_amount', title: 'Row 17 has no amount', action: 'Add it.', severity: 'high' } });
  await assert.rejects(outcome, (error) => {
    assert.ok(error instanceof JobError);
    assert.deepEqual([error.message, error.code, error.action, error.record.id], ['Row 17 has no amount', 'no_amount', 'Add it.', 'a']);
    return true;
  });
});

test('a cancelled job rejects as cancelled', async () => {
  const outcome = job.done();
  await says({ status: 'cancelled' });
  await assert.rejects(outcome, { code: 'cancelled' });
});

test('closing rejects who still waits, and lets go of the connection', async () => {
  const outcome = job.done();
  job.close();
  await assert.rejects(outcome, { code: 'closed' });
  await assert.rejects(job.done(), { code: 'closed' });
  await pass(1);
  assert.equal(gateway.source.readyState, 2);
  assert.equal(client.connection.state, 'idle');
});

test('a dropped connection is no outcome', async () => {
  let settled_as = 'nothing';
  job.done().then(() => (settled_as = 'done'), () => (settled_as = 'failed'));
  await says({ version: 2 });
  gateway.source.drop();
  await pass(60_000);
  assert.equal(settled_as, 'nothing');
  assert.equal(job.record.status, 'processing');
  job.done().catch(() => {});
});

test('iteration gives the newest, skips what came in between, and ends with the outcome', async () => {
  await says({ version: 1 });
  const seen = [];
  const reading = (async () => {
    for await (const now of job) {
      seen.push(now.version);
      await pass(10);
    }
  })();
  await settled();
  for (const version of [2, 3, 4]) await says({ version });
  await pass(10);
  await says({ status: 'done', version: 5 });
  await pass(20);
  await reading;
  assert.equal(seen[0], 1);
  assert.equal(seen.at(-1), 5);
  assert.ok(!seen.includes(2) || !seen.includes(3), String(seen));
});

test('closing ends an iteration', async () => {
  await says({});
  const reading = (async () => {
    for await (const now of job) void now;
  })();
  await settled();
  job.close();
  await reading;
});

test('a missing job is said to be missing, and may appear', async () => {
  const heard = [];
  job.subscribe((now, it) => heard.push([now?.version, it.missing]));
  gateway.source.send('missing', { id: 'a' });
  await says({ version: 1 });
  assert.deepEqual(heard, [[undefined, true], [1, false]]);
});

test('a reset may take a record back', async () => {
  await says({ version: 9 });
  gateway.source.send('reset', { id: 'a' });
  await says({ version: 4 });
  assert.equal(job.record.version, 4);
});

test('cancel posts, and what the gateway answers is shown at once', async () => {
  await says({ version: 2, can: ['cancel'] });
  const asked = job.cancel();
  await settled();
  assert.deepEqual([gateway.asked.method, gateway.asked.path], ['POST', '/api/jobs/a/cancel']);
  await gateway.asked.answer(202, record({ version: 3, cancel_requested: true }));
  await asked;
  assert.equal(job.record.cancel_requested, true);
});

test('a refusal says what the problem says', async () => {
  const asked = job.retry();
  await settled();
  await gateway.asked.answer(409, { detail: 'The job is running; only a job that ended can be retried.' });
  await assert.rejects(asked, { name: 'ProblemError', status: 409, message: 'The job is running; only a job that ended can be retried.' });
});

test('a retried job is watched again, and has another outcome', async () => {
  job.done().catch(() => {});
  await says({ status: 'failed', version: 2 });
  gateway.source.send('end', { reason: 'final' });
  await settled();
  assert.equal(gateway.source.readyState, 2);
  const asked = job.retry();
  await settled();
  await gateway.asked.answer(202, record({ status: 'pending', version: 3, attempt: 2 }));
  await asked;
  const outcome = job.done();
  await pass(1);
  assert.equal(gateway.sources.length, 2);
  gateway.source.accept();
  await says({ status: 'done', version: 5, attempt: 2, result: 1 });
  assert.equal(await outcome, 1);
});

test('who lets go of a job and asks for it again is not told the outcome of before', async () => {
  job.done().catch(() => {});
  await says({ status: 'failed', version: 2, can: ['retry'] });
  job.close();
  await pass(1);
  const again = client.job('a'); // started again meanwhile, by somebody else
  const outcome = again.done();
  await pass(1);
  assert.equal(again.record, undefined);
  gateway.source.accept();
  await says({ status: 'processing', version: 3, attempt: 2 });
  await says({ status: 'done', version: 4, attempt: 2, result: 1 });
  assert.equal(await outcome, 1);
});

test('a job that ended, let go of and asked for again, is watched again', async () => {
  await says({ status: 'done', version: 2 });
  gateway.source.send('end', { reason: 'final' });
  job.close();
  await pass(1);
  client.job('a');
  await pass(1);
  assert.equal(gateway.sources.length, 2);
});

test('a job that may be tried again is kept in sight after its end', async () => {
  await says({ status: 'failed', version: 2, can: ['retry'] });
  gateway.source.send('end', { reason: 'final' });
  await settled();
  assert.equal(new URL(gateway.source.url).pathname, '/api/events');
  gateway.source.accept();
  await says({ status: 'pending', version: 3, attempt: 2 });
  assert.equal(job.record.status, 'pending');
});

test('what a subscriber was shown is told as seen, once', async () => {
  job.subscribe(() => {});
  await says({ status: 'done', version: 2 });
  await says({ status: 'done', version: 3 });
  const posts = gateway.requests.filter(({ method }) => method === 'POST');
  assert.deepEqual(posts.map(({ path }) => path), ['/api/jobs/a/seen?attempt=1']);
});

test('what could not be told as seen is told when the connection is open again, and not before', async () => {
  const ended = { status: 'done', version: 2, created_at: 1, updated_at: 2 };
  job.subscribe(() => {});
  client.job('b');
  await pass(1);
  gateway.source.accept();
  await says(ended);
  const posts = () => gateway.requests.filter(({ method }) => method === 'POST');
  await posts()[0].fail();
  await pass(10_000);
  assert.equal(posts().length, 1);
  gateway.source.drop();
  gateway.source.accept();
  await says(ended);
  assert.deepEqual(posts().map(({ path }) => path), ['/api/jobs/a/seen?attempt=1', '/api/jobs/a/seen?attempt=1']);
});

test('what ends while nobody subscribes, or is only counted, is not told as seen', async () => {
  const counted = client.job('a', { seen: false });
  counted.subscribe(() => {});
  job.done();
  await says({ version: 1 });
  await says({ status: 'done', version: 2 });
  assert.equal(counted.record.status, 'done');
  assert.deepEqual(gateway.requests.filter(({ method }) => method === 'POST'), []);
});

test('a wrong clock does not spoil countdowns', async () => {
  await says({ version: 1, updated_at: Date.now() - 3_600_000 });
  await says({ version: 2, updated_at: Date.now() - 3_600_000 });
  assert.equal(client.now(), Date.now() - 3_600_000, 'this clock is an hour ahead');
  await says({ version: 3, updated_at: Date.now() + 600_000 });
  assert.equal(client.now(), Date.now() + 600_000, 'this clock is ten minutes behind');
});

test('an old snapshot says nothing about clocks', async () => {
  await says({ version: 1, updated_at: Date.now() - 3_600_000 });
  assert.equal(client.now(), Date.now());
});
