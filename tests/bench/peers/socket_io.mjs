// Socket.IO: the handshake names the job; its records are emitted to the job's room.
import { createServer } from "node:http";
import { Server } from "socket.io";
import { Relay, backlog, port, redisPort } from "./relay.mjs";

const relay = new Relay(redisPort);
const server = createServer();
const io = new Server(server, { transports: ["websocket"], pingInterval: 600_000 });
const opening = new Map();
io.on("connection", async (socket) => {
  const job = String(socket.handshake.query.job);
  if (!opening.has(job))
    opening.set(job, relay.watch(job, (record) => io.to(job).emit("job", JSON.parse(record))));
  socket.join(job);
  await opening.get(job);
  socket.emit("ready");
});
server.listen({ port, host: "127.0.0.1", backlog });
