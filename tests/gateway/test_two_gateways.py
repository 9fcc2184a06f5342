"""Several gateways on one Redis, on one port, and beside other versions of the function library."""
import re

import library
import pytest

from harness.wait import until

FAKE = """#!lua name=jobcast
redis.register_function{{function_name = 'jobcast_version', callback = function() return '{version}' end, flags = {{'no-writes'}}}}
"""


def test_a_watcher_of_one_gateway_sees_what_another_was_told(gateway, redis_server, start_gateway, new_job):
    other = start_gateway(redis_server)
    a, b = new_job(), new_job()
    with other.watch(a) as one, other.stream(f"/api/events?owner={b}") as owned:
        one.expect("missing")
        gateway.create(id=a)
        assert one.expect("job").version == 1
        gateway.report(a, status="processing", percent=10)
        assert one.expect("job").version == 2
        gateway.report(b, status="processing", owner=b)
        assert owned.expect("job").data["id"] == b
        gateway.post(f"/api/jobs/{a}/cancel")
        assert one.expect("job").data["cancel_requested"] is True
    assert gateway.get(f"/api/jobs/{a}/status").body == other.get(f"/api/jobs/{a}/status").body


def test_a_key_makes_one_job_whichever_gateway_is_asked(gateway, redis_server, start_gateway, job):
    other = start_gateway(redis_server)
    made = [one.post("/api/jobs", {"type": "export"}, {"Idempotency-Key": job}) for one in (gateway, other)]
    assert [r.status for r in made] == [202, 202]
    assert made[0].json()["id"] == made[1].json()["id"]


def test_namespaces_are_apart(gateway, redis_server, start_gateway, job):
    other = start_gateway(redis_server, REDIS_NAMESPACE="other")
    gateway.report(job, status="processing")
    assert other.get(f"/api/jobs/{job}/status").status == 404
    other.report(job, status="done")
    assert gateway.record(job)["status"] == "processing"


def test_a_port_that_is_taken_is_an_error(gateway, redis_server, start_gateway):
    second = start_gateway(redis_server, port=gateway.port, wait=False)
    assert second.wait_end() == 1
    assert str(gateway.port) in second.log()
    assert re.search(r"in use|taken", second.log()), second.log()
    assert gateway.is_ready()


def test_a_port_can_be_taken_again_at_once(redis_server, start_gateway, job):
    gateway = start_gateway(redis_server)
    gateway.report(job, status="processing")
    # Closed by the server, so that the port lingers in TIME_WAIT.
    with gateway.watch(job) as stream:
        stream.expect("job")
        assert gateway.stop() == 0
    gateway.start()
    assert gateway.is_ready()


def load(redis, source):
    redis.client().execute_command("FUNCTION", "LOAD", "REPLACE", source)


def version_in(redis):
    return redis.client().execute_command("FCALL", "jobcast_version", 1, "jobcast").decode()


@pytest.mark.parametrize("version", ["9.0", "0.9"])
def test_another_major_version_of_the_library_is_refused(start_redis, start_gateway, version):
    redis = start_redis()
    load(redis, FAKE.format(version=version))
    gateway = start_gateway(redis, wait=False)
    assert gateway.wait_end() == 1
    assert version in gateway.log() and "upgrade" in gateway.log(), gateway.log()
    assert version_in(redis) == version, "the library of others must not be touched"


def versions_around():
    """What the source says, and that with another minor version in place of it."""
    source = library.source()
    found = re.search(r"local VERSION = '(\d+)\.(\d+)'", source)
    major, minor = found.groups()

    def with_minor(other):
        return source.replace(found.group(0), f"local VERSION = '{major}.{other}'")
    return f"{major}.{minor}", int(minor), with_minor


def test_a_higher_minor_version_is_left_in_place(start_redis, start_gateway):
    ours, minor, with_minor = versions_around()
    redis = start_redis()
    load(redis, with_minor(minor + 1))
    gateway = start_gateway(redis)
    gateway.report("job", status="processing")
    assert version_in(redis) != ours


@pytest.mark.skipif(versions_around()[1] == 0, reason="there is no minor version below this one yet")
def test_a_lower_minor_version_is_replaced(start_redis, start_gateway):
    ours, minor, with_minor = versions_around()
    redis = start_redis()
    load(redis, with_minor(minor - 1))
    assert version_in(redis) != ours
    gateway = start_gateway(redis)
    until(lambda: version_in(redis) == ours, "the library to be replaced")
    gateway.report("job", status="processing")


def test_a_library_replaced_by_another_major_while_running_ends_the_gateway(start_redis, start_gateway):
    redis = start_redis()
    gateway = start_gateway(redis)
    load(redis, FAKE.format(version="9.0"))
    redis.kill()
    redis.start()
    assert gateway.wait_end(seconds=20) == 1
    assert "9.0" in gateway.log()


def test_a_redis_without_functions_is_refused_with_what_to_do(start_redis, start_gateway):
    # As Redis 6 and its like answer: the command is not known.
    redis = start_redis("--rename-command", "FUNCTION", "")
    gateway = start_gateway(redis, wait=False)
    assert gateway.wait_end() == 1
    assert "Redis 7 or later" in gateway.log()
