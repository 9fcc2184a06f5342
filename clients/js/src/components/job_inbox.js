// <job-inbox> is a bell: how many outcomes the viewer has not seen, which, and how to put them away.

import { isFinal } from '../index.js';
import { JobElement, guarded, h, set, text, warn } from './base.js';
import { say } from './texts.js';
import { look_of, shown_of, status_of, title_of } from './words.js';

/** Made by hand, since a page may forbid to make it from text. */
function bell() {
  const made = (tag, given) => {
    const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
    for (const [name, value] of Object.entries(given)) set(element, name, value);
    return element;
  };
  const svg = made('svg', { viewBox: '0 0 24 24', 'aria-hidden': 'true' });
  svg.append(made('path', { d: 'M6 10a6 6 0 0 1 12 0c0 5 2 6 2 7H4c0-1 2-2 2-7M10 20.5a2.2 2.2 0 0 0 4 0' }));
  return svg;
}

export class JobInbox extends JobElement {
  static observedAttributes = ['owner', 'url', 'link', 'transport'];
  #unseen = [];
  #finals = new Set();
  #stops = [];
  #parts;
  #due;
  #refused = false; // to read
  #cut = false; // to listen

  start() {
    this.#build();
    this.#unseen = [];
    this.show();
    const jobs = this.client.jobs({ ...this.#query, seen: false });
    const heard = () => {
      const finals = jobs.records.filter(isFinal).map(({ id, attempt, version }) => `${id} ${attempt} ${version}`);
      if (finals.every((key) => this.#finals.has(key))) return;
      this.#finals = new Set(finals);
      this.#soon();
    };
    const again = setInterval(() => document.hidden || this.refresh(), 60_000);
    const until = new AbortController();
    for (const name of ['pointerdown', 'focusin', 'keydown']) document.addEventListener(name, (event) => this.#leave(event), until);
    addEventListener('resize', () => this.#place(), until);
    this.#stops = [this.client.onConnection((connection) => this.#connected(connection)), jobs.subscribe(heard), () => jobs.close(), () => clearInterval(again), () => until.abort()];
    this.refresh();
  }

  stop() {
    this.#due = clearTimeout(this.#due);
    for (const stop of this.#stops.splice(0)) stop();
  }

  #connected(connection) {
    const cut = this.is_refused(connection);
    if (cut === this.#cut) return;
    this.#cut = cut;
    guarded(() => this.show());
  }

  // What was just shown elsewhere on the page is told as seen first.
  #soon() {
    this.#due ??= setTimeout(() => {
      this.#due = undefined;
      this.refresh();
    }, 1000);
  }

  get #query() {
    return { owner: this.getAttribute('owner') ?? 'me' };
  }

  async refresh() {
    try {
      this.#unseen = (await this.client.inbox(this.#query)).jobs ?? [];
      this.#refused = false;
    } catch ({ status, message }) {
      if (status) warn(message);
      this.#refused = status === 401 || status === 403;
    }
    if (this.#stops.length) guarded(() => this.show());
  }

  show() {
    this.keep_focus(() => this.#show(), this.#parts.summary);
  }

  #show() {
    const { badge, summary, panel } = this.#parts;
    const n = this.#unseen.length;
    const refused = this.#refused || this.#cut || this.is_refused(this.client.connection);
    text(badge, n ? String(n) : '');
    set(summary, 'aria-label', say('inbox', { n }));
    const all = h('button', 'all-seen', { type: 'button', onclick: () => this.#put_away(this.#unseen) }, say('all_seen'));
    const rest = refused
      ? h('div', '', { 'data-look': 'refused' }, h('p', 'note', { role: 'alert' }, say('refused')))
      : !n ? h('p', 'empty', {}, say('nothing')) : n > 1 && !this.#only_reads ? all : '';
    panel.replaceChildren(...this.#unseen.map((record) => this.#outcome(record)), rest);
    this.#place();
    this.tell('inboxchange', this.#unseen);
  }

  get #only_reads() {
    return this.client.options.link;
  }

  #outcome(one) {
    const record = shown_of(one);
    const words = [status_of(record), record.error?.title].filter(Boolean).join(' · ');
    const button = h('button', 'seen', { type: 'button', 'aria-label': `${say('seen')}: ${title_of(record)}`, onclick: () => this.#put_away([one]) }, say('dismiss'));
    return h('article', 'outcome', { 'data-look': look_of(record) }, h('strong', '', {}, title_of(record)), h('p', '', {}, words), this.#only_reads ? '' : button);
  }

  #put_away(records) {
    for (const record of records) this.client.seen(record);
    this.#unseen = this.#unseen.filter((record) => !records.includes(record));
    this.show();
    this.#parts.summary.focus();
  }

  // Within the page, whichever side the bell is on.
  #place() {
    const { style } = this.#parts.panel;
    style.translate = '';
    const { left, right } = this.#parts.panel.getBoundingClientRect();
    style.translate = `${Math.max(8 - left, Math.min(0, document.documentElement.clientWidth - 8 - right))}px`;
  }

  // Escape, or whatever is done elsewhere on the page.
  #leave(event) {
    const { inbox, summary } = this.#parts;
    const escape = event.key === 'Escape';
    if (!inbox.open || (event.type === 'keydown' ? !escape : event.composedPath().includes(this))) return;
    inbox.open = false;
    if (!escape) return;
    event.preventDefault();
    summary.focus();
  }

  #build() {
    if (this.#parts) return;
    const p = (this.#parts = {});
    p.badge = h('span', 'badge', { hidden: true, 'aria-hidden': 'true' });
    p.summary = h('summary', 'bell');
    p.summary.append(bell(), p.badge);
    p.panel = h('div', 'panel');
    p.inbox = h('details', 'inbox', { ontoggle: () => this.#place() }, p.summary, p.panel);
    this.shadowRoot.append(p.inbox);
  }
}
