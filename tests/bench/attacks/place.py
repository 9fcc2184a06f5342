"""Where an attack takes place: a Redis and a gateway of its own."""
import contextlib
import http.client
import os
import re
import shutil
import ssl
import subprocess
import tempfile

import servers
import wire

PROXY = "127.0.0.9"

CONFIG = """
[auth]
secret = "{secret}"
link_secrets = ["{link_secret}"]
[auth.publishers.application]
hashes = ["{key_hash}"]
"""


def before_others(pid, priority=1):
    """Lets all threads of a process go before what else runs on this machine, where that is allowed."""
    for thread in os.listdir(f"/proc/{pid}/task"):
        with contextlib.suppress(PermissionError, ProcessLookupError):
            os.sched_setscheduler(int(thread), os.SCHED_RR, os.sched_param(priority))


class Place:
    """The limits of the gateway are its defaults. It has core 0; Redis shares the other with the load, as in scripts/bench."""

    def __init__(self, program, tls=False):
        self.program, self.tls = program, tls
        self.folder = tempfile.mkdtemp(prefix="jobcast-attacks-")
        self.redis = self.gateway = None

    def __enter__(self):
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for process in self.gateway, self.redis and self.redis.process:
            if process:
                servers.end(process)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _start(self):
        self.redis = servers.Redis(self.folder)
        self.port = servers.free_port()
        self.files = os.path.join(self.folder, "web")
        os.mkdir(self.files)
        config = os.path.join(self.folder, "jobcast.toml")
        with open(config, "w", encoding="ascii") as file:
            file.write(CONFIG.format(secret=wire.SECRET, link_secret=wire.LINK_SECRET, key_hash=wire.key_hash(wire.API_KEY)))
        environment = {
            "JOBCAST_SERVER_LISTEN": f"127.0.0.1:{self.port}", "JOBCAST_SERVER_REACTORS": "1",
            "JOBCAST_SERVER_DATA_DIR": os.path.join(self.folder, "data"), "JOBCAST_REDIS_URL": self.redis.url,
            "JOBCAST_SERVER_TRUSTED_PROXIES": PROXY, "JOBCAST_WEB_ROOT": self.files}
        if self.tls:
            environment |= self._certificate()
        self.gateway = servers.start([self.program, "serve", "--config", config], servers.SERVER_CORE, self.folder,
                                     environment, name="gateway")
        servers.wait_for(self._ready, "the gateway")
        for pid in self.gateway.pid, self.redis.pid:
            before_others(pid)

    def _certificate(self):
        certificate, key = (os.path.join(self.folder, name) for name in ("server.pem", "server.key"))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=server",
                        "-keyout", key, "-out", certificate], check=True, capture_output=True)
        return {"JOBCAST_SERVER_TLS_CERTIFICATE": certificate, "JOBCAST_SERVER_TLS_KEY": key}

    def _ready(self):
        if self.gateway.poll() is not None:
            raise RuntimeError(f"the gateway ended with {self.gateway.returncode}: {self.log()}")
        return self.get("/readyz")[0] == 200

    def get(self, target, bearer=None, address="127.0.0.1", body=True):
        """The answer to one request: status, headers, and body, unless it is not wanted."""
        how = {"timeout": 20, "source_address": (address, 0)}
        if self.tls:
            trusting = ssl._create_unverified_context()  # pylint: disable=protected-access
            client = http.client.HTTPSConnection("127.0.0.1", self.port, context=trusting, **how)
        else:
            client = http.client.HTTPConnection("127.0.0.1", self.port, **how)
        with contextlib.closing(client):
            client.request("GET", target, headers={"Authorization": f"Bearer {bearer}"} if bearer else {})
            answer = client.getresponse()
            return answer.status, answer.headers, answer.read() if body else b""

    def metrics(self):
        """{name: value} of the metrics without labels; empty where the gateway gives none: it may have no connection left."""
        try:
            _, _, body = self.get("/metrics", wire.token(scope="operator"))
        except (OSError, http.client.HTTPException):
            return {}
        found = re.findall(r"^(jobcast_\w+) (\S+)$", body.decode(), re.MULTILINE)
        return {name: float(value) for name, value in found}

    def log(self):
        with open(os.path.join(self.folder, "gateway.log"), encoding="utf-8", errors="replace") as log:
            return log.read()
