// The types say what the client does, and a page that uses them compiles.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import * as jobcast from '../../clients/js/jobcast.js';
import { readFileSync } from 'node:fs';

const path = (name) => fileURLToPath(new URL(name, import.meta.url));

test('a page in TypeScript compiles, and mistakes do not', () => {
  const { status, stdout } = spawnSync(process.execPath, [
    path('node_modules/typescript/bin/tsc'), '--noEmit', '--strict', '--target', 'es2022', '--module', 'nodenext', '--lib', 'es2022,dom', '--skipLibCheck', 'false',
    path('types/use.ts'),
  ], { encoding: 'utf8' });
  assert.equal(stdout, '');
  assert.equal(status, 0);
});

test('everything the modules offer has a type', () => {
  const declared = readFileSync(path('../../clients/js/jobcast.d.ts'), 'utf8');
  for (const name of Object.keys(jobcast)) assert.match(declared, new RegExp(`export (class|function|const) ${name}\\b`));
});
