"""The demo application under test: `web-demo/app.py` as scripts/demo starts it, beside a gateway."""
import http.client
import json
import pathlib
import subprocess
import sys
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "gateway"))

from harness import process  # noqa: E402
from harness.http_client import Response  # noqa: E402
from harness.wait import PATIENCE, until  # noqa: E402

_SCRIPT = str(pathlib.Path(__file__).parents[2] / "web-demo" / "app.py")
_END_SECONDS = 10


class Application:
    """One process and its folder, which outlives a restart."""

    def __init__(self, folder, gateway):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir()
        self.gateway = gateway
        self.port = process.free_port()
        self._log = self.folder / "application.log"
        self.start()

    def start(self):
        self._process = process.start(
            [sys.executable, _SCRIPT, "--port", str(self.port), "--gateway", "http://127.0.0.1:%d" % self.gateway.port,
             "--redis", "redis://127.0.0.1:" + self.gateway.config["REDIS_EMBEDDED_PORT"], "--data-dir", str(self.folder)], self._log)
        try:
            until(self._is_healthy, "the application to answer")
        except AssertionError:
            self.kill()
            raise

    def _is_healthy(self):
        assert self._process.poll() is None, f"the application ended:\n{self.log()}"
        try:
            return self.request("GET", "/healthz").status == 200
        except OSError:
            return False

    def stop(self):
        """Asks it to end, and answers the exit code."""
        self._process.terminate()
        try:
            return self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"the application did not end in {_END_SECONDS} s:\n{self.log()}") from None

    def kill(self):
        process.kill(self._process)

    def log(self):
        return self._log.read_text(encoding="utf-8", errors="replace")

    def request(self, method, target, body=None, headers=()):
        """`body`: bytes, or anything else to be sent as JSON."""
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request(method, target, body, dict(headers))
            answer = connection.getresponse()
            return Response(answer.status, answer.reason, answer.getheaders(), answer.read())
        finally:
            connection.close()

    def start_job(self, **wanted):
        """The id of a new job."""
        return _id_of(self.request("POST", "/jobs", {"owner": "visitor", **wanted}))

    def upload(self, content, filename="orders.csv"):
        """The id of the job that imports it."""
        query = urllib.parse.urlencode({"filename": filename, "owner": "visitor"})
        return _id_of(self.request("POST", f"/uploads?{query}", content, {"Content-Type": "text/csv"}))

    def imported(self):
        """Names of the jobs whose orders can be seen."""
        return {path.stem for path in (self.folder / "imports").iterdir()}

    def unfinished(self):
        """What jobs under way, and only they, have in the folder."""
        return [path for name in ("staging", "files") for path in (self.folder / name).iterdir() if path.suffix != ".pdf"]


def _id_of(response):
    assert response.status == 202, response
    answer = response.json()
    assert set(answer) == {"id"}
    return answer["id"]
