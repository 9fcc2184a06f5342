"""HTTP on the wire: what must be refused so that no proxy and gateway can disagree, limits, and pipelining."""
import gzip
import socket
import time

import pytest

from harness.http_client import Closed, encode_request
from harness.problems import assert_problem
from harness.wait import Deadline


@pytest.fixture(scope="module")
def gateway_config():
    return {"LIMITS_REQUEST_TIMEOUT": "1s", "LIMITS_KEEP_ALIVE": "3s"}


SMUGGLED = b"GET /api/jobs?ids=smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
REPORT = b'{"status":"processing"}'


def exchange(gateway, data):
    """Sends bytes, and answers the first response after checking that it was the only one and the connection closed."""
    with gateway.connect() as connection:
        try:
            connection.send(data)
        except (BrokenPipeError, ConnectionResetError):
            pass
        response = connection.response()
        rest = connection.rest()
        assert b"HTTP/1.1" not in rest, f"a second answer: {rest!r}"
        return response


def post(*headers, body=REPORT, version=b"1.1", host=b"Host: x\r\n"):
    head = b"POST /api/jobs/wire/report HTTP/" + version + b"\r\n" + host
    return head + b"".join(header + b"\r\n" for header in headers) + b"\r\n" + body


CHUNKED = b"17\r\n" + REPORT + b"\r\n0\r\n\r\n"
assert len(REPORT) == 0x17
TE, LENGTH = b"Transfer-Encoding: ", b"Content-Length: "


@pytest.mark.parametrize("data, status", [
    (post(TE + b"chunked, gzip", LENGTH + b"23"), (400, 501)),
    (post(TE + b"gzip, chunked", body=CHUNKED), 501),
    (post(TE + b"gzip"), 501),
    (post(TE + b"identity"), 501),
    (post(TE + b"xchunked", body=CHUNKED), 501),
    (post(TE + b"chunked;x=1", body=CHUNKED), 501),
    (post(TE + b"\x0bchunked", body=CHUNKED), (400, 501)),
    (post(TE, body=CHUNKED), (400, 501)),
    (post(TE + b"chunked", TE + b"chunked", body=CHUNKED), (400, 501)),
    (post(TE + b"chunked", TE + b"identity", body=CHUNKED), (400, 501)),
    (post(TE + b"chunked", LENGTH + b"23", body=CHUNKED), 400),
    (post(LENGTH + b"23", TE + b"chunked", body=CHUNKED), 400),
    (post(TE + b"chunked", body=CHUNKED, version=b"1.0"), 400),
    (post(b"Transfer-Encoding : chunked", body=CHUNKED), 400),
    (post(b"Transfer_Encoding: chunked", b" Transfer-Encoding: chunked", body=CHUNKED), 400),
], ids=repr)
def test_a_transfer_coding_that_may_be_misread_is_refused(gateway, data, status):
    assert_problem(exchange(gateway, data + SMUGGLED), status)


@pytest.mark.parametrize("headers", [
    [LENGTH + b"23", LENGTH + b"23"], [LENGTH + b"23", LENGTH + b"0"], [LENGTH + b"23, 23"], [LENGTH + b"+23"], [LENGTH + b"-1"],
    [LENGTH + b"0x17"], [LENGTH + b"2 3"], [LENGTH], [LENGTH + b"99999999999999999999999"], [LENGTH + b"23abc"]], ids=repr)
def test_a_length_that_may_be_misread_is_refused(gateway, headers):
    assert_problem(exchange(gateway, post(*headers) + SMUGGLED), (400, 413))


@pytest.mark.parametrize("body", [b"zz\r\n" + REPORT, b"-1\r\n", b"FFFFFFFFFFFFFFFFF\r\n", b"17\r\n" + REPORT + b"xx0\r\n\r\n",
                                  b"0x17\r\n" + REPORT + b"\r\n0\r\n\r\n", b"\r\n\r\n"], ids=repr)
def test_a_broken_chunk_is_refused(gateway, body):
    response = exchange(gateway, post(TE + b"chunked", body=body))
    assert_problem(response, (400, 413))


