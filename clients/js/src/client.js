// A gateway and who asks: what a page holds, brought together with what is heard.

import { Clock } from './clock.js';
import { Job } from './job.js';
import { Jobs } from './jobs.js';
import { Lanes } from './lanes.js';
import { ways } from './options.js';
import { Records } from './records.js';
import { Requests } from './requests.js';
import { Tabs, can_share } from './tabs.js';
import { backoff, guarded, hidden, isFinal, job_path, later, page, refusal } from './values.js';

/** Outcomes that were told as seen, so as not to tell them again. */
const remembered = 1000;

/** Where a page is no secure context, a browser has no `randomUUID`. */
const random_key = () => crypto.randomUUID?.() ?? crypto.getRandomValues(new Uint32Array(4)).join('-');

export class Client {
  /** The connection, which says nothing about any job. */
  connection = { state: 'idle' };
  clock = new Clock();
  known = new Records(this.clock);
  #handles = new Set();
  #lanes = new Lanes(this);
  #tabs;
  #alone = false;
  #shares = true;
  #listeners = new Set();
  #paused = false;
  #asleep = false;
  #due;
  /** By attempt: what to tell, until it is told as seen. */
  #seen = new Map();
  #until = new AbortController();

  constructor(options) {
    this.options = options;
    this.requests = new Requests(options, this.clock);
    if (!page) return;
    const until = { signal: this.#until.signal, capture: true };
    for (const name of ['online', 'pagehide', 'pageshow', 'visibilitychange']) addEventListener(name, (event) => this.#page_changed(event), until);
  }

  job(id, options) {
    return new Job(this, id, options);
  }

  jobs(query = {}) {
    return new Jobs(this, query);
  }

  /** Asks the application, not the gateway: it knows who may start what. Trying again cannot start a second job. */
  async submit(type, input, { idempotencyKey = random_key(), url = this.options.submit } = {}) {
    const headers = { 'Content-Type': 'application/json', Accept: 'application/json', 'Idempotency-Key': idempotencyKey };
    for (let tries = 1; ; ++tries) {
      const response = await fetch(url, { method: 'POST', headers, credentials: 'same-origin', body: JSON.stringify({ type, input }) }).catch((error) => error);
      if (response.ok) return this.job((await response.json()).id);
      const refused = response instanceof Error ? response : await refusal(response);
      if (tries === 5 || (refused.status && ![429, 502, 503, 504].includes(refused.status))) throw refused;
      await new Promise((resolve) => later(resolve, (refused.retryAfter || 0) + backoff(tries)));
    }
  }

  status(id) {
    return this.requests.json(`${job_path(id)}/status`);
  }

  list(query) {
    return this.requests.json(`api/jobs?${new URLSearchParams(query)}`);
  }

  inbox(query = {}) {
    return this.requests.json(`api/inbox?${new URLSearchParams(query)}`);
  }

  cancel(id) {
    return this.#command(id, 'cancel');
  }

  async retry(id) {
    const record = await this.#command(id, 'retry');
    this.#tabs?.post({ again: id });
    this.#again(id);
    return record;
  }

  /** The viewer has seen how it ended: told once, and only while the page is to be seen. A watch link cannot tell. */
  seen(record) {
    const key = `${record.id} ${record.created_at} ${record.attempt}`;
    if (this.options.link || this.#seen.has(key)) return;
    this.#seen.set(key, { id: record.id, attempt: record.attempt });
    for (const [old, untold] of this.#seen) if (this.#seen.size > remembered && !untold) this.#seen.delete(old);
    this.#tell_seen();
  }

  /** Milliseconds since the epoch by the gateway's clock, as far as it is known. */
  now() {
    return this.clock.now();
  }

  onConnection(call) {
    const listener = () => guarded(call, this.connection);
    this.#listeners.add(listener);
    listener();
    return () => this.#listeners.delete(listener);
  }

  /** Another way to connect, from now on. */
  use(transport) {
    ways(transport);
    this.options.transport = transport;
    this.#lanes.each((lane) => lane.open(0));
    if (!this.#leads) this.#tabs?.post({ use: transport });
  }

  /** This tab hears nothing more; other tabs go on without it. */
  pause() {
    this.#paused = true;
    this.#leave();
    this.#connected({ state: 'paused' });
  }

  resume() {
    this.#paused = false;
    if (this.#handles.size) this.#join();
  }

  close() {
    for (const handle of this.#handles) handle.close();
    this.#until.abort();
    this.#leave();
  }

  /** By how many, for elements to close what they opened. */
  get used() {
    return this.#handles.size + this.#listeners.size;
  }

  // For handles.

  attach(handle) {
    this.#handles.add(handle);
    if (!this.#leads && !this.#tabs && !this.#paused) this.#join();
    this.#changed_wants();
  }

  detach(handle) {
    this.#handles.delete(handle);
    this.#changed_wants();
  }

  // For lanes.

  lanes_changed() {
    if (!this.#leads) return;
    const state = this.#lanes.state ?? { state: this.#asleep ? 'paused' : 'idle' };
    this.#connected(state);
    this.#publish({ connection: state });
  }

  timed(now) {
    this.clock.told(now);
    this.#publish({ behind: this.clock.behind });
  }

  event(event) {
    this.apply(event);
    this.#publish({ event });
    if (event.name === 'end') this.#arrange();
  }

  apply(event) {
    const { name, data: { id, cursor }, owner } = event;
    const before = this.known.get(id);
    const handles = [...this.#handles].filter((handle) => handle.covers(id, owner));
    if (!(handles.length || this.#leads) || !this.known.apply(event)) return;
    if (name === 'more') for (const handle of handles) handle.cursor ??= cursor;
    const now = this.known.get(id);
    // What ends before the viewer's eyes is seen; what ended before, an inbox tells.
    if (before && !isFinal(before) && isFinal(now) && handles.some((handle) => handle.shows(now))) this.seen(now);
    // A job that an owner's list has come to hold is news for the list alone.
    for (const handle of handles) if (!handle.id || before !== now || name === 'missing') handle.changed();
  }

  // To the tabs that this one leads.
  #publish(message) {
    if (this.#tabs?.leads) this.#tabs.post(message);
  }

  get #leads() {
    return this.#alone || !!this.#tabs?.leads;
  }

  async #command(id, name) {
    const record = await this.requests.json(`${job_path(id)}/${name}`, 'POST');
    if (record?.version) this.apply({ name: 'job', data: record });
    return record;
  }

  async #tell_seen() {
    if (hidden()) return;
    for (const [key, record] of this.#seen) {
      if (!record) continue;
      this.#seen.set(key);
      await this.#command(record.id, `seen?attempt=${record.attempt}`).catch(({ status }) => status || this.#seen.set(key, record));
    }
  }

  #again(id) {
    this.#lanes.again(id);
    this.#arrange();
  }

  #connected(connection) {
    if (JSON.stringify(connection) === JSON.stringify(this.connection)) return;
    this.connection = connection;
    if (connection.state === 'open') this.#tell_seen();
    for (const tell of [...this.#listeners]) tell();
  }

  #wants() {
    return { keys: [...new Set([...this.#handles].flatMap((handle) => handle.keys))], hidden: hidden() };
  }

  #changed_wants() {
    this.#due ??= setTimeout(() => {
      this.#due = undefined;
      this.#arrange();
      this.#tabs?.ask();
    }, 0);
  }

  #arrange() {
    const all = [this.#wants(), ...(this.#tabs?.others ?? [])];
    this.#asleep = this.options.pauseHidden && all.every((tab) => tab.hidden);
    const keys = new Set(all.flatMap((tab) => tab.keys));
    this.known.keep(keys);
    this.#lanes.arrange(!this.#leads || this.#asleep ? new Set() : keys);
  }

  #page_changed({ type, persisted }) {
    if (type === 'pagehide') return this.#leave();
    if (type === 'pageshow') return void (persisted && !this.#paused && this.resume());
    if (!hidden()) this.#tell_seen();
    if (!this.#leads) return this.#tabs?.ask();
    this.#arrange();
    if (!hidden()) this.#lanes.each((lane) => lane.wake());
  }

  #leave() {
    this.#alone = false;
    this.#tabs?.leave();
    this.#tabs = undefined;
    this.#lanes.arrange(new Set());
  }

  async #join() {
    const { share } = this.options;
    const who = this.#shares && can_share() && (share === true ? await this.#who() : share);
    if (this.#tabs || this.#paused || !this.#handles.size) return;
    this.#alone = true;
    if (who) this.#share_as(who);
    this.#changed_wants();
  }

  #share_as(who) {
    const is = (alone) => {
      this.#alone = alone;
      this.#arrange();
    };
    const on = {
      changed: () => is(false),
      alone: () => is(true),
      failed: () => {
        this.#shares = false;
        this.#tabs = undefined;
        is(true);
      },
      wants: () => this.#wants(),
      news: (keys) => keys.flatMap((key) => [...this.known.events(key)]),
      connection: () => this.connection,
      behind: () => this.clock.behind,
      message: ({ event, connection, again, use, behind }) => {
        if (event) this.apply(event);
        if (behind) this.clock.told_by(behind);
        if (connection) this.#connected(connection);
        if (again) this.#again(again);
        if (use) this.use(use);
      },
    };
    try {
      const tabs = new Tabs(`${this.requests.base.href} ${who}`, on);
      if (!this.#shares) return;
      this.#alone = false;
      this.#tabs = tabs;
    } catch {
      this.#shares = false; // no channel: cookies are blocked
    }
  }

  // Tabs of another viewer share nothing with these; whom a cookie names is not known.
  async #who() {
    let token;
    try {
      token = (await this.requests.token()) ?? this.requests.address('').search;
      const { sub, tenant, jobs, scope } = JSON.parse(atob(token.split('.')[1].replace(/-/g, '+').replace(/_/g, '/')));
      return JSON.stringify([sub, tenant, jobs, scope]);
    } catch {
      return token;
    }
  }
}
