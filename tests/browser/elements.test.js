// How the elements show records of every kind.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { close_all } from './opened.js';
import { open_stage, record, show } from './stage.js';
import { launch } from './visitor.js';

let browser;
let page;
before(async () => {
  browser = await launch();
  page = await open_stage(browser);
});
after(close_all);

test('a measured job has a bar with a value, a count and an estimate no finer than it deserves', async () => {
  const card = await show(page, { progress: { percent: 50, current: 1500, total: 3000, unit: 'rows', eta: 23_456, step: 'Importing' } });
  const bar = card.root.getByRole('progressbar', { name: 'Progress of a.csv' });
  assert.equal(await bar.getAttribute('aria-valuenow'), '50');
  assert.equal(await bar.getAttribute('aria-valuetext'), '50%, 1,500 of 3,000 rows, Importing');
  assert.equal(await card.text('count'), '1,500 of 3,000 rows');
  assert.equal(await card.text('eta'), '~25 sec left');
  assert.equal(await card.text('step'), 'Importing');
});

test('progress that nobody measured is shown without a figure', async () => {
  const card = await show(page, { progress: { step: 'Laying out pages' } });
  const bar = card.root.getByRole('progressbar');
  assert.equal(await bar.getAttribute('aria-valuenow'), null);
  assert.equal(await bar.getAttribute('data-unknown'), '');
  assert.equal(await bar.getAttribute('aria-valuetext'), 'Running, Laying out pages');
  assert.equal(await card.text('percent'), undefined);
});

test('time is kept for a job that goes on, not for one that ended', async () => {
  await show(page, {});
  const pending = await page.evaluate((records) => {
    const { setTimeout: begin, clearTimeout: end, setInterval: repeat } = window;
    const timers = new Set();
    window.setInterval = (...given) => (timers.add('repeated'), repeat(...given));
    window.setTimeout = (...given) => {
      const timer = begin(...given);
      return timers.add(timer), timer;
    };
    window.clearTimeout = (timer) => (timers.delete(timer), end(timer));
    const element = document.createElement('job-progress');
    const counts = [];
    try {
      document.querySelector('main').replaceChildren(element);
      element.start();
      for (const one of records) {
        element.record = one;
        counts.push(timers.size);
      }
    } finally {
      Object.assign(window, { setTimeout: begin, clearTimeout: end, setInterval: repeat });
    }
    return counts;
  }, [record({}), record({ version: 2, status: 'done' })]);
  assert.deepEqual(pending, [1, 0]);
});

test('an estimate that was too good is said to be', async () => {
  const card = await show(page, { progress: { percent: 90, eta: 10_000 }, updated_at: Date.now() - 60_000 });
  assert.equal(await card.text('eta'), 'Taking longer than usual');
});

test('a job that the gateway says is late is said to be, without an estimate as well, and while it runs', async () => {
  assert.equal(await (await show(page, { progress: { late: true } })).text('eta'), 'Taking longer than usual');
  assert.equal(await (await show(page, { progress: { late: true, percent: 90, eta: 10_000 } })).text('eta'), 'Taking longer than usual');
  assert.equal(await (await show(page, { progress: { late: true }, stalled: true })).text('eta'), undefined);
  assert.equal(await (await show(page, { progress: { late: true }, status: 'done' })).text('eta'), undefined);
});

test('a job between attempts says why, and counts down', async () => {
  const card = await show(page, {
    status: 'retrying', attempt: 2, max_attempts: 3, retry_at: Date.now() + 90_000, error: { title: 'The database was away' },
  });
  assert.match(await card.text('facts'), /Attempt 2 of 3$/);
  const first = await card.text('note');
  assert.match(first, /^The database was away\. Next attempt in 1 min 2\d sec$|^The database was away\. Next attempt in 1 min 30 sec$/);
  await page.waitForFunction((before) => document.querySelector('job-progress').shadowRoot.querySelector('[part=note]').textContent !== before, first);
});

