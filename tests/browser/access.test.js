// Tokens, cookies and watch links, against a gateway that has keys.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, before, test } from 'node:test';
import { close_all } from './opened.js';
import { until } from './processes.js';
import { RunningGateway } from './running_gateway.js';
import { launch } from './visitor.js';
import { Watcher } from './watcher.js';

const secret = 'a secret of at least thirty-two bytes';
const done = { status: 'done', result: 1 };
const outcome = ['done', 1];

/** @param {object} claims @param {number} [seconds] good for */
function token_of(claims, seconds = 600) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const body = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ exp: Math.floor(Date.now() / 1000) + seconds, ...claims })}`;
  return `${body}.${createHmac('sha256', secret).update(body).digest('base64url')}`;
}

let gateway;
let browser;
before(async () => {
  [gateway, browser] = await Promise.all([
    RunningGateway.start({ JOBCAST_AUTH_SECRET: secret, JOBCAST_AUTH_LEEWAY: '0s', JOBCAST_AUTH_LINK_SECRETS: `${secret} too` }),
    launch(),
  ]);
  gateway.headers = { Authorization: `Bearer ${token_of({ scope: 'jobs:publish operator' })}` };
});
after(close_all);

/** A job of Ann's that runs, and a browser profile. @param {string} name */
function visit(name, steps) {
  test(name, async () => {
    const context = await browser.newContext();
    const job = gateway.job();
    await gateway.report(job, { status: 'processing', owner: 'ann', progress: { percent: 10 } });
    await steps(context, job);
    await context.close();
  });
}

/** The application's own endpoint for tokens: what it gives, and how often it was asked. */
async function gives_tokens(context, claims, seconds) {
  const asked = [];
  await context.route('**/token*', (route) => {
    const renew = route.request().url().endsWith('true');
    asked.push(renew);
    return route.fulfill({ body: token_of(claims, seconds(asked.length)) });
  });
  return asked;
}

for (const [transport, way] of [['auto', 'stream'], ['websocket', 'websocket'], ['poll', 'long-poll']])
  visit(`a token gets through by ${way}`, async (context, job) => {
    await gives_tokens(context, { sub: 'ann' }, () => 600);
    const watcher = await Watcher.come(context, gateway.url, job, { token: '/token', transport });
    await watcher.sees_percent(10);
    await watcher.hears_by(way);
    await gateway.report(job, done);
    await watcher.ended_with(outcome);
  });

for (const [transport, way] of [['auto', 'stream'], ['websocket', 'websocket']])
  visit(`a token that ends soon is renewed before it does, by ${way}, and nothing is missed`, async (context, job) => {
    const asked = await gives_tokens(context, { sub: 'ann' }, (time) => (time === 1 ? 32 : 600));
    const watcher = await Watcher.come(context, gateway.url, job, { token: '/token', transport });
    await watcher.sees_percent(10);
    await until('a renewal', () => asked.length === 2);
    assert.deepEqual(asked, [false, true]);
    await gateway.report(job, { status: 'processing', progress: { percent: 60 } });
    await watcher.sees_percent(60);
    await gateway.report(job, done);
    await watcher.ended_with(outcome);
    const { states } = await watcher.account();
    assert.ok(!states.includes('waiting') && !states.includes('refused'), String(states));
  });

for (const [transport, way] of [['auto', 'stream'], ['websocket', 'websocket'], ['poll', 'long-poll']])
  visit(`a token that ended while nobody could renew it, by ${way}: the page comes back with the next`, async (context, job) => {
    let away = true;
    let asked = 0;
    await context.route('**/token*', (route) => {
      asked += 1;
      // The first is good for a moment; the next are stale until the application is back.
      return route.fulfill({ body: token_of({ sub: 'ann' }, asked === 1 ? 6 : away ? -5 : 600) });
    });
    const watcher = await Watcher.come(context, gateway.url, job, { token: '/token', transport });
    await watcher.sees_percent(10);
    await watcher.hears_by(/^(waiting|refused|connecting)$/);
    assert.equal(await watcher.page.locator('job-progress').getAttribute('status'), 'processing');
    away = false;
    await watcher.page.evaluate(() => window.dispatchEvent(new Event('online')));
    await gateway.report(job, done);
    await watcher.ended_with(outcome);
  });

visit('a cookie gets through by EventSource, and seen is told', async (context, job) => {
  await context.addCookies([{ name: 'jobcast_token', value: token_of({ sub: 'ann' }), url: gateway.url, httpOnly: true, sameSite: 'Strict' }]);
  const watcher = await Watcher.come(context, gateway.url, job);
  await watcher.sees_percent(10);
  await watcher.hears_by('native');
  await gateway.report(job, done);
  await watcher.ended_with(outcome);
  const inbox = () => fetch(`${gateway.url}/api/inbox?owner=me`, { headers: { Authorization: `Bearer ${token_of({ sub: 'ann' })}` } }).then((answer) => answer.json());
  await until('the outcome to be seen', async () => !(await inbox()).jobs.some(({ id }) => id === job));
});

visit('a page that is hidden has not seen the outcome until it is shown', async (context, job) => {
  await context.addCookies([{ name: 'jobcast_token', value: token_of({ sub: 'ann' }), url: gateway.url }]);
  const watcher = await Watcher.come(context, gateway.url, job);
  await watcher.sees_percent(10);
  await watcher.becomes('hidden');
  const told = [];
  watcher.page.on('request', (request) => request.url().includes('/seen?') && told.push(request.url()));
  await gateway.report(job, done);
  await watcher.ended_with(outcome);
  assert.deepEqual(told, []);
  await watcher.becomes('visible');
  await until('it to be told', () => told.length === 1);
});

visit('a watch link is enough to watch, and for no more', async (context, job) => {
  const answer = await fetch(`${gateway.url}/api/watch-links`, {
    method: 'POST', headers: { Authorization: `Bearer ${token_of({ sub: 'ann' })}` }, body: JSON.stringify({ jobs: [job] }),
  });
  const { url } = await answer.json();
  const watcher = await Watcher.come(context, gateway.url, job, { link: url });
  await watcher.sees_percent(10);
  await watcher.hears_by('native');
  const posted = [];
  watcher.page.on('request', (request) => request.method() === 'POST' && posted.push(new URL(request.url()).pathname));
  assert.equal(await watcher.page.getByRole('button').count(), 0);
  const refused = await watcher.page.evaluate((id) => window.client.cancel(id).catch(({ message }) => message), job);
  assert.match(refused, /^A watch link only reads/);
  await gateway.report(job, done);
  await watcher.ended_with(outcome);
  assert.deepEqual(posted, [`/api/jobs/${job}/cancel`]);
});

/** A page of two lines, as in docs/browser.md, that has not been told who asks. */
async function plain_page(context, markup) {
  const page = await context.newPage();
  const body = `<!doctype html><title>Jobs</title><script type="module" src="/components.js"></script>${markup}`;
  await page.route('**/plain.html', (route) => route.fulfill({ contentType: 'text/html', body }));
  await page.goto(`${gateway.url}/plain.html`);
  return page;
}

visit('elements that are on the page already begin anew when they are told who asks', async (context, job) => {
  await gives_tokens(context, { sub: 'ann' }, () => 600);
  const page = await plain_page(context, `<job-progress job="${job}"></job-progress><job-list></job-list>`);
  await page.locator('job-progress [part=note]:visible').waitFor();
  const as_told = () => page.evaluate(async () => {
    const { configure } = await import('/components.js');
    configure({ token: async () => (await fetch('/token?renew=false')).text() });
  });
  for (const time of [1, 2]) {
    await as_told();
    await page.locator(`job-progress[job="${job}"] [role=progressbar][aria-valuenow="10"]`).waitFor();
    await page.locator(`job-list li[data-job="${job}"]`).waitFor();
    assert.equal(await page.locator('job-progress[job] [part=note]').isVisible(), false, `after call ${time}`);
  }
  await gateway.report(job, { status: 'processing', progress: { percent: 30 } });
  await page.locator('job-list [role=progressbar][aria-valuenow="30"]').waitFor();
  assert.ok(await page.locator('job-list').evaluate((list) => list.shadowRoot.querySelector('job-progress').client === list.client), 'commands go the same way');
});

/** Puts a bell on a page that watches, and opens it. @param {Watcher} watcher */
async function opens_inbox({ page }) {
  await page.evaluate(() => document.querySelector('main').append(Object.assign(document.createElement('job-inbox'), { client: window.client })));
  const inbox = page.locator('job-inbox');
  await inbox.locator('summary').click();
  return inbox;
}

visit('a bell alone on a page leaves what ends unseen, and rings', async (context, job) => {
  await gives_tokens(context, { sub: 'ann' }, () => 600);
  const page = await plain_page(context, '');
  const told = [];
  page.on('request', (request) => request.url().includes('/seen?') && told.push(request.url()));
  await page.evaluate(async () => {
    const { configure } = await import('/components.js');
    configure({ token: async () => (await fetch('/token?renew=false')).text() });
    document.body.append(document.createElement('job-inbox'));
  });
  await page.waitForFunction(() => document.querySelector('job-inbox')?.client.connection.state === 'open');
  await gateway.report(job, { ...done, labels: { title: 'Report for Ann' } });
  await page.locator('job-inbox summary').click();
  await page.locator('job-inbox').getByText('Report for Ann').waitFor();
  assert.deepEqual(told, []);
  const unseen = await fetch(`${gateway.url}/api/inbox?owner=me`, { headers: { Authorization: `Bearer ${token_of({ sub: 'ann' })}` } });
  assert.ok((await unseen.json()).jobs.some(({ id }) => id === job));
});

visit('an inbox without an owner is that of the token\'s', async (context, job) => {
  const ended = gateway.job();
  await gateway.report(ended, { ...done, owner: 'cleo', labels: { title: 'Report for Cleo' } });
  await gives_tokens(context, { sub: 'cleo' }, () => 600);
  const inbox = await opens_inbox(await Watcher.come(context, gateway.url, job, { token: '/token' }));
  await inbox.getByText('Report for Cleo').waitFor();
  await inbox.getByRole('button', { name: 'Mark as seen: Report for Cleo' }).click();
  await inbox.getByText('Nothing new').waitFor();
});

visit('a watch link of an owner shows their inbox, from which it takes nothing', async (context, job) => {
  const ended = gateway.job();
  await gateway.report(ended, { ...done, owner: 'dora', labels: { title: 'Report for Dora' } });
  const answer = await fetch(`${gateway.url}/api/watch-links`, {
    method: 'POST', headers: { Authorization: `Bearer ${token_of({ sub: 'dora' })}` }, body: JSON.stringify({ owner: 'me' }),
  });
  const inbox = await opens_inbox(await Watcher.come(context, gateway.url, job, { link: (await answer.json()).url }));
  await inbox.getByText('Report for Dora').waitFor();
  assert.equal(await inbox.getByRole('button').count(), 0);
});

visit('other people\'s jobs are missing', async (context, job) => {
  await gives_tokens(context, { sub: 'bob' }, () => 600);
  const watcher = await Watcher.come(context, gateway.url, job, { token: '/token' });
  await watcher.sees('missing');
});

visit('who is not let in is told so, developers are told why, and the job is not said to have failed', async (context, job) => {
  const warnings = [];
  context.on('console', (message) => message.type() === 'warning' && warnings.push(message.text()));
  const page = await plain_page(context, `<job-progress job="${job}"></job-progress><job-progress job="b"></job-progress><job-list></job-list><job-inbox></job-inbox>`);
  for (const element of await page.locator('job-progress').all()) {
    await element.getByText('You are not allowed to watch this.').waitFor();
    assert.equal(await element.getAttribute('status'), 'refused');
    assert.equal(await element.getByText('Loading…').count(), 0);
    assert.equal(await element.getByRole('progressbar').count(), 0);
  }
  await page.locator('job-list').getByRole('alert').getByText('You are not allowed to watch this.').waitFor();
  assert.equal(warnings.length, 1);
  assert.match(warnings[0], /^jobcast: Say who you are/);
});

test('two people in one browser, one after the other with a cookie, do not share what they see', async () => {
  const context = await browser.newContext();
  const tabs = {};
  for (const sub of ['eve', 'finn']) {
    const own = gateway.job();
    await gateway.report(own, { status: 'processing', owner: sub });
    await context.addCookies([{ name: 'jobcast_token', value: token_of({ sub }), url: gateway.url }]);
    tabs[sub] = await plain_page(context, '<job-list></job-list>');
    await tabs[sub].locator(`job-list li[data-job="${own}"]`).waitFor();
    assert.equal(await tabs[sub].locator('job-list li').count(), 1);
  }
  assert.equal(await tabs.eve.locator('job-list li').count(), 1);
  await context.close();
});

test('two people in one browser do not share what they see', async () => {
  const context = await browser.newContext();
  const job = gateway.job();
  await gateway.report(job, { status: 'processing', owner: 'ann', progress: { percent: 10 } });
  await context.route('**/token/ann*', (route) => route.fulfill({ body: token_of({ sub: 'ann' }) }));
  await context.route('**/token/bob*', (route) => route.fulfill({ body: token_of({ sub: 'bob' }) }));
  const ann = await Watcher.come(context, gateway.url, job, { token: '/token/ann' });
  await ann.sees_percent(10);
  const bob = await Watcher.come(context, gateway.url, job, { token: '/token/bob' });
  await bob.sees('missing');
  await gateway.report(job, done);
  await ann.ended_with(outcome);
  assert.equal(await bob.page.locator('job-progress').getAttribute('status'), 'missing');
  await context.close();
});
