// What a tab knows: records, whose they are, which are missing, and how far this clock is off.

import { second } from './values.js';

export class Records {
  /** Milliseconds by which this clock is ahead of the gateway's. */
  skew = 0;
  #records = new Map();
  #missing = new Set();
  #owned = new Map();
  #cursors = new Map();

  get(id) {
    return this.#records.get(id);
  }

  list(ids) {
    return ids.map((id) => this.get(id)).filter(Boolean);
  }

  owned(owner) {
    return this.list([...(this.#owned.get(owner) ?? [])]);
  }

  owns(owner, id) {
    return !!this.#owned.get(owner)?.has(id);
  }

  missing(id) {
    return this.#missing.has(id);
  }

  cursor(owner) {
    return this.#cursors.get(owner);
  }

  /** Takes in an event of a lane. Whether anything changed. `first` lets a version be lower than one from before. */
  apply({ owner, name, data, news, first }) {
    const { id } = data;
    const known = this.get(id);
    if (name === 'more') {
      this.#cursors.set(owner, data.cursor);
    } else if (name === 'missing') {
      if (this.missing(id)) return false;
      this.#records.delete(id);
      for (const ids of this.#owned.values()) ids.delete(id);
      this.#missing.add(id);
    } else if (name === 'job') {
      const joins = owner && !this.owns(owner, id);
      if (joins) this.#owned.set(owner, (this.#owned.get(owner) ?? new Set()).add(id));
      // What just happened tells the clocks apart, and what is yet to come cannot have happened.
      const ahead = Date.now() - data.updated_at;
      if (ahead < this.skew || news === 'next') this.skew = Math.abs(ahead) < 2 * second ? 0 : ahead;
      if (known?.version === data.version && known.updated_at === data.updated_at) return joins;
      if (known && data.version <= known.version && !first) return joins;
      this.#records.set(id, data);
      this.#missing.delete(id);
    }
    return true;
  }

  /** What brings another tab up to date. */
  *events(key) {
    const name = key.slice(key.indexOf(':') + 1);
    if (key.startsWith('owner:')) {
      for (const data of this.owned(name)) yield { owner: name, name: 'job', data, first: true };
      if (this.cursor(name)) yield { owner: name, name: 'more', data: { cursor: this.cursor(name) } };
    } else if (this.get(name)) yield { name: 'job', data: this.get(name), first: true };
    else if (this.missing(name)) yield { name: 'missing', data: { id: name } };
  }
}
