// What the components have in common: how they find their client, and how they touch their shadow tree.

import { connect } from '../index.js';
import { guarded, warn } from './console.js';
import { explain } from './origin.js';
import { sheet } from './style.js';
import { locale_of } from './words.js';

export { guarded, warn };

let defaults = {};
const clients = new Map();
/** The elements on the page, and the client that was made for each. */
const on_page = new Map();
let sweeping;

/** How components connect that are not given a `client`. Those on the page begin anew. */
export const configure = (options) => {
  defaults = options;
  for (const client of clients.values()) client.close();
  clients.clear();
  for (const element of on_page.keys()) element.restart();
};

function client_for(element) {
  const own = Object.fromEntries(['url', 'link', 'transport'].filter((name) => element.hasAttribute(name)).map((name) => [name, element.getAttribute(name)]));
  const key = JSON.stringify(own);
  if (!clients.has(key)) clients.set(key, connect({ ...defaults, ...own }));
  return clients.get(key);
}

// What elements opened goes with the last of them, unless the page itself uses it. An element that is only moved comes back
// in the same turn.
function sweep() {
  sweeping ??= Promise.resolve().then(() => {
    sweeping = undefined;
    const used = new Set(on_page.values());
    for (const [key, client] of clients) if (!used.has(client) && !client.used) clients.delete(key, client.close());
  });
}

/** An element with its parts: h('p', 'note', {hidden: true}, child, ...). */
export function h(tag, part, given = {}, ...children) {
  const element = document.createElement(tag);
  if (part) element.setAttribute('part', part);
  for (const [name, value] of Object.entries(given)) {
    if (name.startsWith('on')) element[name] = value;
    else set(element, name, value);
  }
  element.append(...children);
  return element;
}

export function set(element, name, value) {
  if (value === undefined || value === false) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value === true ? '' : value);
}

/** Leaves what already says so alone: selections, focus and screen readers notice. */
export function text(element, words = '') {
  if (element.textContent !== words) element.textContent = words;
  element.hidden = !words;
}

/** Not in Node, where a page may be made ready that is shown in a browser. */
export class JobElement extends (globalThis.HTMLElement ?? Object) {
  #given;
  #made;
  #due;

  constructor() {
    super();
    this.attachShadow({ mode: 'open' }).adoptedStyleSheets = [sheet()];
  }

  get client() {
    if (this.#given) return this.#given;
    this.#made ??= client_for(this);
    if (on_page.has(this)) on_page.set(this, this.#made);
    return this.#made;
  }

  set client(client) {
    if (client === this.#given) return;
    this.#given = client;
    this.restart();
  }

  /** The page's language where this is, also out of the shadow tree of a list, if Intl can be told it. */
  get lang_now() {
    for (let at = this; at; at = at.getRootNode().host) {
      const found = at.closest('[lang]');
      if (found) return locale_of(found.lang);
    }
  }

  connectedCallback() {
    on_page.set(this, this.#made);
    this.restart();
  }

  disconnectedCallback() {
    on_page.delete(this);
    this.stop();
    sweep();
  }

  attributeChangedCallback(_, before, now) {
    if (before !== now) this.restart();
  }

  /** Once for any number of changes in one turn. */
  restart() {
    this.#due ??= Promise.resolve().then(() => {
      this.#due = undefined;
      this.stop();
      this.#made = undefined;
      if (!this.isConnected) return;
      on_page.set(this);
      sweep();
      guarded(() => this.start());
    });
  }

  start() {}
  stop() {}

  /** Whether the viewer may not watch; why is said to developers. */
  is_refused({ state, problem }) {
    if (state === 'refused') warn(problem);
    return state === 'refused' || explain(this.client, () => this.isConnected && guarded(() => this.show()));
  }

  /** Keeps the focus on this element when what had it is gone. */
  keep_focus(act, place) {
    const had = this.shadowRoot.activeElement;
    const within = had?.shadowRoot?.activeElement ?? had;
    act();
    const is_seen = (one) => one.isConnected && one.checkVisibility();
    if (!had || (this.shadowRoot.activeElement === had && is_seen(had))) return;
    const like = is_seen(had) ? within : [...this.shadowRoot.querySelectorAll('button')].find((one) => one.outerHTML === had.outerHTML && is_seen(one));
    if (!like && place.tabIndex < 0) place.tabIndex = -1;
    (like ?? place).focus();
  }

  tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }));
  }
}
