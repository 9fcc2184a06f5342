"""docs/lifecycle.md: its configuration, its worker and its requests, as printed."""
import json
import pathlib
import re
import shlex
import subprocess
import sys

from harness import process
from harness.wait import until

DOCUMENT = (pathlib.Path(__file__).resolve().parents[2] / "docs" / "lifecycle.md").read_text(encoding="utf-8")


def printed(language):
    return re.findall(rf"```{language}\n(.*?)```", DOCUMENT, re.DOTALL)


def test_the_worker_does_what_the_request_asks_for(start_redis, start_gateway, tmp_path):
    redis = start_redis()
    gateway = start_gateway(redis, toml="\n".join(printed("toml")))
    (code,) = printed("python")
    assert "redis.Redis(port=6390, " in code
    code = code.replace("redis.Redis(port=6390, ", f"redis.Redis(unix_socket_path={redis.socket_path!r}, ")
    worker = process.start([sys.executable, "-c", code], str(tmp_path / "worker.log"))
    try:
        requests = [line for block in printed("sh") for line in block.splitlines() if " -d " in line]
        invoice, batch = [json.loads(subprocess.run(shlex.split(line.replace("127.0.0.1:8080", f"127.0.0.1:{gateway.port}")),
                                                    check=True, capture_output=True).stdout) for line in requests]
        assert gateway.record(batch["group_id"])["progress"]["total"] == 2
        job = invoice["id"]
        record = until(lambda: (r := gateway.record(job))["status"] == "done" and r, "the job to be done")
        assert record["result"] == {"url": "/files/1234.pdf"}
        assert gateway.get(f"/api/jobs/{job}/history").status == 200
        assert redis.client().xlen("jobcast:work:invoice") == 0
    finally:
        process.kill(worker)


def test_the_catalogue_says_what_users_read(start_redis, start_gateway, job):
    gateway = start_gateway(start_redis(), toml="\n".join(printed("toml")))
    gateway.report(f"{job}-1", status="failed", type="invoice", error={"code": "card_declined"})
    gateway.report(f"{job}-2", status="failed", type="export", error={"code": "smtp_421"})
    declined, unsent = (gateway.record(f"{job}-{n}")["error"] for n in (1, 2))
    assert (declined["title"], declined["severity"]) == ("The card was declined", "high")
    assert unsent["action"] == "Try again in a few minutes."
