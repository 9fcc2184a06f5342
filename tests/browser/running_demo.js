// Starts scripts/demo on free ports with a folder of its own, and ends all of it, by process id.

import { spawn } from 'node:child_process';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { opening } from './opened.js';
import { end_tree, free_port, kill, program_of, tree, until } from './processes.js';

const script = fileURLToPath(new URL('../../scripts/demo', import.meta.url));

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
      env: { ...process.env, JOBCAST_DEMO_DATA: data },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#process.stdout, this.#process.stderr]) stream.on('data', (text) => (this.#output += text));
    process.once('exit', () => tree(this.#process.pid).forEach((pid) => kill(pid, 'SIGKILL')));
  }

  static start() {
    return opening(RunningDemo.#start(), (demo) => demo.end());
  }

  static async #start() {
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
    return tree(this.#process.pid).find((pid) => program_of(pid) === 'jobcast');
  }

  /** As a crash would, no drain, no farewell; or by another signal. @param {NodeJS.Signals} [signal] */
  kill_gateway(signal = 'SIGKILL') {
    process.kill(this.gateway, signal);
  }

  /** A gateway that starts now fails: where its data goes is a file. */
  async spoil_data() {
    await rename(join(this.#data, 'gateway'), join(this.#data, 'gateway before'));
    await writeFile(join(this.#data, 'gateway'), '');
  }

  /** What the script said. */
  get output() {
    return this.#output;
  }

  /** The script's exit status, null while it runs. */
  get status() {
    return this.#process.exitCode;
  }

  async end() {
    await end_tree(this.#process);
    await rm(this.#data, { recursive: true, force: true, maxRetries: 5 });
  }
}
