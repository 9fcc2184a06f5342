// A gateway whose every word the test says: fake EventSource, WebSocket and fetch, and a clock moved by hand.

import { mock } from 'node:test';

/** Lets promises settle; timers stand still. */
export async function settled() {
  for (let n = 0; n < 30; ++n) await Promise.resolve();
}

/** @param {number} ms */
export async function pass(ms) {
  // In steps, so that what a timer starts has its own timers run in time.
  for (let left = ms; left >= 0; left -= 50) {
    await settled();
    if (left > 0) mock.timers.tick(Math.min(50, left));
  }
  await settled();
}

class FakeEventSource extends EventTarget {
  readyState = 0;
  constructor(url) {
    super();
    this.url = String(url);
    FakeGateway.now.sources.push(this);
  }
  close() {
    this.readyState = 2;
  }
  accept() {
    this.readyState = 1;
    this.onopen?.();
  }
  send(name, data, lastEventId = '') {
    if (this.readyState === 1) this.dispatchEvent(new MessageEvent(name, { data: JSON.stringify(data), lastEventId }));
  }
  /** The connection breaks, which a browser mends by itself. */
  drop() {
    if (this.readyState === 2) return;
    this.readyState = 0;
    this.onerror?.();
  }
  /** The server answers with something that makes a browser give up: an error, or 204. */
  refuse() {
    this.readyState = 2;
    this.onerror?.();
  }
}

class FakeWebSocket {
  readyState = 0;
  sent = [];
  constructor(url, protocol) {
    Object.assign(this, { url: String(url), protocol });
    FakeGateway.now.sockets.push(this);
  }
  send(text) {
    this.sent.push(JSON.parse(text));
  }
  close() {
    this.readyState = 3;
  }
  async accept() {
    this.readyState = 1;
    this.onopen();
    await settled();
  }
  say(message) {
    this.onmessage({ data: JSON.stringify(message) });
  }
  drop() {
    this.readyState = 3;
    this.onclose();
  }
}

/** One request that waits for the test's answer. */
class Asked {
  constructor(url, init) {
    Object.assign(this, { url: String(url), method: init.method ?? 'GET', headers: init.headers ?? {}, signal: init.signal, body: init.body });
    this.promise = new Promise((resolve, reject) => Object.assign(this, { resolve, reject }));
    this.signal?.addEventListener('abort', () => this.reject(new DOMException('aborted', 'AbortError')));
  }
  get path() {
    const { pathname, search } = new URL(this.url);
    return pathname + search;
  }
  async answer(status, body, headers = {}) {
    this.answered = true;
    const text = body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body);
    this.resolve(new Response(status === 204 || status === 304 ? null : text, { status, headers }));
    await settled();
  }
  async fail() {
    this.answered = true;
    this.reject(new TypeError('fetch failed'));
    await settled();
  }
  /** Begins an event stream; answers with what writes to it. */
  async stream() {
    this.answered = true;
    let controller;
    const body = new ReadableStream({ start: (c) => (controller = c) });
    this.resolve(new Response(body, { headers: { 'Content-Type': 'text/event-stream' } }));
    this.signal?.addEventListener('abort', () => {
      this.aborted = true;
      try { controller.error(new DOMException('aborted', 'AbortError')); } catch { /* ended before */ }
    });
    await settled();
    const write = async (text) => {
      controller.enqueue(new TextEncoder().encode(text));
      await settled();
    };
    return {
      write,
      send: (name, data, id) => write(`event: ${name}\n${id ? `id: ${id}\n` : ''}data: ${JSON.stringify(data)}\n\n`),
      end: async () => {
        controller.close();
        await settled();
      },
    };
  }
}

export class FakeGateway {
  static now;
  sources = [];
  sockets = [];
  requests = [];
  /** By how much this device's clock was set back. */
  set_by = 0;

  /** Takes the place of the network for one test. */
  static install() {
    const gateway = (FakeGateway.now = new FakeGateway());
    globalThis.EventSource = FakeEventSource;
    globalThis.WebSocket = FakeWebSocket;
    globalThis.fetch = (url, init = {}) => {
      const asked = new Asked(url, init);
      gateway.requests.push(asked);
      return asked.promise;
    };
    mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'Date'], now: 1_800_000_000_000 });
    mock.method(Math, 'random', () => 0.5);
    const began = Date.now();
    gateway.ticks = () => Date.now() - began + gateway.set_by;
    mock.method(performance, 'now', () => gateway.ticks());
    return gateway;
  }

  static remove() {
    mock.timers.reset();
    mock.restoreAll();
  }

  get source() {
    return this.sources.at(-1);
  }

  get socket() {
    return this.sockets.at(-1);
  }

  /** The oldest request that has no answer yet. */
  get asked() {
    return this.requests.find((one) => !one.answered && !one.signal?.aborted);
  }
}

/** A record of a running job, but for what is given. */
export const record = (given) => ({
  id: 'a', type: 'import', status: 'processing', version: 1, attempt: 1, max_attempts: 3, progress: {}, stalled: false, cancel_requested: false,
  can: [], created_at: Date.now() - 5000, updated_at: Date.now(), ...given,
});
