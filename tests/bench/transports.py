#!/usr/bin/env python3
"""Measures SSE and WebSocket beside each other, each on a fresh gateway with one reactor: heap and resident memory of an
idle stream that watches a job of its own, and CPU of the gateway per delivery.

usage: tests/bench/transports.py [--build build/release] [--streams 10000] [--deliveries 200000] [--runs 3]

Prints medians. CPU times are noisy on shared machines: compare within one run. Everything stays on loopback."""
import argparse
import contextlib
import os
import resource
import selectors
import socket
import statistics
import sys
import tempfile

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, os.path.join(ROOT, "tests", "gateway"))

options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
options.add_argument("--build", default="build/release", help="where jobcast and the probe were built")
options.add_argument("--streams", type=int, default=10_000)
options.add_argument("--deliveries", type=int, default=200_000)
options.add_argument("--runs", type=int, default=3)
options = options.parse_args()
BUILD = os.path.join(ROOT, options.build)
os.environ["JOBCAST_PROGRAM"] = os.path.join(BUILD, "jobcast")

# pylint: disable=wrong-import-position
from harness.gateway import Gateway  # noqa: E402
from harness.http_client import encode_request  # noqa: E402
from harness.process import resident_kib  # noqa: E402
from harness.redis_server import RedisServer, Worker  # noqa: E402
from harness.wait import Deadline  # noqa: E402
from harness.ws import frame, handshake  # noqa: E402

AT_ONCE = 200   # streams being opened
WINDOW = 2_000  # deliveries under way
OWN_CORE, OTHER_CORE = {0}, {os.cpu_count() - 1}


class Probe:
    """The heap in use of a process that heap_probe.cpp was preloaded into."""

    def __init__(self, folder):
        self.paths = [os.path.join(folder, name) for name in ("ask", "answer")]
        for path in self.paths:
            os.mkfifo(path)
        self.ask, self.answer = (os.open(path, os.O_RDWR) for path in self.paths)
        self.environment = {"LD_PRELOAD": os.path.join(BUILD, "tests", "libheap_probe.so"),
                            "HEAP_PROBE_ASK": self.paths[0], "HEAP_PROBE_ANSWER": self.paths[1]}

    def bytes(self):
        os.write(self.ask, b"?")
        return int(os.read(self.answer, 64))


def record(job, version):
    """An event of 350 bytes as jobcast_report publishes it."""
    head = f'{{"id":"{job}","version":{version},"updated_at":1700000000000,"type":"import","status":"processing",'
    tail = ('"attempt":1,"progress":{"percent":42,"message":"%s"},"stalled":false,"cancel_requested":false,'
            '"can":["cancel"],"created_at":1700000000000}')
    return head + tail % ("x" * (350 - len(head) - len(tail) + 2))


