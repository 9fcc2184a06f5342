// One connection for an owner's jobs or for up to 100 by id: which way it goes, and how it comes back.

import { RecordGuard } from './record_guard.js';
import { ask, polling } from './polling.js';
import { ways } from './options.js';
import { native, socket, streamed } from './streams.js';
import { backoff, guarded, hidden, isFinal, job_path, later, second, ticks } from './values.js';

const transports = { native, stream: streamed, websocket: socket, 'long-poll': polling(true), poll: polling(false) };
/** A connection that goes on for so long was worth its while: the next one is not a failure more. */
const worthwhile = 10 * second;
/** How long jobs that nobody watches any more stay on a stream. */
const shed = 30 * second;

export class Lane {
  ids = [];
  event_id;
  state = { state: 'connecting', gateway: 'ok' };
  #chain = [];
  #live; // the attempt that delivers
  #next; // the one that shall; until something came through it, the live one goes on
  #failures = 0;
  #refused = 0; // attempts in a row on this rung, then rungs
  #retry = 0;
  #keep = false;
  #climb = 0;
  #woken = false; // while an attempt was under way, which then says nothing of how it is now
  #stale = false; // the token was refused: the next attempt takes a new one
  #asked = -Infinity; // when a token was last asked for because one ends soon
  #timers = {};

  /** to: whom to tell: `changed()`, `heard(lane, event name, data, news)`, `split()`. crowded: whether there are many streams already. */
  constructor(client, to, owner, crowded) {
    this.crowded = crowded;
    this.client = client;
    this.requests = client.requests;
    this.to = to;
    this.owner = owner;
  }

  get records() {
    return this.owner ? this.client.known.owned(`owner:${this.owner}`) : this.client.known.list(this.ids);
  }

  get stream() {
    if (this.owner) return `api/events?${new URLSearchParams({ owner: this.owner })}`;
    if (this.#ends) return `${job_path(this.ids[0])}/events`;
    return `api/events?${new URLSearchParams(this.ids.map((id) => ['job', id]))}`;
  }

  // The stream of one job ends with it. One that may be tried again is kept in sight by the stream of several.
  get #ends() {
    return this.ids.length === 1 && !this.#keep;
  }

  unfinished() {
    return this.records.some((record) => !isFinal(record));
  }

  watch(ids) {
    if (ids.join() === this.ids.join()) return;
    const more = ids.some((id) => !this.ids.includes(id));
    this.ids = ids;
    this.#keep = false;
    this.event_id = undefined;
    if (more) this.open();
    else this.#after('shed', shed, () => this.#live && this.open());
  }

  #after(name, ms, act) {
    clearTimeout(this.#timers[name]);
    this.#timers[name] = later(act, ms);
  }

