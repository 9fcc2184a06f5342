"""A batch is of the publisher that made it: `publisher` and `group_publishers` (docs/functions.md, "Whose batch it is")."""
import pytest

from conftest import Refused

A, B, C = "key:a", "key:b", "token:svc"
FORBIDDEN = [b"forbidden", 0, b"", b""]
# Each a way of a publisher to bring its job into the batch g of u.
JOINS = {
    "a creation": lambda jobs, who, **more: jobs.call("create", "new", "owner", "u", "group", "g", *pairs(more), "publisher", who),
    "a report": lambda jobs, who, **more: jobs.call("report", "new", "status", "done", "owner", "u", "group", "g", *pairs(more), "publisher", who),
    "a report that names the owner": lambda jobs, who, **more: (
        jobs.call("report", "new", "status", "processing", "group", "g", "publisher", who),
        jobs.call("report", "new", "owner", "u", *pairs(more), "publisher", who))[1],
    "a creation of what reported itself": lambda jobs, who, **more: (
        jobs.call("report", "new", "status", "processing", "group", "g"),
        jobs.call("create", "new", "owner", "u", *pairs(more), "publisher", who))[1],
}


def pairs(fields):
    return [part for pair in fields.items() for part in pair]


def made(jobs, *more, members=("one", "two"), over=True):
    """A batch that A made. Answers its id."""
    for one in members:
        assert jobs.call("create", one, "owner", "u", "group", "g", "publisher", A, *more)[0] == b"created"
        if over:
            jobs.report(one, status="done")
    return jobs.get(members[0])["group_id"]


def joined(jobs, batch):
    return (jobs.get("new") or {}).get("group_id") == batch


@pytest.mark.parametrize("join", JOINS)
@pytest.mark.parametrize("over", [True, False])
def test_a_stranger_adds_no_job_and_changes_nothing(jobs, join, over):
    batch = made(jobs, over=over)
    before = jobs.get(batch)
    assert JOINS[join](jobs, B, group_size=10000000)[0] == b"forbidden"
    assert jobs.get(batch) == before and not joined(jobs, batch)


@pytest.mark.parametrize("join", JOINS)
@pytest.mark.parametrize("who", [A, B, C])
def test_its_maker_and_those_it_named_add_jobs(jobs, join, who):
    batch = made(jobs, "group_publishers", f"{B}, {C}")
    assert JOINS[join](jobs, who)[0] in (b"created", b"adopted", b"ok")
    assert joined(jobs, batch) and jobs.get(batch)["progress"]["total"] == 3


@pytest.mark.parametrize("join", ["a creation", "a report"])
def test_over_redis_everything_stays_allowed(jobs, join):
    batch = made(jobs)
    call = ["create", "new"] if join == "a creation" else ["report", "new", "status", "processing"]
    assert jobs.call(*call, "owner", "u", "group", "g", "group_size", 5)[0] in (b"created", b"ok")
    assert joined(jobs, batch) and jobs.get(batch)["progress"]["total"] == 5


def test_a_name_that_begins_like_one_that_is_named_is_another(jobs):
    made(jobs, "group_publishers", "key:bb")
    for who in (B, "key:bbb", "bb", "token:bb", ""):
        assert JOINS["a creation"](jobs, who) == FORBIDDEN


def test_groups_of_other_owners_are_other_batches(jobs):
    made(jobs)
    assert jobs.call("create", "new", "owner", "v", "group", "g", "publisher", B)[0] == b"created"
    assert jobs.call("create", "newer", "owner", "u", "tenant", "t", "group", "g", "publisher", B)[0] == b"created"


def test_a_batch_that_went_with_its_last_job_leaves_its_name_to_anybody(jobs):
    made(jobs)
    for one in ("one", "two"):
        jobs.call("delete", one)
    assert jobs.call("create", "new", "owner", "u", "group", "g", "publisher", B)[0] == b"created"
    assert jobs.call("create", "newer", "owner", "u", "group", "g", "publisher", A) == FORBIDDEN


def test_a_worker_with_another_key_reports_on_its_jobs_and_may_repeat_the_batch(jobs):
    batch = made(jobs, "group_size", 2, over=False)
    for one in ("one", "two"):
        assert jobs.report(one, status="processing", owner="u", group="g", group_size=2, publisher=B)[0] == "ok"
        assert jobs.report(one, status="done", owner="u", group="g", group_size=2, publisher=B)[0] == "ok"
    assert jobs.get(batch)["status"] == "done" and jobs.mended() == {}


# group_size

