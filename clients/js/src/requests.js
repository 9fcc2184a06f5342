// Requests to the gateway as who asks: address, token and its renewal, refusals.

import { refusal } from './values.js';

export class Requests {
  #options;
  #token;
  #renewing;

  constructor(options) {
    this.#options = options;
    this.credentials = !!options.credentials;
    this.base = new URL(options.url.replace(/\/?$/, '/'), globalThis.location?.href);
  }

  address(path) {
    const address = new URL(path, this.base);
    if (this.#options.link) address.searchParams.set('link', this.#options.link);
    return address;
  }

  /** The token, asked for again when it must be renewed; several who ask at once are given the same. */
  token(renew) {
    const { token } = this.#options;
    if (typeof token !== 'function') return token;
    if (!this.#token || (renew && !this.#renewing)) {
      this.#renewing = true;
      this.#token = Promise.resolve(token({ renew: !!renew })).finally(() => (this.#renewing = false));
      this.#token.catch(() => (this.#token = undefined));
    }
    return this.#token;
  }

  async request(path, { headers, renew, ...init } = {}) {
    const token = await this.token(renew);
    const response = await fetch(this.address(path), {
      ...init,
      credentials: this.credentials ? 'include' : 'same-origin',
      headers: { Accept: 'application/json', ...headers, ...(token && { Authorization: `Bearer ${token}` }) },
    });
    const again = response.status === 401 && !renew && typeof this.#options.token === 'function';
    return again ? this.request(path, { headers, renew: true, ...init }) : response;
  }

  async json(path, method) {
    const response = await this.request(path, { method });
    if (!response.ok) throw await refusal(response);
    return response.status === 204 ? undefined : response.json();
  }
}
