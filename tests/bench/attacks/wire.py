"""Bytes that the attackers and the bystanders send: requests, tokens, WebSocket frames, commands of Redis."""
import base64
import hashlib
import hmac
import json
import os
import socket
import ssl
import time

SECRET = "a secret of the application, 32 bytes or more"
LINK_SECRET = "a secret of the gateways for watch links"
API_KEY = "jck_an-api-key-that-the-attacks-made-up-themselves-0000"


def key_hash(key):
    return "sha256:" + hashlib.sha256(key.encode()).hexdigest()


def _part(value):
    return base64.urlsafe_b64encode(json.dumps(value, separators=(",", ":")).encode()).rstrip(b"=").decode()


def token(header=None, **claims):
    """A signed JWT that is good for an hour. `header` replaces the usual one."""
    text = f"{_part(header or {'alg': 'HS256', 'typ': 'JWT'})}.{_part({'exp': int(time.time()) + 3600, **claims})}"
    tag = hmac.new(SECRET.encode(), text.encode(), "sha256").digest()
    return text + "." + base64.urlsafe_b64encode(tag).rstrip(b"=").decode()


def request(target, bearer=None, method="GET", **headers):
    """A request without a body. In the names of `headers`, "_" stands for "-"."""
    lines = [f"{method} {target} HTTP/1.1", "Host: 127.0.0.1"]
    if bearer:
        lines.append(f"Authorization: Bearer {bearer}")
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def web_socket_opening():
    return request("/api/ws", Upgrade="websocket", Connection="Upgrade", Sec_WebSocket_Version="13",
                   Sec_WebSocket_Key=base64.b64encode(os.urandom(16)).decode(), Sec_WebSocket_Protocol="jobcast.v1")


def text_frame(text):
    """A client's frame of 126 bytes to 64 KiB, masked with zeros, which leave the bytes as they are."""
    payload = text.encode()
    return bytes([0x81, 0x80 | 126]) + len(payload).to_bytes(2, "big") + bytes(4) + payload


def client_hello():
    """The first flight of a TLS client, as it would be recorded on the wire."""
    outgoing = ssl.MemoryBIO()
    context = ssl.create_default_context()
    client = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="jobs.example.com")
    try:
        client.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


def command(*words):
    """One command of Redis."""
    encoded = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    return b"*%d\r\n" % len(encoded) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in encoded)


def report(job, *fields):
    """A worker's report on `job`."""
    return command("FCALL", "jobcast_report", 1, "jobcast", job, *fields)


class Redis:
    """A connection that sends many commands at once, to fill a Redis before an attack."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.file = self.socket.makefile("rb")

    def run(self, commands, at_once=64):
        """Runs all of them. Raises RuntimeError at the first that Redis refuses."""
        waiting = 0
        for one in commands:
            self.socket.sendall(one)
            waiting += 1
            if waiting == at_once:
                self._read()
                waiting -= 1
        for _ in range(waiting):
            self._read()

    def _read(self):
        line = self.file.readline()
        kind, rest = line[:1], line[1:-2]
        if kind == b"-":
            raise RuntimeError(rest.decode())
        if kind == b"$" and int(rest) >= 0:
            self.file.read(int(rest) + 2)
        if kind == b"*":
            for _ in range(int(rest)):
                self._read()
