// Browser client of jobcast: live job records over EventSource, and the commands a viewer may give.
// No dependencies and no build step:
//
//   import { connect } from '/jobcast.js';
//   const client = connect();
//   const watch = client.watch({ job: 'inv-1' }, { onRecord: (record) => console.log(record.status) });
//   watch.close();

/**
 * @typedef {'pending'|'processing'|'retrying'|'done'|'failed'|'cancelled'} Status
 * @typedef {{percent?: number, current?: number, total?: number, unit?: string, step?: string, message?: string,
 *   eta?: number}} Progress
 * @typedef {{code?: string, title?: string, detail?: string, action?: string, severity?: string, retryable?: boolean,
 *   link?: string, reference?: string}} JobError
 * @typedef {{id: string, type: string, status: Status, version: number, attempt: number, max_attempts: number,
 *   progress: Progress, stalled: boolean, cancel_requested: boolean, can: ('cancel'|'retry')[], retry_at?: number,
 *   error?: JobError, result?: any, owner?: string, tenant?: string, group?: string, labels?: Record<string, string>,
 *   created_at: number, started_at?: number, updated_at: number, finished_at?: number, locked_at?: number}} JobRecord
 *   Times are milliseconds since the epoch.
 * @typedef {'connecting'|'open'|'waiting'|'closed'} StreamState
 *   The state of the connection, which says nothing about any job. `waiting`: lost, and tried again by itself.
 * @typedef {'ok'|'degraded'|'draining'|'busy'} GatewayState
 * @typedef {{job: string}|{jobs: string[]}|{owner: string}} Watched
 * @typedef {object} Handlers
 * @property {(record: JobRecord) => void} [onRecord] a snapshot at the start of each connection, then every change
 * @property {(id: string) => void} [onMissing] the job is unknown, deleted or not yours; it may still appear
 * @property {(state: GatewayState) => void} [onGateway]
 * @property {(cursor: string) => void} [onMore] the owner has more jobs than the snapshot held; `list` gives the rest
 * @property {(reason: string) => void} [onEnd] nothing more will come, and the watch is closed
 * @property {(state: StreamState) => void} [onState]
 */

/**
 * Decides which records are news. A gateway may be asked while Redis has lost its last writes, or a slower gateway may
 * answer after a faster one, so a version alone does not tell: the first record of each connection counts, and so does
 * the first after a reset; otherwise only a higher version.
 */
export class RecordGuard {
  /** @type {Map<string, number>} */
  #versions = new Map();

  /** A new connection starts. */
  connected() {
    this.#versions.clear();
  }

  /** @param {string} id the next record of this job counts, whatever its version */
  forget(id) {
    this.#versions.delete(id);
  }

  /**
   * @param {{id: string, version: number}} record
   * @returns {boolean} whether the record is to be shown
   */
  accept({ id, version }) {
    const known = this.#versions.get(id);
    if (known !== undefined && version <= known) return false;
    this.#versions.set(id, version);
    return true;
  }
}

/** A request the gateway refused. `message` is the problem's detail, written to be shown. */
export class ProblemError extends Error {
  /**
   * @param {number} status the HTTP status
   * @param {{title?: string, detail?: string, field?: string}} problem RFC 9457
   */
  constructor(status, problem) {
    super(problem.detail ?? problem.title ?? `The gateway answered with status ${status}.`);
    this.name = 'ProblemError';
    this.status = status;
    this.problem = problem;
  }
}

const first_delay = 1000;
const longest_delay = 30_000;

/**
 * How long to wait before a connection is tried again: anywhere up to a ceiling that doubles, so that the browsers a
 * restart cut off do not come back together.
 * @param {number} failures in a row, from 1
 * @param {number} [random] in [0, 1)
 * @returns {number} milliseconds
 */
export function backoff(failures, random = Math.random()) {
  return random * Math.min(longest_delay, first_delay * 2 ** (failures - 1));
}

/** @param {Watched} watched */
function stream_path(watched) {
  if ('job' in watched) return `api/jobs/${encodeURIComponent(watched.job)}/events`;
  const query = 'owner' in watched ? [['owner', watched.owner]] : watched.jobs.map((id) => ['job', id]);
  return `api/events?${new URLSearchParams(query)}`;
}

class Watch {
  #url;
  #with_credentials;
  #handlers;
  #guard = new RecordGuard();
  /** @type {EventSource|undefined} */
  #source;
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #timer;
  #failures = 0;

