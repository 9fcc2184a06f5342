// What elements leave behind, and what they take of a page: nothing, little, and not its focus.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { close_all } from './opened.js';
import { until } from './processes.js';
import { open_stage, record, show } from './stage.js';
import { launch } from './visitor.js';

let browser;
before(async () => {
  browser = await launch();
});
after(close_all);

/** Counts listeners, locks, channels and intervals that a page has, from before it loads anything. */
const keeps_count = () => {
  const kept = (window.kept = { listeners: 0, channels: 0, timers: new Set() });
  for (const target of [window, document]) {
    const add = target.addEventListener;
    target.addEventListener = (name, act, options) => {
      kept.listeners += 1;
      options?.signal?.addEventListener('abort', () => (kept.listeners -= 1));
      return add.call(target, name, act, options);
    };
  }
  window.BroadcastChannel = class extends BroadcastChannel {
    constructor(name) {
      super(name);
      kept.channels += 1;
    }
    close() {
      super.close();
      kept.channels -= 1;
    }
  };
  for (const [begin, end] of [['setTimeout', 'clearTimeout'], ['setInterval', 'clearInterval']]) {
    const [start, stop] = [window[begin], window[end]];
    window[begin] = (act, ...given) => {
      const id = start(() => {
        if (begin === 'setTimeout') kept.timers.delete(id);
        act();
      }, ...given);
      return kept.timers.add(id), id;
    };
    window[end] = (id) => (kept.timers.delete(id), stop(id));
  }
};

const kept_now = (page) => page.evaluate(async () => {
  const { held, pending } = await navigator.locks.query();
  return [window.kept.listeners, window.kept.channels, window.kept.timers.size, held.length + pending.length];
});

for (const tag of ['job-progress', 'job-list', 'job-inbox'])
  test(`200 ${tag} with a link each, put on a page and taken off it, leave nothing`, async () => {
    const page = await open_stage(browser);
    await page.addInitScript(keeps_count);
    await page.route('**/api/**', (route) => (route.request().url().includes('/inbox') ? route.fulfill({ json: { jobs: [] } }) : undefined));
    await page.reload();
    await page.evaluate(() => import('/components.js'));
    const before_all = await kept_now(page);
    await page.evaluate((name) => {
      for (let n = 0; n < 200; ++n) {
        const element = document.createElement(name);
        element.setAttribute('link', `link-${n}`);
        if (name === 'job-progress') element.setAttribute('job', `j${n}`);
        document.querySelector('main').append(element);
      }
    }, tag);
    await until('the elements to be at work', async () => (await kept_now(page))[3] >= 200);
    await page.evaluate(() => document.querySelector('main').replaceChildren());
    await until('nothing to be left', async () => (await kept_now(page)).join() === before_all.join()).catch(async () => assert.deepEqual(await kept_now(page), before_all));
    await page.context().close();
  });

test('an element that is moved keeps its connection; one client is shared until its last element goes', async () => {
  const page = await open_stage(browser);
  const opened = [];
  await page.route('**/api/**', (route) => void opened.push(route.request().url()));
  await page.evaluate(async () => {
    await import('/components.js');
    document.querySelector('main').innerHTML = '<div id="a"><job-progress job="a"></job-progress></div><div id="b"><job-progress job="a"></job-progress></div>';
  });
  await until('a connection', () => opened.length === 1);
  const same = await page.evaluate(async () => {
    const [one, two] = document.querySelectorAll('job-progress');
    const before_move = one.client;
    document.querySelector('#b').append(one);
    await new Promise((resolve) => setTimeout(resolve, 50));
    two.remove();
    await new Promise((resolve) => setTimeout(resolve, 50));
    return [one.client === before_move, one.client.connection.state];
  });
  assert.deepEqual([same, opened.length], [[true, 'connecting'], 1]);
  await page.context().close();
});

test('a client that the page itself uses stays when its element goes', async () => {
  const page = await open_stage(browser);
  await page.route('**/api/**', (route) => route.fulfill({ contentType: 'text/event-stream', body: `event: job\ndata: ${JSON.stringify(record({}))}\n\n` }));
  const heard = await page.evaluate(async () => {
    await import('/components.js');
    const element = document.createElement('job-progress');
    element.setAttribute('transport', 'sse');
    const { client } = element;
    document.querySelector('main').append(element);
    const job = client.job('a');
    await new Promise((resolve) => setTimeout(resolve, 0));
    element.remove();
    await new Promise((resolve) => setTimeout(resolve, 0));
    return [job.closed, element.client === client];
  });
  assert.deepEqual(heard, [false, true]);
  await page.context().close();
});

