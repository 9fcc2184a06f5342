"""How many files the gateway may have open, which is how many connections it can take."""
import os
import re

import pytest

from harness.gateway import PROGRAM
from harness.wait import until


@pytest.fixture
def limited(monkeypatch, folder):
    """Has gateways that are started from here on begin under other limits, as `ulimit` takes them."""
    def limit(arguments):
        script = os.path.join(folder, "limited")
        with open(script, "w", encoding="ascii") as file:
            file.write(f'#!/bin/sh\nulimit {arguments}\nexec "{PROGRAM}" "$@"\n')
        os.chmod(script, 0o700)
        monkeypatch.setattr("harness.gateway.Gateway.program", script)
    return limit


def limits_of(gateway):
    with open(f"/proc/{gateway.pid}/limits", encoding="ascii") as limits:
        return re.search(r"Max open files\s+(\d+|unlimited)\s+(\d+|unlimited)", limits.read()).groups()


def test_the_limit_is_raised_as_far_as_it_may_be(redis_server, start_gateway, limited):
    limited("-Sn 256")
    soft, hard = limits_of(start_gateway(redis_server))
    assert soft == hard != "256"


def test_a_limit_too_low_for_the_connections_is_warned_of(redis_server, start_gateway, limited):
    """100 files are for other things."""
    limited("-n 500")
    few, many = (start_gateway(redis_server, LIMITS_CONNECTIONS=str(count), LIMITS_RESERVE="10") for count in (400, 401))
    until(lambda: "ulimit -Hn" in many.log(), "the warning")
    assert limits_of(many) == ("500", "500")
    assert "500 files may be open" in many.log() and "limits.connections, 401" in many.log()
    assert "ulimit -Hn" not in few.log()
