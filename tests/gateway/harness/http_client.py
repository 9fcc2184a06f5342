"""A tiny HTTP/1.1 client on a raw socket: it sends any bytes, also wrong ones, and keeps all that came back."""
import json
import socket
import ssl

from .wait import PATIENCE, Deadline


class Closed(AssertionError):
    """The server closed the connection before the answer was whole."""


class Response:
    """One answer. `headers` keeps order, case and repetitions; `header` looks one up."""

    def __init__(self, status, reason, headers, body):
        self.status, self.reason, self.headers, self.body = status, reason, headers, body

    def header(self, name):
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        assert len(values) <= 1, f"{name} is sent {len(values)} times: {values}"
        return values[0] if values else None

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"<{self.status} {self.headers} {self.body[:400]!r}>"


class Dechunker:
    """Bytes of a chunked body in, the data of its whole chunks out (RFC 9112, section 7.1)."""

    def __init__(self):
        self.pending = bytearray()
        self.over = False

    def feed(self, data):
        self.pending += data
        chunks = []
        while (chunk := self._take()) is not None:
            chunks.append(chunk)
        return chunks

    def _take(self):
        assert not (self.over and self.pending), f"after the last chunk: {bytes(self.pending)!r}"
        head, found, rest = bytes(self.pending).partition(b"\r\n")
        if not found:
            return None
        assert head and not head.strip(b"0123456789abcdef"), f"not the head of a chunk: {head!r}"
        size = int(head, 16)
        if len(rest) < size + 2:
            return None
        assert rest[size:size + 2] == b"\r\n", f"a chunk of {size} that does not end: {rest!r}"
        self.pending = bytearray(rest[size + 2:])
        if size:
            return rest[:size]
        self.over = True
        assert not self.pending, f"after the last chunk: {bytes(self.pending)!r}"
        return None


class Connection:
    """One TCP connection. Every wait has a deadline. `source`: the address to come from; `tls`: an SSLContext."""

    def __init__(self, address, receive_buffer=None, source=None, tls=None):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(PATIENCE)
        if source:
            self.socket.bind((source, 0))
        self.socket.connect(address)
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_hostname=address[0])
        self.address = address
        self.received = bytearray()  # not yet taken by a response

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def request(self, method, target, body=None, headers=()):
        """Sends one request and reads its answer."""
        self.send(encode_request(method, target, body, headers, self.address))
        return self.response(head_only=method == "HEAD")

    def response(self, head_only=False, seconds=PATIENCE):
        deadline = Deadline(seconds)
        status, reason, headers = self.head(deadline)
        response = Response(status, reason, headers, b"")
        if head_only or status in (204, 304) or status < 200:
            return response
        length = response.header("Content-Length")
        if response.header("Transfer-Encoding") == "chunked":
            body = Dechunker()
            response.body = b"".join(body.feed(self.rest(deadline)))
            assert body.over, f"cut off: {response.body!r}"
        elif length is None:
            response.body = self.rest(deadline)
        else:
            while len(self.received) < int(length):
                self.receive(deadline)
            response.body = bytes(self.received[:int(length)])
            del self.received[:int(length)]
        return response

    def head(self, deadline):
        """Status, reason and header list of the next answer."""
        while b"\r\n\r\n" not in self.received:
            self.receive(deadline)
        head, _, rest = bytes(self.received).partition(b"\r\n\r\n")
        self.received = bytearray(rest)
        return parse_head(head)

    def receive(self, deadline):
        """Takes what is there, waiting for at least one byte."""
        self.socket.settimeout(deadline.left() or 0.001)
        try:
            data = self.socket.recv(65536)
        except socket.timeout:
            raise AssertionError(f"nothing came in time after {bytes(self.received)[-300:]!r}") from None
        except (ConnectionResetError, ssl.SSLEOFError):
            data = b""
        if not data:
            raise Closed(f"closed after {bytes(self.received)[-300:]!r}")
        self.received += data

    def rest(self, deadline=None):
        """All bytes until the server closes."""
        deadline = deadline or Deadline()
        try:
            while True:
                self.receive(deadline)
        except Closed:
            rest = bytes(self.received)
            self.received.clear()
            return rest


def encode_request(method, target, body, headers, address, version="1.1"):
    """`body`: bytes, or anything else to be sent as JSON. `headers`: a mapping or pairs."""
    headers = list(headers.items() if isinstance(headers, dict) else headers)
    names = {name.lower() for name, _ in headers}
    if "host" not in names:
        headers.insert(0, ("Host", "%s:%d" % address))
    if body is not None and not isinstance(body, (bytes, bytearray)):
        body = json.dumps(body).encode()
        if "content-type" not in names:
            headers.append(("Content-Type", "application/json"))
    if body is not None and not names & {"content-length", "transfer-encoding"}:
        headers.append(("Content-Length", str(len(body))))
    lines = [f"{method} {target} HTTP/{version}"] + [f"{name}: {value}" for name, value in headers]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (body or b"")


def parse_head(head):
    """Status, reason and headers; a head that is not exactly of RFC 9112's form is an assertion failure."""
    lines = head.decode("latin-1").split("\r\n")
    version, status, reason = lines[0].split(" ", 2)
    assert version == "HTTP/1.1", lines[0]
    headers = []
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        assert colon and name and name == name.strip() and "\n" not in line and "\r" not in line, f"bad header {line!r}"
        headers.append((name, value.strip()))
    return int(status), reason, headers
