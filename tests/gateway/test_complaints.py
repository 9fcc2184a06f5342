"""What a fault or a stranger can repeat at will is one line of the log, with how many were kept back."""
import os
import socket

import pytest

from harness.gateway import PROGRAM
from harness.http_client import Closed
from harness.wait import until


def lines(gateway, words):
    return [line for line in gateway.log().splitlines() if words in line]


@pytest.fixture
def crowded(redis_server, start_gateway, monkeypatch, folder):
    """Has files for some 60 connections only."""
    script = os.path.join(folder, "few-files")
    with open(script, "w", encoding="ascii") as file:
        file.write(f'#!/bin/sh\nulimit -n 100\nexec "{PROGRAM}" "$@"\n')
    os.chmod(script, 0o700)
    monkeypatch.setattr("harness.gateway.Gateway.program", script)
    return start_gateway(redis_server, LIMITS_REQUEST_TIMEOUT="60s", LIMITS_HEARTBEAT="1s")


def test_a_gateway_without_files_says_so_once_a_minute(crowded, job):
    clock = crowded.watch(job)
    clock.expect("missing")
    held = [socket.create_connection(crowded.address) for _ in range(150)]
    until(lambda: lines(crowded, "cannot accept connections"), "the complaint")

    def beats():
        clock.glance()
        return clock.parser.comments
    before = beats()
    until(lambda: beats() >= before + 2, "a second to pass in the gateway")
    clock.close()
    for connection in held[:120]:
        connection.close()

    def served():
        try:
            return crowded.get("/healthz").status == 200
        except (Closed, ConnectionError):
            return False
    until(served, "files to be free again")
    # Each reactor has a listener.
    assert 1 <= len(lines(crowded, "cannot accept connections")) <= 2
    for connection in held:
        connection.close()


def test_a_redis_that_refuses_to_supervise_is_complained_of_once_a_minute(start_redis, start_gateway):
    redis = start_redis()
    gateway = start_gateway(redis)
    client = redis.client()
    client.execute_command("REPLICAOF", "127.0.0.1", "1")

    def refused():
        calls = client.info("commandstats")["cmdstat_fcall"]
        return calls["failed_calls"] + calls["rejected_calls"]
    until(lambda: lines(gateway, "jobs cannot be supervised: READONLY"), "the complaint")
    before = refused()
    until(lambda: refused() >= before + 10, "more calls to be refused")
    assert len(lines(gateway, "jobs cannot be supervised")) == 1


def test_an_outage_of_redis_is_a_line_for_each_connection_and_one_when_it_is_over(start_redis, start_gateway):
    redis = start_redis()
    gateway = start_gateway(redis, SERVER_REACTORS="1")
    before = len(lines(gateway, "redis commands: connected"))
    redis.kill()
    until(lambda: lines(gateway, "redis commands: connection lost"), "the loss to be told")
    until(lambda: gateway.get("/readyz").status == 503, "the loss to be seen")
    redis.start()
    until(gateway.is_ready, "Redis to be back")
    until(lambda: len(lines(gateway, "redis commands: connected")) > before, "the end of the outage to be told")
    # A reactor's and the notifier's.
    assert len(lines(gateway, "redis commands: connection lost")) <= 2
    assert len(lines(gateway, "redis commands: cannot connect")) == 0


def test_streams_that_stall_together_are_one_line(redis_server, start_gateway, worker, job):
    gateway = start_gateway(redis_server, SERVER_REACTORS="1", LIMITS_WRITE_TIMEOUT="1s", LIMITS_HEARTBEAT="1s")
    streams = [gateway.stream(f"/api/jobs/{job}/events?every=true", receive_buffer=4096) for _ in range(5)]
    for stream in streams:
        stream.expect("missing")
    message = "x" * 500

    def closed():
        for _ in range(50):
            worker.report(job, message=message)
        return gateway.metric("jobcast_streams_slow_closed_total") >= 5
    until(closed, "the streams to be closed", every=0.005)
    assert len(lines(gateway, "client took nothing")) == 1
    for stream in streams:
        stream.close()
