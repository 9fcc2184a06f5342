"""A job that is not yours and one that does not exist: the answer is the same (tests/gateway/test_access.py), and so is the way to it.

What an answer takes is the gateway's own few microseconds and what it asks Redis, so the commands are compared, as MONITOR tells them.
"""
import re

import pytest

from harness.tokens import PUBLISHER, auth_toml, bearer, token

BOB = bearer(token("bob"))


@pytest.fixture(scope="module")
def gateway_config():
    return {"toml": auth_toml()}


def asked_of_redis(redis_server, job, act):
    """The commands that name the job while `act` runs, without what differs from call to call."""
    client = redis_server.client()
    with client.monitor() as monitor:
        act()
        client.echo(f"end of {job}")
        commands = []
        for line in monitor.listen():
            if line["command"].startswith("ECHO"):
                break
            if job in line["command"]:
                commands.append(re.sub(r"\b\d{13}\b", "TIME", line["command"].replace(job, "JOB")))
    return commands


@pytest.mark.parametrize("method, target", [
    ("GET", "/api/jobs/{}/status"), ("GET", "/api/jobs/{}/history"), ("GET", "/api/jobs?ids={}"), ("POST", "/api/jobs/{}/cancel"),
    ("POST", "/api/jobs/{}/retry"), ("POST", "/api/jobs/{}/seen"),
])
def test_a_request_takes_the_same_way(gateway, redis_server, job, method, target):
    assert gateway.post("/api/jobs", {"id": job, "owner": "anna"}, PUBLISHER).status == 202
    others, unknown = [asked_of_redis(redis_server, one, lambda: gateway.request(method, target.format(one), headers=BOB))
                       for one in (job, f"{job}-none")]
    assert others == unknown and others, "nothing was asked"


def test_a_stream_takes_the_same_way(gateway, redis_server, job):
    assert gateway.post("/api/jobs", {"id": job, "owner": "anna"}, PUBLISHER).status == 202

    def watch(one):
        with gateway.watch(one, headers=BOB) as stream:
            stream.find(lambda event: event.name == "missing")
    others, unknown = [asked_of_redis(redis_server, one, lambda: watch(one)) for one in (job, f"{job}-none")]
    assert others == unknown and others


@pytest.mark.parametrize("method, path", [("GET", "status"), ("GET", "history"), ("POST", "cancel"), ("POST", "retry"), ("POST", "seen")])
def test_nothing_of_anothers_job_is_fetched_that_a_job_without_owner_would_not_have(gateway, redis_server, job, method, path):
    made = {"status": "done", "owner": "anna", "result": "x" * 50_000}
    assert gateway.post(f"/api/jobs/{job}/report", made, PUBLISHER).status == 200
    for one in (job, f"{job}-none"):
        commands = asked_of_redis(redis_server, one, lambda: gateway.request(method, f"/api/jobs/{one}/{path}", headers=BOB))
        assert [c.split()[0].upper() for c in commands] == ["FCALL", "HMGET"] and "doc" not in commands[1]
