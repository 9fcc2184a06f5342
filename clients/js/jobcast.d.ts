/** Browser client of jobcast. How to use it: docs/browser.md. Times are milliseconds since the epoch. */

export type Status = 'pending' | 'processing' | 'retrying' | 'done' | 'failed' | 'cancelled';

export interface Progress {
  /** 0 to 100; absent while nobody knows. */
  percent?: number;
  current?: number;
  total?: number;
  unit?: string;
  step?: string;
  message?: string;
  /** Milliseconds left when the record was updated. */
  eta?: number;
  /** How far off an estimated `eta` may be, in milliseconds. */
  eta_error?: number;
  /** Past the usual time for such a job, while nothing better is known. */
  late?: boolean;
}

export interface JobErrorInfo {
  code?: string;
  /** What failed. */
  title?: string;
  detail?: string;
  /** What to do next. */
  action?: string;
  severity?: 'low' | 'high';
  retryable?: boolean;
  link?: string;
  reference?: string;
}

export interface JobRecord<Result = unknown> {
  id: string;
  type: string;
  status: Status;
  version: number;
  attempt: number;
  max_attempts?: number;
  progress: Progress;
  stalled: boolean;
  cancel_requested: boolean;
  /** What this job offers now. */
  can: ('cancel' | 'retry')[];
  retry_at?: number;
  error?: JobErrorInfo;
  result?: Result;
  owner?: string;
  tenant?: string;
  group?: string;
  /** The record of the batch, to be watched like a job. */
  group_id?: string;
  /** Of a batch: its jobs by status, and how many are stalled. */
  counts?: Record<Status | 'stalled', number>;
  /** Of a batch: up to 20 failed jobs. */
  failed?: { id: string; title?: string }[];
  /** Whether somebody has seen the outcome. */
  seen?: boolean;
  labels?: Record<string, string>;
  created_at: number;
  started_at?: number;
  updated_at: number;
  finished_at?: number;
  locked_at?: number;
}

export type Transport = 'native' | 'stream' | 'websocket' | 'long-poll' | 'poll';

/** The connection, which says nothing about any job. */
export interface Connection {
  /**
   * `idle`: nothing to watch. `waiting`: lost, and tried again by itself. `paused`: by `pause()` or a hidden page.
   * `refused`: the gateway said no in a way that asking again will hardly change; it is asked again all the same, rarely.
   */
  state: 'idle' | 'connecting' | 'open' | 'waiting' | 'paused' | 'refused';
  /** The way it goes: `native` and `stream` are Server-Sent Events, by EventSource and by fetch. */
  transport?: Transport;
  /** `degraded`: the gateway lives but its Redis is away, and what is shown may be old. */
  gateway?: 'ok' | 'degraded' | 'draining' | 'busy';
  /** Why it is waiting or refused. */
  problem?: string;
}

export interface Options {
  /** Where the gateway is, a path included; left out: where the page came from. */
  url?: string | URL;
  /**
   * A JWT, or what fetches one: called when the first is needed and, with `renew`, before the last one expires or when it is refused.
   * It may resolve with nothing after it has renewed a cookie.
   */
  token?: string | ((why: { renew: boolean }) => string | undefined | void | Promise<string | undefined | void>);
  /** Send cookies to a gateway of another origin. */
  credentials?: boolean;
  /** A watch link (its whole URL will do): read-only access without a token. Or what fetches one, and with `renew` the next one. */
  link?: string | URL | ((why: { renew: boolean }) => string | Promise<string>);
  /**
   * `auto` (default): Server-Sent Events, WebSocket, long polling, polling, whatever gets through; or one of them; or a list. `poll` alone is long polling, then polling; in a list it is polling.
   */
  transport?: 'auto' | 'sse' | Transport | ('auto' | 'sse' | Transport)[];
  /**
   * One connection for all tabs (default). Tabs are told apart by the token's owner. With cookies, give the id of who is logged in: without it
   * each tab has its own, as with `false`, and where the browser does not let tabs share.
   */
  share?: boolean | string | number;
  /** Close the connection while no tab is to be seen. Default: no. */
  pauseHidden?: boolean;
  /** Tell the gateway which outcomes the viewer has seen, so that nobody is sent mail about them. Default: yes. */
  seen?: boolean;
  /** Your application's own endpoint for `submit`. Default: `/jobs`. */
  submit?: string | URL;
  /** After how many milliseconds without a first byte a way counts as blocked. Default: 5000. */
  firstByte?: number;
  /** After how many milliseconds on a lesser way a better one is tried again, doubling up to 5 minutes. Default: 30000. */
  climb?: number;
}

