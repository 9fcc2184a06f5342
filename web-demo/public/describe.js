// Words for a record: what the page says about a job, without touching the page.

/** @typedef {import('../../clients/js/jobcast.js').JobRecord} JobRecord */

const numbers = new Intl.NumberFormat('en');
const money = new Intl.NumberFormat('en', { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const clock = new Intl.DateTimeFormat('en', { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
const day_and_clock = new Intl.DateTimeFormat('en', { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });

const kinds = {
  csv_import: { name: 'CSV import', icon: '#i-table' },
  invoice_pdf: { name: 'Invoice PDF', icon: '#i-pdf' },
};

const chips = {
  pending: 'Waiting', processing: 'Running', retrying: 'Retrying', done: 'Done', failed: 'Failed', cancelled: 'Cancelled',
};

/** @param {string} type */
export const kind_of = (type) => kinds[type] ?? { name: type, icon: '#i-stack' };

/** @param {JobRecord} record */
export const is_final = ({ status }) => ['done', 'failed', 'cancelled'].includes(status);

/** @param {JobRecord} record */
export const name_of = (record) => record.labels?.file ?? kind_of(record.type).name;

/** @param {JobRecord} record */
export function chip_of(record) {
  if (is_final(record)) return chips[record.status];
  if (record.cancel_requested) return 'Cancelling…';
  return record.stalled ? 'Stalled' : chips[record.status];
}

/** @param {number} ms */
export function duration(ms) {
  const s = Math.max(0, Math.round(ms / 1000));
  if (s < 1) return 'under 1 s';
  if (s < 60) return `${s} s`;
  const m = Math.floor(s / 60);
  return m < 60 ? `${m} min ${s % 60} s` : `${Math.floor(m / 60)} h ${m % 60} min`;
}

/**
 * Kind, start, time taken, attempt.
 * @param {JobRecord} record
 * @param {number} now
 */
export function facts_of(record, now) {
  const parts = [];
  if (record.labels?.file) parts.push(kind_of(record.type).name);
  const today = new Date(record.created_at).toDateString() === new Date(now).toDateString();
  parts.push((today ? clock : day_and_clock).format(record.created_at));
  if (record.started_at) parts.push(duration((record.finished_at ?? now) - record.started_at));
  if (record.attempt > 1) parts.push(`attempt ${record.attempt} of ${Math.max(record.attempt, record.max_attempts)}`);
  return parts;
}

/** @param {JobRecord} record */
export function count_of({ progress: { current, total, unit } }) {
  if (current === undefined) return '';
  const of = total === undefined ? '' : ` of ${numbers.format(total)}`;
  return `${numbers.format(current)}${of}${unit ? ` ${unit}` : ''}`;
}

/**
 * The worker's estimate, no finer than it deserves.
 * @param {JobRecord} record
 */
export function left_of({ status, stalled, cancel_requested, progress: { eta } }) {
  if (status !== 'processing' || stalled || cancel_requested || !eta) return '';
  const seconds = eta / 1000;
  if (seconds > 55) return `~${Math.ceil(seconds / 60)} min left`;
  const step = seconds < 10 ? 1 : 5;
  return `~${Math.ceil(seconds / step) * step} s left`;
}

/** @param {JobRecord} record */
function message_of({ status, cancel_requested, progress: { step, message } }) {
  if (cancel_requested) return 'The worker has been asked to stop.';
  if (status === 'pending') return 'Waiting for a worker to start.';
  return status === 'retrying' ? '' : [step, message].filter(Boolean).join(' · ');
}

/**
 * What a watcher should know besides progress.
 * @param {JobRecord} record
 * @param {number} now
 */
export function note_of(record, now) {
  if (is_final(record)) return '';
  if (record.status === 'retrying') {
    const why = record.error?.title ? `${record.error.title}. ` : '';
    const left = (record.retry_at ?? now) - now;
    return `${why}The next attempt starts ${left > 500 ? `in ${duration(left)}` : 'now'}.`;
  }
  if (record.stalled) {
    const since = record.locked_at ? ` for ${duration(now - record.locked_at)}` : '';
    const choice = record.can.includes('cancel') && !record.cancel_requested ? ' You can wait, or cancel it.' : '';
    return `No word from the worker${since}. The job may still recover.${choice}`;
  }
  return '';
}

/** @param {number} bytes */
const size = (bytes) => (bytes < 1000 ? `${bytes} bytes` : `${numbers.format(Math.round(bytes / 1000))} kB`);

/** @param {any} result of any shape: workers decide */
function result_of(result) {
  const { rows, table, total_amount, pages, bytes } = result ?? {};
  const parts = [];
  if (rows !== undefined) parts.push(`${numbers.format(rows)} rows imported${table ? ` into “${table}”` : ''}`);
  if (total_amount !== undefined) parts.push(`total ${money.format(total_amount)}`);
  if (pages !== undefined) parts.push(`${pages} ${pages === 1 ? 'page' : 'pages'}`);
  if (bytes !== undefined) parts.push(size(bytes));
  return parts.join(' · ');
}

/**
 * What happens, or what came of it.
 * @param {JobRecord} record
 */
export function said_of(record) {
  switch (record.status) {
    case 'done': return result_of(record.result);
    case 'cancelled': return 'Stopped on request.';
    case 'failed': return '';
    default: return message_of(record);
  }
}

/**
 * One sentence for those who hear the page.
 * @param {JobRecord} record
 */
export function outcome_of(record) {
  const more = record.status === 'failed' ? [record.error?.title, record.error?.action] : [said_of(record)];
  return [`${name_of(record)}: ${chips[record.status]}`, ...more].filter(Boolean).join('. ');
}
