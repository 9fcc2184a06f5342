// React: const record = useJob(client, 'inv-1'). Needs React 18 or later.

import { useCallback, useMemo, useSyncExternalStore } from 'react';

/** The record of a job, undefined until it is known. */
export function useJob(client, id) {
  const watched = useMemo(() => ({ job: undefined }), [client, id]);
  const subscribe = useCallback((changed) => {
    watched.job = client.job(id);
    const stop = watched.job.subscribe(changed);
    return () => (stop(), watched.job.close());
  }, [watched]);
  return useSyncExternalStore(subscribe, () => watched.job?.record, () => undefined);
}

/** The records of many jobs, newest first. `query` as for `client.jobs`. */
export function useJobs(client, query) {
  const key = JSON.stringify(query);
  const watched = useMemo(() => ({ records: [] }), [client, key]);
  const subscribe = useCallback((changed) => {
    const jobs = client.jobs(query);
    const stop = jobs.subscribe((records) => (watched.records = records, changed()));
    return () => (stop(), jobs.close());
  }, [watched]);
  return useSyncExternalStore(subscribe, () => watched.records, () => watched.records);
}

/** The connection, apart from any job. */
export const useConnection = (client) =>
  useSyncExternalStore(useCallback((changed) => client.onConnection(changed), [client]), () => client.connection, () => client.connection);
