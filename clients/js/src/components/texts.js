// Every word the components say, replaceable one by one. {names} stand for values.

export const texts = {
  pending: 'Waiting',
  processing: 'Running',
  retrying: 'Retrying',
  done: 'Done',
  failed: 'Failed',
  cancelled: 'Cancelled',
  cancelling: 'Cancelling…',
  stalled: 'Stalled',
  missing: 'Not found',
  unknown: 'Loading…',
  waits: 'Waiting for a worker for {time}.',
  of: '{current} of {total}',
  left: '~{time} left',
  attempt: 'Attempt {n} of {m}',
  retry_in: 'Next attempt in {time}',
  retry_now: 'Next attempt any moment now',
  slow: 'Taking longer than usual',
  quiet: 'No word from the worker for {time}. It may still recover.',
  away: 'Connection lost. The job goes on, and this will catch up.',
  refused: 'You are not allowed to watch this.',
  unreachable: 'The server cannot be reached. Try again in a moment.',
  job_failed: 'The job failed',
  to_do: 'What to do',
  link: 'More about this',
  reference: 'Reference: {reference}',
  dismiss: 'Dismiss',
  open: 'Open the result',
  cancel: 'Cancel',
  retry: 'Try again',
  progress: 'Progress of {title}',
  empty: 'No jobs yet',
  more: 'Show older ones',
  inbox: 'Outcomes not seen yet: {n}',
  nothing: 'Nothing new',
  seen: 'Mark as seen',
  all_seen: 'Mark all as seen',
};

/** Other words, for another language or tone, for every component that is shown from now on. */
export const setTexts = (words) => Object.assign(texts, words);

export const say = (key, values = {}) => String(Object.hasOwn(texts, key) ? texts[key] : key).replace(/{(\w+)}/g, (_, name) => values[name] ?? '');
