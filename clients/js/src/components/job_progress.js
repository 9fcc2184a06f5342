// <job-progress job="..."> shows one job: how far it is, what it waits for, what failed and what to do, and offers what
// it can do. Built once and changed in place, so that focus and animations survive every update.

import { isFinal } from '../index.js';
import { JobElement, guarded, h, set, text } from './base.js';
import { say } from './texts.js';
import { count_of, facts_of, left_of, look_of, note_of, number, shown_of, status_of, title_of, web_address } from './words.js';

export class JobProgress extends JobElement {
  static observedAttributes = ['job', 'url', 'link', 'transport', 'label'];
  #job;
  #stops = [];
  #given;
  #told;
  #ended;
  #away;
  #status;
  #dismissed;
  #parts;
  #ticking;

  /** What is shown. Set it to show a record that someone else watches, as job-list does. */
  get record() {
    return this.#given ?? this.#job?.record;
  }

  set record(record) {
    this.#given = record;
    if (this.#stops.length) guarded(() => this.show());
  }

  start() {
    this.#build();
    const id = this.getAttribute('job');
    if (!this.#given && id) {
      this.#job = this.client.job(id);
      this.#stops.push(() => this.#job.close(), this.#job.subscribe(() => this.show()));
    }
    this.#stops.push(this.client.onConnection(() => guarded(() => this.show())));
    this.#stops.push(() => clearTimeout(this.#ticking));
    this.show();
  }

  stop() {
    for (const stop of this.#stops.splice(0).reverse()) stop();
    this.#job = undefined;
  }

  show() {
    this.keep_focus(() => this.#show(), this.#parts.card);
  }

  #show() {
    const record = this.#shown();
    const p = this.#parts;
    const refused = this.is_refused(this.client.connection);
    const look = record ? look_of(record) : this.#job?.missing ? 'missing' : refused ? 'refused' : 'unknown';
    set(p.card, 'data-look', look);
    set(this, 'status', look);
    p.header.hidden = look === 'refused' && !this.getAttribute('label') && !this.querySelector('[slot=title]');
    text(p.status, record ? status_of(record) : look === 'refused' ? '' : say(look));
    const title = this.getAttribute('label') ?? (record ? title_of(record) : '');
    text(p.title_text, title);
    this.#show_bar(record, title || say('processing'), look);
    this.#show_error(record);
    this.#show_end(record);
    this.#tick();
    if (record) this.#tell(record, title);
  }

  #shown() {
    return this.record && shown_of(this.record);
  }

  #build() {
    if (this.#parts) return;
    const p = (this.#parts = {});
    const part = (name, tag = 'p', ...rest) => (p[name] = h(tag, name.replaceAll('_', '-'), ...rest));
    const button = (name) => part(name, 'button', { type: 'button', onclick: () => this.#command(name) });
    p.title_text = h('span');
    p.said = h('div', '', { class: 'unseen', 'aria-live': 'polite' });
    part('result_text', 'span');
    part('card', 'article', {},
      part('header', 'header', {}, h('div', 'title', {}, h('slot', '', { name: 'title' }, p.title_text), part('facts')), part('status', 'span')),
      part('track', 'div', { role: 'progressbar', 'aria-valuemin': 0, 'aria-valuemax': 100 }, part('bar', 'div')),
      part('meta', 'div', {}, part('step', 'span'), part('count', 'span'), part('eta', 'span'), part('percent', 'span')),
      part('note'),
      part('error', 'section', {}, part('error_title'), part('error_detail'), part('error_action'),
        part('error_more', 'div', {}, part('error_link', 'a', { target: '_blank', rel: 'noopener' }), part('reference', 'span'),
          part('dismiss', 'button', { type: 'button', onclick: () => this.#dismiss() }))),
      part('actions', 'footer', {}, part('result', 'div', {}, h('slot', '', { name: 'result' }, p.result_text)),
        part('open', 'a', { target: '_blank', rel: 'noopener' }), button('retry'), button('cancel')),
      part('refused', 'p', { hidden: true, role: 'alert' }));
    this.shadowRoot.append(p.card, p.said);
  }

  #show_bar(record, title, look) {
    const p = this.#parts;
    const { percent, step, message } = record?.progress ?? {};
    const lang = this.lang_now;
    const unknown = percent === undefined && (!record || record.status === 'processing');
    const shown = percent === undefined ? '' : number(Math.floor(percent) / 100, lang, { style: 'percent' });
    p.track.hidden = record ? record.status === 'done' || (isFinal(record) && !percent) : look !== 'unknown';
    set(p.track, 'data-unknown', unknown);
    set(p.track, 'aria-label', say('progress', { title }));
    set(p.track, 'aria-valuenow', percent === undefined ? undefined : Math.floor(percent));
    // What ended before it got anywhere got to no figure.
    const nowhere = isFinal(record) && !percent && !record.progress.current;
    const count = record && record.status !== 'done' && !nowhere ? count_of(record, lang) : '';
    set(p.track, 'aria-valuetext', [shown || status_of_or(record), count, step].filter(Boolean).join(', '));
    p.bar.style.inlineSize = unknown ? '' : `${percent ?? 0}%`;
    text(p.step, record && !isFinal(record) ? [step, message].filter(Boolean).join(' · ') : '');
    text(p.count, count);
    text(p.percent, record?.status === 'done' || nowhere ? '' : shown);
  }

  #show_error(record) {
    const p = this.#parts;
    const error = record?.status === 'failed' ? (record.error ?? {}) : undefined;
    p.error.hidden = !error || this.#dismissed === key_of(record);
    if (!error) return;
    const link = web_address(error.link, this.client.requests.base);
    const high = error.severity === 'high';
    set(p.error, 'data-severity', high ? 'high' : 'low');
    text(p.error_title, error.title ?? say('job_failed'));
    text(p.error_detail, error.detail);
    set(p.error_action, 'data-label', say('to_do'));
    text(p.error_action, error.action);
    text(p.error_link, link && say('link'));
    set(p.error_link, 'href', link);
    text(p.reference, error.reference && say('reference', error));
    text(p.dismiss, high ? '' : say('dismiss'));
    p.error_more.hidden = !link && !error.reference && p.dismiss.hidden;
  }

  #show_end(record) {
    const p = this.#parts;
    const done = record?.status === 'done';
    const said = (done && (guarded(() => this.resultOf?.(this.record)) ?? described(record.result))) || {};
    const url = said.url && web_address(said.url, this.client.requests.base);
    p.result.hidden = !done;
    text(p.result_text, said.text);
    text(p.open, url && (said.label ?? say('open')));
    set(p.open, 'href', url);
    const can = (name) => !this.client.options.link && record?.can.includes(name) && !(name === 'cancel' && record.cancel_requested);
    for (const name of ['retry', 'cancel']) {
      text(p[name], can(name) ? say(name) : '');
      if (this.#told !== this.record) set(p[name], 'aria-disabled', false);
    }
    p.actions.hidden = p.retry.hidden && p.cancel.hidden && p.open.hidden && (p.result.hidden || (p.result_text.hidden && !this.querySelector('[slot=result]')));
  }

  // What changes as time goes by.
  #tick() {
    const p = this.#parts;
    const record = this.#shown();
    const { state } = this.client.connection;
    const now = this.client.now();
    clearTimeout(this.#ticking);
    if (record && !isFinal(record)) this.#ticking = setTimeout(() => guarded(() => this.#tick()), 1000);
    // A connection that comes back at once is nobody's business.
    this.#away = !/waiting|paused/.test(state) ? undefined : (this.#away ?? performance.now());
    const away = performance.now() - this.#away > 2000 && !!record && !isFinal(record);
    set(p.card, 'data-away', away);
    text(p.facts, record ? facts_of(record, now, this.lang_now) : '');
    text(p.eta, record ? left_of(record, now, this.lang_now) : '');
    const trouble = p.card.dataset.look === 'refused' ? say('refused') : away ? say('away') : '';
    text(p.note, (record && note_of(record, now, this.lang_now)) || trouble);
    p.meta.hidden = [p.step, p.count, p.eta, p.percent].every((part) => part.hidden);
  }

  #tell(record, title) {
    if (this.record === this.#told) return;
    this.#told = this.record;
    const status = `${look_of(record)} ${record.attempt}`;
    if (this.#status && status !== this.#status) {
      const { title: what, action } = (record.status === 'failed' && record.error) || {};
      text(this.#parts.said, [`${title}: ${status_of(record)}`, what, action].filter(Boolean).join('. '));
    }
    this.#status = status;
    text(this.#parts.refused);
    this.tell('jobchange', this.record);
    if (!isFinal(record)) return;
    if (this.#ended !== key_of(record)) {
      this.#ended = key_of(record);
      this.tell('jobdone', this.record);
    }
  }

  #dismiss() {
    this.#dismissed = key_of(this.record);
    this.client.seen(this.record);
    this.show();
  }

  async #command(name) {
    const { [name]: button, refused } = this.#parts;
    if (button.ariaDisabled) return;
    set(button, 'aria-disabled', 'true');
    text(refused);
    try {
      await this.client[name](this.record.id);
    } catch (error) {
      text(refused, error.status ? error.message : say('unreachable'));
    }
    set(button, 'aria-disabled', false);
  }
}

const key_of = ({ id, created_at, attempt }) => `${id} ${created_at} ${attempt}`;
const described = (result) => (typeof result === 'string' ? { text: result } : { url: result?.url });
const status_of_or = (record) => (record ? status_of(record) : say('unknown'));
