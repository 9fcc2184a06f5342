// A visitor of the demo page in a real browser: what they do and what they see.

import { chromium } from 'playwright-core';
import { opening } from './opened.js';
import { until } from './processes.js';

/** @typedef {import('playwright-core').Page} Page */
/** @typedef {import('playwright-core').Locator} Locator */

const quiet = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync',
];

export const launch = () =>
  opening(chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: quiet }), (browser) => browser.close());

export class Visitor {
  /** @type {string[]} what went wrong on the page itself */
  mishaps = [];

  /** @param {Page} page */
  constructor(page) {
    this.page = page;
    page.setDefaultTimeout(20_000);
    page.on('pageerror', (error) => this.mishaps.push(String(error)));
  }

  /**
   * @param {import('playwright-core').Browser} browser
   * @param {string} url
   * @param {import('playwright-core').BrowserContextOptions} [options]
   */
  static async come(browser, url, options) {
    const visitor = new Visitor(await (await browser.newContext(options)).newPage());
    await visitor.page.goto(url);
    await visitor.sees_connection('open');
    return visitor;
  }

  leave() {
    return this.page.context().close();
  }

  /** @param {string} sample its name */
  async start(sample) {
    const before = await this.cards.count();
    await this.page.locator(`[data-sample="${sample}"]`).click();
    await this.cards.nth(before).waitFor();
    return this.newest();
  }

  /** @param {string} name @param {string} text */
  async upload(name, text) {
    await this.page.locator('#file').setInputFiles({ name, mimeType: 'text/csv', buffer: Buffer.from(text) });
  }

  /** @param {string} name @param {string} text */
  async drop(name, text) {
    const dataTransfer = await this.page.evaluateHandle(([file_name, content]) => {
      const data = new DataTransfer();
      data.items.add(new File([content], file_name, { type: 'text/csv' }));
      return data;
    }, [name, text]);
    await this.page.dispatchEvent('#drop', 'drop', { dataTransfer });
  }

  get cards() {
    return this.page.locator('#jobs li');
  }

  /** @param {string} id */
  card(id) {
    return new Card(this.page, id);
  }

  async newest() {
    return this.card(await this.cards.first().getAttribute('data-job'));
  }

  /** @param {string} state */
  sees_connection(state) {
    return this.page.locator(`#connection[data-state="${state}"]`).waitFor();
  }
}

export class Card {
  /** @param {Page} page @param {string} id */
  constructor(page, id) {
    this.page = page;
    this.id = id;
    this.root = page.locator(`#jobs li[data-job="${id}"]`);
  }

  /** As long as the work takes: an import is bound by how fast the disk syncs. @param {string} status */
  becomes(status) {
    return this.root.locator(`job-progress[status="${status}"]`).waitFor({ timeout: 150_000 });
  }

  status() {
    return this.root.locator('job-progress').getAttribute('status');
  }

  async percent() {
    return Number(await this.root.getByRole('progressbar').getAttribute('aria-valuenow'));
  }

  /** Waits until the bar stands higher, and says where. @param {number} percent */
  passes(percent, seconds = 60) {
    return until(`a bar above ${percent} percent`, async () => {
      const now = await this.percent();
      return now > percent && now;
    }, seconds);
  }

  /** @param {string} part what it reads, if it is to be seen */
  async text(part) {
    const found = this.root.locator(`[part~="${part}"]`);
    return (await found.isVisible()) ? found.innerText() : undefined;
  }

  /** @param {string} name */
  button(name) {
    return this.root.getByRole('button', { name });
  }
}
