// Watches one job and keeps an account of all that was heard, for the test to read from `window.account`.

import { connect } from '/jobcast.js';
import '/components.js';

const query = new URLSearchParams(location.search);
const account = (window.account = { versions: [], statuses: [], states: [], gateways: [], outcomes: [], jobdone: 0, now: () => client.now() });

const transport = query.get('transport') ?? 'auto';
const client = connect({
  transport: transport.includes(',') ? transport.split(',') : transport,
  share: { no: false }[query.get('share')] ?? query.get('share') ?? true,
  firstByte: Number(query.get('first_byte') ?? 5000),
  climb: Number(query.get('climb') ?? 30_000),
  pauseHidden: query.has('pause_hidden'),
  ...(query.has('link') && { link: query.get('link') }),
  ...(query.has('token') && { token: async (why) => (await fetch(`${query.get('token')}?renew=${why.renew}`)).text() }),
});
window.client = client;

const job = client.job(query.get('job'));
client.onConnection(({ state, transport: way, gateway }) => {
  account.states.push(state === 'open' ? way : state);
  account.gateways.push(gateway);
});
job.subscribe((record) => {
  account.versions.push(record?.version);
  account.statuses.push(record?.status);
});
job.done().then((result) => account.outcomes.push(['done', result]), (error) => account.outcomes.push([error.code, error.message]));

const element = document.querySelector('job-progress');
element.addEventListener('jobdone', () => (account.jobdone += 1));
element.client = client;
element.setAttribute('job', query.get('job'));
