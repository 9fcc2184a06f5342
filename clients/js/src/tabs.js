// Tabs of one browser share one connection: who has the Web Lock leads, and the others hear from it by BroadcastChannel.
// Each tab holds a lock of its own too, so that the leader learns when it is gone, however it went. Where this fails, a tab
// goes alone; where nothing answers, it does so until something does.

import { guarded, hidden, later, page, second } from './values.js';

/** How long the leader may take to answer, then how long the whole may take. */
const patience = 1.5 * second;
const deadline = 1.9 * second;

export function can_share() {
  try {
    return !!(page && navigator.locks && BroadcastChannel);
  } catch {
    return false; // cookies are blocked
  }
}

export class Tabs {
  leads = false;
  #name;
  #id = Math.random().toString(36).slice(2);
  #on;
  #channel;
  #leave = new Set();
  #unanswered;
  #deadline;
  #alive = false;
  #heard = false;
  #robbed = false;
  #alone = false;
  #wanted = new Map();

  /**
   * on: changed() when this tab begins or ceases to lead, others want something else, or it is no longer alone; alone() when nothing answers, and
   * failed() when nothing ever will; message(m), wants(), news(keys).
   */
  constructor(name, on) {
    this.#name = `jobcast ${name}`;
    this.#on = on;
    this.#channel = new BroadcastChannel(this.#name);
    this.#channel.onmessage = ({ data }) => guarded(() => this.#hear(data));
    this.#deadline = later(() => this.#judge(), deadline);
    // Not before it has its own lock: another would think it gone.
    this.#hold(`${this.#name} ${this.#id}`, () => {
      this.#alive = true;
      this.#stand();
      this.ask();
    }).then((given_up) => given_up || this.#fail());
  }

  /** What the other tabs want, for the one that leads. */
  get others() {
    return [...this.#wanted.values()];
  }

  post(message) {
    try {
      this.#channel?.postMessage({ ...message, from: this.#id, leads: this.leads });
    } catch {
      this.#fail();
    }
  }

  /** Tells the leader what this tab wants, also when nothing was heard from it for long. One that does not answer may sleep, and is replaced. */
  ask() {
    if (!this.#channel || !this.#alive || this.leads) return;
    this.post({ wants: this.#on.wants() });
    clearTimeout(this.#unanswered);
    if (!hidden()) this.#unanswered = later(() => (this.#robbed ? this.#go_alone() : this.#steal()), patience);
  }

  leave() {
    this.leads = false;
    for (const timer of [this.#unanswered, this.#deadline]) clearTimeout(timer);
    for (const leave of this.#leave) leave();
    this.#leave.clear();
    const channel = this.#channel;
    this.#channel = undefined;
    guarded(() => channel?.close());
    this.#wanted.clear();
  }

  #fail() {
    if (!this.#channel) return;
    this.leave();
    this.#on.failed();
  }

  #go_alone() {
    this.#alone = true;
    this.#on.alone();
  }

  // A tab in the background leaves one that sleeps as well where it is.
  #judge() {
    if (!this.leads && !this.#heard && !(this.#alive && hidden())) this.#go_alone();
  }

  #steal() {
    clearTimeout(this.#deadline);
    this.#deadline = later(() => this.leads || this.#go_alone(), deadline - patience);
    this.#stand({ steal: true });
  }

  /** Whether it was given up by this tab itself, once it is. */
  async #hold(name, held, options) {
    const abort = new AbortController();
    const given_up = () => abort.signal.aborted;
    const until = new Promise((release) => abort.signal.addEventListener('abort', release));
    const leave = () => abort.abort();
    this.#leave.add(leave);
    try {
      await navigator.locks.request(name, options ?? { signal: abort.signal }, () => {
        held();
        return given_up() || until;
      });
    } catch {
      // Given up, stolen, or refused.
    }
    this.#leave.delete(leave);
    return given_up();
  }

  async #stand(options) {
    const lead = () => {
      if (!this.#channel) return;
      clearTimeout(this.#unanswered);
      this.leads = true;
      this.#alone = false;
      this.post({ hello: true });
      this.#on.changed();
    };
    const given_up = await this.#hold(this.#name, lead, options);
    if (given_up || !this.#channel) return;
    if (!this.leads) return this.#fail();
    this.leads = false; // taken by a tab that had no answer from this one
    this.#robbed = true;
    this.#on.changed();
    this.#stand();
    this.ask();
  }

  #hear({ from, leads, to, wants, hello, news, ...message }) {
    if (this.leads && wants) this.#serve(from, wants);
    if (!this.leads && leads) {
      this.#heard = true;
      this.#robbed = false;
      clearTimeout(this.#unanswered);
      this.#unanswered = later(() => hidden() || this.ask(), 40 * second);
      if (hello || this.#alone) this.ask();
      if (to === this.#id) {
        for (const event of news) this.#on.message({ event });
        if (this.#alone) this.#on.changed((this.#alone = false));
      }
    }
    if (this.leads !== leads) this.#on.message(message);
  }

  #serve(tab, wants) {
    if (!this.#wanted.has(tab))
      this.#hold(`${this.#name} ${tab}`, () => {
        this.#wanted.delete(tab);
        this.#on.changed();
      });
    this.#wanted.set(tab, wants);
    this.#on.changed();
    this.post({ to: tab, news: this.#on.news(wants.keys), connection: this.#on.connection(), behind: this.#on.behind() });
  }
}
