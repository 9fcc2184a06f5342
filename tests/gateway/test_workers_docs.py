"""docs/workers.md: its samples, as printed, with the client libraries of Debian 12 and the newest ones, under the Redis user for
workers that the page has."""
import os
import re
import subprocess

import pytest

from harness.samples import LIBRARIES, PROJECT, PYTHONS, Run, document, holding, printed, until_a_read_came_back
from harness.wait import until

PAGE = "workers.md"
(WORKER,) = [line for line in document(PAGE).splitlines() if line.startswith("ACL SETUSER worker ")]
REPORTS = {  # how each library connects as that user to the port {port}, and what stands where the page has a connection of its own
    **{version: ("", ("redis.Redis(port=6390)", "redis.Redis(port={port}, username='worker', password='secret')")) for version in PYTHONS},
    "php": ("<?php $redis = new Redis(); $redis->connect('127.0.0.1', {port}); $redis->auth(['worker', 'secret']);\n", None),
    "ruby": ("require 'redis'\nredis = Redis.new(port: {port}, username: 'worker', password: 'secret')\n", None),
    "ioredis": ("import Redis from 'ioredis';\nconst redis = new Redis({ port: {port}, username: 'worker', password: 'secret' });\n",
                ("// ioredis", "\nredis.disconnect();")),
    "node-redis": ("import { createClient } from 'redis';\nconst client = createClient({ url: 'redis://worker:secret@127.0.0.1:{port}' });\n"
                   "await client.connect();\n", ("// redis", "\nclient.destroy();")),
}


def sample_of(library):
    if library in PYTHONS:
        return library, holding(printed(PAGE, "python"), "jobcast_report")
    if library in ("php", "ruby"):
        return library, holding(printed(PAGE, library), "jobcast_report")
    return "node", holding(printed(PAGE, "js"), "redis.call" if library == "ioredis" else "client.sendCommand")


def denials(server):
    client = server.client()
    client.set_response_callback("ACL LOG", lambda reply, **_: reply)
    return [entry for entry in client.execute_command("ACL LOG") if b"worker" in entry]


@pytest.fixture(scope="module")
def server(redis_server):
    redis_server.client().execute_command(*WORKER.split())
    return redis_server


@pytest.mark.parametrize("library", REPORTS)
def test_each_library_reports_as_printed_under_the_user_for_workers(server, gateway, job, tmp_path, library):
    language, code = sample_of(library)
    before, replace = REPORTS[library]
    code = code.replace("inv-1", job)
    if replace:
        assert replace[0] in code
        code = code.replace(*replace)
    server.client().execute_command("ACL", "LOG", "RESET")
    said = Run(language, (before + code).replace("{port}", str(server.port)), tmp_path).finish()
    record = gateway.record(job)
    assert record["status"] == ("failed" if library == "php" else "processing")
    assert record.get("error", {}).get("title", "Row 1337 has no amount") == "Row 1337 has no amount"
    assert said == "", "a warning"
    assert denials(server) == []


def test_redis_cli_reports_as_printed(server, gateway, job, tmp_path):
    code = holding(printed(PAGE, "sh"), "status done").replace("-p 6390", f"-p {server.port}").replace("inv-1", job)
    Run("sh", code, tmp_path).finish()
    assert gateway.record(job)["result"] == {"url": "/files/inv-1.pdf".replace("inv-1", job)}


def test_a_job_that_was_cancelled_while_it_waited_is_seen_by_the_sample(server, gateway, job, tmp_path):
    gateway.create(id=job)
    gateway.post(f"/api/jobs/{job}/cancel")
    code = holding(printed(PAGE, "python"), "jobcast_report").replace("inv-1", job).replace("port=6390", f"port={server.port}")
    ways = re.sub(r"\.\.\.  # (the job is over|stop, undo).*", r"print('\1')", code)
    assert Run("8.1.0", ways, tmp_path).finish() == "the job is over\n"


def test_the_libraries_are_the_pinned_ones():
    """`scripts/setup test` brings them; each is the newest there was when it was pinned."""
    pins = (PROJECT / "tests" / "samples" / "requirements.txt").read_text(encoding="utf-8")
    for version, python in PYTHONS.items():
        found = subprocess.run([python, "-c", "import redis; print(redis.__version__)"], capture_output=True, text=True, check=True).stdout
        assert found.strip() == version
    assert f"redis=={list(PYTHONS)[-1]} " in pins
    lock = "package-lock.json"
    assert (LIBRARIES / "node" / lock).read_text(encoding="utf-8") == (PROJECT / "tests" / "samples" / lock).read_text(encoding="utf-8")


