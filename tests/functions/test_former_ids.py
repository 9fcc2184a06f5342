"""Keyed jobs of tokens without `sub` had another id in 0.1.0: gateways of both versions find what the other made."""
import itertools
import json

import pytest

NEW, OLDER, OTHERS = "knew", "kold", "kothers"


def new_gateway(jobs, request="r", id=NEW, publisher="issuer:a", **fields):
    """As today's gateway creates with a key. Answers (what, id of the job or None)."""
    return create(jobs, id, request=request, keyed=1, former=OLDER, publisher=publisher, for_tenant="", **fields)


def old_gateway(jobs, request="r", **fields):
    """As that of 0.1.0 does."""
    return create(jobs, OLDER, request=request, keyed=1, for_tenant="", **fields)


def create(jobs, id, **fields):
    what, _, _, doc = jobs.call("create", id, *(part for pair in fields.items() for part in pair))
    return what.decode(), json.loads(doc)["id"] if doc else None


def made(jobs):
    return sorted(key.decode().rsplit(":", 1)[1] for key in jobs.redis.keys(jobs.key("job", "*")))


@pytest.mark.parametrize("turns", itertools.product([new_gateway, old_gateway], repeat=4))
def test_one_key_makes_one_job_in_whatever_order_they_are_asked(jobs, turns):
    answers = [turn(jobs) for turn in turns]
    assert [what for what, _ in answers] == ["created"] + ["replayed"] * 3
    assert made(jobs) == [NEW if turns[0] is new_gateway else OLDER]
    assert len({id for _, id in answers}) == 1


@pytest.mark.parametrize("turns", itertools.product([new_gateway, old_gateway], repeat=3))
def test_another_request_under_the_key_is_a_conflict_whoever_is_asked(jobs, turns):
    answers = [turn(jobs, request=str(n)) for n, turn in enumerate(turns)]
    assert [what for what, _ in answers] == ["created", "conflict:request", "conflict:request"] and len(made(jobs)) == 1


def test_the_jobs_of_two_issuers_never_meet(jobs):
    assert new_gateway(jobs) == ("created", NEW)
    assert new_gateway(jobs, id=OTHERS, publisher="issuer:b") == ("created", OTHERS)
    assert new_gateway(jobs, request="r2", id=OTHERS, publisher="issuer:b") == ("conflict:request", OTHERS)
    assert new_gateway(jobs) == ("replayed", NEW)


def test_a_gateway_of_0_1_0_finds_that_of_two_with_its_request(jobs):
    new_gateway(jobs)
    new_gateway(jobs, request="r2", id=OTHERS, publisher="issuer:b")
    assert old_gateway(jobs, request="r2") == ("replayed", OTHERS)
    assert old_gateway(jobs) == ("replayed", NEW)
    assert old_gateway(jobs, request="r3")[0] == "conflict:request"


def test_what_a_new_gateway_made_under_the_former_id_is_of_somebody_else(jobs):
    """Of tokens without `sub` and without `iss`, whose id stayed."""
    create(jobs, OLDER, request="r", keyed=1, publisher="issuer:", for_tenant="")
    assert new_gateway(jobs) == ("created", NEW)
    assert create(jobs, OLDER, request="r", keyed=1, publisher="issuer:", for_tenant="") == ("replayed", OLDER)


def test_a_job_of_another_tenant_or_type_is_not_found(jobs):
    create(jobs, OLDER, request="r", keyed=1, tenant="t")
    assert new_gateway(jobs) == ("created", NEW)


def test_a_job_that_only_reported_itself_under_the_former_id_is_no_replay(jobs):
    jobs.report(OLDER, status="processing")
    assert new_gateway(jobs) == ("created", NEW)


def test_what_leads_to_a_job_goes_with_it(jobs):
    new_gateway(jobs)
    assert 0 < jobs.redis.pttl(jobs.key("keyed", OLDER)) <= 8 * 86400000
    jobs.call("delete", NEW)
    assert not jobs.redis.exists(jobs.key("keyed", OLDER))
    assert old_gateway(jobs) == ("created", OLDER)


def test_what_leads_to_the_job_of_another_stays(jobs):
    new_gateway(jobs)
    new_gateway(jobs, request="r2", id=OTHERS, publisher="issuer:b")
    jobs.call("delete", NEW)
    assert old_gateway(jobs, request="r2") == ("replayed", OTHERS)


def test_a_job_that_is_gone_leads_nowhere(jobs):
    new_gateway(jobs)
    jobs.redis.delete(jobs.key("job", NEW))
    assert new_gateway(jobs, id=OTHERS, publisher="issuer:b") == ("created", OTHERS)
    assert old_gateway(jobs) == ("replayed", OTHERS)
    jobs.redis.delete(jobs.key("job", OTHERS))
    assert old_gateway(jobs) == ("created", OLDER)
