"""Jobs that hang, are tried again, belong to a batch, or end when nobody looks: as their watchers see it."""
import json
import threading
import time

import pytest

from harness.wait import PATIENCE, until

TYPES = """
[jobs.types.flagged]
lease = "1s"
[jobs.types.failing]
lease = "1s"
grace = "0s"
on_stall = "fail"
[jobs.types.trying]
lease = "1s"
grace = "0s"
on_stall = "retry"
max_attempts = 2
backoff = { base = "0s", cap = "0s" }
dispatch = true
[jobs.types.waiting]
start_timeout = "1s"
[jobs.types.letter]
user_retry = true
[jobs.types.again]
max_attempts = 3
backoff = { base = "100ms", factor = 1.0, cap = "100ms" }
"""
SHOWN_WITHIN = 2  # seconds after the deadline, as promised; a lease is 1 s


@pytest.fixture(scope="module")
def gateway_config():
    return {"toml": TYPES}


def held_poll(gateway, job, into):
    """Asks until the record says that the job is stalled, and tells when."""
    tag = None
    while True:
        response = gateway.get(f"/api/jobs/{job}/status", {"Prefer": "wait=10", **({"If-None-Match": tag} if tag else {})})
        tag = response.header("ETag")
        if response.status == 200 and response.json()["stalled"]:
            into.append(time.monotonic())
            return


def test_a_silent_worker_is_shown_within_two_seconds_on_every_transport(gateway, worker, job):
    polled = []
    with gateway.watch(job) as stream, gateway.websocket() as ws:
        ws.watch(job)
        worker.report(job, type="flagged", status="processing", percent=10)
        begun = time.monotonic()
        poll = threading.Thread(target=held_poll, args=(gateway, job, polled), daemon=True)
        poll.start()
        assert stream.job(stalled=True).data["status"] == "processing"
        by_stream = time.monotonic()
        assert ws.job(job, stalled=True)["progress"]["percent"] == 10
        by_websocket = time.monotonic()
        poll.join(PATIENCE)
        assert max(by_stream, by_websocket, *polled) - begun < 1 + SHOWN_WITHIN
        worker.report(job, percent=20)
        assert stream.job(stalled=False).data["progress"]["percent"] == 20
        ws.job(job, stalled=False, status="processing")


def test_a_type_may_want_stalled_jobs_to_fail_with_what_to_do(gateway, worker, job):
    worker.report(job, type="failing", status="processing")
    with gateway.watch(job) as stream:
        failed = stream.job(status="failed").data
    assert failed["error"]["code"] == "stalled" and failed["error"]["title"] and failed["error"]["action"]
    assert gateway.report(job, status="done")["result"] == "ignored:final"


def test_a_type_may_want_stalled_jobs_to_be_tried_again_and_refuses_the_zombie(gateway, worker, redis_server, job):
    gateway.create(id=job, type="trying", input={"page": 7})
    worker.report(job, status="processing", attempt=1)
    with gateway.watch(job) as stream:
        stream.job(attempt=2)
    def redispatched():
        entries = redis_server.client().execute_command("XRANGE", "jobcast:work:trying", "-", "+")
        return [fields for _, fields in entries if fields[b"id"] == job.encode() and fields[b"attempt"] == b"2"]
    assert json.loads(until(redispatched, "the job on the work stream")[0][b"input"]) == {"page": 7}
    assert gateway.report(job, attempt=1, percent=99)["result"] == "ignored:stale_attempt"
    assert gateway.report(job, attempt=2, status="done")["result"] == "ok"


def test_a_job_that_nobody_starts_fails(gateway, job):
    gateway.create(id=job, type="waiting")
    with gateway.watch(job) as stream:
        assert stream.job(status="failed").data["error"]["code"] == "not_started"


