// Which records are news, among what may come late, twice or out of order.

const crowd = 500;

/** Which records are news: the first of each connection, the first after a reset, and otherwise higher versions only. */
export class RecordGuard {
  #versions = new Map();
  #crowd = crowd;

  connected() {
    this.#versions.clear();
  }

  /** Of a connection that goes on for days, what nobody holds any more is not kept. */
  prune(holds) {
    if (this.#versions.size < this.#crowd) return;
    for (const id of this.#versions.keys()) if (!holds(id)) this.#versions.delete(id);
    this.#crowd = 2 * this.#versions.size + crowd;
  }

  forget(id) {
    this.#versions.delete(id);
  }

  /** false: old. Else whether the version may be lower than one from before. */
  accept({ id, version }) {
    const known = this.#versions.get(id);
    if (version <= known) return false;
    this.#versions.set(id, version);
    return known === undefined ? 'first' : 'next';
  }
}
