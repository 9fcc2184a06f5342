// A page of another origin: listed, it works; not listed, its elements say what to change.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { close_all, opening } from './opened.js';
import { until } from './processes.js';
import { RunningGateway } from './running_gateway.js';
import { launch } from './visitor.js';

let shop;
let page_of_shop;
const server = createServer((_, response) => response.setHeader('Content-Type', 'text/html').end(page_of_shop));
let listing;
let gateway;
let browser;
before(async () => {
  const listening = new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
  await opening(listening, (one) => (one.closeAllConnections(), one.close()));
  shop = `http://127.0.0.1:${server.address().port}`;
  [listing, gateway, browser] = await Promise.all([RunningGateway.start({ JOBCAST_CORS_ORIGINS: shop }), RunningGateway.start(), launch()]);
});
after(close_all);

/** A page of the shop with elements of a gateway, whose scripts are for everyone. */
async function visit(to, markup) {
  const page = await (await browser.newContext()).newPage();
  const said = [];
  page.on('console', (message) => /^jobcast:/.test(message.text()) && said.push(message.text()));
  await page.route(/\.js$/, async (route) => {
    const response = await route.fetch().catch(() => undefined);
    if (!response) return route.abort();
    return route.fulfill({ response, headers: { ...response.headers(), 'access-control-allow-origin': '*' } });
  });
  page_of_shop = `<!doctype html><html lang="en"><title>Shop</title><script type="module" src="${to.url}/components.js"></script>${markup}`;
  await page.goto(`${shop}/`);
  return { page, said };
}

const markup = (url, job) => `<job-progress job="${job}" url="${url}"></job-progress><job-list owner="ann" url="${url}"></job-list><job-inbox owner="ann" url="${url}"></job-inbox>`;

test('an element of a page whose origin is listed shows its job, and says nothing', async () => {
  const job = listing.job();
  await listing.report(job, { status: 'processing', progress: { percent: 40 } });
  const { page, said } = await visit(listing, markup(listing.url, job));
  await page.locator('job-progress [aria-valuenow="40"]').waitFor();
  assert.deepEqual(said, []);
  await page.context().close();
});

test('elements of a page whose origin is not listed look refused, all alike, and say once which setting to change and what to add', async () => {
  const job = gateway.job();
  await gateway.report(job, { status: 'processing' });
  const { page, said } = await visit(gateway, markup(gateway.url, job));
  await page.locator('job-progress[status=refused]').waitFor();
  await page.locator('job-list [part=note]').waitFor();
  await page.locator('job-inbox summary').click();
  await page.locator('job-inbox [part=note]').waitFor();
  const looks = await page.locator('[part=note]:visible').evaluateAll((notes) => notes.map((note) => {
    const { color, backgroundColor, borderRadius, padding } = getComputedStyle(note);
    return [note.textContent, color, backgroundColor, borderRadius, padding].join();
  }));
  assert.equal(looks.length, 3);
  assert.equal(new Set(looks).size, 1, looks.join('\n'));
  assert.deepEqual(said, [`jobcast: Pages of this origin may not watch. To allow it, add "${shop}" to cors.origins in the configuration of the gateway ${gateway.url}/.`]);
  await page.context().close();
});

test('a gateway that does not answer is no refusal, but its setting is named', async () => {
  const nowhere = 'http://127.0.0.1:9';
  const { page, said } = await visit(gateway, `<job-progress job="a" url="${nowhere}"></job-progress>`);
  await until('a word', () => said.length);
  assert.deepEqual(said, [`jobcast: The gateway does not answer. If it runs, add "${shop}" to cors.origins in the configuration of the gateway ${nowhere}/.`]);
  assert.equal(await page.locator('job-progress').getAttribute('status'), 'unknown');
  await page.context().close();
});
