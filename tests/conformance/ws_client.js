// npm `ws` as a user would use it: watches a job, sends a large message and a ping, cancels the job, and closes after
// its end. Prints each event as a line of JSON, then the close.
// usage: node ws_client.js URL JOB [--deflate]
import WebSocket from "ws";

const [url, job, deflate] = process.argv.slice(2);
const socket = new WebSocket(url, "jobcast.v1", { perMessageDeflate: deflate === "--deflate" });

/** @param {object} message */
const say = (message) => socket.send(JSON.stringify(message));
/** @param {object} line */
const print = (line) => console.log(JSON.stringify(line));

socket.on("open", () => {
  print({ open: socket.protocol, extensions: socket.extensions });
  say({ op: "ping", id: "large", filler: "κ".repeat(20_000) });
  socket.ping("are you there");
});
socket.on("pong", (payload) => {
  print({ pong: payload.toString() });
  say({ op: "watch", jobs: [job], id: 1 });
});
socket.on("message", (data, binary) => {
  const event = JSON.parse(data.toString());
  print({ ...event, binary });
  if (event.event === "job" && event.record.status === "processing" && !event.record.cancel_requested)
    say({ op: "cancel", job, id: 2 });
  if (event.event === "end")
    socket.close(4000, "seen enough");
});
socket.on("close", (code, reason) => print({ close: code, reason: reason.toString() }));
socket.on("error", (error) => print({ error: error.message }));
