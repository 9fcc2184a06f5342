"""`scripts/bench --only attacks`: it attacks, measures the bystanders, and fails on a missed bar. No figure is judged here."""
import json
import os
import subprocess
import sys

import pytest

from harness.gateway import PROGRAM

ATTACKS = os.path.join(os.path.dirname(__file__), "..", "bench", "attacks")
WINDOWS = "quiet", "tool", "burst", "after"


def attack(*options):
    return subprocess.run([sys.executable, ATTACKS, "--program", PROGRAM, *options], capture_output=True, text=True,
                          timeout=120, check=False)


@pytest.fixture(scope="module", params=["polls-left", "hello"])
def attacked(request, tmp_path_factory):
    """A short attack: how it ended, and its figures."""
    file = tmp_path_factory.mktemp("attack") / "figures.json"
    ended = attack("--only", request.param, "--seconds", "1", "--json", str(file))
    assert file.exists(), ended.stderr
    return ended, json.loads(file.read_text(encoding="ascii"))[0]


def test_an_attack_reaches_the_gateway(attacked):
    _, found = attacked
    assert found["answers"].keys() & {"left", "answered"}
    assert found["windows"]["burst"]["rate"] > 0


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("kind", ["rest", "report", "event"])
def test_bystanders_are_measured_in_each_window(attacked, window, kind):
    _, found = attacked
    measured = found["windows"][window][kind]
    assert measured["count"] > 0
    assert 0 < measured["p50"] <= measured["p99"]


def test_it_fails_exactly_if_a_bar_is_missed(attacked):
    ended, found = attacked
    assert ended.returncode == (1 if found["wrong"] else 0)
    assert ended.stdout.count("\nFAIL ") == len(found["wrong"])


def test_an_attack_that_does_not_exist_is_refused():
    ended = attack("--only", "polls,no-such-attack")
    assert ended.returncode == 2
    assert "no attack is called no-such-attack" in ended.stderr


def test_all_attacks_have_names_of_their_own():
    names = [line.split()[0] for line in attack("--list").stdout.splitlines()]
    assert len(names) == len(set(names)) > 10
