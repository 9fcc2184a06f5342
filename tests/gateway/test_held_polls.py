"""A held poll is a place of its viewer and address, and ends with its socket."""
import socket
import ssl

import pytest

from harness.certificates import make_certificate
from harness.http_client import encode_request
from harness.tokens import PUBLISHER, auth_toml, bearer, token
from harness.wait import until

ANNA, BELA = bearer(token("anna")), bearer(token("bela"))
OPERATOR = bearer(token(scope="operator"))



@pytest.fixture(scope="module")
def gateway_config():
    return {"toml": auth_toml(), "LIMITS_REQUEST_RATE": "0"}


def held_now(gateway):
    for line in gateway.get("/metrics", OPERATOR).body.splitlines():
        if line.startswith(b"jobcast_long_polls "):
            return int(line.split()[1])
    raise AssertionError("no metric jobcast_long_polls")


def until_held(gateway, count):
    until(lambda: held_now(gateway) == count, f"{count} polls to be held")


def poll_of(gateway, job, credentials=ANNA, seconds=60, **headers):
    return encode_request("GET", f"/api/jobs/{job}/status", None, {"Prefer": f"wait={seconds}", **credentials, **headers}, gateway.address)


def hold(gateway, job, credentials=ANNA, **options):
    connection = gateway.connect(**options)
    connection.send(poll_of(gateway, job, credentials))
    return connection


def asked(gateway, job, credentials=ANNA, **headers):
    with gateway.connect() as connection:
        connection.send(poll_of(gateway, job, credentials, **headers))
        return connection.response(seconds=5)


def test_polls_whose_client_left_are_let_go_of(gateway, job):
    crowd = [hold(gateway, job) for _ in range(50)]
    until_held(gateway, 50)
    for one in crowd:
        one.close()
    until_held(gateway, 0)


def test_a_poll_whose_connection_is_reset_is_let_go_of(gateway, job):
    one = hold(gateway, job)
    until_held(gateway, 1)
    one.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    one.close()
    until_held(gateway, 0)


def test_a_poll_with_requests_behind_it_ends_with_its_socket_too(gateway, job):
    one = hold(gateway, job)
    until_held(gateway, 1)
    one.send(poll_of(gateway, job) * 20)
    one.close()
    until_held(gateway, 0)


def test_what_is_sent_behind_a_held_poll_is_answered_after_it(gateway, job):
    with hold(gateway, job) as one:
        until_held(gateway, 1)
        one.send(encode_request("GET", "/healthz", None, (), gateway.address) * 3)
        gateway.create(PUBLISHER, id=job, owner="anna")
        assert one.response().json()["id"] == job
        assert [one.response().body for _ in range(3)] == [b"ok\n"] * 3


def test_a_poll_whose_client_sends_nothing_more_is_answered_at_once(gateway, job):
    gateway.create(PUBLISHER, id=job, owner="anna")
    tag = gateway.get(f"/api/jobs/{job}/status", ANNA).header("ETag")
    with gateway.connect() as one:
        one.send(poll_of(gateway, job, **{"If-None-Match": tag}))
        until_held(gateway, 1)
        one.socket.shutdown(socket.SHUT_WR)
        assert one.response(seconds=5).status == 304
        one.rest()


def test_polls_and_streams_of_a_viewer_share_a_limit(redis_server, start_gateway, job):
    gateway = start_gateway(redis_server, toml=auth_toml(), LIMITS_STREAMS_PER_OWNER="2", LIMITS_REQUEST_RATE="0")
    gateway.create(PUBLISHER, id=job, owner="anna")
    with gateway.stream(f"/api/jobs/{job}/events", ANNA) as stream, hold(gateway, f"{job}.none") as held:
        stream.expect("job")
        until_held(gateway, 1)
        missing = asked(gateway, f"{job}.none")
        assert (missing.status, missing.header("Preference-Applied")) == (404, "wait=0")
        assert int(missing.header("Retry-After")) >= 1
        tag = gateway.get(f"/api/jobs/{job}/status", ANNA).header("ETag")
        known = asked(gateway, job, **{"If-None-Match": tag})
        assert (known.status, known.header("Preference-Applied")) == (304, "wait=0")
        assert int(known.header("Retry-After")) >= 1
        with hold(gateway, f"{job}.none", BELA):
            until_held(gateway, 2)
        held.close()
        until_held(gateway, 0)
        with hold(gateway, f"{job}.none"):
            until_held(gateway, 1)


def test_polls_of_an_api_key_are_exempt(redis_server, start_gateway, job):
    gateway = start_gateway(redis_server, toml=auth_toml(), LIMITS_STREAMS_PER_OWNER="1")
    crowd = [hold(gateway, job, PUBLISHER) for _ in range(5)]
    until_held(gateway, 5)
    for one in crowd:
        one.close()


def test_polls_through_a_proxy_count_for_the_address_it_forwards(redis_server, start_gateway, job):
    toml = auth_toml() + '[server]\ntrusted_proxies = ["127.0.0.1"]\n'
    gateway = start_gateway(redis_server, toml=toml, LIMITS_CONNECTIONS_PER_ADDRESS="2")
    here, there = ({**ANNA, "X-Forwarded-For": address} for address in ("192.0.2.1", "192.0.2.2"))
    crowd = [hold(gateway, job, here) for _ in range(2)]
    until_held(gateway, 2)
    assert asked(gateway, job, here).header("Preference-Applied") == "wait=0"
    crowd.append(hold(gateway, job, there))
    until_held(gateway, 3)
    for one in crowd:
        one.close()
    until_held(gateway, 0)
    with hold(gateway, job, here):
        until_held(gateway, 1)


def link_to(gateway, *jobs):
    made = gateway.post("/api/watch-links", {"jobs": list(jobs)}, PUBLISHER)
    assert made.status == 200, made
    return made.json()["url"]


def test_links_for_the_same_jobs_in_another_order_share_a_limit(redis_server, start_gateway, job):
    gateway = start_gateway(redis_server, toml=auth_toml(), LIMITS_STREAMS_PER_OWNER="1")
    jobs = [f"{job}.{n}" for n in range(3)]
    for one in jobs:
        gateway.create(PUBLISHER, id=one, owner="anna")
    first, *others = (link_to(gateway, *(jobs[n] for n in order)) for order in ((0, 1, 2), (2, 1, 0), (1, 0), (0, 2)))
    with gateway.stream(first) as stream:
        stream.expect("job")
        for other in others:
            with gateway.stream(other) as refused:
                assert refused.next().data == {"state": "busy"}, other


def test_a_poll_over_tls_ends_with_its_socket(redis_server, start_gateway, folder, job):
    certificate, key = make_certificate(folder, "polls")
    gateway = start_gateway(redis_server, toml=auth_toml(), SERVER_TLS_CERTIFICATE=certificate, SERVER_TLS_KEY=key,
                            tls=ssl.create_default_context(cafile=certificate))
    crowd = [hold(gateway, job) for _ in range(10)]
    until_held(gateway, 10)
    for one in crowd:
        one.close()
    until_held(gateway, 0)
