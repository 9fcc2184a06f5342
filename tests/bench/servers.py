"""The servers that are measured side by side: how each is started, pinned, found ready, and ended."""
import base64
import ctypes
import hmac
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
PEERS = os.path.join(HERE, "peers")
SERVER_CORE, LOAD_CORE = 0, min(1, os.cpu_count() - 1)
_libc = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1


def die_with_parent():
    """Lets this process be killed when the one that started it ends, however that ends."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def start(command, core, folder, env=None, name="server"):
    """Starts `command` on one core; it dies with this process."""
    def prepare():
        die_with_parent()
        if core is not None:
            os.sched_setaffinity(0, {core})
    with open(os.path.join(folder, name + ".log"), "ab") as log:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder, preexec_fn=prepare,
                                env={**os.environ, **(env or {})})


def end(process):
    """SIGTERM, and SIGKILL where that does not help."""
    process.terminate()
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(condition, what, seconds=20):
    """Until `condition()` is true, or does not raise OSError."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            if condition():
                return
        except OSError:
            pass
        time.sleep(0.02)
    raise RuntimeError(f"{what} took more than {seconds} s")


def accepts(port):
    socket.create_connection(("127.0.0.1", port), timeout=1).close()
    return True


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as listed:
        return [int(child) for child in listed.read().split()]


class Redis:
    """One redis-server on the load's core, without persistence, for all servers of a run."""

    def __init__(self, folder, core=LOAD_CORE):
        self.port = free_port()
        self.process = start(["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "",
                              "--appendonly", "no", "--maxclients", "1000"], core, folder, name="redis")
        wait_for(lambda: accepts(self.port), "redis-server")
        self.url = f"redis://127.0.0.1:{self.port}"
        self.pid = self.process.pid

    def end(self):
        end(self.process)


class Server:
    """What all have in common. `transport` is the load's, `via` how it publishes."""
    name, transport, via, peer = "", "sse", "event", None

    def __init__(self, program, redis):
        self.program, self.redis = program, redis
        self.port, self.process, self.folder = 0, None, None

    def available(self):
        """Why it cannot be measured here, or nothing."""
        return None

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="jobcast-bench-")
        self.port = free_port()
        self.process = self.launch()
        try:
            wait_for(self.ready, self.name)
        except RuntimeError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        end(self.process)
        shutil.rmtree(self.folder, ignore_errors=True)

    def launch(self):
        raise NotImplementedError

    def ready(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"{self.name} ended with {self.process.returncode}")
        return accepts(self.port)

    def pids(self):
        return [self.process.pid]

    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def options(self):
        """What the load has to be told besides."""
        return []


# All clients come from a few loopback addresses, and none says who it is.
LOAD_LIMITS = {"JOBCAST_LIMITS_CONNECTIONS": "19500", "JOBCAST_LIMITS_CONNECTIONS_PER_ADDRESS": "19500",
               "JOBCAST_LIMITS_REQUEST_RATE": "0"}


class Jobcast(Server):
    name, reactors, core = "jobcast SSE", 1, SERVER_CORE
    more = {}
    command = ()  # what runs the program

    def launch(self):
        return start([*self.command, self.program, "serve"], self.core, self.folder, {
            "JOBCAST_SERVER_LISTEN": f"127.0.0.1:{self.port}", "JOBCAST_SERVER_REACTORS": str(self.reactors),
            "JOBCAST_SERVER_DATA_DIR": os.path.join(self.folder, "data"), "JOBCAST_REDIS_URL": self.redis.url,
            "JOBCAST_SERVER_LOG_LEVEL": "warning", **LOAD_LIMITS, **self.more})

    def ready(self):
        super().ready()
        with urllib.request.urlopen(self.url() + "/readyz", timeout=1) as answer:
            return answer.status == 200


class JobcastRing(Jobcast):
    name, more = "jobcast SSE, io_uring", {"JOBCAST_SERVER_IO_URING": "true"}


class JobcastWebSocket(Jobcast):
    name, transport = "jobcast WebSocket", "websocket"


class JobcastUnpinned(Jobcast):
    """With as many reactors as asked for, on all cores."""
    core = None

    def __init__(self, program, redis, reactors):
        super().__init__(program, redis)
        self.reactors = reactors
        self.name = f"jobcast, reactors: {reactors}"


class Bare(Server):
    name, peer, arguments = "bare epoll", "bare", ()

    def launch(self):
        bare = os.path.join(os.path.dirname(self.program), "tests", "bare_epoll")
        return start([bare, str(self.port), str(self.redis.port), *self.arguments], SERVER_CORE, self.folder)


class BareJoining(Bare):
    name, arguments = "bare epoll, joining", ("join",)


NGINX = """
load_module modules/ngx_nchan_module.so;
daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log error;
worker_processes 1; worker_rlimit_nofile 20000;
events {{ worker_connections 19900; }}
http {{
  access_log off; keepalive_requests 100000000; nchan_shared_memory_size 512M;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  {upstream}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    root {folder};
    location ~ ^/pub/(.+)$ {{ nchan_publisher http; nchan_channel_id $1; nchan_message_buffer_length 100; {passed} }}
    location ~ ^/sub/(.+)$ {{ nchan_subscriber eventsource websocket; nchan_channel_id $1;
                             nchan_subscriber_first_message newest; {passed} }}
  }}
}}
"""


