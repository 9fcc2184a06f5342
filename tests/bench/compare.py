"""Measures jobcast and other servers side by side (scripts/bench): in rounds, so that what disturbs the machine disturbs
all of them alike; what is told of each figure is its median, and of each ratio the median of the rounds' ratios."""
import argparse
import contextlib
import json
import os
import platform
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import least_report
import servers
from servers import Bare, BareJoining, Jobcast, JobcastRing, JobcastUnpinned, JobcastWebSocket, Nchan, NchanRedis, UWebSockets, Ws

RECORD = 350
ATTACKS = os.path.join(servers.HERE, "attacks")
LEAST = "its calls alone"


class Bench:
    """Runs the load and the other measures, and keeps what came out: {scenario: {server: [figures of each round]}}."""

    def __init__(self, program, redis, quick):
        self.program, self.redis, self.quick = program, redis, quick
        self.figures, self.failures = {}, []

    def server(self, kind):
        return kind if isinstance(kind, servers.Server) else kind(self.program, self.redis)

    def keep(self, scenario, name, figures):
        self.figures.setdefault(scenario, {}).setdefault(name, []).append(figures)

    def load(self, server, *options):
        """One run of `jobcast bench` against a server that was started."""
        command = ["taskset", "-c", str(servers.LOAD_CORE), self.program, "bench", "--url", server.url(), "--redis",
                   self.redis.url, "--transport", server.transport, "--record", str(RECORD), "--json", "-", "--process",
                   "server=" + ",".join(map(str, server.pids())), "--process", f"redis={self.redis.pid}"]
        if server.peer:
            command += ["--peer", os.path.join(servers.PEERS, server.peer + ".toml")]
        if "--via" not in options:
            command += ["--via", server.via]
        command += [*server.options(), *map(str, options)]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
        if not ended.stdout:
            raise RuntimeError(ended.stderr.strip() or f"the load ended with {ended.returncode}")
        result = json.loads(ended.stdout)
        if result["failures"]:
            self.failures.append(f"{server.name}: {'; '.join(result['failures'])}")
        return figures_of(result)

    def run(self, scenario, kind, *options):
        """A fresh server, one run of the load, and what it measured."""
        server = self.server(kind)
        why = server.available()
        if why:
            return
        try:
            with server:
                self.keep(scenario, server.name, self.load(server, *options))
        except (RuntimeError, subprocess.TimeoutExpired) as problem:
            self.failures.append(f"{scenario}, {server.name}: {problem}")

    @contextlib.contextmanager
    def undisturbed(self):
        """Where it is allowed, nothing but the kernel gets between the server, the load and Redis: a daemon of the machine
        that works for 20 ms each second makes the very hundredth that a p99 is told by."""
        def become(policy, priority):
            with contextlib.suppress(PermissionError):
                for pid in 0, self.redis.pid:
                    os.sched_setscheduler(pid, policy, os.sched_param(priority))
        become(os.SCHED_RR, 1)
        try:
            yield
        finally:
            become(os.SCHED_OTHER, 0)

    # What is measured. Lengths are such that a round of all of them takes about three minutes.

    def spread(self, kind):
        self.run("spread", kind, "--watchers", 10_000, "--rate", "max", "--seconds", 3, "--storm")

    def broadcast(self, kind):
        self.run("broadcast", kind, "--watchers", 2_000, "--jobs", 1, "--rate", "max", "--window", 20_000, "--seconds", 3,
                 "--every")

    def latency(self, kind):
        with self.undisturbed():
            self.run("latency", kind, "--watchers", 10_000, "--rate", 5_000, "--seconds", 8)

    def idle(self, kind):
        self.run("idle", kind, "--watchers", 19_000, "--seconds", 0)

    def reports(self):
        """What a report costs Redis, and what one over HTTP costs the gateway beside it."""
        self.run("function", Jobcast, "--watchers", 0, "--jobs", 1_000, "--via", "fcall", "--rate", "max", "--seconds", 2)
        self.keep("function", LEAST, least_report.measure(self.redis.url, self.redis.pid))
        self.run("ndjson", Jobcast, "--watchers", 0, "--jobs", 1_000, "--via", "http", "--rate", "max", "--seconds", 2)

    def reactors(self):
        for count in 1, 2:
            self.run("reactors", JobcastUnpinned(self.program, self.redis, count), "--watchers", 10_000, "--rate", "max",
                     "--seconds", 3)

    def rest(self):
        """Requests a second for one status over keep-alive connections, beside a static file of nginx."""
        if Nchan(self.program, self.redis).available() or not shutil.which("wrk"):
            return
        with self.server(Jobcast) as server:
            subprocess.run([self.program, "report", "rest-1", "status=processing", "percent=42", "message=" + "x" * 60,
                            "--url", server.url()], check=True, capture_output=True)
            target = server.url() + "/api/jobs/rest-1/status"
            head = subprocess.run(["curl", "-si", target], check=True, capture_output=True, text=True).stdout
            tag = re.search(r"^etag: (.*?)\r?$", head, re.MULTILINE | re.IGNORECASE).group(1)
            self.keep("rest", "jobcast, 200", {"requests": wrk(target)})
            self.keep("rest", "jobcast, 304", {"requests": wrk(target, "-H", f"If-None-Match: {tag}")})
        with self.server(Nchan) as server:
            self.keep("rest", "nginx, static file", {"requests": wrk(server.url() + "/static.json")})

    def round(self, number):
        # In turns from the front and from the back: connections of the last server are still being taken down by the kernel.
        turned = lambda turn, *kinds: kinds[::-1] if turn % 2 else kinds
        others = [] if self.quick or number > 0 else servers.OTHERS
        for kind in turned(number, *servers.CORE, JobcastRing, *servers.RIVALS, *others):
            self.spread(kind)
        # What differs here is less than the noise of one run.
        for turn in range(1 if self.quick else 3):
            for kind in turned(number + turn, Jobcast, JobcastWebSocket, BareJoining, UWebSockets):
                self.broadcast(kind)
        for kind in [] if self.quick else [Bare, Nchan, NchanRedis, Ws, *others]:
            self.broadcast(kind)
        for kind in turned(number, Jobcast, Bare):
            self.latency(kind)
        for kind in servers.CORE:
            self.idle(kind)
        self.reports()
        self.rest()
        self.reactors()

    def attacks(self):
        """What attackers at their limits do to others. Prints tables of its own."""
        sys.stdout.flush()
        if subprocess.run([sys.executable, ATTACKS, "--program", self.program], check=False).returncode:
            self.failures.append("attacks: a bar is missed")


