"""Reads of many jobs: they cost by what they read, are bounded in bytes, and hold up nobody."""
import json
import socket
import time

import pytest

from harness.problems import assert_problem
from harness.tokens import PUBLISHER, auth_toml, bearer, encode, sign, token
from harness.wait import until
from harness.ws import handshake

ANNA, BOB = bearer(token("anna")), bearer(token("bob"))
JOBS = 2000
RESULT = "x" * 60000


@pytest.fixture(scope="module")
def many(redis_server, worker, gateway):
    """Anna has more finished jobs than one page looks at."""
    pipe = worker.redis.pipeline(transaction=False)
    for n in range(JOBS):
        pipe.execute_command("FCALL", "jobcast_report", 1, "jobcast", f"many-{n}", "status", "done", "owner", "anna")
    pipe.execute()


@pytest.fixture(scope="module")
def large(worker, gateway):
    """Anna has twenty jobs with large results."""
    ids = [f"large-{n}" for n in range(20)]
    for id in ids:
        worker.report(id, status="done", owner="anna", result=json.dumps(RESULT))
    return ids


@pytest.fixture(scope="module")
def gateway_config():
    return {"toml": auth_toml()}


@pytest.fixture
def slow_rate(redis_server, start_gateway):
    """A gateway where an address may make 5 requests a second, 25 at once."""
    return start_gateway(redis_server, toml=auth_toml(), LIMITS_REQUEST_RATE=5, SERVER_REACTORS=1)


@pytest.mark.parametrize("target", ["/api/jobs?owner=me&status=failed", "/api/jobs?owner=me&type=none", "/api/jobs?owner=me&group=g"])
def test_a_list_costs_by_the_jobs_it_looks_at_whatever_it_finds(many, slow_rate, target):
    answers = [slow_rate.get(target, ANNA) for _ in range(8)]
    assert {a.status for a in answers} == {200, 429}
    refused = next(a for a in answers if a.status == 429)
    assert int(refused.header("Retry-After")) >= 1
    assert_problem(refused, 429)


def test_lists_of_few_jobs_cost_no_more_than_requests(gateway, slow_rate, job):
    gateway.post("/api/jobs", {"id": job, "owner": "bob"}, PUBLISHER)
    assert [slow_rate.get("/api/jobs?owner=me", BOB).status for _ in range(20)] == [200] * 20


def test_publishers_are_exempt(large, slow_rate):
    ids = ",".join(large)
    assert {slow_rate.get(f"/api/jobs?ids={ids}", PUBLISHER).status for _ in range(10)} == {200}


def test_the_snapshot_of_a_stream_costs_too(many, slow_rate):
    def is_refused():
        with slow_rate.stream("/api/events?owner=me", {**ANNA, "Accept": "text/event-stream"}) as stream:
            event = stream.find(lambda e: e.name in ("job", "gateway"))
            return event.data.get("state") == "busy"
    # As requests alone, two dozen may be made at once.
    assert any(is_refused() for _ in range(20))


def test_a_stream_whose_snapshot_must_wait_gets_it(many, slow_rate):
    def refused():
        return slow_rate.get("/api/jobs?owner=me&status=failed", ANNA).status == 429
    with slow_rate.websocket(headers=handshake(**ANNA)) as ws:
        until(refused, "the rate to be spent", every=0)
        ws.say("watch", owner="me", id="w")
        answer = ws.find(lambda e: e.get("id") == "w")
        if answer["event"] == "error":
            assert answer["problem"]["status"] == 429
            until(lambda: (ws.say("watch", owner="me", id="v"), ws.find(lambda e: e.get("id") == "v"))[1]["event"] == "ack",
                  "the message to be within the rate", every=0.5)
        assert ws.job()["owner"] == "anna"


def test_records_by_their_ids_are_bounded_in_bytes_and_say_what_was_left_out(gateway, large):
    answer = gateway.get("/api/jobs?ids=" + ",".join(large), ANNA)
    assert answer.status == 200 and len(answer.body) < 700_000
    records = answer.json()["jobs"]
    assert [r["id"] for r in records] == large and {r["status"] for r in records} == {"done"}
    whole = [r for r in records if "result" in r]
    assert 8 <= len(whole) < 12 and all(r["result"] == RESULT for r in whole)
    assert all(r["result_omitted"] == len(RESULT) + 2 for r in records if "result" not in r)
    # One by one they are whole.
    assert gateway.get(f"/api/jobs/{large[-1]}/status", ANNA).json()["result"] == RESULT


