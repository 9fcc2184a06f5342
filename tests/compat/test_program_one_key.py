"""One idempotency key makes one job, whichever of two gateways is asked: one of 0.1.0, one of today, on one Redis."""
import itertools
import threading

import pytest

from harness.tokens import PUBLISHER, auth_toml, bearer, token

TIMES = 100
# Tokens without `sub` have had another id in 0.1.0, which left their issuer out.
PUBLISHERS = {
    "an API key": PUBLISHER,
    "a token with sub": bearer(token("svc", scope="jobs:publish")),
    "a token with sub and issuer": bearer(token("svc", scope="jobs:publish", iss="https://a.example", tenant="acme")),
    "a token without sub": bearer(token(scope="jobs:publish")),
    "a token without sub, of an issuer": bearer(token(scope="jobs:publish", iss="https://a.example")),
    "a token without sub, of an issuer and a tenant": bearer(token(scope="jobs:publish", iss="https://a.example", tenant="acme")),
}


@pytest.fixture(scope="module")
def redis(_start_shared_redis):
    return _start_shared_redis()


@pytest.fixture(scope="module")
def pair(redis, folder, _start_shared_gateway):
    from conftest import OldGateway
    old = OldGateway(f"{folder}/old-one-key", redis.url, toml=auth_toml())
    yield old, _start_shared_gateway(redis, toml=auth_toml())
    old.check_end()


@pytest.fixture(params=["old first", "new first"])
def turns(request, pair):
    return itertools.cycle(pair if request.param == "old first" else pair[::-1])


@pytest.fixture(params=PUBLISHERS)
def publisher(request):
    return PUBLISHERS[request.param]


def body_of(publisher, job):
    acme = publisher in list(PUBLISHERS.values())[2::3]
    return {"type": "export", "owner": job, **({"tenant": "acme"} if acme else {})}


def check_one_job(answers, redis, job, publisher):
    assert [answer.status for answer in answers] == [202] * TIMES
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert sum(answer.header("Idempotent-Replayed") is None for answer in answers) == 1
    scope = ("acme" if "tenant" in body_of(publisher, job) else "") + "/" + job
    assert redis.client().zcard(f"jobcast:owner:{scope}") == 1


def test_asked_by_turns(turns, redis, job, publisher):
    answers = [next(turns).post("/api/jobs", body_of(publisher, job), {"Idempotency-Key": job, **publisher}) for _ in range(TIMES)]
    check_one_job(answers, redis, job, publisher)


def test_asked_at_once(turns, redis, job, publisher):
    answers, start = [], threading.Barrier(TIMES)

    def create(gateway):
        with gateway.connect() as connection:
            start.wait()
            answers.append(connection.request("POST", "/api/jobs", body_of(publisher, job), {"Idempotency-Key": job, **publisher}))
    threads = [threading.Thread(target=create, args=[next(turns)]) for _ in range(TIMES)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    check_one_job(answers, redis, job, publisher)


def test_another_request_under_the_key_is_refused_by_both(turns, job, publisher):
    for n in range(4):
        answer = next(turns).post("/api/jobs", {**body_of(publisher, job), "labels": {"n": str(n)}}, {"Idempotency-Key": job, **publisher})
        assert answer.status == (422 if n else 202)
