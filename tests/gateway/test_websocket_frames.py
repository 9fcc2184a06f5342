"""WebSocket to the byte: what RFC 6455 asks of a server, and peers that are slow, silent, greedy or wrong."""
import json

import pytest

from harness import process
from harness.gateway import is_sanitized
from harness.wait import PATIENCE, Deadline, until
from harness.ws import BINARY, CLOSE, PING, PONG, close_payload, frame

LITTLE_KIB = 4 * 1024


@pytest.fixture(scope="module")
def gateway_config():
    return {"LIMITS_MESSAGE": "4KiB"}


@pytest.fixture
def hasty(redis_server, start_gateway):
    """A gateway that loses patience soon."""
    return start_gateway(redis_server, LIMITS_HEARTBEAT="1s", LIMITS_WRITE_TIMEOUT="1s")


def assert_alive(ws):
    ws.say("ping", id="still here")
    ws.expect("pong", id="still here")


# Well-formed

def test_pings_are_answered_with_what_they_hold(gateway):
    with gateway.websocket() as ws:
        for payload in (b"", b"Hello", bytes(range(125))):
            ws.send(payload, PING)
            assert ws.wait_control(PONG) == payload


def test_a_message_in_fragments_with_pings_between_is_one_message(gateway):
    message = json.dumps({"op": "ping", "id": "κόσμε"}, ensure_ascii=False).encode()
    with gateway.websocket() as ws:
        ws.send(message[:1], final=False)
        for n in range(1, len(message)):
            ws.send(b"%d" % n, PING)
            ws.send(message[n:n + 1], 0, final=False)
        ws.send(b"", 0)
        assert ws.expect("pong")["id"] == "κόσμε"
        assert [p for o, p in ws.control if o == PONG] == [b"%d" % n for n in range(1, len(message))]


def test_bytes_may_come_one_at_a_time(gateway, job):
    with gateway.websocket() as ws:
        message = json.dumps({"op": "watch", "jobs": [job], "id": 1, "filler": "x" * 200})
        for byte in frame(message) + frame(b"p", PING) + frame(b"", PONG):
            ws.send_bytes(bytes([byte]))
        ws.expect("ack", id=1)
        assert ws.wait_control(PONG) == b"p"


def test_many_messages_may_come_at_once(gateway):
    with gateway.websocket() as ws:
        ws.send_bytes(b"".join(frame(json.dumps({"op": "ping", "id": n})) for n in range(500)))
        for n in range(500):
            ws.expect("pong", id=n)


def test_a_message_of_exactly_the_limit_is_taken(gateway):
    with gateway.websocket() as ws:
        empty = json.dumps({"op": "ping", "filler": ""})
        ws.send(json.dumps({"op": "ping", "filler": "x" * (4096 - len(empty))}))
        ws.expect("pong")


@pytest.mark.parametrize("code", [1000, 1001, 1011, 3000, 4999])
def test_a_close_is_answered_with_its_code(gateway, code):
    with gateway.websocket() as ws:
        ws.close(code, "bye")
        assert ws.wait_closed() == code


def test_a_close_without_a_code_is_answered_without_one(gateway):
    with gateway.websocket() as ws:
        ws.close_sent = True
        ws.send(b"", CLOSE)
        assert ws.wait_closed() == 1005


# Wrong

