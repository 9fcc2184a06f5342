// Stands in front of a gateway and makes it look like a later version: events that nobody knows yet come between the known ones,
// and everything known has members that nobody knows yet.

import { createServer, request } from 'node:http';
import { connect } from 'node:net';

const unknown = { weather: { wind: [3, null] }, of_a_later_version: 'yes' };
const record = (one) => ({
  ...one, ...unknown, progress: { ...one.progress, ...unknown }, can: [...(one.can ?? []), 'pause'],
  ...(one.error && { error: { ...one.error, ...unknown } }),
});
const is_record = (one) => typeof one?.version === 'number' && typeof one?.status === 'string';

/** Any JSON a gateway sends. @param {any} said */
function grown(said) {
  if (is_record(said)) return record(said);
  return { ...said, ...unknown, ...(said.record && { record: record(said.record) }), ...(said.jobs && { jobs: said.jobs.map(record) }) };
}

/** What a later version might say of the same job. @param {string|undefined} id */
const additions = (id) => ['weather', 'queue_place'].map((event) => ({ event, data: { ...unknown, ...(id && { id }) } }));

/** @param {string} block of an event stream */
function grown_block(block) {
  const event = /^event: (.*)$/m.exec(block)?.[1];
  if (!event) return `${block}\n\n`;
  const said = JSON.parse(/^data: (.*)$/m.exec(block)[1]);
  const after = additions(said.id).map((one) => `event: ${one.event}\ndata: ${JSON.stringify(one.data)}\n\n`);
  return `${block.replace(/^data: .*$/m, () => `data: ${JSON.stringify(grown(said))}`)}\n\n${after.join('')}`;
}

/** @param {string} text */
function text_frame(text) {
  const payload = Buffer.from(text);
  const long = payload.length > 125;
  const head = Buffer.alloc(long ? 4 : 2);
  head[0] = 0x81;
  head[1] = long ? 126 : payload.length;
  if (long) head.writeUInt16BE(payload.length, 2);
  return Buffer.concat([head, payload]);
}

/** Calls back with each whole frame of a server: opcode, payload, and all its bytes. */
function frames(use) {
  let rest = Buffer.alloc(0);
  return (/** @type {Buffer} */ data) => {
    rest = Buffer.concat([rest, data]);
    for (;;) {
      if (rest.length < 2) return;
      const short = rest[1] & 0x7f;
      const head = short < 126 ? 2 : 4;
      if (short === 127) throw new Error('A frame of more than 64 KiB; no record of these tests is so large.');
      if (rest.length < head) return;
      const size = short < 126 ? short : rest.readUInt16BE(2);
      if (rest.length < head + size) return;
      use(rest[0] & 0x0f, rest.subarray(head, head + size), rest.subarray(0, head + size));
      rest = rest.subarray(head + size);
    }
  };
}

function upgraded(socket, asked, head, port) {
  const gateway = connect(port, '127.0.0.1', () => {
    const lines = [`GET ${asked.url} HTTP/1.1`];
    for (let n = 0; n < asked.rawHeaders.length; n += 2) lines.push(`${asked.rawHeaders[n]}: ${asked.rawHeaders[n + 1]}`);
    gateway.write(`${lines.join('\r\n')}\r\n\r\n`);
    gateway.write(head);
    socket.pipe(gateway);
  });
  const take = frames((opcode, payload, bytes) => {
    if (opcode !== 1) return socket.write(bytes);
    const said = JSON.parse(payload.toString());
    socket.write(text_frame(JSON.stringify(grown(said))));
    for (const { event, data } of additions(said.record?.id)) socket.write(text_frame(JSON.stringify({ event, ...data })));
  });
  let answered = Buffer.alloc(0);
  const read_head = (data) => {
    answered = Buffer.concat([answered, data]);
    const end = answered.indexOf('\r\n\r\n');
    if (end < 0) return;
    socket.write(answered.subarray(0, end + 4));
    gateway.off('data', read_head).on('data', take);
    take(answered.subarray(end + 4));
  };
  gateway.on('data', read_head);
  for (const [one, other] of [[socket, gateway], [gateway, socket]]) one.on('error', () => other.destroy()).on('close', () => other.destroy());
}

/** @param {number} port of the gateway; answers with the URL to ask instead, and how to end it */
export async function later_gateway(port) {
  const sockets = new Set();
  const server = createServer((asked, answer) => {
    const forwarded = request({ port, host: '127.0.0.1', method: asked.method, path: asked.url, headers: asked.headers }, (got) => {
      const type = got.headers['content-type'] ?? '';
      const { 'content-length': _, ...headers } = got.headers;
      answer.writeHead(got.statusCode, type.startsWith('application/json') ? headers : got.headers);
      let text = '';
      if (type.startsWith('text/event-stream')) {
        answer.flushHeaders();
        got.setEncoding('utf8').on('data', (data) => {
          const blocks = (text + data).split('\n\n');
          text = blocks.pop();
          for (const block of blocks) answer.write(grown_block(block));
        }).on('end', () => answer.end());
      } else if (type.startsWith('application/json')) {
        got.setEncoding('utf8').on('data', (data) => (text += data)).on('end', () => answer.end(JSON.stringify(grown(JSON.parse(text)))));
      } else got.pipe(answer);
      got.on('error', () => answer.destroy());
    });
    forwarded.on('error', () => answer.destroy());
    answer.on('close', () => forwarded.destroy());
    asked.pipe(forwarded);
  });
  server.on('upgrade', (asked, socket, head) => upgraded(socket, asked, head, port));
  server.on('connection', (socket) => sockets.add(socket.on('close', () => sockets.delete(socket))));
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    end: () => new Promise((ended) => {
      server.close(ended);
      for (const socket of sockets) socket.destroy();
    }),
  };
}
