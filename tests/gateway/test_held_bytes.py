"""Bytes that the gateway holds for a client, such as an answer that is not read, are bounded for its address and for its viewer."""
import contextlib

import pytest

from harness import process
from harness.gateway import is_sanitized
from harness.http_client import encode_request
from harness.tokens import PUBLISHER, auth_toml, bearer, token
from harness.wait import until
from harness.ws import frame, handshake

ANNA, BELA = bearer(token("anna")), bearer(token("bela"))
OPERATOR = bearer(token(scope="operator"))
LIMIT = 2 * 1024 * 1024
HERE, ELSEWHERE = "127.0.0.1", "127.0.0.2"


@pytest.fixture(scope="module")
def gateway_config():
    return {"toml": auth_toml(), "LIMITS_REQUEST_RATE": "0", "LIMITS_HELD_PER_CLIENT": str(LIMIT), "LIMITS_REQUEST_TIMEOUT": "1m",
            "LIMITS_HEARTBEAT": "1m"}


@pytest.fixture(scope="module")
def large(worker):
    """Ids of jobs that make an answer of about 600 kB, of anna's and of bela's."""
    ids = {}
    for owner in ("anna", "bela"):
        ids[owner] = [f"large.{owner}.{n}" for n in range(10)]
        for one in ids[owner]:
            worker.report(one, owner=owner, status="done", result='"%s"' % ("z" * 60_000))
    return ids


def held(gateway):
    for line in gateway.get("/metrics", OPERATOR).body.splitlines():
        if line.startswith(b"jobcast_body_bytes "):
            return int(line.split()[1])
    raise AssertionError("no metric jobcast_body_bytes")


def until_nothing_is_held(gateway):
    until(lambda: held(gateway) == 0, "everything held to be given back")


def list_of(gateway, jobs, credentials):
    return encode_request("GET", "/api/jobs?ids=" + ",".join(jobs), None, credentials, gateway.address)


class Crowd(contextlib.ExitStack):
    """Clients that ask for a large answer and do not read it."""

    def __init__(self, gateway):
        super().__init__()
        self.gateway = gateway

    def ask(self, jobs, credentials, source=HERE):
        one = self.enter_context(self.gateway.connect(receive_buffer=4096, source=source))
        one.send(list_of(self.gateway, jobs, credentials))
        return one

    def fill(self, jobs, credentials, source=HERE):
        """Until one is refused; returns that one's answer. Each is served before the next asks."""
        for _ in range(30):
            before = held(self.gateway)
            one = self.ask(jobs, credentials, source)
            start = one.socket.recv(12)
            if start != b"HTTP/1.1 200":
                one.received += start
                return one.response()
            assert held(self.gateway) > before
        raise AssertionError("30 unread answers were taken")


def test_unread_answers_of_a_client_are_refused_beyond_the_limit(gateway, large):
    assert gateway.get("/api/jobs?ids=" + ",".join(large["anna"]), ANNA).status == 200
    before = process.resident_kib(gateway.pid)
    with Crowd(gateway) as crowd:
        refused = crowd.fill(large["anna"], ANNA)
        assert refused.status == 429 and int(refused.header("Retry-After")) >= 1
        assert "limits.held_per_client" in refused.json()["detail"]
        assert held(gateway) <= LIMIT
        if not is_sanitized():
            assert process.resident_kib(gateway.pid) - before < 4 * LIMIT // 1024
        # What is small is not counted.
        assert gateway.get(f"/api/jobs?ids={large['anna'][0]}", {**ANNA, "If-None-Match": "*"}).status == 304
        assert gateway.get("/api/jobs?ids=none", ANNA).status == 200
    until_nothing_is_held(gateway)
    assert gateway.get("/api/jobs?ids=" + ",".join(large["anna"]), ANNA).status == 200


def test_one_viewer_has_one_limit_from_all_addresses_and_others_their_own(gateway, large):
    with Crowd(gateway) as crowd:
        assert crowd.fill(large["anna"], ANNA).status == 429
        assert crowd.ask(large["anna"], ANNA, ELSEWHERE).response().status == 429, "the same viewer"
        assert crowd.ask(large["bela"], BELA).response().status == 429, "the same address"
        assert crowd.ask(large["bela"], BELA, ELSEWHERE).response().status == 200
        assert crowd.ask(large["anna"], PUBLISHER).response().status == 200, "a publisher"
    until_nothing_is_held(gateway)


def test_an_answer_larger_than_the_limit_goes_out_alone(redis_server, start_gateway, large):
    gateway = start_gateway(redis_server, toml=auth_toml(), LIMITS_HELD_PER_CLIENT="64KiB")
    for _ in range(3):
        assert gateway.get("/api/jobs?ids=" + ",".join(large["anna"]), ANNA).status == 200


