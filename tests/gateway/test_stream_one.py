"""The stream of one job: snapshot, changes, end; resuming; heartbeats; every version."""
import re

import pytest

from harness.problems import assert_problem
from harness.wait import until


@pytest.fixture(scope="module")
def gateway_config():
    return {"LIMITS_HEARTBEAT": "1s"}


def test_a_stream_begins_with_the_record_and_follows_its_changes_to_the_end(gateway, job):
    gateway.report(job, status="processing", percent=10)
    with gateway.watch(job) as stream:
        first = stream.expect("job")
        assert first.data == gateway.record(job)
        gateway.report(job, percent=60)
        second = stream.expect("job")
        assert (second.version, second.data["progress"]["percent"]) == (2, 60)
        gateway.report(job, status="done", result={"url": "/files/1"})
        third = stream.expect("job")
        assert (third.version, third.data["status"], third.data["result"]) == (3, "done", {"url": "/files/1"})
        assert stream.expect("end").data == {"reason": "final"}
        assert stream.wait_closed() == []


def test_the_head_keeps_proxies_from_buffering_and_caching(gateway, job):
    gateway.report(job, status="processing")
    with gateway.watch(job) as stream:
        assert stream.status == 200
        assert stream.header("Content-Type") == "text/event-stream; charset=utf-8"
        assert stream.header("Transfer-Encoding") == "chunked"
        assert stream.header("Connection") == "close"
        assert stream.header("Cache-Control") == "no-store, no-transform"
        assert stream.header("X-Accel-Buffering") == "no"
        assert stream.header("Content-Length") is None


def test_a_stream_begins_with_retry_and_it_is_jittered(gateway, job):
    gateway.report(job, status="processing")
    retries = set()
    for _ in range(12):
        with gateway.watch(job) as stream:
            stream.expect("job")
            assert stream.raw.startswith(b"retry: ")
            retries.update(stream.parser.retries)
    assert len(retries) > 1 and all(1000 <= retry <= 30_000 for retry in retries), retries


def test_the_raw_bytes_are_exactly_the_event(gateway, job):
    gateway.report(job, status="processing")
    record = gateway.get(f"/api/jobs/{job}/status")
    with gateway.watch(job) as stream:
        event = stream.expect("job")
        expected = b"id: %s\nevent: job\ndata: %s\n\n" % (event.id.encode(), record.body)
        time = b'event: time\ndata: {"now":%d}\n\n' % stream.times[0]
        assert stream.raw == b"retry: %d\n\n" % stream.parser.retries[0] + time + expected


