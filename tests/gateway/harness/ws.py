"""WebSocket on a raw socket: sends any frame, right or wrong, and checks that what comes back is as RFC 6455 says."""
import base64
import json
import os
import selectors

from .http_client import Closed, Connection, encode_request
from .wait import PATIENCE, Deadline

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
EVENTS = {"job", "missing", "reset", "gap", "more", "gateway", "reauth", "end", "ack", "pong", "error", "time"}


def frame(payload=b"", opcode=TEXT, final=True, masked=True, reserved=0, claimed=None):
    """A client's frame. `claimed`: the length to announce, if not the payload's."""
    payload = payload.encode() if isinstance(payload, str) else payload
    size = len(payload) if claimed is None else claimed
    head = bytes([(0x80 if final else 0) | reserved << 4 | opcode])
    bit = 0x80 if masked else 0
    if size < 126:
        head += bytes([bit | size])
    elif size <= 0xffff:
        head += bytes([bit | 126]) + size.to_bytes(2, "big")
    else:
        head += bytes([bit | 127]) + size.to_bytes(8, "big")
    if not masked:
        return head + payload
    mask = os.urandom(4)
    return head + mask + bytes(b ^ mask[i & 3] for i, b in enumerate(payload))


def close_payload(code, reason=""):
    return code.to_bytes(2, "big") + reason.encode()


def handshake(**changes):
    """Headers of an opening handshake; `changes` replaces some, None leaves one out ("_" stands for "-")."""
    headers = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
               "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(), "Sec-WebSocket-Protocol": "jobcast.v1"}
    headers.update({name.replace("_", "-"): value for name, value in changes.items()})
    return {name: value for name, value in headers.items() if value is not None}


class Parser:
    """A server's bytes in, (opcode, payload) out."""

    def __init__(self):
        self.data = bytearray()

    def feed(self, data):
        self.data += data
        frames = []
        while (found := self._take()) is not None:
            frames.append(found)
        return frames

    def _take(self):
        if len(self.data) < 2:
            return None
        first, size, at = self.data[0], self.data[1], 2
        assert first & 0x80, "jobcast sends whole messages"
        assert not first & 0x70, "no extension was agreed on"
        assert not size & 0x80, "a server does not mask"
        if size >= 126:
            at = 4 if size == 126 else 10
            if len(self.data) < at:
                return None
            size = int.from_bytes(self.data[2:at], "big")
            assert size > (125 if at == 4 else 0xffff), "a length in its shortest form"
        if len(self.data) < at + size:
            return None
        payload = bytes(self.data[at:at + size])
        del self.data[:at + size]
        return first & 0x0f, payload


class WebSocket:
    """An open connection. `seen` holds every event so far but those that tell the time, which are in `times`; `control` every control frame. Pings are answered."""

    def __init__(self, address, answer_pings=True, headers=None, **options):
        self.connection = Connection(address, **options)
        self.answer_pings = answer_pings
        self.seen, self.unread, self.control, self.times = [], [], [], []
        self.closed, self.close_code, self.close_reason, self.close_sent = False, None, None, False
        self.received = 0
        self.parser = Parser()
        self.connection.send(encode_request("GET", "/api/ws", None, headers or handshake(), address))
        self.status, _, self.headers = self.connection.head(Deadline())
        if self.status == 101:
            self.take_received()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    # Sending

    def send_bytes(self, data):
        self.connection.send(data)

    def send(self, payload=b"", opcode=TEXT, **how):
        self.send_bytes(frame(payload, opcode, **how))

    def say(self, op, **fields):
        self.send(json.dumps({"op": op, **fields}))

    def watch(self, *jobs, **fields):
        """Begins to watch and awaits the ack."""
        self.say("watch", jobs=list(jobs), id="w", **fields)
        ack = self.find(lambda e: e["event"] in ("ack", "error"))
        assert ack == {"event": "ack", "id": "w"}, ack

    def close(self, code=1000, reason=""):
        self.close_sent = True
        self.send(close_payload(code, reason), CLOSE)

    # Receiving

    def take_received(self):
        data = bytes(self.connection.received)
        self.connection.received.clear()
        self.received += len(data)
        for opcode, payload in self.parser.feed(data):
            assert self.close_code is None, "nothing comes after a close frame"
            if opcode == TEXT:
                event = json.loads(payload.decode("utf-8"))
                assert event["event"] in EVENTS, event
                if event["event"] == "time":
                    assert set(event) == {"event", "now"}, event
                    self.times.append(event["now"])
                    continue
                self.seen.append(event)
                self.unread.append(event)
                continue
            assert opcode in (CLOSE, PING, PONG) and len(payload) <= 125, (opcode, payload)
            self.control.append((opcode, payload))
            if opcode == PING and self.answer_pings:
                self.send(payload, PONG)
            elif opcode == CLOSE:
                self.close_code = int.from_bytes(payload[:2], "big") if payload else 1005
                self.close_reason = payload[2:].decode("utf-8")
                if not self.close_sent:
                    self.close_sent = True
                    self.send(payload[:2], CLOSE)

    def pump(self, deadline):
        """Reads once. Answers False when the server has closed."""
        try:
            self.connection.receive(deadline)
        except Closed:
            self.closed = True
            return False
        try:
            self.take_received()
        except (BrokenPipeError, ConnectionResetError):
            pass  # an answer to a peer that is gone; what it sent before still counts
        return True

    def glance(self, seconds=0.05):
        """Takes what comes within a moment, perhaps nothing."""
        with selectors.DefaultSelector() as selector:
            selector.register(self.connection.socket, selectors.EVENT_READ)
            if selector.select(seconds):
                self.pump(Deadline())

    def next(self, seconds=PATIENCE):
        deadline = Deadline(seconds)
        while not self.unread:
            assert self.pump(deadline), f"closed ({self.close_code} {self.close_reason}) after {self.seen[-3:]}"
        return self.unread.pop(0)

    def expect(self, name, seconds=PATIENCE, **wanted):
        """The next event, which must be of that name and have these members."""
        event = self.next(seconds)
        assert event["event"] == name and all(event.get(k) == v for k, v in wanted.items()), \
            f"expected {name} {wanted}, got {event}; before: {self.seen[-6:-1]}"
        return event

    def find(self, condition, seconds=PATIENCE):
        deadline = Deadline(seconds)
        while not condition(event := self.next(deadline.left())):
            pass
        return event

    def job(self, name=None, **wanted):
        """Reads on to a record that has all these values, and answers the record."""
        return self.find(lambda e: e["event"] == "job" and (name is None or e["record"]["id"] == name)
                         and all(e["record"].get(k) == v for k, v in wanted.items()))["record"]

    def wait_control(self, opcode, seconds=PATIENCE):
        """The payload of the next control frame of that kind."""
        deadline = Deadline(seconds)
        while not any(o == opcode for o, _ in self.control):
            assert self.pump(deadline), f"closed ({self.close_code} {self.close_reason})"
        at = next(i for i, (o, _) in enumerate(self.control) if o == opcode)
        return self.control.pop(at)[1]

    def wait_closed(self, seconds=PATIENCE):
        """Reads until the server closes, and answers the code of its close frame; None if it sent none."""
        deadline = Deadline(seconds)
        while self.pump(deadline):
            pass
        return self.close_code
