// What `connect` takes, and how it names what it does not.

import assert from 'node:assert/strict';
import { afterEach, beforeEach, mock, test } from 'node:test';
import { connect } from '../src/index.js';
import { FakeGateway, pass, record } from '../test_support/fake_gateway.js';

let gateway;
beforeEach(() => {
  gateway = FakeGateway.install();
});
afterEach(() => FakeGateway.remove());

const url = 'https://jobs.example';

/** Lets each way come to nothing, and says which were tried. */
async function ways_of(transport) {
  const client = connect({ url, firstByte: 100, transport });
  client.job('a');
  const tried = [];
  client.onConnection(() => {});
  for (let n = 0; n < 30; ++n) {
    await pass(20);
    const { source, socket, asked } = gateway;
    if (source && !tried.includes('native')) tried.push('native');
    if (socket && !tried.includes('websocket')) tried.push('websocket');
    if (!asked) continue;
    if (asked.headers.Accept === 'text/event-stream') tried.includes('stream') || tried.push('stream');
    else {
      await asked.answer(200, record({}), { ETag: '"1"' });
      tried.push(client.connection.transport);
      break;
    }
  }
  client.close();
  return tried;
}

for (const [transport, ways] of [
  ['auto', ['native', 'stream', 'websocket', 'long-poll']],
  [['auto'], ['native', 'stream', 'websocket', 'long-poll']],
  [undefined, ['native', 'stream', 'websocket', 'long-poll']],
  [['websocket', 'auto'], ['websocket', 'native', 'stream', 'long-poll']],
  ['stream,poll', ['stream', 'poll']],
  [['sse', 'poll'], ['native', 'stream', 'poll']],
  ['poll', ['long-poll']],
  [['poll'], ['poll']],
  [['native', ''], ['native']],
  ['long-poll', ['long-poll']],
])
  test(`transport ${JSON.stringify(transport)} goes by ${ways.join(', then ')}`, async () => {
    assert.deepEqual(await ways_of(transport), ways);
  });

for (const transport of ['carrier pigeon', 'SSE', [], [7], ['auto', 'fax'], {}, true, '', ['constructor']])
  test(`transport ${JSON.stringify(transport)} is named as wrong`, () => {
    assert.throws(() => connect({ url, transport }), (error) => error instanceof TypeError && /^jobcast: option transport is .* but must be auto, sse, websocket, poll, or a list/.test(error.message));
  });

for (const [name, value] of [
  ['url', 'http://[broken'], ['url', 7], ['url', undefined], ['token', 7], ['token', {}], ['link', 7], ['link', Promise.resolve('l')], ['share', {}], ['share', () => 1],
  ['submit', 7], ['firstByte', 0], ['firstByte', 'soon'], ['firstByte', -1], ['climb', 0], ['climb', NaN],
])
  test(`${name}: ${String(value)} is named as wrong`, () => {
    assert.throws(() => connect({ url, [name]: value }), new RegExp(`^TypeError: jobcast: option ${name} is .*, but must be `));
  });

for (const [name, value] of [
  ['url', new URL(url)], ['token', null], ['token', ''], ['token', () => 't'], ['token', Promise.resolve('t')], ['link', new URL('https://x.example/?link=s')], ['link', null],
  ['share', 17], ['share', 'ann'], ['share', undefined], ['submit', new URL(url)], ['firstByte', '500'], ['climb', 1e12], ['credentials', 1], ['pauseHidden', 'yes'],
])
  test(`${name}: ${String(value)} makes sense`, async () => {
    connect({ url, [name]: value }).job('a');
    await pass(1);
    assert.equal(gateway.sources.length + gateway.requests.length, 1);
  });

test('a watch link that is a URL goes into the address', async () => {
  connect({ url, link: new URL('https://x.example/?link=signature') }).job('a');
  await pass(1);
  assert.equal(new URL(gateway.source.url).searchParams.get('link'), 'signature');
});

test('a name that is no option is said, and the rest counts', async () => {
  const said = [];
  mock.method(console, 'error', (...what) => said.push(what.join(' ')));
  connect({ url, tokn: 'jwt' }).job('a');
  await pass(1);
  assert.deepEqual([said, gateway.sources.length], [['jobcast: there is no option tokn'], 1]);
});

test('a transport that is changed to a wrong one is named, and the one there is goes on', async () => {
  const client = connect({ url });
  client.job('a');
  await pass(1);
  assert.throws(() => client.use('fax'), /option transport is "fax"/);
  gateway.source.accept();
  gateway.source.send('job', record({}));
  assert.equal(client.connection.transport, 'native');
});