test('a stalled job is noted, not failed', async () => {
  const card = await show(page, { stalled: true, locked_at: Date.now() - 75_000, can: ['cancel'] });
  assert.equal(await card.text('status'), 'Stalled');
  assert.match(await card.text('note'), /^No word from the worker for 1 min 1\d sec\. It may still recover\.$/);
  assert.equal(await card.text('error'), undefined);
});

test('a failure says what failed, what to do, and where to read more', async () => {
  const card = await show(page, {
    status: 'failed',
    error: { title: 'Row 17 has no amount', detail: 'It is empty.', action: 'Add it.', link: 'https://help.example/rows', reference: 'r-9', severity: 'high' },
  });
  assert.equal(await card.text('error-title'), 'Row 17 has no amount');
  assert.equal(await card.text('error-action'), 'Add it.');
  assert.equal(await card.text('reference'), 'Reference: r-9');
  assert.equal(await card.root.getByRole('link', { name: 'More about this' }).getAttribute('href'), 'https://help.example/rows');
  assert.equal(await card.root.getByRole('button', { name: 'Dismiss' }).count(), 0);
});

test('a slight failure is a notice that can be put away', async () => {
  const card = await show(page, { status: 'failed', error: { title: 'Nothing to do', severity: 'low' } });
  assert.equal(await card.root.locator('[part=error]').getAttribute('data-severity'), 'low');
  await card.root.getByRole('button', { name: 'Dismiss' }).click();
  assert.equal(await card.text('error'), undefined);
});

test('a job that failed before it got anywhere shows no figure of how far', async () => {
  const progress = { percent: 0, current: 0, total: 2000, unit: 'rows' };
  const card = await show(page, { status: 'failed', progress, error: { title: 'Row 1337 has no amount' } });
  assert.deepEqual([await card.text('count'), await card.text('percent')], [undefined, undefined]);
  const later = await show(page, { status: 'failed', progress: { ...progress, percent: 66, current: 1336 } });
  assert.deepEqual([await later.text('count'), await later.text('percent')], ['1,336 of 2,000 rows', '66%']);
});

test('a failure without words still has some', async () => {
  const card = await show(page, { status: 'failed' });
  assert.equal(await card.text('error-title'), 'The job failed');
});

test('a cancellation under way offers no second one', async () => {
  const card = await show(page, { cancel_requested: true, can: ['cancel'] });
  assert.equal(await card.text('status'), 'Cancelling…');
  assert.equal(await card.root.getByRole('button', { name: 'Cancel' }).count(), 0);
});

test('nothing is offered that the job does not offer', async () => {
  const card = await show(page, { status: 'failed', error: { title: 'Out of paper', severity: 'high' } });
  assert.equal(await card.root.getByRole('button').count(), 0);
});

test('text of a record is text, and only web addresses become links', async () => {
  const card = await show(page, {
    status: 'done', labels: { file: '<img src=x onerror=alert(1)>' }, result: { url: 'javascript:alert(1)' },
  });
  assert.match(await card.text('title'), /^<img src=x onerror=alert\(1\)>/);
  assert.equal(await card.root.getByRole('link').count(), 0);
});

test('a result with an address can be opened; slots replace title and result', async () => {
  const card = await show(page, { status: 'done', result: { url: 'https://files.example/a.pdf' } }, '<b slot="title">Mine</b><i slot="result">45 pages</i>');
  assert.equal(await card.root.getByRole('link', { name: 'Open the result' }).getAttribute('href'), 'https://files.example/a.pdf');
  assert.ok(await card.root.getByText('Mine').isVisible());
  assert.ok(await card.root.getByText('45 pages').isVisible());
});

test('a job is called by the first of the labels that docs/browser.md names, or else by its type', async () => {
  const names = { title: 'May', name: 'Report', file: 'a.csv' };
  const rest = Object.entries(names);
  for (const [, expected] of [...rest]) {
    const card = await show(page, { labels: Object.fromEntries(rest) });
    assert.match(await card.text('title'), new RegExp(`^${expected}`));
    rest.shift();
  }
  assert.match(await (await show(page, { labels: {} })).text('title'), /^Csv import/);
});

