#!/usr/bin/env node
// Takes the pictures of docs/screenshots: the demo with real jobs, on a phone and a desktop, light and dark.

import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { RunningDemo } from './running_demo.js';
import { Visitor, launch } from './visitor.js';

const folder = fileURLToPath(new URL('../../docs/screenshots/', import.meta.url));
const screens = { desktop: { width: 1280, height: 900 }, phone: { width: 390, height: 844 } };

await mkdir(folder, { recursive: true });
const [browser, demo] = await Promise.all([launch(), RunningDemo.start()]);
try {
  for (const [screen, viewport] of Object.entries(screens))
    for (const colorScheme of ['light', 'dark']) {
      const visitor = await Visitor.come(browser, demo.url, { colorScheme, viewport, reducedMotion: 'reduce' });
      const save = (name) => visitor.page.screenshot({ path: `${folder}${name}-${screen}-${colorScheme}.png`, fullPage: screen === 'phone' });
      for (const [sample, status] of [['worker-killed', 'stalled'], ['orders-small', 'done'], ['card-declined', 'failed'], ['orders-broken', 'failed'], ['orders-large', 'processing']])
        await (await visitor.start(sample)).becomes(status);
      await visitor.page.locator('[role=progressbar][aria-valuenow]:visible').first().waitFor();
      await save('demo');
      await visitor.page.goto(`${demo.url}/operator.html`);
      await visitor.page.getByText('Row 1337 has no amount').first().waitFor();
      for (const id of ['watchers', 'unseen']) await visitor.page.locator(`#${id}`).getByText(/^[1-9]/).waitFor();
      await save('operator');
      await visitor.leave();
    }
} finally {
  await Promise.all([browser.close(), demo.end()]);
}
