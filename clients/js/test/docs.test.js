// What docs/browser.md gives to copy does what it says.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mock, test } from 'node:test';

const guide = readFileSync(new URL('../../../docs/browser.md', import.meta.url), 'utf8');
const recipe = guide.match(/```js\n(\/\*\* Calls onRecord[\s\S]*?)```/)[1];
const { follow } = await import(`data:text/javascript,${encodeURIComponent(recipe)}`);

/** Follows job `a/b` through what is answered, one after the other; waits take no time. */
async function through(answers) {
  const asked = [];
  const waits = [];
  const records = [];
  const abort = new AbortController();
  mock.method(globalThis, 'setTimeout', (act, ms) => void (waits.push(ms), queueMicrotask(act)));
  mock.method(Math, 'random', () => 1);
  mock.method(globalThis, 'fetch', async (url, { headers }) => {
    asked.push({ url, ...headers });
    const answer = answers.shift();
    if (!answer) abort.abort();
    if (!answer || answer instanceof Error) throw answer ?? new Error('aborted');
    return new Response(answer.body && JSON.stringify(answer.body), { status: answer.status ?? 200, headers: answer.headers });
  });
  try {
    const last = await follow({ url: 'https://g', job: 'a/b', token: async () => 't', signal: abort.signal, onRecord: (record) => records.push(record.status) });
    return { asked, waits, records, last };
  } finally {
    mock.restoreAll();
  }
}

const running = { body: { status: 'processing' }, headers: { ETag: '"1"', 'Retry-After': '3' } };
const done = { body: { status: 'done', result: 7 }, headers: { ETag: '"2"' } };

test('the recipe for phones asks, then is held until something changes, to the end', async () => {
  const { asked, waits, records, last } = await through([running, { status: 304 }, done]);
  assert.deepEqual(records, ['processing', 'done']);
  assert.equal(last.result, 7);
  assert.deepEqual(asked[0], { url: 'https://g/api/jobs/a%2Fb/status', Authorization: 'Bearer t' });
  assert.deepEqual([asked[1]['If-None-Match'], asked[1].Prefer], ['"1"', 'wait=25']);
  assert.deepEqual(waits, [0, 1000]);
});

test('the recipe for phones backs off, ever longer, and takes no failure for an outcome', async () => {
  const { waits, records } = await through([new TypeError('offline'), new TypeError('offline'), { status: 503, headers: { 'Retry-After': '9' } }, done]);
  assert.deepEqual(waits, [1000, 2000, 9000]);
  assert.deepEqual(records, ['done']);
});

test('the recipe for phones waits as it is told when a held request is refused', async () => {
  const { waits, asked } = await through([running, { status: 429, headers: { 'Retry-After': '9' } }, running, done]);
  assert.deepEqual(waits, [0, 9000, 1000]);
  assert.equal(asked[2].Prefer, 'wait=25');
});

test('the recipe for phones asks no faster than every second where nothing can be held', async () => {
  const untagged = { body: { status: 'processing' } };
  const { waits } = await through([untagged, untagged, done]);
  assert.deepEqual(waits, [1000, 1000]);
});

test('the recipe for phones ends when it is told to', async () => {
  const { last } = await through([running]);
  assert.equal(last, undefined);
});

test('every part and property that the guide names exists, and every part is named', () => {
  const source = ['job_progress', 'style'].map((name) => readFileSync(new URL(`../src/components/${name}.js`, import.meta.url), 'utf8')).join('');
  const listed = readFileSync(new URL('../src/components/job_list.js', import.meta.url), 'utf8').match(/'(card, [^']*)'/)[1].split(', ');
  const named = guide.match(/^Parts: ([\s\S]*?)\. A list/m)[1].match(/[a-z-]+(?=`)/g);
  assert.deepEqual(named, listed);
  const properties = guide.match(/^Properties: ([\s\S]*?)\. Light/m)[1].match(/[a-z]+(?=`)/g);
  assert.deepEqual(properties.sort(), [...new Set([...source.matchAll(/var\(--jobcast-([a-z]+)/g)].map(([, name]) => name))].sort());
});

test('the attributes that the guide and the types name are those the elements take', () => {
  const types = readFileSync(new URL('../components.d.ts', import.meta.url), 'utf8');
  const names = (text) => [...text.matchAll(/`([a-z]+)`/g)].map(([, name]) => name).filter((name) => name !== 'me');
  const common = guide.match(/^Each takes ([^.]*)\./m)[1];
  for (const element of ['job-progress', 'job-list', 'job-inbox']) {
    const source = readFileSync(new URL(`../src/components/${element.replace('-', '_')}.js`, import.meta.url), 'utf8');
    const taken = source.match(/observedAttributes = \[(.*)\]/)[1].match(/\w+/g).sort();
    const said = guide.match(new RegExp(`^- .<${element}[\\s\\S]*?Attributes: ([^.]*)\\.`, 'm'))[1];
    assert.deepEqual([...names(said), ...names(common)].sort(), taken, `docs/browser.md: ${element}`);
    const typed = types.match(new RegExp(`<${element}[^\\n]*Attributes: ([^.]*)\\.`))[1];
    assert.deepEqual(names(typed).sort(), taken, `components.d.ts: ${element}`);
  }
});
