// Why a page of another origin hears nothing: a browser does not say so, but it can be found out.

import { warn } from './console.js';

/** By client: whether its gateway does not list the page's origin, undefined until that is known. */
const unlisted = new WeakMap();

/** Whether the gateway answers, but not pages of this origin. Asked once, when a first connection fails; `changed` is called when that is known. */
export function explain(client, changed) {
  const { state } = client.connection;
  const { href: gateway, origin: there } = client.requests.base;
  const here = location.origin;
  if (state === 'open') unlisted.set(client, false);
  if (here !== there && state === 'waiting' && !unlisted.has(client)) {
    unlisted.set(client, undefined);
    const readable = (path) => fetch(new URL(path, gateway), { cache: 'no-store' }).then(({ ok }) => ok, () => false);
    Promise.all(['healthz', 'jobcast.js'].map(readable)).then(([answers, script]) => {
      if (answers || unlisted.get(client) === false) return;
      unlisted.set(client, script);
      // Its script is for everyone.
      const add = `add "${here}" to cors.origins in the configuration of the gateway ${gateway}`;
      warn(script ? `Pages of this origin may not watch. To allow it, ${add}.` : `The gateway does not answer. If it runs, ${add}.`);
      changed();
    });
  }
  return !!unlisted.get(client);
}
