"""A receiver of webhooks that does as it is told, and a check of signatures written from the Standard Webhooks text."""
import base64
import hashlib
import hmac
import http.server
import json
import queue
import ssl
import threading

from .wait import PATIENCE, until


class Received:
    """One request: `headers` by lower-case name, `body` as bytes."""

    def __init__(self, handler, body):
        self.path = handler.path
        self.headers = {name.lower(): value for name, value in handler.headers.items()}
        self.body = body

    @property
    def id(self):
        return self.headers["webhook-id"]

    def json(self):
        return json.loads(self.body)

    @property
    def record(self):
        return self.json()["data"]

    def signed_with(self, secret):
        """Whether one of the signatures is this secret's."""
        key = base64.b64decode(secret.removeprefix("whsec_"))
        content = f"{self.id}.{self.headers['webhook-timestamp']}.".encode() + self.body
        expected = "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
        return expected in self.headers["webhook-signature"].split(" ")


class Receiver:
    """`then(...)` says how the next requests are answered; later ones with 204."""

    def __init__(self, host="127.0.0.1", certificate=None):
        self.requests = []
        self._plan = queue.SimpleQueue()
        self._let_go = threading.Event()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                try:
                    how = receiver._plan.get_nowait()
                except queue.Empty:
                    how = 204
                receiver.requests.append(Received(self, body))
                receiver._answer(self, how)

            do_GET = do_POST

            def log_message(self, *_):
                pass
        self._server = http.server.ThreadingHTTPServer((host, 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        if certificate:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(*certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.url = f"{'https' if certificate else 'http'}://{host}:{self.port}/hook"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def then(self, *plan):
        """Each a status, `(status, headers)`, "hang" (no answer until `let_go`, then 204), "lose" (read, no answer, closed)
        or "endless" (200, and a body without end)."""
        for how in plan:
            self._plan.put(how)

    def let_go(self):
        self._let_go.set()

    def _answer(self, handler, how):
        handler.close_connection = True
        if how == "lose":
            return
        if how == "hang":
            self._let_go.wait(60)
            how = 204
        if how == "endless":
            self._send(handler, 200, {})
            try:
                while not self._let_go.is_set():
                    handler.wfile.write(b"x" * 65536)
            except OSError:
                pass
            return
        status, headers = how if isinstance(how, tuple) else (how, {})
        try:
            self._send(handler, status, {"Content-Length": "0", **headers})
        except OSError:
            pass

    @staticmethod
    def _send(handler, status, headers):
        handler.send_response(status)
        for name, value in {"Connection": "close", **headers}.items():
            handler.send_header(name, value)
        handler.end_headers()

    def wait(self, count=1, seconds=PATIENCE):
        """The requests, once there are `count`."""
        until(lambda: len(self.requests) >= count, f"{count} webhooks (there are {len(self.requests)})", seconds)
        return list(self.requests)

    def close(self):
        self.let_go()
        self._server.shutdown()
        self._server.server_close()
