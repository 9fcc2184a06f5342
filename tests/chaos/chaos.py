"""SIGKILL of worker, gateway and redis-server at every step of a scripted job, in any order: in the end there is one outcome, and
the history tells how it came to be, and the receiver of webhooks was told of it.

A run is one job. Its plan says what is killed before which of its steps; the plan comes from the seed and the run's number alone.
Several runs go on at a time, so that each also meets the kills of the others.
"""
import base64
import json
import pathlib
import random
import selectors
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "gateway"))

from harness import process  # noqa: E402
from harness.gateway import Gateway  # noqa: E402
from harness.http_client import Closed  # noqa: E402
from harness.redis_server import RedisServer  # noqa: E402
from harness.wait import until  # noqa: E402
from harness.webhooks import Receiver  # noqa: E402

import redis  # noqa: E402

FINAL = {"done", "failed", "cancelled"}
STEPS = ("create", "created", "taken", "at 30", "at 70", "side effect", "outcome", "reported")
VICTIMS = ("worker", "gateway", "redis")
# Leases are short so that a run is; written past the config, whose shortest lease is a second.
POLICY = {"lease_ms": 400, "grace_ms": 0, "on_stall": "retry", "max_attempts": 4, "dispatch": 1, "start_timeout_ms": 4000,
          "backoff_base_ms": 50}
RUN_SECONDS = 60
_WORKER = str(pathlib.Path(__file__).with_name("worker.py"))


def plan_of(seed, number):
    """{step: [victims in order]} of a run: one to three kills, at any steps."""
    source = random.Random(f"{seed}/{number}")
    plan = {}
    for _ in range(source.choice((1, 1, 2, 2, 3))):
        plan.setdefault(source.choice(STEPS), []).append(source.choice(VICTIMS))
    return plan


