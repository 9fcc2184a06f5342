// Async iteration over what changes.

/** What is new each time it is asked; what came in between is skipped. */
export async function* follow(handle, now, is_last) {
  let wake;
  let news = true;
  const tell = () => {
    news = true;
    wake?.();
  };
  const stop = handle.subscribe(tell, tell);
  try {
    while (!handle.closed) {
      if (!news) await new Promise((resolve) => (wake = resolve));
      news = false;
      const value = now();
      if (value !== undefined && !handle.closed) yield value;
      if (is_last(value)) return;
    }
  } finally {
    stop();
  }
}
