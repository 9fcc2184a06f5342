// Someone who watches one job in a real browser, and the account their page keeps of all it heard (pages/watch.js).

import assert from 'node:assert/strict';

/** @typedef {import('playwright-core').BrowserContext} BrowserContext */

export class Watcher {
  mishaps = [];

  /** @param {import('playwright-core').Page} page */
  constructor(page) {
    this.page = page;
    page.setDefaultTimeout(20_000);
    page.on('pageerror', (error) => this.mishaps.push(String(error)));
  }

  /**
   * @param {BrowserContext} context
   * @param {string} url of the gateway, or of what stands in front of it
   * @param {string} job
   * @param {Record<string, string>} [query]
   */
  static async come(context, url, job, query = {}) {
    const watcher = new Watcher(await context.newPage());
    await watcher.page.goto(`${url}/watch.html?${new URLSearchParams({ job, ...query })}`);
    return watcher;
  }

  account() {
    return this.page.evaluate(() => JSON.parse(JSON.stringify(window.account)));
  }

  /** @param {string} status */
  sees(status) {
    return this.page.locator(`job-progress[status="${status}"]`).waitFor();
  }

  /** @param {number} percent */
  sees_percent(percent) {
    return this.page.locator(`[role=progressbar][aria-valuenow="${percent}"]`).waitFor();
  }

  /** A state, or the way an open connection goes. @param {string|RegExp} state */
  hears_by(state) {
    return this.page.waitForFunction((pattern) => new RegExp(pattern).test(window.account?.states.at(-1)), state.source ?? `^${state}$`);
  }

  /** What must hold however it went: never backward, one outcome, told once. @param {[string, unknown]} outcome */
  async ended_with(outcome) {
    await this.page.waitForFunction(() => window.account.outcomes.length > 0);
    const { versions, outcomes, jobdone } = await this.account();
    assert.deepEqual(outcomes, [outcome]);
    assert.equal(jobdone, 1);
    const known = versions.filter((version) => version !== null && version !== undefined);
    assert.deepEqual(known, [...new Set(known)].sort((a, b) => a - b), 'no version twice, none lower than one before');
    assert.deepEqual(this.mishaps, []);
  }

  /** As switching to another tab does. @param {'hidden'|'visible'} state */
  async becomes(state) {
    await this.page.evaluate((now) => {
      Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => now });
      Object.defineProperty(document, 'hidden', { configurable: true, get: () => now === 'hidden' });
      document.dispatchEvent(new Event('visibilitychange'));
    }, state);
  }
}
