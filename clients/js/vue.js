// Vue: const record = useJob(client, () => props.job). Needs Vue 3.3 or later.

import { onScopeDispose, shallowRef, toValue, watch } from 'vue';

function follow(handle_of, value_of, source) {
  const value = shallowRef(value_of());
  let handle;
  const leave = () => handle?.close();
  watch(() => JSON.stringify(toValue(source)), () => {
    leave();
    value.value = value_of();
    handle = handle_of(toValue(source));
    handle.subscribe((now) => (value.value = now));
  }, { immediate: true });
  onScopeDispose(leave);
  return value;
}

/** A ref of the record of a job, undefined until it is known. `id` may be a ref or a getter. */
export const useJob = (client, id) => follow((now) => client.job(now), () => undefined, id);

/** A ref of the records of many jobs, newest first. */
export const useJobs = (client, query) => follow((now) => client.jobs(now), () => [], query);

/** A ref of the connection, apart from any job. */
export function useConnection(client) {
  const connection = shallowRef(client.connection);
  onScopeDispose(client.onConnection((now) => (connection.value = now)));
  return connection;
}
