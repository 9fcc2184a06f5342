// npm ws: GET /<job> is a WebSocket that is sent each record as text.
import { createServer } from "node:http";
import { WebSocketServer } from "ws";
import { Relay, backlog, port, redisPort } from "./relay.mjs";

const relay = new Relay(redisPort);
const server = createServer();
const sockets = new WebSocketServer({ server, perMessageDeflate: false });
sockets.on("connection", async (socket, request) => {
  const job = request.url.slice(1);
  const receive = (record) => socket.send(record);
  socket.on("close", () => relay.leave(job, receive));
  await relay.watch(job, receive);
  socket.send("ready");
});
server.listen({ port, host: "127.0.0.1", backlog });
