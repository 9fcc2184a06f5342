// Which records are news.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RecordGuard } from '../src/index.js';

/** @param {number} version */
const record = (version, id = 'a') => ({ id, version });

test('the first record of a connection counts, whatever was before', () => {
  const guard = new RecordGuard();
  assert.equal(guard.accept(record(7)), 'first');
  guard.connected();
  assert.equal(guard.accept(record(2)), 'first');
});

test('a record that is not newer is dropped', () => {
  const guard = new RecordGuard();
  guard.accept(record(7));
  assert.deepEqual([7, 6, 8].map((version) => guard.accept(record(version))), [false, false, 'next']);
});

test('jobs do not share versions', () => {
  const guard = new RecordGuard();
  guard.accept(record(7, 'a'));
  assert.equal(guard.accept(record(1, 'b')), 'first');
});

test('a reset lets one lower version in, for that job alone', () => {
  const guard = new RecordGuard();
  guard.accept(record(7, 'a'));
  guard.accept(record(7, 'b'));
  guard.forget('a');
  assert.equal(guard.accept(record(3, 'a')), 'first');
  assert.equal(guard.accept(record(3, 'a')), false);
  assert.equal(guard.accept(record(3, 'b')), false);
});
