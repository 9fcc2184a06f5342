/** Elements that show jobs. Loading the module defines them. How to use and theme them: docs/browser.md. */

import type { Client, JobRecord, Options } from './jobcast.js';

/** How elements connect that are given no `client`. Those that are on the page already begin anew. */
export function configure(options: Options): void;

/** Every word the elements say; `{names}` stand for values. */
export const texts: Record<string, string>;
export function setTexts(words: Record<string, string>): void;

export type ResultOf = (record: JobRecord) => { text?: string; url?: string; label?: string } | undefined;

/** `<job-progress job="inv-1">`. Attributes: `job`, `label`; `url`, `link`, `transport`. Slots: `title`, `result`. */
export class JobProgress extends HTMLElement {
  client: Client;
  record: JobRecord | undefined;
  /** What to say of a result, and where it is. Left out: a result that is text, or that has a `url`. */
  resultOf?: ResultOf;
}

/** `<job-list owner="me">`. Attributes: `owner` (`me`), `group`, `type`, `status`, or `ids`; `url`, `link`, `transport`. Slot: `empty`. */
export class JobList extends HTMLElement {
  client: Client;
  readonly records: JobRecord[];
  resultOf?: ResultOf;
  /** Called once for each job shown, to add slots or classes. */
  decorate?: (element: JobProgress, record: JobRecord) => void;
}

/** `<job-inbox>`. Attributes: `owner` (`me`); `url`, `link`, `transport`. A link must name an owner, and leaves no way to put outcomes away. */
export class JobInbox extends HTMLElement {
  client: Client;
  refresh(): Promise<void>;
}

declare global {
  interface HTMLElementTagNameMap {
    'job-progress': JobProgress;
    'job-list': JobList;
    'job-inbox': JobInbox;
  }
  interface HTMLElementEventMap {
    /** On a job-progress: every record shown. */
    jobchange: CustomEvent<JobRecord>;
    /** On a job-progress: the outcome, once per attempt. */
    jobdone: CustomEvent<JobRecord>;
    /** On a job-list. */
    joblist: CustomEvent<JobRecord[]>;
    /** On a job-inbox. */
    inboxchange: CustomEvent<JobRecord[]>;
  }
}
