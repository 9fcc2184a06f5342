"""WebSocket in subprotocol jobcast.v1: the handshake, what each op does, and two gateways."""
import base64

import pytest

from harness.redis_server import Worker
from harness.wait import until
from harness.ws import handshake


def refuse(gateway, **changes):
    with gateway.connect() as connection:
        return connection.request("GET", "/api/ws", headers=handshake(**changes))


# The handshake

def test_the_handshake_names_the_subprotocol_and_answers_the_key(gateway):
    with gateway.websocket(headers=handshake(Sec_WebSocket_Key="dGhlIHNhbXBsZSBub25jZQ==")) as ws:
        headers = dict(ws.headers)
        assert ws.status == 101
        assert headers["Sec-WebSocket-Accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        assert headers["Sec-WebSocket-Protocol"] == "jobcast.v1"
        assert "Sec-WebSocket-Extensions" not in headers


@pytest.mark.parametrize("changes", [
    {"Sec_WebSocket_Protocol": "other, jobcast.v1"}, {"Upgrade": "WebSocket"}, {"Connection": "keep-alive, Upgrade"},
    {"Sec_WebSocket_Extensions": "permessage-deflate; client_max_window_bits"}])
def test_a_handshake_may_offer_more_than_is_taken(gateway, changes):
    with gateway.websocket(headers=handshake(**changes)) as ws:
        assert ws.status == 101
        assert "Sec-WebSocket-Extensions" not in dict(ws.headers)


@pytest.mark.parametrize("protocol", [None, "chat", "jobcast.v2", "JOBCAST.V1"])
def test_without_the_subprotocol_the_answer_says_how_to_ask(gateway, protocol):
    response = refuse(gateway, Sec_WebSocket_Protocol=protocol)
    assert response.status == 400
    assert response.header("Content-Type") == "application/problem+json"
    assert 'new WebSocket(url, "jobcast.v1")' in response.json()["detail"]


@pytest.mark.parametrize("changes", [{"Sec_WebSocket_Version": "8"}, {"Sec_WebSocket_Version": None}, {"Upgrade": None},
                                     {"Connection": "close"}])
def test_another_version_or_no_upgrade_is_answered_426_with_the_version_spoken(gateway, changes):
    response = refuse(gateway, **changes)
    assert response.status == 426
    assert response.header("Sec-WebSocket-Version") == "13"
    assert response.header("Upgrade") == "websocket"


@pytest.mark.parametrize("key", [None, "", "short", base64.b64encode(b"x" * 15).decode(), "!" * 22 + "=="])
def test_a_key_that_is_not_16_bytes_is_refused(gateway, key):
    assert refuse(gateway, Sec_WebSocket_Key=key).status == 400


def test_pages_of_other_origins_may_not_connect(redis_server, start_gateway):
    gateway = start_gateway(redis_server, CORS_ORIGINS="https://app.example.com")
    assert refuse(gateway, Origin="https://evil.example").status == 403
    assert refuse(gateway, Origin="null").status == 403
    for origin in ("https://app.example.com", "http://%s:%d" % gateway.address):
        with gateway.websocket(headers=handshake(Origin=origin)) as ws:
            assert ws.status == 101


# Watching

def test_a_watch_is_acknowledged_and_gives_the_record_and_every_change(gateway, job):
    gateway.report(job, status="processing", percent=10)
    with gateway.websocket() as ws:
        ws.say("watch", jobs=[job], id="first")
        ws.expect("ack", id="first")
        assert ws.expect("job")["record"] == gateway.record(job)
        gateway.report(job, percent=20)
        assert ws.expect("job")["record"]["progress"]["percent"] == 20


def test_several_jobs_share_one_connection_and_more_can_be_added(gateway, new_job):
    a, b = new_job(), new_job()
    gateway.report(a, status="processing")
    with gateway.websocket() as ws:
        ws.watch(a, a)
        ws.job(a)
        ws.watch(b, a)
        assert ws.expect("missing")["id"] == b
        gateway.report(b, status="processing")
        assert ws.expect("job")["record"]["id"] == b


def test_of_versions_that_are_known_only_news_is_sent(gateway, new_job):
    same, newer = new_job(), new_job()
    for one in (same, newer):
        gateway.report(one, status="processing")
    known = {same: gateway.record(same)["version"], newer: gateway.record(newer)["version"]}
    gateway.report(newer, percent=5)
    with gateway.websocket() as ws:
        ws.watch(same, newer, versions=known)
        assert ws.expect("job")["record"]["id"] == newer
        ws.say("ping", id=1)
        ws.expect("pong", id=1)
        gateway.report(same, percent=1)
        assert ws.expect("job")["record"]["version"] == known[same] + 1


def test_an_outcome_that_is_known_is_not_repeated_but_its_end_is_told(gateway, job):
    gateway.report(job, status="done")
    with gateway.websocket() as ws:
        ws.watch(job, versions={job: gateway.record(job)["version"]})
        assert ws.expect("end") == {"event": "end", "reason": "final", "job": job}


def test_the_end_names_the_job_and_the_others_go_on(gateway, new_job):
    a, b = new_job(), new_job()
    for one in (a, b):
        gateway.report(one, status="processing")
    with gateway.websocket() as ws:
        ws.watch(a, b)
        ws.job(a), ws.job(b)
        gateway.report(a, status="done")
        assert ws.expect("job")["record"]["status"] == "done"
        assert ws.expect("end") == {"event": "end", "reason": "final", "job": a}
        gateway.report(b, percent=50)
        ws.job(b)


def test_after_unwatch_nothing_more_comes_of_that_job(gateway, new_job):
    a, b = new_job(), new_job()
    for one in (a, b):
        gateway.report(one, status="processing")
    with gateway.websocket() as ws:
        ws.watch(a, b)
        ws.job(a), ws.job(b)
        ws.say("unwatch", jobs=[a], id=2)
        ws.expect("ack", id=2)
        gateway.report(a, percent=50)
        gateway.report(b, percent=60)
        assert ws.expect("job")["record"]["id"] == b
        ws.watch(a)
        assert ws.job(a)["progress"]["percent"] == 50


def test_an_owner_is_watched_with_all_jobs_now_and_to_come(gateway, job):
    gateway.report(job + ".1", status="processing", owner=job)
    with gateway.websocket() as ws:
        ws.say("watch", owner=job, id="o")
        ws.expect("ack", id="o")
        ws.job(job + ".1")
        gateway.report(job + ".2", status="processing", owner=job)
        ws.job(job + ".2")
        ws.say("unwatch", owner="another", id="not this one")
        ws.expect("ack")
        gateway.report(job + ".3", status="processing", owner=job)
        ws.job(job + ".3")
        ws.say("unwatch", owner=job, id="this one")
        ws.expect("ack")
        gateway.report(job + ".4", status="processing", owner=job)
        ws.say("ping", id="p")
        ws.expect("pong", id="p")


def test_one_connection_watches_up_to_the_limit(redis_server, start_gateway, new_job):
    gateway = start_gateway(redis_server, LIMITS_JOBS_PER_STREAM="3")
    a, b, c, d = (new_job() for _ in range(4))
    with gateway.websocket() as ws:
        ws.watch(a, b, c)
        ws.say("watch", jobs=[d], id="one more")
        assert ws.find(lambda e: e["event"] == "error")["problem"]["field"] == "jobs"
        ws.say("unwatch", jobs=[a], id="one less")
        ws.find(lambda e: e == {"event": "ack", "id": "one less"})
        ws.watch(d)


# Commands

def test_cancel_of_a_running_job_reaches_the_worker_and_the_watcher(gateway, worker, job):
    worker.report(job, status="processing", percent=10)
    with gateway.websocket() as ws:
        ws.watch(job)
        ws.job(job)
        ws.say("cancel", job=job, id="c")
        both = [ws.next(), ws.next()]
        assert {"event": "ack", "id": "c"} in both
        assert any(e["event"] == "job" and e["record"]["cancel_requested"] for e in both), both
        assert worker.report(job, percent=11)[2] is True
        worker.report(job, status="cancelled")
        assert ws.job(job, status="cancelled")["version"] > 2
        ws.expect("end", job=job)


def test_retry_of_a_failed_job_begins_it_again(gateway, worker, job):
    gateway.create(id=job, type="export")
    worker.report(job, status="failed", error__title="No")
    with gateway.websocket() as ws:
        ws.watch(job)
        ws.expect("job")
        ws.expect("end")
        ws.say("retry", job=job, id="r")
        ws.expect("ack", id="r")
        ws.watch(job)
        assert ws.expect("job")["record"]["status"] == gateway.record(job)["status"] != "failed"


def test_a_command_on_an_unknown_job_is_an_error_as_over_http(gateway, job):
    with gateway.websocket() as ws:
        ws.say("cancel", job=job, id="x")
        error = ws.expect("error", id="x")
        assert error["problem"]["status"] == gateway.post(f"/api/jobs/{job}/cancel").status == 404


# Errors

def test_ping_is_answered_with_its_id(gateway):
    with gateway.websocket() as ws:
        ws.say("ping", id={"no": "id"})
        assert ws.expect("pong") == {"event": "pong"}
        ws.say("ping", id="a\"b")
        assert ws.expect("pong") == {"event": "pong", "id": "a\"b"}


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "{} {}", '{"op":"dance"}', '{"op":"watch"}'])
def test_what_is_not_a_message_is_an_error_and_the_connection_goes_on(gateway, text):
    with gateway.websocket() as ws:
        ws.send(text)
        assert ws.expect("error")["problem"]["status"] == 400
        ws.say("ping")
        ws.expect("pong")


