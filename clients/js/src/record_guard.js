// Which records are news, among what may come late, twice or out of order.

/** Which records are news: the first of each connection, the first after a reset, and otherwise higher versions only. */
export class RecordGuard {
  #versions = new Map();

  connected() {
    this.#versions.clear();
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
