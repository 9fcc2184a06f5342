"""Jobs of one group share a rollup record: docs/functions.md, "Batches"."""
import json
import threading

import pytest
import redis
from hypothesis import given, settings, strategies as st

from conftest import Refused

STATUSES = ["pending", "processing", "retrying", "done", "failed", "cancelled"]


def rollup(jobs, member):
    return jobs.get(jobs.get(member)["group_id"])


def test_a_batch_counts_its_jobs_and_names_those_that_failed(jobs):
    for one in ("a", "b", "c", "d"):
        jobs.create(one, owner="u", tenant="t", group="May")
    batch = rollup(jobs, "a")
    assert (batch["status"], batch["group"], batch["owner"], batch["tenant"]) == ("pending", "May", "u", "t")
    jobs.report("a", status="processing", percent=50)
    jobs.report("b", status="failed", error__title="No address")
    jobs.report("c", status="done")
    batch = rollup(jobs, "a")
    assert batch["counts"] == {"pending": 1, "processing": 1, "retrying": 0, "done": 1, "failed": 1, "cancelled": 0, "stalled": 0}
    assert batch["progress"] == {"percent": 62, "current": 2, "total": 4, "unit": "jobs"}
    assert (batch["status"], batch["failed"]) == ("processing", [{"id": "b", "title": "No address"}])
    jobs.report("a", status="done")
    jobs.command("cancel", "d")
    batch = rollup(jobs, "a")
    assert (batch["status"], batch["progress"]["percent"]) == ("failed", 100) and batch["finished_at"]


def test_it_is_watched_like_a_job(jobs):
    jobs.create("a", group="g")
    jobs.create("b", group="g")
    group = jobs.get("a")["group_id"]
    heard = jobs.heard(f"event:{group}")
    jobs.report("a", status="processing", percent=10)
    jobs.report("a", percent=11)
    jobs.report("a", percent=12)
    jobs.report("a", status="done")
    jobs.report("b", status="done")
    events = [next(heard)[1] for _ in range(4)]
    assert [e.split(b" ")[1] for e in events] == [b"s", b"p", b"-", b"sf"], "progress counts when a whole percent changes"
    assert [json.loads(e.split(b" ", 2)[2])["progress"]["percent"] for e in events] == [5, 6, 50, 100]
    row = jobs.call("get", group)[0]
    assert row[1] == b"f" and json.loads(row[2])["version"] == row[0]


def test_groups_of_two_owners_never_mix(jobs):
    jobs.create("a", owner="u", group="g")
    jobs.create("b", owner="v", group="g")
    jobs.create("c", owner="u", tenant="t", group="g")
    assert len({jobs.get(one)["group_id"] for one in "abc"}) == 3
    assert rollup(jobs, "a")["progress"]["total"] == 1


def test_a_job_whose_owner_is_learnt_later_moves(jobs):
    jobs.report("a", status="processing", group="g")
    before = jobs.get("a")["group_id"]
    jobs.report("b", status="processing", group="g")
    jobs.report("a", owner="u")
    assert jobs.get(before)["progress"]["total"] == 1 and rollup(jobs, "a")["owner"] == "u"
    jobs.report("b", owner="u")
    assert jobs.get(before) is None and rollup(jobs, "a")["progress"]["total"] == 2


def test_a_batch_of_known_size_is_not_over_before_all_have_come(jobs):
    jobs.create("a", group="g", group_size=2)
    jobs.report("a", status="done")
    assert rollup(jobs, "a")["status"] == "processing" and rollup(jobs, "a")["progress"] == {"percent": 50, "current": 1, "total": 2, "unit": "jobs"}
    jobs.create("b", group="g", group_size=2)
    jobs.report("b", status="done")
    assert rollup(jobs, "a")["status"] == "done"


def test_a_job_that_joins_later_or_is_tried_again_opens_it_again(jobs):
    jobs.policy("default", user_retry="1")
    jobs.create("a", group="g")
    jobs.report("a", status="failed", error__title="Broken")
    over = rollup(jobs, "a")
    assert over["status"] == "failed"
    jobs.command("retry", "a")
    again = rollup(jobs, "a")
    assert again["status"] == "pending" and again["version"] > over["version"] and "finished_at" not in again and again["failed"] == []
    jobs.report("a", status="done")
    jobs.create("b", group="g")
    assert rollup(jobs, "a")["status"] == "processing"