  /**
   * @param {URL} url
   * @param {boolean} with_credentials
   * @param {Handlers} handlers
   */
  constructor(url, with_credentials, handlers) {
    this.#url = url;
    this.#with_credentials = with_credentials;
    this.#handlers = handlers;
    this.#open();
  }

  close() {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#handlers.onState?.('closed');
  }

  #open() {
    const source = new EventSource(this.#url, { withCredentials: this.#with_credentials });
    this.#source = source;
    this.#handlers.onState?.('connecting');
    source.addEventListener('open', () => {
      this.#failures = 0;
      this.#guard.connected();
      this.#handlers.onState?.('open');
    });
    source.addEventListener('error', () => this.#lost(source));
    for (const [name, handle] of Object.entries(this.#events()))
      source.addEventListener(name, (event) => handle(JSON.parse(event.data)));
  }

  /** @returns {Record<string, (data: any) => void>} */
  #events() {
    const { onRecord, onMissing, onGateway, onMore, onEnd } = this.#handlers;
    return {
      job: (record) => {
        if (this.#guard.accept(record)) onRecord?.(record);
      },
      missing: ({ id }) => {
        this.#guard.forget(id);
        onMissing?.(id);
      },
      reset: ({ id }) => this.#guard.forget(id),
      gateway: ({ state }) => onGateway?.(state),
      more: ({ cursor }) => onMore?.(cursor),
      end: ({ reason }) => {
        this.close();
        onEnd?.(reason);
      },
    };
  }

  // An EventSource comes back by itself after a lost connection, but never after an answer it cannot read, such as
  // the 502 of a proxy in front of a gateway that restarts.
  /** @param {EventSource} source */
  #lost(source) {
    this.#handlers.onState?.('waiting');
    if (source.readyState !== EventSource.CLOSED) return;
    this.#failures += 1;
    this.#timer = setTimeout(() => this.#open(), backoff(this.#failures));
  }
}

export class Client {
  #base;
  #credentials;

  /**
   * @param {URL} base
   * @param {boolean} credentials
   */
  constructor(base, credentials) {
    this.#base = base;
    this.#credentials = credentials;
  }

  /**
   * Watches one job until its final status, or several jobs or all jobs of an owner until closed.
   * @param {Watched} watched
   * @param {Handlers} handlers
   * @returns {{close(): void}}
   */
  watch(watched, handlers) {
    return new Watch(new URL(stream_path(watched), this.#base), this.#credentials, handlers);
  }

  /**
   * @param {string} id
   * @returns {Promise<JobRecord>}
   */
  status(id) {
    return this.#ask('GET', `api/jobs/${encodeURIComponent(id)}/status`);
  }

  /**
   * @param {{owner: string, cursor?: string, status?: string, type?: string, group?: string}|{ids: string}} query
   * @returns {Promise<{jobs: JobRecord[], cursor?: string}>}
   */
  list(query) {
    return this.#ask('GET', `api/jobs?${new URLSearchParams(query)}`);
  }

  /**
   * @param {string} id
   * @returns {Promise<JobRecord>} a running job carries `cancel_requested` until its worker has stopped
   */
  cancel(id) {
    return this.#ask('POST', `api/jobs/${encodeURIComponent(id)}/cancel`);
  }

  /**
   * @param {string} id of a job that failed or was cancelled
   * @returns {Promise<JobRecord>}
   */
  retry(id) {
    return this.#ask('POST', `api/jobs/${encodeURIComponent(id)}/retry`);
  }

  /**
   * @param {string} method
   * @param {string} path
   */
  async #ask(method, path) {
    const response = await fetch(new URL(path, this.#base), {
      method,
      headers: { Accept: 'application/json' },
      credentials: this.#credentials ? 'include' : 'same-origin',
    });
    const body = await response.json().catch(() => ({}));
    if (!response.ok) throw new ProblemError(response.status, body);
    return body;
  }
}

/**
 * @param {object} [options]
 * @param {string} [options.url] where the gateway is; left out: where the page came from
 * @param {boolean} [options.credentials] send cookies to a gateway at another origin
 */
export function connect({ url = globalThis.location?.origin, credentials = false } = {}) {
  return new Client(new URL(url.endsWith('/') ? url : `${url}/`), credentials);
}
