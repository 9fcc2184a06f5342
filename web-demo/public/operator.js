// The operator's view: how many watch, which jobs there are, what is stuck, which outcomes nobody has seen. Jobs are watched
// live like anyone's; the rest is read from the gateway's metrics.

import { connect, isFinal } from '/jobcast.js';
import { show_connection } from './connection_pill.js';
import { application } from './place.js';

const $ = (id) => document.getElementById(id);
const { lang } = document.documentElement;
const numbers = new Intl.NumberFormat(lang);
const rates = new Intl.NumberFormat(lang, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const clock = new Intl.DateTimeFormat(lang, { timeStyle: 'short' });
const statuses = ['pending', 'processing', 'retrying', 'done', 'failed', 'cancelled'];
const names = { pending: 'Waiting', processing: 'Running', retrying: 'Retrying', done: 'Done', failed: 'Failed', cancelled: 'Cancelled' };

const client = connect({ share: 'operator', seen: false });
show_connection($('connection'), client);

/** @type {import('../../clients/js/jobcast.js').Jobs|undefined} */
let jobs;
let watched = '';
/** How many had ended when the unseen were last counted. */
let ended;

/** @param {string} id @param {string|number} value */
const put = (id, value) => ($(id).textContent = typeof value === 'number' ? numbers.format(value) : value);

/** What the application knows of: all visitors' jobs, newest first. */
async function find_jobs() {
  const { ids } = await (await fetch(`${application}/recent`)).json();
  if (ids.join() === watched) return;
  watched = ids.join();
  const before = jobs;
  jobs = client.jobs({ ids });
  jobs.subscribe(show_jobs);
  before?.close();
  show_jobs(jobs.records);
}

/** @param {import('../../clients/js/jobcast.js').JobRecord[]} records */
function show_jobs(records) {
  const count = (status) => records.filter((record) => record.status === status).length;
  const most = Math.max(1, ...statuses.map(count));
  $('statuses').replaceChildren(...statuses.map((status) => {
    const row = document.createElement('div');
    row.dataset.status = status;
    row.innerHTML = '<dt></dt><dd class="bar" aria-hidden="true"><b></b></dd><dd class="count"></dd>';
    row.querySelector('dt').textContent = names[status];
    row.querySelector('b').style.width = `${(count(status) / most) * 100}%`;
    row.querySelector('.count').textContent = numbers.format(count(status));
    return row;
  }));
  const stuck = records.filter(({ stalled }) => stalled);
  if (ended !== (ended = records.filter(isFinal).length)) count_unseen().catch(() => undefined);
  put('running', count('processing'));
  put('running-of', `of ${numbers.format(records.length)} recent jobs`);
  put('stuck', stuck.length);
  $('stuck-tile').toggleAttribute('data-warn', stuck.length > 0);
  const trouble = [...stuck, ...records.filter(({ status }) => status === 'retrying'), ...records.filter(({ status }) => status === 'failed')];
  $('trouble').tBodies[0].replaceChildren(...(trouble.length ? trouble.slice(0, 12).map(trouble_row) : [empty_row('Nothing. All is well.')]));
}

/** @param {import('../../clients/js/jobcast.js').JobRecord} record */
function trouble_row(record) {
  const row = document.createElement('tr');
  row.innerHTML = '<td><strong></strong><br><span class="tag"></span></td><td></td><td class="quiet optional"></td><td class="quiet"></td>';
  const [job, what, visitor, since] = row.cells;
  job.querySelector('strong').textContent = record.labels?.file ?? record.type;
  job.querySelector('span').textContent = record.stalled ? 'Stalled' : names[record.status];
  job.querySelector('span').dataset.status = record.stalled ? 'retrying' : record.status;
  what.textContent = record.error?.title ?? (record.stalled ? 'No word from its worker' : '');
  const owner = record.owner ?? '';
  visitor.textContent = owner.length > 16 ? `${owner.slice(0, 15)}…` : owner;
  since.textContent = clock.format(record.finished_at ?? record.locked_at ?? record.updated_at);
  return row;
}

/** @param {string} words */
function empty_row(words) {
  const row = document.createElement('tr');
  row.innerHTML = '<td colspan="4" class="quiet"></td>';
  row.cells[0].textContent = words;
  return row;
}

/** The newest of each metric, and when. */
let last = { at: 0, values: new Map() };

async function read_metrics() {
  const text = await (await fetch('/metrics')).text();
  const values = new Map();
  for (const [, name, value] of text.matchAll(/^(jobcast_\w+)(?:\{[^}]*\})? (\S+)$/gm)) values.set(name, (values.get(name) ?? 0) + Number(value));
  const at = performance.now();
  const rate = (name) => (last.at ? Math.max(0, values.get(name) - last.values.get(name)) / ((at - last.at) / 1000) : 0);
  const [streams, sockets, polls] = ['jobcast_streams', 'jobcast_websockets', 'jobcast_long_polls'].map((name) => values.get(name) ?? 0);
  put('watchers', streams + sockets + polls);
  put('watchers-how', [[streams, 'SSE'], [sockets, 'WebSocket'], [polls, 'long poll']].filter(([n]) => n).map(([n, how]) => `${n} ${how}`).join(' · ') || 'nobody');
  const facts = [
    ['Events a second', rates.format(rate('jobcast_events_total'))], ['Deliveries a second', rates.format(rate('jobcast_deliveries_total'))],
    ['Watched jobs', numbers.format(values.get('jobcast_watched_jobs') ?? 0)], ['Watched owners', numbers.format(values.get('jobcast_watched_owners') ?? 0)],
  ];
  $('gateway').replaceChildren(...facts.map(([name, value]) => {
    const tile = document.createElement('div');
    tile.className = 'tile';
    tile.innerHTML = '<dt></dt><dd></dd>';
    tile.querySelector('dt').textContent = name;
    tile.querySelector('dd').textContent = value;
    return tile;
  }));
  last = { at, values };
}

async function count_unseen() {
  const owners = [...new Set((jobs?.records ?? []).map(({ owner }) => owner).filter(Boolean))].slice(0, 20);
  const inboxes = await Promise.all(owners.map((owner) => client.inbox({ owner })));
  if (!jobs) return;
  const unseen = inboxes.reduce((sum, inbox) => sum + inbox.jobs.length, 0);
  put('unseen', unseen);
  $('unseen-tile').toggleAttribute('data-warn', unseen > 0);
}

/** Again and again while the page is to be seen, whatever becomes of it. */
async function keep(act, ms) {
  if (!document.hidden) await act().catch(() => undefined);
  setTimeout(keep, ms, act, ms);
}

keep(find_jobs, 2000);
keep(read_metrics, 2000);
keep(count_unseen, 3000);
