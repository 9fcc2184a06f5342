"""Redis goes away and comes back: no stream is dropped, each ends with the newest record, REST says when to come again."""
import os

import pytest

from harness.gateway import refuses
from harness.problems import assert_problem
from harness.redis_server import Worker
from harness.sse import pump_all
from harness.wait import until

STREAMS = 1000


@pytest.fixture
def redis(start_redis):
    return start_redis()


@pytest.fixture
def gateway(start_gateway, redis):
    return start_gateway(redis, LIMITS_HEARTBEAT="1s")


@pytest.fixture
def worker(redis):
    return Worker(redis)


def states(stream):
    return [e.data["state"] for e in stream.seen if e.name == "gateway"]


def newest(stream):
    return next((e for e in reversed(stream.seen) if e.name == "job"), None)


def apply_client_rule(events):
    """The record a client ends with: the first of the connection, anything after `reset`, else only higher versions."""
    record, accept = None, True
    for event in events:
        if event.name == "reset":
            accept = True
        elif event.name == "job" and (accept or event.version > record["version"]):
            record, accept = event.data, False
    return record


def test_a_thousand_streams_outlive_a_restart_of_redis(redis, gateway, worker):
    jobs = [f"job-{n}" for n in range(100)]
    for job in jobs:
        worker.report(job, status="processing", owner="zoe")
    streams = [gateway.watch(jobs[n % 100], wait_for_head=False) for n in range(STREAMS - 20)]
    streams += [gateway.watch(*jobs[n:n + 50], wait_for_head=False) for n in range(10)]
    streams += [gateway.stream("/api/events?owner=zoe", wait_for_head=False) for _ in range(10)]
    for stream in streams:
        stream.read_head()
        assert stream.status == 200
    pump_all(streams, newest, "a snapshot")

    redis.kill()
    pump_all(streams, lambda s: states(s)[-1:] == ["degraded"], "`gateway` degraded")
    redis.start()
    # At once, so that some of these reports are made before the gateway is back.
    for job in jobs:
        worker.report(job, message="made during the outage")
    pump_all(streams, lambda s: states(s)[-1:] == ["ok"], "`gateway` ok")
    for job in jobs:
        worker.report(job, status="done")
    watched = {id(s): 1 for s in streams[:-20]} | {id(s): 50 for s in streams[-20:-10]} | {id(s): 100 for s in streams[-10:]}

    def over(stream):
        done = {e.data["id"] for e in stream.seen if e.name == "job" and e.data["status"] == "done"}
        return len(done) == watched[id(stream)]
    pump_all(streams, over, "the outcome of each of its jobs")

    for stream in streams:
        versions = {}
        for event in stream.seen:
            assert event.name in ("job", "gateway", "end"), event
            if event.name == "job":
                assert event.version > versions.get(event.data["id"], 0), event
                versions[event.data["id"]] = event.version
        assert set(versions.values()) == {3}
        # A stream of one job ends with it, and nothing else was closed.
        assert not stream.closed or len(versions) == 1
        stream.close()


def test_rest_says_when_to_come_again_while_redis_is_away(redis, gateway, worker):
    worker.report("job", status="processing")
    tag = gateway.get("/api/jobs/job/status").header("ETag")
    redis.kill()
    for method, target, body in [
            ("GET", "/api/jobs/job/status", None), ("GET", "/api/jobs/job/history", None), ("GET", "/api/jobs?ids=job", None),
            ("GET", "/api/jobs?owner=zoe", None), ("POST", "/api/jobs", {}), ("POST", "/api/jobs/job/report", {"percent": 1}),
            ("POST", "/api/jobs/job/cancel", {}), ("POST", "/api/jobs/job/retry", {}), ("DELETE", "/api/jobs/job", None)]:
        response = gateway.request(method, target, body, {"If-None-Match": tag, "Prefer": "wait=30"})
        assert_problem(response, 503)
        assert 1 <= int(response.header("Retry-After")) <= 60, (method, target)
    batch = gateway.request("POST", "/api/reports", b'{"id":"job","percent":1}\n{"id":"no good"}')
    assert batch.status in (200, 503)
    assert gateway.get("/healthz").status == 200
    response = until(lambda: (r := gateway.get("/readyz")).status != 200 and r, "the gateway not to be ready")
    assert_problem(response, 503)
    redis.start()
    gateway.wait_ready()
    assert gateway.record("job")["version"] == 1


