// Small things that all parts share: what is final, what is an error, how long to wait.

export const second = 1000;
export const page = globalThis.document;
/** Milliseconds by a clock that nobody sets. */
export const ticks = () => performance.now();
/** setTimeout; a wait that is too long for a timer is as long as a timer can be, instead of none. */
export const later = (act, ms) => setTimeout(act, Math.min(ms, 2 ** 31 - 1));
export const hidden = () => page?.visibilityState === 'hidden';
export const job_path = (id) => `api/jobs/${encodeURIComponent(id)}`;

export const isFinal = (record) => ['done', 'failed', 'cancelled'].includes(record?.status);

/** What `done()` rejects with: the members of the record's error. */
export class JobError extends Error {
  constructor(error, record) {
    super(error.title ?? error.code);
    Object.assign(this, error, { name: 'JobError', record });
  }
}

/** A request that was refused. `message` is the problem's detail, written to be shown. */
export class ProblemError extends Error {
  constructor(status, problem, retryAfter = 0) {
    super(problem.detail ?? problem.title ?? `The gateway answered with status ${status}.`);
    Object.assign(this, { name: 'ProblemError', status, problem, retryAfter });
  }
}

/** @param {Response} response */
export async function refusal(response) {
  return new ProblemError(response.status, (await response.json().catch(() => 0)) || {}, retry_after(response));
}

/** Milliseconds, 0 if not said. A date is held against the gateway's own. */
export function retry_after({ headers }) {
  const wait = headers.get('Retry-After');
  return Math.max(0, Number(wait) * second || Date.parse(wait) - (Date.parse(headers.get('Date')) || Date.now()) || 0);
}

const complaints = new Set();

/** Says on the console what foreign code or data did wrong, once for each kind. */
export function complain(error) {
  const kind = `${error?.message ?? JSON.stringify(error)}`.replace(/\d+/g, '');
  if (complaints.size > 99 || complaints.has(kind)) return;
  complaints.add(kind);
  console.error('jobcast:', error);
}

/** Calls foreign code: what it throws is said, and stops nothing. */
export function guarded(act, ...given) {
  try {
    return act(...given);
  } catch (error) {
    complain(error);
  }
}

/** Full jitter: anywhere up to a ceiling that doubles with every failure in a row, so that a crowd does not come back as one. */
export const backoff = (failures, random = Math.random()) => random * Math.min(30 * second, second * 2 ** (failures - 1));
