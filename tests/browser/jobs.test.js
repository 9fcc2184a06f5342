// What visitors of the demo page see of their jobs.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { close_all } from './opened.js';
import { RunningDemo } from './running_demo.js';
import { Visitor, launch } from './visitor.js';

let demo;
let browser;
before(async () => {
  [demo, browser] = await Promise.all([RunningDemo.start(), launch()]);
});
after(close_all);

/** A test with a visitor of its own, whose page must not stumble. */
function visit(name, steps, options) {
  test(name, async () => {
    const visitor = await Visitor.come(browser, demo.url, options);
    await steps(visitor);
    assert.deepEqual(visitor.mishaps, []);
    await visitor.leave();
  });
}

const orders = (rows) => `order_id,customer,amount\n${Array.from({ length: rows }, (_, n) => `${n + 1},Customer ${n + 1},10.50\n`).join('')}`;

visit('an uploaded file is imported, and the page says what came of it', async (visitor) => {
  await visitor.upload('my orders.csv', orders(20));
  await visitor.cards.first().waitFor();
  const card = await visitor.newest();
  await card.becomes('done');
  assert.match(await card.text('title'), /^my orders\.csv/);
  assert.equal(await card.text('status'), 'Done');
  assert.match(await card.text('result'), /^20 rows imported/);
  assert.match(await card.root.locator('[aria-live]').innerText(), /^my orders\.csv: Done/);
});

visit('a file may be dropped', async (visitor) => {
  await visitor.drop('dropped.csv', orders(5));
  await visitor.cards.first().waitFor();
  const card = await visitor.newest();
  await card.becomes('done');
  assert.match(await card.text('title'), /^dropped\.csv/);
});

visit('a long import moves, and a reload in its middle shows where it stands', async (visitor) => {
  const card = await visitor.start('orders-large');
  const seen = [];
  while (seen.length < 4) seen.push(await card.passes(seen.at(-1) ?? 0));
  assert.deepEqual(seen, [...new Set(seen)].sort((a, b) => a - b));
  assert.match(await card.text('count'), /^[\d,]+ of 60,000 rows$/);

  await visitor.page.reload();
  await card.root.waitFor();
  assert.ok((await card.percent()) >= seen.at(-1), 'the bar stands no lower than before');
  assert.equal(await card.status(), 'processing');
  assert.equal(await visitor.cards.count(), 1);
  await card.button('Cancel').click();
  await card.becomes('cancelled');
});

visit('a second screen shows the same', async (visitor) => {
  const card = await visitor.start('orders-large');
  await card.passes(3);
  const link = await visitor.page.getByRole('link', { name: 'Second screen' }).getAttribute('href');
  const second = await Visitor.come(browser, new URL(link, demo.url).href);
  const same = second.card(card.id);
  await same.root.waitFor();
  assert.ok((await same.percent()) > 3);
  await same.button('Cancel').click();
  await Promise.all([card.becomes('cancelled'), same.becomes('cancelled')]);
  await second.leave();
});

visit('the plug can be pulled and put back: the jobs go on, and the page catches up', async (visitor) => {
  const card = await visitor.start('orders-small');
  await card.becomes('done');
  const plug = visitor.page.locator('#plug');
  await plug.click();
  await visitor.sees_connection('paused');
  await visitor.upload('meanwhile.csv', orders(5));
  await visitor.page.locator('#drop:not([data-busy])').waitFor();
  assert.equal(await visitor.cards.count(), 1);
  await plug.click();
  await visitor.sees_connection('open');
  await visitor.cards.nth(1).waitFor();
  await (await visitor.newest()).becomes('done');
});

visit('the way the page listens can be switched, and shows', async (visitor) => {
  for (const [choice, shown] of [['WebSocket', 'WebSocket'], ['Polling', 'polling'], ['SSE', 'SSE']]) {
    await visitor.page.locator('#transport').getByText(choice, { exact: true }).click();
    await visitor.page.locator('#connection[data-state=open]').getByText(new RegExp(shown, 'i')).waitFor();
  }
});

visit('another visitor sees nothing of it', async (visitor) => {
  await visitor.page.locator('#jobs .empty').waitFor();
  assert.equal(await visitor.cards.count(), 0);
});

visit('a failed import names the row and what to do', async (visitor) => {
  const card = await visitor.start('orders-broken');
  await card.becomes('failed');
  assert.equal(await card.text('error-title'), 'Row 1337 has no amount');
  assert.match(await card.text('error-action'), /^Add an amount in column “amount” of row 1337 and upload the file again\. Nothing was imported\.$/);
  assert.equal(await card.text('error-link'), undefined, 'no link was given');
  assert.equal(await card.text('status'), 'Failed');
});

