"""Runs one attack: bystanders alone, then the attack, then the attacker's tool against a server that harms nobody."""
import dataclasses
import time

import bystanders
import servers
import wire
from bystanders import Bystanders
from dummy import Dummy
from flood import Attacker
from kinds import Seen
from meter import Meter
from place import Place

SETTLE = 3.0


@dataclasses.dataclass
class Measured:
    """Windows are pairs of times: quiet, burst, after (the rest of the attack), and tool."""
    attack: object
    windows: dict
    samples: list      # of the bystanders
    meter: Meter
    outcome: object    # of the attacker
    tool: object       # of the attacker against the dummy
    seen: Seen
    unit: int


def run(attack, program, seconds):
    """Measures `attack` for `seconds`, and what is quiet for a third of it each. Takes about twice that."""
    with Place(program, attack.tls) as place:
        redis = wire.Redis(place.redis.port)
        redis.run(bystanders.seed())
        redis.run(attack.seed(place))
        flood = attack.flood(place)
        watching, windows = Bystanders(place), {}
        with Meter(gateway=place.gateway.pid, redis=place.redis.pid) as meter:
            time.sleep(min(2.0, seconds / 3))
            before = place.metrics()
            windows["quiet"] = _window(seconds / 3)
            begun = time.monotonic()
            attacker = Attacker(flood, place.redis.port if flood.to_redis else place.port, seconds)
            time.sleep(seconds * 0.9)
            during = place.metrics()
            outcome = attacker.result()
            ended = time.monotonic()
            burst = min(begun + attack.burst, begun + seconds / 2)
            windows["burst"], windows["after"] = (begun, burst), (burst, ended)
            time.sleep(min(SETTLE, seconds))
            after = place.metrics()
            _calm(place)
            windows["tool"], tool = _tool_alone(attack, place, flood, outcome, windows, seconds)
        seen = Seen(before, during, after, place.log())
        return Measured(attack, windows, watching.stop(), meter, outcome, tool, seen, flood.unit)


def _window(seconds):
    begun = time.monotonic()
    time.sleep(seconds)
    return begun, begun + seconds


def _calm(place):
    """Waits until the gateway has worked off what the attack left, for 30 s at most: reads are fast, no report is waiting."""
    applied, until = -1, time.monotonic() + 30
    while time.monotonic() < until:
        begun = time.monotonic()
        try:
            place.get(f"/api/jobs/{bystanders.READ}/status", wire.token(sub=bystanders.OWNER))
        except OSError:
            continue
        fast = time.monotonic() - begun < 0.1
        now = place.metrics().get("jobcast_published_reports_applied_total", 0)
        if fast and now == applied:
            return
        applied = now
        time.sleep(0.5)


def _tool_alone(attack, place, flood, outcome, windows, seconds):
    with Dummy(servers.SERVER_CORE) as dummy:
        if attack.control:
            flood = attack.control(place)
        elif not flood.total:
            flood = flood.at_rate(outcome.between(windows["after"], 1))
        begun = time.monotonic()
        found = Attacker(flood, place.redis.port if flood.to_redis else dummy.port, seconds / 3).result()
        return (begun, time.monotonic()), found