test('of a result a text and an address are shown, and else nothing', async () => {
  assert.equal(await (await show(page, { status: 'done', result: '41 rows' })).text('result'), '41 rows');
  const card = await show(page, { status: 'done', result: { pages: 41 } });
  assert.ok(!(await card.text('result')));
  assert.equal(await card.root.getByRole('link').count(), 0);
});

test('other results are shown by the resultOf of docs/browser.md, as printed', async () => {
  const docs = readFileSync(new URL('../../docs/browser.md', import.meta.url), 'utf8');
  const [sample] = [...docs.matchAll(/```js\n(.*?)```/gs)].map(([, code]) => code).filter((code) => code.includes('.resultOf ='));
  const card = await show(page, {});
  await page.evaluate(([code, shown]) => {
    new Function(code)();
    document.querySelector('job-progress').record = shown;
  }, [sample, record({ version: 2, status: 'done', result: { pages: 41, pdf: 'https://files.example/a.pdf' } })]);
  await card.root.getByRole('link', { name: 'Open the PDF' }).waitFor();
  assert.equal(await card.text('result'), '41 pages');
  await page.evaluate((shown) => {
    document.querySelector('job-progress').record = shown;
  }, record({ version: 3, status: 'done', result: 'A text' }));
  await card.root.getByText('A text').waitFor();
});

test('changes are told by events: jobchange each time, jobdone once', async () => {
  await show(page, {});
  const heard = await page.evaluate((records) => {
    const element = document.querySelector('job-progress');
    const events = [];
    document.addEventListener('jobchange', ({ detail }) => events.push(`change ${detail.version}`));
    document.addEventListener('jobdone', ({ detail }) => events.push(`done ${detail.version}`));
    for (const one of records) element.record = one;
    return events;
  }, [record({ version: 2 }), record({ version: 3, status: 'done' }), record({ version: 4, status: 'done' })]);
  assert.deepEqual(heard, ['change 2', 'change 3', 'done 3', 'change 4']);
});

test('a change of status is said to who cannot see it, mere progress is not', async () => {
  const card = await show(page, {});
  const say = async (given) => {
    await page.evaluate((one) => (document.querySelector('job-progress').record = one), record(given));
    return card.root.locator('[aria-live=polite]').textContent();
  };
  assert.equal(await say({ version: 2, progress: { percent: 40 } }), '');
  assert.equal(await say({ version: 3, status: 'failed', error: { title: 'Out of paper', action: 'Add some.' } }), 'a.csv: Failed. Out of paper. Add some.');
});

test('focus stays where it is while the job goes on', async () => {
  const card = await show(page, { can: ['cancel'] });
  await card.root.getByRole('button', { name: 'Cancel' }).focus();
  await page.evaluate((one) => (document.querySelector('job-progress').record = one), record({ version: 2, can: ['cancel'], progress: { percent: 7 } }));
  assert.equal(await page.evaluate(() => document.activeElement.shadowRoot.activeElement?.textContent), 'Cancel');
});

test('words can be replaced, and figures follow the page\'s language', async () => {
  const german = await open_stage(browser);
  await german.evaluate(async () => {
    document.documentElement.lang = 'de';
    const { setTexts } = await import('/components.js');
    setTexts({ processing: 'Läuft', left: 'noch etwa {time}', of: '{current} von {total}' });
  });
  const card = await show(german, { progress: { percent: 12, current: 1200, total: 10_000, unit: 'Zeilen', eta: 120_000 } });
  assert.equal(await card.text('status'), 'Läuft');
  assert.equal(await card.text('count'), '1.200 von 10.000 Zeilen');
  assert.equal(await card.text('eta'), 'noch etwa 2 Min.');
  await german.context().close();
});

test('jobs in a list follow the page\'s language as well', async () => {
  const german = await open_stage(browser);
  await german.route('**/api/events*', (route) => route.fulfill({
    contentType: 'text/event-stream', body: `event: job\ndata: ${JSON.stringify(record({ progress: { percent: 12, current: 1200, total: 10_000, unit: 'Zeilen' } }))}\n\n`,
  }));
  await german.evaluate(async () => {
    document.documentElement.lang = 'de';
    await import('/components.js');
    document.querySelector('main').append(document.createElement('job-list'));
  });
  await german.getByText('1.200 of 10.000 Zeilen').waitFor();
  await german.context().close();
});

