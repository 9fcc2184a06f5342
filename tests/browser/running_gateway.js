// Starts a gateway with its private Redis on free ports and a folder of its own, and ends it, by process id.

import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { free_port, until } from './running_demo.js';

const program = process.env.JOBCAST_PROGRAM ?? fileURLToPath(new URL('../../build/release/jobcast', import.meta.url));

export class RunningGateway {
  #process;
  #data;
  #environment;
  #output = '';

  /** @param {number} port @param {string} data */
  constructor(port, data) {
    this.#data = data;
    this.url = `http://127.0.0.1:${port}`;
    this.#environment = {
      ...process.env, JOBCAST_SERVER_LISTEN: `127.0.0.1:${port}`, JOBCAST_REDIS_EMBEDDED_PORT: String(port + 1),
      JOBCAST_SERVER_DATA_DIR: data, JOBCAST_SERVER_DRAIN_TIMEOUT: '5s',
    };
    process.once('exit', () => this.#process?.kill('SIGKILL'));
  }

  static async start() {
    const gateway = new RunningGateway(await free_port(), await mkdtemp(join(tmpdir(), 'jobcast-browser-')));
    await gateway.start();
    return gateway;
  }

  /** Also again, after stop(), on the same port and data. */
  async start() {
    this.#process = spawn(program, ['serve'], { env: this.#environment, cwd: this.#data, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.#process.stdout, this.#process.stderr]) stream.on('data', (text) => (this.#output += text));
    await until('the gateway to be ready', () => {
      if (this.#process.exitCode !== null) throw new Error(`The gateway ended with ${this.#process.exitCode}.\n${this.#output}`);
      return fetch(`${this.url}/readyz`).then((r) => r.ok, () => false);
    });
  }

  /** Asks it to drain and waits for its end. @returns {Promise<number|null>} the exit code */
  async stop() {
    if (this.#process.exitCode === null) {
      const ended = new Promise((resolve) => this.#process.once('exit', resolve));
      this.#process.kill('SIGTERM');
      await ended;
    }
    return this.#process.exitCode;
  }

  async end() {
    await this.stop();
    await rm(this.#data, { recursive: true, force: true, maxRetries: 5 });
  }

  /** As a worker without access to Redis reports. @param {string} job @param {object} report @returns {Promise<any>} */
  async report(job, report) {
    const answer = await fetch(`${this.url}/api/jobs/${job}/report`, { method: 'POST', body: JSON.stringify(report) });
    if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
    return answer.json();
  }
}
