// What tabs of one browser have in common, of which each test may break a part: Web Locks and BroadcastChannel.

/** Locks as the Web Locks API has them: exclusive, in turn, or stolen. */
class Locks {
  #held = new Map();
  #waiting = new Map();

  request(name, options, act) {
    return new Promise((resolve, reject) => {
      const asked = { act, resolve, reject };
      options.signal?.addEventListener('abort', () => {
        const queue = this.#waiting.get(name) ?? [];
        if (!queue.includes(asked)) return;
        queue.splice(queue.indexOf(asked), 1);
        reject(new DOMException('aborted', 'AbortError'));
      });
      if (options.steal) {
        this.#held.get(name)?.reject(new DOMException('stolen', 'AbortError'));
        this.#held.delete(name);
        return void this.#grant(name, asked);
      }
      if (!this.#waiting.has(name)) this.#waiting.set(name, []);
      this.#waiting.get(name).push(asked);
      queueMicrotask(() => this.#next(name));
    });
  }

  #next(name) {
    const asked = !this.#held.has(name) && this.#waiting.get(name)?.shift();
    if (asked) this.#grant(name, asked);
  }

  #grant(name, asked) {
    this.#held.set(name, asked);
    const done = () => {
      if (this.#held.get(name) !== asked) return;
      this.#held.delete(name);
      this.#next(name);
    };
    Promise.resolve(asked.act({ name })).then((value) => (done(), asked.resolve(value)), (error) => (done(), asked.reject(error)));
  }

  get names() {
    return [...this.#held.keys()];
  }
}

const channels = new Set();

class Channel {
  constructor(name) {
    this.name = name;
    channels.add(this);
  }
  postMessage(data) {
    if (!channels.has(this)) throw new DOMException('closed', 'InvalidStateError');
    const copy = structuredClone(data);
    for (const one of channels) if (one !== this && one.name === this.name) queueMicrotask(() => channels.has(one) && one.onmessage?.({ data: copy }));
  }
  close() {
    channels.delete(this);
  }
}

/** Makes this process a page. To be called before the client is loaded. */
export function be_a_page() {
  globalThis.document = { visibilityState: 'visible' };
  globalThis.addEventListener = () => {};
}

/** Tabs share from now on. Returns the locks, to look into. */
export function install() {
  const locks = new Locks();
  channels.clear();
  Object.defineProperty(globalThis, 'navigator', { value: { locks }, configurable: true, writable: true });
  Object.defineProperty(globalThis, 'BroadcastChannel', { value: Channel, configurable: true, writable: true });
  return locks;
}

export const open_channels = () => channels.size;