class Crowd:
    """Many streams, each on a job of its own, read without looking at more than how many records came."""

    def __init__(self, kind, gateway, jobs):
        self.kind, self.gateway, self.jobs = kind, gateway, jobs
        self.selector = selectors.DefaultSelector()
        self.sockets = []
        self.records = 0

    def connect(self, n):
        s = socket.socket()
        s.setsockopt(socket.IPPROTO_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT
        s.bind((f"127.0.1.{1 + n // 20_000}", 0))
        s.connect(self.gateway.address)
        return s

    def open(self):
        deadline = Deadline(120)
        while self.records < len(self.jobs):
            while len(self.sockets) < len(self.jobs) and len(self.sockets) - self.records < AT_ONCE:
                self.open_one(len(self.sockets))
            self.read()
            assert not deadline.over(), f"only {self.records} streams got their first record"

    def open_one(self, n):
        s = self.connect(n)
        self.sockets.append(s)
        if self.kind == "SSE":
            s.sendall(encode_request("GET", f"/api/jobs/{self.jobs[n]}/events", None, {}, self.gateway.address))
        else:
            s.sendall(encode_request("GET", "/api/ws", None, handshake(), self.gateway.address))
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += s.recv(4096)
            assert head.startswith(b"HTTP/1.1 101"), head
            s.sendall(frame('{"op":"watch","jobs":["%s"]}' % self.jobs[n]))
        s.setblocking(False)
        self.selector.register(s, selectors.EVENT_READ, n)

    def read(self, seconds=0.1):
        for key, _ in self.selector.select(seconds):
            data = key.fileobj.recv(65_536)
            assert data, "the gateway closed a stream"
            self.records += data.count(b'"created_at"')

    def close(self):
        for s in self.sockets:
            s.close()


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        user, system = stat.read().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def gateway_under_test():
    """A gateway on a core of its own, its Redis and this program on the other."""
    with tempfile.TemporaryDirectory(prefix="jobcast-") as folder:
        os.sched_setaffinity(0, OTHER_CORE)
        redis = RedisServer(os.path.join(folder, "redis"))
        probe = Probe(folder)
        os.environ.update(probe.environment)
        os.sched_setaffinity(0, OWN_CORE)
        gateway = Gateway(os.path.join(folder, "gateway"), redis.url, SERVER_REACTORS="1", SERVER_LOG_LEVEL="warning",
                          LIMITS_CONNECTIONS="19500", LIMITS_CONNECTIONS_PER_ADDRESS="19500", LIMITS_HEARTBEAT="300s")
        os.sched_setaffinity(0, OTHER_CORE)
        for name in probe.environment:
            del os.environ[name]
        try:
            yield gateway, redis, probe
        finally:
            gateway.kill()
            redis.kill()


def measure(kind):
    """Bytes of heap and of resident memory for each idle stream, microseconds of CPU for each delivery."""
    with gateway_under_test() as (gateway, redis, probe):
        jobs = [f"bench-{n}" for n in range(options.streams)]
        worker = Worker(redis)
        for job in jobs:
            worker.report(job, status="processing", percent=1)
        heap, resident = probe.bytes(), resident_kib(gateway.pid)
        crowd = Crowd(kind, gateway, jobs)
        crowd.open()
        heap, resident = probe.bytes() - heap, (resident_kib(gateway.pid) - resident) * 1024
        cpu = deliver(crowd, worker.redis, gateway.pid)
        crowd.close()
        return heap / len(jobs), resident / len(jobs), cpu * 1e6


def deliver(crowd, client, pid):
    """Publishes in windows, each of which must have arrived before the next; seconds of CPU a delivery."""
    before, cpu, version = crowd.records, cpu_seconds(pid), 1
    wanted = before
    while wanted - before < options.deliveries:
        version += 1
        for first in range(0, len(crowd.jobs), WINDOW):
            part = crowd.jobs[first:first + WINDOW]
            pipe = client.pipeline(transaction=False)
            for job in part:
                pipe.publish(f"jobcast:event:{job}", f"{version} p {record(job, version)}")
            pipe.execute()
            wanted += len(part)
            deadline = Deadline(60)
            while crowd.records < wanted:
                crowd.read()
                assert not deadline.over(), f"{wanted - crowd.records} deliveries were lost"
    return (cpu_seconds(pid) - cpu) / (wanted - before)


def main():
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    found = {"SSE": [], "WebSocket": []}
    for _ in range(options.runs):
        for kind, results in found.items():
            results.append(measure(kind))
    medians = {kind: [statistics.median(figures) for figures in zip(*results)] for kind, results in found.items()}
    for kind, (heap, resident, cpu) in medians.items():
        print(f"{kind:10} heap {heap:5.0f} bytes, resident {resident:5.0f} bytes an idle stream; CPU {cpu:.2f} us a delivery")
    ratios = [over / under for over, under in zip(medians["WebSocket"], medians["SSE"])]
    print("WebSocket to SSE: heap {:.2f}, resident {:.2f}, CPU {:.2f}".format(*ratios))


main()
