"""With server.io_uring everything is as without it: the tests of streams once more."""
import pytest

# pylint: disable=wildcard-import,unused-wildcard-import
from test_ordering import *  # noqa: F401,F403
from test_slow_reader import *  # noqa: F401,F403
from test_stream_many import *  # noqa: F401,F403
from test_stream_one import *  # noqa: F401,F403
from test_websocket import *  # noqa: F401,F403


@pytest.fixture(scope="module")
def gateway_config():
    # The others are what those tests set for themselves.
    return {"SERVER_IO_URING": "true", "LIMITS_HEARTBEAT": "1s", "LIMITS_RESUME_OVERLAP": "1s"}


def test_where_the_kernel_forbids_it_the_gateway_says_so_and_serves(gateway):
    if "server.io_uring" not in gateway.log():
        pytest.skip("the kernel allows it here")
    assert gateway.is_ready()
