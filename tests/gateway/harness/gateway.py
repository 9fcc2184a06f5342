"""`jobcast serve` under test: started with configuration from the environment, asked over raw HTTP, ended and checked."""
import os
import re
import signal
import subprocess

from . import process
from .http_client import Closed, Connection
from .sse import Stream
from .wait import until
from .ws import WebSocket

PROGRAM = os.environ.get("JOBCAST_PROGRAM") or os.path.join(
    os.path.dirname(__file__), "..", "..", "..", "build", "debug", "jobcast")

DRAIN_SECONDS = 5
_SANITIZER = re.compile(rb"ERROR: \w+Sanitizer|WARNING: \w+Sanitizer|runtime error:")


def refuses(gateway):
    """Whether nothing listens on its port."""
    try:
        gateway.connect().close()
        return False
    except ConnectionError:
        return True


def is_sanitized():
    """Whether the program was built with AddressSanitizer, whose memory figures mean nothing."""
    with open(PROGRAM, "rb") as program:
        return b"__asan_init" in program.read()


class Gateway:
    """One process. `config` holds values by environment name without the prefix: `LIMITS_HEARTBEAT="1s"`; `toml` is the
    text of a configuration file, for what the environment cannot say; `tls` is the SSLContext to ask it with."""

    program = PROGRAM

    def __init__(self, folder, redis_url=None, port=None, wait=True, toml=None, tls=None, **config):
        self.folder = str(folder)
        os.makedirs(self.folder, exist_ok=True)
        self.port = port or process.free_port()
        self.address = ("127.0.0.1", self.port)
        self.tls = tls
        self.log_path = os.path.join(self.folder, "gateway.log")
        self.config = {
            "SERVER_LISTEN": f"127.0.0.1:{self.port}",
            "SERVER_REACTORS": "2",
            "SERVER_DATA_DIR": os.path.join(self.folder, "data"),
            "SERVER_DRAIN_TIMEOUT": f"{DRAIN_SECONDS}s",
            **({"REDIS_URL": redis_url} if redis_url else {"REDIS_EMBEDDED_PORT": str(process.free_port())}),
            **config,
        }
        self.config_path = os.path.join(self.folder, "jobcast.toml")
        self.configure(toml or "")
        self.start(wait)

    def configure(self, toml):
        """Writes the configuration file, to be read at the start or on SIGHUP."""
        with open(self.config_path, "w", encoding="utf-8") as file:
            file.write(toml)

    def environment(self):
        env = {name: value for name, value in os.environ.items() if not name.startswith("JOBCAST_")}
        env.update({f"JOBCAST_{name}": str(value) for name, value in self.config.items()})
        return env

    def start(self, wait=True):
        self.process = process.start([self.program, "serve", "--config", self.config_path], self.log_path, self.environment(),
                                     self.folder)
        if wait:
            self.wait_ready()

    @property
    def pid(self):
        return self.process.pid

    def wait_ready(self):
        def ready():
            assert self.process.poll() is None, f"the gateway ended with {self.process.returncode}:\n{self.log()}"
            return self.is_ready()
        until(ready, "the gateway to be ready")

    def is_ready(self):
        try:
            return self.get("/readyz").status == 200
        except (ConnectionError, Closed):
            return False

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            return log.read()

    # Ending

    def stop(self, which=signal.SIGTERM):
        """Asks it to end, and answers the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(which)
        return self.wait_end()

    def wait_end(self, seconds=DRAIN_SECONDS + 10):
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill(self.process)
            raise AssertionError(f"the gateway did not end in {seconds} s:\n{self.log()}") from None

    def kill(self):
        process.kill(self.process)

    def check_end(self):
        """Ends it as an operator would, unless it was ended, and looks for what must not be in its log."""
        if self.process.poll() is None:
            code = self.stop()
            assert code == 0, f"exit code {code} on SIGTERM:\n{self.log()}"
        with open(self.log_path, "rb") as log:
            text = log.read()
        assert not _SANITIZER.search(text), text.decode("utf-8", "replace")
        ended_well = (0, 1, 2, -signal.SIGKILL)
        assert self.process.returncode in ended_well, f"crashed: {self.process.returncode}\n{self.log()}"

    def command(self, *arguments):
        """Runs another subcommand with this gateway's configuration; answers what it printed."""
        done = subprocess.run([self.program, *arguments, "--config", self.config_path], env=self.environment(), cwd=self.folder,
                              capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == 0, done
        return done.stdout

    # Asking

    def connect(self, **options):
        return Connection(self.address, **{"tls": self.tls, **options})

    def request(self, method, target, body=None, headers=()):
        with self.connect() as connection:
            return connection.request(method, target, body, headers)

    def get(self, target, headers=()):
        return self.request("GET", target, headers=headers)

    def post(self, target, body=None, headers=()):
        return self.request("POST", target, {} if body is None else body, headers)

    def delete(self, target, headers=()):
        return self.request("DELETE", target, headers=headers)

    def stream(self, target, headers=(), **options):
        return Stream(self.address, target, headers, **{"tls": self.tls, **options})

    def watch(self, *jobs, **options):
        """One job: its own stream; several: a shared one."""
        if len(jobs) == 1:
            return self.stream(f"/api/jobs/{jobs[0]}/events", **options)
        return self.stream("/api/events?" + "&".join(f"job={job}" for job in jobs), **options)

    def report(self, job, **report):
        """Reports over HTTP and answers the answer."""
        response = self.post(f"/api/jobs/{job}/report", report)
        assert response.status == 200, response
        return response.json()

    def create(self, headers=(), **fields):
        """Creates a job and answers its record."""
        response = self.post("/api/jobs", fields, headers)
        assert response.status == 202, response
        return response.json()

    def record(self, job):
        response = self.get(f"/api/jobs/{job}/status")
        assert response.status == 200, response
        return response.json()

    def websocket(self, **options):
        return WebSocket(self.address, **{"tls": self.tls, **options})

    def metric(self, name):
        """The value of a counter; a labelled one is named with its labels."""
        for line in self.get("/metrics").body.decode().splitlines():
            if line.startswith(name + " "):
                return float(line.split()[1])
        raise AssertionError(f"no metric {name}")
