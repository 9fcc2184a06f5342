"""The application's HTTP interface: what the demo page asks for.

Only pages of the gateway's own origin may ask: browsers are told so by CORS, and a request that comes from elsewhere is refused.
"""
import collections
import http.server
import json
import os
import re
import secrets
import shutil
import urllib.parse

from . import gateway
from .samples import SAMPLES, file_of

_LARGEST_UPLOAD = 64 * 1024 * 1024
_LARGEST_REQUEST = 4096
_CHUNK = 64 * 1024


class Refused(Exception):
    def __init__(self, status, detail):
        super().__init__(detail)
        self.status = status


class DemoServer(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port, gateway_url, folders):
        self.gateway_url = gateway_url
        self.folders = folders
        self.recent = collections.deque(maxlen=200)  # ids of jobs started, newest first, for the operator's view
        gateway_port = urllib.parse.urlsplit(gateway_url).port
        self.origins = {f"http://{host}:{gateway_port}" for host in ("127.0.0.1", "localhost")}
        super().__init__(("127.0.0.1", port), _Handler)


class _Handler(http.server.BaseHTTPRequestHandler):
    timeout = 30  # seconds without a byte

    def do_OPTIONS(self):
        self._answer(204, b"", "text/plain", {
            "Access-Control-Allow-Methods": "GET, POST", "Access-Control-Allow-Headers": "Content-Type", "Access-Control-Max-Age": "600"})

    def do_GET(self):
        self._route({"/healthz": self._health, "/samples": self._samples, "/recent": self._recent, "/samples/": self._sample, "/files/": self._file})

    def do_POST(self):
        self._route({"/uploads": self._upload, "/jobs": self._job})

    def _route(self, routes):
        url = urllib.parse.urlsplit(self.path)
        folder, _, name = url.path.rpartition("/")
        act = routes.get(url.path) or routes.get(f"{folder}/")
        try:
            if self.headers["Origin"] not in (None, *self.server.origins):
                raise Refused(403, "Only the demo page may ask.")
            if not act:
                raise Refused(404, "There is no such thing here.")
            act(name, dict(urllib.parse.parse_qsl(url.query)))
        except Refused as refused:
            self._json(refused.status, {"detail": str(refused)})
        except gateway.GatewayAway:
            self._json(503, {"detail": "The gateway does not answer just now. Try again in a moment."})

    # What there is

    def _health(self, *_):
        self._json(200, {"status": "ok"})

    def _samples(self, *_):
        self._json(200, SAMPLES)

    def _recent(self, *_):
        self._json(200, {"ids": list(self.server.recent)})

    def _sample(self, name, _):
        if name not in filter(None, map(file_of, (sample["name"] for sample in SAMPLES))):
            raise Refused(404, "There is no such sample.")
        self._send_file(self.server.folders["samples"] / name, "text/csv; charset=utf-8", f'attachment; filename="{name}"')

    def _file(self, name, _):
        path = self.server.folders["files"] / name
        if not re.fullmatch(r"[a-z0-9]+\.pdf", name) or not path.is_file():
            raise Refused(404, "There is no such file.")
        self._send_file(path, "application/pdf", 'inline; filename="invoice.pdf"')

    # What can be started

    def _upload(self, _, query):
        size = self._size(_LARGEST_UPLOAD, "A file may have 64 MB at most; split it, and upload the parts.")
        if size == 0:
            raise Refused(400, "The file is empty. Choose a CSV file with orders.")
        path = self.server.folders["uploads"] / f"{secrets.token_hex(16)}.csv"
        with open(path, "wb") as file:
            whole = self._receive(size, file.write)
        try:
            if not whole:
                raise Refused(400, "The upload broke off. Try again.")
            self._start("csv_import", query.get("owner"), query.get("filename") or "upload.csv", str(path))
        except (Refused, gateway.GatewayAway):
            path.unlink()
            raise

    def _job(self, *_):
        try:
            wanted = json.loads(self.rfile.read(self._size(_LARGEST_REQUEST, "The request is too long.")))
            kind, owner, sample = wanted["kind"], wanted["owner"], wanted.get("sample")
        except (ValueError, TypeError, LookupError, AttributeError):
            raise Refused(400, "Send a JSON object with kind and owner.") from None
        if kind == "invoice_pdf":
            self._start(kind, owner, "Collective invoice", "")
        elif one := next((one for one in SAMPLES if kind == one["kind"] and sample == one["name"]), None):
            file = file_of(sample)
            self._start(kind, owner, file or one["job"], str(self.server.folders["samples"] / file) if file else "")
        else:
            raise Refused(400, "Ask for invoice_pdf, or for another kind with the name of one of its samples.")

    def _start(self, kind, owner, name, source):
        if not isinstance(owner, str) or not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", owner):
            raise Refused(400, "owner: 1 to 64 letters, digits, dashes and underscores.")
        name = name.encode()[:150].decode(errors="ignore")
        job_id = gateway.create(self.server.gateway_url, secrets.token_hex(16), type=kind, owner=owner, labels={"file": name},
                                input={"owner": owner, "name": name, "source": source})
        self.server.recent.appendleft(job_id)
        self._json(202, {"id": job_id})

    def _size(self, limit, too_long):
        length = self.headers.get("Content-Length", "")
        if not re.fullmatch(r"[0-9]{1,15}", length):
            raise Refused(411, "Send a Content-Length.")
        if int(length) > limit:
            # A browser shows an answer only to what it has sent to the end.
            self._receive(int(length), lambda _: None)
            raise Refused(413, too_long)
        return int(length)

    def _receive(self, size, take):
        """Whether all of it came."""
        while size > 0 and (chunk := self.rfile.read(min(size, _CHUNK))):
            take(chunk)
            size -= len(chunk)
        return size == 0

    # Answering

    def _json(self, status, value):
        self._answer(status, json.dumps(value).encode(), "application/json")

    def _answer(self, status, body, content_type, headers=()):
        self._head(status, len(body), content_type, headers)
        self.wfile.write(body)

    def _send_file(self, path, content_type, disposition):
        with open(path, "rb") as file:
            self._head(200, os.fstat(file.fileno()).st_size, content_type, {"Content-Disposition": disposition})
            shutil.copyfileobj(file, self.wfile)

    def _head(self, status, length, content_type, headers=()):
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(length))
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Vary", "Origin")
        if self.headers.get("Origin") in self.server.origins:
            self.send_header("Access-Control-Allow-Origin", self.headers["Origin"])
        for name, value in dict(headers).items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_):
        pass  # the page's requests are not news; failures are logged by whoever fails