# The follower of commands.

CALL = """
import os, sys
def say(*words):
    print(*words, flush=True)
    if os.environ.get("DIE_BEFORE_XACK"):
        os._exit(1)
follow({connection}, lambda *job: say("enqueue", *job), lambda job: say("remove", job))
"""
(CONNECTION,) = re.findall(r"Call it with `(redis\.Redis\(port=6390, .*?\))`", document(PAGE))


@pytest.fixture(params=PYTHONS)
def start_follower(request, tmp_path):
    started = []

    def start(server, name, block=None, user="", **environment):
        connection = CONNECTION.replace("6390", str(server.port) + user)
        code = holding(printed(PAGE, "python"), "def follow(") + CALL.replace("{connection}", connection)
        if block:
            assert "block=5000" in code
            code = code.replace("block=5000", f"block={block}")
        started.append(Run(request.param, code, tmp_path, name, {**os.environ, **environment}))
        return started[-1]
    yield start
    for one in started:
        one.kill()


def lines(follower):
    return [line for line in follower.log.splitlines() if line.startswith(("enqueue", "remove"))]


def test_the_follower_enqueues_what_is_tried_again_and_removes_what_is_cancelled(start_redis, start_gateway, start_follower):
    server = start_redis()
    gateway = start_gateway(server)
    follower = start_follower(server, "follower")
    until(lambda: server.client().hget("jobcast:followed", "read"), "the gateway to notice the follower")
    gateway.create(id="a", type="export")
    gateway.report("a", status="failed")
    assert gateway.record("a")["can"] == ["retry"]
    assert gateway.post("/api/jobs/a/retry").status == 202
    gateway.create(id="b", type="export")
    gateway.post("/api/jobs/b/cancel")
    until(lambda: len(lines(follower)) == 2, "two commands to be followed")
    assert lines(follower) == ["enqueue a export 2", "remove b"]
    until(lambda: server.client().xpending("jobcast:commands", "application")["pending"] == 0, "both to be acknowledged")


def test_the_follower_needs_no_more_than_the_user_printed_for_it(start_redis, start_gateway, start_follower):
    server = start_redis()
    client = server.client()
    (user,) = [line.strip() for line in document(PAGE).splitlines() if line.strip().startswith("ACL SETUSER app ")]
    client.execute_command(*user.split())
    gateway = start_gateway(server)
    follower = start_follower(server, "follower", user=", username='app', password='secret'")
    until(lambda: client.hget("jobcast:followed", "read"), "the gateway to notice the follower")
    gateway.create(id="a", type="export")
    gateway.post("/api/jobs/a/cancel")
    until(lambda: lines(follower) == ["remove a"], "the command to be followed")
    client.set_response_callback("ACL LOG", lambda reply, **_: reply)
    assert not [entry for entry in client.execute_command("ACL LOG") if b"app" in entry]


def test_what_a_follower_took_before_it_died_is_followed_by_the_next(start_redis, start_gateway, start_follower):
    server = start_redis()
    gateway = start_gateway(server)
    for job in ("a", "b"):
        gateway.create(id=job, type="export")
        gateway.post(f"/api/jobs/{job}/cancel")
    first = start_follower(server, "first", DIE_BEFORE_XACK="1")
    until(lambda: first.process.poll() is not None, "the first follower to die")
    second = start_follower(server, "second")
    until(lambda: len(lines(second)) == 2, "both commands to be followed")
    assert (lines(first), lines(second)) == (["remove a"], ["remove a", "remove b"])


def test_a_follower_goes_on_after_a_read_that_waited_longer_than_the_time_out_of_its_library(start_redis, start_follower):
    """That of redis-py 8 is 5 s unless the sample says otherwise."""
    server = start_redis()
    follower = start_follower(server, "idle", block=6000)
    until_a_read_came_back(server, follower)
    server.client().xadd("jobcast:commands", {"id": "a", "type": "export", "op": "cancel", "attempt": "1"})
    until(lambda: lines(follower) == ["remove a"], "the command to be followed")
