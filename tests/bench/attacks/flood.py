"""The attackers' engine: one cheap process with many connections, which sends bytes made beforehand, at a rate or as fast as
it can."""
import collections
import dataclasses
import errno
import multiprocessing
import re
import selectors
import socket
import struct
import time

import servers

ATTACKER = "127.0.0.2"
IP_BIND_ADDRESS_NO_PORT = 24
_RESET_AT_CLOSE = struct.pack("ii", 1, 0)
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


@dataclasses.dataclass
class Flood:
    """What one attacker does, over `lanes` connections at most."""
    requests: list         # sent in turns; bytes, up to about 64 KiB each
    lanes: int = 8
    rate: float = 0.0      # starts a second in the long run; 0: as fast as it can
    burst: int = 1         # starts at once, before the rate counts
    total: int = 0         # starts in all; 0: any number
    opening: bytes = b""   # sent first on each connection, and its answer is waited for
    leave: str = ""        # "sent": closes once the request is sent; "answered": with the first bytes of the answer
    read: bool = True      # without, no answer is ever read
    framed: bool = False   # an answer is what comes first, not an HTTP response of some length
    reset: bool = False    # closes with RST, so that no port is kept in TIME_WAIT: there are 28,000
    unit: int = 1          # what one of `requests` counts for
    to_redis: bool = False
    address: str = ATTACKER

    def at_rate(self, rate):
        """The same at this rate, from the start on."""
        return dataclasses.replace(self, rate=max(rate, 1), burst=1)


@dataclasses.dataclass
class Outcome:
    """What an attacker did. `samples`: (time, starts, CPU seconds of its process); `answers`: {status or kind of end: how
    many}."""
    samples: list
    answers: dict

    def between(self, window, column):
        """By how much the starts (1) or the CPU seconds (2) grew a second, between two times."""
        inside = [sample for sample in self.samples if window[0] <= sample[0] <= window[1]]
        if len(inside) < 2:
            return 0.0
        return (inside[-1][column] - inside[0][column]) / (inside[-1][0] - inside[0][0])


class _Lane:
    """A connection. State: closed, connecting, opening, idle, asked, or silent for good."""

    def __init__(self):
        self.socket, self.state = None, "closed"
        # Of the answer; `left`: bytes that are to come, -1: not known yet.
        self.head, self.left, self.status, self.closes = b"", -1, "", False


