// What the tests start and end, always by process id, and how they wait.

import { readFileSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Asks again until the answer is truthy.
 * @template T
 * @param {string} what for the message if it never is
 * @param {() => T|Promise<T>} ask
 * @returns {Promise<T>}
 */
export async function until(what, ask, seconds = 20) {
  for (const end = Date.now() + seconds * 1000; Date.now() < end; await sleep(25)) {
    const answer = await ask();
    if (answer) return answer;
  }
  throw new Error(`Waited ${seconds} s for ${what}.`);
}

/** @param {number} port */
const is_free = (port) => new Promise((answer) => {
  const server = createServer();
  server.once('error', () => answer(false));
  server.listen(port, '127.0.0.1', () => server.close(() => answer(true)));
});

/** Four free ports in a row, below the range from which the kernel gives ports to connections. */
export async function free_port() {
  for (;;) {
    const port = 20_000 + 4 * Math.floor(Math.random() * 2000);
    if ((await Promise.all([0, 1, 2, 3].map((n) => is_free(port + n)))).every(Boolean)) return port;
  }
}

/** @param {number} pid */
function children(pid) {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/**
 * @param {number} pid
 * @returns {number[]} with its descendants
 */
export const tree = (pid) => [pid, ...children(pid).flatMap(tree)];

/** @param {number} pid the name of its program, '' once it is gone */
export function program_of(pid) {
  try {
    return basename(readlinkSync(`/proc/${pid}/exe`));
  } catch {
    return '';
  }
}

/** @param {number} pid @param {NodeJS.Signals} signal */
export function kill(pid, signal) {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

/** Ends a process and its descendants, unless it has ended: its id may be of another by then. @param {import('node:child_process').ChildProcess} child */
export async function end_tree({ pid, exitCode, signalCode }) {
  if (exitCode !== null || signalCode !== null) return;
  const all = tree(pid);
  const alive = () => all.some((one) => program_of(one) !== '');
  kill(pid, 'SIGTERM');
  await until('a process to end', () => !alive(), 10).catch(() => all.forEach((one) => kill(one, 'SIGKILL')));
}
