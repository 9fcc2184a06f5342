// axe-core finds nothing: the elements in every state, light and dark, either way of writing, and the demo's pages.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { close_all } from './opened.js';
import { RunningDemo } from './running_demo.js';
import { open_stage, record } from './stage.js';
import { Visitor, launch } from './visitor.js';

const axe = readFileSync(fileURLToPath(new URL('node_modules/axe-core/axe.min.js', import.meta.url)), 'utf8');
let browser;
let demo;
before(async () => {
  [browser, demo] = await Promise.all([launch(), RunningDemo.start()]);
});
after(close_all);

/** @param {import('playwright-core').Page} page */
async function finds_nothing(page) {
  await page.evaluate(axe);
  // Colours that fade in are judged when they are there.
  const found = await page.evaluate(async () => {
    await Promise.all(document.getAnimations({ subtree: true }).filter((a) => a.effect.getTiming().iterations !== Infinity).map((a) => a.finished.catch(() => 0)));
    const { violations } = await window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] });
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html}\n${failureSummary}`).join('\n')}`);
  });
  assert.deepEqual(found, []);
}

const states = [
  { status: 'pending', can: ['cancel'] },
  { progress: { step: 'Reading' }, can: ['cancel'] },
  { progress: { percent: 40, current: 4, total: 10, unit: 'pages', eta: 30_000 }, can: ['cancel'] },
  { stalled: true, locked_at: Date.now() - 90_000, can: ['cancel'] },
  { cancel_requested: true },
  { status: 'retrying', attempt: 2, max_attempts: 3, retry_at: Date.now() + 60_000, error: { title: 'The database was away' } },
  { status: 'done', result: { url: 'https://files.example/a.pdf' } },
  { status: 'failed', error: { title: 'No amount', detail: 'It is empty.', action: 'Add it.', link: '/help', reference: 'r1' }, can: ['retry'] },
  { status: 'failed', error: { title: 'Nothing to do', severity: 'low' } },
  { status: 'cancelled', progress: { percent: 12 }, can: ['retry'] },
];

for (const colorScheme of ['light', 'dark'])
  for (const direction of ['ltr', 'rtl'])
    test(`the elements in every state, ${colorScheme}, ${direction}`, async () => {
      const page = await open_stage(browser, { colorScheme, reducedMotion: 'reduce' });
      await page.evaluate(async ([records, dir]) => {
        await import('/components.js');
        document.documentElement.dir = dir;
        document.documentElement.style.cssText = 'color-scheme: light dark; background: Canvas; color: CanvasText';
        for (const one of records) {
          const element = document.createElement('job-progress');
          element.record = one;
          document.querySelector('main').append(element);
        }
      }, [states.map((given, n) => record({ id: `j${n}`, labels: { title: `Job ${n}` }, ...given })), direction]);
      await page.locator('job-progress').last().getByText('Cancelled').first().waitFor();
      await finds_nothing(page);
      await page.context().close();
    });

for (const [colorScheme, viewport] of [['light', { width: 1280, height: 900 }], ['dark', { width: 390, height: 844 }]])
  test(`the demo's pages, ${colorScheme}, ${viewport.width} wide`, async () => {
    const visitor = await Visitor.come(browser, demo.url, { colorScheme, viewport, reducedMotion: 'reduce' });
    const card = await visitor.start('orders-broken');
    await card.becomes('failed');
    await finds_nothing(visitor.page);
    await visitor.page.goto(`${demo.url}/operator.html`);
    await visitor.page.getByText('Row 1337 has no amount').first().waitFor();
    await finds_nothing(visitor.page);
    await visitor.leave();
  });
