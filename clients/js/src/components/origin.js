// Why a page of another origin hears nothing: a browser does not say so, but it can be found out.

import { warn } from './console.js';

/** By client: whether its gateway does not list the page's origin, or the promise to find out. */
const unlisted = new WeakMap();

/** Whether the gateway answers, but not pages of this origin. Asked once, when a first connection fails; `changed` is called when that is known. */
export function explain(client, changed) {
  const { state } = client.connection;
  if (state === 'open') unlisted.set(client, false);
  if (state === 'waiting' && !unlisted.has(client) && location.origin !== client.requests.base.origin) unlisted.set(client, find_out(client));
  const known = unlisted.get(client);
  known?.then?.(changed);
  return known === true;
}

async function find_out(client) {
  const { href } = client.requests.base;
  const readable = (path) => fetch(new URL(path, href), { cache: 'no-store' }).then(({ ok }) => ok, () => false);
  const [answers, script] = await Promise.all(['healthz', 'jobcast.js'].map(readable));
  if (unlisted.get(client) === false) return;
  unlisted.set(client, !answers && script);
  if (answers) return;
  // Its script is for everyone.
  const add = `add "${location.origin}" to cors.origins in the configuration of the gateway ${href}`;
  warn(script ? `Pages of this origin may not watch. To allow it, ${add}.` : `The gateway does not answer. If it runs, ${add}.`);
}