def test_a_trailer_does_not_pass_for_a_header(gateway):
    body = CHUNKED[:-2] + b"Origin: http://evil.example\r\nConnection: close\r\n\r\n"
    with gateway.connect() as connection:
        connection.send(post(TE + b"chunked", body=body))
        assert connection.response().status == 200


@pytest.mark.parametrize("trailer", [b"Content-Length: 5", b"Transfer-Encoding: chunked"])
def test_a_trailer_that_says_how_long_the_body_is_is_refused(gateway, trailer):
    body = CHUNKED[:-2] + trailer + b"\r\n\r\n"
    assert_problem(exchange(gateway, post(TE + b"chunked", body=body) + SMUGGLED), 400)


@pytest.mark.parametrize("flood", [b"1;" + b"x" * 100_000, b"0\r\n" + b"X: y\r\n" * 20_000])
def test_a_chunk_whose_head_or_trailer_does_not_end_is_431(gateway, flood):
    assert_problem(exchange(gateway, post(TE + b"chunked", body=flood)), 431)


@pytest.mark.parametrize("data", [
    b"GET /healthz HTTP/1.1\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\nHost : a\r\n\r\n",
    b"GET /healthz HTTP/1.1\nHost: a\n\n",
    b"GET /healthz HTTP/1.1\r\nHost: a\nX: b\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: b\r\n folded\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\n Host: a\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: a\x00b\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\nHost: a\r\n: no name\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\nHost: a\r\nX\x00: b\r\n\r\n",
    b"GET\r\nHost: a\r\n\r\n", b"GET /healthz\r\nHost: a\r\n\r\n", b"GET /healthz HTTP/1.1 x\r\nHost: a\r\n\r\n",
    b"GET  /healthz HTTP/1.1\r\nHost: a\r\n\r\n", b"G@T /healthz HTTP/1.1\r\nHost: a\r\n\r\n",
    b" GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n", b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n", b"nonsense\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", b"GET /healthz HTTP/1,1\r\nHost: a\r\n\r\n",
    b"GET /healthz http/1.1\r\nHost: a\r\n\r\n", b"GET /healthz HTTP/9.9\r\nHost: a\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"], ids=repr)
def test_a_malformed_request_is_refused_and_the_connection_closed(gateway, data):
    assert_problem(exchange(gateway, data), (400, 505))


def test_a_head_that_is_too_large_is_431(gateway):
    request = encode_request("GET", "/healthz", None, {"X-Padding": "x" * 17_000}, gateway.address)
    assert_problem(exchange(gateway, request), 431)
    assert_problem(exchange(gateway, b"GET /" + b"x" * 20_000), 431)
    many = {f"X-{n}": "x" * 50 for n in range(400)}
    assert_problem(exchange(gateway, encode_request("GET", "/healthz", None, many, gateway.address)), 431)


def test_a_head_just_within_the_limit_is_read(gateway):
    assert gateway.get("/healthz", {"X-Padding": "x" * 15_000}).status == 200


def test_a_body_that_is_too_large_is_413(gateway):
    size = 1024 * 1024 + 1
    announced = exchange(gateway, post(LENGTH + b"%d" % size, body=b""))
    assert_problem(announced, 413)
    assert "1048576 bytes (limits.body)" in announced.json()["detail"]
    assert_problem(exchange(gateway, post(LENGTH + b"%d" % size, body=b"x" * size)), 413)
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    assert_problem(exchange(gateway, post(TE + b"chunked", body=chunk * 17)), 413)


def test_a_chunked_body_is_read(gateway):
    for body in (CHUNKED, b"3\r\n" + REPORT[:3] + b"\r\n14;x=y\r\n" + REPORT[3:] + b"\r\n0\r\nX: trailer\r\n\r\n"):
        with gateway.connect() as connection:
            connection.send(post(TE + b"chunked", body=body))
            assert connection.response().status == 200
            assert connection.request("GET", "/healthz").status == 200


def test_a_request_that_does_not_arrive_in_time_is_closed(gateway):
    for begun in (b"GET /heal", b"GET /healthz HTTP/1.1\r\nHost: x\r\n", post(LENGTH + b"23", body=b"{"),
                  post(TE + b"chunked", body=b"17\r\n{")):
        with gateway.connect() as connection:
            connection.send(begun)
            began = time.monotonic()
            response = connection.response()
            connection.rest()
            assert response.status == 408, begun
            assert 0.5 < time.monotonic() - began < 8, begun


