"""docs/workers.md: the follower of commands, as printed."""
import pathlib
import re
import sys

from harness import process
from harness.wait import until

DOCUMENT = (pathlib.Path(__file__).resolve().parents[2] / "docs" / "workers.md").read_text(encoding="utf-8")
(FOLLOWER,) = [code for code in re.findall(r"```python\n(.*?)```", DOCUMENT, re.DOTALL) if "def follow(" in code]
PROGRAM = FOLLOWER + """
import os, sys
r = redis.Redis(unix_socket_path=sys.argv[1], decode_responses=True, socket_timeout=None)
def say(*words):
    print(*words, flush=True)
    if os.environ.get("DIE_BEFORE_XACK"):
        os._exit(1)
follow(r, lambda *job: say("enqueue", *job), lambda job: say("remove", job))
"""


class Follower:
    def __init__(self, server, folder, name, **environment):
        self.log = folder / name
        self.process = process.start([sys.executable, "-c", PROGRAM, server.socket_path], str(self.log), environment)

    def lines(self):
        return [line for line in self.log.read_text().splitlines() if line.startswith(("enqueue", "remove"))]


def test_the_follower_enqueues_what_is_tried_again_and_removes_what_is_cancelled(start_redis, start_gateway, tmp_path):
    server = start_redis()
    gateway = start_gateway(server)
    follower = Follower(server, tmp_path, "follower.log")
    try:
        until(lambda: server.client().hget("jobcast:followed", "read"), "the gateway to notice the follower")
        gateway.create(id="a", type="export")
        gateway.report("a", status="failed")
        assert gateway.record("a")["can"] == ["retry"]
        assert gateway.post("/api/jobs/a/retry").status == 202
        gateway.create(id="b", type="export")
        gateway.post("/api/jobs/b/cancel")
        until(lambda: len(follower.lines()) == 2, "two commands to be followed")
        assert follower.lines() == ["enqueue a export 2", "remove b"]
        until(lambda: server.client().xpending("jobcast:commands", "application")["pending"] == 0, "both to be acknowledged")
    finally:
        process.kill(follower.process)


def test_what_a_follower_took_before_it_died_is_followed_by_the_next(start_redis, start_gateway, tmp_path):
    server = start_redis()
    gateway = start_gateway(server)
    for job in ("a", "b"):
        gateway.create(id=job, type="export")
        gateway.post(f"/api/jobs/{job}/cancel")
    first = Follower(server, tmp_path, "first.log", DIE_BEFORE_XACK="1")
    until(lambda: first.process.poll() is not None, "the first follower to die")
    second = Follower(server, tmp_path, "second.log")
    try:
        until(lambda: len(second.lines()) == 2, "both commands to be followed")
        assert (first.lines(), second.lines()) == (["remove a"], ["remove a", "remove b"])
    finally:
        process.kill(second.process)
