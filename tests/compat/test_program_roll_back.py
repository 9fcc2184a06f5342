"""docs/compatibility.md: upgrading and rolling back, with its commands as printed and the program of 0.1.0."""
import os
import pathlib
import re
import shutil
import subprocess

import pytest

from harness.gateway import PROGRAM
from harness.redis_server import Worker

import libraries
from conftest import OLD_PROGRAM

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "compatibility.md").read_text(encoding="utf-8")


def printed(heading):
    """The shell blocks under a heading."""
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return re.findall(r"^ *```sh\n(.*?)^ *```$", section, re.DOTALL | re.MULTILINE)


class Place:
    """A machine on which a gateway runs: its Redis, its configuration, and the program in place."""

    def __init__(self, folder, redis, gateway):
        self.redis, self.gateway = redis, gateway
        self.program = folder / "jobcast"
        shutil.copy(OLD_PROGRAM, self.program)
        gateway.program = str(self.program)

    def follow(self, block):
        """Runs a printed block with this machine's paths, port and Redis; answers what it printed."""
        for by_example, own in (("/usr/local/bin/jobcast", self.program), ("/etc/jobcast.toml", self.gateway.config_path),
                                ("127.0.0.1:8080", f"127.0.0.1:{self.gateway.port}"), ("redis-cli -p 6390", f"redis-cli -s {self.redis.socket_path}"),
                                ("build/release/jobcast", os.path.abspath(PROGRAM))):
            block = block.replace(by_example, str(own))
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", block], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done
        return done.stdout

    def restart(self):
        assert self.gateway.stop() == 0
        self.gateway.start()


@pytest.fixture
def place(tmp_path, start_redis, start_old_gateway):
    redis = start_redis()
    return Place(tmp_path, redis, start_old_gateway(redis))


def library_in(redis):
    return Worker(redis).call("jobcast_version").decode()


def written(source):
    """Its version, as the function tells it."""
    return "%d.%d" % libraries.version_of(source)


def test_an_upgrade_and_a_roll_back_lose_nothing(place):
    keep_and_install, look = printed("Upgrade")
    (put_back,) = printed("Roll back the gateways")
    gateway = place.gateway
    gateway.create(id="a", owner="u", group="g")
    gateway.report("a", status="processing", progress={"percent": 10})

    place.follow(keep_and_install)
    assert place.program.read_bytes() == pathlib.Path(PROGRAM).read_bytes()
    place.restart()
    shown = place.follow(look)
    assert '"ready":true' in shown and shown.endswith(written(libraries.today()) + "\n")
    assert gateway.report("a", progress={"percent": 20})["version"] == 3
    gateway.configure("# what only the new version knows\n")

    place.follow(put_back)
    assert place.program.read_bytes() == pathlib.Path(OLD_PROGRAM).read_bytes()
    with open(gateway.config_path, encoding="utf-8") as config:
        assert config.read() == ""
    place.restart()
    assert library_in(place.redis) == written(libraries.today()), "the library stays"
    assert gateway.report("a", progress={"percent": 30})["version"] == 4
    with gateway.watch("a") as stream:
        stream.job(progress={"percent": 30})
        gateway.report("a", status="done")
        stream.job(status="done", version=5)
    assert gateway.record(gateway.record("a")["group_id"])["status"] == "done"


def test_the_library_can_be_rolled_back_under_running_jobs(place, start_gateway):
    (block,) = printed("Roll back the function library")
    new, old = start_gateway(place.redis), place.gateway
    new.report("a", status="processing", progress={"percent": 10})
    new.report("a", progress={"percent": 11})
    assert new.stop() == 0
    with old.watch("a") as stream:
        stream.job(version=2)
        assert place.follow(block).splitlines() == ["jobcast", written(libraries.old())]
        assert Worker(place.redis).report("a", percent=12) == ("ok", 3, False)
        stream.job(version=3)
        old.report("a", status="done")
        stream.job(status="done")
    place.restart()
    assert library_in(place.redis) == written(libraries.old())


def test_a_newer_gateway_loads_its_library_again(start_redis, start_gateway):
    redis = start_redis()
    redis.client().execute_command("FUNCTION", "LOAD", "REPLACE", libraries.old())
    start_gateway(redis)
    assert library_in(redis) == written(libraries.today())


def test_the_private_redis_of_an_older_gateway_is_taken_over_and_given_back(start_old_gateway, job):
    gateway = start_old_gateway()
    gateway.report(job, status="processing", progress={"percent": 1})
    for version, program in enumerate((PROGRAM, OLD_PROGRAM, PROGRAM), start=2):
        assert gateway.stop() == 0
        gateway.program = program
        gateway.start()
        assert gateway.report(job, progress={"percent": version})["version"] == version


def test_an_older_program_refuses_a_setting_it_does_not_know(tmp_path):
    config = tmp_path / "jobcast.toml"
    config.write_text("[server]\nof_a_later_version = 1\n", encoding="utf-8")
    done = subprocess.run([OLD_PROGRAM, "check", "--config", str(config)], capture_output=True, text=True, check=False)
    assert done.returncode != 0 and "of_a_later_version" in done.stderr