def figures_of(result):
    server, redis = result["processes"]
    return {
        "deliveries": result["deliveries_per_second"], "cpu": server["cpu_us_per_delivery"],
        "p50": result["latency_us"]["p50"], "p99": result["latency_us"]["p99"],
        "memory": server["rss_bytes_per_connection"], "opened": result["connections_per_second"],
        "reopened": result["reconnections_per_second"], "reports": result["reports_per_second"],
        "redis_cpu": redis["cpu_us_per_report"], "server_cpu": server["cpu_us_per_report"],
        "load": result["load_cpu_seconds"] / result["seconds"] if result["seconds"] else 0,
    }


def wrk(target, *options):
    """Requests a second."""
    out = subprocess.run(["taskset", "-c", str(servers.LOAD_CORE), "wrk", "-t1", "-c32", "-d2s", *options, target],
                         check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in out:
        raise RuntimeError(f"{target} answered errors")
    return float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1))


class Bars:
    """What jobcast is to reach, mostly as ratios of the rounds."""

    def __init__(self, figures):
        self.figures, self.rows = figures, []

    def value(self, scenario, server, figure):
        rounds = self.figures.get(scenario, {}).get(server)
        return statistics.median(r[figure] for r in rounds) if rounds else None

    def ratio(self, scenario, first, second, figure):
        ours, theirs = (self.figures.get(scenario, {}).get(name) for name in (first, second))
        if not ours or not theirs:
            return None
        return statistics.median(a[figure] / b[figure] for a, b in zip(ours, theirs) if b[figure])

    def add(self, text, value, compare, bar, then=None, unit="x"):
        if value is None:
            self.rows.append((text, "not measured", f"{compare} {bar:g}", "", ""))
            return
        met = value >= bar if compare == ">=" else value <= bar
        and_then = "" if then is None else f"{compare} {then:g}"
        if then is not None and (value >= then if compare == ">=" else value <= then):
            and_then += " (met)"
        shown = f"{value:.2f}{unit}" if unit == "x" else f"{value:,.0f} {unit}" if value >= 100 else f"{value:.1f} {unit}"
        self.rows.append((text, shown, f"{compare} {bar:g}", "met" if met else "MISSED", and_then))

    def all(self):
        ours, ws, bare, join = Jobcast.name, JobcastWebSocket.name, Bare.name, BareJoining.name
        self.add("spread, deliveries/s, to bare epoll", self.ratio("spread", ours, bare, "deliveries"), ">=", 0.85, 1.1)
        for kind, bar in (Nchan, 2.5), (NchanRedis, 10), (Ws, 1.5):
            self.add(f"spread, deliveries/s, to {kind.name}", self.ratio("spread", ours, kind.name, "deliveries"), ">=", bar)
        self.add("spread, CPU a delivery, to bare epoll", self.ratio("spread", ours, bare, "cpu"), "<=", 1.25, 0.9)
        self.add("the same with server.io_uring", self.ratio("spread", JobcastRing.name, bare, "cpu"), "<=", 1.25, 0.9)
        self.add("broadcast every=true, deliveries/s, to joining bare", self.ratio("broadcast", ours, join, "deliveries"),
                 ">=", 0.6, 0.85)
        for name, text in (ours, "broadcast"), (ws, "broadcast over WebSocket"):
            self.add(f"{text}, deliveries/s, to uWebSockets", self.ratio("broadcast", name, UWebSockets.name, "deliveries"), ">=", 1)
        self.add("broadcast, WebSocket to SSE", self.ratio("broadcast", ws, ours, "deliveries"), ">=", 0.95)
        self.add("p99 at 5,000/s, to bare epoll", self.ratio("latency", ours, bare, "p99"), "<=", 2)
        self.add("RSS an idle event stream", self.value("idle", ours, "memory"), "<=", 1536, 1024, "bytes")
        self.add("RSS an idle WebSocket", self.value("idle", ws, "memory"), "<=", 1800, 1200, "bytes")
        self.add("storm, connections/s", self.value("spread", ours, "reopened"), ">=", 13000, None, "/s")
        self.add("storm, to Nchan", self.ratio("spread", ours, Nchan.name, "reopened"), ">=", 1)
        self.add("jobcast_report, CPU of Redis", self.value("function", ours, "redis_cpu"), "<=", 15, 12, "us")
        self.add("REST status 200, to nginx", self.ratio("rest", "jobcast, 200", "nginx, static file", "requests"), ">=",
                 0.6, 0.9)
        self.add("REST status 304, to nginx", self.ratio("rest", "jobcast, 304", "nginx, static file", "requests"), ">=",
                 0.6, 0.9)
        rounds = self.figures.get("ndjson", {}).get(ours)
        self.add("NDJSON reports, CPU of the gateway to CPU of Redis",
                 statistics.median(r["server_cpu"] / r["redis_cpu"] for r in rounds) if rounds else None, "<=", 1)
        self.add("2 reactors to 1", self.ratio("reactors", "jobcast, reactors: 2", "jobcast, reactors: 1", "deliveries"),
                 ">=", 1.8)
        return self.rows


