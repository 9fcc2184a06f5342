// What `connect` takes. What makes sense is taken; what does not is named.

import { complain } from './values.js';

const transports = ['native', 'stream', 'websocket', 'long-poll', 'poll'];
const chains = new Map([['auto', transports], ['sse', transports.slice(0, 2)], ['poll', transports.slice(3)]]);

const wrong = (name, value, wanted) => new TypeError(`jobcast: option ${name} is ${JSON.stringify(value)}, but must be ${wanted}.`);

/** The transports to try, best first. In a list, `poll` is plain polling alone. */
export function ways(transport) {
  const names = [].concat(transport).flatMap((name) => (name?.split ? name.split(/[\s,]+/) : [name])).filter((name) => name !== '');
  const listed = Array.isArray(transport) || names[1];
  const all = names.flatMap((name) => (listed && name === 'poll' ? name : chains.get(name) ?? name));
  if (!all.length || all.some((name) => !transports.includes(name)))
    throw wrong('transport', transport, `auto, sse, websocket, poll, or a list of ${transports.join(', ')}`);
  return [...new Set(all)];
}

const is_text = (value) => typeof value === 'string' || value instanceof URL;
const is_given = (value) => !value || is_text(value) || typeof value === 'function';
/** A browser without canParse says itself that an address is none. */
const is_address = (value) => is_text(value) && (URL.canParse?.(value, globalThis.location?.href) ?? true);
const is_time = [(value) => Number(value) > 0, 'milliseconds, above 0'];
const any = [() => true];

const rules = {
  url: [is_address, 'an address such as "https://jobs.example.com"'],
  token: [(value) => is_given(value) || value.then, 'a token, or a function that fetches one'],
  link: [is_given, 'a watch link, or a function that fetches one'],
  share: [(value) => !value || /boolean|string|number/.test(typeof value), 'true, false, or the id of who is logged in'],
  submit: [is_text, 'an address'],
  firstByte: is_time,
  climb: is_time,
  transport: [ways],
  credentials: any,
  pauseHidden: any,
  seen: any,
};

export function settings(given) {
  const options = { share: true, seen: true, ...given };
  for (const [name, value] of Object.entries({ url: globalThis.location?.origin, transport: 'auto', submit: '/jobs', firstByte: 5000, climb: 30_000 }))
    options[name] ??= value;
  for (const name in rules) if (!rules[name][0](options[name])) throw wrong(name, options[name], rules[name][1]);
  for (const name in options) if (!rules[name]) complain(`there is no option ${name}`);
  for (const name of ['url', 'link', 'share']) if (options[name] && options[name] !== true && typeof options[name] !== 'function') options[name] = `${options[name]}`;
  return options;
}