def test_more_than_16_errors_in_a_minute_close_with_1008(gateway):
    before = gateway.metric("jobcast_websocket_failures_total")
    with gateway.websocket() as ws:
        for n in range(16):
            ws.say("dance", id=n)
            ws.expect("error", id=n)
        ws.say("ping")
        ws.expect("pong")
        ws.say("dance")
        ws.expect("error")
        assert ws.wait_closed() == 1008
    assert gateway.metric("jobcast_websocket_failures_total") == before + 1


# Beside other gateways

def test_a_watcher_of_one_gateway_sees_what_another_was_told(gateway, redis_server, start_gateway, job):
    other = start_gateway(redis_server)
    gateway.report(job, status="processing")
    with gateway.websocket() as here, other.websocket() as there:
        for ws in (here, there):
            ws.watch(job)
            ws.job(job)
        there.say("cancel", job=job)
        for ws in (here, there):
            ws.job(job, cancel_requested=True)
        gateway.report(job, status="done")
        records = [ws.job(job, status="done") for ws in (here, there)]
        assert records[0] == records[1] == gateway.record(job)


def test_open_websockets_are_counted_until_they_end(gateway):
    before = gateway.metric("jobcast_websockets")
    with gateway.websocket() as ws:
        assert gateway.metric("jobcast_websockets") == before + 1
        ws.close(1000)
        assert ws.wait_closed() == 1000
    until(lambda: gateway.metric("jobcast_websockets") == before, "the count to fall")


def test_a_degraded_gateway_says_so_and_recovers(start_redis, start_gateway, job):
    redis = start_redis()
    gateway = start_gateway(redis)
    gateway.report(job, status="processing")
    with gateway.websocket() as ws:
        ws.watch(job)
        ws.job(job)
        redis.kill()
        ws.find(lambda e: e == {"event": "gateway", "state": "degraded"})
        redis.start()
        ws.find(lambda e: e == {"event": "gateway", "state": "ok"}, seconds=30)
        # Not through the gateway, whose other reactor may still be on its way back.
        Worker(redis).report(job, percent=77)
        assert ws.job(job)["progress"]["percent"] == 77
