// Tabs of one browser share one connection: who has the Web Lock leads, and the others hear from it by BroadcastChannel.
// Each tab holds a lock of its own too, so that the leader learns when it is gone, however it went.

import { hidden, page, second } from './values.js';

export const can_share = () => page && navigator.locks;

export class Tabs {
  leads = false;
  #name;
  #id = Math.random().toString(36).slice(2);
  #on;
  #channel;
  #leave = [];
  #unanswered;
  #alive = false;
  #wanted = new Map();

  /** on: changed() when this tab begins or ceases to lead or others want something else; hello(), message(m), wants(), news(keys). */
  constructor(name, on) {
    this.#name = `jobcast ${name}`;
    this.#on = on;
    this.#channel = new BroadcastChannel(this.#name);
    this.#channel.onmessage = ({ data }) => this.#hear(data);
    // Not before it has its own lock: another would think it gone.
    this.#hold(`${this.#name} ${this.#id}`, () => {
      this.#alive = true;
      this.#stand();
      this.ask();
    });
  }

  /** What the other tabs want, for the one that leads. */
  get others() {
    return [...this.#wanted.values()];
  }

  post(message) {
    this.#channel?.postMessage({ ...message, from: this.#id, leads: this.leads });
  }

  /** Tells the leader what this tab wants, also when nothing was heard from it for long. One that does not answer may sleep, and is replaced. */
  ask() {
    if (!this.#channel || !this.#alive || this.leads) return;
    this.post({ wants: this.#on.wants() });
    clearTimeout(this.#unanswered);
    if (!hidden()) this.#unanswered = setTimeout(() => this.#stand({ steal: true }), 5 * second);
  }

  leave() {
    this.leads = false;
    clearTimeout(this.#unanswered);
    for (const leave of this.#leave.splice(0)) leave();
    this.#channel?.close();
    this.#channel = undefined;
    this.#wanted.clear();
  }

  /** Whether it was given up by this tab itself, once it is. */
  #hold(name, held, options) {
    const abort = new AbortController();
    const given_up = () => abort.signal.aborted;
    const until = new Promise((release) => abort.signal.addEventListener('abort', release));
    this.#leave.push(() => abort.abort());
    return navigator.locks.request(name, options ?? { signal: abort.signal }, () => {
      held();
      return given_up() || until;
    }).then(given_up, given_up);
  }

  async #stand(options) {
    const lead = () => {
      if (!this.#channel) return;
      clearTimeout(this.#unanswered);
      this.leads = true;
      this.post({ hello: true });
      this.#on.changed();
    };
    const given_up = await this.#hold(this.#name, lead, options);
    if (given_up || !this.leads) return;
    this.leads = false; // taken by a tab that had no answer from this one
    this.#on.changed();
    this.#stand();
    this.ask();
  }

  #hear({ from, leads, to, wants, hello, news, ...message }) {
    if (this.leads && wants) this.#serve(from, wants);
    if (!this.leads && leads) {
      clearTimeout(this.#unanswered);
      this.#unanswered = setTimeout(() => hidden() || this.ask(), 40 * second);
      if (hello) this.ask();
      if (to === this.#id) for (const event of news) this.#on.message({ event });
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
    this.post({ to: tab, news: this.#on.news(wants.keys), connection: this.#on.connection() });
  }
}
