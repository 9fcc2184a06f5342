// npm better-sse: GET /<job> is an event stream of its records, a channel for each job.
import { createChannel, createSession } from "better-sse";
import { createServer } from "node:http";
import { Relay, backlog, port, redisPort } from "./relay.mjs";

const relay = new Relay(redisPort);
const channels = new Map();

function channelOf(job) {
  if (!channels.has(job)) {
    const channel = createChannel();
    const opening = relay.watch(job, (record, version) => channel.broadcast(record, "job", { eventId: version }));
    channels.set(job, { channel, opening });
  }
  return channels.get(job);
}

const server = createServer(async (request, response) => {
  // The records are JSON already.
  const session = await createSession(request, response, { serializer: String });
  const { channel, opening } = channelOf(request.url.slice(1));
  await opening;
  channel.register(session);
  session.push("1", "ready");
});
server.listen({ port, host: "127.0.0.1", backlog });
