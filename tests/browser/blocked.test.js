// Browsers that keep pages from Web Locks, BroadcastChannel and storage: each tab has a connection all the same.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { close_all } from './opened.js';
import { RunningGateway } from './running_gateway.js';
import { launch } from './visitor.js';
import { Watcher } from './watcher.js';

let gateway;
let browser;
before(async () => {
  [gateway, browser] = await Promise.all([RunningGateway.start(), launch()]);
});
after(close_all);

/** What a page finds before it loads anything. Each runs in the page. */
const blocked = {
  'no Web Locks': () => Object.defineProperty(Navigator.prototype, 'locks', { value: undefined }),
  'Web Locks that are refused': () => {
    LockManager.prototype.request = () => Promise.reject(new DOMException('denied', 'SecurityError'));
  },
  'Web Locks that throw when they are looked at': () =>
    Object.defineProperty(Navigator.prototype, 'locks', { get: () => { throw new DOMException('denied', 'SecurityError'); } }),
  'Web Locks that never answer': () => {
    LockManager.prototype.request = () => new Promise(() => {});
  },
  'no BroadcastChannel': () => delete window.BroadcastChannel,
  'a BroadcastChannel that is refused': () => {
    window.BroadcastChannel = class {
      constructor() {
        throw new DOMException('denied', 'SecurityError');
      }
    };
  },
  'a BroadcastChannel that delivers nothing': () => {
    BroadcastChannel.prototype.postMessage = () => {};
  },
  'no storage': () => {
    for (const name of ['localStorage', 'sessionStorage', 'indexedDB', 'caches'])
      Object.defineProperty(window, name, { get: () => { throw new DOMException('denied', 'SecurityError'); } });
  },
};

const jwt = `h.${Buffer.from(JSON.stringify({ sub: 'ann' })).toString('base64url')}.s`;

for (const [what, block] of Object.entries(blocked))
  for (const [by, query] of [['share', { share: 'viewer' }], ['token', { token: '/token' }]])
    test(`${what}, with ${by}: two tabs see their job to its end`, async () => {
      const context = await browser.newContext();
      await context.addInitScript(block);
      await context.route('**/token*', (route) => route.fulfill({ body: jwt }));
      const job = gateway.job();
      await gateway.report(job, { status: 'processing', progress: { percent: 10 } });
      const tabs = [];
      for (let n = 0; n < 2; ++n) {
        const tab = await Watcher.come(context, gateway.url, job, query);
        await tab.sees_percent(10);
        tabs.push(tab);
      }
      await gateway.report(job, { status: 'processing', progress: { percent: 60 } });
      await Promise.all(tabs.map((tab) => tab.sees_percent(60)));
      await gateway.report(job, { status: 'done', result: 1 });
      await Promise.all(tabs.map((tab) => tab.ended_with(['done', 1])));
      assert.deepEqual(tabs.flatMap(({ mishaps }) => mishaps), []);
      await context.close();
    });
