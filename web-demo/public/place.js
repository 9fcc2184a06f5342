// Who the visitor is, and where the demo application listens.

const query = new URLSearchParams(location.search);

/** Whose jobs these are: the link's visitor, or the one this browser has made up. */
export function visitor() {
  const named = query.get('visitor');
  if (named) return named;
  const made = localStorage.getItem('visitor') ?? `visitor-${[...crypto.getRandomValues(new Uint8Array(9))].map((b) => b.toString(36).padStart(2, '0')).join('')}`;
  localStorage.setItem('visitor', made);
  return made;
}

/** The application listens on the gateway's port + 1, or on another port of its host, which the link names: `?app=9000`. */
export const application = `${location.protocol}//${location.hostname}:${Number(query.get('app')) || Number(location.port || 80) + 1}`;

/** This page's address with other parameters. */
export function address(page, given) {
  const parameters = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(given)) parameters.set(name, value);
  return `${page}?${parameters}`;
}
