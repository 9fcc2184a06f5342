// Sends requests to the gateway: adds address and token, renews the token, reads the gateway's time and refusals.

import { refusal } from './values.js';

/** Of a watch link, as a whole or without its address. */
const signature_of = (link) => /link=([^&]*)/.exec(link)?.[1] ?? link;

export class Requests {
  /** What the function for tokens or links gave last. */
  given;
  #options;
  #token;
  #link;
  #renewing;
  #clock;

  constructor(options, clock) {
    this.#options = options;
    this.#clock = clock;
    this.credentials = !!options.credentials;
    this.base = new URL(options.url.replace(/\/?$/, '/'), globalThis.location?.href);
    if (typeof options.link === 'string') this.#link = signature_of(options.link);
  }

  address(path) {
    const address = new URL(path, this.base);
    if (this.#link) address.searchParams.set('link', this.#link);
    return address;
  }

  /** The token, asked for again when it must be renewed; several who ask at once are given the same. */
  token(renew) {
    const { token, link } = this.#options;
    if (!this.renewable) return token;
    if (!this.#token || (renew && !this.#renewing)) {
      this.#renewing = true;
      const ask = async () => {
        const given = (this.given = await (token ?? link)({ renew: !!renew }));
        if (token) return given;
        this.#link = signature_of(given);
      };
      this.#token = ask().finally(() => (this.#renewing = false));
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
    this.#clock.dated(response.headers.get('Date'));
    const again = response.status === 401 && !renew && this.renewable;
    return again ? this.request(path, { headers, renew: true, ...init }) : response;
  }

  get renewable() {
    return typeof (this.#options.token ?? this.#options.link) === 'function';
  }

  async json(path, method) {
    const response = await this.request(path, { method });
    if (!response.ok) throw await refusal(response);
    return response.status === 204 ? undefined : response.json();
  }
}
