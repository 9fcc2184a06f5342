// One job on the page: built once, then changed in place, so that focus and animations survive every update.

import { chip_of, count_of, facts_of, is_final, kind_of, left_of, name_of, note_of, said_of } from './describe.js';

/** @typedef {import('../../clients/js/jobcast.js').JobRecord} JobRecord */

const template = /** @type {HTMLTemplateElement} */ (document.getElementById('card'));

/**
 * Records come from workers: only web addresses become links.
 * @param {unknown} text
 * @param {string} [base]
 */
function web_address(text, base) {
  if (typeof text !== 'string' || !URL.canParse(text, base)) return null;
  const url = new URL(text, base);
  return ['http:', 'https:'].includes(url.protocol) ? url.href : null;
}

/** @param {string} text to stay on one line */
const unbroken = (text) => text.replaceAll(' ', '\u00a0');

export class JobCard {
  /** @type {JobRecord} */
  record;
  element;
  #client;
  #application;

  /**
   * @param {JobRecord} record
   * @param {import('../../clients/js/jobcast.js').Client} client
   * @param {string} application where results such as files are, as an origin
   */
  constructor(record, client, application) {
    this.#client = client;
    this.#application = application;
    const copy = /** @type {DocumentFragment} */ (template.content.cloneNode(true));
    this.element = /** @type {HTMLElement} */ (copy.firstElementChild);
    this.element.dataset.job = record.id;
    this.#get('.cancel').addEventListener('click', () => this.#command('cancel'));
    this.#get('.retry').addEventListener('click', () => this.#command('retry'));
    this.show(record);
  }

  /** @param {JobRecord} record */
  show(record) {
    this.record = record;
    this.element.dataset.status = record.status;
    this.element.toggleAttribute('data-stalled', record.stalled && !is_final(record));
    this.element.toggleAttribute('data-cancelling', record.cancel_requested && !is_final(record));
    this.#get('.kind use').setAttribute('href', kind_of(record.type).icon);
    this.#text('.name', name_of(record));
    this.#text('.chip span', chip_of(record));
    this.#show_progress(record);
    this.#show_error(record);
    this.#show_foot(record);
    this.#text('.refused', '');
    this.tick(Date.now());
  }

  /**
   * What changes as time goes by.
   * @param {number} now
   */
  tick(now) {
    this.#text('.facts', facts_of(this.record, now).map(unbroken).join(' · '));
    this.#text('.note span', note_of(this.record, now), '.note');
  }

  /** @param {JobRecord} record */
  #show_progress(record) {
    const { percent } = record.progress;
    const bar = this.#get('.bar');
    const unknown = percent === undefined && !is_final(record);
    this.#get('.work').hidden = record.status === 'done' || (is_final(record) && percent === undefined);
    bar.toggleAttribute('data-unknown', unknown && record.status !== 'pending');
    bar.setAttribute('aria-label', `Progress of ${name_of(record)}`);
    if (percent === undefined) bar.removeAttribute('aria-valuenow');
    else bar.setAttribute('aria-valuenow', String(Math.floor(percent)));
    const count = count_of(record);
    bar.setAttribute('aria-valuetext', [percent === undefined ? 'Unknown' : `${Math.floor(percent)}%`, count].filter(Boolean).join(', '));
    /** @type {HTMLElement} */ (bar.firstElementChild).style.width = unknown ? '' : `${percent ?? 0}%`;
    this.#text('.count', count);
    this.#text('.left', left_of(record));
    this.#text('.percent', percent === undefined ? '' : `${Math.floor(percent)}%`);
    this.#get('.counts').hidden = !count && percent === undefined;
  }

  /** @param {JobRecord} record */
  #show_error(record) {
    const error = record.status === 'failed' ? (record.error ?? { title: 'The job failed' }) : undefined;
    this.#get('.error').hidden = !error;
    if (!error) return;
    const link = web_address(error.link, location.href);
    this.#text('.error-title', error.title ?? 'The job failed');
    this.#text('.error-detail', error.detail ?? '', '.error-detail');
    this.#text('.error-action span', error.action ?? '', '.error-action');
    this.#text('.error-reference', error.reference ? `Reference: ${error.reference}` : '');
    this.#link('.error-more a', link);
    this.#get('.error-more').hidden = !link && !error.reference;
  }

  /** @param {JobRecord} record */
  #show_foot(record) {
    const said = said_of(record);
    const file = record.status === 'done' ? web_address(record.result?.url, this.#application) : null;
    const can_cancel = record.can.includes('cancel') && !record.cancel_requested;
    const can_retry = record.can.includes('retry');
    this.#text('.said', said);
    this.#link('.open', file);
    for (const [name, offered] of [['.cancel', can_cancel], ['.retry', can_retry]]) {
      const button = /** @type {HTMLButtonElement} */ (this.#get(name));
      button.hidden = !offered;
      button.disabled = false;
      button.setAttribute('aria-label', `${button.textContent}: ${name_of(record)}`);
    }
    this.#get('.card-foot').hidden = !said && !file && !can_cancel && !can_retry;
  }

  // The stream shows what came of it; only a refusal is told here.
  /** @param {'cancel'|'retry'} name */
  async #command(name) {
    const button = /** @type {HTMLButtonElement} */ (this.#get(`.${name}`));
    button.disabled = true;
    this.#text('.refused', '', '.refused');
    try {
      await this.#client[name](this.record.id);
    } catch (error) {
      button.disabled = false;
      this.#text('.refused', error instanceof TypeError ? 'The gateway cannot be reached. Try again in a moment.' : error.message, '.refused');
    }
  }

  /** @param {string} selector */
  #get(selector) {
    return /** @type {HTMLElement} */ (this.element.querySelector(selector));
  }

  /**
   * @param {string} selector
   * @param {string} text
   * @param {string} [hide_if_empty]
   */
  #text(selector, text, hide_if_empty) {
    const element = this.#get(selector);
    if (element.textContent !== text) element.textContent = text;
    if (hide_if_empty) this.#get(hide_if_empty).hidden = !text;
  }

  /**
   * @param {string} selector
   * @param {string|null} href
   */
  #link(selector, href) {
    const link = /** @type {HTMLAnchorElement} */ (this.#get(selector));
    link.hidden = !href;
    if (href) link.href = href;
    else link.removeAttribute('href');
  }
}
