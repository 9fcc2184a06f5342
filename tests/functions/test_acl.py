"""docs/workers.md: the Redis user for workers, exactly as documented."""
import pathlib

import pytest
import redis

from conftest import Jobs

DOCUMENT = pathlib.Path(__file__).resolve().parents[2] / "docs" / "workers.md"


@pytest.fixture
def worker(server):
    (line,) = [line for line in DOCUMENT.read_text(encoding="utf-8").splitlines() if line.startswith("ACL SETUSER worker")]
    server.execute_command(*line.split())
    path = server.connection_pool.connection_kwargs["path"]
    yield Jobs(redis.Redis(unix_socket_path=path, username="worker", password="secret"), "jobcast")
    server.execute_command("ACL", "DELUSER", "worker")
    for key in server.scan_iter("jobcast*"):
        server.delete(key)


def test_it_can_report_a_whole_life_and_send_heartbeats(worker):
    worker.redis.ping()
    assert worker.report("a", status="processing", percent=1, owner="u", type="x")[0] == "ok"
    assert worker.call("heartbeat", "a")[0] == b"ok"
    assert worker.report("a", status="retrying", retry_in=5)[0] == "ok"
    assert worker.report("a", status="done", result="[]")[0] == "ok"
    for status in ("processing", "failed"):
        assert worker.report("b", status=status, group="g", owner="u")[0] == "ok"


def test_it_can_report_the_failure_of_a_job_that_an_application_created(worker, server):
    Jobs(server, "jobcast").create("a", type="x")
    assert worker.report("a", status="failed", error__title="Broken")[0] == "ok"


@pytest.mark.parametrize("command", [
    ("FCALL", "jobcast_create", "1", "jobcast", "b"), ("FCALL", "jobcast_cancel", "1", "jobcast", "a"), ("FCALL", "jobcast_get", "1", "jobcast", "a"),
    ("FCALL", "jobcast_delete", "1", "jobcast", "a"), ("FCALL", "jobcast_supervise", "1", "jobcast", "1"), ("FCALL_RO", "jobcast_version", "1", "jobcast"),
    ("GET", "other"), ("KEYS", "*"), ("SCAN", "0"), ("FLUSHALL",), ("CONFIG", "GET", "*"), ("FUNCTION", "DELETE", "jobcast"), ("EVAL", "return 1", "0"),
    ("DEL", "jobcast:job:a"), ("HSET", "other", "a", "b"), ("PUBLISH", "other", "x"), ("SUBSCRIBE", "jobcast:event:a"), ("ACL", "LIST"), ("SHUTDOWN",)])
def test_it_can_do_nothing_else(worker, command):
    with pytest.raises(redis.exceptions.NoPermissionError):
        worker.redis.execute_command(*command)


def test_another_namespace_is_out_of_its_reach(worker):
    with pytest.raises(redis.exceptions.ResponseError):
        worker.redis.execute_command("FCALL", "jobcast_report", 1, "other", "a", "status", "processing")
