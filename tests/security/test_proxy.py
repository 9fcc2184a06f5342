"""With a real nginx in front: no two readings of one request, and addresses are believed only from whom they should be."""
import os

import pytest

from harness.http_client import encode_request
from harness.nginx import Nginx
from harness.sse import Stream
from harness.tokens import PUBLISHER, auth_toml, bearer, token
from harness.ws import WebSocket, handshake

ANNA = bearer(token("anna"))
RATE = 3


@pytest.fixture(scope="module")
def gateway_config():
    return {"toml": auth_toml(), "LIMITS_REQUEST_TIMEOUT": "2s", "LIMITS_REQUEST_RATE": "0"}


@pytest.fixture(scope="module", params=["buffered", "streamed", "lenient"])
def proxy(request, folder, gateway):
    one = Nginx(f"{folder}/nginx-{request.param}", gateway.port, buffering=request.param == "buffered", lenient=request.param == "lenient")
    yield one
    one.stop()


def test_streams_and_websockets_pass_through(proxy, gateway, job):
    with Stream(proxy.address, f"/api/jobs/{job}/events", ANNA) as stream, WebSocket(proxy.address, headers={**handshake(), **ANNA}) as ws:
        ws.watch(job)
        stream.expect("missing")
        gateway.create(PUBLISHER, id=job, owner="anna")
        assert stream.job(job).data["owner"] == ws.job(job)["owner"] == "anna"


# What is hidden behind another request. nginx refuses it where it sees it; where the gateway alone sees it, a job is cancelled.
def smuggled(job):
    return encode_request("POST", f"/api/jobs/{job}/cancel", b"{}", PUBLISHER, ("x", 1))


def post(*headers, body):
    return b"POST /api/jobs/none/report HTTP/1.1\r\nHost: x\r\n" + b"".join(h + b"\r\n" for h in headers) + b"\r\n" + body


def chunk(data):
    return b"%x\r\n%s\r\n0\r\n\r\n" % (len(data), data)


def attacks(job):
    hidden = smuggled(job)
    chunked, length = b"Transfer-Encoding: chunked", b"Content-Length: "
    ending = b"0\r\n\r\n" + hidden
    whole = length + b"%d" % len(ending)
    yield "CL.TE", post(whole, chunked, body=ending)
    yield "CL.TE, order", post(chunked, whole, body=ending)
    yield "TE.CL", post(length + b"4", chunked, body=chunk(hidden))
    yield "CL.0", post(length + b"0", body=hidden).replace(b"POST", b"GET", 1)
    yield "CL.CL", post(length + b"0", whole, body=ending)
    yield "CL list", post(length + b"0, %d" % len(ending), body=ending)
    yield "CL sign", post(length + b"+0", body=hidden)
    yield "CL hex", post(length + b"0x0", body=hidden)
    for n, coding in enumerate((b"Transfer-Encoding: xchunked", b"Transfer-Encoding : chunked", b"Transfer-Encoding:\tchunked",
                                b"Transfer-Encoding: chunked, identity", b"Transfer-Encoding: identity, chunked", b"Transfer-Encoding: \x0bchunked",
                                b"Transfer-Encoding: chunked\x00", b"Transfer_Encoding: chunked", b"X: x\nTransfer-Encoding: chunked",
                                b"X: x\r\n Transfer-Encoding: chunked", b"Transfer-Encoding\r\n : chunked", b"\tTransfer-Encoding: chunked",
                                b"Transfer-Encoding: \"chunked\"", b"Transfer-Encoding: CHUNKED", b"Transfer\x00-Encoding: chunked",
                                b"Transfer-Encoding: chunked;q=1", b"Content-Encoding: chunked")):
        yield f"TE.TE {n}", post(chunked, coding, body=ending)
        yield f"TE.CL {n}", post(coding, length + b"4", body=chunk(hidden))
        yield f"CL.TE {n}", post(whole, coding, body=ending)
    for n, line in enumerate((b"Content-Length : 0", b" Content-Length: 0", b"X: y\r\n\tContent-Length: 0", b"Content_Length: 0", b"Content-Length:\x0b0",
                              b"Content-Length: 0\r", b"\x00Content-Length: 0", b"X-\x01: 1")):
        yield f"CL.CL {n}", post(line, whole, body=ending)
        yield f"CL alone {n}", post(line, body=hidden)
    for n, size in enumerate((b"0x5", b"5 ", b"+5", b"5;x=\r\n", b"00000000000000000005", b"ffffffffffffffff5", b"5\n", b"-1", b"5;\n")):
        yield f"chunk size {n}", post(chunked, body=size + b"\r\nhello\r\n" + ending)
    yield "chunk end", post(chunked, body=b"5\r\nhelloXX0\r\n\r\n" + hidden)
    yield "trailer", post(chunked, b"Trailer: Content-Length", body=b"0\r\nContent-Length: 4\r\n\r\n" + hidden)
    yield "head with obs-fold", b"GET /api/jobs/none/status HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\n\r\n" + hidden
    yield "two requests in a path", b"GET /api/jobs/none/status%20HTTP/1.1%0d%0aHost:%20x%0d%0a%0d%0a" + hidden[:30] + b" HTTP/1.1\r\nHost: x\r\n\r\n"
    yield "upgrade", b"GET /api/ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 99\r\n\r\n" + hidden
    yield "upgrade, h2c", b"GET /healthz HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: \r\n\r\n" + hidden
    yield "expect", post(b"Expect: 100-continue", chunked, body=ending)


