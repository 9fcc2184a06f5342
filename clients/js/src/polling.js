// The way that is always open: asking, and being kept waiting where the gateway offers it.

import { hidden, isFinal, job_path, refusal, second } from './values.js';

/** One request for all of a lane's records. */
export async function ask(lane, on, { tag, wait, signal }) {
  const { owner, ids, requests } = lane;
  const single = !owner && ids.length === 1;
  const path = single ? `${job_path(ids[0])}/status` : `api/jobs?${new URLSearchParams(owner ? { owner } : { ids })}`;
  const headers = { ...(tag && { 'If-None-Match': tag }), ...(wait && { Prefer: 'wait=25' }) };
  const response = await requests.request(path, { headers, signal });
  const after = Number(response.headers.get('Retry-After')) * second;
  if (response.status === 304) return { tag, after, same: true };
  const gone = single && response.status === 404;
  if (!response.ok && !gone) throw await refusal(response);
  const body = gone ? { jobs: [] } : await response.json();
  on.opened();
  const records = body.jobs ?? [body];
  for (const record of records) on.event('job', record);
  for (const id of owner ? [] : ids) if (!records.some((record) => record.id === id)) on.event('missing', { id });
  if (single && isFinal(body)) on.event('end', { reason: 'final' });
  return { tag: response.headers.get('ETag'), after };
}

export const polling = (wait) => (lane, on) => {
  const abort = new AbortController();
  let timer;
  let tag;
  const round = async () => {
    const began = Date.now();
    const late = setTimeout(() => abort.abort(), 40 * second);
    const answer = await ask(lane, on, { tag, wait: wait && tag, signal: abort.signal }).finally(() => clearTimeout(late));
    tag = answer.tag;
    on.alive();
    const held = wait && !(answer.same && Date.now() - began < second);
    const pause = (answer.after || (lane.unfinished() ? 3 : 15) * second) * (hidden() ? 4 : 1) * (0.75 + Math.random() / 2);
    if (!abort.signal.aborted) timer = setTimeout(() => round().catch(on.lost), held ? 0 : pause);
  };
  round().catch(on.lost);
  return () => {
    clearTimeout(timer);
    abort.abort();
  };
};
