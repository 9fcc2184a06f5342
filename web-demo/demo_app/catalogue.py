"""Builds the catalogue in a process of its own, which is killed in the middle of the first attempt, as a machine that goes down
would do it: nobody reports anything. jobcast notices, shows it, and has it done again.
"""
import json
import os
import subprocess
import sys
import threading
import time

_PAGES = 120
_KILLED_AT = 70
_SECONDS_PER_PAGE = 0.05


class WorkerLost(Exception):
    """The process is gone: there is nobody left to report."""


class Builder:
    """Called with a job and its reporter."""

    def __init__(self, redis_url):
        self._redis_url = redis_url

    def __call__(self, job, reporter):
        command = [sys.executable, "-m", "demo_app.catalogue", self._redis_url, json.dumps(vars(job))]
        with subprocess.Popen(command, cwd=os.path.dirname(os.path.dirname(os.path.abspath(__file__))), stdout=subprocess.PIPE, text=True) as child:
            for line in child.stdout:
                if job.attempt == 1 and int(line) == _KILLED_AT:
                    child.kill()
                    raise WorkerLost
        reporter.heed_exit(child.returncode)
        return {"pages": _PAGES}


def _build():
    import redis

    from .job_queue import Job
    from .reporter import Cancelled, Interrupted, Reporter, Superseded

    exits = {Cancelled: 10, Superseded: 11, Interrupted: 12}
    reports = redis.Redis.from_url(sys.argv[1], decode_responses=True, socket_timeout=5)
    reporter = Reporter(Job(**json.loads(sys.argv[2])), reports, threading.Event())
    try:
        reporter.step("Laying out the catalogue", _PAGES, "pages")
        for page in range(1, _PAGES + 1):
            time.sleep(_SECONDS_PER_PAGE)
            reporter.progress(page, _PAGES, "pages")
            print(page, flush=True)
    except tuple(exits) as reason:
        sys.exit(exits[type(reason)])


if __name__ == "__main__":
    _build()
