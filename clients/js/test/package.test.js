// What `npm pack` makes holds what its package.json offers.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('..', import.meta.url));
const { exports, main, types, unpkg } = JSON.parse(readFileSync(`${folder}/package.json`, 'utf8'));

test('every file that the package offers, and every one that such a file loads, is in it', () => {
  const { stdout, stderr } = spawnSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts', '--offline'], { cwd: folder, encoding: 'utf8' });
  assert.ok(stdout, stderr);
  const packed = JSON.parse(stdout)[0].files.map(({ path }) => path);
  const offered = [main, types, unpkg, ...Object.values(exports).flatMap((one) => Object.values(typeof one === 'string' ? [one] : one))];
  const loaded = packed.filter((path) => /\.(js|d\.ts)$/.test(path)).flatMap((path) =>
    [...readFileSync(`${folder}/${path}`, 'utf8').matchAll(/\bfrom ?["'](\.[^"']+)["']/g)].map(([, to]) => new URL(to, `file:///${path}`).pathname.slice(1)));
  assert.ok(loaded.includes('jobcast.js'), 'components.js loads its neighbour');
  const missing = new Set([...offered.map((path) => path.replace('./', '')), ...loaded].filter((path) => !packed.includes(path)));
  assert.deepEqual([...missing], []);
});
