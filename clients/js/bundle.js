#!/usr/bin/env node
// Makes the files that pages load from src/: jobcast.js and components.js (ES modules), jobcast.global.js (both, as a
// plain script that defines `jobcast`). They are kept in the repository, so that nothing but a change needs this:
//
//   npm ci && node bundle.js            writes them
//   node bundle.js --check              says whether they are what src/ makes

import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const banner = { js: '// Made from clients/js/src by bundle.js; types and documentation: jobcast.d.ts, docs/browser.md.' };

/** components.js loads jobcast.js as a neighbour instead of holding a second copy of it. */
const neighbour = {
  name: 'neighbour',
  setup: ({ onResolve }) => onResolve({ filter: /^\.\.\/index\.js$/ }, () => ({ path: './jobcast.js', external: true })),
};

const files = {
  'jobcast.js': { entryPoints: [here('src/index.js')], format: 'esm' },
  'components.js': { entryPoints: [here('src/components/index.js')], format: 'esm', plugins: [neighbour] },
  'jobcast.global.js': { entryPoints: [here('src/global.js')], format: 'iife', globalName: 'jobcast' },
};

let wrong = 0;
for (const [name, what] of Object.entries(files)) {
  const { outputFiles: [made] } = await build({ ...what, bundle: true, minify: true, target: 'es2022', charset: 'utf8', write: false, banner, legalComments: 'none' });
  if (!process.argv.includes('--check')) await writeFile(here(name), made.contents);
  else if (made.text !== (await readFile(here(name), 'utf8').catch(() => ''))) {
    console.error(`clients/js/${name} is not what src/ makes: run node clients/js/bundle.js`);
    wrong = 1;
  }
}
process.exitCode = wrong;
