// What a tab knows: records, whose they are, and which are missing.

import { isFinal } from './values.js';

/** So many of an owner's jobs that ended are kept, and what was asked for besides. */
const room = 200;

export class Records {
  #records = new Map();
  #missing = new Set();
  #feeds = new Map(); // by key, `owner:<owner>`
  #keys;
  #clock;

  constructor(clock) {
    this.#clock = clock;
  }

  get(id) {
    return this.#records.get(id);
  }

  list(ids) {
    return ids.map((id) => this.get(id)).filter(Boolean);
  }

  owned(key) {
    return this.list([...(this.#feeds.get(key)?.ids ?? [])]);
  }

  owns(key, id) {
    return this.#feeds.get(key)?.ids.has(id);
  }

  missing(id) {
    return this.#missing.has(id);
  }

  /** Takes in an event of a lane. Whether anything changed. `first` lets a version be lower than one from before. */
  apply({ owner, name, data, news, first, older }) {
    const { id } = data;
    const known = this.get(id);
    const key = `owner:${owner}`;
    if (owner && !this.#feeds.has(key)) this.#feeds.set(key, { ids: new Set(), room });
    const feed = this.#feeds.get(key);
    if (name === 'more') {
      feed.cursor = data.cursor;
    } else if (name === 'missing') {
      if (this.missing(id)) return false;
      this.#records.delete(id);
      for (const { ids } of this.#feeds.values()) ids.delete(id);
      this.#missing.add(id);
    } else if (name === 'job') {
      const joins = feed && feed.ids.size < feed.ids.add(id).size;
      if (joins && older) ++feed.room;
      this.#clock.recorded(data.updated_at, news === 'next');
      if (known && known.version === data.version && known.updated_at === data.updated_at) return joins;
      if (known && data.version <= known.version && !first) return joins;
      this.#records.set(id, data);
      this.#missing.delete(id);
      if (feed) this.#trim(key, feed);
    }
    return true;
  }

  /** Forgets what none of these keys asks for. */
  keep(keys) {
    this.#keys = keys;
    for (const key of this.#feeds.keys()) if (!keys.has(key)) this.#feeds.delete(key);
    for (const id of [...this.#records.keys(), ...this.#missing]) this.#forget(id);
  }

  #trim(key, feed) {
    const ended = this.owned(key).filter(isFinal).sort((a, b) => b.updated_at - a.updated_at);
    for (const { id } of ended.slice(feed.room)) {
      feed.ids.delete(id);
      this.#forget(id);
    }
  }

  #forget(id) {
    if (this.#keys?.has(`job:${id}`) || [...this.#feeds.values()].some(({ ids }) => ids.has(id))) return;
    this.#records.delete(id);
    this.#missing.delete(id);
  }

  /** What brings another tab up to date. */
  *events(key) {
    const [, kind, id] = /(.*?):(.*)/.exec(key);
    const owner = kind === 'owner' ? id : undefined;
    const { cursor } = this.#feeds.get(key) ?? {};
    for (const data of owner ? this.owned(key) : this.list([id])) yield { owner, name: 'job', data, first: true };
    if (cursor) yield { owner, name: 'more', data: { cursor } };
    if (!owner && this.missing(id)) yield { name: 'missing', data: { id } };
  }
}
