// An EventSource whose server is the test.

export class FakeEventSource extends EventTarget {
  static CONNECTING = 0;
  static OPEN = 1;
  static CLOSED = 2;
  /** @type {FakeEventSource[]} every one made, oldest first */
  static all = [];

  readyState = FakeEventSource.CONNECTING;

  constructor(url) {
    super();
    this.url = String(url);
    FakeEventSource.all.push(this);
  }

  static get latest() {
    return FakeEventSource.all.at(-1);
  }

  close() {
    this.readyState = FakeEventSource.CLOSED;
  }

  /** The server accepts the connection. */
  accept() {
    this.readyState = FakeEventSource.OPEN;
    this.dispatchEvent(new Event('open'));
  }

  send(name, data) {
    if (this.readyState === FakeEventSource.OPEN) this.dispatchEvent(new MessageEvent(name, { data: JSON.stringify(data) }));
  }

  /** The connection breaks, which a browser mends by itself. */
  drop() {
    this.readyState = FakeEventSource.CONNECTING;
    this.dispatchEvent(new Event('error'));
  }

  /** The server answers with a status that makes a browser give up. */
  refuse() {
    this.readyState = FakeEventSource.CLOSED;
    this.dispatchEvent(new Event('error'));
  }
}