def test_bytes_that_trickle_in_do_not_hold_a_connection_for_ever(gateway):
    """The limit is on the whole request, not on the pause between two bytes."""
    with gateway.connect() as connection:
        began = time.monotonic()
        with pytest.raises((BrokenPipeError, ConnectionResetError, Closed)):
            connection.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: ")
            while time.monotonic() - began < 15:
                connection.send(b"x")
                connection.socket.settimeout(0.1)
                try:
                    if not connection.socket.recv(4096):
                        raise Closed("by the gateway")
                except socket.timeout:
                    pass
        assert time.monotonic() - began < 10


def test_an_idle_connection_is_closed_without_a_word(gateway):
    with gateway.connect() as connection:
        assert connection.request("GET", "/healthz").status == 200
        assert connection.rest() == b""


def numbered(n):
    return b"GET /api/jobs/pipelined-%d/status HTTP/1.1\r\nHost: x\r\n\r\n" % n


def test_pipelined_requests_are_answered_in_order(gateway):
    with gateway.connect() as connection:
        connection.send(b"".join(numbered(n) for n in range(50)))
        for n in range(50):
            assert f"'pipelined-{n}'" in connection.response().json()["detail"]


def test_a_slow_answer_does_not_let_a_later_one_pass(gateway, job):
    gateway.report(job, status="processing")
    tag = gateway.get(f"/api/jobs/{job}/status").header("ETag")
    with gateway.connect() as connection:
        connection.send(encode_request("GET", f"/api/jobs/{job}/status", None,
                                       {"If-None-Match": tag, "Prefer": "wait=1"}, gateway.address) + numbered(1))
        assert connection.response().status == 304
        assert connection.response().status == 404


def test_requests_are_read_however_their_bytes_are_split(gateway, job):
    whole = encode_request("POST", f"/api/jobs/{job}/report", {"status": "processing"}, (), gateway.address) + numbered(1)
    with gateway.connect() as connection:
        connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at in range(len(whole)):
            connection.send(whole[at:at + 1])
        assert connection.response().status == 200
        assert connection.response().status == 404


def test_nothing_may_follow_a_request_for_a_stream(gateway, job):
    gateway.report(job, status="processing")
    stream = encode_request("GET", f"/api/jobs/{job}/events", None, {"Accept": "text/event-stream"}, gateway.address)
    assert_problem(exchange(gateway, stream + SMUGGLED), 400)


def test_an_expecting_client_is_told_to_go_on(gateway):
    with gateway.connect() as connection:
        connection.send(post(LENGTH + b"23", b"Expect: 100-continue", body=b""))
        assert connection.response().status == 100
        connection.send(REPORT)
        assert connection.response().status == 200


def test_the_connection_is_closed_when_the_client_wants_that(gateway):
    with gateway.connect() as connection:
        response = connection.request("GET", "/healthz", headers={"Connection": "close"})
        assert response.header("Connection") == "close"
        assert connection.rest() == b""
    with gateway.connect() as connection:
        connection.send(b"GET /healthz HTTP/1.0\r\n\r\n")
        assert connection.response().status == 200
        assert connection.rest() == b""


def test_an_absolute_target_is_answered_as_its_path(gateway):
    assert gateway.get("http://localhost/healthz").body == b"ok\n"
    assert gateway.get("HTTP://127.0.0.1:1/api/jobs?ids=a").json() == {"jobs": []}
    assert_problem(gateway.get("http://127.0.0.1"), 404)
    for bad in ("http://", "http:///healthz", "http://localhost@evil.example/healthz", "ftp://localhost/healthz"):
        assert_problem(gateway.get(bad), 400)


def test_the_host_of_an_absolute_target_counts_and_not_the_field(gateway, job):
    """A gateway that lets everyone in answers to the names of this machine alone."""
    assert_problem(gateway.get("http://evil.example/api/jobs?ids=a", {"Host": "localhost"}), 403, "Host")
    assert gateway.get("http://localhost/api/jobs?ids=a", {"Host": "evil.example"}).status == 200
    report = f"/api/jobs/{job}/report"
    origin = {"Origin": "http://localhost:1", "Host": "localhost:1"}
    assert gateway.post(report, {"status": "processing"}, origin).status == 200
    assert_problem(gateway.post(f"http://127.0.0.1:2{report}", {"percent": 1}, origin), 403, "Origin")