  #tell(change) {
    this.state = { ...this.state, ...change };
    this.to.changed();
  }

  /** Connects, or connects anew before the connection there is goes: no gap. */
  async open(rung = this.#live?.rung ?? 0, renew = false) {
    for (const name of ['again', 'shed']) clearTimeout(this.#timers[name]);
    this.#drop(this.#next);
    const attempt = (this.#next = { rung, guard: this.#live?.guard ?? new RecordGuard(), heard: Date.now() });
    if (!this.#live) this.#tell({ state: 'connecting' });
    try {
      const token = await this.requests.token(renew);
      if (attempt.gone) return;
      attempt.given = this.requests.given;
      this.#chain = this.#ways(token);
      attempt.rung = Math.min(rung, this.#chain.length - 1);
      attempt.name = this.#chain[attempt.rung];
      // What sends nothing at once is held up by a proxy that buffers.
      attempt.timer = later(() => this.#lost(attempt, { silent: true }), this.client.options.firstByte);
      attempt.close = transports[attempt.name](this, (attempt.on = this.#hooks(attempt)));
      if (attempt.gone) attempt.close();
    } catch (error) {
      this.#lost(attempt, error);
    }
  }

  #ways(token) {
    // An EventSource does not tell an owner without jobs from a stream that is held up.
    const chain = ways(this.client.options.transport).filter(
      (name) => !(name === 'native' && (token || this.owner || !globalThis.EventSource)) && !(name === 'long-poll' && this.ids.length !== 1),
    );
    // Over HTTP/1.1 a browser has few connections for a site, which commands need too.
    return this.crowded && chain.includes('websocket') ? [...new Set(['websocket', ...chain])] : chain;
  }

  // The token ends soon. An application may give the same until then, for which nothing is opened anew.
  async #renew(attempt) {
    const { requests } = this;
    if (this.#live !== attempt || !requests.renewable) return;
    const wait = this.#asked + 10 * second - ticks();
    if (wait > 0) return this.#after('renew', wait, () => this.#renew(attempt));
    this.#asked = ticks();
    await requests.token(true).catch(() => 0);
    const { given } = requests;
    if (given && given === attempt.given) return this.#renew(attempt);
    if (this.#live !== attempt) return;
    attempt.given = given;
    if (attempt.on.renew) attempt.on.renew();
    else this.open(attempt.rung);
  }

  stop() {
    this.#drop(this.#live);
    this.#drop(this.#next);
    this.#live = this.#next = undefined;
    for (const timer of Object.values(this.#timers)) clearTimeout(timer);
  }

  /** The network or the page came back: what waits goes at once, what seems open is opened again. */
  wake() {
    this.#failures = this.#climb = 0;
    this.#woken = !!this.#next;
    if (this.#next) return;
    const { name, heard } = this.#live ?? {};
    if (!name) this.open(0, this.#stale);
    else if (since(heard) > 10 * second && !name.includes('poll')) this.open();
  }

  #drop(attempt) {
    if (!attempt) return;
    if (this.#live === attempt && ticks() - attempt.began > worthwhile) this.#failures = 0;
    attempt.gone = true;
    clearTimeout(attempt.timer);
    clearInterval(attempt.watchdog);
    attempt.close?.();
  }

  #hooks(attempt) {
    const if_current = (act) => (...given) => attempt.gone || act(...given);
    return {
      proven: () => this.#live === attempt,
      opened: if_current(() => {
        if (this.#live !== attempt) return;
        attempt.guard.connected();
        this.#tell({ state: 'open' });
      }),
      pause: if_current(() => this.#tell({ state: 'waiting' })),
      retry: (ms) => (this.#retry = ms),
      alive: if_current(() => this.#prove(attempt)),
      event: if_current((name, data, id) => guarded(() => this.#event(attempt, name, data, id))),
      lost: if_current((error) => this.#lost(attempt, error)),
    };
  }

  #prove(attempt) {
    attempt.heard = Date.now();
    if (this.#live === attempt) return this.state.state !== 'open' && this.#tell({ state: 'open' });
    clearTimeout(attempt.timer);
    this.#drop(this.#live);
    this.#live = attempt;
    this.#next = undefined;
    attempt.began = ticks();
    this.#refused = 0;
    attempt.watchdog = setInterval(() => this.#check(attempt), 15 * second);
    this.#tell({ state: 'open', transport: attempt.name, gateway: 'ok', problem: undefined });
    if (attempt.rung > Math.max(0, this.#chain.indexOf('stream'))) this.#plan_climb();
  }

  // Up again: soon after an outage, which says nothing about the way; then ever less often.
  #plan_climb() {
    const wait = this.#climb ||= this.client.options.climb;
    this.#climb = Math.min(wait * 2, 300 * second);
    this.#after('climb', wait * (0.75 + Math.random() / 2), () => this.#live && this.open(Math.max(0, this.#chain.indexOf('stream'))));
  }

  // Heartbeats show that a connection lives, but an EventSource does not show them: there, ask.
  async #check(attempt) {
    if (since(attempt.heard) < 45 * second || attempt.name.includes('poll')) return;
    if (attempt.name !== 'native') return this.#lost(attempt, {});
    if (hidden() || !this.unfinished()) return;
    attempt.heard = Date.now();
    const asked = [];
    await ask(this, { opened() {}, event: (name, data) => name === 'job' && asked.push(data) }, {}).catch(() => 0);
    if (this.#live === attempt) this.#after('check', 2 * second, () => {
      const { known } = this.client;
      if (this.#live === attempt && asked.some(({ id, version }) => version > (known.get(id)?.version ?? 0))) this.#lost(attempt, { silent: true });
    });
  }

  #event(attempt, name, data, id) {
    this.#prove(attempt);
    if (!data || (/job|missing|reset/.test(name) && typeof data.id !== 'string')) return; // what a newer gateway says in another way is let be
    let news = name;
    if (name === 'job') {
      if (id) this.event_id = id;
      news = attempt.guard.accept(data);
      attempt.guard.prune((one) => this.client.known.get(one));
    } else if (/reset|missing/.test(name)) attempt.guard.forget(data.id);
    if (/job|missing|more/.test(name)) news && this.to.heard(this, name, data, news);
    else if (name === 'time') this.client.timed(data.now);
    else if (name === 'gateway') this.#tell({ gateway: data.state });
    else if (name === 'reauth') this.#renew(attempt);
    else if (name === 'end' && data.reason === 'expired') {
      this.#drop(attempt);
      this.#live = undefined;
      if (!this.#next) this.#after('again', backoff(++this.#failures), () => this.open(attempt.rung, true));
      this.#tell({ state: 'connecting' });
    } else if (name !== 'end' || data.reason !== 'final') return;
    else if (this.#ends && this.records[0]?.can?.includes('retry') && /native|stream/.test(attempt.name)) {
      this.#keep = true;
      this.event_id = undefined;
      this.open(attempt.rung);
    } else this.to.heard(this, name, { id: this.ids[0], ...data });
  }

  #lost(attempt, { status, retryAfter, silent, closed, message } = {}) {
    if (attempt.gone) return;
    this.#drop(attempt);
    // The ids are more than an address takes on its way.
    if ((status === 414 || status === 431) && this.ids.length > 1 && this.to.split()) {
      if (this.#live === attempt) this.#live = undefined;
      return this.open(attempt.rung);
    }
    // An EventSource that was answered 204 says no more than that it is closed.
    if (closed && this.ids.length === 1 && isFinal(this.records[0])) return this.to.heard(this, 'end', { id: this.ids[0] });
    const proven = this.#live === attempt;
    if (proven) {
      this.#live = undefined;
      this.#next?.guard.connected();
    } else this.#next = undefined;
    if (proven && this.#next) return this.#tell({ state: 'connecting' });
    if (this.#live) {
      // A climb, a renewal or a change of what is watched came to nothing; the connection there is goes on.
      if (attempt.rung + 1 < this.#live.rung) return this.open(attempt.rung + 1);
      if (attempt.rung < this.#live.rung) return this.#plan_climb();
      return this.#after('again', Math.max(second, (retryAfter || 0) + backoff(++this.#failures)), () => this.open(attempt.rung));
    }
    const lasting = status >= 400 && status < 500 && status !== 429 && status !== 408;
    const down = silent || closed || lasting || (!proven && ++this.#refused % 2 === 0);
    const last = attempt.rung >= this.#chain.length - 1;
    if (down && !proven && !silent) this.#climb = second; // perhaps the gateway was away, and not this way to it
    const rung = down ? (last ? 0 : attempt.rung + 1) : attempt.rung;
    const refused = lasting && last;
    const wait = this.#woken || ((silent || closed) && !last) ? 0 : (retryAfter || this.#retry) + backoff(++this.#failures) + (refused ? 30 * second : 0);
    this.#woken = false;
    this.#stale = status === 401;
    this.#tell({ state: refused ? 'refused' : 'waiting', problem: message });
    this.#after('again', wait, () => this.open(rung, this.#stale));
  }
}

/** Also after the clock was set, in either direction. */
const since = (time) => Math.abs(Date.now() - time);