def test_a_watcher_of_many_large_records_gets_all_of_them_whole(gateway, large):
    with gateway.stream("/api/events?" + "&".join(f"job={id}" for id in large), ANNA) as stream:
        seen = {}
        while len(seen) < len(large):
            event = stream.next()
            if event.name == "job":
                seen[event.data["id"]] = event.data["result"]
    assert set(seen.values()) == {RESULT}


def test_polls_of_many_large_records_at_once_get_all_of_them_whole(gateway, large):
    connections = [gateway.connect() for _ in large]
    for connection, id in zip(connections, large):
        connection.send(f"GET /api/jobs/{id}/status HTTP/1.1\r\nHost: localhost\r\n"
                        f"Authorization: {ANNA['Authorization']}\r\n\r\n".encode())
    assert all(connection.response().json()["result"] == RESULT for connection in connections)
    for connection in connections:
        connection.close()


def test_lists_of_strangers_are_read_up_to_their_limit_alone(gateway):
    ids = ",".join(f"i{n}" for n in range(2500))
    assert_problem(gateway.get(f"/api/jobs?ids={ids}", ANNA), 400, "ids")
    assert_problem(gateway.get("/api/events?" + "&".join(f"job=i{n}" for n in range(1500)), ANNA), 400, "job")
    with gateway.websocket(headers=handshake(**ANNA)) as ws:
        ws.say("watch", jobs=[f"i{n}" for n in range(6000)], id="w")
        assert ws.find(lambda e: e.get("id") == "w")["problem"]["field"] == "jobs"
    header = {"alg": "HS256", **{f"m{n}": 1 for n in range(900)}}
    assert gateway.get("/api/jobs?owner=me", bearer(sign(header, {"exp": int(time.time()) + 60}))).status == 401


def test_a_name_that_stands_twice_in_a_header_is_refused(gateway):
    forged = encode(b'{"alg":"HS256","typ":"JWT","typ":"JWT"}')
    assert gateway.get("/api/jobs?owner=me", bearer(f"{forged}.{encode({'sub': 'anna'})}.{encode(b'x' * 32)}")).status == 401


def test_a_list_whose_client_has_left_is_not_read(redis_server, start_gateway):
    """While Redis is held up one list is under way, and the others are those of clients who leave."""
    gateway = start_gateway(redis_server, toml=auth_toml(), SERVER_REACTORS=1)
    with redis_server.client().monitor() as monitor:
        redis_server.client().execute_command("CLIENT", "PAUSE", 1000, "ALL")
        for n in range(20):
            with gateway.connect() as connection:
                connection.send(f"GET /api/jobs?owner=me&limit={n + 1} HTTP/1.1\r\nHost: localhost\r\n"
                                f"Authorization: {BOB['Authorization']}\r\n\r\n".encode())
        assert gateway.get("/api/jobs?owner=me&limit=50", BOB).status == 200
        asked = []
        while "limit 50" not in (command := monitor.next_command())["command"]:
            if "jobcast_list" in command["command"]:
                asked.append(command["command"])
    assert len(asked) <= 2


def test_streams_of_named_jobs_cost_by_what_is_read_for_them(large, slow_rate):
    """Each holds more than a megabyte of records; requests alone may come two dozen at once."""
    def is_refused():
        query = "&".join(f"job={id}" for id in large)
        with slow_rate.stream(f"/api/events?{query}", {**ANNA, "Accept": "text/event-stream"}) as stream:
            event = stream.find(lambda e: e.name in ("job", "gateway"))
            return event.data.get("state") == "busy"
    assert any(is_refused() for _ in range(15))


@pytest.mark.parametrize("target", ["/api/jobs?owner=me", "/api/inbox?owner=me", "/api/jobs?ids=large-0", "/api/jobs/large-0/history"])
def test_a_client_that_has_closed_its_sending_half_is_answered(gateway, large, target):
    with gateway.connect() as connection:
        connection.send(f"GET {target} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {ANNA['Authorization']}\r\n\r\n".encode())
        connection.socket.shutdown(socket.SHUT_WR)
        assert connection.response().status == 200
