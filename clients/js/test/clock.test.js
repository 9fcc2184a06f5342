// The gateway's time, on a device whose clock is wrong, or jumps.

import assert from 'node:assert/strict';
import { afterEach, beforeEach, mock, test } from 'node:test';
import { connect } from '../src/index.js';
import { FakeGateway, pass, record, settled } from '../test_support/fake_gateway.js';

const hour = 3_600_000;
let gateway;
beforeEach(() => {
  gateway = FakeGateway.install();
});
afterEach(() => FakeGateway.remove());

async function watching(options) {
  const client = connect({ url: 'https://jobs.example', ...options });
  client.job('a');
  await pass(1);
  return client;
}

/** Sets this device's clock on; what measures time alone does not notice. */
function set_clock(by) {
  const before = Date.now;
  mock.method(Date, 'now', () => before() + by);
  gateway.set_by -= by;
}

const date_of = (ms) => new Date(ms).toUTCString();
const near = (client, time, by = 0) => assert.ok(Math.abs(client.now() - time) <= by, `${client.now() - time} ms off`);

for (const [how, off] of [['an hour fast', -hour], ['an hour slow', hour], ['a year fast', -365 * 24 * hour]]) {
  test(`a clock ${how}: an EventSource tells the time`, async () => {
    const client = await watching();
    gateway.source.accept();
    gateway.source.send('time', { now: Date.now() + off });
    near(client, Date.now() + off);
    await pass(30_000);
    near(client, Date.now() + off);
  });

  test(`a clock ${how}: a WebSocket tells the time`, async () => {
    const client = await watching({ transport: 'websocket' });
    await gateway.socket.accept();
    gateway.socket.say({ event: 'time', now: Date.now() + off });
    near(client, Date.now() + off);
    assert.equal(client.connection.state, 'open');
  });

  test(`a clock ${how}: where no event tells the time, Date does`, async () => {
    const client = await watching({ transport: 'poll' });
    await gateway.asked.answer(200, record({}), { Date: date_of(Date.now() + off) });
    near(client, Date.now() + off, 1000);
  });
}

for (const by of [hour, -hour])
  test(`a clock that jumps by ${by / hour} h while the page is open changes nothing`, async () => {
    const client = await watching({ token: 't' });
    const stream = await gateway.asked.stream();
    await stream.send('time', { now: Date.now() });
    set_clock(by);
    near(client, Date.now() - by);
    await pass(1000);
    near(client, Date.now() - by);
  });

for (const by of [hour, -hour])
  test(`after the clock jumped by ${by / hour} h the stream is opened once more, not over and over`, async () => {
    await watching({ token: 't' });
    await (await gateway.asked.stream()).send('time', { now: Date.now() });
    set_clock(by);
    await pass(20_000);
    assert.equal(gateway.requests.length, 2);
    const next = await gateway.asked.stream();
    for (let beat = 0; beat < 5; ++beat) {
      await next.write(':\n\n');
      await pass(15_000);
    }
    assert.equal(gateway.requests.length, 2);
  });

test('an event that came late on its way is outdone by one that came soon', async () => {
  const client = await watching();
  gateway.source.accept();
  gateway.source.send('time', { now: Date.now() - 4000 });
  await pass(60_000);
  gateway.source.send('time', { now: Date.now() });
  await pass(60_000);
  gateway.source.send('time', { now: Date.now() - 3000 });
  near(client, Date.now());
});

test('a gateway whose own clock was set back is believed after some minutes', async () => {
  const client = await watching();
  gateway.source.accept();
  gateway.source.send('time', { now: Date.now() });
  for (let n = 0; n < 3; ++n) gateway.source.send('time', { now: Date.now() - hour });
  near(client, Date.now() - hour);
});

test('after the device slept, Date tells by how long', async () => {
  const client = await watching({ transport: 'poll' });
  await gateway.asked.answer(200, record({}), { ETag: '"1"', Date: date_of(Date.now()) });
  gateway.set_by -= hour; // what measures time stood still, the clock did not
  await pass(5000);
  await gateway.asked.answer(304, undefined, { Date: date_of(Date.now()) });
  near(client, Date.now(), 1000);
});

test('a right clock is not made worse by the whole seconds of Date', async () => {
  const client = await watching({ transport: 'poll' });
  await gateway.asked.answer(200, record({}), { Date: date_of(Date.now()) });
  near(client, Date.now(), 1);
});

for (const now of [undefined, null, 'soon', NaN])
  test(`a time of ${now} says nothing`, async () => {
    const client = await watching();
    gateway.source.accept();
    gateway.source.send('time', { now });
    gateway.source.send('job', record({ updated_at: now }));
    await settled();
    near(client, Date.now(), 1);
  });
