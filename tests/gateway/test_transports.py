"""The same state whichever way it comes: each story is watched over SSE, WebSocket and long poll at once, and what the
three clients end up knowing is compared with the record itself."""
import threading

import pytest

from harness.redis_server import Worker
from harness.wait import PATIENCE, Deadline, until


class Sse:
    def __init__(self, gateway, jobs):
        self.stream = gateway.watch(*jobs)
        self.knows, self.missing = {}, set()

    def step(self):
        self.stream.glance(0.02)
        while self.stream.unread:
            event = self.stream.unread.pop(0)
            learn(self, event.name, event.data.get("id"), event.data if event.name == "job" else None)

    def close(self):
        self.stream.close()


class WebSocket:
    def __init__(self, gateway, jobs):
        self.ws = gateway.websocket()
        self.ws.watch(*jobs)
        self.knows, self.missing = {}, set()

    def step(self):
        self.ws.glance(0.02)
        while self.ws.unread:
            event = self.ws.unread.pop(0)
            record = event.get("record")
            learn(self, event["event"], record["id"] if record else event.get("id"), record)

    def close(self):
        self.ws.connection.close()


class LongPoll:
    """One poll per job, each begun anew with the tag of what the last one brought."""

    def __init__(self, gateway, jobs):
        self.gateway, self.tags = gateway, {job: None for job in jobs}
        self.knows, self.missing = {}, set()
        self.stopped = False
        self.failure = None
        self.threads = [threading.Thread(target=self.follow, args=[job], daemon=True) for job in jobs]
        for thread in self.threads:
            thread.start()

    def follow(self, job):
        try:
            while not self.stopped:
                tag = self.tags[job]
                headers = {"Prefer": "wait=1", **({"If-None-Match": tag} if tag else {})}
                response = self.gateway.get(f"/api/jobs/{job}/status", headers)
                if response.status == 200:
                    self.tags[job] = response.header("ETag")
                    learn(self, "job", job, response.json())
                elif response.status == 404:
                    learn(self, "missing", job, None)
                else:
                    assert response.status == 304, response
        except Exception as failure:  # told by step(), in the test's own thread
            if not self.stopped:
                self.failure = failure

    def step(self):
        assert not self.failure, self.failure

    def close(self):
        self.stopped = True
        for thread in self.threads:
            thread.join(PATIENCE)


def learn(client, event, job, record):
    """Protocol section 4: the first record and anything after `reset` is taken, else only higher versions."""
    if event == "job":
        client.missing.discard(job)
        if record["version"] > client.knows.get(job, {}).get("version", 0):
            client.knows[job] = record
    elif event in ("missing", "reset"):
        client.knows.pop(job, None)
        if event == "missing":
            client.missing.add(job)


@pytest.fixture
def clients(gateway):
    opened = []

    def watch(*jobs):
        opened.extend(kind(gateway, jobs) for kind in (Sse, WebSocket, LongPoll))
        return opened
    yield watch
    for client in opened:
        client.close()


def all_come_to_know(clients, wanted, missing=()):
    """Waits until each client knows exactly these records, and these jobs to be missing."""
    deadline = Deadline()
    while True:
        for client in clients:
            client.step()
        states = {type(c).__name__: (dict(c.knows), set(c.missing)) for c in clients}
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


def record_after_an_outage(gateway, job):
    """Each reactor reconnects in its own time, so the first answers may still be refusals."""
    response = until(lambda: (r := gateway.get(f"/api/jobs/{job}/status")).status == 200 and r, "the record")
    return response.json()


@pytest.fixture
def apart(start_redis, start_gateway):
    """A gateway and a Redis that a test may kill, and the clients that outlive that."""
    redis = start_redis()
    gateway = start_gateway(redis)
    opened = []

    def watch(job):
        opened.extend(kind(gateway, [job]) for kind in (Sse, WebSocket))
        return opened
    yield redis, gateway, watch
    for client in opened:
        client.close()


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
