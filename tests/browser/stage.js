// A page without a gateway, on which a test puts elements and shows them records.

import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const path_of = (path) => fileURLToPath(new URL(path, import.meta.url));
const client_file = (name) => path_of(`../../clients/js/${name}`);

/** CommonJS packages as one ES module: what React is published as. @param {string} entry */
function bundled(entry) {
  const files = {
    react: 'react/cjs/react.production.js', scheduler: 'scheduler/cjs/scheduler.production.js',
    'react-dom': 'react-dom/cjs/react-dom.production.js', 'react-dom/client': 'react-dom/cjs/react-dom-client.production.js',
  };
  if (entry === 'react') {
    return `const module = { exports: {} }, exports = module.exports; ${readFileSync(path_of(`node_modules/${files.react}`))};
      export default module.exports; export const { createElement, useCallback, useMemo, useSyncExternalStore, useState, act } = module.exports;`;
  }
  const parts = ['scheduler', 'react-dom', 'react-dom/client'].map((name) =>
    `modules[${JSON.stringify(name)}] = (() => { const module = { exports: {} }, exports = module.exports; ${readFileSync(path_of(`node_modules/${files[name]}`))}; return module.exports; })();`);
  return `import React from 'react'; const modules = { react: React }; const require = (name) => modules[name]; const process = { env: {} };
    ${parts.join('\n')} export const { createRoot } = modules['react-dom/client'];`;
}

const imports = { jobcast: '/jobcast.js', react: '/react-itself.js', 'react-dom/client': '/react-dom-client.js', vue: '/vue-itself.js' };
const made = {
  '/': () => `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Stage</title>
    <script type="importmap">${JSON.stringify({ imports })}</script></head><body><main><h1>Jobs</h1></main></body></html>`,
  '/react-itself.js': () => bundled('react'),
  '/react-dom-client.js': () => bundled('react-dom/client'),
  '/vue-itself.js': () => readFileSync(path_of('node_modules/vue/dist/vue.esm-browser.prod.js'), 'utf8'),
};

/**
 * @param {import('playwright-core').Browser} browser
 * @param {import('playwright-core').BrowserContextOptions} [options]
 */
export async function open_stage(browser, options) {
  const page = await (await browser.newContext(options)).newPage();
  page.setDefaultTimeout(10_000);
  await page.route('**/*', (route) => {
    const { pathname } = new URL(route.request().url());
    const type = pathname === '/' ? 'text/html' : 'text/javascript';
    if (made[pathname]) return route.fulfill({ contentType: type, body: made[pathname]() });
    return existsSync(client_file(pathname)) ? route.fulfill({ path: client_file(pathname) }) : route.fulfill({ status: 404 });
  });
  // A secure context, as in production: tabs share only there.
  await page.goto('http://localhost/');
  return page;
}

/** A record of a running import, but for what is given. */
export const record = (given) => ({
  id: 'a', type: 'csv_import', status: 'processing', version: 1, attempt: 1, max_attempts: 1, progress: {}, stalled: false,
  cancel_requested: false, can: [], labels: { file: 'a.csv' }, created_at: Date.now() - 5000, started_at: Date.now() - 5000,
  updated_at: Date.now(), ...given,
});

/**
 * Shows a record in a job-progress; `markup` goes into the element.
 * @param {import('playwright-core').Page} page
 */
export async function show(page, given, markup = '') {
  await page.evaluate(async ([shown, inside]) => {
    await import('/components.js');
    const element = document.createElement('job-progress');
    element.innerHTML = inside;
    element.record = shown;
    document.querySelector('main').replaceChildren(document.querySelector('h1'), element);
  }, [record(given), markup]);
  const root = page.locator('job-progress');
  await root.locator('[part=card][data-look]').waitFor();
  return {
    root,
    /** What a part reads, if it is to be seen. @param {string} part */
    async text(part) {
      const found = root.locator(`[part~="${part}"]`);
      return (await found.isVisible()) ? found.innerText() : undefined;
    },
  };
}
