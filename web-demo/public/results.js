// What the demo's results mean: the only thing about jobs that the page has to know itself.

import { application } from './place.js';

const { lang } = document.documentElement;
const numbers = new Intl.NumberFormat(lang);
const money = new Intl.NumberFormat(lang, { minimumFractionDigits: 2, maximumFractionDigits: 2 });

/** @param {number} bytes */
const size = (bytes) => (bytes < 1000 ? `${bytes} bytes` : `${numbers.format(Math.round(bytes / 1000))} kB`);

/** @type {import('../../clients/js/components.js').ResultOf} */
export function result_of({ result }) {
  const { rows, table, total_amount, pages, bytes, url } = /** @type {any} */ (result ?? {});
  const parts = [];
  if (rows !== undefined) parts.push(`${numbers.format(rows)} rows imported${table ? ` into “${table}”` : ''}`);
  if (total_amount !== undefined) parts.push(`total ${money.format(total_amount)}`);
  if (pages !== undefined) parts.push(`${pages} ${pages === 1 ? 'page' : 'pages'}`);
  if (bytes !== undefined) parts.push(size(bytes));
  return { text: parts.join(' · '), ...(url && { url: web_address(url), label: 'Open the PDF' }) };
}

/** @param {string} url */
const web_address = (url) => (URL.canParse(url, application) ? new URL(url, application).href : undefined);
