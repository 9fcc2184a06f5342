// nginx in front of a gateway, set up as badly as is found in the wild.

import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { opening } from './opened.js';
import { end_tree, free_port, kill, until } from './processes.js';

export class RunningNginx {
  #process;
  #folder;

  /**
   * Buffers every answer, whatever its headers ask for.
   * @param {string} gateway its address
   * @param {{websocket?: boolean, buffers?: boolean}} [options] whether WebSocket gets through, and answers are held back
   */
  static start(gateway, { websocket = false, buffers = true } = {}) {
    return opening(RunningNginx.#start(gateway, websocket, buffers), (nginx) => nginx.end());
  }

  /** @param {string} gateway @param {boolean} websocket @param {boolean} buffers */
  static async #start(gateway, websocket, buffers) {
    const nginx = new RunningNginx();
    nginx.#folder = await mkdtemp(join(tmpdir(), 'jobcast-nginx-'));
    const port = await free_port();
    nginx.url = `http://127.0.0.1:${port}`;
    const folder = nginx.#folder;
    const places = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder}/${name};`).join(' ');
    const sockets = `location = /api/ws { proxy_pass ${gateway}; proxy_http_version 1.1; proxy_set_header Host $http_host;
            proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade; }`;
    await writeFile(join(folder, 'nginx.conf'), `
      daemon off; pid ${folder}/pid; error_log ${folder}/error.log; worker_processes 1;
      events {}
      http {
        access_log off; ${places}
        server {
          listen 127.0.0.1:${port};
          ${websocket ? sockets : ''}
          location / {
            # By default nginx asks in HTTP/1.0. It hands on the chunks of HTTP/1.1 as they come.
            proxy_pass ${gateway}; proxy_http_version ${buffers ? '1.0' : '1.1'};
            proxy_set_header Host $http_host;
            proxy_buffering ${buffers ? 'on' : 'off'}; proxy_ignore_headers X-Accel-Buffering; proxy_buffers 8 32k;
          }
        }
      }`);
    nginx.#process = spawn('/usr/sbin/nginx', ['-c', join(folder, 'nginx.conf'), '-p', folder, '-e', join(folder, 'error.log')], { stdio: 'ignore' });
    process.once('exit', () => kill(nginx.#process.pid, 'SIGKILL'));
    try {
      await until('nginx to be ready', () => {
        if (nginx.#process.exitCode !== null) throw new Error(`nginx ended with ${nginx.#process.exitCode}.`);
        return fetch(`${nginx.url}/healthz`).then((answer) => answer.ok, () => false);
      });
    } catch (error) {
      await nginx.end();
      throw error;
    }
    return nginx;
  }

  async end() {
    await end_tree(this.#process);
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }
}
