// What jobcast.js offers.

import { Client } from './client.js';

export { Client } from './client.js';
export { eventParser } from './event_parser.js';
export { RecordGuard } from './record_guard.js';
export { JobError, ProblemError, backoff, isFinal } from './values.js';

export function connect(options = {}) {
  const defaults = { url: globalThis.location?.origin, transport: 'auto', share: true, seen: true, submit: '/jobs', firstByte: 5000, climb: 30_000 };
  return new Client({ ...defaults, ...options });
}
