// One job as a page holds it.

import { follow } from './follow.js';
import { JobError, isFinal } from './values.js';

/** One job: its record as far as known, and what may be done. */
export class Job {
  #client;
  #subscribers = new Set();
  #outcome;
  #closed = false;

  constructor(client, id) {
    this.#client = client;
    this.id = id;
    this.keys = [`job:${id}`];
    client.attach(this);
  }

  get record() {
    return this.#client.known.get(this.id);
  }

  get missing() {
    return this.#client.known.missing(this.id);
  }

  /** Called with the record, now if known and then with every change; without one when the job is missing. */
  subscribe(call, closed) {
    const subscriber = { call, closed };
    this.#subscribers.add(subscriber);
    if (this.record || this.missing) call(this.record, this);
    this.#see();
    return () => this.#subscribers.delete(subscriber);
  }

  /** Resolves with the result; rejects with a JobError if the job failed, was cancelled, or this is closed first. */
  done() {
    const { record } = this;
    if (!isFinal(record) && this.#closed) return Promise.reject(new JobError({ code: 'closed', title: 'No longer watched' }));
    if (!isFinal(record)) {
      this.#outcome ??= {};
      return (this.#outcome.promise ??= new Promise((resolve, reject) => Object.assign(this.#outcome, { resolve, reject })));
    }
    if (record.status === 'done') return Promise.resolve(record.result);
    return Promise.reject(new JobError(record.error ?? { code: record.status, title: `The job was ${record.status}` }, record));
  }

  async *[Symbol.asyncIterator]() {
    yield* follow(this, () => this.record, isFinal);
  }

  cancel() {
    return this.#client.cancel(this.id);
  }

  retry() {
    return this.#client.retry(this.id);
  }

  seen() {
    return this.#client.seen(this.record);
  }

  close() {
    if (this.#closed) return;
    this.#closed = true;
    this.#client.detach(this);
    this.#outcome?.reject(new JobError({ code: 'closed', title: 'No longer watched' }));
    this.#outcome = undefined;
    for (const { closed } of this.#subscribers) closed?.();
    this.#subscribers.clear();
  }

  get closed() {
    return this.#closed;
  }

  covers(id) {
    return id === this.id;
  }

  changed() {
    for (const { call } of [...this.#subscribers]) call(this.record, this);
    if (!isFinal(this.record)) return;
    const outcome = this.#outcome;
    this.#outcome = undefined;
    if (outcome) this.done().then(outcome.resolve, outcome.reject);
    this.#see();
  }

  // Whoever asked for this very job has now been shown how it ended.
  #see() {
    if (isFinal(this.record) && !this.#closed && this.#client.options.seen && this.#subscribers.size) this.seen();
  }
}
