// React, Vue and the plain script: the few lines over the client, in a browser with the real libraries.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { close_all } from './opened.js';
import { open_stage, record } from './stage.js';
import { launch } from './visitor.js';

let browser;
let page;
before(async () => {
  browser = await launch();
  page = await open_stage(browser);
  const bodies = { a: [record({ id: 'a', version: 1 })], b: [record({ id: 'b', version: 1, status: 'done', result: 1 })] };
  await page.route('**/api/jobs/*/status', (route) => {
    const id = route.request().url().split('/').at(-2);
    return bodies[id]?.length ? route.fulfill({ json: bodies[id].at(-1) }) : route.fulfill({ status: 404, json: {} });
  });
  await page.route('**/api/jobs?*', (route) => route.fulfill({ json: { jobs: [bodies.a.at(-1), bodies.b.at(-1)] } }));
  await page.exposeFunction('change', (id, given) => bodies[id].push(record({ id, ...given })));
});
after(close_all);

/** What the page shows, once it does. @param {string} text */
const shows = (text) => page.locator('#out', { hasText: text }).waitFor();

test('React: useJob, useJobs and useConnection follow, and let go when they leave', async () => {
  await page.evaluate(async () => {
    const { connect } = await import('/jobcast.js');
    const { useConnection, useJob, useJobs } = await import('/react.js');
    const { createElement, useState } = await import('react');
    const { createRoot } = await import('react-dom/client');
    const client = (window.client = connect({ transport: ['poll'], share: false, seen: false }));
    const root = document.body.appendChild(Object.assign(document.createElement('div'), { id: 'out' }));
    function Job({ id }) {
      const job = useJob(client, id);
      return createElement('p', null, `${id} ${job?.status} ${job?.progress.percent}`);
    }
    function Page() {
      const [id, set_id] = useState('a');
      window.set_id = set_id;
      const jobs = useJobs(client, { owner: 'o' });
      const { state } = useConnection(client);
      return createElement('div', null, id ? createElement(Job, { id }) : 'none', ` ${jobs.length} jobs ${state}`);
    }
    window.root = createRoot(root);
    window.root.render(createElement(Page));
  });
  await shows('a processing undefined 2 jobs open');
  await page.evaluate(() => window.change('a', { version: 2, progress: { percent: 40 } }));
  await shows('a processing 40');
  await page.evaluate(() => window.set_id('b'));
  await shows('b done');
  await page.evaluate(() => window.root.unmount());
  await page.waitForFunction(() => window.client.connection.state === 'idle');
  await page.evaluate(() => document.querySelector('#out').remove());
});

test('Vue: useJob, useJobs and useConnection follow, and let go when they leave', async () => {
  await page.evaluate(async () => {
    const { connect } = await import('/jobcast.js');
    const { useConnection, useJob, useJobs } = await import('/vue.js');
    const { createApp, h, ref } = await import('vue');
    const client = (window.client = connect({ transport: ['poll'], share: false, seen: false }));
    const id = (window.id = ref('a'));
    const app = (window.app = createApp({
      setup() {
        const job = useJob(client, id);
        const jobs = useJobs(client, { owner: 'o' });
        const connection = useConnection(client);
        return () => h('p', `${id.value} ${job.value?.status} ${job.value?.version} ${jobs.value.length} jobs ${connection.value.state}`);
      },
    }));
    app.mount(document.body.appendChild(Object.assign(document.createElement('div'), { id: 'out' })));
  });
  await shows('a processing 2 2 jobs open');
  await page.evaluate(() => window.change('a', { version: 3 }));
  await shows('a processing 3');
  await page.evaluate(() => (window.id.value = 'b'));
  await shows('b done 1');
  await page.evaluate(() => window.app.unmount());
  await page.waitForFunction(() => window.client.connection.state === 'idle');
  await page.evaluate(() => document.querySelector('#out').remove());
});

test('the plain script defines jobcast and the elements', async () => {
  const plain = await open_stage(browser);
  await plain.route('**/api/jobs/*/status', (route) => route.fulfill({ json: record({ status: 'done', result: 5 }) }));
  await plain.addScriptTag({ url: '/jobcast.global.js' });
  const result = await plain.evaluate(() => window.jobcast.connect({ transport: ['poll'] }).job('a').done());
  assert.equal(result, 5);
  assert.ok(await plain.evaluate(() => customElements.get('job-progress') === window.jobcast.JobProgress));
  await plain.context().close();
});
