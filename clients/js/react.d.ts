import type { Client, Connection, JobRecord, Query } from './jobcast.js';

export function useJob<Result = any>(client: Client, id: string): JobRecord<Result> | undefined;
export function useJobs(client: Client, query?: Query | { ids: string[] }): JobRecord[];
export function useConnection(client: Client): Connection;
