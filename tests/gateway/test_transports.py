"""The same state whichever way it comes: each story is watched over SSE, WebSocket and long poll at once, and what the
three clients end up knowing is compared with the record itself."""
import threading

import pytest

from harness.http_client import Closed
from harness.redis_server import Worker
from harness.wait import PATIENCE, Deadline, until


class Client:
    """What a client knows: records by job, and which jobs it was told to be missing."""

    def __init__(self, gateway, jobs=(), owner=None):
        self.gateway, self.jobs, self.owner = gateway, jobs, owner
        self.knows, self.missing = {}, set()
        self.told = set()  # jobs of which this connection brought a record
        self.over = set()  # jobs of which nothing more will come
        self.open()

    def learn(self, event, job, record):
        """Protocol section 4: the first record and anything after `reset` is taken, else only higher versions."""
        if event == "job":
            self.missing.discard(job)
            if job not in self.told or record["version"] > self.knows[job]["version"]:
                self.knows[job] = record
            self.told.add(job)
        elif event in ("missing", "reset"):
            self.told.discard(job)
            if event == "missing":
                self.knows.pop(job, None)
                self.missing.add(job)
        elif event == "end":
            self.over.add(job)

    def reopen(self):
        """After the connection was lost. A gateway that is not there yet is tried again at the next step."""
        self.told.clear()
        try:
            self.open()
        except (ConnectionError, Closed):
            pass


class Sse(Client):
    last_id = None

    def open(self):
        last = {"Last-Event-ID": self.last_id} if self.last_id else {}
        if self.owner:
            self.stream = self.gateway.stream(f"/api/events?owner={self.owner}", last)
        else:
            self.stream = self.gateway.watch(*self.jobs, headers=last)

    def step(self):
        if self.stream.closed and not self.over:
            self.reopen()
        self.stream.glance(0.02)
        while self.stream.unread:
            event = self.stream.unread.pop(0)
            self.last_id = event.id or self.last_id
            self.learn(event.name, event.data.get("id"), event.data if event.name == "job" else None)

    def watch_again(self, _):
        """A stream of one job ended with it."""
        self.over.clear()
        self.stream.close()
        self.last_id = None
        self.open()

    def close(self):
        self.stream.close()


class WebSocket(Client):
    def open(self):
        self.ws = self.gateway.websocket()
        if self.owner:
            self.ws.say("watch", owner=self.owner)
        else:
            known = {job: record["version"] for job, record in self.knows.items()}
            self.ws.watch(*self.jobs, **({"versions": known} if known else {}))

    def step(self):
        if self.ws.closed:
            self.reopen()
            # Of what it knows to be current it is not told again.
            self.told.update(self.knows)
        self.ws.glance(0.02)
        while self.ws.unread:
            event = self.ws.unread.pop(0)
            record = event.get("record")
            self.learn(event["event"], record["id"] if record else event.get("id") or event.get("job"), record)

    def watch_again(self, job):
        self.over.discard(job)
        self.ws.watch(job)

    def close(self):
        self.ws.connection.close()


class Poll(Client):
    """Polls, each begun anew with the tag of what the last one brought. A refusal that says when to come back is heeded."""

    def open(self):
        self.stopped = threading.Event()
        self.failure = None
        targets = [f"/api/jobs/{job}/status" for job in self.jobs]
        if self.owner:
            targets = [f"/api/jobs?owner={self.owner}"]
        self.threads = [threading.Thread(target=self.follow, args=[target], daemon=True) for target in targets]
        for thread in self.threads:
            thread.start()

    def follow(self, target):
        tag = None
        while not self.stopped.is_set() and not self.failure:
            try:
                headers = {"Prefer": "wait=1", **({"If-None-Match": tag} if tag else {})}
                response = self.gateway.get(target, headers)
                tag = response.header("ETag") or tag
                self.stopped.wait(self.take(target, response))
            except (ConnectionError, Closed):
                self.stopped.wait(0.05)  # no gateway listens
            except Exception as failure:  # told by step(), in the test's own thread
                self.failure = failure

    def take(self, target, response):
        """Learns from an answer, and says how long to wait before the next question."""
        if response.status == 503:
            return int(response.header("Retry-After"))
        if response.status == 304:
            return 0.01
        assert response.status == 200 or (response.status == 404 and not self.owner), response
        if self.owner:
            self.knows = {record["id"]: record for record in response.json()["jobs"]}
        elif response.status == 404:
            job = target.split("/")[3]
            self.learn("missing", job, None)
        else:
            # Each answer is the truth of its time, whatever the version.
            record = response.json()
            self.learn("reset", record["id"], None)
            self.learn("job", record["id"], record)
        return 0.01

    def step(self):
        assert not self.failure, self.failure

    def watch_again(self, _):
        """It never stopped."""

    def close(self):
        self.stopped.set()
        for thread in self.threads:
            thread.join(PATIENCE)


