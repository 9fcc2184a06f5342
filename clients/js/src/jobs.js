// Many jobs as a page holds them.

import { Handle } from './handle.js';

/** Many jobs: of an owner, of a group of theirs, or by id. */
export class Jobs extends Handle {
  cursor;
  #query;
  #ids;

  constructor(client, { ids, owner = 'me', seen, ...query }) {
    super(client, ids ? ids.map((id) => `job:${id}`) : [`owner:${owner}`], seen);
    this.#ids = ids;
    this.#query = { owner, ...query };
    // The feed's snapshot holds an owner's newest; a group's may be older.
    if (query.group) this.more().catch(() => 0);
  }

  /** Newest first. */
  get records() {
    const all = this.#ids ? this.client.known.list(this.#ids) : this.client.known.owned(this.keys[0]);
    const wanted = ({ group, type, status }) => {
      const { group: g = group, type: t = type, status: s } = this.#query;
      return g === group && t === type && (!s || s.split(',').includes(status));
    };
    return all.filter(wanted).sort((a, b) => b.created_at - a.created_at || (a.id < b.id ? 1 : -1));
  }

  get value() {
    return this.records;
  }

  get telling() {
    return this.records.length;
  }

  is_last() {}

  /** Older ones. */
  async more() {
    const { jobs, cursor } = await this.client.list({ ...this.#query, ...(this.cursor && { cursor: this.cursor }) });
    this.cursor = cursor;
    for (const data of jobs) this.client.apply({ owner: this.#query.owner, name: 'job', data, older: true });
  }
}