def test_a_deleted_job_is_no_longer_counted_and_the_last_takes_the_batch_along(jobs):
    jobs.create("a", group="g")
    jobs.create("b", group="g")
    group = jobs.get("a")["group_id"]
    heard = jobs.heard(f"event:{group}")
    jobs.call("delete", "a")
    assert jobs.get(group)["progress"]["total"] == 1
    jobs.call("delete", "b")
    assert jobs.get(group) is None
    next(heard)
    assert next(heard)[1] == b"0 d null"
    jobs.create("c", group="g")
    assert jobs.get(group)["counts"]["pending"] == 1


def test_only_twenty_failures_are_named_and_gaps_are_filled(jobs):
    jobs.policy("default", user_retry="1")
    for n in range(30):
        jobs.create(f"a{n:02}", group="g")
        jobs.report(f"a{n:02}", status="failed", error__title=f"Broken {n}")
    batch = rollup(jobs, "a00")
    assert [one["id"] for one in batch["failed"]] == [f"a{n:02}" for n in range(20)] and batch["counts"]["failed"] == 30
    jobs.command("retry", "a03")
    named = [one["id"] for one in rollup(jobs, "a00")["failed"]]
    assert "a03" not in named and len(named) == 20


def test_of_the_failed_the_first_thousand_are_remembered(jobs):
    pipe = jobs.redis.pipeline(transaction=False)
    for n in range(1010):
        pipe.execute_command("FCALL", "jobcast_report", 1, jobs.ns, f"a{n:04}", "group", "g", "status", "failed", "error.title", "Broken")
    pipe.execute()
    group = jobs.get("a0000")["group_id"]
    held = jobs.redis.zrange(jobs.key("failed", group), 0, -1)
    assert len(held) == 1000 and held[0] == b"a0000" and jobs.get(group)["counts"]["failed"] == 1010


def test_what_the_supervisor_does_to_many_jobs_is_told_once(jobs):
    jobs.policy("x", lease_ms="1", on_stall="fail", grace_ms="1")
    for n in range(30):
        jobs.report(f"a{n:02}", group="g", type="x", status="processing")
    group = jobs.get("a00")["group_id"]
    version = jobs.get(group)["version"]
    calls = 0
    while jobs.get(group)["status"] != "failed":
        jobs.call("supervise", 1000)
        calls += 1
    batch = jobs.get(group)
    assert batch["counts"]["failed"] == 30 and batch["counts"]["stalled"] == 0 and len(batch["failed"]) == 20
    assert batch["version"] - version <= min(calls, 60)


def test_a_supervisor_that_stumbles_leaves_the_next_call_as_it_should_be(jobs):
    jobs.policy("x", lease_ms="1")
    for one in ("broken", "sound"):
        jobs.report(one, group="g", type="x", status="processing")
    jobs.redis.hset(jobs.key("job", "broken"), "lease", "rubbish")
    while not jobs.get("sound")["stalled"]:
        jobs.call("supervise", 10)
    assert rollup(jobs, "sound")["counts"]["stalled"] == 1
    jobs.redis.set(jobs.key("expiring"), "of another kind")
    with pytest.raises(redis.exceptions.ResponseError):
        jobs.redis.execute_command("FCALL", "jobcast_supervise", 1, jobs.ns, 10)
    jobs.redis.delete(jobs.key("expiring"))
    jobs.report("sound", status="done")
    assert rollup(jobs, "sound")["counts"]["done"] == 1


@pytest.mark.parametrize("status", ["pending", "processing", "retrying"])
def test_an_unfinished_job_that_expires_leaves_its_batch(jobs, status):
    """Its record is kept until it has left, so that nothing is counted that is gone, nor twice if it is made anew."""
    jobs.policy(abandoned_ms=600_000, retention_ms=60_000)
    jobs.report("lost", status=status, group="g", **({"retry_in": 1} if status == "retrying" else {}))
    jobs.report("b", status="done", group="g")
    group = jobs.get("b")["group_id"]
    assert jobs.redis.pttl(jobs.key("job", "lost")) > 600_000 + 86_000_000 and jobs.redis.pttl(jobs.key("job", "b")) <= 60_000
    jobs.redis.zadd(jobs.key("expiring"), {"lost": 1})
    jobs.call("supervise", 10)
    assert jobs.get("lost") and jobs.redis.zscore(jobs.key("expiring"), "lost") > 1, "not before its time"
    jobs.redis.hset(jobs.key("job", "lost"), "expires", 1)
    jobs.redis.zadd(jobs.key("expiring"), {"lost": 1})
    jobs.call("supervise", 10)
    batch = jobs.get(group)
    assert jobs.get("lost") is None and (batch["status"], batch["progress"]["total"]) == ("done", 1)
    jobs.report("lost", status="done", group="g")
    assert jobs.get(group)["counts"]["done"] == 2
    assert not jobs.redis.exists(jobs.key("expiring"))


