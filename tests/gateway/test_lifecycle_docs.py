"""docs/lifecycle.md: its configuration, its worker and its requests, as printed."""
import json
import shlex
import subprocess

import pytest

from harness.samples import PYTHONS, Run, printed, until_a_read_came_back
from harness.wait import until

PAGE = "lifecycle.md"
TOML = "\n".join(printed(PAGE, "toml"))


@pytest.fixture(params=PYTHONS)
def start_worker(request, tmp_path):
    started = []

    def start(server, block=None):
        (code,) = printed(PAGE, "python")
        assert "redis.Redis(port=6390, " in code and "block=5000" in code
        code = code.replace("port=6390", f"port={server.port}")
        started.append(Run(request.param, code.replace("block=5000", f"block={block}") if block else code, tmp_path))
        return started[-1]
    yield start
    for one in started:
        one.kill()


def test_the_worker_does_what_the_request_asks_for(start_redis, start_gateway, start_worker):
    redis = start_redis()
    gateway = start_gateway(redis, toml=TOML)
    start_worker(redis)
    requests = [line for block in printed(PAGE, "sh") for line in block.splitlines() if " -d " in line]
    invoice, batch = [json.loads(subprocess.run(shlex.split(line.replace("127.0.0.1:8080", f"127.0.0.1:{gateway.port}")),
                                                check=True, capture_output=True).stdout) for line in requests]
    assert gateway.record(batch["group_id"])["progress"]["total"] == 2
    job = invoice["id"]
    record = until(lambda: (r := gateway.record(job))["status"] == "done" and r, "the job to be done")
    assert record["result"] == {"url": "/files/1234.pdf"}
    assert gateway.get(f"/api/jobs/{job}/history").status == 200
    assert redis.client().xlen("jobcast:work:invoice") == 0


def test_the_worker_goes_on_after_a_read_that_waited_longer_than_the_time_out_of_its_library(start_redis, start_gateway, start_worker):
    """That of redis-py 8 is 5 s unless the sample says otherwise."""
    redis = start_redis()
    gateway = start_gateway(redis, toml=TOML)
    until_a_read_came_back(redis, start_worker(redis, block=6000))
    job = gateway.create(type="invoice", input={"order": 7})["id"]
    until(lambda: gateway.record(job)["status"] == "done", "the job to be done")


def test_the_catalogue_says_what_users_read(start_redis, start_gateway, job):
    gateway = start_gateway(start_redis(), toml=TOML)
    gateway.report(f"{job}-1", status="failed", type="invoice", error={"code": "card_declined"})
    gateway.report(f"{job}-2", status="failed", type="export", error={"code": "smtp_421"})
    declined, unsent = (gateway.record(f"{job}-{n}")["error"] for n in (1, 2))
    assert (declined["title"], declined["severity"]) == ("The card was declined", "high")
    assert unsent["action"] == "Try again in a few minutes."
