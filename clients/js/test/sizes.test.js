// What a page has to load. Each file has 8 KB, gzipped.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';

for (const name of ['jobcast.js', 'components.js'])
  test(`${name} is at most 8 KB`, () => {
    const size = gzipSync(readFileSync(new URL(`../${name}`, import.meta.url)), { level: 9 }).length;
    assert.ok(size <= 8192, `${size} bytes`);
  });

test('the files that pages load offer what the sources do', async () => {
  const [source, made] = await Promise.all([import('../src/index.js'), import('../jobcast.js')]);
  assert.deepEqual(Object.keys(made).sort(), Object.keys(source).sort());
});