def test_a_stream_opened_while_redis_is_away_is_kept_and_filled_later(redis, gateway, worker):
    worker.report("job", status="processing")
    redis.kill()
    until(lambda: gateway.get("/api/jobs/job/status").status == 503, "the gateway to notice")
    targets = ["/api/jobs/job/events", "/api/events?job=job", "/api/events?owner=zoe"]
    streams = [gateway.stream(target) for target in targets]
    for stream in streams:
        assert stream.status == 200
        assert stream.header("Content-Type").startswith("text/event-stream")
        assert stream.expect("gateway").data == {"state": "degraded"}
        assert stream.raw.startswith(b"retry: ")
    redis.start()
    worker.report("job", percent=50, owner="zoe")
    for stream in streams:
        if not stream.closed:
            assert stream.job("job", version=2)
            pump_all([stream], lambda s: "ok" in states(s), "`gateway` ok")
        stream.close()


def test_a_reconnect_with_the_outcome_is_not_stopped_by_an_outage(redis, gateway, worker):
    worker.report("job", status="done")
    with gateway.watch("job") as stream:
        last = stream.expect("job").id
    redis.kill()
    until(lambda: gateway.get("/api/jobs/job/status").status == 503, "the gateway to notice")
    with gateway.watch("job", headers={"Last-Event-ID": last}) as stream:
        # 4xx and 5xx would stop an EventSource for good, 204 would be a guess.
        assert stream.status == 200


def test_a_long_poll_outlives_an_outage_or_says_when_to_come_again(redis, gateway, worker):
    worker.report("job", status="processing")
    tag = gateway.get("/api/jobs/job/status").header("ETag")
    with gateway.connect() as connection:
        connection.send(b"GET /api/jobs/job/status HTTP/1.1\r\nHost: x\r\nPrefer: wait=30\r\nIf-None-Match: %s\r\n\r\n"
                        % tag.encode())
        until(lambda: b"jobcast_long_polls 1" in gateway.get("/metrics").body, "the poll to be held")
        redis.kill()
        until(lambda: gateway.get("/api/jobs/job/status").status == 503, "the gateway to notice")
        redis.start()
        worker.report("job", percent=50)
        response = connection.response()
        assert response.status in (200, 503)
        assert response.status == 503 or response.json()["version"] == 2


def test_versions_that_fell_back_are_announced_by_reset(redis, gateway, worker):
    worker.report("job", status="processing", owner="zoe")
    worker.report("job", message="seen by the replica")
    redis.save_state("replica")
    for n in range(5):
        worker.report("job", message=f"not seen by the replica {n}")
    streams = [gateway.watch("job"), gateway.watch("job", "other"), gateway.stream("/api/events?owner=zoe")]
    for stream in streams:
        stream.job("job", version=7)
    redis.kill()
    redis.restore_state("replica")
    redis.start()
    for stream in streams:
        record = stream.job("job", version=2)
        assert record.data["progress"]["message"] == "seen by the replica"
        assert stream.seen[stream.seen.index(record) - 1].name == "reset"
    worker.report("job", message="after")
    for stream in streams:
        stream.job("job", version=3)
        assert apply_client_rule(e for e in stream.seen if e.data.get("id") in ("job", None))["version"] == 3
        stream.close()


def test_a_redis_that_lost_everything_makes_jobs_missing_and_is_filled_again(redis, gateway, worker):
    worker.report("job", status="processing")
    worker.report("job", message="soon lost")
    os.mkdir(os.path.join(redis.folder, "empty"))
    with gateway.watch("job") as stream:
        stream.job(version=2)
        redis.kill()
        redis.restore_state("empty")
        redis.start()
        stream.find(lambda e: e.name == "missing")
        # The function library was lost too; the gateway brings it back.
        until(lambda: gateway.post("/api/jobs/job/report", {"status": "processing"}).status == 200, "a report to be taken")
        stream.job(version=1)
        assert apply_client_rule(stream.seen)["version"] == 1


def test_a_flush_is_noticed_with_the_next_report(redis, gateway, worker):
    worker.report("job", status="processing")
    worker.report("job", percent=10)
    with gateway.watch("job") as stream:
        stream.job(version=2)
        redis.client().flushall()
        worker.report("job", status="processing", message="new life")
        stream.job(version=1)
        assert apply_client_rule(stream.seen)["progress"]["message"] == "new life"


def test_a_library_that_was_removed_is_brought_back(redis, gateway, worker):
    worker.report("job", status="processing")
    worker.redis.execute_command("FUNCTION", "FLUSH")
    until(lambda: gateway.post("/api/jobs/job/report", {"percent": 5}).status == 200, "the functions to be back")
    assert gateway.record("job")["version"] == 2


def test_a_gateway_waits_for_a_redis_that_is_not_there_yet(redis, start_gateway):
    redis.kill()
    gateway = start_gateway(redis, wait=False)
    until(lambda: not refuses(gateway), "the gateway to listen")
    assert gateway.get("/healthz").status == 200
    assert_problem(gateway.get("/readyz"), 503)
    redis.start()
    gateway.wait_ready()