def test_a_stream_begins_with_redis_time(gateway, worker, job):
    gateway.report(job, status="processing")
    seconds, micros = worker.redis.time()
    with gateway.watch(job) as one, gateway.watch(job, job + "-other") as several, gateway.websocket() as ws:
        one.expect("job"), several.next()
        ws.watch(job)
        for told in (one, several, ws):
            # The gateway reckons Redis' time to a few milliseconds.
            assert -100 <= told.times[0] - (seconds * 1000 + micros // 1000) < 10_000
    assert one.raw.index(b"event: time") < one.raw.index(b"event: job")


def test_a_job_that_is_over_is_given_and_ended(gateway, job):
    gateway.report(job, status="failed", error={"title": "The page could not be read."})
    with gateway.watch(job) as stream:
        assert stream.expect("job").data["error"]["title"] == "The page could not be read."
        assert stream.expect("end").data == {"reason": "final"}
        stream.wait_closed()


def test_a_reconnect_that_missed_nothing_gets_no_snapshot(gateway, job):
    gateway.report(job, status="processing")
    with gateway.watch(job) as stream:
        last = stream.expect("job").id
    with gateway.watch(job, headers={"Last-Event-ID": last}) as stream:
        gateway.report(job, percent=10)
        assert stream.expect("job").version == 2


def test_a_reconnect_that_missed_something_gets_the_record(gateway, job):
    gateway.report(job, status="processing")
    with gateway.watch(job) as stream:
        last = stream.expect("job").id
    gateway.report(job, percent=10)
    with gateway.watch(job, headers={"Last-Event-ID": last}) as stream:
        assert stream.expect("job").version == 2


@pytest.mark.parametrize("last", ["", "0-0", "nonsense", "99999999999999-99", "-", "1" * 300])
def test_a_last_event_id_that_is_not_the_records_gets_the_record(gateway, job, last):
    gateway.report(job, status="processing")
    with gateway.watch(job, headers={"Last-Event-ID": last}) as stream:
        assert stream.expect("job").version == 1


def test_a_reconnect_that_has_the_outcome_is_stopped_with_204(gateway, job):
    gateway.report(job, status="done")
    with gateway.watch(job) as stream:
        last = stream.expect("job").id
        stream.wait_closed()
    response = gateway.get(f"/api/jobs/{job}/events", {"Last-Event-ID": last, "Accept": "text/event-stream"})
    assert (response.status, response.body) == (204, b"")


@pytest.mark.parametrize("name", ["lastEventId", "lastEventID", "Last-Event-ID"])
def test_a_polyfill_may_send_its_last_event_id_in_the_query(gateway, job, name):
    gateway.report(job, status="done")
    with gateway.watch(job) as stream:
        last = stream.expect("job").id
    accept = {"Accept": "text/event-stream"}
    assert gateway.get(f"/api/jobs/{job}/events?{name}={last}", accept).status == 204
    # The header is of the reconnect, the query may still be of the page's first address.
    assert gateway.get(f"/api/jobs/{job}/events?{name}=1-1", {"Last-Event-ID": last, **accept}).status == 204
    with gateway.stream(f"/api/jobs/{job}/events?{name}={last}", headers={"Last-Event-ID": "1-1"}) as stream:
        stream.expect("job")


def test_an_unknown_job_is_missing_and_appears_when_it_is_made(gateway, job):
    with gateway.watch(job) as stream:
        assert stream.expect("missing").data == {"id": job}
        gateway.report(job, status="processing")
        assert stream.expect("job").version == 1


def test_a_deleted_job_is_missing_and_may_come_back(gateway, job):
    gateway.report(job, status="processing")
    gateway.report(job, percent=10)
    with gateway.watch(job) as stream:
        assert stream.expect("job").version == 2
        gateway.delete(f"/api/jobs/{job}")
        assert stream.expect("missing").data == {"id": job}
        gateway.report(job, status="processing")
        # Clients take a lower version only after being told.
        assert stream.expect("reset").data == {"id": job}
        assert stream.expect("job").version == 1


def test_a_retried_job_is_followed_by_a_new_stream(gateway, job):
    gateway.create(id=job, type="export")
    gateway.report(job, status="failed")
    gateway.post(f"/api/jobs/{job}/retry")
    with gateway.watch(job) as stream:
        assert stream.expect("job").data["status"] == "pending"
        gateway.report(job, status="done")
        assert stream.expect("job").data["status"] == "done"
        stream.expect("end")


def test_an_idle_stream_is_kept_alive_by_comments(gateway, job):
    gateway.report(job, status="processing")
    with gateway.watch(job) as stream:
        stream.expect("job")
        until(lambda: stream.glance() or stream.parser.comments >= 2, "two heartbeats")
        gateway.report(job, percent=5)
        stream.expect("job")


def test_a_stream_that_is_sent_something_all_the_time_needs_no_comments(gateway, job):
    for id in job, job + "-idle":
        gateway.report(id, status="processing")
    with gateway.watch(job) as busy, gateway.watch(job + "-idle") as idle:
        busy.expect("job")
        idle.expect("job")

        def idle_was_kept_alive():
            gateway.report(job, percent=5)
            busy.expect("job")
            idle.glance()
            return idle.parser.comments >= 4

        until(idle_was_kept_alive, "four heartbeats of the idle stream")
        # One, should this machine have paused for half a heartbeat.
        assert busy.parser.comments <= 1


def test_every_version_is_given_to_who_asks_for_it(gateway, worker, job):
    worker.report(job, status="processing")
    with gateway.stream(f"/api/jobs/{job}/events?every=true") as stream:
        stream.expect("job")
        with worker.redis.pipeline(transaction=False) as pipe:
            for n in range(100):
                pipe.execute_command("FCALL", "jobcast_report", 1, "jobcast", job, "message", f"Page {n}")
            pipe.execute_command("FCALL", "jobcast_report", 1, "jobcast", job, "status", "done")
            pipe.execute()
        events = stream.wait_closed()
        assert [e.version for e in events[:-1]] == list(range(2, 103))
        assert [e.data["progress"]["message"] for e in events[:100]] == [f"Page {n}" for n in range(100)]
        assert events[-1].name == "end"


def test_without_that_a_burst_ends_with_the_newest(gateway, worker, job):
    worker.report(job, status="processing")
    with gateway.watch(job) as stream:
        stream.expect("job")
        with worker.redis.pipeline(transaction=False) as pipe:
            for n in range(300):
                pipe.execute_command("FCALL", "jobcast_report", 1, "jobcast", job, "message", f"Page {n}")
            pipe.execute()
        stream.job(version=301)
        versions = [e.version for e in stream.seen]
        assert versions == sorted(set(versions))


def test_two_watchers_of_a_job_get_the_same_bytes(gateway, job):
    gateway.report(job, status="processing")
    with gateway.watch(job) as one, gateway.watch(job) as other:
        one.expect("job"), other.expect("job")
        gateway.report(job, status="done", result=[1, 2, 3])
        one.wait_closed(), other.wait_closed()
        # Behind `retry:` and the time, which are of each stream.
        assert one.raw.split(b"\n\n", 2)[2] == other.raw.split(b"\n\n", 2)[2]


def test_a_bad_id_is_refused_for_good(gateway):
    assert_problem(gateway.get("/api/jobs/no%20good/events"), 400, "id")


def test_a_stream_is_answered_to_head_without_a_body(gateway, job):
    gateway.report(job, status="processing")
    with gateway.connect() as connection:
        response = connection.request("HEAD", f"/api/jobs/{job}/events")
        assert response.status == 200
        assert response.header("Content-Type").startswith("text/event-stream")
        assert connection.rest() == b""


def test_a_stream_that_ends_ends_its_body(gateway, job):
    gateway.report(job, status="done")
    with gateway.watch(job) as one:
        one.wait_closed()
        assert one.body.over
    with gateway.watch(job, job + "-other") as several:
        assert not several.body.over


def test_each_event_is_a_chunk_of_its_own(gateway, worker, job):
    """Also where several are sent together."""
    worker.report(job, status="processing")
    with gateway.stream(f"/api/jobs/{job}/events?every=true") as stream:
        stream.expect("job")
        chunks = []
        feed = stream.body.feed
        stream.body.feed = lambda data: chunks.extend(found := feed(data)) or found
        with worker.redis.pipeline(transaction=False) as pipe:
            for n in range(100):
                pipe.execute_command("FCALL", "jobcast_report", 1, "jobcast", job, "message", f"Page {n}")
            pipe.execute()
        stream.job(version=101)
        assert len(chunks) == 100 and all(chunk.count(b"event: job\n") == 1 for chunk in chunks)


def test_over_http_1_0_the_body_lasts_until_the_close(gateway, job):
    gateway.report(job, status="processing")
    with gateway.stream(f"/api/jobs/{job}/events", version="1.0") as stream:
        assert stream.header("Transfer-Encoding") is None
        stream.expect("job")
        gateway.report(job, status="done")
        assert [e.name for e in stream.wait_closed()] == ["job", "end"]
        assert stream.raw.endswith(b'event: end\ndata: {"reason":"final"}\n\n')


LINE_ENDS = "a\u0085b\u2028c\u2029d"


def test_what_many_readers_take_for_the_end_of_a_line_is_escaped_in_events_alone(gateway, worker, job):
    gateway.report(job, status="processing", message=LINE_ENDS, labels={"x": LINE_ENDS})
    with gateway.watch(job) as stream, gateway.websocket() as ws:
        event = stream.expect("job")
        assert event.data["progress"]["message"] == event.data["labels"]["x"] == LINE_ENDS
        assert rb"a\u0085b\u2028c\u2029d" in stream.raw
        assert len(stream.raw.decode().splitlines()) == len(re.split(rb"\n", stream.raw[:-1]))
        ws.watch(job)
        assert ws.job(job)["progress"]["message"] == LINE_ENDS
        stored = worker.redis.hget(f"jobcast:job:{job}", "doc")
        rest = gateway.get(f"/api/jobs/{job}/status").body
        assert LINE_ENDS.encode() in rest and LINE_ENDS.encode() in stored and rest == stored
        # And the tag of the one is the id of the other.
        assert gateway.get(f"/api/jobs/{job}/status").header("ETag") == f'"{event.id}"'
