// What jobcast.js offers.

import { Client } from './client.js';
import { settings } from './options.js';

export { Client } from './client.js';
export { eventParser } from './event_parser.js';
export { RecordGuard } from './record_guard.js';
export { JobError, ProblemError, backoff, isFinal } from './values.js';

export function connect(options = {}) {
  return new Client(settings(options));
}