@pytest.mark.parametrize("lines", [1, 2, 16])
def test_empty_lines_before_a_request_are_passed_over(gateway, lines):
    with gateway.connect() as connection:
        for _ in range(2):
            connection.send(b"\r\n" * lines)
            assert connection.request("GET", "/healthz").status == 200


def test_empty_lines_are_passed_over_however_they_are_split(gateway):
    with gateway.connect() as connection:
        connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in b"\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n":
            connection.send(bytes([byte]))
        assert connection.response().status == 200


def test_an_empty_line_behind_a_body_harms_nothing(gateway, job):
    with gateway.connect() as connection:
        connection.send(post(LENGTH + b"23") + b"\r\n" + numbered(1))
        assert connection.response().status == 200
        assert connection.response().status == 404
    gateway.report(job, status="processing")
    with gateway.connect() as connection:
        connection.send(encode_request("GET", f"/api/jobs/{job}/events", None, (), gateway.address) + b"\r\n")
        assert connection.head(Deadline())[0] == 200


def test_empty_lines_without_end_are_refused(gateway):
    assert_problem(exchange(gateway, b"\r\n" * 40), (400, 505))


def test_http_1_0_is_kept_open_if_it_asks_and_is_told_so(gateway):
    with gateway.connect() as connection:
        for _ in range(3):
            connection.send(b"GET /healthz HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n")
            response = connection.response()
            assert (response.status, response.header("Connection")) == (200, "keep-alive")
        connection.send(b"GET /healthz HTTP/1.0\r\n\r\n")
        assert connection.response().header("Connection") == "close"
        assert connection.rest() == b""
    with gateway.connect() as connection:
        assert connection.request("GET", "/healthz").header("Connection") is None


BOM = b"\xef\xbb\xbf"


def test_a_byte_order_mark_before_json_is_passed_over(gateway, job):
    assert gateway.post(f"/api/jobs/{job}/report", BOM + REPORT).status == 200
    lines = gateway.post("/api/reports", BOM + b'{"id":"%s","percent":5}\n' % job.encode())
    assert lines.json()["result"] == "ok"
    assert gateway.post("/api/jobs", BOM + b'{"type":"a"}').status == 202
    with gateway.websocket() as ws:
        ws.send(BOM + b'{"op":"ping","id":1}')
        ws.expect("pong", id=1)
    assert_problem(gateway.post(f"/api/jobs/{job}/report", BOM + BOM + REPORT), 400)


@pytest.mark.parametrize("coding", ["gzip", "br", "deflate", "x-gzip", "identity, gzip"])
def test_a_compressed_body_is_415_and_says_why(gateway, job, coding):
    packed = gzip.compress(REPORT)
    for target in (f"/api/jobs/{job}/report", "/api/reports", "/api/jobs"):
        response = gateway.post(target, packed, {"Content-Encoding": coding})
        assert_problem(response, 415, "Content-Encoding")
        assert response.header("Accept-Encoding") == "identity"
    assert gateway.post(f"/api/jobs/{job}/report", REPORT, {"Content-Encoding": "identity"}).status == 200


def test_a_client_that_leaves_in_the_middle_harms_no_one(gateway):
    for data in (b"", b"GET", post(LENGTH + b"23", body=b"{"), numbered(1)):
        connection = gateway.connect()
        connection.send(data)
        # An immediate reset instead of an orderly close.
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        connection.close()
    assert gateway.get("/healthz").status == 200


def test_a_watcher_that_sends_garbage_loses_its_stream_only(gateway, job):
    gateway.report(job, status="processing")
    with gateway.watch(job) as noisy, gateway.watch(job) as quiet:
        noisy.expect("job"), quiet.expect("job")
        try:
            for _ in range(100):
                noisy.connection.send(b"x" * 1000)
        except (BrokenPipeError, ConnectionResetError):
            pass
        deadline = Deadline()
        while noisy.pump(deadline):
            pass
        gateway.report(job, percent=10)
        assert quiet.expect("job").version == 2
