"""jobcast_policies: `[jobs]` of the gateway last started or reloaded is in force, as one set."""
import itertools

import pytest

from conftest import Refused


def bring(jobs, how, policies):
    """Answers [what, hash of those sent, hash in force, whether there may be strays]."""
    told = itertools.chain.from_iterable(
        (of, 2 * len(fields), *itertools.chain.from_iterable(fields.items())) for of, fields in policies.items())
    return jobs.call("policies", how, *told)


def policies_in(jobs):
    """All of the namespace, by type; the one of all types is ""."""
    prefix = jobs.key("policy").encode()
    return {key[len(prefix) + 1:].decode(): {f.decode(): v.decode() for f, v in jobs.redis.hgetall(key).items()}
            for key in jobs.redis.scan_iter(prefix + b"*") if key in (prefix, ) or key.startswith(prefix + b":")}


OLD = {"": {"lease_ms": "1"}, "a": {"lease_ms": "2"}, "b:c": {"lease_ms": "3"}}
NEW = {"": {"lease_ms": "4", "retention_ms": "5"}, "a": {"max_attempts": "6"}}


def test_what_was_started_or_reloaded_last_is_in_force_whole(jobs):
    bring(jobs, "take", OLD)
    assert policies_in(jobs) == OLD
    what, ours, in_force, _ = bring(jobs, "take", NEW)
    assert (what, ours) == (b"ok", in_force)
    assert policies_in(jobs) == NEW
    assert jobs.redis.hget(jobs.key("policies"), "hash") == in_force


def test_who_only_found_redis_again_writes_nothing_over_the_policies_of_another(jobs):
    _, old, _, _ = bring(jobs, "take", OLD)
    _, new, _, _ = bring(jobs, "take", NEW)
    assert bring(jobs, "renew", OLD) == [b"other", old, new, 0]
    assert policies_in(jobs) == NEW


def test_who_only_found_redis_again_puts_back_what_is_in_force(jobs):
    _, hash_of_it, _, _ = bring(jobs, "take", NEW)
    jobs.policy("a", lease_ms="7")
    assert bring(jobs, "renew", NEW)[:3] == [b"ok", hash_of_it, hash_of_it]
    assert policies_in(jobs) == NEW


def test_lost_policies_are_written_by_who_comes_first(jobs):
    assert bring(jobs, "renew", OLD)[0] == b"ok"
    assert bring(jobs, "renew", NEW)[0] == b"other"
    assert policies_in(jobs) == OLD


@pytest.mark.parametrize("other", [
    {"": {}, "a": {"lease_ms": "2"}}, {"": {}, "a": {"lease_ms": "12"}}, {"": {"a": "lease_ms"}}, {"": {}}, {"": {}, "a": {}},
    {"": {}, "al": {"ease_ms": "1"}}])
def test_what_differs_has_another_hash(jobs, other):
    assert bring(jobs, "take", {"": {}, "a": {"lease_ms": "1"}})[1] != bring(jobs, "take", other)[1]


def test_a_type_that_is_gone_has_the_defaults_of_all_types(jobs):
    bring(jobs, "take", {"": {"lease_ms": "5000"}, "x": {"lease_ms": "20", "max_attempts": "3", "user_retry": "1"}})
    jobs.report("before", type="x", status="processing")
    bring(jobs, "take", {"": {"lease_ms": "5000"}})
    jobs.report("after", type="x", status="failed")
    assert jobs.redis.hget(jobs.key("job", "after"), "lease") == b"5000"
    assert (jobs.get("after")["max_attempts"], jobs.get("after")["can"]) == (1, [])


def test_policies_of_gateways_before_this_are_forgotten_once_they_were_looked_for(jobs):
    jobs.policy("gone", lease_ms="1")
    jobs.policy("a", lease_ms="1")
    assert bring(jobs, "take", NEW)[3] == 1
    assert bring(jobs, "renew", NEW)[3] == 1, "until somebody has looked"
    assert jobs.call("policies", "forget", "gone", "a", "never") == [b"ok", 1]
    assert policies_in(jobs) == NEW
    assert bring(jobs, "take", NEW)[3] == 0


@pytest.mark.parametrize("arguments, field", [
    (("steal", "", 0), "how"), (("take", "", 1, "a"), "count"), (("take", "", 2, "a"), "count"), (("take", "", "x"), "count"),
    (("take", "", 0, "", 0), "type"), (("take", "no good", 0), "type")])
def test_what_is_no_set_is_refused_and_changes_nothing(jobs, arguments, field):
    bring(jobs, "take", OLD)
    with pytest.raises(Refused) as refused:
        jobs.call("policies", *arguments)
    assert refused.value.field == field
    assert policies_in(jobs) == OLD
