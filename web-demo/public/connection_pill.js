// One word for the connection, and the way it goes.

const words = {
  idle: 'Up to date', connecting: 'Connecting', waiting: 'Reconnecting…', paused: 'Unplugged', refused: 'Refused',
  degraded: 'Updates delayed', draining: 'Moving over…', busy: 'Busy, trying again…',
};
const ways = { native: 'SSE', stream: 'SSE', websocket: 'WebSocket', 'long-poll': 'polling', poll: 'polling' };

/**
 * @param {HTMLElement} pill
 * @param {import('../../clients/js/jobcast.js').Client} client
 */
export function show_connection(pill, client) {
  client.onConnection(({ state, gateway, transport, problem }) => {
    const now = state === 'open' && gateway !== 'ok' ? gateway : state;
    pill.dataset.state = now;
    pill.title = problem ?? '';
    pill.querySelector('span').textContent = now === 'open' ? `Live · ${ways[transport]}` : words[now] ?? now;
  });
}
