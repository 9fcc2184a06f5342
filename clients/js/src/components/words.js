// What is said of a record, without touching the page. `now` is the gateway's time.

import { isFinal } from '../index.js';
import { say, texts } from './texts.js';

/** A language that Intl takes: `en_US` is a slip, `C` and `*` are none. */
export function locale_of(lang) {
  try {
    return Intl.getCanonicalLocales(lang.replaceAll('_', '-'))[0];
  } catch {
    return undefined; // the browser's own
  }
}

const formats = new Map();

/** A formatter, which costs more to make than to use. */
function format(kind, lang, options) {
  const key = JSON.stringify([kind, lang, options]);
  if (!formats.has(key)) formats.set(key, new Intl[kind](lang, options));
  return formats.get(key);
}

export const number = (value, lang, options) => format('NumberFormat', lang, options).format(value);

/** A record of any gateway as one that can be shown: what has another shape than is known is as if it were not there. */
export function shown_of(record) {
  const { status, progress, labels, can, error, ...rest } = Object(record);
  const shape = (value) => (value && typeof value === 'object' ? value : {});
  const { percent, ...measured } = shape(progress);
  if (Number.isFinite(percent)) measured.percent = Math.min(100, Math.max(0, percent));
  return { ...rest, status: `${status}`, progress: measured, labels: shape(labels), can: [].concat(can), error: error && shape(error) };
}

const units = [['day', 86_400_000], ['hour', 3_600_000], ['minute', 60_000], ['second', 1000]];

/** No finer than its two greatest units, in the reader's language. */
export function duration(ms, lang) {
  let rest = Math.max(1000, Math.round(ms / 1000) * 1000);
  const parts = [];
  for (const [unit, size] of units) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count && parts.length < 2) parts.push(number(count, lang, { style: 'unit', unit }));
    else if (parts.length) break;
  }
  return parts.join(' ');
}

const words_of = (name) => `${name ?? ''}`.replace(/[_.:-]+/g, ' ').replace(/^./, (c) => c.toUpperCase());

export const title_of = ({ labels = {}, type }) => labels.title ?? labels.name ?? labels.file ?? words_of(type);

/** A status that is not known yet is shown as it is. */
export function status_of(record) {
  const look = look_of(record);
  return Object.hasOwn(texts, look) ? say(look) : words_of(look);
}

/** One word for how it looks: a status, or `stalled`, `cancelling`. */
export const look_of = (record) => (isFinal(record) ? record.status : record.cancel_requested ? 'cancelling' : record.stalled ? 'stalled' : record.status);

export function count_of({ progress: { current, total, unit = '' } }, lang) {
  if (current === undefined) return '';
  return `${total === undefined ? number(current, lang) : say('of', { current: number(current, lang), total: number(total, lang) })} ${unit}`.trim();
}

/** When, for how long, which attempt. */
export function facts_of({ created_at, started_at, finished_at, attempt, max_attempts = 0 }, now, lang) {
  const today = new Date(created_at).toDateString() === new Date(now).toDateString();
  const began = created_at <= 8.64e15 ? format('DateTimeFormat', lang, { timeStyle: 'short', ...(!today && { dateStyle: 'medium' }) }).format(created_at) : '';
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
  // A job that is to be tried again waits since its record said so.
  const waits = now - (record.attempt > 1 ? record.updated_at : record.created_at);
  return record.status === 'pending' && !record.cancel_requested && waits > 5000 ? say('waits', { time: duration(waits, lang) }) : '';
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
