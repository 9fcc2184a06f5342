// A gateway with its private Redis and a page to watch from, on free ports with a folder of its own.

import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { opening } from './opened.js';
import { free_port, kill, program_of, tree, until } from './processes.js';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const program = process.env.JOBCAST_PROGRAM ?? here('../../build/release/jobcast');
let jobs = 0;

export class RunningGateway {
  #process;
  #folder;
  #settings;
  output = '';
  /** Sent with what a worker or publisher asks. */
  headers = {};

  /** @param {number} port @param {string} folder @param {Record<string, string>} settings */
  constructor(port, folder, settings) {
    this.port = port;
    this.#folder = folder;
    this.#settings = settings;
    this.url = `http://127.0.0.1:${port}`;
    process.once('exit', () => this.#process && tree(this.#process.pid).forEach((pid) => kill(pid, 'SIGKILL')));
  }

  /** @param {Record<string, string>} [settings] as environment variables */
  static start(settings = {}) {
    return opening(RunningGateway.#start(settings), (gateway) => gateway.end());
  }

  /** @param {Record<string, string>} settings */
  static async #start(settings) {
    const gateway = new RunningGateway(await free_port(), await mkdtemp(join(tmpdir(), 'jobcast-browser-')), settings);
    try {
      await gateway.start();
    } catch (error) {
      await gateway.end();
      throw error;
    }
    return gateway;
  }

  /** Also again, on the same port and data. */
  async start() {
    this.#process = spawn(program, ['serve'], {
      env: {
        ...process.env, JOBCAST_SERVER_LISTEN: `127.0.0.1:${this.port}`, JOBCAST_SERVER_DATA_DIR: join(this.#folder, 'data'),
        JOBCAST_SERVER_REACTORS: '1', JOBCAST_SERVER_DRAIN_TIMEOUT: '5s', JOBCAST_REDIS_EMBEDDED_PORT: String(this.port + 1), JOBCAST_WEB_ROOT: here('pages'), ...this.#settings,
      },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#process.stderr.on('data', (text) => (this.output += text));
    await until('the gateway to be ready', () => {
      if (this.#process.exitCode !== null) throw new Error(`The gateway ended with ${this.#process.exitCode}.\n${this.output}`);
      return fetch(`${this.url}/readyz`).then((answer) => answer.ok, () => false);
    });
  }

  get folder() {
    return this.#folder;
  }

  get pid() {
    return this.#process.pid;
  }

  get redis() {
    return tree(this.pid).find((pid) => program_of(pid).startsWith('redis'));
  }

  /** As a crash would: no drain, no farewell. */
  async crash() {
    const all = tree(this.pid);
    kill(this.pid, 'SIGKILL');
    await until('the gateway and its Redis to be gone', () => all.every((pid) => program_of(pid) === ''));
  }

  /** Asks it to drain and waits for its end. @returns {Promise<number|null>} the exit code */
  async stop() {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      const ended = new Promise((resolve) => this.#process.once('exit', resolve));
      this.#process.kill('SIGTERM');
      await ended;
    }
    return this.#process.exitCode;
  }

  job = (name = 'job') => `${name}-${process.pid}-${++jobs}`;

  /** As a worker would: again while Redis is away. @param {string} id @param {object} given */
  async report(id, given) {
    const answer = await until('the gateway to take a report', async () => {
      const said = await fetch(`${this.url}/api/jobs/${id}/report`, { method: 'POST', headers: this.headers, body: JSON.stringify(given) });
      return said.status !== 503 && said;
    });
    if (!answer.ok) throw new Error(await answer.text());
    return answer.json();
  }

  /** A job that was created, so that it can be started again. @param {object} [given] */
  async create(given = {}) {
    const answer = await fetch(`${this.url}/api/jobs`, { method: 'POST', headers: this.headers, body: JSON.stringify({ type: 'import', ...given }) });
    return (await answer.json()).id;
  }

  /** @param {string} name of a counter or gauge */
  async metric(name) {
    const text = await (await fetch(`${this.url}/metrics`, { headers: this.headers })).text();
    return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
  }

  async end() {
    await this.stop();
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }
}
