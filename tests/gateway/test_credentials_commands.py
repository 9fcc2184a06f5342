"""`jobcast token` and `jobcast key`: what they print is what the gateway takes."""
import re
import subprocess

import pytest

from harness.gateway import PROGRAM
from harness.redis_server import Worker
from harness.tokens import auth_toml, bearer
from harness.wait import until


@pytest.fixture(scope="module")
def gateway_config():
    return {"toml": auth_toml()}


def run(gateway, *arguments):
    return subprocess.run([PROGRAM, *arguments, "--config", gateway.config_path], env=gateway.environment(), capture_output=True, text=True,
                          timeout=30, check=False)


def minted(gateway, *arguments):
    done = run(gateway, "token", *arguments)
    assert done.returncode == 0 and not done.stderr, done
    assert re.fullmatch(r"[\w-]+\.[\w-]+\.[\w-]+\n", done.stdout), "the token and nothing else, for a shell to take"
    return bearer(done.stdout.strip())


def test_a_token_that_was_printed_is_taken_for_what_it_says(gateway, worker, job, new_job):
    other = new_job()
    worker.report(job, owner="anna")
    worker.report(other, owner="bob")

    def statuses(headers):
        return [gateway.get(f"/api/jobs/{one}/status", headers).status for one in (job, other)]
    assert statuses(minted(gateway, "--sub", "anna")) == [200, 404]
    assert statuses(minted(gateway, "--sub", "anna", "--tenant", "acme")) == [404, 404]
    assert statuses(minted(gateway, "--job", other)) == [404, 200]
    assert statuses(minted(gateway, "--job", other, "--job", job)) == [200, 200]
    assert statuses(minted(gateway, "--scope", "jobs:read:all")) == [200, 200]
    operator = minted(gateway, "--scope", "operator")
    assert gateway.get("/metrics", operator).status == 200
    publisher = minted(gateway, "--scope", "jobs:publish")
    assert gateway.post(f"/api/jobs/{job}/report", {"percent": 5}, publisher).status == 200


def test_a_token_ends_when_it_was_told_to(gateway, worker, job):
    worker.report(job, owner="anna")
    short = minted(gateway, "--sub", "anna", "--ttl", "1s")
    until(lambda: gateway.get(f"/api/jobs/{job}/status", short).status == 401, "the end of the token")


@pytest.mark.parametrize("arguments, named", [
    ((), "--sub"), (("--sub", "anna", "--ttl", "soon"), "--ttl"), (("--sub", "anna", "--ttl", "0s"), "--ttl"),
    (("--sub", "anna", "--kid", "none"), "none"), (("--sub", "anna", "--key", "/nowhere.pem", "--algorithm", "ES256"), "/nowhere.pem"),
    (("--sub", "anna", "--key", "/nowhere.pem", "--algorithm", "none"), "--algorithm"), (("--subject", "anna"), "--subject"),
    (("--sub", "anna", "--scope", "jobs:publsh"), "jobs:publish"),
])
def test_an_argument_that_is_wrong_is_named(gateway, arguments, named):
    done = run(gateway, "token", *arguments)
    assert done.returncode == 2 and not done.stdout.startswith("ey")
    assert named in done.stderr + done.stdout


def test_a_key_that_was_printed_publishes_once_its_lines_are_in_the_configuration(redis_server, start_gateway, job):
    printed = subprocess.run([PROGRAM, "key", "printing"], capture_output=True, text=True, timeout=30, check=True).stdout
    key = re.search(r"jck_[\w-]+", printed).group()
    lines = re.search(r'\[auth\.publishers\."printing"\].*\Z', printed, re.DOTALL).group()
    assert key not in lines, "the configuration holds no key"
    gateway = start_gateway(redis_server, toml=auth_toml() + "\n".join(line.strip() for line in lines.splitlines()) + "\n")
    assert gateway.post(f"/api/jobs/{job}/report", {"percent": 5}, bearer(key)).status == 200
    assert gateway.post(f"/api/jobs/{job}/report", {"percent": 5}, bearer(key + "x")).status == 401
    assert key not in gateway.log()
    assert Worker(redis_server).report(job, percent=6)
    again = subprocess.run([PROGRAM, "key", "printing"], capture_output=True, text=True, timeout=30, check=True).stdout
    assert key not in again, "every key is a new one"


@pytest.mark.parametrize("name", ['a"b', "", "a b", "x" * 65, "a\nb", "]"])
def test_a_name_that_the_configuration_would_not_take_is_refused(name):
    done = subprocess.run([PROGRAM, "key", name], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 2 and "1 to 64 of" in done.stderr and done.stdout == ""
