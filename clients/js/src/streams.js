// The ways by which news comes as it happens. Each takes a lane and what to call: opened (a connection begins), alive
// (something came through), event, lost (nothing more will come this way); and answers with how to close it.

import { eventParser } from './event_parser.js';
import { ProblemError, complain, guarded, later, refusal, second } from './values.js';

const names = ['job', 'missing', 'reset', 'more', 'gateway', 'reauth', 'end', 'time'];
/** What a newer gateway may add says nothing here, and is no reason to connect anew. */
const tell = (on, name, text, id) => names.includes(name) && guarded(() => on.event(name, JSON.parse(text), id));

/** With cookies or a watch link: what browsers have for this. */
export function native(lane, on) {
  const source = new EventSource(lane.requests.address(lane.stream), { withCredentials: lane.requests.credentials });
  let broken;
  source.onopen = on.opened;
  for (const name of names)
    source.addEventListener(name, ({ data, lastEventId }) => {
      broken = clearTimeout(broken);
      tell(on, name, data, lastEventId);
    });
  // The browser comes back by itself once, which honours `retry:`; but not for ever, nor after a bad answer.
  source.onerror = () => {
    if (source.readyState === 2 || broken || !on.proven()) on.lost({ closed: source.readyState === 2 });
    else on.pause((broken = later(() => on.lost({}), 15 * second)));
  };
  return () => {
    clearTimeout(broken);
    source.close();
  };
}

/** The same stream read by fetch, which can send a token and sees every byte. */
export function streamed(lane, on) {
  const abort = new AbortController();
  const read = async () => {
    const headers = { Accept: 'text/event-stream', ...(lane.event_id && { 'Last-Event-ID': lane.event_id }) };
    const response = await lane.requests.request(lane.stream, { headers, signal: abort.signal });
    if (response.status === 204) return on.event('end', { reason: 'final' });
    if (!response.ok) throw await refusal(response);
    on.opened();
    const decoder = new TextDecoder();
    const parse = eventParser((name, data, id) => tell(on, name, data, id), on.retry);
    const reader = response.body.getReader();
    for (let part; !(part = await reader.read()).done; ) {
      on.alive();
      parse(decoder.decode(part.value, { stream: true }));
    }
    on.lost({});
  };
  read().catch(on.lost);
  return () => abort.abort();
}

export function socket(lane, on) {
  const address = lane.requests.address('api/ws');
  address.protocol = address.protocol.replace('http', 'ws');
  const web_socket = new WebSocket(address, 'jobcast.v1');
  const send = (message) => web_socket.readyState === 1 && web_socket.send(JSON.stringify(message));
  const ping = setInterval(send, 20 * second, { op: 'ping' });
  let token;
  let renewed;
  const auth = async (renew) => {
    renewed = renew;
    token = await lane.requests.token(renew);
    if (!token) return;
    send({ op: 'auth', token });
    on.renew = () => send({ op: 'auth', token: lane.requests.given }, (renewed = true));
  };
  const begin = async (renew) => {
    await auth(renew);
    send({ op: 'watch', id: 1, ...(lane.owner ? { owner: lane.owner } : { jobs: lane.ids }) });
  };
  web_socket.onopen = () => {
    on.opened();
    begin().catch(on.lost);
  };
  web_socket.onmessage = ({ data }) => {
    const { event, record, job, problem = {}, ...rest } = guarded(JSON.parse, data) ?? {};
    if (event === 'error') {
      // A token that has ended is renewed once; the watch that was refused with it begins again.
      if (problem.status !== 401 || !token || (renewed && !rest.id)) return on.lost(new ProblemError(problem.status, problem));
      return rest.id || begin(true).catch(on.lost);
    }
    on.alive();
    on.event(event, record ?? (job ? { ...rest, id: job } : rest));
  };
  web_socket.onclose = () => on.lost({});
  return () => {
    clearInterval(ping);
    web_socket.close();
  };
}
