// Requests of a viewer, and what a refusal says.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { ProblemError, connect } from '../jobcast.js';

const answers = {
  'GET /api/jobs/a/status': [200, { id: 'a', status: 'processing' }],
  'GET /api/jobs?owner=me&cursor=c1': [200, { jobs: [{ id: 'a' }] }],
  'POST /api/jobs/a/cancel': [202, { id: 'a', cancel_requested: true }],
  'POST /api/jobs/a/retry': [409, { title: 'Conflict', detail: 'The job is running; only a job that ended can be retried.' }],
  'GET /api/jobs/b/status': [502, undefined],
};
const server = createServer((request, response) => {
  const [status, body] = answers[`${request.method} ${request.url}`] ?? [404, { detail: 'There is no such job.' }];
  response.writeHead(status).end(body ? JSON.stringify(body) : '<h1>Bad gateway</h1>');
});
/** @type {ReturnType<typeof connect>} */
let client;

before(async () => {
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  client = connect({ url: `http://127.0.0.1:${server.address().port}` });
});
after(() => server.close());

test('status, list and cancel answer with what the gateway sent', async () => {
  assert.equal((await client.status('a')).status, 'processing');
  assert.deepEqual(await client.list({ owner: 'me', cursor: 'c1' }), { jobs: [{ id: 'a' }] });
  assert.equal((await client.cancel('a')).cancel_requested, true);
});

test('a refusal is an error whose message is the detail of the problem', async () => {
  await assert.rejects(client.retry('a'), (error) => {
    assert.ok(error instanceof ProblemError);
    assert.equal(error.status, 409);
    assert.equal(error.message, 'The job is running; only a job that ended can be retried.');
    return true;
  });
});

test('an id cannot leave its place in the path', async () => {
  await assert.rejects(client.status('../a'), { status: 404 });
});

test('an answer that is no problem document still gives a readable error', async () => {
  await assert.rejects(client.status('b'), { status: 502, message: 'The gateway answered with status 502.' });
});