test('the elements work where a page forbids to make markup from text', async () => {
  const page = await open_stage(browser);
  const mishaps = [];
  page.on('pageerror', (error) => mishaps.push(String(error)));
  page.on('console', (message) => message.type() === 'error' && !/Failed to load/.test(message.text()) && mishaps.push(message.text()));
  const policy = "require-trusted-types-for 'script'; trusted-types 'none'";
  await page.route('http://localhost/', (route) => route.fulfill({ contentType: 'text/html', headers: { 'Content-Security-Policy': policy }, body: '<!doctype html><html lang="en"><title>Strict</title><script type="module" src="/components.js"></script><main></main>' }));
  await page.route('**/api/inbox*', (route) => route.fulfill({ json: { jobs: [record({ id: 'x', status: 'failed' })] } }));
  await page.route('**/api/events*', (route) => route.fulfill({ contentType: 'text/event-stream', body: `event: job\ndata: ${JSON.stringify(record({ can: ['cancel'] }))}\n\n` }));
  await page.reload();
  await page.evaluate(() => {
    for (const tag of ['job-list', 'job-inbox']) document.querySelector('main').append(document.createElement(tag));
  });
  await page.locator('job-list li job-progress[status=processing]').waitFor();
  await page.locator('job-inbox [part=badge]').filter({ hasText: '1' }).waitFor();
  assert.ok((await page.locator('job-inbox svg path').boundingBox()).width > 5, 'there is a bell to see');
  await page.locator('job-inbox summary').click();
  await page.getByText('Failed').waitFor();
  assert.deepEqual(mishaps, []);
  await page.context().close();
});

test('a bar of unknown length costs an idle page no layout', async () => {
  const page = await open_stage(browser);
  await page.evaluate(async (records) => {
    await import('/components.js');
    for (const one of records) document.querySelector('main').append(Object.assign(document.createElement('job-progress'), { record: one }));
  }, Array.from({ length: 100 }, (_, n) => record({ id: `j${n}`, started_at: undefined })));
  await page.locator('job-progress').last().getByText('Running').waitFor();
  const moved = await page.evaluate(() => [...document.querySelectorAll('job-progress')].flatMap((one) => one.shadowRoot.getAnimations()).flatMap(({ effect }) => effect.getKeyframes().flatMap((frame) => Object.keys(frame))));
  const allowed = ['transform', 'opacity', 'offset', 'computedOffset', 'easing', 'composite'];
  assert.deepEqual([...new Set(moved)].filter((name) => !allowed.includes(name)), []);
  assert.ok(moved.includes('transform'));
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('Performance.enable');
  const layouts = async () => (await devtools.send('Performance.getMetrics')).metrics.find(({ name }) => name === 'LayoutCount').value;
  const frames = (count) => page.evaluate((n) => new Promise((resolve) => {
    const next = () => (n-- ? requestAnimationFrame(next) : resolve());
    next();
  }), count);
  await frames(10);
  const before_all = await layouts();
  await frames(60);
  assert.ok((await layouts()) - before_all <= 10, `${(await layouts()) - before_all} layouts in 60 frames`);
  await page.context().close();
});

for (const [dir, from, to] of [['ltr', 'left', 'right'], ['rtl', 'right', 'left']])
  test(`a bar of unknown length goes from ${from} to ${to}, ${dir}`, async () => {
    const page = await open_stage(browser);
    const card = await show(page, {});
    await page.evaluate((given) => (document.documentElement.dir = given), dir);
    const places = await card.root.locator('[part=bar]').evaluate((bar) => {
      const [sweep] = bar.getAnimations();
      sweep.pause();
      return [0, 800, 1599].map((time) => {
        sweep.currentTime = time;
        return bar.getBoundingClientRect().left - bar.parentElement.getBoundingClientRect().left;
      });
    });
    const sorted = places.toSorted((a, b) => (dir === 'ltr' ? a - b : b - a));
    assert.deepEqual(places, sorted);
    assert.ok(Math.abs(places[0] - places[2]) > 500, String(places));
    await page.context().close();
  });

/** Presses a button by keyboard, and says where the focus is after what comes of it. */
const focused = (page) => page.evaluate(() => {
  let at = document.activeElement;
  while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
  return at.getAttribute('part') ?? at.localName;
});

test('after Cancel the focus stays on the job, and from there goes on to its next button', async () => {
  const page = await open_stage(browser);
  const card = await show(page, { can: ['cancel'] });
  await page.route('**/cancel', (route) => route.fulfill({ status: 202, json: {} }));
  await card.root.getByRole('button', { name: 'Cancel' }).focus();
  await page.keyboard.press('Enter');
  assert.equal(await focused(page), 'cancel', 'while it is asked');
  const becomes = (given) => page.evaluate((one) => (document.querySelector('job-progress').record = one), record(given));
  await becomes({ version: 2, cancel_requested: true, can: ['cancel'] });
  assert.equal(await focused(page), 'card');
  await becomes({ version: 3, status: 'cancelled', can: ['retry'] });
  assert.equal(await focused(page), 'card');
  await page.keyboard.press('Tab');
  assert.equal(await focused(page), 'retry');
  await page.context().close();
});

