"""A browser test whose set-up fails ends at once and leaves nothing running: what it did start would keep it, and the whole
run, until a time-out."""
import glob
import os
import pathlib
import subprocess
import uuid

import pytest

PROJECT = pathlib.Path(__file__).resolve().parents[2]
FILES = sorted((PROJECT / "tests" / "browser").glob("*.test.js"))
SECONDS = 60


def left_running(mark):
    """Processes that have the mark in their environment."""
    found = []
    for path in glob.glob("/proc/[0-9]*/environ"):
        try:
            with open(path, "rb") as environment:
                if mark.encode() in environment.read():
                    found.append(path.split("/")[2])
        except OSError:  # it has just ended, or is of another user
            pass
    return found


def run(file, **environment):
    mark = f"JOBCAST_TEST_MARK={uuid.uuid4().hex}"
    done = subprocess.run(["scripts/with-node", "node", "tests/run_node_tests.mjs", file], cwd=PROJECT, timeout=SECONDS,
                          capture_output=True, text=True, check=False,
                          env={**os.environ, **environment, **dict([mark.split("=")])})
    return done, left_running(mark)


def starts(file, what):
    return what in file.read_text(encoding="utf-8")


def named(file):
    return file.name.removesuffix(".test.js")


@pytest.mark.parametrize("file", [f for f in FILES if starts(f, "RunningGateway.start") or starts(f, "RunningDemo.start")], ids=named)
def test_without_a_gateway_that_starts_the_browser_is_closed(file):
    done, left = run(file, JOBCAST_PROGRAM="/bin/false")
    assert done.returncode == 1
    assert left == []


@pytest.mark.parametrize("file", [f for f in FILES if starts(f, "launch()")], ids=named)
def test_without_a_browser_that_starts_the_gateway_is_ended(file):
    done, left = run(file, CHROMIUM="/bin/false")
    assert done.returncode == 1
    assert left == []
