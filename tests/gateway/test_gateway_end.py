"""A gateway that is killed loses nothing; one that is asked to end drains."""
import signal
import ssl
import time

import pytest

from harness.certificates import make_certificate
from harness.gateway import DRAIN_SECONDS, refuses
from harness.http_client import encode_request
from harness.redis_server import Worker
from harness.wait import until


@pytest.fixture(scope="module")
def redis(redis_server):
    return redis_server


def test_a_killed_gateway_is_replaced_and_the_state_is_right(redis, start_gateway, job):
    worker = Worker(redis)
    gateway = start_gateway(redis)
    gateway.report(job, status="processing", percent=40)
    with gateway.watch(job) as stream:
        last = stream.expect("job").id
        gateway.kill()
        stream.wait_closed()
    worker.report(job, percent=80)
    gateway.start()
    with gateway.watch(job, headers={"Last-Event-ID": last}) as stream:
        event = stream.expect("job")
        assert (event.version, event.data["progress"]["percent"]) == (2, 80)
        worker.report(job, status="done", result="[]")
        assert stream.expect("job").data["status"] == "done"
        stream.expect("end")
    assert gateway.record(job)["result"] == []


def test_sigterm_drains_streams_and_polls_and_exits_0(redis, start_gateway, job):
    gateway = start_gateway(redis)
    gateway.report(job, status="processing", owner=job)
    tag = gateway.get(f"/api/jobs/{job}/status").header("ETag")
    poll = gateway.connect()
    poll.send(b"GET /api/jobs/%s/status HTTP/1.1\r\nHost: x\r\nPrefer: wait=60\r\nIf-None-Match: %s\r\n\r\n"
              % (job.encode(), tag.encode()))
    idle = gateway.connect()
    assert idle.request("GET", "/healthz").status == 200
    streams = [gateway.watch(job), gateway.watch(job, f"{job}.b"), gateway.stream(f"/api/events?owner={job}")]
    for stream in streams:
        stream.job(job)
        del stream.unread[:]
    until(lambda: b"jobcast_long_polls 1" in gateway.get("/metrics").body, "the poll to be held")

    began = time.monotonic()
    gateway.process.send_signal(signal.SIGTERM)
    for stream in streams:
        retries = len(stream.parser.retries)
        stream.wait_closed()
        assert stream.seen[-1].name == "gateway" and stream.seen[-1].data == {"state": "draining"}
        # Told when to come back, so that not all come back at once.
        assert len(stream.parser.retries) == retries + 1
    assert poll.response().status in (200, 304, 503)
    assert idle.rest() == b""
    assert gateway.wait_end() == 0
    assert time.monotonic() - began < DRAIN_SECONDS + 2
    poll.close(), idle.close()