class World:
    """One redis-server and one gateway, which any run may kill."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.effects = self.folder / "effects"
        self.effects.mkdir(parents=True)
        self.redis = RedisServer(self.folder / "redis", "--appendfsync", "always")
        self.receiver = Receiver()
        hook = f'[notify.webhooks.chaos]\nurl = "{self.receiver.url}"\nsecrets = ["whsec_{base64.b64encode(bytes(32)).decode()}"]\n'
        self.gateway = Gateway(self.folder / "gateway", self.redis.url, toml=hook, SERVER_REACTORS="1", NOTIFY_GRACE="0s",
                               NOTIFY_ALLOW_INTERNAL="127.0.0.1", NOTIFY_SCHEDULE=",".join(["100ms"] * 20))
        self._one_at_a_time = threading.Lock()
        # A consumer that has acknowledged nothing: outcomes stay to be counted.
        self.redis.client().execute_command("XGROUP", "CREATE", "jobcast:finished", "chaos", "0", "MKSTREAM")
        self.kills = dict.fromkeys(VICTIMS, 0)

    def kill(self, victim):
        with self._one_at_a_time:
            self.kills[victim] += 1
            if victim == "redis":
                self.redis.kill()
                self.redis.start()
            elif victim == "gateway":
                self.gateway.kill()
                self.gateway.start(wait=False)

    def ask(self, *command):
        """Answers what Redis says, however often it has to be asked."""
        def answer():
            try:
                return (self.redis.client().execute_command(*command),)
            except (redis.exceptions.ConnectionError, redis.exceptions.BusyLoadingError):
                return None
            except AttributeError as error:  # redis-py 4.3 wants to name the host that a broken connection has not, being a socket
                if "no attribute 'host'" not in str(error):
                    raise
                return None
        return until(answer, f"Redis to answer {command[0]}", RUN_SECONDS)[0]

    def close(self):
        self.gateway.check_end()
        self.redis.kill()
        self.receiver.close()


class Lane:
    """Runs jobs one after the other, each with a worker of its own type, which is started again when it was killed."""

    def __init__(self, world, number):
        self.world = world
        self.kind = f"chaos-{number}"
        self.worker = None
        self.workers = 0
        world.ask("HSET", f"jobcast:policy:{self.kind}", *(word for pair in POLICY.items() for word in pair))

    def start_worker(self):
        self.workers += 1
        with open(self.world.folder / f"{self.kind}.log", "ab") as log:
            self.worker = subprocess.Popen(
                [sys.executable, "-S", "-E", _WORKER, self.world.redis.socket_path, self.kind, f"worker-{self.workers}", str(self.world.effects)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, bufsize=0, preexec_fn=process.end_with_parent)
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.worker.stdout, selectors.EVENT_READ)

    def kill_worker(self):
        self.world.kills["worker"] += 1
        self.close()

    def close(self):
        if self.worker:
            process.kill(self.worker)
            self.worker.stdin.close()
            self.worker.stdout.close()
            self.selector.close()
            self.worker = None

    def kill_what_is_due(self, plan, step):
        """Answers whether the worker lives on."""
        for victim in plan.pop(step, ()):
            if victim != "worker":
                self.world.kill(victim)
            elif self.worker:
                self.kill_worker()
        return self.worker is not None

    def create(self, key):
        """Through the gateway, again and again until it answers: the key makes one job of it."""
        headers = {"Idempotency-Key": key}
        body = {"type": self.kind, "owner": "chaos", "input": {"key": key}}

        def created():
            try:
                response = self.world.gateway.post("/api/jobs", body, headers)
            except (OSError, Closed):
                return None
            assert response.status in (202, 503), response
            return response.json()["id"] if response.status == 202 else None
        return until(created, "the job to be created", RUN_SECONDS)

    def run(self, seed, number):
        """One run; raises AssertionError with the plan and the history."""
        plan = plan_of(seed, number)
        told = f"seed {seed}, run {number}, plan {plan}"
        if not self.worker:
            self.start_worker()
        self.kill_what_is_due(plan, "create")
        job = self.create(f"{seed}-{number}")
        self.kill_what_is_due(plan, "created")
        try:
            self.see_to_its_end(job, plan)
            check(self.world, job, self.kind)
        except Exception as problem:
            raise AssertionError(f"{told}: job {job}: {problem}\n{story(self.world, job)}") from problem

    def see_to_its_end(self, job, plan):
        end = time.monotonic() + RUN_SECONDS
        while True:
            assert time.monotonic() < end, "the job never ended"
            if not self.worker:
                self.start_worker()
            step = self.next_step()
            if step is None:  # the worker waits for a job: has this one ended without it?
                if status_of(self.world, job) in FINAL:
                    return
            elif step == "free":
                if status_of(self.world, job) in FINAL:
                    return
            elif self.kill_what_is_due(plan, step):
                self.worker.stdin.write(b"\n")

    def next_step(self):
        if not self.selector.select(0.1):
            return None
        line = self.worker.stdout.readline().decode().strip()
        assert line, f"the worker ended by itself, see {self.world.folder}"
        assert line != "twice", "an attempt did its side effect twice"
        return line


def status_of(world, job):
    status = world.ask("HGET", f"jobcast:job:{job}", "status")
    return status.decode() if status else None


def history_of(world, job):
    entries = world.ask("XRANGE", f"jobcast:log:{job}", "-", "+")
    return [{k.decode(): v.decode() for k, v in zip(fields[::2], fields[1::2])} if isinstance(fields, list) else
            {k.decode(): v.decode() for k, v in fields.items()} for _, fields in entries]


def story(world, job):
    return "\n".join(f"  {e['version']:>3} {e['status']} attempt {e['attempt']} by {e['by']} {e.get('what', '')}" for e in history_of(world, job))


def outcomes_of(world, job):
    """What consumers of `ns:finished`, such as notifications, were told of the job."""
    return [fields for _, fields in world.ask("XRANGE", "jobcast:finished", "-", "+") if fields[b"id"].decode() == job]


def check(world, job, kind):
    """One outcome, a history that tells it, and nothing left behind."""
    record = json.loads(world.ask("HGET", f"jobcast:job:{job}", "doc"))
    history = history_of(world, job)
    finals = [e for e in history if e["status"] in FINAL]
    assert len(finals) == 1 and history[-1] == finals[0], "one outcome, and nothing after it"
    assert (finals[0]["status"], int(finals[0]["attempt"])) == (record["status"], record["attempt"])
    outcomes = outcomes_of(world, job)
    assert len(outcomes) == 1 and outcomes[0][b"status"].decode() == record["status"], "it is told once"

    versions = [int(e["version"]) for e in history]
    attempts = [int(e["attempt"]) for e in history]
    assert versions == sorted(set(versions)) and attempts == sorted(attempts)
    assert history[0]["status"] == "pending" and history[0]["by"] == "publisher"
    for before, after in zip(history, history[1:]):
        if int(after["attempt"]) > int(before["attempt"]):
            assert after["by"] == "supervisor" and before.get("what") == "stalled", "only silence costs an attempt here"
    if record["status"] == "done":
        effect = world.effects / f"{job}.{record['result']['attempt']}"
        assert effect.exists() and record["result"]["attempt"] == record["attempt"]
    else:
        assert record["status"] == "failed" and record["error"]["code"] in ("stalled", "not_started") and record["error"]["title"]
    assert world.ask("ZSCORE", "jobcast:deadlines", job) is None
    assert not [fields for _, fields in world.ask("XRANGE", f"jobcast:work:{kind}", "-", "+") if fields[b"id"].decode() == job]
    late = world.ask("FCALL", "jobcast_report", 1, "jobcast", job, "status", "processing", "attempt", 1)
    assert late[0].startswith(b"ignored:"), "a zombie is refused"
    assert world.ask("HGET", f"jobcast:job:{job}", "v") == str(record["version"]).encode()


def check_told(receiver, outcomes):
    """Every outcome was told, and nothing else. Answers how many webhooks came: more than one of an outcome only where the
    receiver's answer was lost with the gateway or with Redis."""
    def heard():
        return [(r["id"], str(r["attempt"]), r["status"]) for r in (received.record for received in list(receiver.requests))]
    until(lambda: set(heard()) >= set(outcomes), "a webhook of each outcome", RUN_SECONDS, every=0.2)
    assert set(heard()) == set(outcomes)
    return len(heard())


