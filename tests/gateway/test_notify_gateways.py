"""Who makes a delivery: one of several gateways, another when that one dies, and none a second time while it can be helped."""
import json
import random
import signal

import pytest

from harness.redis_server import Worker
from harness.wait import until
from harness.webhooks import Receiver

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
def receiver():
    one = Receiver()
    yield one
    one.close()


@pytest.fixture
def redis(start_redis):
    return start_redis()


@pytest.fixture
def start(redis, start_gateway, receiver):
    def start(**config):
        toml = f"[notify.webhooks.shop]\nurl = {json.dumps(receiver.url)}\nsecrets = [{json.dumps(SECRET)}]\n"
        return start_gateway(redis, toml=toml, **{"NOTIFY_GRACE": "0s", "NOTIFY_ALLOW_INTERNAL": "127.0.0.1", "NOTIFY_TIMEOUT": "10s",
                                                  "NOTIFY_SCHEDULE": "10ms,10ms", **config})
    return start


def sent(*gateways):
    return sum(g.metric('jobcast_notifications_sent_total{channel="webhook"}') for g in gateways)


def nothing_waits(redis):
    """Whether every delivery was recorded as made."""
    return redis.client().exists("jobcast:notify:due:hook.shop") == 0


def test_of_several_gateways_one_makes_each_delivery(redis, start, receiver):
    gateways = [start() for _ in range(3)]
    worker = Worker(redis)
    for n in range(200):
        worker.report(f"shared-{n}", status="done")
    receiver.wait(200)
    until(lambda: sent(*gateways) == 200, "all to be counted")
    assert nothing_waits(redis)
    assert sorted(r.record["id"] for r in receiver.requests) == sorted(f"shared-{n}" for n in range(200))


def test_what_a_killed_gateway_had_claimed_is_delivered_by_another(redis, start, receiver, job):
    receiver.then("hang")
    first = start(NOTIFY_TIMEOUT="1s")
    Worker(redis).report(job, status="done")
    receiver.wait(1)
    first.kill()
    second = start(NOTIFY_TIMEOUT="1s")
    again = receiver.wait(2)
    assert again[1].id == again[0].id
    until(lambda: sent(second) == 1, "it to be counted")
    assert len(receiver.requests) == 2


def test_a_drain_waits_for_what_is_on_its_way(redis, start, receiver, job):
    receiver.then("hang")
    gateway = start()
    Worker(redis).report(job, status="done")
    receiver.wait(1)
    gateway.process.send_signal(signal.SIGTERM)
    until(lambda: "shutting down" in gateway.log(), "the drain to begin")
    assert gateway.process.poll() is None
    receiver.let_go()
    assert gateway.wait_end() == 0
    assert nothing_waits(redis), "it was not recorded as made"
    assert len(receiver.requests) == 1


def test_a_drain_does_not_wait_for_ever(redis, start, receiver, job):
    receiver.then("hang")
    gateway = start(SERVER_DRAIN_TIMEOUT="1s")
    Worker(redis).report(job, status="done")
    receiver.wait(1)
    assert gateway.stop() == 0
    assert "1 notifications on their way" in gateway.log()
    assert not nothing_waits(redis)


def test_an_answer_that_came_while_redis_was_away_is_recorded_when_it_is_back(redis, start, receiver, job):
    receiver.then("hang")
    redis.client().config_set("appendfsync", "always")
    gateway = start()
    Worker(redis).report(job, status="done")
    receiver.wait(1)
    redis.kill()
    until(lambda: not gateway.is_ready(), "the gateway to notice")
    receiver.let_go()
    until(lambda: sent(gateway) == 1, "the answer")
    redis.start()
    until(lambda: nothing_waits(redis), "it to be recorded")
    until(gateway.is_ready, "the gateway to be ready")
    assert len(receiver.requests) == 1


@pytest.mark.parametrize("seed", range(3))
def test_whatever_dies_each_outcome_is_told(redis, start, receiver, seed):
    chance = random.Random(seed)
    patient = ",".join(["10ms"] * 12)
    gateways = [start(NOTIFY_TIMEOUT="1s", NOTIFY_SCHEDULE=patient) for _ in range(2)]
    jobs = [f"chaos-{n}" for n in range(80)]
    for n, job in enumerate(jobs):
        receiver.then(chance.choice([204, 204, 204, 500, "lose"]))
        Worker(redis).report(job, status="done")
        if n % 10 == 9:
            victim = chance.choice([*gateways, redis])
            victim.kill()
            victim.start()
    until(lambda: {r.record["id"] for r in receiver.requests} >= set(jobs), "every outcome to be told", seconds=60)
    until(lambda: nothing_waits(redis), "all to be recorded")
    ids = {r.record["id"]: set() for r in receiver.requests}
    for request in receiver.requests:
        ids[request.record["id"]].add(request.id)
    assert all(len(of_job) == 1 for of_job in ids.values()), "what came twice must be the same message"


def test_outcomes_while_no_gateway_runs_are_told_by_the_next(redis, start, receiver, new_job):
    gateway = start()
    gateway.stop()
    jobs = [new_job() for _ in range(5)]
    for job in jobs:
        Worker(redis).report(job, status="done")
    start()
    assert sorted(r.record["id"] for r in receiver.wait(5)) == sorted(jobs)
