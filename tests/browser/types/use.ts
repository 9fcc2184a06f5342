// Uses every part of the types as a page would; compiled by types.test.js, never run.

import { JobError, connect, isFinal, type Client, type JobRecord } from '../../../clients/js/jobcast.js';
import { configure, setTexts, type JobProgress } from '../../../clients/js/components.js';
import { useJob as useReactJob } from '../../../clients/js/react.js';

interface Invoice { pages: number }

const client: Client = connect({ url: 'https://jobs.example', token: async ({ renew }) => (renew ? 'new' : 'old'), transport: ['stream', 'poll'] });
const job = client.job<Invoice>('inv-1');
const stop: () => void = job.subscribe((record) => record?.result?.pages.toFixed());
const pages: Promise<number> = job.done().then((result) => result.pages, (error: JobError) => error.record?.version ?? 0);
for await (const record of job) if (isFinal(record)) break;
const started = await client.submit<Invoice>('invoice', { order: 7 }, { idempotencyKey: 'order-7' });
const all: JobRecord[] = client.jobs({ owner: 'me', group: 'batch' }).records;
client.onConnection(({ state }) => {
  // @ts-expect-error no such state
  if (state === 'broken') stop();
});
// @ts-expect-error no such transport
client.use('pigeon');

configure({ url: 'https://jobs.example' });
setTexts({ done: 'Fertig' });
const bar: JobProgress = document.createElement('job-progress');
bar.client = client;
bar.resultOf = ({ result }) => ({ text: String(result) });
bar.addEventListener('jobdone', ({ detail }) => detail.status);
const shown: JobRecord<Invoice> | undefined = useReactJob<Invoice>(client, 'inv-1');
export { all, pages, shown, started };