@pytest.mark.parametrize("over", [True, False])
def test_a_stranger_who_reports_on_its_job_leaves_its_size(jobs, over):
    batch = made(jobs, "group_size", 2, over=over)
    if over:
        jobs.command("retry", "one")
        jobs.call("create", "three", "owner", "u", "group", "g", "publisher", A)
    assert jobs.report("three" if over else "one", status="processing", group_size=10000000, publisher=B)[0] == "ok"
    assert jobs.get(batch)["progress"]["total"] == (3 if over else 2)
    assert jobs.history("three" if over else "one")[-1]["mended"] == "group_size left out" and jobs.mended() == {"group_size": 1}


def test_its_maker_makes_it_larger_at_any_time(jobs):
    batch = made(jobs, "group_size", 2)
    assert JOINS["a creation"](jobs, A, group_size=9)[0] == b"created"
    assert jobs.get(batch)["progress"]["total"] == 9


@pytest.mark.parametrize("size, over, total", [(4, False, 50), (2, False, 3), (2, True, 3), (None, True, 3), (None, False, 50)])
def test_one_that_is_named_makes_it_larger_until_it_is_complete(jobs, size, over, total):
    batch = made(jobs, "group_publishers", B, *(("group_size", size) if size else ()), over=over)
    assert JOINS["a creation"](jobs, B, group_size=50)[0] == b"created"
    assert jobs.get(batch)["progress"]["total"] == total and joined(jobs, batch)
    assert ("mended" in jobs.history("new")[0]) == (total == 3)


# group_publishers

def test_its_maker_names_others_anew_with_any_job(jobs):
    made(jobs, "group_publishers", B)
    assert jobs.call("create", "x", "owner", "u", "group", "g", "publisher", A, "group_publishers", C)[0] == b"created"
    assert JOINS["a creation"](jobs, B) == FORBIDDEN
    assert JOINS["a creation"](jobs, C)[0] == b"created"


def test_one_that_is_named_names_nobody(jobs):
    made(jobs, "group_publishers", B)
    assert JOINS["a creation"](jobs, B, group_publishers=C)[0] == b"created"
    assert jobs.history("new")[0]["mended"] == "group_publishers left out"
    assert jobs.call("create", "x", "owner", "u", "group", "g", "publisher", C) == FORBIDDEN


def test_over_redis_its_maker_names_who_may_add_jobs_over_http(jobs):
    jobs.call("create", "one", "owner", "u", "group", "g", "group_publishers", B)
    assert jobs.call("create", "x", "owner", "u", "group", "g", "publisher", A) == FORBIDDEN
    assert jobs.call("create", "x", "owner", "u", "group", "g", "publisher", B)[0] == b"created"


@pytest.mark.parametrize("names", ["b", "key", "key:a,b", "user:a", "token:a/b", "key:ä", "token:" + "a" * 2000])
def test_names_that_are_none_are_refused(jobs, names):
    with pytest.raises(Refused) as refused:
        jobs.call("create", "x", "group", "g", "group_publishers", names)
    assert refused.value.field == "group_publishers" and jobs.get("x") is None


def test_names_go_with_a_group(jobs):
    with pytest.raises(Refused) as refused:
        jobs.call("create", "x", "group_publishers", B)
    assert refused.value.field == "group_publishers"


# Batches whose maker nobody knows: of 0.1.0, and made over Redis.

def of_nobody(jobs, *more, over):
    for one in ("one", "two"):
        jobs.call("create", one, "owner", "u", "group", "g", *more)
        if over:
            jobs.report(one, status="done")
    return jobs.get("one")["group_id"]


@pytest.mark.parametrize("join", JOINS)
@pytest.mark.parametrize("over", [True, False])
def test_the_first_publisher_that_touches_it_does_not_become_its_maker(jobs, join, over):
    batch = of_nobody(jobs, over=over)
    assert JOINS[join](jobs, A, **({"group_publishers": C} if "creation" in join else {}))[0] in (b"created", b"adopted", b"ok")
    assert joined(jobs, batch)
    for n, who in enumerate((A, B, C)):
        assert jobs.call("create", f"x{n}", "owner", "u", "group", "g", "publisher", who)[0] == b"created"


@pytest.mark.parametrize("size, over, total", [(None, True, 3), (2, True, 3), (2, False, 3), (4, False, 50), (None, False, 50)])
def test_nobody_breaks_one_that_is_complete(jobs, size, over, total):
    batch = of_nobody(jobs, *(("group_size", size) if size else ()), over=over)
    assert JOINS["a creation"](jobs, A, group_size=50)[0] == b"created"
    assert jobs.get(batch)["progress"]["total"] == total
    jobs.report("new", status="done")
    assert total == 50 or not over or jobs.get(batch)["status"] == "done"
