"""Rights that end while streams are open: tokens that run out or say less, keys that are taken back."""
import base64
import json
import signal
import time

import pytest

from harness.redis_server import Worker
from harness.tokens import API_KEY, LINK_SECRET, PUBLISHER, SECRET, auth_toml, bearer, key_hash, token
from harness.wait import until
from harness.ws import handshake

OPERATOR = bearer(token("operator", scope="operator"))


def metric(gateway, name):
    lines = gateway.get("/metrics", OPERATOR).body.decode().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(name + " "))


def fill(gateway, worker, job):
    """Reports until a stream's socket takes no more, and once again."""
    before = metric(gateway, "jobcast_stream_blocked_total")

    def report():
        worker.report(job, message="m" * 490)
        return metric(gateway, "jobcast_stream_blocked_total") > before
    until(report, "a socket to take no more", every=0)
    delivered = metric(gateway, "jobcast_events_total")
    worker.report(job, message="last")
    until(lambda: metric(gateway, "jobcast_events_total") > delivered, "the last report to be taken in")


@pytest.fixture
def gateway(redis_server, start_gateway):
    return start_gateway(redis_server, toml=auth_toml(), SERVER_REACTORS="1", LIMITS_HEARTBEAT="1s")


@pytest.fixture
def worker(redis_server, job):
    one = Worker(redis_server)
    one.report(job, owner="anna", status="processing")
    return one


def test_a_slow_event_stream_whose_token_ends_is_told_once_it_is_read(gateway, worker, job):
    with gateway.watch(job, headers=bearer(token("anna", ttl=3)), receive_buffer=4096) as stream:
        fill(gateway, worker, job)
        until(lambda: metric(gateway, "jobcast_streams_expired_total") == 1, "the token to end")
        assert stream.find(lambda e: e.name == "end").data == {"reason": "expired"}
        stream.wait_closed()
    assert gateway.get("/healthz").status == 200


def test_a_token_ends_for_who_reads_too_slowly_but_goes_on_reading(redis_server, start_gateway, job):
    # A socket that takes something now and then is given its time anew each time.
    gateway = start_gateway(redis_server, toml=auth_toml(), SERVER_REACTORS="1", LIMITS_HEARTBEAT="60s",
                            LIMITS_WRITE_TIMEOUT="60s", LIMITS_OUTBOX="64MiB", LIMITS_REQUEST_RATE="0")
    worker = Worker(redis_server)
    worker.report(job, owner="anna", status="processing")

    def report(times):
        with worker.redis.pipeline(transaction=False) as pipe:
            for _ in range(times):
                pipe.execute_command("FCALL", "jobcast_report", 1, "jobcast", job, "message", "m" * 490)
            pipe.execute()
    target = f"/api/jobs/{job}/events?every=true"
    with gateway.stream(target, headers=bearer(token("anna", ttl=3)), receive_buffer=4096) as stream:
        report(2000)
        until(lambda: metric(gateway, "jobcast_stream_blocked_total") > 0, "its socket to take no more")

        def ends_while_more_waits_than_is_read():
            report(20)
            stream.glance()
            return metric(gateway, "jobcast_streams_expired_total") == 1
        until(ends_while_more_waits_than_is_read, "the token to end", every=0)
    assert gateway.get("/healthz").status == 200


def test_a_slow_websocket_whose_token_ends_is_told_once_it_is_read(gateway, worker, job):
    with gateway.websocket(headers={**handshake(), **bearer(token("anna", ttl=3))}, receive_buffer=4096) as ws:
        ws.watch(job)
        fill(gateway, worker, job)
        until(lambda: metric(gateway, "jobcast_streams_expired_total") == 1, "the token to end")
        ws.find(lambda e: e["event"] == "end" and e["reason"] == "expired")
        assert ws.wait_closed() == 1008
    assert gateway.get("/healthz").status == 200


def test_a_renewal_that_says_less_ends_the_feed_it_no_longer_covers(gateway, worker, job):
    with gateway.websocket(headers={**handshake(), **bearer(token("bob", scope="jobs:read:all"))}) as ws:
        ws.say("watch", owner="anna", id="o")
        ws.job(job)
        ws.say("auth", token=token("bob"), id="less")
        ws.find(lambda e: e == {"event": "ack", "id": "less"})
        assert ws.find(lambda e: e["event"] == "error")["problem"]["status"] == 403
        worker.report(job, percent=50)
        worker.report(f"{job}-new", owner="anna")
        with gateway.watch(job, headers=bearer(token("anna"))) as hers:
            assert hers.next().data["progress"]["percent"] == 50
        ws.say("ping", id="p")
        ws.find(lambda e: e == {"event": "pong", "id": "p"})
        assert job not in str(ws.seen[ws.seen.index({"event": "ack", "id": "less"}):])


@pytest.mark.parametrize("what, old, new", [
    ("the API key of a publisher", key_hash(API_KEY), key_hash("jck_another")),
    ("the secret of a viewer's token", SECRET, "another secret of thirty-two bytes"),
    ("the secret of a watch link", LINK_SECRET, "another secret of thirty-two bytes"),
])
def test_streams_end_with_what_vouched_for_them_and_the_others_go_on(gateway, worker, job, what, old, new):
    link = gateway.post("/api/watch-links", {"jobs": [job]}, bearer(token("anna"))).json()["url"]
    opened = {
        "the API key of a publisher": gateway.watch(job, headers=PUBLISHER),
        "the secret of a viewer's token": gateway.watch(job, headers=bearer(token("anna"))),
        "the secret of a watch link": gateway.stream(link),
    }
    for stream in opened.values():
        assert stream.next().name == "job"
    ws = gateway.websocket(headers={**handshake(), **PUBLISHER})
    ws.watch(job)
    gateway.configure(auth_toml().replace(old, new))
    gateway.process.send_signal(signal.SIGHUP)
    assert opened[what].find(lambda e: e.name == "end").data == {"reason": "expired"}
    opened.pop(what).wait_closed()
    if "API key" in what:
        ws.find(lambda e: e["event"] == "end" and e["reason"] == "expired")
        assert ws.wait_closed() == 1008
    worker.report(job, percent=50)
    for stream in opened.values():
        assert stream.find(lambda e: e.name == "job").data["progress"] == {"percent": 50}
        stream.close()
    ws.connection.close()


def test_reauth_is_said_before_the_token_ends_and_the_leeway_is_kept_for_clocks(redis_server, start_gateway, worker, job):
    gateway = start_gateway(redis_server, toml=auth_toml().replace('leeway = "0s"', 'leeway = "5s"'))
    given = token("anna", ttl=31)
    with gateway.watch(job, headers=bearer(given)) as stream:
        asked = stream.find(lambda e: e.name == "reauth")
        exp = json.loads(base64.urlsafe_b64decode(given.split(".")[1] + "=="))["exp"] * 1000
        assert asked.data["expires_at"] == exp and time.time() * 1000 < exp - 20_000