def test_a_draining_gateway_takes_no_new_connections(redis, start_gateway, job):
    gateway = start_gateway(redis, SERVER_DRAIN_TIMEOUT="3s")
    # A request that is under way keeps the drain from ending early.
    with gateway.connect() as slow:
        slow.send(b"POST /api/jobs/x/report HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        gateway.process.send_signal(signal.SIGTERM)

        until(lambda: refuses(gateway), "new connections to be refused", seconds=2.5)
        assert gateway.wait_end() == 0


def test_readiness_goes_red_while_draining(redis, start_gateway):
    gateway = start_gateway(redis, SERVER_DRAIN_TIMEOUT="3s")
    with gateway.connect() as balancer:
        request = b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n"
        # A request under way when the drain begins is still answered; the rest of its head comes afterwards. Once the
        # first is answered, the gateway has the begin of the second.
        balancer.send(request + request[:20])
        assert balancer.response().status == 200
        gateway.process.send_signal(signal.SIGTERM)
        until(lambda: refuses(gateway), "every reactor to drain", seconds=2.5)
        balancer.send(request[20:])
        assert balancer.response().status == 503
    assert gateway.wait_end() == 0


def test_a_stalled_client_does_not_hold_up_the_end(redis, start_gateway, job):
    gateway = start_gateway(redis, SERVER_DRAIN_TIMEOUT="2s")
    worker = Worker(redis)
    worker.report(job, status="processing")
    with gateway.stream(f"/api/jobs/{job}/events?every=true", receive_buffer=4096) as stream:
        stream.expect("job")
        with worker.redis.pipeline(transaction=False) as pipe:
            for n in range(2000):
                pipe.execute_command("FCALL", "jobcast_report", 1, "jobcast", job, "message", f"{n} " + "x" * 400)
            pipe.execute()
        until(lambda: b"jobcast_stream_blocked_total 0" not in gateway.get("/metrics").body, "the stream to be blocked")
        began = time.monotonic()
        assert gateway.stop() == 0
        assert time.monotonic() - began < 6


def test_a_second_sigterm_ends_at_once(redis, start_gateway, job):
    gateway = start_gateway(redis, SERVER_DRAIN_TIMEOUT="60s")
    with gateway.connect() as slow:
        slow.send(b"POST /api/jobs/x/report HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        until(lambda: b"jobcast_connections 2" in gateway.get("/metrics").body, "the connection to be known")
        gateway.process.send_signal(signal.SIGTERM)
        until(lambda: "shutting down" in gateway.log(), "the drain to begin")
        gateway.process.send_signal(signal.SIGTERM)
        gateway.wait_end(seconds=5)


def test_two_signals_at_once_end_it_while_polls_and_streams_are_held(redis, start_gateway, job):
    gateway = start_gateway(redis, SERVER_REACTORS="1")
    gateway.report(job, status="processing")
    tag = gateway.get(f"/api/jobs/{job}/status").header("ETag")
    with gateway.connect() as poll, gateway.watch(job) as stream, gateway.websocket() as ws:
        stream.expect("job")
        ws.watch(job)
        poll.send(f"GET /api/jobs/{job}/status HTTP/1.1\r\nHost: x\r\nPrefer: wait=60\r\nIf-None-Match: {tag}\r\n\r\n".encode())
        until(lambda: gateway.metric("jobcast_long_polls") == 1, "the poll to be held")
        # Stopped, so that both are there when it looks.
        gateway.process.send_signal(signal.SIGSTOP)
        for one in (signal.SIGTERM, signal.SIGINT, signal.SIGCONT):
            gateway.process.send_signal(one)
        assert gateway.wait_end(seconds=5) == 0


def test_sigint_drains_too(redis, start_gateway):
    assert start_gateway(redis).stop(signal.SIGINT) == 0


def test_sighup_is_survived(redis, start_gateway, job):
    gateway = start_gateway(redis)
    gateway.report(job, status="processing")
    with gateway.watch(job) as stream:
        stream.expect("job")
        gateway.process.send_signal(signal.SIGHUP)
        gateway.report(job, percent=10)
        assert stream.expect("job").version == 2
    assert gateway.is_ready()


def patient(redis, start_gateway, **options):
    """A gateway that would wait longer for a request, and for its end, than a test does."""
    return start_gateway(redis, SERVER_DRAIN_TIMEOUT="10m", LIMITS_REQUEST_TIMEOUT="10m", LIMITS_KEEP_ALIVE="10m", **options)


def told(gateway, connections):
    until(lambda: gateway.metric("jobcast_connections") >= connections + 1, "the connections to be accepted")


@pytest.mark.parametrize("sent", [b"", b"\r\n"], ids=["nothing", "an empty line"])
def test_a_connection_that_has_asked_nothing_does_not_hold_up_the_end(redis, start_gateway, sent):
    gateway = patient(redis, start_gateway)
    crowd = [gateway.connect() for _ in range(20)]
    for one in crowd:
        one.send(sent)
    told(gateway, len(crowd))
    assert gateway.stop() == 0
    for one in crowd:
        one.close()


def test_connections_that_come_with_the_signal_do_not_hold_up_the_end(redis, start_gateway):
    gateway = patient(redis, start_gateway)
    gateway.process.send_signal(signal.SIGTERM)
    crowd = []
    try:
        while True:
            crowd.append(gateway.connect())
    except ConnectionError:
        pass
    assert gateway.wait_end() == 0
    for one in crowd:
        one.close()


@pytest.mark.parametrize("said", [b"", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc"], ids=["nothing", "half a greeting"])
def test_a_tls_handshake_does_not_hold_up_the_end(redis, start_gateway, folder, said):
    certificate, key = make_certificate(folder, "drained")
    gateway = patient(redis, start_gateway, SERVER_TLS_CERTIFICATE=certificate, SERVER_TLS_KEY=key,
                      tls=ssl.create_default_context(cafile=certificate))
    crowd = [gateway.connect(tls=None) for _ in range(20)]
    for one in crowd:
        one.send(said)
    told(gateway, len(crowd))
    assert gateway.stop() == 0
    for one in crowd:
        one.close()


def test_a_request_that_has_begun_is_answered_while_draining(redis, start_gateway):
    gateway = patient(redis, start_gateway)
    with gateway.connect() as one:
        request = encode_request("GET", "/healthz", None, (), gateway.address)
        one.send(request[:10])
        told(gateway, 1)
        gateway.process.send_signal(signal.SIGTERM)
        until(lambda: refuses(gateway), "the drain to begin")
        one.send(request[10:])
        assert one.response().body == b"ok\n"
    assert gateway.wait_end() == 0