def test_unread_answers_of_all_clients_leave_half_of_it_to_publishers(redis_server, start_gateway, large):
    gateway = start_gateway(redis_server, toml=auth_toml(), LIMITS_BODIES="3MiB", LIMITS_REQUEST_RATE="0")
    with Crowd(gateway) as crowd:
        refused = crowd.fill(large["anna"], ANNA)
        assert refused.status == 503 and int(refused.header("Retry-After")) >= 1
        assert "limits.bodies" in refused.json()["detail"]
        assert crowd.ask(large["bela"], BELA, ELSEWHERE).response().status == 503
        assert crowd.ask(large["anna"], PUBLISHER).response().status == 200


def test_answers_that_are_read_are_not_held(gateway, large):
    with gateway.connect() as one:
        for _ in range(20):
            one.send(list_of(gateway, large["anna"], ANNA))
            assert one.response().status == 200
    until_nothing_is_held(gateway)


def test_bodies_under_way_count_for_their_address(redis_server, start_gateway):
    gateway = start_gateway(redis_server, toml=auth_toml(), LIMITS_HELD_PER_CLIENT="100KiB", LIMITS_REQUEST_TIMEOUT="1m")

    def begun(credentials, source=HERE):
        one = stack.enter_context(gateway.connect(source=source))
        one.send(encode_request("POST", "/api/watch-links", None, {**credentials, "Content-Length": "60000"}, gateway.address) + b" " * 5000)
        return one
    with contextlib.ExitStack() as stack:
        begun(ANNA)
        until(lambda: held(gateway) == 60_000, "the first body to be counted")
        refused = begun(BELA).response()
        assert refused.status == 429 and int(refused.header("Retry-After")) >= 1
        assert "limits.held_per_client" in refused.json()["detail"]
        begun(BELA, ELSEWHERE)
        until(lambda: held(gateway) == 120_000, "a body from elsewhere to be counted")
        assert begun(ANNA, "127.0.0.3").response().status == 429, "the same viewer"
    until_nothing_is_held(gateway)


def test_heads_under_way_count_for_their_address(redis_server, start_gateway):
    gateway = start_gateway(redis_server, toml=auth_toml(), LIMITS_HELD_PER_CLIENT="64KiB", LIMITS_REQUEST_TIMEOUT="1m")
    head = b"GET /healthz HTTP/1.1\r\nX: " + b"x" * 15_000
    with contextlib.ExitStack() as stack:
        crowd = [stack.enter_context(gateway.connect()) for _ in range(20)]
        for one in crowd:
            one.send(head)
        until(lambda: held(gateway) > 30_000, "heads to be counted")
        refused = next(one.response() for one in reversed(crowd))
        assert refused.status == 429 and "limits.held_per_client" in refused.json()["detail"]
        assert held(gateway) <= 64 * 1024
        assert gateway.get("/healthz").status == 200
    until_nothing_is_held(gateway)


def websocket(gateway, credentials, source=HERE):
    return gateway.websocket(headers={**handshake(), **credentials}, source=source)


# One of the largest that a client may send.
MESSAGE = frame("{}" + " " * (64 * 1024 - 2))


def test_unfinished_messages_of_websockets_count_too(redis_server, start_gateway):
    gateway = start_gateway(redis_server, toml=auth_toml(), LIMITS_HELD_PER_CLIENT="300KiB", LIMITS_HEARTBEAT="1m")
    with contextlib.ExitStack() as stack:
        crowd = [stack.enter_context(websocket(gateway, ANNA)) for _ in range(10)]
        for one in crowd:
            one.send_bytes(MESSAGE[:-1])
        assert any(one.wait_closed() == 1013 for one in reversed(crowd))
        until(lambda: 0 < held(gateway) <= 300 * 1024, "what is left to be counted")
        with websocket(gateway, PUBLISHER) as publisher:
            publisher.send_bytes(MESSAGE[:-1])
            publisher.send_bytes(MESSAGE[-1:])
            assert publisher.find(lambda e: e["event"] == "error")["problem"]["status"] == 400
    until_nothing_is_held(gateway)
    with websocket(gateway, ANNA) as one:
        one.say("ping", id=1)
        assert one.find(lambda e: e["event"] == "pong")["id"] == 1


def test_a_finished_message_is_not_held(redis_server, start_gateway):
    gateway = start_gateway(redis_server, toml=auth_toml(), LIMITS_HELD_PER_CLIENT="64KiB", LIMITS_HEARTBEAT="1m")
    with websocket(gateway, ANNA) as one:
        for n in range(5):
            one.send('{"op":"ping","id":%d}' % n + " " * 50_000)
            assert one.find(lambda e: e["event"] == "pong")["id"] == n
        until_nothing_is_held(gateway)
