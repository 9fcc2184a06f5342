// What a page has to load. Each file has 10 KB, gzipped.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';

/** Versions of zlib differ by some bytes. */
const margin = 48;

for (const name of ['jobcast.js', 'components.js'])
  test(`${name} is at most 10 KB`, () => {
    const size = gzipSync(readFileSync(new URL(`../${name}`, import.meta.url)), { level: 9 }).length;
    assert.ok(size <= 10_240 - margin, `${size} bytes`);
  });

test('in Node, the elements can be loaded, and do nothing', async () => {
  const { JobProgress, setTexts, texts } = await import('../components.js');
  setTexts({ done: 'Fertig' });
  assert.deepEqual([typeof JobProgress, texts.done, globalThis.customElements], ['function', 'Fertig', undefined]);
});

test('the files that pages load offer what the sources do', async () => {
  const [source, made] = await Promise.all([import('../src/index.js'), import('../jobcast.js')]);
  assert.deepEqual(Object.keys(made).sort(), Object.keys(source).sort());
});
