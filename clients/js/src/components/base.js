// What the components have in common: how they find their client, and how they touch their shadow tree.

import { connect } from '../index.js';
import { sheet } from './style.js';

let defaults = {};
const clients = new Map();
const on_page = new Set();

/** How components connect that are not given a `client`. Those on the page begin anew. */
export const configure = (options) => {
  defaults = options;
  for (const client of clients.values()) client.close();
  clients.clear();
  for (const element of on_page) element.restart();
};

function client_for(element) {
  const own = Object.fromEntries(['url', 'link', 'transport'].filter((name) => element.hasAttribute(name)).map((name) => [name, element.getAttribute(name)]));
  const key = JSON.stringify(own);
  if (!clients.has(key)) clients.set(key, connect({ ...defaults, ...own }));
  return clients.get(key);
}

const warned = new Set();

/** Why something was refused, said to developers, once. */
export function warn(problem) {
  if (warned.has(problem)) return;
  warned.add(problem);
  console.warn(`jobcast: ${problem}`);
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

export class JobElement extends HTMLElement {
  #given;
  #made;
  #due;

  constructor() {
    super();
    this.attachShadow({ mode: 'open' }).adoptedStyleSheets = [sheet];
  }

  get client() {
    return this.#given ?? (this.#made ??= client_for(this));
  }

  set client(client) {
    if (client === this.#given) return;
    this.#given = client;
    this.restart();
  }

  /** The page's language where this is, also out of the shadow tree of a list. */
  get lang_now() {
    for (let at = this; at; at = at.getRootNode().host) {
      const found = at.closest('[lang]');
      if (found) return found.lang || undefined;
    }
  }

  connectedCallback() {
    on_page.add(this);
    this.restart();
  }

  disconnectedCallback() {
    on_page.delete(this);
    this.stop();
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
      if (this.isConnected) this.start();
    });
  }

  start() {}
  stop() {}

  tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }));
  }
}