visit('a declined card is prominent, stays until it is dealt with, and another try succeeds', async (visitor) => {
  const card = await visitor.start('card-declined');
  await card.becomes('failed');
  assert.equal(await card.text('error-title'), 'The card was declined');
  assert.equal(await card.text('error-action'), 'Ask for another card, then try again.');
  assert.equal(await card.root.locator('[part=error]').getAttribute('data-severity'), 'high');
  assert.equal(await card.text('dismiss'), undefined);
  await card.button('Try again').click();
  await card.becomes('done');
  assert.match(await card.text('facts'), /Attempt 2 of 2$/);
  assert.equal(await card.text('error-title'), undefined);
});

visit('a killed worker shows as stalled, and its job is done by another', async (visitor) => {
  const card = await visitor.start('worker-killed');
  await card.becomes('stalled');
  assert.equal(await card.text('status'), 'Stalled');
  assert.match(await card.text('note'), /^No word from the worker for \d+ sec/);
  await card.becomes('done');
  assert.match(await card.text('facts'), /Attempt 2 of 3$/);
});

visit('a file that is no CSV is refused with a reason, and no job appears', async (visitor) => {
  await visitor.upload('empty.csv', '');
  await visitor.page.getByRole('alert').filter({ hasText: /\w{4}/ }).waitFor();
  assert.equal(await visitor.cards.count(), 0);
});

visit('an invoice ends as a PDF to open', async (visitor) => {
  const card = await visitor.start('invoice_pdf');
  await card.becomes('done');
  const link = await card.root.getByRole('link', { name: 'Open the PDF' }).getAttribute('href');
  const file = await fetch(link);
  assert.equal(file.headers.get('content-type'), 'application/pdf');
  const bytes = Buffer.from(await file.arrayBuffer());
  assert.equal(bytes.subarray(0, 5).toString(), '%PDF-');
  assert.match(await card.text('result'), new RegExp(`^45 pages · ${Math.round(bytes.length / 1000)} kB$`));
});

visit('a cancelled job ends calmly, and can be tried again', async (visitor) => {
  const card = await visitor.start('orders-large');
  await card.passes(0);
  await card.button('Cancel').click();
  await card.becomes('cancelled');
  assert.equal(await card.text('status'), 'Cancelled');
  assert.equal(await card.text('error'), undefined);
  assert.equal(await card.button('Cancel').count(), 0);

  await card.button('Try again').click();
  await card.becomes('processing');
  await card.button('Cancel').click();
  await card.becomes('cancelled');
});

visit('several jobs run at once, newest first', async (visitor) => {
  const started = [];
  for (const sample of ['invoice_pdf', 'orders-small', 'invoice_pdf']) started.unshift(await visitor.start(sample));
  const shown = await visitor.cards.evaluateAll((cards) => cards.map((item) => item.dataset.job));
  assert.deepEqual(shown, started.map((card) => card.id));
  await Promise.all(started.map((card) => card.becomes('done')));
  assert.equal(await visitor.page.locator('#tally').innerText(), '3 in all');
});

visit('the narrowest phone needs no sideways scrolling', async (visitor) => {
  const card = await visitor.start('orders-broken');
  await card.becomes('failed');
  const fits = async () => {
    // What is cut off at a side of the page makes nothing scroll.
    const beyond = await visitor.page.locator('header, main').locator('a, button, label, p, h2, table').evaluateAll((all) =>
      all.filter((one) => !one.closest('.scroll') && one.getBoundingClientRect().right > innerWidth).map((one) => one.outerHTML));
    assert.deepEqual(beyond, []);
    const [needed, given] = await visitor.page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    assert.equal(needed, given);
  };
  await fits();
  await visitor.page.locator('#inbox summary').click();
  await fits();
  const times = await card.text('facts');
  await visitor.page.goto(`${demo.url}/operator.html`);
  await visitor.page.getByText('Row 1337 has no amount').first().waitFor();
  await fits();
  const back = visitor.page.getByRole('link', { name: 'Back to the demo' });
  assert.ok((await back.boundingBox()).height < 45, 'in one line');
  const since = /^\d{1,2}:\d\d\s[AP]M$/;
  assert.match(times.split(' · ')[0], since);
  assert.match(await visitor.page.locator('#trouble td').nth(3).innerText(), since);
}, { viewport: { width: 320, height: 640 } });

visit('on a phone the card of a job that was started comes into view, and nothing leaves the page', async (visitor) => {
  await visitor.page.setViewportSize({ width: 320, height: 640 });
  const card = await visitor.start('orders-small');
  const shown = await card.root.evaluate(async (element) => {
    while (element.getBoundingClientRect().top > innerHeight - 40) await new Promise(requestAnimationFrame);
    const pill = document.getElementById('connection').getBoundingClientRect();
    return { top: element.getBoundingClientRect().top, pill: pill.right, page: document.documentElement.scrollWidth };
  });
  assert.ok(shown.top >= 0 && shown.pill <= 320 && shown.page <= 320, JSON.stringify(shown));
});
