#!/usr/bin/env node
// Takes the pictures of docs/screenshots: the demo with real jobs, on a phone and a desktop, light and dark. Every wait is
// for something that comes about however slow or busy the machine is; the files change only when all pictures are taken.

import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { close_all } from './opened.js';
import { until } from './processes.js';
import { RunningDemo } from './running_demo.js';
import { Visitor, launch } from './visitor.js';

const folder = fileURLToPath(new URL('../../docs/screenshots/', import.meta.url));
const screens = { desktop: { width: 1280, height: 900 }, phone: { width: 390, height: 844 } };
const patience = 150_000;
const pictures = new Map();

/** Starts a job for an owner without a page to see it, and waits for its end. */
async function ends_unseen(demo, owner, kind, sample) {
  const started = await fetch(`${demo.application}/jobs`, {
    method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ kind, sample, owner }),
  });
  const { id } = await started.json();
  const status = async () => (await (await fetch(`${demo.url}/api/jobs/${id}/status`)).json()).status;
  await until(`${sample} to end`, async () => ['done', 'failed'].includes(await status()), patience / 1000);
}

/** The demo's page, then the operator's view of the same. */
async function picture(browser, demo, screen, colorScheme) {
  const visitor = await Visitor.come(browser, demo.url, { colorScheme, viewport: screens[screen], reducedMotion: 'reduce' });
  const { page } = visitor;
  page.setDefaultTimeout(patience);
  const take = async (name) => {
    await page.evaluate(() => (document.activeElement.blur(), scrollTo(0, 0)));
    await page.mouse.move(0, 0);
    pictures.set(`${name}-${screen}-${colorScheme}.png`, await page.screenshot({ fullPage: screen === 'phone' }));
  };
  for (const [sample, status] of [['worker-killed', 'done'], ['orders-small', 'done'], ['card-declined', 'failed'], ['orders-broken', 'failed']])
    await (await visitor.start(sample)).becomes(status);
  await (await visitor.start('orders-large')).passes(19, patience / 1000);
  await take('demo');

  const owner = await page.evaluate(() => localStorage.getItem('visitor'));
  await page.goto('about:blank');
  for (const sample of ['orders-small', 'orders-broken']) await ends_unseen(demo, owner, 'csv_import', sample);
  await page.goto(`${demo.url}/operator.html`);
  await page.getByText('Row 1337 has no amount').first().waitFor();
  for (const id of ['watchers', 'unseen']) await page.locator(`#${id}`).getByText(/^[1-9]/).waitFor();
  await take('operator');
  await visitor.leave();
}

try {
  const [browser, demo] = await Promise.all([launch(), RunningDemo.start()]);
  for (const screen of Object.keys(screens)) for (const colorScheme of ['light', 'dark']) await picture(browser, demo, screen, colorScheme);
} finally {
  await close_all();
}
await mkdir(folder, { recursive: true });
for (const [name, bytes] of pictures) await writeFile(folder + name, bytes);
