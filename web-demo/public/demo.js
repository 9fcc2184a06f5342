// The demo page: the components of jobcast on one connection, and a panel that starts jobs. The page keeps no state of its
// own, so a reload or a second screen shows the same.

import { connect, isFinal } from '/jobcast.js';
import '/components.js';
import { show_connection } from './connection_pill.js';
import { address, application, visitor } from './place.js';
import { result_of } from './results.js';
import { StartPanel } from './start_panel.js';

const $ = (id) => document.getElementById(id);
const owner = visitor();
const client = connect({ share: owner });

const jobs = /** @type {import('../../clients/js/components.js').JobList} */ ($('jobs'));
const inbox = /** @type {import('../../clients/js/components.js').JobInbox} */ ($('inbox'));
for (const element of [jobs, inbox]) {
  element.client = client;
  element.setAttribute('owner', owner);
}
jobs.resultOf = result_of;
jobs.addEventListener('joblist', ({ detail: records }) => {
  const running = records.filter((record) => !isFinal(record)).length;
  $('tally').textContent = records.length ? `${running ? `${running} running · ` : ''}${records.length} in all` : '';
});

show_connection($('connection'), client);
$('second-screen').href = address('/', { visitor: owner });
$('transport').addEventListener('change', ({ target }) => client.use(/** @type {HTMLInputElement} */ (target).value));
$('plug').addEventListener('click', () => {
  const pulled = $('plug').getAttribute('aria-pressed') !== 'true';
  $('plug').setAttribute('aria-pressed', String(pulled));
  $('plug').querySelector('span').textContent = pulled ? 'Plug it in' : 'Pull the plug';
  if (pulled) client.pause();
  else client.resume();
});
new StartPanel(application, owner);