def test_a_job_that_joins_late_leaves_when_it_expires_too(jobs):
    jobs.report("a", status="processing")
    jobs.report("a", group="g")
    assert jobs.redis.zscore(jobs.key("expiring"), "a") == int(jobs.redis.hget(jobs.key("job", "a"), "expires"))


def test_a_job_that_was_over_stays_counted_when_its_record_expires(jobs):
    jobs.report("a", status="done", group="g")
    jobs.report("b", status="processing", group="g")
    group = jobs.get("b")["group_id"]
    jobs.redis.delete(jobs.key("job", "a"))
    jobs.report("b", status="done")
    assert jobs.get(group)["counts"]["done"] == 2 and jobs.get(group)["status"] == "done"


def test_a_stalled_job_shows_on_its_batch(jobs):
    jobs.policy("x", lease_ms="1")
    jobs.report("a", type="x", status="processing", group="g")
    while not jobs.get("a")["stalled"]:
        jobs.call("supervise", 10)
    assert rollup(jobs, "a")["stalled"] is True and rollup(jobs, "a")["counts"]["stalled"] == 1
    jobs.report("a", status="done")
    assert rollup(jobs, "a")["stalled"] is False


@pytest.mark.parametrize("function,more", [("report", ("status", "done")), ("create", ()), ("heartbeat", ()), ("cancel", ()), ("retry", ()), ("delete", ())])
def test_a_batch_follows_its_jobs_and_takes_no_orders(jobs, function, more):
    with pytest.raises(Refused) as refused:
        jobs.call(function, "group:x", *more)
    assert refused.value.field == "id"


ACTION = st.tuples(st.sampled_from(["a", "b", "c"]), st.sampled_from([*STATUSES, "retry", "delete", "cancel"]), st.integers(0, 100))


@settings(derandomize=True, deadline=None, max_examples=60)
@given(actions=st.lists(ACTION, max_size=25))
def test_the_counts_are_those_of_the_jobs_whatever_happens(server, actions):
    from conftest import Jobs
    test_the_counts_are_those_of_the_jobs_whatever_happens.run = getattr(test_the_counts_are_those_of_the_jobs_whatever_happens, "run", 0) + 1
    jobs = Jobs(server, f"batch{test_the_counts_are_those_of_the_jobs_whatever_happens.run}")
    jobs.policy("default", user_retry="1")
    group = None
    for one, action, percent in actions:
        if action in ("retry", "cancel", "delete"):
            jobs.call(action, one)
        elif jobs.get(one):
            jobs.report(one, status=action, percent=percent)
        else:
            jobs.create(one, owner="u", group="g")
        members = [record for record in map(jobs.get, "abc") if record]
        group = members[0]["group_id"] if members else group
        batch = jobs.get(group) if group else None
        assert (batch is None) == (not members)
        if batch:
            assert {s: batch["counts"][s] for s in STATUSES} == {s: sum(m["status"] == s for m in members) for s in STATUSES}
            over = {"done", "failed", "cancelled"}
            shares = [100 if m["status"] in over else int(m["progress"].get("percent", 0)) for m in members]
            assert batch["progress"]["percent"] == sum(shares) // len(members)
            assert (batch["status"] in over) == all(m["status"] in over for m in members)
            assert {f["id"] for f in batch["failed"]} == {m["id"] for m in members if m["status"] == "failed"}


def test_many_reporters_at_once_lose_no_count(jobs):
    path = jobs.redis.connection_pool.connection_kwargs["path"]

    def work(number):
        client = redis.Redis(unix_socket_path=path)
        for n in range(40):
            one = f"a{number}-{n}"
            for fields in (("status", "processing", "group", "g"), ("percent", "50"), ("status", "done" if n % 4 else "failed")):
                client.execute_command("FCALL", "jobcast_report", 1, jobs.ns, one, *fields)
    threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    batch = rollup(jobs, "a0-0")
    assert (batch["status"], batch["counts"]["done"], batch["counts"]["failed"], batch["progress"]["percent"]) == ("failed", 180, 60, 100)