WRONG = {
    "an unmasked frame": (frame("{}", masked=False), 1002),
    "a reserved bit": (frame("{}", reserved=4), 1002),
    "an unknown opcode": (frame("{}", 3), 1002),
    "an unknown control opcode": (frame("", 11), 1002),
    "a fragmented ping": (frame("", PING, final=False), 1002),
    "a long ping": (frame("x" * 126, PING), 1002),
    "a continuation of nothing": (frame("{}", 0), 1002),
    "a message within another": (frame("{", final=False) + frame("{}"), 1002),
    "a length that is too long for its value": (b"\x81\xfe\x00\x05", 1002),
    "a negative length": (b"\x81\xff" + b"\xff" * 8, 1002),
    "a close of one byte": (frame(b"\x03", CLOSE), 1002),
    "a close with a code for no wire": (frame(close_payload(1006), CLOSE), 1002),
    "a close whose reason is not UTF-8": (frame(close_payload(1000) + b"\xff", CLOSE), 1007),
    "text that is not UTF-8": (frame(b'{"op":"\xff"}'), 1007),
    "the beginning of text that cannot become UTF-8": (frame(b"\xed\xa0", final=False), 1007),
    "a binary message": (frame(b"{}", BINARY), 1003),
    "a message above the limit": (frame("x" * 4097), 1009),
    "fragments above the limit": (frame("x" * 4000, final=False) + frame("x" * 97, 0), 1009),
    "the head of a GiB": (frame(claimed=1 << 30)[:10], 1009),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_frame_closes_at_once_with_the_right_code_and_is_counted(gateway, what):
    data, code = WRONG[what]
    before = gateway.metric("jobcast_websocket_failures_total")
    with gateway.websocket() as ws:
        assert_alive(ws)
        ws.send_bytes(data)
        assert ws.wait_closed() == code
    assert gateway.metric("jobcast_websocket_failures_total") == before + 1


def test_a_hundred_heads_of_a_gib_take_no_memory(gateway):
    sockets = [gateway.websocket() for _ in range(100)]
    counted = gateway.metric("jobcast_websocket_failures_total")
    before = process.resident_kib(gateway.pid)
    for ws in sockets:
        ws.send_bytes(frame(claimed=1 << 30) + b"x" * 1000)
    for ws in sockets:
        assert ws.wait_closed() == 1009
        ws.connection.close()
    if not is_sanitized():
        assert process.resident_kib(gateway.pid) - before < LITTLE_KIB
    assert gateway.metric("jobcast_websocket_failures_total") == counted + 100


def test_messages_that_are_sent_whole_leave_no_memory_behind(redis_server, start_gateway):
    gateway = start_gateway(redis_server, LIMITS_MESSAGE="1MiB")
    message = json.dumps({"op": "ping", "filler": "x" * 1_000_000})
    sockets = [gateway.websocket() for _ in range(20)]
    before = process.resident_kib(gateway.pid)
    for ws in sockets:
        ws.send(message)
        ws.expect("pong")
    if not is_sanitized():
        assert process.resident_kib(gateway.pid) - before < 8 * 1024
    for ws in sockets:
        ws.connection.close()


# Slow, silent, greedy

def test_pings_come_by_themselves_and_who_answers_them_stays(hasty):
    with hasty.websocket() as ws:
        for _ in range(5):
            assert ws.wait_control(PING) == b""
        assert_alive(ws)
        assert hasty.metric("jobcast_websocket_dead_total") == 0


def test_who_never_answers_a_ping_is_closed_and_counted(hasty):
    with hasty.websocket(answer_pings=False) as ws:
        assert ws.wait_closed() == 1008
        assert ws.close_reason == "pings went unanswered"
    assert hasty.metric("jobcast_websocket_dead_total") == 1


def test_a_message_that_takes_too_long_is_closed_with_1008(hasty):
    with hasty.websocket(answer_pings=False) as ws:  # an answer would stand within the message
        message = frame(json.dumps({"op": "ping", "filler": "x" * 400}))
        at = 0
        while not ws.closed and at < len(message):
            try:
                ws.send_bytes(message[at:at + 1])
            except OSError:
                break
            at += 1
            ws.glance(0.05)
        assert ws.close_code == 1008 and at < len(message)
        assert ws.close_reason == "a message took too long to arrive"
    assert hasty.metric("jobcast_websocket_failures_total") == 1


def test_a_message_that_takes_too_long_is_closed_with_1008_also_if_pings_come_between(hasty):
    with hasty.websocket() as ws:
        ws.send(b"{", final=False)
        deadline = Deadline()
        while not ws.closed and not deadline.over():
            try:
                ws.send(b" ", 0, final=False)
                ws.send(b"", PING)
            except OSError:
                break
            ws.glance(0.05)
        ws.wait_closed()
        assert ws.close_code == 1008
        assert ws.close_reason == "a message took too long to arrive"
    assert hasty.metric("jobcast_websocket_failures_total") == 1


def test_a_peer_that_does_not_close_its_side_is_not_waited_for_long(gateway):
    with gateway.websocket() as ws:
        ws.close_sent = True  # so that the client never answers the close
        before = gateway.metric("jobcast_websockets")
        ws.send(b"", BINARY)
        ws.wait_closed()
        until(lambda: gateway.metric("jobcast_websockets") == before - 1, "the gateway to give up")


def flood(ws, data, until_closed=PATIENCE):
    """Sends the same again and again, reading nothing, until the connection ends or nothing more is taken for a while."""
    sent = 0
    ws.connection.socket.settimeout(0.5)
    deadline = Deadline(until_closed)
    while not deadline.over():
        try:
            sent += ws.connection.socket.send(data)
        except OSError:
            return sent
    raise AssertionError(f"{sent} bytes were taken from a peer that never reads")


def test_a_flood_of_pings_that_are_read_is_closed_with_1008(gateway):
    before = gateway.metric("jobcast_websocket_failures_total")
    with gateway.websocket() as ws:
        ws.send_bytes(b"".join(frame(b"%d" % n, PING) for n in range(1100)))
        assert ws.wait_closed() == 1008
        assert ws.close_reason == "too many pings"
    assert gateway.metric("jobcast_websocket_failures_total") == before + 1


FLOODS = {"ops": frame(json.dumps({"op": "ping", "id": "x" * 100})), "errors": frame(json.dumps({"op": "dance"})),
          "pings": frame(b"x" * 125, PING)}


@pytest.mark.parametrize("what", FLOODS)
def test_who_asks_and_never_reads_takes_little_memory_and_is_closed(hasty, what):
    with hasty.websocket(receive_buffer=4096) as ws:
        before = process.resident_kib(hasty.pid)
        flood(ws, FLOODS[what] * 100)
        if not is_sanitized():
            assert process.resident_kib(hasty.pid) - before < LITTLE_KIB
        until(lambda: hasty.metric("jobcast_websockets") == 0, "the gateway to let go")
    assert hasty.metric("jobcast_websocket_failures_total") == 1


def test_who_watches_and_never_reads_takes_little_memory_and_is_closed(hasty, worker, job):
    with hasty.websocket(receive_buffer=4096, answer_pings=False) as ws:
        ws.watch(job, every=True)
        before = process.resident_kib(hasty.pid)

        def closed():
            for n in range(50):
                worker.report(job, status="processing", message=f"{n} " + "x" * 400)
            return hasty.metric("jobcast_websockets") == 0
        until(closed, "limits.write_timeout", every=0.005)
        if not is_sanitized():
            assert process.resident_kib(hasty.pid) - before < LITTLE_KIB
    assert hasty.metric("jobcast_streams_slow_closed_total") == 1


def test_a_drain_closes_with_1012_after_what_is_due(redis_server, start_gateway, job):
    gateway = start_gateway(redis_server)
    gateway.report(job, status="processing")
    with gateway.websocket() as ws:
        ws.watch(job)
        ws.job(job)
        gateway.process.terminate()
        assert ws.wait_closed() == 1012
        assert ws.seen[-1] == {"event": "gateway", "state": "draining"}
        ws.connection.close()
        assert gateway.wait_end() == 0


def test_a_job_retried_before_its_outcome_was_read_is_not_told_to_have_ended(gateway, worker, job):
    gateway.create(id=job, type="export")
    worker.report(job, status="processing")
    # Every version, so that the outcome stands behind far more than the sockets may still take.
    with gateway.websocket(receive_buffer=4096, answer_pings=False) as ws:
        ws.say("watch", jobs=[job], every=True)
        ws.job(job)
        for n in range(400):
            worker.report(job, message=f"Report {n} " + "x" * 300)
        worker.report(job, status="failed", error__title="No")
        assert gateway.post(f"/api/jobs/{job}/retry").status < 300
        ws.job(job, status="failed")
        assert ws.expect("job")["record"] == gateway.record(job)
        worker.report(job, status="processing")
        ws.expect("job")
        worker.report(job, status="done")
        ws.expect("job")
        ws.expect("end")

