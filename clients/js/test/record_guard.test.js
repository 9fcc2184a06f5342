// Which records are news.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RecordGuard } from '../jobcast.js';

/** @param {number} version */
const record = (version, id = 'a') => ({ id, version });

test('the first record of a connection counts', () => {
  assert.equal(new RecordGuard().accept(record(7)), true);
});

test('a record that is not newer is dropped', () => {
  const guard = new RecordGuard();
  guard.accept(record(7));
  assert.equal(guard.accept(record(7)), false);
  assert.equal(guard.accept(record(6)), false);
  assert.equal(guard.accept(record(8)), true);
});

test('jobs do not share versions', () => {
  const guard = new RecordGuard();
  guard.accept(record(7, 'a'));
  assert.equal(guard.accept(record(1, 'b')), true);
  assert.equal(guard.accept(record(6, 'a')), false);
});

test('a reset lets one lower version in, for that job alone', () => {
  const guard = new RecordGuard();
  guard.accept(record(7, 'a'));
  guard.accept(record(7, 'b'));
  guard.forget('a');
  assert.equal(guard.accept(record(3, 'a')), true);
  assert.equal(guard.accept(record(3, 'a')), false);
  assert.equal(guard.accept(record(3, 'b')), false);
});

test('a new connection starts afresh', () => {
  const guard = new RecordGuard();
  guard.accept(record(7));
  guard.connected();
  assert.equal(guard.accept(record(2)), true);
});
