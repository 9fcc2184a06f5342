import type { MaybeRefOrGetter, ShallowRef } from 'vue';
import type { Client, Connection, JobRecord, Query } from './jobcast.js';

export function useJob<Result = any>(client: Client, id: MaybeRefOrGetter<string>): ShallowRef<JobRecord<Result> | undefined>;
export function useJobs(client: Client, query?: MaybeRefOrGetter<Query | { ids: string[] } | undefined>): ShallowRef<JobRecord[]>;
export function useConnection(client: Client): ShallowRef<Connection>;
