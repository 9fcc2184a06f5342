// Small things that all parts share: what is final, what is an error, how long to wait.

export const second = 1000;
export const page = globalThis.document;
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
  const wait = response.headers.get('Retry-After');
  const ms = Number(wait) * second || Date.parse(wait) - Date.now() || 0;
  return new ProblemError(response.status, (await response.json().catch(() => 0)) || {}, Math.max(0, ms));
}

/** Full jitter: anywhere up to a ceiling that doubles with every failure in a row, so that a crowd does not come back as one. */
export const backoff = (failures, random = Math.random()) => random * Math.min(30 * second, second * 2 ** (failures - 1));
