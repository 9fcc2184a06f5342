// Event streams come in pieces of any size.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventParser } from '../src/index.js';

/** @param {string[]} pieces */
function parsed(...pieces) {
  const found = [];
  const parse = eventParser((name, data, id) => found.push([name, data, id]), (ms) => found.push(['retry', ms]));
  for (const piece of pieces) parse(piece);
  return found;
}

const stream = 'retry: 1500\n\n: beat\n\nevent: job\nid: 5-1\ndata: {"a":\ndata: 1}\n\ndata: x\n\n';
const meaning = [['retry', 1500], ['job', '{"a":\n1}', '5-1'], ['message', 'x', '5-1']];

test('fields make events, comments none, and the id stays', () => {
  assert.deepEqual(parsed(stream), meaning);
});

test('where the pieces are cut does not matter, nor how lines end', () => {
  for (const ending of ['\n', '\r\n', '\r']) {
    const text = stream.replaceAll('\n', ending) + ':';
    for (let at = 0; at <= text.length; ++at) assert.deepEqual(parsed(text.slice(0, at), text.slice(at)), meaning, `${JSON.stringify(ending)}, cut at ${at}`);
    assert.deepEqual(parsed(...text), meaning);
  }
});

test('an event without data is none, and a field without a value is empty', () => {
  assert.deepEqual(parsed('event: job\n\ndata\n\ndata:x\n\n'), [['message', '', undefined], ['message', 'x', undefined]]);
});
