"""A Redis, jobs in it, and workers as people deployed them with 0.1.0."""
import os
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "gateway"))
pytest_plugins = ["harness.fixtures"]

from harness.gateway import Gateway  # noqa: E402
from harness.redis_server import RedisServer  # noqa: E402

import libraries  # noqa: E402
from jobs import DeployedWorker, Jobs  # noqa: E402

OLD_PROGRAM = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", "build", "compat", "0.1.0", "jobcast"))


class OldGateway(Gateway):
    """`jobcast serve` of 0.1.0, which tests/compat/build_0_1_0 builds."""

    program = OLD_PROGRAM


@pytest.fixture
def start_old_gateway(folder):
    started = []

    def start_one(redis=None, **options):
        name = f"{folder}/old-{os.urandom(4).hex()}"
        started.append(OldGateway(name, redis.url if redis else None, **options))
        return started[-1]
    yield start_one
    for one in started:
        one.check_end()


@pytest.fixture(scope="session")
def server(folder):
    """A Redis without a library; what a test leaves in it is taken away."""
    one = RedisServer(f"{folder}/compat-redis")
    yield one
    one.kill()


@pytest.fixture
def jobs(server):
    """The functions as gateways call them. A test loads the library that it is about."""
    client = server.client()
    client.flushdb()
    return Jobs(client)


@pytest.fixture
def worker(jobs, server):
    """Reports with the Redis user that was published with 0.1.0. Fails the test if that user was refused anything."""
    line = (libraries.PUBLISHED / "workers.acl").read_text(encoding="utf-8")
    jobs.redis.execute_command(*line.split())
    jobs.redis.execute_command("ACL", "LOG", "RESET")
    one = DeployedWorker(server.socket_path, jobs.redis)
    yield one
    refused = [(entry[b"object"], entry[b"context"]) for entry in map(by_name, jobs.redis.execute_command("ACL", "LOG"))]
    jobs.redis.execute_command("ACL", "DELUSER", "worker")
    assert refused == [], "the ACL of 0.1.0 does not grant these"


def by_name(pairs):
    return pairs if isinstance(pairs, dict) else dict(zip(pairs[::2], pairs[1::2]))
