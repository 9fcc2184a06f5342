// The demo page: one stream of all jobs of this visitor, shown as cards. The page keeps no state of its own, so a
// reload or a second screen shows the same.

import { connect } from '/jobcast.js';
import { is_final, outcome_of } from './describe.js';
import { JobCard } from './job_card.js';
import { StartPanel } from './start_panel.js';

const $ = (id) => document.getElementById(id);

/** Whose jobs these are: the link's visitor, or the one this browser has made up. */
function visitor() {
  const named = new URLSearchParams(location.search).get('visitor');
  if (named) return named;
  const made = localStorage.getItem('visitor') ?? `visitor-${[...crypto.getRandomValues(new Uint8Array(9))].map((b) => b.toString(36).padStart(2, '0')).join('')}`;
  localStorage.setItem('visitor', made);
  return made;
}

const owner = visitor();
/** The application listens on the gateway's port + 1, or on another port of its host, which the link names: `?app=9000`. */
function application_origin() {
  const named = Number(new URLSearchParams(location.search).get('app'));
  return `${location.protocol}//${location.hostname}:${named || Number(location.port || 80) + 1}`;
}

const application = application_origin();
const client = connect();
/** @type {Map<string, JobCard>} */
const cards = new Map();

/** @param {import('../../clients/js/jobcast.js').JobRecord} record */
function show(record) {
  let card = cards.get(record.id);
  const ended = card && !is_final(card.record) && is_final(record);
  if (card) {
    card.show(record);
  } else {
    card = new JobCard(record, client, application);
    const older = [...cards.values()].filter((c) => c.record.created_at < record.created_at).sort((a, b) => b.record.created_at - a.record.created_at)[0];
    $('cards').insertBefore(card.element, older?.element ?? null);
    cards.set(record.id, card);
  }
  if (ended) say(outcome_of(record));
  count();
}

/** @param {string} id */
function forget(id) {
  cards.get(id)?.element.remove();
  cards.delete(id);
  count();
}

function count() {
  const running = [...cards.values()].filter((c) => !is_final(c.record)).length;
  $('tally').textContent = cards.size ? `${running ? `${running} running · ` : ''}${cards.size} in all` : '';
  $('empty').hidden = cards.size > 0;
}

/** @param {string} text heard, not seen */
function say(text) {
  const line = document.createElement('p');
  line.textContent = text;
  $('outcomes').append(line);
  while ($('outcomes').childElementCount > 5) $('outcomes').firstElementChild.remove();
}

const words = {
  connecting: 'Connecting', waiting: 'Reconnecting…', closed: 'Closed', open: 'Live',
  degraded: 'Updates delayed', draining: 'Moving over…', busy: 'Busy, trying again…',
};
const connection = { stream: 'connecting', gateway: 'ok' };

/** @param {Partial<typeof connection>} change */
function connected(change) {
  Object.assign(connection, change);
  const state = connection.stream === 'open' && connection.gateway !== 'ok' ? connection.gateway : connection.stream;
  $('connection').dataset.state = state;
  $('connection').querySelector('span').textContent = words[state];
  document.body.toggleAttribute('data-offline', ['waiting', 'connecting'].includes(state));
}

const second_screen = new URLSearchParams(location.search);
second_screen.set('visitor', owner);
$('second-screen').href = `?${second_screen}`;
new StartPanel(application, owner);
client.watch({ owner }, {
  onRecord: show,
  onMissing: forget,
  onGateway: (gateway) => connected({ gateway }),
  onState(stream) {
    connected(stream === 'open' ? { stream, gateway: 'ok' } : { stream });
    // Nothing says that a visitor has no jobs: soon after the stream opens, silence means it.
    if (stream === 'open') setTimeout(count, 300);
  },
});
setInterval(() => {
  for (const card of cards.values()) if (!is_final(card.record)) card.tick(Date.now());
}, 1000);
