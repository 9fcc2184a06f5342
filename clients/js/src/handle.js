// What a page holds: who subscribed to it, and until when.

import { guarded } from './values.js';

export class Handle {
  closed = false;
  subscribers = new Set();

  /** seen: whether what it shows counts as seen by the viewer. */
  constructor(client, keys, seen = client.options.seen) {
    this.client = client;
    this.keys = keys;
    this.telling_seen = seen;
    client.attach(this);
  }

  /** Called with what there is, now if there is something to say and then with every change. `silent` shows nothing to anybody. */
  subscribe(call, closed, silent) {
    const subscriber = { call, closed, silent };
    this.subscribers.add(subscriber);
    if (this.telling) guarded(call, this.value, this);
    return () => this.subscribers.delete(subscriber);
  }

  /** What is new each time it is asked; what came in between is skipped. */
  async *[Symbol.asyncIterator]() {
    let wake;
    let news = true;
    const tell = () => {
      news = true;
      wake?.();
    };
    const stop = this.subscribe(tell, tell);
    try {
      while (!this.closed) {
        if (!news) await new Promise((resolve) => (wake = resolve));
        news = false;
        const { value } = this;
        if (value && !this.closed) yield value;
        if (this.is_last(value)) return;
      }
    } finally {
      stop();
    }
  }

  covers(id, owner) {
    return this.keys.some((key) => key === `job:${id}` || key === `owner:${owner}` || this.client.known.owns(key, id));
  }

  close() {
    if (this.closed) return;
    this.closed = true;
    this.client.detach(this);
    for (const { closed } of this.subscribers) if (closed) guarded(closed);
    this.subscribers.clear();
  }

  /** Whether somebody is shown this record, and not just counts it. */
  shows(record) {
    return this.telling_seen && [...this.subscribers].some(({ silent }) => !silent) && [].concat(this.value).includes(record);
  }

  changed() {
    for (const { call } of [...this.subscribers]) guarded(call, this.value, this);
  }
}