def test_a_failure_that_may_pass_is_tried_again_and_each_attempt_is_told_of(gateway, worker, job):
    gateway.create(id=job, type="again")
    with gateway.watch(job) as stream:
        worker.report(job, status="processing", attempt=1)
        worker.report(job, status="failed", attempt=1, error__title="No answer", error__retryable="true")
        waiting = stream.job(status="retrying").data
        assert (waiting["attempt"], waiting["max_attempts"]) == (2, 3) and waiting["retry_at"]
        worker.report(job, status="processing", attempt=2)
        worker.report(job, status="done", attempt=2)
        stream.job(status="done")
    entries = gateway.get(f"/api/jobs/{job}/history").json()["entries"]
    failed = next(e for e in entries if e["status"] == "retrying")
    assert failed["error"]["title"] == "No answer" and failed["duration"] >= 0
    assert entries[-1]["status"] == "done" and entries[-1]["attempt"] == 2


def test_an_outcome_is_in_the_inbox_until_it_was_seen(gateway, worker, job):
    def inbox():
        return [r["id"] for r in gateway.get(f"/api/inbox?owner={job}").json()["jobs"]]
    worker.report(job, owner=job, status="processing")
    assert gateway.post(f"/api/jobs/{job}/seen").status == 409
    worker.report(job, status="failed", error__title="No paper")
    assert inbox() == [job]
    with gateway.stream(f"/api/events?owner={job}") as feed:
        assert not feed.job(job).data["seen"]
        assert gateway.post(f"/api/jobs/{job}/seen").json()["seen"]
        feed.job(job, seen=True)
    assert inbox() == []


def test_what_was_seen_of_an_attempt_is_not_taken_for_the_next(gateway, worker, job):
    for attempt in 1, 2:
        worker.report(job, status="failed", attempt=attempt, type="letter")
        if attempt == 1:
            worker.call("jobcast_create", job, "type", "letter")
            assert gateway.post(f"/api/jobs/{job}/retry").status == 202
    late = gateway.post(f"/api/jobs/{job}/seen?attempt=1")
    assert late.status == 409 and late.json()["field"] == "attempt" and not gateway.record(job)["seen"]
    with gateway.websocket() as ws:
        ws.say("seen", job=job, id=1, attempt=1)
        assert ws.find(lambda e: e.get("id") == 1)["problem"]["field"] == "attempt"
    assert gateway.post(f"/api/jobs/{job}/seen?attempt=2").json()["seen"]


@pytest.mark.parametrize("attempt", ["0", "-1", "one", "1.5", ""])
def test_a_wrong_attempt_is_refused_by_its_name(gateway, worker, job, attempt):
    worker.report(job, status="done")
    refused = gateway.post(f"/api/jobs/{job}/seen?attempt={attempt}")
    assert refused.status == 400 and refused.json()["field"] == "attempt"


def test_seen_is_said_over_websocket_too(gateway, worker, job):
    worker.report(job, status="done")
    with gateway.websocket() as ws:
        ws.say("seen", job=job, id=1, attempt=1)
        assert ws.find(lambda e: e.get("id") == 1)["event"] == "ack"
    assert gateway.record(job)["seen"]


def test_a_batch_is_watched_like_a_job(gateway, worker, new_job):
    jobs = [new_job() for _ in range(4)]
    for one in jobs:
        gateway.create(id=one, owner=jobs[0], group="May")
    batch = gateway.record(jobs[0])["group_id"]
    with gateway.watch(batch) as stream, gateway.websocket() as ws:
        ws.watch(batch)
        worker.report(jobs[0], status="done")
        worker.report(jobs[1], status="failed", error__title="Row 17 has no amount")
        half = stream.job(batch, progress={"percent": 50, "current": 2, "total": 4, "unit": "jobs"}).data
        assert half["failed"] == [{"id": jobs[1], "title": "Row 17 has no amount"}]
        for one in jobs[2:]:
            worker.report(one, status="done")
        assert stream.job(batch, status="failed").data["counts"]["done"] == 3
        assert ws.job(batch, status="failed")["counts"]["failed"] == 1
    assert gateway.record(batch)["progress"]["percent"] == 100


VANISHING = {"type": "flagged", "status": "processing", "percent": 10}