def run_many(folder, seed, first, runs, lanes=8, tell=lambda done: None):
    """Answers (kills by victim, outcomes by status, how many webhooks told them); raises the first problem."""
    world = World(folder)
    numbers = iter(range(first, first + runs))
    lock, problems, done = threading.Lock(), [], 0
    # What a thread started dies with it (the parent-death signal is the thread's), so all stay until the end.
    idle, over = threading.Semaphore(0), threading.Event()

    def drive(number):
        nonlocal done
        lane = Lane(world, number)
        try:
            while not problems:
                with lock:
                    run = next(numbers, None)
                if run is None:
                    return
                lane.run(seed, run)
                with lock:
                    done += 1
                    tell(done)
        except Exception as problem:
            problems.append(problem)
        finally:
            lane.close()
            idle.release()
            over.wait()
    threads = [threading.Thread(target=drive, args=(n,)) for n in range(lanes)]
    for thread in threads:
        thread.start()
    for _ in threads:
        idle.acquire()
    try:
        if problems:
            raise problems[0]
        outcomes = [tuple(fields[name].decode() for name in (b"id", b"attempt", b"status"))
                    for _, fields in world.ask("XRANGE", "jobcast:finished", "-", "+")]
        assert len(outcomes) == runs, f"{len(outcomes)} outcomes of {runs} jobs"
        told = check_told(world.receiver, outcomes)
    finally:
        world.close()
        over.set()
        for thread in threads:
            thread.join()
    statuses = [status for _, _, status in outcomes]
    return world.kills, {status: statuses.count(status) for status in set(statuses)}, told
