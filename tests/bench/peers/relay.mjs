// What the Node servers measured beside jobcast share: one subscription to Redis per job that is watched.
import Redis from "ioredis";

/**
 * @typedef {(record: string, version: string) => void} Receiver
 */

/** Hands each message of `jobcast:event:<job>` to those who watch the job. */
export class Relay {
  /** @type {Map<string, Set<Receiver>>} */
  #receivers = new Map();

  /** @param {number} redisPort */
  constructor(redisPort) {
    this.redis = new Redis(redisPort, "127.0.0.1");
    this.redis.on("message", (channel, message) => {
      const first = message.indexOf(" ");
      const record = message.slice(message.indexOf(" ", first + 1) + 1);
      for (const receive of this.#receivers.get(channel) ?? []) receive(record, message.slice(0, first));
    });
  }

  /**
   * Settles once the subscription stands.
   * @param {string} job
   * @param {Receiver} receive
   */
  async watch(job, receive) {
    const channel = `jobcast:event:${job}`;
    const known = this.#receivers.get(channel);
    if (known) {
      known.add(receive);
      return;
    }
    this.#receivers.set(channel, new Set([receive]));
    await this.redis.subscribe(channel);
  }

  /**
   * @param {string} job
   * @param {Receiver} receive
   */
  leave(job, receive) {
    this.#receivers.get(`jobcast:event:${job}`)?.delete(receive);
  }
}

/** The arguments of each server: its port, and that of Redis. */
export const [port, redisPort] = process.argv.slice(2).map(Number);

/** How many connections may wait to be accepted; Node's 511 lets a storm wait for retransmissions. */
export const backlog = 4096;
