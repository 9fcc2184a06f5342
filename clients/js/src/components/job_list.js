// <job-list owner="me"> shows many jobs, newest first, on one connection: of an owner, of a `group` of theirs, or `ids`.

import { JobElement, guarded, h, set, text } from './base.js';
import { say } from './texts.js';

export class JobList extends JobElement {
  static observedAttributes = ['owner', 'group', 'ids', 'type', 'status', 'url', 'link', 'transport'];
  #jobs;
  #items = new Map();
  #stops = [];
  #parts;
  #silence;

  /** What is shown, newest first. */
  get records() {
    return this.#jobs?.records ?? [];
  }

  start() {
    this.#build();
    const attribute = (name) => this.getAttribute(name) ?? undefined;
    const query = Object.fromEntries(['owner', 'group', 'type', 'status'].map((name) => [name, attribute(name)]).filter(([, value]) => value));
    const ids = attribute('ids')?.split(/[\s,]+/).filter(Boolean);
    this.#jobs = this.client.jobs(ids ? { ids } : query);
    for (const { job } of this.#items.values()) job.client = this.client;
    this.#stops = [this.#jobs.subscribe(() => guarded(() => this.show())), () => this.#jobs.close(), () => clearTimeout(this.#silence)];
    // Nothing says that there are none: soon after the connection opens, silence means it.
    this.#stops.push(this.client.onConnection((connection) => {
      clearTimeout(this.#silence);
      if (connection.state === 'open') this.#silence = setTimeout(() => guarded(() => this.show()), 500);
      this.#refuse();
    }));
    if (this.#items.size) this.show();
  }

  stop() {
    for (const stop of this.#stops.splice(0)) stop();
  }

  show() {
    this.keep_focus(() => this.#show(), this.#parts.all);
  }

  #refuse() {
    const refused = this.is_refused(this.client.connection);
    this.#parts.card.hidden = !refused;
    text(this.#parts.note, refused ? say('refused') : '');
    return refused;
  }

  #show() {
    const { list, empty, more } = this.#parts;
    const { records } = this;
    const refused = this.#refuse();
    const wanted = new Set(records.map(({ id }) => id));
    for (const [id, item] of this.#items)
      if (!wanted.has(id)) {
        item.remove();
        this.#items.delete(id);
      }
    let before = list.firstChild;
    for (const record of records) {
      const item = this.#item(record);
      if (item === before) before = before.nextSibling;
      else list.insertBefore(item, before);
      if (item.job.record !== record) item.job.record = record;
    }
    empty.hidden = records.length > 0 || refused;
    list.hidden = !records.length;
    text(more, this.#jobs.cursor ? say('more') : '');
    this.tell('joblist', records);
  }

  #item(record) {
    let item = this.#items.get(record.id);
    if (!item) {
      const job = document.createElement('job-progress');
      Object.assign(job, { client: this.client, record, resultOf: this.resultOf });
      job.setAttribute('exportparts', parts);
      item = h('li', 'item', { 'data-job': record.id }, job);
      item.job = job;
      this.#items.set(record.id, item);
      guarded(() => this.decorate?.(job, record));
    }
    return item;
  }

  #build() {
    if (this.#parts) return;
    const p = (this.#parts = {});
    p.list = h('ul', 'list', { hidden: true });
    p.empty = h('div', 'empty', { hidden: true }, h('slot', '', { name: 'empty' }, say('empty')));
    p.more = h('button', 'more', { type: 'button', hidden: true, onclick: () => this.#more() });
    p.note = h('p', 'note', { hidden: true, role: 'alert' });
    p.card = h('article', 'card', { hidden: true, 'data-look': 'refused' }, p.note);
    p.all = h('div', '', {}, p.card, p.list, p.empty, p.more);
    this.shadowRoot.append(p.all);
  }

  async #more() {
    const { more } = this.#parts;
    if (more.ariaDisabled) return;
    set(more, 'aria-disabled', 'true');
    await this.#jobs.more().catch(() => 0);
    set(more, 'aria-disabled', false);
    this.show();
  }
}

const parts = 'card, header, title, facts, status, track, bar, meta, step, count, eta, percent, note, error, error-title, error-detail, error-action, error-link, reference, dismiss, actions, result, open, retry, cancel';