test('a notice that is put away, and a job that leaves its list, leave the focus near', async () => {
  const page = await open_stage(browser);
  const notice = await show(page, { status: 'failed', error: { title: 'Nothing to do', severity: 'low' } });
  await notice.root.getByRole('button', { name: 'Dismiss' }).focus();
  await page.keyboard.press('Enter');
  assert.equal(await focused(page), 'card');

  let write;
  await page.route('**/api/events*', (route) => route.fulfill({ contentType: 'text/event-stream', body: ['a', 'b'].map((id) => `event: job\ndata: ${JSON.stringify(record({ id, can: ['cancel'] }))}\n\n`).join('') }));
  await page.route('**/cancel', (route) => {
    write = route;
  });
  await page.evaluate(() => {
    const list = document.createElement('job-list');
    list.setAttribute('status', 'processing');
    document.querySelector('main').replaceChildren(list);
  });
  const first = page.locator('job-list li').nth(0);
  await first.getByRole('button', { name: 'Cancel' }).focus();
  await page.keyboard.press('Enter');
  await until('the command', () => write);
  const id = await first.getAttribute('data-job');
  await write.fulfill({ status: 202, json: record({ id, version: 2, status: 'cancelled' }) });
  await page.locator(`job-list li[data-job=${id}]`).waitFor({ state: 'detached' });
  assert.equal(await page.evaluate(() => document.activeElement.localName), 'job-list');
  await page.context().close();
});

test('an inbox that is read again keeps the focus on the button that had it', async () => {
  const page = await open_stage(browser);
  await page.route('**/api/inbox*', (route) => route.fulfill({ json: { jobs: ['x', 'y'].map((id) => record({ id, status: 'failed', labels: { title: id } })) } }));
  await page.evaluate(async () => {
    await import('/components.js');
    document.querySelector('main').append(document.createElement('job-inbox'));
  });
  await page.locator('job-inbox [part=badge]').filter({ hasText: '2' }).waitFor();
  await page.locator('job-inbox summary').click();
  await page.getByRole('button', { name: 'Mark as seen: y' }).focus();
  await page.evaluate(() => document.querySelector('job-inbox').refresh());
  assert.equal(await page.evaluate(() => document.activeElement.shadowRoot.activeElement.ariaLabel), 'Mark as seen: y');
  await page.context().close();
});

const long = 'Donaudampfschifffahrtsgesellschaftskapitaenspatent';
for (const width of [320, 280])
  test(`${width} px wide, nothing leaves the page, however long the words`, async () => {
    const page = await open_stage(browser, { viewport: { width, height: 700 } });
    const records = [
      { labels: { title: long } }, { status: 'failed', error: { title: long, detail: long, action: long, link: '/x', reference: long, severity: 'high' }, can: ['retry'] },
      { status: 'failed', error: { title: 'Short', severity: 'low', reference: 'r1', link: '/x' } }, { progress: { percent: 50, current: 123_456_789, total: 987_654_321, unit: long, step: long, eta: 1e7 } },
      { status: long }, { status: 'done', result: long }, { status: 'retrying', retry_at: Date.now() + 1e8, attempt: 2, max_attempts: 3, error: { title: long } }, { stalled: true, can: ['cancel'] },
    ].map((given, n) => record({ id: `j${n}`, ...given }));
    await page.route('**/api/events*', (route) => route.fulfill({ contentType: 'text/event-stream', body: records.map((one) => `event: job\ndata: ${JSON.stringify(one)}\n\n`).join('') }));
    await page.route('**/api/inbox*', (route) => route.fulfill({ json: { jobs: records } }));
    await page.evaluate(async (word) => {
      const { setTexts } = await import('/components.js');
      setTexts({ cancel: word, retry: `Noch einmal ${word}` });
      document.body.style.margin = '8px';
      document.querySelector('main').append(document.createElement('job-list'), document.createElement('job-inbox'));
    }, long);
    await page.locator('job-list li').nth(records.length - 1).waitFor();
    await page.locator('job-inbox summary').click();
    await page.locator('job-inbox article').first().waitFor();
    const beyond = await page.evaluate((wide) => {
      const roots = [document, ...[...document.querySelectorAll('job-list, job-inbox')].map((one) => one.shadowRoot)];
      for (const root of roots) roots.push(...[...root.querySelectorAll('job-progress')].map((one) => one.shadowRoot));
      const all = roots.flatMap((root) => [...root.querySelectorAll('main *, [part]')]).filter((one) => one.checkVisibility() && !one.matches('[part=bar], [part=inbox]'));
      return [document.documentElement.scrollWidth <= wide, ...all.filter((one) => one.getBoundingClientRect().right > wide + 0.5 || one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).display !== 'inline' && one.clientWidth).map((one) => one.outerHTML.slice(0, 120))];
    }, width);
    assert.deepEqual(beyond, [true]);
    await page.context().close();
  });

test('a job that waits says for what and how long', async () => {
  const page = await open_stage(browser);
  assert.match(await (await show(page, { status: 'pending', started_at: undefined, created_at: Date.now() - 75_000 })).text('note'), /^Waiting for a worker for 1 min 1\d sec\.$/);
  assert.equal(await (await show(page, { status: 'pending', started_at: undefined, created_at: Date.now() })).text('note'), undefined, 'what has just begun');
  const again = await show(page, { status: 'pending', attempt: 2, created_at: Date.now() - 3_600_000, updated_at: Date.now() - 30_000 });
  assert.match(await again.text('note'), /^Waiting for a worker for 3\d sec\.$/);
  await page.context().close();
});
