// What is said of a record, without touching the page. `now` is the gateway's time.

import { isFinal } from '../index.js';
import { say } from './texts.js';

const units = [['day', 86_400_000], ['hour', 3_600_000], ['minute', 60_000], ['second', 1000]];

/** No finer than its two greatest units, in the reader's language. */
export function duration(ms, lang) {
  let rest = Math.max(1000, Math.round(ms / 1000) * 1000);
  const parts = [];
  for (const [unit, size] of units) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count && parts.length < 2) parts.push(new Intl.NumberFormat(lang, { style: 'unit', unit }).format(count));
    else if (parts.length) break;
  }
  return parts.join(' ');
}

export const title_of = ({ labels = {}, type }) => labels.title ?? labels.name ?? labels.file ?? type.replace(/[_.:-]+/g, ' ').replace(/^./, (c) => c.toUpperCase());

export function status_of(record) {
  if (isFinal(record)) return say(record.status);
  if (record.cancel_requested) return say('cancelling');
  return say(record.stalled ? 'stalled' : record.status);
}

/** One word for how it looks: a status, or `stalled`, `cancelling`. */
export const look_of = (record) => (isFinal(record) ? record.status : record.cancel_requested ? 'cancelling' : record.stalled ? 'stalled' : record.status);

export function count_of({ progress: { current, total, unit = '' } }, lang) {
  if (current === undefined) return '';
  const format = (value) => new Intl.NumberFormat(lang).format(value);
  return `${total === undefined ? format(current) : say('of', { current: format(current), total: format(total) })} ${unit}`.trim();
}

/** When, for how long, which attempt. */
export function facts_of({ created_at, started_at, finished_at, attempt, max_attempts = 0 }, now, lang) {
  const today = new Date(created_at).toDateString() === new Date(now).toDateString();
  const began = new Intl.DateTimeFormat(lang, { timeStyle: 'short', ...(!today && { dateStyle: 'medium' }) }).format(created_at);
  const took = started_at && duration((finished_at ?? now) - started_at, lang);
  return [began, took, attempt > 1 && say('attempt', { n: attempt, m: Math.max(attempt, max_attempts) })].filter(Boolean).join(' · ');
}

/** The estimate, no finer than it deserves, or that it was too good: by the clock, or as the gateway says. */
export function left_of({ status, stalled, cancel_requested, progress: { eta, late }, updated_at }, now, lang) {
  if (status !== 'processing' || stalled || cancel_requested || !(eta || late)) return '';
  const left = updated_at + eta - now;
  if (late || left < -Math.max(5000, eta / 2)) return say('slow');
  const step = left < 10_000 ? 1000 : left < 60_000 ? 5000 : 60_000;
  return say('left', { time: duration(Math.max(1, Math.ceil(left / step)) * step, lang) });
}

/** What a watcher should know besides progress. */
export function note_of(record, now, lang) {
  const left = record.retry_at - now;
  if (record.status === 'retrying')
    return [record.error?.title, left > 500 ? say('retry_in', { time: duration(left, lang) }) : say('retry_now')].filter(Boolean).join('. ');
  if (record.stalled && !isFinal(record)) return say('quiet', { time: duration(now - (record.locked_at ?? record.updated_at), lang) });
  return '';
}

/** Only web addresses become links: records come from workers. */
export function web_address(text, base) {
  if (!text) return undefined;
  try {
    const url = new URL(text, base);
    return /^https?:$/.test(url.protocol) ? url.href : undefined;
  } catch {
    return undefined;
  }
}