test('one below the other they keep apart, unless the page says otherwise; a list has its own gap', async () => {
  const stage = await open_stage(browser);
  const gap_of = (root) => stage.evaluate((list) => {
    const within = list ? document.querySelector('job-list').shadowRoot : document;
    const [a, b] = [...within.querySelectorAll('job-progress')].map((element) => element.getBoundingClientRect());
    return b.top - a.bottom;
  }, root);
  await stage.evaluate(async ([one, two]) => {
    await import('/components.js');
    for (const given of [one, two]) document.querySelector('main').append(Object.assign(document.createElement('job-progress'), { record: given }));
  }, [record({ id: 'a' }), record({ id: 'b' })]);
  assert.equal(await gap_of(), 12);
  await stage.addStyleTag({ content: 'job-progress { margin: 0 }' });
  assert.equal(await gap_of(), 0);

  await stage.route('**/api/events*', (route) => route.fulfill({
    contentType: 'text/event-stream', body: ['a', 'b'].map((id) => `event: job\ndata: ${JSON.stringify(record({ id }))}\n\n`).join(''),
  }));
  await stage.evaluate(() => document.querySelector('main').replaceChildren(document.createElement('job-list')));
  await stage.locator('job-list li').nth(1).waitFor();
  assert.equal(await gap_of('list'), 12);
  await stage.context().close();
});

test('it can be themed by custom properties and parts', async () => {
  const card = await show(page, { progress: { percent: 50 } });
  await page.addStyleTag({ content: 'job-progress { --jobcast-accent: rgb(200, 0, 100) } job-progress::part(title) { letter-spacing: 3px }' });
  const colour = await card.root.locator('[part=bar]').evaluate((bar) => getComputedStyle(bar).backgroundColor);
  assert.equal(colour, 'rgb(200, 0, 100)');
  assert.equal(await card.root.locator('[part=title]').evaluate((title) => getComputedStyle(title).letterSpacing), '3px');
});

test('right to left, the bar fills from the right', async () => {
  const card = await show(page, { progress: { percent: 30 } });
  await page.evaluate(() => (document.documentElement.dir = 'rtl'));
  const [track, bar] = await Promise.all(['track', 'bar'].map((part) => card.root.locator(`[part=${part}]`).boundingBox()));
  assert.ok(Math.abs(bar.x + bar.width - (track.x + track.width)) < 1);
  assert.ok(bar.x > track.x + track.width / 2);
  await page.evaluate(() => document.documentElement.removeAttribute('dir'));
});

test('who wants less motion gets none, and a bar that nobody measured does not look full', async () => {
  const calm = await open_stage(browser, { reducedMotion: 'reduce' });
  const look = async (given) => (await show(calm, given)).root.locator('[part=bar]').evaluate((bar) => {
    const { animationName, backgroundImage } = getComputedStyle(bar);
    return [animationName, backgroundImage.split('(')[0]];
  });
  assert.deepEqual(await look({}), ['none', 'repeating-linear-gradient']);
  assert.deepEqual(await look({ progress: { percent: 100 } }), ['none', 'none']);
  await calm.context().close();
});

test('a refused command says why, and can be given again', async () => {
  const card = await show(page, { can: ['cancel'] });
  await page.route('**/cancel', (route) => route.fulfill({ status: 409, json: { detail: 'The job has just ended.' } }));
  await card.root.getByRole('button', { name: 'Cancel' }).click();
  await card.root.getByRole('alert').filter({ hasText: 'The job has just ended.' }).waitFor();
  assert.ok(await card.root.getByRole('button', { name: 'Cancel' }).isEnabled());
});

