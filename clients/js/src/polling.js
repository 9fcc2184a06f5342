// The way that is always open: asking, and being kept waiting where the gateway offers it.

import { hidden, isFinal, job_path, later, refusal, retry_after, second, ticks } from './values.js';

/** One request for all of a lane's records. `news` tells answers apart. */
export async function ask(lane, on, { tag, wait, signal }) {
  const { owner, ids, requests } = lane;
  const single = !owner && ids.length === 1;
  const path = single ? `${job_path(ids[0])}/status` : `api/jobs?${new URLSearchParams(owner ? { owner } : { ids })}`;
  const headers = { ...(tag && { 'If-None-Match': tag }), ...(wait && { Prefer: 'wait=25' }) };
  const response = await requests.request(path, { headers, signal });
  const after = retry_after(response);
  if (response.status === 304) return { tag, after };
  const gone = single && response.status === 404;
  if (!response.ok && !gone) throw await refusal(response);
  const body = gone ? { jobs: [] } : await response.json();
  on.opened();
  const records = body.jobs ?? [body];
  for (const record of records) on.event('job', record);
  // Where the answer has another page, that holds the rest.
  for (const id of owner || body.cursor ? [] : ids) if (!records.some((record) => record?.id === id)) on.event('missing', { id });
  if (single && isFinal(body)) on.event('end', { reason: 'final' });
  return { tag: response.headers.get('ETag'), after, gone, news: single && `${gone || body.version}` };
}

/** When a request may go again that is not held, whichever of the page's watches wants to. */
let free = 0;

/** Waits, then for a second of its own. */
function take_turn(hold, ms, go) {
  const now = ticks();
  // A clock that began anew has no turns of before.
  if (free > now + second) free = 0;
  hold(later(() => {
    const left = free - ticks();
    if (left > 0 && left <= second) return take_turn(hold, left, go);
    free = ticks() + second;
    go();
  }, ms));
}

export const polling = (wait) => (lane, on) => {
  const abort = new AbortController();
  let timer;
  let last = {};
  const round = async () => {
    const began = ticks();
    const late = later(() => abort.abort(), 40 * second);
    const asked = wait && (last.tag || last.gone);
    const answer = await ask(lane, on, { tag: last.tag, wait: asked, signal: abort.signal }).finally(() => clearTimeout(late));
    const { after, gone } = answer;
    const news = answer.news && answer.news !== last.news;
    last = { ...last, ...answer };
    on.alive();
    if (abort.signal.aborted) return;
    const again = () => round().catch(on.lost);
    if (asked && ticks() - began >= second) return void again();
    // Whatever answers at once, a proxy perhaps, is not asked again at once.
    const jitter = 1 + Math.max(0, Math.random() - 0.5) / 2;
    const pause = wait && news ? (asked || gone) && after : (after || (lane.unfinished() || gone ? 3 : 15) * second) * (hidden() ? 4 : 1);
    take_turn((given) => (timer = given), Math.max(second, pause || 0) * jitter, again);
  };
  round().catch(on.lost);
  return () => {
    clearTimeout(timer);
    abort.abort();
  };
};
