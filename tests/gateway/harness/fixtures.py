"""Fixtures of the end-to-end and attack tests: a Redis and a gateway per file, and factories for tests that need their own."""
import itertools
import os
import re
import resource
import shutil
import tempfile

import pytest

from .gateway import PROGRAM, Gateway
from .redis_server import RedisServer, Worker

_count = itertools.count(1)
# Of gateways that a test does not configure: jobs of this type may be tried again, though nobody follows their commands.
JOBS = """
[jobs.types.export]
user_retry = true
"""


def pytest_sessionstart(session):
    if not os.access(PROGRAM, os.X_OK):
        pytest.exit(f"{PROGRAM} is not built; set JOBCAST_PROGRAM", returncode=2)
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


@pytest.fixture(scope="session")
def folder():
    """Short, since the path of a unix socket may take about 100 bytes."""
    path = tempfile.mkdtemp(prefix="jobcast-")
    yield path
    shutil.rmtree(path, ignore_errors=True)


def redis_factory(folder):
    started = []

    def start(*options):
        started.append(RedisServer(os.path.join(folder, f"redis-{next(_count)}"), *options))
        return started[-1]
    yield start
    for server in started:
        server.kill()


def gateway_factory(folder):
    started = []

    def start(redis=None, **options):
        url = redis.url if redis else None
        options.setdefault("toml", JOBS)
        started.append(Gateway(os.path.join(folder, f"gateway-{next(_count)}"), url, **options))
        return started[-1]
    yield start
    problems = []
    for one in started:
        try:
            one.check_end()
        except AssertionError as problem:
            problems.append(str(problem))
    assert not problems, "\n\n".join(problems)


start_redis = pytest.fixture(redis_factory)
start_gateway = pytest.fixture(gateway_factory)
_start_shared_redis = pytest.fixture(redis_factory, scope="module", name="_start_shared_redis")
_start_shared_gateway = pytest.fixture(gateway_factory, scope="module", name="_start_shared_gateway")


@pytest.fixture(scope="module")
def redis_server(_start_shared_redis):
    return _start_shared_redis()


@pytest.fixture(scope="module")
def gateway_config():
    """What a file's shared gateway is configured with; a file overrides it where it needs something else."""
    return {}


@pytest.fixture(scope="module")
def gateway(redis_server, _start_shared_gateway, gateway_config):
    return _start_shared_gateway(redis_server, **gateway_config)


@pytest.fixture(scope="module")
def worker(redis_server):
    return Worker(redis_server)


@pytest.fixture
def job(request):
    """An id no other test uses, which says what test made it."""
    return name_of(request)


@pytest.fixture
def new_job(request):
    """Makes such ids, as many as wanted."""
    return lambda: name_of(request)


def name_of(request):
    return re.sub(r"[^A-Za-z0-9.:]", "-", request.node.originalname or request.node.name)[5:95] + f".{next(_count)}"