def test_watchers_of_a_record_that_vanished_are_told_by_its_deadline(gateway, worker, job):
    """Deleted by hand, or evicted: on every kind of stream."""
    worker.report(job, owner=job, **VANISHING)
    polled = []
    with gateway.watch(job) as one, gateway.watch(job, job + "-other") as several, gateway.websocket() as ws, \
            gateway.stream(f"/api/events?owner={job}") as owners, gateway.websocket() as owners_ws:
        for stream in (one, several, owners):
            stream.job(job)
        ws.watch(job)
        ws.job(job)
        owners_ws.say("watch", owner=job)
        owners_ws.job(job)
        tag = gateway.get(f"/api/jobs/{job}/status").header("ETag")
        poll = threading.Thread(target=lambda: polled.append(
            gateway.get(f"/api/jobs/{job}/status", {"Prefer": "wait=30", "If-None-Match": tag})))
        poll.start()
        until(lambda: gateway.metric("jobcast_long_polls") == 1, "the poll to be held")
        worker.redis.delete(f"jobcast:job:{job}")
        for stream in (one, several, owners):
            assert stream.find(lambda e: e.name == "missing" and e.data["id"] == job)
        for socket in (ws, owners_ws):
            assert socket.find(lambda e: e["event"] == "missing")["id"] == job
        poll.join(10)
        assert polled[0].status == 404
        assert worker.redis.zscore("jobcast:deadlines", job) is None
        # And it may come back, with a version that is lower.
        worker.report(job, owner=job, **VANISHING)
        for stream in (one, several, owners):
            assert stream.job(job).version == 1
        assert ws.job(job)["version"] == owners_ws.job(job)["version"] == 1


def until_let_go(worker):
    """Each reactor of the gateway has let go of outcomes that everyone has: it does so before each of its probes."""
    def probes():
        return worker.redis.info("commandstats")["cmdstat_publish"]["calls"]
    before = probes()
    until(lambda: probes() >= before + 4, "two probes of each reactor")


def test_a_job_made_anew_is_told_on_every_kind_of_stream(gateway, worker, job):
    """Whether it was deleted before or vanished, and however long its outcome was known."""
    for vanish in (lambda: gateway.delete(f"/api/jobs/{job}"), lambda: worker.redis.delete(f"jobcast:job:{job}")):
        for percent in (10, 20, 30):
            worker.report(job, owner=job, status="processing", percent=percent)
        worker.report(job, status="done")
        with gateway.watch(job, job + "-other") as several, gateway.stream(f"/api/events?owner={job}") as owners, \
                gateway.websocket() as ws:
            ws.say("watch", owner=job)
            assert several.job(job, status="done") and owners.job(job, status="done") and ws.job(job, status="done")
            until_let_go(worker)
            vanish()
            worker.report(job, owner=job, status="processing")
            for stream in (several, owners):
                told = stream.find(lambda e: e.data.get("id") == job)
                assert told.name in ("missing", "reset")
                assert stream.job(job).version == 1
            told = ws.find(lambda e: e["event"] in ("missing", "reset") or e.get("record", {}).get("id") == job)
            assert told["event"] in ("missing", "reset")
            assert ws.job(job)["version"] == 1
        gateway.delete(f"/api/jobs/{job}")


@pytest.mark.parametrize("policy, warned", [("allkeys-lru", True), ("volatile-ttl", True), ("noeviction", False)])
def test_a_redis_that_evicts_jobs_is_warned_of(start_redis, start_gateway, policy, warned):
    gateway = start_gateway(start_redis("--maxmemory-policy", policy))
    assert ("maxmemory-policy " + policy in gateway.log()) == warned
    assert ("noeviction" in gateway.log()) == warned


def test_a_gateway_that_may_not_ask_how_redis_evicts_is_silent(start_redis, start_gateway):
    redis_server = start_redis("--maxmemory-policy", "allkeys-lru")
    redis_server.client().execute_command("ACL", "SETUSER", "default", "-info", "-config")
    assert "maxmemory-policy" not in start_gateway(redis_server).log()