/** What `done()` rejects with: the members of the record's error, or `code` `cancelled` or `closed`. */
export class JobError extends Error implements JobErrorInfo {
  code?: string;
  title?: string;
  detail?: string;
  action?: string;
  severity?: 'low' | 'high';
  retryable?: boolean;
  link?: string;
  reference?: string;
  record?: JobRecord;
}

/** A request the gateway refused. `message` is written to be shown. */
export class ProblemError extends Error {
  status: number;
  problem: { type?: string; title?: string; status?: number; detail?: string; field?: string };
  /** Milliseconds, 0 if not said. */
  retryAfter: number;
}

export interface Job<Result = any> extends AsyncIterable<JobRecord<Result>> {
  readonly id: string;
  /** The newest known; undefined before the first, and while `missing`. */
  readonly record: JobRecord<Result> | undefined;
  /** Unknown to the gateway, or not the viewer's. It is watched all the same, and may appear. */
  readonly missing: boolean;
  readonly closed: boolean;
  /**
   * Calls `call` now if there is something to say, and with every change; never with an older version than before. What it throws goes to the
   * console, once for each kind. Returns how to stop.
   */
  subscribe(call: (record: JobRecord<Result> | undefined, job: Job<Result>) => void): () => void;
  /** Resolves with the result, rejects with a JobError: once, whatever happens to the connection. After `retry()`, ask again. */
  done(): Promise<Result>;
  /** Asks to cancel. A running job carries `cancel_requested` until its worker has stopped. */
  cancel(): Promise<JobRecord<Result>>;
  retry(): Promise<JobRecord<Result>>;
  /** The viewer has seen how it ended. Told by itself for a job that is subscribed to, unless `seen` is off. */
  seen(): void;
  /** Watches no longer. `done()` rejects with code `closed`. */
  close(): void;
}

export interface Jobs extends AsyncIterable<JobRecord[]> {
  /** Newest first. */
  readonly records: JobRecord[];
  readonly closed: boolean;
  /** There when `more()` would bring older ones. */
  readonly cursor: string | undefined;
  subscribe(call: (records: JobRecord[], jobs: Jobs) => void): () => void;
  more(): Promise<void>;
  close(): void;
}

export interface Query {
  /** Default: `me`, whom the token names. */
  owner?: string;
  group?: string;
  type?: string;
  /** One or several, separated by commas. */
  status?: string;
}

export interface Showing {
  /** `false`: the viewer is not shown the outcomes, so none counts as seen. Default: as the client's. */
  seen?: boolean;
}

export class Client {
  readonly connection: Connection;
  /** Watches a job. Its batch's rollup is the job `group:<group>`. */
  job<Result = any>(id: string, options?: Showing): Job<Result>;
  jobs(query?: (Query | { ids: string[] }) & Showing): Jobs;
  /** Posts `{type, input}` to your application, with an `Idempotency-Key`; it answers with JSON that holds the job's `id`. */
  submit<Result = any>(type: string, input: unknown, options?: { idempotencyKey?: string; url?: string }): Promise<Job<Result>>;
  status(id: string): Promise<JobRecord>;
  list(query: (Query & { cursor?: string; limit?: number }) | { ids: string | string[] }): Promise<{ jobs: JobRecord[]; cursor?: string }>;
  /** Outcomes the viewer has not seen. */
  inbox(query?: { owner?: string }): Promise<{ jobs: JobRecord[] }>;
  cancel(id: string): Promise<JobRecord>;
  retry(id: string): Promise<JobRecord>;
  seen(record: JobRecord): void;
  /** The gateway's time in milliseconds since the epoch: for durations and countdowns on devices whose clock is wrong, or jumps. */
  now(): number;
  /** Called now and with every change. Answers with how to stop. */
  onConnection(call: (connection: Connection) => void): () => void;
  /** Another transport, from now on. Throws a TypeError if there is no such transport. */
  use(transport: Options['transport']): void;
  /** This tab hears nothing more until `resume()`; other tabs go on without it. */
  pause(): void;
  resume(): void;
  close(): void;
}

/** Throws a TypeError that names the option which makes no sense. */
export function connect(options?: Options): Client;
export function isFinal(record: Pick<JobRecord, 'status'> | undefined): boolean;

/** Full jitter, in milliseconds: anywhere up to 1 s doubled with every failure in a row, at most 30 s. */
export function backoff(failures: number, random?: number): number;

/** The version rule of docs/streams.md, for clients of your own. */
export class RecordGuard {
  connected(): void;
  forget(id: string): void;
  accept(record: { id: string; version: number }): false | 'first' | 'next';
}

/** Takes an event stream's text in pieces of any size. */
export function eventParser(onEvent: (name: string, data: string, id: string | undefined) => void, onRetry: (ms: number) => void): (text: string) => void;
