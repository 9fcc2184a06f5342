"""The demo's job queue, on a real Redis: nothing that was put there is lost."""
import pathlib
import sys
import threading

import pytest
import redis

sys.path[:0] = [str(pathlib.Path(__file__).parents[2] / "web-demo"), str(pathlib.Path(__file__).parents[1] / "gateway")]

from demo_app.job_queue import JobQueue  # noqa: E402
from harness.redis_server import RedisServer  # noqa: E402

KINDS = ["a", "b", "c", "d"]


@pytest.fixture
def connection(tmp_path):
    server = RedisServer(tmp_path)
    yield redis.Redis(unix_socket_path=server.socket_path, decode_responses=True)
    server.kill()


def put(connection, kind, job):
    connection.xadd(f"jobcast:work:{kind}", {"id": job, "type": kind, "attempt": "1", "input": ""})


def test_of_several_kinds_that_wait_each_job_is_taken_once(connection):
    for kind in KINDS:
        for n in range(3):
            put(connection, kind, f"{kind}{n}")
    queue = JobQueue(connection, KINDS, threading.Event())
    taken = [queue.take("worker").id for _ in range(12)]
    assert sorted(taken) == sorted(f"{kind}{n}" for kind in KINDS for n in range(3))


def test_no_kind_waits_for_another_that_is_never_empty(connection):
    for n in range(20):
        put(connection, "a", f"a{n}")
    put(connection, "d", "d0")
    queue = JobQueue(connection, KINDS, threading.Event())
    assert "d0" in [queue.take("worker").id for _ in range(4)]


def test_a_worker_that_waits_takes_what_comes(connection):
    queue = JobQueue(connection, KINDS, threading.Event())
    taken = []
    waiting = threading.Thread(target=lambda: taken.append(queue.take("worker").id))
    waiting.start()
    put(connection, "c", "c0")
    waiting.join(20)
    assert taken == ["c0"]
