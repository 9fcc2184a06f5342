// What components.js offers: it defines the elements.

import { JobInbox } from './job_inbox.js';
import { JobList } from './job_list.js';
import { JobProgress } from './job_progress.js';

export { configure } from './base.js';
export { setTexts, texts } from './texts.js';
export { JobInbox, JobList, JobProgress };

for (const [name, element] of Object.entries({ 'job-progress': JobProgress, 'job-list': JobList, 'job-inbox': JobInbox }))
  if (globalThis.customElements && !customElements.get(name)) customElements.define(name, element);