def test_no_request_is_smuggled_through(proxy, gateway, new_job):
    victim = new_job()
    gateway.create(PUBLISHER, id=victim, owner="anna", type="invoice")
    gateway.post(f"/api/jobs/{victim}/report", {"status": "processing"}, PUBLISHER)
    with proxy.connect() as connection:
        assert connection.request("POST", f"/api/jobs/{victim}/cancel", {}, PUBLISHER).status == 403
    for name, data in attacks(victim):
        with proxy.connect() as connection:
            connection.send(data)
            answers = read_answers(connection)
        # A client that comes after it gets its own answer, over whichever connection nginx has kept to the gateway.
        for _ in range(3):
            with proxy.connect() as next_one:
                response = next_one.request("GET", f"/api/jobs/{victim}/status", headers=ANNA)
                assert response.status == 200 and response.json()["id"] == victim, (name, response, answers)
                assert response.json()["status"] == "processing", (name, answers)
                assert response.json()["cancel_requested"] is False, (name, answers)


def read_answers(connection):
    """What came back within a moment of the first answer: enough for nginx to have passed on what it would."""
    answers = []
    try:
        answers.append(connection.response(seconds=5).status)
        answers.append(connection.response(seconds=0.05).status)
    except AssertionError:
        pass  # Closed, or nothing more
    return answers


# Who asks, seen by the rate that each address has.

def pairs(headers):
    return list(headers.items() if isinstance(headers, dict) else headers)


def statuses(connect, headers, count=RATE * 5 + 3):
    with connect() as connection:
        return [connection.request("GET", "/api/jobs/none/status", headers=[*ANNA.items(), *pairs(headers(n))]).status for n in range(count)]


@pytest.fixture
def limited(redis_server, start_gateway, folder):
    """Starts a gateway with few requests for each address."""
    def start(trusted):
        return start_gateway(redis_server, toml=auth_toml() + f"[server]\ntrusted_proxies = {trusted}\n", LIMITS_REQUEST_RATE=str(RATE))
    return start


def forwarded(n):
    return {"X-Forwarded-For": f"203.0.113.{n}"}


def test_addresses_that_a_stranger_forwards_are_not_believed(limited):
    gateway = limited('["10.0.0.0/8"]')
    assert 429 in statuses(gateway.connect, forwarded)


def test_addresses_that_a_trusted_proxy_forwards_are_told_apart(limited):
    gateway = limited('["127.0.0.1"]')
    assert 429 not in statuses(gateway.connect, forwarded)
    assert 429 in statuses(gateway.connect, lambda n: {"X-Forwarded-For": "203.0.113.200"})


def test_several_lines_of_forwarded_addresses_are_one_list(limited):
    """A proxy may add a line of its own rather than to the client's."""
    gateway = limited('["127.0.0.1"]')
    assert 429 in statuses(gateway.connect, lambda n: [("X-Forwarded-For", f"203.0.113.{n}"), ("X-Forwarded-For", "198.51.100.7")])
    assert 429 not in statuses(gateway.connect, lambda n: [("X-Forwarded-For", "203.0.113.1"), ("X-Forwarded-For", f"198.51.101.{n}")])


def test_only_what_the_proxy_added_is_believed(limited, folder):
    gateway = limited('["127.0.0.1"]')
    nginx = Nginx(os.path.join(folder, "nginx-forwarding"), gateway.port)
    try:
        # Each client claims to be many; nginx says where they come from.
        with_source = lambda address: lambda: nginx.connect(source=address)  # noqa: E731
        assert 429 in statuses(with_source("127.0.0.2"), forwarded)
        assert 429 not in statuses(with_source("127.0.0.3"), forwarded, count=RATE * 4)
    finally:
        nginx.stop()


@pytest.mark.parametrize("value", ["", ",", "unknown", "127.0.0.1, 127.0.0.1", "::1%lo", "203.0.113.1:80", "[::1]", "a" * 8000, "1.2.3.4," * 900,
                                   "999.1.1.1", "0x7f.1", "\u00ff"], ids=lambda v: ascii(v)[:20])
def test_a_forwarded_address_may_be_nonsense(limited_once, value):
    with limited_once.connect() as connection:
        assert connection.request("GET", "/api/jobs/none/status", headers={**PUBLISHER, "X-Forwarded-For": value}).status == 404


@pytest.fixture(scope="module")
def limited_once(redis_server, _start_shared_gateway):
    return _start_shared_gateway(redis_server, toml=auth_toml() + '[server]\ntrusted_proxies = ["127.0.0.0/8", "::/0"]\n')
