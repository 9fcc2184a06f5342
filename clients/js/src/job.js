// One job as a page holds it.

import { Handle } from './handle.js';
import { JobError, isFinal } from './values.js';

/** One job: its record as far as known, and what may be done. */
export class Job extends Handle {
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
    let { record } = this;
    if (!isFinal(record) && !this.closed)
      record = await new Promise((resolve) => {
        const stop = this.subscribe((now) => isFinal(now) && resolve(now, stop()), resolve, true);
      });
    if (!isFinal(record)) throw new JobError({ code: 'closed', title: 'No longer watched' });
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

  changed() {
    this.#see();
    super.changed();
  }

  // Whoever asked for this very job has now been shown how it ended.
  #see() {
    if (isFinal(this.record) && this.shows(this.record)) this.seen();
  }
}
