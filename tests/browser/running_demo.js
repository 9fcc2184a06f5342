// Starts scripts/demo on free ports with a folder of its own, and ends all of it, by process id.

import { spawn } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const script = fileURLToPath(new URL('../../scripts/demo', import.meta.url));

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

// The gateway's port, the application's above it, and one above for what else the script may start. Below the range
// from which the kernel gives ports to connections.
export async function free_port() {
  for (;;) {
    const port = 20_000 + 4 * Math.floor(Math.random() * 2000);
    if ((await Promise.all([0, 1, 2].map((n) => is_free(port + n)))).every(Boolean)) return port;
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
const tree = (pid) => [pid, ...children(pid).flatMap(tree)];

/** @param {number} pid */
function program_of(pid) {
  try {
    return readlinkSync(`/proc/${pid}/exe`);
  } catch {
    return '';
  }
}

/** @param {number} pid @param {NodeJS.Signals|0} signal */
function kill(pid, signal) {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

export class RunningDemo {
  #process;
  #data;
  #output = '';

  /** @param {number} port @param {string} data */
  constructor(port, data) {
    this.#data = data;
    this.url = `http://127.0.0.1:${port}`;
    this.application = `http://127.0.0.1:${port + 1}`;
    this.#process = spawn(script, ['--port', String(port), '--no-build'], {
      env: { ...process.env, JOBCAST_DEMO_DATA: data, JOBCAST_DEMO_RESTART: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#process.stdout, this.#process.stderr]) stream.on('data', (text) => (this.#output += text));
    process.once('exit', () => tree(this.#process.pid).forEach((pid) => kill(pid, 'SIGKILL')));
  }

  static async start() {
    const demo = new RunningDemo(await free_port(), await mkdtemp(join(tmpdir(), 'jobcast-browser-')));
    try {
      await until('the demo to be ready', () => demo.#is_ready());
    } catch (error) {
      await demo.end();
      throw new Error(`${error.message}\n${demo.#output}`);
    }
    return demo;
  }

  async #is_ready() {
    if (this.#process.exitCode !== null) throw new Error(`scripts/demo ended with ${this.#process.exitCode}.`);
    const answers = [`${this.url}/readyz`, `${this.application}/samples`].map((url) => fetch(url).then((r) => r.ok, () => false));
    return (await Promise.all(answers)).every(Boolean);
  }

  /** The gateway's process id, or undefined while there is none. */
  get gateway() {
    return tree(this.#process.pid).find((pid) => basename(program_of(pid)) === 'jobcast');
  }

  /** As a crash would: no drain, no farewell. */
  kill_gateway() {
    process.kill(this.gateway, 'SIGKILL');
  }

  async end() {
    const all = tree(this.#process.pid);
    const alive = () => all.some((pid) => program_of(pid) !== '');
    kill(this.#process.pid, 'SIGTERM');
    await until('the demo to end', () => !alive(), 10).catch(() => all.forEach((pid) => kill(pid, 'SIGKILL')));
    await rm(this.#data, { recursive: true, force: true, maxRetries: 5 });
  }
}