test('the inbox counts outcomes not seen, and puts them away', async () => {
  const stage = await open_stage(browser);
  const seen = [];
  await stage.route('**/api/inbox*', (route) => route.fulfill({
    json: { jobs: [record({ id: 'x', status: 'failed', error: { title: 'Out of paper' } }), record({ id: 'y', status: 'done' })].filter(({ id }) => !seen.includes(id)) },
  }));
  await stage.route('**/seen?*', (route) => {
    seen.push(route.request().url().split('/').at(-2));
    return route.fulfill({ status: 202, json: {} });
  });
  await stage.evaluate(async () => {
    await import('/components.js');
    document.querySelector('main').append(document.createElement('job-inbox'));
  });
  const bell = stage.locator('job-inbox summary');
  await stage.locator('job-inbox [part=badge]').filter({ hasText: '2' }).waitFor();
  assert.equal(await bell.getAttribute('aria-label'), 'Outcomes not seen yet: 2');
  await bell.click();
  await stage.getByText('Failed · Out of paper').waitFor();
  await stage.getByRole('button', { name: 'Mark as seen: a.csv' }).first().click();
  await stage.locator('job-inbox [part=badge]').filter({ hasText: '1' }).waitFor();
  await stage.getByRole('button', { name: 'Mark as seen: a.csv' }).click();
  await stage.getByText('Nothing new').waitFor();
  assert.deepEqual(seen, ['x', 'y']);
  await stage.context().close();
});

/** A bell with one outcome in a header, at its beginning, its middle or its end. */
async function show_bell(stage, place = 'end') {
  await stage.route('**/api/inbox*', (route) => route.fulfill({ json: { jobs: [record({ id: 'x', status: 'failed', error: { title: 'Out of paper' } })] } }));
  await stage.evaluate(async (side) => {
    await import('/components.js');
    const header = document.createElement('header');
    header.style.cssText = 'display: flex; justify-content: space-between';
    const words = () => Object.assign(document.createElement('button'), { textContent: 'Elsewhere' });
    const bell = document.createElement('job-inbox');
    header.append(...{ start: [bell, words(), words()], middle: [words(), bell, words()], end: [words(), words(), bell] }[side]);
    document.querySelector('main').replaceChildren(header, document.querySelector('h1'));
  }, place);
  await stage.locator('job-inbox [part=badge]').filter({ hasText: '1' }).waitFor();
}

for (const width of [320, 390, 1280])
  for (const dir of ['ltr', 'rtl'])
    test(`the inbox opens within a page ${width} wide, ${dir}, wherever its bell is, also when the screen is turned`, async () => {
      const stage = await open_stage(browser, { viewport: { width, height: 700 } });
      await stage.evaluate((side) => (document.documentElement.dir = side), dir);
      const is_within = (wide) => stage.waitForFunction((all) => {
        const { left, right, width: own } = document.querySelector('job-inbox').shadowRoot.querySelector('[part=panel]').getBoundingClientRect();
        return own > 250 && left >= 0 && right <= all && document.documentElement.scrollWidth <= all;
      }, wide);
      for (const place of ['start', 'middle', 'end']) {
        await show_bell(stage, place);
        await stage.locator('job-inbox summary').click();
        await is_within(width);
        await stage.setViewportSize({ width: 700, height: 320 });
        await is_within(700);
        await stage.setViewportSize({ width, height: 700 });
        await is_within(width);
      }
      await stage.context().close();
    });

test('Escape puts the inbox away and leaves the focus on the bell; so does what is done elsewhere', async () => {
  const stage = await open_stage(browser);
  await show_bell(stage);
  const bell = stage.locator('job-inbox summary');
  const outcome = stage.getByText('Failed · Out of paper');
  const gone = () => outcome.waitFor({ state: 'hidden' });

  await bell.click();
  await outcome.click();
  await stage.keyboard.press('Escape');
  await gone();
  assert.ok(await bell.evaluate((summary) => summary === document.activeElement.shadowRoot?.activeElement));

  await bell.click();
  await stage.getByRole('heading', { name: 'Jobs' }).click();
  await gone();

  await bell.click();
  await stage.keyboard.press('Tab');
  assert.ok(await outcome.isVisible(), 'what is in it can be reached');
  await stage.getByRole('button', { name: 'Elsewhere' }).first().focus();
  await gone();
  await stage.context().close();
});