TRANSPORTS = (Sse, WebSocket, Poll)


@pytest.fixture
def opened():
    clients = []
    yield clients
    for client in clients:
        client.close()


@pytest.fixture
def clients(gateway, opened):
    def watch(*jobs, owner=None):
        opened.extend(kind(gateway, jobs, owner) for kind in TRANSPORTS)
        return opened
    return watch


def all_come_to_know(clients, wanted, missing=()):
    """Waits until each client knows exactly these records, and these jobs to be missing."""
    deadline = Deadline()
    while True:
        for client in clients:
            client.step()
        # Which of an owner's jobs are gone a list does not say.
        states = {type(c).__name__: (dict(c.knows), set() if c.owner else set(c.missing)) for c in clients}
        if all(state == (wanted, set(missing)) for state in states.values()):
            return
        assert not deadline.over(), f"wanted {wanted} {missing}, got {states}"


def test_a_job_from_its_first_report_to_its_outcome(gateway, worker, clients, job):
    worker.report(job, status="processing", percent=0)
    watching = clients(job)
    all_come_to_know(watching, {job: gateway.record(job)})
    for percent in (10, 35, 99):
        worker.report(job, percent=percent)
        all_come_to_know(watching, {job: gateway.record(job)})
    worker.report(job, status="done")
    all_come_to_know(watching, {job: gateway.record(job)})
    assert all(client.knows[job]["status"] == "done" for client in watching)


def test_a_job_that_is_not_there_yet(gateway, clients, job):
    watching = clients(job)
    all_come_to_know(watching, {}, missing=[job])
    gateway.create(id=job)
    all_come_to_know(watching, {job: gateway.record(job)})


def test_a_job_that_was_over_before_anyone_looked(gateway, worker, clients, job):
    worker.report(job, status="failed", error__title="Disk full")
    all_come_to_know(clients(job), {job: gateway.record(job)})


def test_a_cancellation(gateway, worker, clients, job):
    worker.report(job, status="processing")
    watching = clients(job)
    all_come_to_know(watching, {job: gateway.record(job)})
    gateway.post(f"/api/jobs/{job}/cancel")
    all_come_to_know(watching, {job: gateway.record(job)})
    assert all(client.knows[job]["cancel_requested"] for client in watching)
    worker.report(job, status="cancelled")
    all_come_to_know(watching, {job: gateway.record(job)})


def test_a_burst_of_reports_is_conflated_to_the_same_end(gateway, worker, clients, job):
    worker.report(job, status="processing")
    watching = clients(job)
    for n in range(500):
        worker.report(job, percent=n % 100, message=f"Step {n}")
    worker.report(job, status="done", message="Über alle Berge: “done” \\ \n")
    all_come_to_know(watching, {job: gateway.record(job)})


def test_several_jobs_of_which_one_is_missing(gateway, worker, clients, new_job):
    here, late, never = new_job(), new_job(), new_job()
    worker.report(here, status="processing")
    watching = clients(here, late, never)
    all_come_to_know(watching, {here: gateway.record(here)}, missing=[late, never])
    worker.report(late, status="processing")
    worker.report(here, status="done")
    all_come_to_know(watching, {job: gateway.record(job) for job in (here, late)}, missing=[never])


def test_a_job_that_is_deleted_and_made_anew_with_a_lower_version(gateway, worker, clients, job):
    worker.report(job, status="processing")
    for percent in (10, 20, 30):
        worker.report(job, percent=percent)
    watching = clients(job)
    all_come_to_know(watching, {job: gateway.record(job)})
    gateway.delete(f"/api/jobs/{job}")
    all_come_to_know(watching, {}, missing=[job])
    gateway.create(id=job)
    all_come_to_know(watching, {job: gateway.record(job)})
    assert gateway.record(job)["version"] == 1


def test_a_job_that_is_made_anew_before_anyone_noticed(gateway, worker, clients, job):
    for percent in (10, 20, 30):
        worker.report(job, status="processing", percent=percent)
    watching = clients(job)
    all_come_to_know(watching, {job: gateway.record(job)})
    pipe = worker.redis.pipeline(transaction=False)
    pipe.execute_command("FCALL", "jobcast_delete", 1, "jobcast", job)
    pipe.execute_command("FCALL", "jobcast_report", 1, "jobcast", job, "status", "processing", "percent", 1)
    pipe.execute()
    all_come_to_know(watching, {job: gateway.record(job)})
    assert all(client.knows[job]["version"] == 1 for client in watching)


