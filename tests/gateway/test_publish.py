"""Reports by PUBLISH: applied by one gateway at a time, and taken over when that one dies."""
import json
import time

import pytest

from harness.redis_server import Worker
from harness.wait import until


@pytest.fixture(scope="module")
def gateway(gateway, worker):
    """Ready, and holding the lease to apply published reports."""
    until(lambda: worker.publish("probe", '{"status":"processing"}') > 0, "the gateway to listen for published reports")
    return gateway


def test_a_published_report_is_applied_and_watched(gateway, worker, job):
    with gateway.watch(job) as stream:
        stream.expect("missing")
        assert worker.publish(job, '{"status":"processing","percent":42}') == 1
        record = stream.expect("job").data
        assert (record["status"], record["progress"]["percent"], record["version"]) == ("processing", 42, 1)


def test_published_reports_of_a_job_are_applied_in_order(gateway, worker, job):
    with gateway.stream(f"/api/jobs/{job}/events?every=true") as stream:
        stream.expect("missing")
        for n in range(1, 101):
            worker.publish(job, json.dumps({"status": "processing", "percent": n}))
        worker.publish(job, '{"status":"done","result":{"rows":[]}}')
        events = stream.wait_closed()
        assert [e.data["progress"]["percent"] for e in events if e.name == "job"] == list(range(1, 101)) + [100]
        assert b'"result":{"rows":[]}' in stream.raw


@pytest.mark.parametrize("payload", [
    b"", b"{", b"nonsense", b"[]", b"null", b"{}x", b'{"status":"finished"}', b'{"stauts":"done"}',
    b'{"status":"done","result":"a\nb"}', b"\x00\xff\xfe", b'{"percent":1}{"percent":2}', b"[" * 100_000])
def test_what_is_no_report_harms_nothing(gateway, worker, job, payload):
    refused = gateway.metric("jobcast_published_reports_refused_total")
    with gateway.watch(job) as stream:
        stream.expect("missing")
        worker.publish(job, payload)
        until(lambda: gateway.metric("jobcast_published_reports_refused_total") == refused + 1, "the refusal to be counted")
        worker.publish(job, '{"status":"processing"}')
        assert stream.expect("job").version == 1


@pytest.mark.parametrize("channel", ["", "no good", "a" * 129, "ü", "x\r\ny"])
def test_a_channel_that_names_no_job_harms_nothing(gateway, worker, job, channel):
    worker.publish(channel, '{"status":"processing"}')
    with gateway.watch(job) as stream:
        stream.expect("missing")
        worker.publish(job, '{"status":"processing"}')
        assert stream.expect("job").version == 1


def test_a_report_is_applied_once_though_two_gateways_listen(gateway, redis_server, start_gateway, worker, job):
    other = start_gateway(redis_server)
    for n in range(1, 51):
        worker.publish(job, json.dumps({"message": f"Page {n}"}))
    until(lambda: other.record(job)["progress"].get("message") == "Page 50", "the last report to be applied")
    assert other.record(job)["version"] == 50


def test_another_gateway_takes_over_when_the_holder_is_killed(start_redis, start_gateway):
    redis = start_redis()
    holder = start_gateway(redis)
    worker = Worker(redis)
    until(lambda: worker.publish("first", '{"status":"processing"}') == 1, "the first gateway to take the lease")
    other = start_gateway(redis)
    with other.watch("job") as stream:
        stream.expect("missing")
        holder.kill()
        died = time.monotonic()

        def applied():
            worker.publish("job", '{"status":"processing"}')
            stream.glance()
            return stream.unread
        until(applied, "the second gateway to apply reports")
        # A lease of 3 s, and a second for a busy machine.
        assert time.monotonic() - died < 4.0
        assert stream.expect("job").data["status"] == "processing"


def test_another_gateway_takes_over_at_once_when_the_holder_drains(start_redis, start_gateway):
    redis = start_redis()
    holder = start_gateway(redis)
    worker = Worker(redis)
    until(lambda: worker.publish("first", '{"status":"processing"}') == 1, "the first gateway to take the lease")
    other = start_gateway(redis)
    assert holder.stop() == 0
    ended = time.monotonic()
    until(lambda: worker.publish("job", '{"status":"processing"}') == 1, "the second gateway to listen")
    assert time.monotonic() - ended < 2.0
    until(lambda: other.get("/api/jobs/job/status").status == 200, "the report to be applied")


def test_a_byte_order_mark_before_a_report_is_passed_over(gateway, worker, job):
    until(lambda: worker.publish(job, b'\xef\xbb\xbf{"status":"done"}'), "a gateway that takes in published reports")
    until(lambda: gateway.get(f"/api/jobs/{job}/status").status == 200 and gateway.record(job)["status"] == "done", "the report to be applied")


def test_a_flood_costs_neither_the_lease_nor_an_outcome_nor_other_answers(gateway, redis_server, worker, new_job):
    jobs = [new_job() for _ in range(20)]
    lost_before = gateway.log().count("no longer hold the lease")
    pipe = redis_server.client().pipeline(transaction=False)
    for n in range(30_000):
        pipe.publish(f"jobcast:report:{jobs[n % 20]}", json.dumps({"status": "processing", "percent": n % 100}))
    for job in jobs:
        pipe.publish(f"jobcast:report:{job}", '{"status":"done"}')
    pipe.execute()
    asked = time.monotonic()
    assert gateway.get("/healthz").status == 200
    assert time.monotonic() - asked < 2
    for job in jobs:
        until(lambda: gateway.get(f"/api/jobs/{job}/status").status == 200 and gateway.record(job)["status"] == "done", "the outcome")
    assert gateway.log().count("no longer hold the lease") == lost_before


def test_a_lost_connection_of_published_reports_is_counted_and_told(start_redis, start_gateway):
    redis = start_redis()
    gateway = start_gateway(redis)
    worker = Worker(redis)
    until(lambda: worker.publish("first", '{"status":"processing"}') == 1, "the gateway to take the lease")
    redis.client().execute_command("CLIENT", "KILL", "TYPE", "pubsub")
    until(lambda: gateway.metric("jobcast_published_reports_interrupted_total") == 1, "the loss to be counted")
    assert "reports published meanwhile are lost" in gateway.log()
    until(lambda: worker.publish("second", '{"status":"processing"}') == 1, "the gateway to listen again")
    until(lambda: gateway.get("/api/jobs/second/status").status == 200, "the report to be applied")


def test_outcomes_published_while_redis_refuses_writes_are_applied_once_it_takes_them(start_redis, start_gateway):
    redis = start_redis()
    gateway = start_gateway(redis)
    worker = Worker(redis)
    client = redis.client()
    until(lambda: client.execute_command("PUBSUB", "NUMPAT") >= 1, "the gateway to listen")
    client.config_set("min-replicas-to-write", 1)
    try:
        for n in range(100):
            assert worker.publish(f"kept-{n}", '{"status":"done"}') >= 1
        until(lambda: gateway.metric("jobcast_published_reports_waiting") == 100, "all of them to wait")
    finally:
        client.config_set("min-replicas-to-write", 0)
    until(lambda: all(gateway.get(f"/api/jobs/kept-{n}/status").status == 200 for n in range(100)), "all of them to be applied")
