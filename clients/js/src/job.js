// One job as a page holds it.

import { Handle } from './handle.js';
import { JobError, isFinal } from './values.js';

const closed = () => new JobError({ code: 'closed', title: 'No longer watched' });

/** One job: its record as far as known, and what may be done. */
export class Job extends Handle {
  #outcome;

  constructor(client, id, { seen } = {}) {
    super(client, [`job:${id}`], seen);
    this.id = id;
  }

  get record() {
    return this.client.known.get(this.id);
  }

  get missing() {
    return this.client.known.missing(this.id);
  }

  get value() {
    return this.record;
  }

  get telling() {
    return this.record || this.missing;
  }

  is_last(record) {
    return isFinal(record);
  }

  subscribe(...given) {
    const stop = super.subscribe(...given);
    this.#see();
    return stop;
  }

  /** Resolves with the result; rejects with a JobError if the job failed, was cancelled, or this is closed first. */
  async done() {
    const { record } = this;
    if (!isFinal(record)) {
      if (this.closed) throw closed();
      this.#outcome ??= {};
      return (this.#outcome.promise ??= new Promise((resolve, reject) => Object.assign(this.#outcome, { resolve, reject })));
    }
    if (record.status === 'done') return record.result;
    throw new JobError(record.error ?? { code: record.status, title: `The job was ${record.status}` }, record);
  }

  cancel() {
    return this.client.cancel(this.id);
  }

  retry() {
    return this.client.retry(this.id);
  }

  seen() {
    return this.client.seen(this.record);
  }

  close() {
    super.close();
    this.#outcome?.reject(closed());
    this.#outcome = undefined;
  }

  covers(id) {
    return id === this.id;
  }

  changed() {
    super.changed();
    if (!isFinal(this.record)) return;
    const outcome = this.#outcome;
    this.#outcome = undefined;
    if (outcome) this.done().then(outcome.resolve, outcome.reject);
    this.#see();
  }

  // Whoever asked for this very job has now been shown how it ended.
  #see() {
    if (isFinal(this.record) && this.shows(this.record)) this.seen();
  }
}
