// Many jobs as a page holds them.

import { follow } from './follow.js';

/** Many jobs: of an owner, of a group of theirs, or by id. */
export class Jobs {
  cursor;
  #client;
  #query;
  #ids;
  #subscribers = new Set();
  #closed = false;

  constructor(client, { ids, owner = 'me', ...query }) {
    this.#client = client;
    this.#ids = ids;
    this.#query = { owner, ...query };
    this.key = ids ? undefined : `owner:${owner}`;
    this.keys = ids ? ids.map((id) => `job:${id}`) : [this.key];
    client.attach(this);
    // The feed's snapshot holds an owner's newest; a group's may be older.
    if (query.group) this.more().catch(() => 0);
  }

  /** Newest first. */
  get records() {
    const all = this.#ids ? this.#client.known.list(this.#ids) : this.#client.known.owned(this.#query.owner);
    const wanted = ({ group, type, status }) => {
      const { group: g = group, type: t = type, status: s = status } = this.#query;
      return g === group && t === type && s.split(',').includes(status);
    };
    return all.filter(wanted).sort((a, b) => b.created_at - a.created_at || (a.id < b.id ? 1 : -1));
  }

  get closed() {
    return this.#closed;
  }

  subscribe(call, closed) {
    const subscriber = { call, closed };
    this.#subscribers.add(subscriber);
    if (this.records.length) call(this.records, this);
    return () => this.#subscribers.delete(subscriber);
  }

  async *[Symbol.asyncIterator]() {
    yield* follow(this, () => this.records, () => false);
  }

  /** Older ones. */
  async more() {
    const { jobs, cursor } = await this.#client.list({ ...this.#query, ...(this.cursor && { cursor: this.cursor }) });
    this.cursor = cursor;
    for (const data of jobs) this.#client.apply({ owner: this.#query.owner, name: 'job', data });
  }

  close() {
    if (this.#closed) return;
    this.#closed = true;
    this.#client.detach(this);
    for (const { closed } of this.#subscribers) closed?.();
    this.#subscribers.clear();
  }

  covers(id, owner) {
    return this.#ids ? this.#ids.includes(id) : owner === this.#query.owner || this.#client.known.owns(this.#query.owner, id);
  }

  changed() {
    for (const { call } of [...this.#subscribers]) call(this.records, this);
  }
}
