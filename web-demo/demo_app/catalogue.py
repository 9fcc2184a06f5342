"""Builds the catalogue in a process of its own, which is killed in the middle of the first attempt, as a machine that goes down
would do it: nobody reports anything. jobcast notices, shows it, and has it done again.
"""
import json
import pathlib
import signal
import subprocess
import sys
import threading
import time

import redis

from .job_queue import Job
from .reporter import Cancelled, Interrupted, Reporter, Superseded

_PAGES = 120
_KILLED_AT = 70
_SECONDS_PER_PAGE = 0.05
_EXITS = {Cancelled: 10, Superseded: 11, Interrupted: 12}


class WorkerLost(Exception):
    """The process is gone: there is nobody left to report."""


class Builder:
    """Called with a job and its reporter, which is left to the process: it reports for itself."""

    def __init__(self, redis_url, stopping):
        self._redis_url = redis_url
        self._stopping = stopping

    def __call__(self, job, _):
        command = [sys.executable, "-m", "demo_app.catalogue", self._redis_url, json.dumps(vars(job))]
        with subprocess.Popen(command, cwd=pathlib.Path(__file__).parents[1], stdout=subprocess.PIPE, text=True) as process:
            for page in process.stdout:
                if job.attempt == 1 and int(page) == _KILLED_AT:
                    process.kill()
                    raise WorkerLost
                if self._stopping.is_set():
                    process.terminate()
        for reason, code in _EXITS.items():
            if process.returncode == code:
                raise reason
        if process.returncode != 0:
            raise RuntimeError(f"the process ended with {process.returncode}")
        return {"pages": _PAGES}


def _build(redis_url, job):
    stopping = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stopping.set())
    reporter = Reporter(job, redis.Redis.from_url(redis_url, decode_responses=True, socket_timeout=5), stopping)
    try:
        reporter.step("Laying out the catalogue", _PAGES, "pages")
        for page in range(1, _PAGES + 1):
            time.sleep(_SECONDS_PER_PAGE)  # not `stopping.wait`: the handler, in this same thread, would wait for its lock
            reporter.progress(page, _PAGES, "pages")
            print(page, flush=True)
    except tuple(_EXITS) as reason:
        sys.exit(_EXITS[type(reason)])


if __name__ == "__main__":
    _build(sys.argv[1], Job(**json.loads(sys.argv[2])))