def table(head, rows):
    """As Markdown, so that it can go into docs/benchmarks.md as it is."""
    widths = [max(len(str(row[i])) for row in [head, *rows]) for i in range(len(head))]
    line = lambda row: "| " + " | ".join(str(cell).ljust(width) for cell, width in zip(row, widths)) + " |"
    return "\n".join([line(head), "|" + "|".join("-" * (width + 2) for width in widths) + "|", *map(line, rows)])


def show(bench):
    bars = Bars(bench.figures)
    columns = {
        "spread": (("deliveries/s", "deliveries", "{:,.0f}"), ("CPU us/delivery", "cpu", "{:.2f}"),
                   ("RSS bytes/stream", "memory", "{:,.0f}"), ("opened/s", "opened", "{:,.0f}"),
                   ("storm/s", "reopened", "{:,.0f}"), ("load", "load", "{:.0%}")),
        "broadcast": (("deliveries/s", "deliveries", "{:,.0f}"), ("CPU us/delivery", "cpu", "{:.2f}"),
                      ("load", "load", "{:.0%}")),
        "latency": (("p50 us", "p50", "{:,.0f}"), ("p99 us", "p99", "{:,.0f}"), ("CPU us/delivery", "cpu", "{:.2f}")),
        "idle": (("RSS bytes/stream", "memory", "{:,.0f}"), ("opened/s", "opened", "{:,.0f}")),
        "function": (("reports/s", "reports", "{:,.0f}"), ("Redis us/report", "redis_cpu", "{:.1f}")),
        "ndjson": (("reports/s", "reports", "{:,.0f}"), ("gateway us/report", "server_cpu", "{:.1f}"),
                   ("Redis us/report", "redis_cpu", "{:.1f}")),
        "rest": (("requests/s", "requests", "{:,.0f}"),),
        "reactors": (("deliveries/s", "deliveries", "{:,.0f}"), ("CPU us/delivery", "cpu", "{:.2f}")),
    }
    for scenario, wanted in columns.items():
        rows = [[name, *(text.format(bars.value(scenario, name, figure)) for _, figure, text in wanted), len(rounds)]
                for name, rounds in bench.figures.get(scenario, {}).items()]
        if rows:
            print(f"\n{scenario}\n\n{table(['server', *(title for title, *_ in wanted), 'runs'], rows)}")
    print(f"\nbars\n\n{table(['what', 'measured', 'bar', '', 'then'], bars.all())}")
    for failure in bench.failures:
        print(f"\nFAILED: {failure}")


