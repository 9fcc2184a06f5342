#!/usr/bin/env node
// Runs test files as `node --test` does, but fails if a file has no test, and exits with 77 if all tests were skipped:
// `node --test` takes both for success.
//
// usage: run_node_tests.mjs FILE...

import { resolve } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';

const files = process.argv.slice(2).map((file) => resolve(file));
if (files.length === 0) {
  console.error('usage: run_node_tests.mjs FILE...');
  process.exit(2);
}
const empty = new Set(files);
let [ran, failed] = [0, 0];
const tests = run({ files, concurrency: true });
const count = (passed) => ({ name, file, skip, todo }) => {
  // What stands for the file itself; it fails if the file can't be loaded.
  const is_file = files.includes(resolve(name));
  if (!passed && todo === undefined) ++failed;
  if (is_file) return;
  empty.delete(file);
  if (skip === undefined) ++ran;
};
tests.on('test:pass', count(true));
tests.on('test:fail', count(false));
tests.on('end', () => {
  if (failed > 0) process.exitCode = 1;
  else if (empty.size > 0) {
    console.error(`no test in ${[...empty].join(' ')}`);
    process.exitCode = 1;
  } else if (ran === 0) {
    console.error('every test was skipped');
    process.exitCode = 77;
  }
});
tests.compose(spec).pipe(process.stdout);
