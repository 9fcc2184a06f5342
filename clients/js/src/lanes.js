// Which connections there are: as few as carry what is wanted, each as it is as long as that will do.

import { Lane } from './lane.js';

const per_lane = 100;
const worst = ['open', 'connecting', 'waiting', 'refused'];

export class Lanes {
  #client;
  #lanes = [];
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
    for (const id of this.#ended) if (!keys.has(`job:${id}`)) this.#ended.delete(id);
    const named = (kind) => [...keys].filter((key) => key.startsWith(kind)).map((key) => key.slice(kind.length));
    const owners = named('owner:');
    const ids = new Set(named('job:').filter((id) => !this.#ended.has(id)));
    const plan = new Map(this.#lanes.map((lane) => [lane, lane.ids.filter((id) => ids.delete(id))]));
    for (const id of ids) {
      const room = [...plan].find(([lane, held]) => !lane.owner && held.length && held.length < per_lane);
      if (room) room[1].push(id);
      else plan.set(new Lane(this.#client, this), [id]);
    }
    for (const owner of owners) if (!this.#lanes.some((lane) => lane.owner === owner)) plan.set(new Lane(this.#client, this, owner), []);

    const old = this.#lanes;
    this.#lanes = [...plan].filter(([lane, held]) => (lane.owner ? owners.includes(lane.owner) : held.length)).map(([lane]) => lane);
    for (const lane of old) if (!this.#lanes.includes(lane)) lane.stop();
    for (const lane of this.#lanes) {
      if (!lane.owner) lane.watch(plan.get(lane));
      else if (!old.includes(lane)) lane.open();
    }
    this.changed();
  }

  // What lanes say.

  changed() {
    this.#client.lanes_changed();
  }

  heard(lane, name, data, news) {
    if (!this.#lanes.includes(lane)) return;
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