def test_a_failed_job_that_is_retried(gateway, worker, clients, job):
    gateway.create(id=job, type="export")
    worker.report(job, status="processing", percent=80)
    watching = clients(job)
    worker.report(job, status="failed", error__title="Disk full")
    all_come_to_know(watching, {job: gateway.record(job)})
    assert all(client.over == {job} for client in watching if isinstance(client, WebSocket))
    assert gateway.post(f"/api/jobs/{job}/retry").status == 202
    for client in watching:
        client.watch_again(job)
    all_come_to_know(watching, {job: gateway.record(job)})
    assert all(client.knows[job]["status"] == "pending" and client.knows[job]["attempt"] == 2 for client in watching)
    worker.report(job, status="processing", attempt=2)
    worker.report(job, status="done", attempt=2)
    all_come_to_know(watching, {job: gateway.record(job)})


def test_all_jobs_of_an_owner_now_and_to_come(gateway, worker, clients, new_job):
    owner, first, second, third = (new_job() for _ in range(4))
    gateway.create(id=first, type="export", owner=owner)
    worker.report(first, status="processing")
    watching = clients(owner=owner)
    all_come_to_know(watching, {first: gateway.record(first)})
    for job in (second, third):
        worker.report(job, status="processing", owner=owner)
    worker.report(first, status="failed", error__title="Disk full")
    all_come_to_know(watching, {job: gateway.record(job) for job in (first, second, third)})
    gateway.post(f"/api/jobs/{first}/retry")  # a feed does not end with its jobs
    worker.report(second, status="done")
    gateway.delete(f"/api/jobs/{third}")
    all_come_to_know(watching, {job: gateway.record(job) for job in (first, second)})


def record_after_an_outage(gateway, job):
    """Each reactor reconnects in its own time, so the first answers may still be refusals."""
    response = until(lambda: (r := gateway.get(f"/api/jobs/{job}/status")).status == 200 and r, "the record")
    return response.json()


@pytest.fixture
def apart(start_redis, start_gateway, opened):
    """A gateway and a Redis that a test may kill, and the clients that outlive that."""
    redis = start_redis()
    gateway = start_gateway(redis)

    def watch(*jobs, owner=None):
        opened.extend(kind(gateway, jobs, owner) for kind in TRANSPORTS)
        return opened
    return redis, gateway, watch


def test_a_gateway_that_loses_redis_for_a_while(apart, job):
    redis, gateway, watch = apart
    Worker(redis).report(job, status="processing", percent=1)
    watching = watch(job)
    all_come_to_know(watching, {job: gateway.record(job)})
    redis.kill()
    redis.start()
    Worker(redis).report(job, status="done")
    all_come_to_know(watching, {job: record_after_an_outage(gateway, job)})


def test_a_job_whose_record_goes_back_in_time(apart, job):
    redis, gateway, watch = apart
    Worker(redis).report(job, status="processing", percent=1)
    redis.kill()
    redis.save_state("earlier")
    redis.start()
    for percent in (2, 3, 4):
        Worker(redis).report(job, percent=percent)
    record_after_an_outage(gateway, job)
    watching = watch(job)
    all_come_to_know(watching, {job: record_after_an_outage(gateway, job)})
    redis.kill()
    redis.restore_state("earlier")
    redis.start()
    all_come_to_know(watching, {job: record_after_an_outage(gateway, job)})
    assert all(client.knows[job]["progress"]["percent"] == 1 for client in watching)


@pytest.mark.parametrize("end", ["killed", "drained"])
def test_a_gateway_that_is_restarted_under_its_clients(apart, new_job, end):
    redis, gateway, watch = apart
    one, other, owner = new_job(), new_job(), new_job()
    worker = Worker(redis)
    for job in (one, other):
        worker.report(job, status="processing", owner=owner)
    watching = watch(one, other)
    all_come_to_know(watching, {job: gateway.record(job) for job in (one, other)})
    gateway.kill() if end == "killed" else gateway.stop()
    worker.report(one, percent=50)
    gateway.start()
    all_come_to_know(watching, {job: gateway.record(job) for job in (one, other)})
    worker.report(other, status="done")
    all_come_to_know(watching, {job: gateway.record(job) for job in (one, other)})


def test_a_gateway_that_is_restarted_under_the_watchers_of_an_owner(apart, new_job):
    redis, gateway, watch = apart
    one, other, owner = new_job(), new_job(), new_job()
    worker = Worker(redis)
    worker.report(one, status="processing", owner=owner)
    watching = watch(owner=owner)
    all_come_to_know(watching, {one: gateway.record(one)})
    gateway.kill()
    worker.report(one, status="done")
    worker.report(other, status="processing", owner=owner)
    gateway.start()
    all_come_to_know(watching, {job: gateway.record(job) for job in (one, other)})
