"""Samples of README and of the pages for clients, as printed, each with the library that its users take."""
import json
import re
import shlex
import subprocess

import pytest

from harness.samples import PROJECT, Run, holding, printed
from harness.wait import until

COMMANDS = re.compile(r"^ *((?:redis-cli|curl) .*)$", re.MULTILINE)


def commands():
    """(page, line) of each command for the two servers that a reader has started, but for streams and lines with a placeholder."""
    pages = [PROJECT / "README.md", *sorted((PROJECT / "docs").glob("*.md"))]
    for page in pages:
        for block in re.findall(r"^ *```sh\n(.*?)^ *```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE):
            for line in COMMANDS.findall(block):
                ours = "-p 6390" in line or "http://127.0.0.1:8080" in line
                if ours and not any(word in line for word in (" -N ", "<", "| ")):
                    yield pytest.param(line, id=f"{page.name}: {line[:60]}")


@pytest.fixture(scope="module")
def gateway_config():
    return {"NOTIFY_SECRETS": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "NOTIFY_SMTP_URL": "smtp://127.0.0.1:9", "NOTIFY_FROM": "jobs@example.com"}


@pytest.mark.parametrize("line", commands())
def test_each_command_does_what_it_is_printed_for(gateway, redis_server, line):
    for job in ("inv-1", "inv-3"):
        gateway.report(job, status="pending")
    line = line.replace("-p 6390", f"-p {redis_server.port}").replace("127.0.0.1:8080", f"127.0.0.1:{gateway.port}")
    words = shlex.split(line, comments=True)
    if words[0] == "curl":
        words += ["--fail", "--silent", "--show-error"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=30, check=True)
    assert "ERR" not in done.stdout and "JOBCAST" not in done.stdout, done.stdout


def test_a_websocket_shows_the_jobs_that_the_page_on_websockets_watches(gateway, tmp_path):
    gateway.report("report-1", status="processing", percent=10)
    code = holding(printed("websocket.md", "js"), "new WebSocket(").replace("wss://jobs.example.com", f"ws://127.0.0.1:{gateway.port}")
    with Run("node", "import WebSocket from 'ws';\n" + code, tmp_path) as run:
        until(lambda: "report-1" in run.log and "report-2" in run.log, "both jobs")
        gateway.report("report-1", status="done")
        until(lambda: "'done'" in run.log, "the outcome")


def test_an_app_follows_a_job_from_before_it_exists_to_its_end(gateway, job, tmp_path):
    code = holding(printed("browser.md", "js"), "export async function follow(")
    call = json.dumps({"url": f"http://127.0.0.1:{gateway.port}", "job": job})
    before = gateway.metric("jobcast_request_errors_total")
    with Run("node", code + f"\nconst last = await follow({{ ...{call}, token: async () => 'none', onRecord: (r) => console.log(r.status) }});\n"
             "console.log('last', last.status);", tmp_path) as run:
        until(lambda: gateway.metric("jobcast_request_errors_total") > before, "it to be told that there is no such job")
        gateway.report(job, status="processing")
        until(lambda: "processing" in run.log, "the record")
        gateway.report(job, status="done")
        assert run.finish().splitlines()[-2:] == ["done", "last done"]