class _Engine:
    def __init__(self, flood, port):
        self.flood, self.target = flood, ("127.0.0.1", port)
        self.selector = selectors.DefaultSelector()
        self.idle = [_Lane() for _ in range(flood.lanes)]
        self.silent = []  # what nobody refers to is closed
        self.answers = collections.Counter()
        self.buffer = bytearray(1 << 20)
        self.sent = 0

    def run(self, seconds):
        begun, samples, next_sample = time.monotonic(), [], 0.0
        while (now := time.monotonic()) < begun + seconds:
            if now >= next_sample:
                samples.append((now, self.sent, time.process_time()))
                next_sample = now + 0.1
            due = self._due(now - begun)
            for _ in range(min(due, len(self.idle), 64)):
                self.sent += 1
                self._ask(self.idle.pop())
            can_go_on = self.idle and due > 64
            for key, events in self.selector.select(0 if can_go_on else 0.002):
                self._on(key.data, events)
        samples.append((time.monotonic(), self.sent, time.process_time()))
        return Outcome(samples, dict(self.answers))

    def _due(self, seconds):
        """How many may start now."""
        due = self.flood.burst + int(seconds * self.flood.rate) - self.sent if self.flood.rate else 1 << 30
        return max(0, min(due, self.flood.total - self.sent) if self.flood.total else due)

    def _ask(self, lane):
        if lane.socket:
            self._send(lane)
            return
        lane.socket = socket.socket()
        lane.socket.setblocking(False)
        lane.socket.setsockopt(socket.SOL_IP, IP_BIND_ADDRESS_NO_PORT, 1)
        if self.flood.reset:
            lane.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_CLOSE)
        if not self.flood.read:
            lane.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        try:
            lane.socket.bind((self.flood.address, 0))
            lane.socket.connect(self.target)
        except BlockingIOError:
            pass
        except OSError as problem:
            self._failed(lane, problem.errno)
            return
        self.selector.register(lane.socket, selectors.EVENT_WRITE, lane)
        lane.state = "connecting"

    def _on(self, lane, events):
        if lane.state == "connecting":
            self._connected(lane)
        elif events & selectors.EVENT_READ:
            self._read(lane)

    def _connected(self, lane):
        problem = lane.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if problem:
            self._failed(lane, problem)
            return
        self.selector.modify(lane.socket, selectors.EVENT_READ, lane)
        if not self.flood.opening:
            self._send(lane)
        elif self._write(lane, self.flood.opening):
            lane.state = "opening"

    def _write(self, lane, data):
        """Returns true if it was sent. The connection is new or idle: its socket takes the rest in a moment."""
        patience = 1000
        while data:
            try:
                data = data[lane.socket.send(data):]
            except BlockingIOError:
                patience -= 1
                if not patience:
                    self._failed(lane, errno.ETIMEDOUT)
                    return False
                time.sleep(0.001)
            except OSError as problem:
                self._failed(lane, problem.errno)
                return False
        return True

    def _send(self, lane):
        lane.state, lane.head, lane.left = "asked", b"", -1
        if not self._write(lane, self.flood.requests[self.sent % len(self.flood.requests)]):
            return
        if self.flood.leave == "sent":
            self._ended(lane, "left")
        elif not self.flood.read:
            self.answers["unread"] += 1
            self.selector.unregister(lane.socket)
            lane.state = "silent"
            self.silent.append(lane)

    def _read(self, lane):
        try:
            # The rest of a body is dropped in the kernel, uncopied.
            size = lane.socket.recv_into(self.buffer, 0, socket.MSG_TRUNC if lane.left > 0 else 0)
        except BlockingIOError:
            return
        except OSError as problem:
            self._failed(lane, problem.errno)
            return
        if not size:
            self._ended(lane, "closed")
        elif lane.state == "opening":
            self._send(lane)
        elif lane.state == "asked" and self.flood.leave == "answered":
            self._ended(lane, self._status())
        elif lane.state == "asked" and self.flood.framed:
            self._answered(lane, "answered")
        elif lane.state == "asked":
            self._part_of_answer(lane, size)

    def _status(self):
        return self.buffer[9:12].decode("latin1") if self.buffer.startswith(b"HTTP/1.1 ") else "answered"

    def _part_of_answer(self, lane, size):
        if lane.left < 0:
            lane.head += self.buffer[:size]
            end = lane.head.find(b"\r\n\r\n")
            if end < 0:
                return
            lane.status = lane.head[9:12].decode("latin1")
            lane.closes = b"connection: close" in lane.head[:end].lower()
            length = _LENGTH.search(lane.head, 0, end + 2)
            bodiless = lane.status in ("204", "304") or self.flood.requests[0].startswith(b"HEAD ")
            lane.left = int(length.group(1)) if length and not bodiless else 0
            size = len(lane.head) - end - 4
        lane.left -= size
        if lane.left <= 0 and lane.closes:
            self._ended(lane, lane.status)
        elif lane.left <= 0:
            self._answered(lane, lane.status)

    def _answered(self, lane, what):
        self.answers[what] += 1
        lane.state, lane.left = "idle", -1
        self.idle.append(lane)

    def _failed(self, lane, number):
        self._ended(lane, errno.errorcode.get(number, str(number)))

    def _ended(self, lane, what):
        """Closes it. A lane that was idle is in the list already, and its end no answer to anything."""
        if lane.state != "idle":
            self.answers[what] += 1
            self.idle.append(lane)
        try:
            self.selector.unregister(lane.socket)
        except KeyError:
            pass
        lane.socket.close()
        lane.socket, lane.state = None, "closed"


class Attacker:
    """A Flood in a process of its own, which closes all its connections at the end."""

    def __init__(self, flood, port, seconds):
        context = multiprocessing.get_context("fork")
        self.outcome, answers = context.Pipe(duplex=False)
        self.process = context.Process(target=_attack, args=(flood, port, seconds, answers), daemon=True)
        self.process.start()
        answers.close()

    def result(self):
        """Waits for its end."""
        found = self.outcome.recv()
        self.process.join()
        return found


def _attack(flood, port, seconds, answers):
    servers.die_with_parent()
    answers.send(_Engine(flood, port).run(seconds))
    answers.close()