class Nchan(Server):
    name, via, peer, upstream, passed = "Nchan, in memory", "http", "nchan", "", ""

    def available(self):
        if not shutil.which("nginx") or not os.path.exists("/usr/lib/nginx/modules/ngx_nchan_module.so"):
            return "libnginx-mod-nchan is not installed"
        return None

    def launch(self):
        os.chmod(self.folder, 0o755)
        with open(os.path.join(self.folder, "static.json"), "w", encoding="ascii") as static:
            static.write("x" * 300)
        config = os.path.join(self.folder, "nginx.conf")
        with open(config, "w", encoding="ascii") as file:
            file.write(NGINX.format(folder=self.folder, port=self.port, passed=self.passed,
                                    upstream=self.upstream.format(redis=self.redis.url)))
        return start(["nginx", "-p", "/usr/share/nginx", "-c", config], SERVER_CORE, self.folder)

    def ready(self):
        return super().ready() and self.pids()

    def pids(self):
        """The worker; the master does nothing."""
        return children(self.process.pid)


class NchanRedis(Nchan):
    name = "Nchan on Redis"
    upstream = "upstream jobs {{ nchan_redis_server {redis}; }}"
    passed = "nchan_redis_pass jobs;"


class Node(Server):
    """A server of the folder peers, under Node.js."""

    def available(self):
        if not os.path.isdir(os.path.join(PEERS, "node_modules")):
            return "npm ci was not run in tests/bench/peers"
        return None

    def launch(self):
        return start(["node", os.path.join(PEERS, self.peer + ".mjs"), str(self.port), str(self.redis.port)], SERVER_CORE,
                     self.folder, {"NODE_ENV": "production"})


class Ws(Node):
    name, transport, peer = "npm ws", "websocket", "ws"


class BetterSse(Node):
    name, peer = "better-sse", "better_sse"


class SocketIo(Node):
    name, transport, peer = "Socket.IO", "websocket", "socket_io"


class UWebSockets(Server):
    """Built by `scripts/bench --uws FOLDER`."""
    name, transport, peer = "uWebSockets", "websocket", "uws"
    binary = None

    def available(self):
        return None if self.binary else "no --uws"

    def launch(self):
        return start([self.binary, str(self.port), str(self.redis.port)], SERVER_CORE, self.folder)


class Centrifugo(Server):
    name, transport, via, peer = "Centrifugo", "websocket", "http", "centrifugo"
    binary = None

    def available(self):
        return None if self.binary else "no --centrifugo"

    def launch(self):
        config = os.path.join(self.folder, "config.json")
        with open(config, "w", encoding="ascii") as file:
            json.dump({
                "http_server": {"address": "127.0.0.1", "port": str(self.port)},
                "http_api": {"insecure": True}, "log": {"level": "error"},
                "client": {"insecure": True, "allow_anonymous_connect_without_token": True},
                "channel": {"without_namespace": {"allow_subscribe_for_client": True,
                                                  "allow_subscribe_for_anonymous": True}}}, file)
        return start([self.binary, "--config", config], SERVER_CORE, self.folder, {"GOMAXPROCS": "1"})


CADDYFILE = """
{{
  admin off
  auto_https off
  log {{
    level ERROR
  }}
}}
http://127.0.0.1:{port} {{
  mercure {{
    transport local
    publisher_jwt {key} HS256
    anonymous
  }}
}}
"""


class Mercure(Server):
    name, via, peer = "Mercure", "http", "mercure"
    binary = None
    _KEY = "of the benchmark, thirty-two bytes"

    def available(self):
        return None if self.binary else "no --mercure"

    def launch(self):
        config = os.path.join(self.folder, "Caddyfile")
        with open(config, "w", encoding="ascii") as file:
            file.write(CADDYFILE.format(port=self.port, key=json.dumps(self._KEY)))
        return start([self.binary, "run", "--config", config, "--adapter", "caddyfile"], SERVER_CORE, self.folder,
                     {"GOMAXPROCS": "1", "HOME": self.folder})

    def options(self):
        """It takes nothing from publishers without a token."""
        part = lambda value: base64.urlsafe_b64encode(value).rstrip(b"=")
        signed = b".".join(part(json.dumps(value).encode()) for value in (
            {"alg": "HS256", "typ": "JWT"}, {"mercure": {"publish": ["*"], "subscribe": ["*"]}}))
        tag = hmac.digest(self._KEY.encode(), signed, "sha256")
        return ["--header", f"Authorization: Bearer {(signed + b'.' + part(tag)).decode()}"]


CORE = [Jobcast, JobcastWebSocket, Bare]
# Those that there are bars about, and the rest.
RIVALS = [Nchan, NchanRedis, Ws, UWebSockets]
OTHERS = [BetterSse, SocketIo, Centrifugo, Mercure]
