#!/usr/bin/env node
// Makes the files that pages load from src/: jobcast.js and components.js (ES modules), jobcast.global.js (both, as a
// plain script that defines `jobcast`). They are kept in the repository, so that nothing but a change needs this:
//
//   npm ci && node bundle.js            writes them
//   node bundle.js --check              says whether they are what src/ makes

import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build, transform } from 'esbuild';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const banner = { js: '// jobcast: see docs/browser.md' };

/** Properties that only jobcast.js itself reads: neither pages, nor components.js, nor other tabs. */
const inner = `address after alive alone apply arrange attach began changed clock covers crowded dated detach event_id events failed given gone guard heard is_last
  keep known lanes_changed lost older opened others owned owns post proven prune recorded renewable room rung shows silent subscribers tag telling
  telling_seen timed timer told told_by unfinished wake watch watchdog`.split(/\s+/);
const mangleProps = new RegExp(`^(${inner.join('|')})$`);

/** components.js loads jobcast.js as a neighbour instead of holding a second copy of it. */
const neighbour = {
  name: 'neighbour',
  setup: ({ onResolve }) => onResolve({ filter: /^\.\.\/index\.js$/ }, () => ({ path: './jobcast.js', external: true })),
};

/** The style sheet without what only people need. */
const small_style = {
  name: 'small_style',
  setup: ({ onLoad }) => onLoad({ filter: /style\.js$/ }, async ({ path }) => {
    const [before, style, after] = (await readFile(path, 'utf8')).split('`');
    const { code } = await transform(style, { loader: 'css', minify: true });
    return { contents: `${before}\`${code.trim()}\`${after}` };
  }),
};

const files = {
  'jobcast.js': { entryPoints: [here('src/index.js')], format: 'esm' },
  'components.js': { entryPoints: [here('src/components/index.js')], format: 'esm', plugins: [neighbour, small_style] },
  'jobcast.global.js': { entryPoints: [here('src/global.js')], format: 'iife', globalName: 'jobcast', plugins: [small_style] },
};

let wrong = 0;
for (const [name, what] of Object.entries(files)) {
  const { outputFiles: [made] } = await build({ ...what, mangleProps, bundle: true, minify: true, target: 'es2022', charset: 'utf8', write: false, banner, legalComments: 'none' });
  if (!process.argv.includes('--check')) await writeFile(here(name), made.contents);
  else if (made.text !== (await readFile(here(name), 'utf8').catch(() => ''))) {
    console.error(`clients/js/${name} is not what src/ makes: run node clients/js/bundle.js`);
    wrong = 1;
  }
}
process.exitCode = wrong;
