"""Server-sent events as a browser reads them, with the raw bytes kept and a check that nothing else was slipped in."""
import json
import re
import selectors

from .http_client import Closed, Connection, Dechunker, encode_request
from .wait import PATIENCE, Deadline

# What jobcast may send; anything else in a stream is a forgery or a fault.
_BLOCK = re.compile(
    rb"(?:retry: \d+|:[^\r\n]*|(?:id: (?P<id>\d+-\d+)\n)?event: (?P<event>[a-z]+)\ndata: (?P<data>\{[^\r\n]*\})(?:\nretry: \d+)?)")


class Event:
    """One dispatched event. `job` is the record of a `job` event."""

    def __init__(self, name, data, event_id):
        self.name, self.data, self.id = name, data, event_id

    @property
    def version(self):
        return self.data["version"]

    def __repr__(self):
        return f"<{self.name} {json.dumps(self.data)[:300]}>"


class Parser:
    """Bytes in, events out. Follows the HTML standard: CR, LF and CR LF all end a line."""

    def __init__(self):
        self.raw = bytearray()
        self.retries, self.comments = [], 0
        self._taken = 0

    def feed(self, data):
        """Answers the events that `data` completed."""
        self.raw += data
        events = []
        while (end := self.raw.find(b"\n\n", self._taken)) >= 0:
            block = bytes(self.raw[self._taken:end])
            self._taken = end + 2
            event = self._read(block)
            if event:
                events.append(event)
        return events

    def _read(self, block):
        assert _BLOCK.fullmatch(block), f"not an event of jobcast: {block!r}"
        name, data, event_id = "", [], None
        for line in re.split(r"\r\n|\n|\r", block.decode("utf-8")):
            field, _, value = line.partition(":")
            value = value[1:] if value.startswith(" ") else value
            if not field:
                self.comments += 1
            elif field == "event":
                name = value
            elif field == "data":
                data.append(value)
            elif field == "id":
                event_id = value
            elif field == "retry":
                self.retries.append(int(value))
        if not data:
            return None
        event = Event(name, json.loads("\n".join(data)), event_id)
        if name == "job":
            assert event_id == f"{event.data['updated_at']}-{event.version}", event
        return event


class Stream:
    """An open stream. `seen` holds every event so far but those that tell the time, which are in `times`; `raw` every byte of the body without its chunk heads."""

    def __init__(self, address, target, headers=(), wait_for_head=True, version="1.1", **options):
        self.connection = Connection(address, **options)
        self.connection.send(encode_request("GET", target, None, _with_accept(headers), address, version))
        self.parser = Parser()
        self.body = None  # of a chunked stream
        self.seen, self.unread, self.times = [], [], []
        self.closed = False
        self.status = None
        if wait_for_head:
            self.read_head()

    def read_head(self):
        self.status, _, self.headers = self.connection.head(Deadline())
        body = bytes(self.connection.received)
        self.connection.received.clear()
        if self.header("Transfer-Encoding") == "chunked":
            self.body = Dechunker()
        if self.status == 200:
            self.take(body)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.connection.close()

    def header(self, name):
        found = [value for key, value in self.headers if key.lower() == name.lower()]
        return found[0] if found else None

    @property
    def raw(self):
        return bytes(self.parser.raw)

    def take(self, data):
        if self.body:
            data = b"".join(self._whole_events(chunk) for chunk in self.body.feed(data))
        events = []
        for event in self.parser.feed(data):
            if event.name == "time":
                assert event.id is None and set(event.data) == {"now"}, event
                self.times.append(event.data["now"])
            else:
                events.append(event)
        self.seen += events
        self.unread += events

    @staticmethod
    def _whole_events(chunk):
        """So that no proxy or client that waits for whole chunks holds part of one back."""
        assert chunk.endswith(b"\n\n"), f"a chunk that ends within an event: {chunk!r}"
        return chunk

    def pump(self, deadline):
        """Reads once from the socket. Answers False when the server has closed."""
        try:
            self.connection.receive(deadline)
        except Closed:
            self.closed = True
            return False
        data = bytes(self.connection.received)
        self.connection.received.clear()
        self.take(data)
        return True

    def glance(self, seconds=0.05):
        """Takes what comes within a moment, perhaps nothing."""
        with selectors.DefaultSelector() as selector:
            selector.register(self.connection.socket, selectors.EVENT_READ)
            if selector.select(seconds):
                self.pump(Deadline())

    def next(self, seconds=PATIENCE):
        """The next event; its absence is a failure."""
        deadline = Deadline(seconds)
        while not self.unread:
            assert self.pump(deadline), f"the stream was closed after {self.seen[-3:]}"
        return self.unread.pop(0)

    def expect(self, name, seconds=PATIENCE):
        """The next event, which must be of that name."""
        event = self.next(seconds)
        assert event.name == name, f"expected {name}, got {event}; before: {self.seen[-6:-1]}"
        return event

    def find(self, condition, seconds=PATIENCE):
        """Reads on to the first event for which `condition` holds."""
        deadline = Deadline(seconds)
        while True:
            event = self.next(deadline.left())
            if condition(event):
                return event

    def job(self, name=None, **wanted):
        """Reads on to a record that has all these values."""
        return self.find(lambda e: e.name == "job" and (name is None or e.data["id"] == name)
                         and all(e.data.get(key) == value for key, value in wanted.items()))

    def wait_closed(self, seconds=PATIENCE):
        """Reads until the server closes; answers the events that came before that."""
        deadline = Deadline(seconds)
        while self.pump(deadline):
            pass
        rest, self.unread = self.unread, []
        return rest


def pump_all(streams, condition, what, seconds=60):
    """Reads from many streams at once until `condition` holds for each of them. A close by the server is noted."""
    deadline = Deadline(seconds)
    waiting = {s for s in streams if not condition(s)}
    with selectors.DefaultSelector() as selector:
        for s in streams:
            if not s.closed:
                selector.register(s.connection.socket, selectors.EVENT_READ, s)
        while waiting:
            ready = selector.select(min(deadline.left(), 1.0))
            for key, _ in ready:
                s = key.data
                if not s.pump(deadline):
                    selector.unregister(s.connection.socket)
                if condition(s):
                    waiting.discard(s)
            if deadline.over() and waiting:
                example = next(iter(waiting))
                raise AssertionError(f"{len(waiting)} of {len(streams)} streams did not come to {what}; one of them: "
                                     f"closed={example.closed} {example.seen[-3:]}")


def _with_accept(headers):
    headers = dict(headers)
    headers.setdefault("Accept", "text/event-stream")
    return headers
