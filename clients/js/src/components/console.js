// What is said to developers, once for each kind.

const said = new Set();

function once(how, kind, ...what) {
  if (said.size > 99 || said.has(kind)) return;
  said.add(kind);
  console[how]('jobcast:', ...what);
}

/** Why something was refused. */
export const warn = (problem) => once('warn', problem, problem);

/** Calls what others wrote, or what reads what they wrote: what it throws is said, and stops nothing. */
export function guarded(act) {
  try {
    return act();
  } catch (error) {
    once('error', `${error?.message ?? JSON.stringify(error)}`.replace(/\d+/g, ''), error);
  }
}