def machine():
    with open("/proc/cpuinfo", encoding="ascii") as info:
        model = re.search(r"model name\s*: (.*)", info.read()).group(1)
    return f"{model}, {os.cpu_count()} cores, Linux {platform.release()}, load {os.getloadavg()[0]:.1f}"


def build_uws(folder, into):
    """Compiles tests/bench/peers/uws.cpp against a checkout of uWebSockets that has uSockets beside or in it."""
    sockets = next(path for path in (os.path.join(folder, "uSockets"), os.path.join(folder, "..", "uSockets"))
                   if os.path.isdir(os.path.join(path, "src")))
    objects = []
    for root, _, names in os.walk(os.path.join(sockets, "src")):
        for name in names:
            if name.endswith(".c"):
                objects.append(os.path.join(into, name + ".o"))
                subprocess.run(["cc", "-O3", "-DLIBUS_NO_SSL", "-I", os.path.join(sockets, "src"), "-c",
                                os.path.join(root, name), "-o", objects[-1]], check=True)
    UWebSockets.binary = os.path.join(into, "uws")
    subprocess.run(["c++", "-std=c++20", "-O3", "-DLIBUS_NO_SSL", "-DUWS_NO_ZLIB", "-I", os.path.join(folder, "src"), "-I",
                    os.path.join(sockets, "src"), os.path.join(servers.PEERS, "uws.cpp"), *objects, "-o",
                    UWebSockets.binary], check=True)


def main():
    ask = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    ask.add_argument("program", help=argparse.SUPPRESS)
    ask.add_argument("--quick", action="store_true", help="one round, and of the other servers only Nchan and npm ws")
    ask.add_argument("--runs", type=int, default=5, help="rounds (5); servers that no bar is about are in the first alone")
    ask.add_argument("--only", help="scenarios of jobcast and the bare sender to run, separated by commas: spread, "
                     "broadcast, latency, idle, reports, rest, reactors, attacks; nothing else is measured then")
    ask.add_argument("--uws", metavar="FOLDER", help="a checkout of uWebSockets with uSockets, to be built and measured")
    ask.add_argument("--centrifugo", metavar="PROGRAM", help="a centrifugo to be measured")
    ask.add_argument("--mercure", metavar="PROGRAM", help="a mercure to be measured")
    ask.add_argument("--json", metavar="FILE", help="write every figure of every round")
    asked = ask.parse_args()
    if asked.runs < 1:
        ask.error("--runs must be at least 1")

    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    os.sched_setaffinity(0, {servers.LOAD_CORE})
    # All that is measured goes before whatever else this machine does, where that is allowed.
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, -20)
    servers.Centrifugo.binary = asked.centrifugo and os.path.abspath(asked.centrifugo)
    servers.Mercure.binary = asked.mercure and os.path.abspath(asked.mercure)
    folder = tempfile.mkdtemp(prefix="jobcast-bench-")
    redis = servers.Redis(folder)
    bench = Bench(os.path.abspath(asked.program), redis, asked.quick)
    runs = 1 if asked.quick else asked.runs
    stop_at = time.monotonic() + (200 if asked.quick else 13 * 60)
    try:
        if asked.uws:
            build_uws(os.path.abspath(asked.uws), folder)
        print(machine())
        for i in range(runs):
            if time.monotonic() > stop_at:
                print(f"\nended after {i} of {runs} rounds, for time", file=sys.stderr)
                break
            if asked.only:
                run_only(bench, asked.only.split(","))
                continue
            bench.round(i)
        show(bench)
        if asked.json:
            with open(asked.json, "w", encoding="ascii") as file:
                json.dump(bench.figures, file, indent=1)
    finally:
        redis.end()
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if bench.failures else 0


def run_only(bench, scenarios):
    for scenario in scenarios:
        if scenario in ("reports", "rest", "reactors", "attacks"):
            getattr(bench, scenario)()
        else:
            kinds = {"broadcast": [Jobcast, JobcastWebSocket, BareJoining], "spread": [*servers.CORE, JobcastRing]}
            for kind in kinds.get(scenario, servers.CORE):
                getattr(bench, scenario)(kind)


if __name__ == "__main__":
    sys.exit(main())
