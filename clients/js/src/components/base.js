// What the components have in common: how they find their client, and how they touch their shadow tree.

import { connect } from '../index.js';
import { sheet } from './style.js';

let defaults = {};
const clients = new Map();

/** How components connect that are not given a `client`. Call it before they are on the page. */
export const configure = (options) => {
  defaults = options;
  clients.clear();
};

function client_for(element) {
  const own = Object.fromEntries(['url', 'link', 'transport'].filter((name) => element.hasAttribute(name)).map((name) => [name, element.getAttribute(name)]));
  const key = JSON.stringify(own);
  if (!clients.has(key)) clients.set(key, connect({ ...defaults, ...own }));
  return clients.get(key);
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
  #client;
  #due;

  constructor() {
    super();
    this.attachShadow({ mode: 'open' }).adoptedStyleSheets = [sheet];
  }

  get client() {
    return (this.#client ??= client_for(this));
  }

  set client(client) {
    this.#client = client;
    this.restart();
  }

  get lang_now() {
    return this.closest('[lang]')?.lang || undefined;
  }

  connectedCallback() {
    this.restart();
  }

  disconnectedCallback() {
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
      if (this.isConnected) this.start();
    });
  }

  start() {}
  stop() {}

  tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }));
  }
}
