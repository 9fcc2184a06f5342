"""`jobcast notify` beside a private Redis, beside none, and with arguments that cannot be meant."""
import subprocess

import pytest

from harness.gateway import PROGRAM
from harness.wait import until


def run(*arguments, **variables):
    env = {f"JOBCAST_{name}": value for name, value in variables.items()}
    return subprocess.run([PROGRAM, "notify", *arguments], env=env, capture_output=True, text=True, timeout=30, check=False)


def test_the_private_redis_is_asked_on_its_port(start_gateway, job):
    gateway = start_gateway(NOTIFY_SMTP_URL="smtp://127.0.0.1:1", NOTIFY_FROM="jobs@example.com", NOTIFY_SCHEDULE="", NOTIFY_GRACE="0s")
    assert gateway.command("notify", "list") == "0 waiting, 0 dead\n"
    gateway.create(id=job, notify={"email": "zoe@example.com"})
    gateway.report(job, status="done")
    until(lambda: "\tzoe@example.com\t" in gateway.command("notify", "list"), "a dead letter")


def test_texts_of_jobs_and_receivers_cannot_play_with_the_terminal(start_gateway, start_redis):
    redis = start_redis()
    gateway = start_gateway(redis)
    wild = "a\x1b[2J\tb\nc\x7f\u009b31m\u00e9"
    redis.client().zadd("jobcast:notify:dead", {"webhook/1/done/1/a": 1})
    redis.client().hset("jobcast:notify:delivery:webhook/1/done/1/a", mapping={"died": 1, "tries": 1, "to": wild, "error": wild})
    listed = gateway.command("notify", "list").splitlines()
    shown = r"a\x1b[2J\x09b\x0ac\x7f\u009b31m" + "\u00e9"
    assert listed[1].split("\t") == ["webhook/1/done/1/a", "1970-01-01T00:00:00Z", "1 try", shown, shown]


def test_a_redis_that_cannot_be_reached_is_said_to_be(tmp_path):
    done = run("list", REDIS_URL=f"unix://{tmp_path}/none.sock")
    assert done.returncode == 1
    assert "none.sock" in done.stderr


def test_what_to_replay_or_drop_must_be_named():
    for wrong in [("replay",), ("drop",), ("replay", "a", "--all"), ("forget", "a"), ()]:
        assert run(*wrong).returncode == 2, wrong
    assert run("list", REDIS_EMBEDDED_PORT="0").returncode == 2


@pytest.mark.parametrize("action", ["replay", "drop"])
def test_a_name_that_is_no_dead_letter_is_an_error(start_redis, start_gateway, action):
    redis = start_redis()
    start_gateway(redis)
    done = run(action, "nope", REDIS_URL=redis.url)
    assert done.returncode == 1 and "no dead letters" in done.stderr
