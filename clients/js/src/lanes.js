// Which connections there are: as few as carry what is wanted, each as it is as long as that will do.

import { Lane } from './lane.js';

const per_lane = 100;
/** So many more by EventSource and fetch leave too few connections for commands. */
const streams = 3;
/** Bytes of ids in one address. Proxies take 8 KB for a request's first line. */
const room = 7000;
const least_room = 400;
const worst = ['open', 'connecting', 'waiting', 'refused'];

const bytes_of = (id) => encodeURIComponent(id).length + 5;

export class Lanes {
  #client;
  #lanes = [];
  #keys = new Set();
  #room = room;
  #ended = new Set();
  #said = new WeakMap(); // which lane said a record: no other takes it back

  /** client: requests, what is known, and what to do with news: `event`, `lanes_changed`. */
  constructor(client) {
    this.#client = client;
  }

  /** As bad as the worst of them; undefined if there are none. */
  get state() {
    const states = this.#lanes.map((lane) => lane.state);
    const gateway = states.find((one) => one.gateway !== 'ok')?.gateway;
    const [state] = states.sort((a, b) => worst.indexOf(b.state) - worst.indexOf(a.state));
    return state && { ...state, gateway: gateway ?? 'ok' };
  }

  each(act) {
    this.#lanes.forEach(act);
  }

  /** A job that had ended goes on. */
  again(id) {
    this.#ended.delete(id);
  }

  /** keys: `job:<id>` and `owner:<owner>`. */
  arrange(keys) {
    this.#keys = keys;
    for (const id of this.#ended) if (!keys.has(`job:${id}`)) this.#ended.delete(id);
    const named = (kind) => [...keys].filter((key) => key.startsWith(kind)).map((key) => key.slice(kind.length));
    const owners = named('owner:');
    const ids = new Set(named('job:').filter((id) => !this.#ended.has(id)));

    const old = this.#lanes;
    const plan = this.#share_out(ids, old.filter((lane) => !lane.owner));
    const lanes = [...plan.keys(), ...old.filter((lane) => owners.includes(lane.owner))];
    for (const owner of owners) if (!lanes.some((lane) => lane.owner === owner)) lanes.push(this.#lane(lanes, owner));
    this.#lanes = lanes;
    for (const lane of old) if (!lanes.includes(lane)) lane.stop();
    for (const lane of lanes) {
      if (!lane.owner) lane.watch(plan.get(lane));
      else if (!old.includes(lane)) lane.open();
    }
    this.changed();
  }

  /** The ids are more than an address takes: shares them out over more. Whether that may help. */
  split() {
    if (this.#room <= least_room) return false;
    this.#room /= 2;
    this.arrange(this.#keys);
    return true;
  }

  #lane(lanes, owner) {
    return new Lane(this.#client, this, owner, lanes.length >= streams);
  }

  /** Ids by lane: each where it is, if there still is room. */
  #share_out(ids, lanes) {
    const plan = new Map();
    const left = new Map();
    const most = Math.max(least_room, this.#room - this.#client.requests.address('').search.length);
    const takes = (lane, id) => {
      const held = plan.get(lane);
      const rest = (left.get(lane) ?? most) - bytes_of(id);
      if (held.length && (rest < 0 || held.length >= per_lane)) return false;
      left.set(lane, rest);
      return held.push(id);
    };
    for (const lane of lanes) {
      plan.set(lane, []);
      for (const id of lane.ids) if (ids.has(id) && takes(lane, id)) ids.delete(id);
      if (!plan.get(lane).length) plan.delete(lane);
    }
    for (const id of ids) {
      if ([...plan.keys()].some((lane) => takes(lane, id))) continue;
      const lane = this.#lane([...plan.keys()]);
      plan.set(lane, []);
      takes(lane, id);
    }
    return plan;
  }

  // What lanes say.

  changed() {
    this.#client.lanes_changed();
  }

  heard(lane, name, data, news) {
    // A stream tells of jobs that are no longer watched for a while.
    if (!this.#lanes.includes(lane) || !(lane.owner || lane.ids.includes(data.id))) return;
    const event = { owner: lane.owner, name, data, news };
    if (name === 'job') {
      const said = this.#said.get(this.#client.known.get(data.id));
      event.first = news === 'first' && (!said || said === lane || !this.#lanes.includes(said));
      this.#said.set(data, lane);
    }
    if (name === 'end') this.#ended.add(data.id);
    this.#client.event(event);
  }
}
