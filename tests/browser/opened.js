// Everything that a test file starts (browser, gateway, demo, nginx) is noted here, so that its `after` closes what is still
// open, whatever failed: a child that is left keeps the file, and with it the whole run, from ending.

/** @type {Set<{started: Promise<any>, close: (thing: any) => Promise<any>}>} */
const opened = new Set();

/**
 * Notes what is being started.
 * @template T
 * @param {Promise<T>} started
 * @param {(thing: T) => Promise<any>} close may be called for what is closed already
 * @returns {Promise<T>}
 */
export function opening(started, close) {
  opened.add({ started, close });
  return started;
}

/** Closes all, also what is still starting. Goes on when one can't be closed, and throws after. */
export async function close_all() {
  const closed = await Promise.allSettled([...opened].map(async ({ started, close }) => {
    // Who failed to start closes itself, and was reported where it was awaited.
    const thing = await started.catch(() => undefined);
    if (thing !== undefined) await close(thing);
  }));
  opened.clear();
  for (const { reason } of closed) if (reason) throw reason;
}
