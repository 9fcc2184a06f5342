// The format of event streams (HTML standard, section 9.2.6).

/** Reads an event stream that comes in pieces of any size. */
export function eventParser(on_event, on_retry) {
  let rest = '';
  let event = { data: [] };
  return (text) => {
    const lines = (rest + text).split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop();
    for (const line of lines) {
      const [, name, value] = /^([^:]*):? ?(.*)$/s.exec(line);
      if (line === '') {
        if (event.data.length) on_event(event.event ?? 'message', event.data.join('\n'), event.id);
        event = { data: [], id: event.id };
      } else if (name === 'data') event.data.push(value);
      else if (name === 'retry') /^\d+$/.test(value) && on_retry?.(Number(value));
      else if (name) event[name] = value;
    }
  };
}
