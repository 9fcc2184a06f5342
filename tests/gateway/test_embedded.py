"""Without redis.url: a private redis-server, which starts, ends, restarts and keeps its data with the gateway."""
import glob
import os
import signal

import pytest
import redis

from harness import process
from harness.wait import until


@pytest.fixture
def gateway(start_gateway):
    return start_gateway()


def redis_children(gateway):
    found = []
    for child in process.children(gateway.pid):
        with open(f"/proc/{child}/cmdline", "rb") as command:
            if b"redis" in command.read():
                found.append(child)
    return found


def worker_port(gateway):
    return int(gateway.config["REDIS_EMBEDDED_PORT"])


def listening(pid):
    """The (address, port) pairs, as the kernel writes them, on which a process waits for TCP connections."""
    sockets = {os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")}
    found = set()
    # tcp6 is there only where the kernel has IPv6.
    for table in glob.glob(f"/proc/{pid}/net/tcp*"):
        with open(table, encoding="ascii") as rows:
            for row in [line.split() for line in rows][1:]:
                if row[3] == "0A" and f"socket:[{row[9]}]" in sockets:
                    found.add(tuple(row[1].split(":")))
    return found


def test_it_works_without_any_configuration_of_redis(gateway):
    assert len(redis_children(gateway)) == 1
    gateway.create(id="job", owner="zoe")
    with gateway.watch("job") as stream:
        stream.expect("job")
        gateway.report("job", status="processing", percent=10)
        assert stream.expect("job").version == 2
        gateway.report("job", status="done")
        assert stream.expect("job").data["status"] == "done"
        stream.expect("end")


def test_workers_reach_it_on_loopback(gateway):
    client = redis.Redis(host="127.0.0.1", port=worker_port(gateway))
    answer = client.execute_command("FCALL", "jobcast_report", 1, "jobcast", "job", "status", "processing")
    assert answer[:2] == [b"ok", 1]
    assert gateway.record("job")["status"] == "processing"


def test_data_survives_an_orderly_restart(gateway):
    gateway.create(id="job", owner="zoe")
    (child,) = redis_children(gateway)
    assert gateway.stop() == 0
    until(lambda: not process.alive(child), "the private redis-server to end")
    gateway.start()
    assert gateway.record("job")["owner"] == "zoe"


def test_it_ends_and_its_data_survives_when_the_gateway_is_killed(gateway):
    gateway.create(id="job")
    gateway.report("job", status="processing", percent=30)
    (child,) = redis_children(gateway)
    gateway.kill()
    until(lambda: not process.alive(child), "the private redis-server to end")
    gateway.start()
    assert gateway.record("job")["progress"]["percent"] == 30
    assert gateway.report("job", percent=40)["version"] == 3


def test_it_is_restarted_when_it_dies(gateway):
    gateway.report("job", status="processing")
    with gateway.watch("job") as stream:
        stream.expect("job")
        (child,) = redis_children(gateway)
        os.kill(child, signal.SIGKILL)
        stream.find(lambda e: e.data == {"state": "degraded"})
        stream.find(lambda e: e.data == {"state": "ok"})
        # The stream's reactor is back; the one that is asked next may need a moment more.
        until(lambda: gateway.post("/api/jobs/job/report", {"percent": 10}).status == 200, "the report to be taken")
        assert stream.job(version=2)
    assert redis_children(gateway) != [child]


def test_a_port_in_use_is_an_error_and_not_a_neighbour_to_talk_to(start_gateway, start_redis):
    neighbour = start_redis()
    gateway = start_gateway(wait=False, REDIS_EMBEDDED_PORT=str(neighbour.port))
    assert gateway.wait_end() in (1, 2)
    assert str(neighbour.port) in gateway.log()
    assert neighbour.client().dbsize() == 0
    assert neighbour.client().execute_command("FUNCTION", "LIST") == []


def test_the_data_directory_serves_one_gateway(gateway, start_gateway):
    second = start_gateway(wait=False, SERVER_DATA_DIR=gateway.config["SERVER_DATA_DIR"])
    assert second.wait_end() in (1, 2)
    assert gateway.config["SERVER_DATA_DIR"] in second.log()
    assert gateway.is_ready()


def test_without_a_port_only_the_gateway_reaches_it(start_gateway):
    gateway = start_gateway(REDIS_EMBEDDED_PORT="0")
    gateway.report("job", status="processing")
    (child,) = redis_children(gateway)
    assert listening(child) == set()


def test_the_worker_port_is_on_loopback_only(gateway):
    (child,) = redis_children(gateway)
    assert listening(child) == {("0100007F", f"{worker_port(gateway):04X}")}
