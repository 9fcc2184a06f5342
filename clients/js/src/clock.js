// The gateway's time, whatever this device's clock says, and however it jumps.

import { second, ticks } from './values.js';

const lasting = 3;

export class Clock {
  /** What was told lately, each as how far the gateway's time is ahead of `ticks`. The greatest came the quickest. */
  #told = [];
  #dated;
  /** By how much this device's clock seems to be behind, by what records say. */
  #behind = 0;

  /** Milliseconds since the epoch. */
  now() {
    const ahead = this.#told.length ? Math.max(...this.#told) : this.#dated;
    return ahead === undefined ? Date.now() + this.#behind : Math.round(ticks() + ahead);
  }

  /** An event `time`. */
  told(now) {
    if (!Number.isFinite(now)) return;
    this.#told = [...this.#told, now - ticks()].slice(-lasting);
  }

  /** A header `Date`: whole seconds, and late by the way here. It tells what slept from what jumped. */
  dated(header) {
    const time = Date.parse(header) + second / 2;
    if (!time) return;
    const off = time - this.now();
    if (this.#told.length ? off < 2 * second : this.#dated !== undefined && Math.abs(off) < 2 * second) return;
    this.#told = [];
    this.#dated = (Math.abs(time - Date.now()) < 2 * second ? Date.now() : time) - ticks();
  }

  /** A record, which may be old unless it is `news`: what just happened tells the clocks apart, and what is yet to come cannot have happened. */
  recorded(updated_at, news) {
    const behind = updated_at - Date.now();
    if (!Number.isFinite(behind)) return;
    if (behind > this.#behind || news) this.#behind = Math.abs(behind) < 2 * second ? 0 : behind;
  }

  /** What another tab of this device knows. */
  told_by(behind) {
    this.told(Date.now() + behind);
  }

  /** For other tabs, which have the same device's clock. Undefined until the gateway told the time. */
  get behind() {
    return this.#told.length || this.#dated ? this.now() - Date.now() : undefined;
  }
}
