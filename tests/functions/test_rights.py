"""for_owner, for_tenant and for_types: the right is judged in the call that commands a job or reads its history."""
import json

import pytest

from conftest import Refused

MISSING = [b"missing", 0, b"", b""]
# What the job is of, who asks, whether they may.
RIGHTS = [
    (dict(owner="u"), {}, True),
    (dict(owner="u"), dict(for_owner="u"), True),
    (dict(owner="u"), dict(for_owner="v"), False),
    (dict(owner="u"), dict(for_owner=""), False),
    (dict(), dict(for_owner=""), False),
    (dict(), dict(for_owner="u"), False),
    (dict(owner="u"), dict(for_owner="u", for_tenant=""), True),
    (dict(owner="u", tenant="t"), dict(for_owner="u", for_tenant=""), False),
    (dict(owner="u", tenant="t"), dict(for_owner="u", for_tenant="t"), True),
    (dict(owner="u", tenant="t"), dict(for_tenant="t"), True),
    (dict(owner="u"), dict(for_tenant="t"), False),
    (dict(type="x"), dict(for_types="w,x"), True),
    (dict(type="x"), dict(for_types="xx"), False),
    (dict(), dict(for_types="default"), True),
    (dict(type="x", owner="u"), dict(for_types="y", for_owner="u"), True),
    (dict(type="x", owner="u"), dict(for_types="x", for_owner=""), True),
    (dict(type="x", owner="u"), dict(for_types="y", for_owner="v"), False),
    (dict(type="x", tenant="t"), dict(for_types="x", for_tenant=""), False),
]


def pairs(fields):
    return [part for pair in fields.items() for part in pair]


def everything(jobs):
    return jobs.get("a"), jobs.history("a"), jobs.redis.xlen(jobs.key("commands")), sorted(jobs.redis.keys(jobs.key("*")))


@pytest.mark.parametrize("made, asked, allowed", RIGHTS)
@pytest.mark.parametrize("op", ["cancel", "retry", "seen", "delete"])
def test_a_command_is_done_within_the_right_and_finds_no_job_beyond_it(jobs, op, made, asked, allowed):
    jobs.policy(made.get("type", "default"), user_retry="1")
    jobs.create("a", **made)
    if op != "cancel":
        jobs.report("a", status="failed")
    before = everything(jobs)
    answer = jobs.call("command", "a", op, *pairs(asked))
    if allowed:
        assert answer[0] == b"ok" and everything(jobs) != before
    else:
        assert answer == MISSING and everything(jobs) == before


@pytest.mark.parametrize("made, asked, allowed", RIGHTS)
def test_a_history_is_read_within_the_right_and_there_is_none_beyond_it(jobs, made, asked, allowed):
    jobs.create("a", **made)
    assert (jobs.call("history", "a", *pairs(asked)) is not None) == allowed


@pytest.mark.parametrize("asked", [{}, dict(for_owner="u"), dict(for_tenant=""), dict(for_types="default")])
def test_a_job_that_does_not_exist_is_answered_like_that_of_another(jobs, asked):
    for op in ("cancel", "retry", "seen", "delete"):
        assert jobs.call("command", "nope", op, *pairs(asked)) == MISSING
    assert jobs.call("history", "nope", *pairs(asked)) is None


def test_a_job_that_changed_hands_is_commanded_by_its_new_owner_alone(jobs):
    jobs.create("a", owner="u")
    jobs.call("delete", "a")
    jobs.create("a", owner="v")
    assert jobs.call("command", "a", "cancel", "for_owner", "u", "for_tenant", "") == MISSING
    assert jobs.get("a")["status"] == "pending"
    answer = jobs.call("command", "a", "cancel", "for_owner", "v", "for_tenant", "")
    assert (answer[0], json.loads(answer[3])["status"]) == (b"ok", "cancelled")


def test_commands_do_what_the_functions_of_their_names_do(jobs):
    jobs.policy("default", user_retry="1")
    for one, op in (("a", "cancel"), ("b", "retry"), ("c", "seen")):
        jobs.create(one)
        if op != "cancel":
            jobs.report(one, status="failed")
        old = jobs.call(op, one, "anna")
        jobs.create(one + "2")
        if op != "cancel":
            jobs.report(one + "2", status="failed")
        new = jobs.call("command", one + "2", op, "by", "anna")
        assert (old[0], old[1], old[2]) == (new[0], new[1], new[2])
        assert [entry["by"] for entry in jobs.history(one)] == [entry["by"] for entry in jobs.history(one + "2")]


def test_seen_names_the_attempt(jobs):
    jobs.report("a", status="failed", attempt=2)
    assert jobs.call("command", "a", "seen", "attempt", 1)[0] == b"ignored:stale_attempt"
    assert jobs.call("command", "a", "seen", "attempt", 2)[0] == b"ok"


@pytest.mark.parametrize("call, field", [
    (("a",), "op"), (("a", "explode"), "op"), (("a", "cancel", "by"), "by"), (("a", "cancel", "by", "no spaces"), "by"),
    (("a", "seen", "attempt", "0"), "attempt"), (("a", "cancel", "nope", "1"), "nope"), (("group:a", "cancel"), "id"), ((), "id")])
def test_what_makes_no_sense_is_refused(jobs, call, field):
    jobs.create("a")
    with pytest.raises(Refused) as refused:
        jobs.call("command", *call)
    assert refused.value.field == field and jobs.get("a")["version"] == 1


def test_the_functions_of_today_go_on_with_their_arguments(jobs):
    """As deployed callers have them: by place, and without rights."""
    jobs.policy("default", user_retry="1")
    jobs.create("a", owner="u")
    assert jobs.call("cancel", "a", "anna")[0] == b"ok"
    assert jobs.call("seen", "a", "anna", 1)[0] == b"ok"
    assert jobs.call("retry", "a")[0] == b"ok"
    assert jobs.call("delete", "a") == [b"ok"]
    assert jobs.call("delete", "a") == [b"missing"]


# jobcast_history

def read(jobs, one, **fields):
    """(entries, cursor)"""
    cursor, *rows = jobs.call("history", one, *pairs(fields))
    texts = [[part.decode() for part in row] for row in rows]
    return [dict(zip(row[::2], row[1::2])) for row in texts], cursor.decode()


def test_a_history_is_what_was_written(jobs):
    jobs.create("a", owner="u")
    jobs.report("a", status="processing")
    jobs.report("a", status="failed", error__title="No")
    assert read(jobs, "a") == (jobs.history("a"), "")


def test_a_batch_has_a_history_too(jobs):
    jobs.create("a", owner="u", group="g")
    entries, _ = read(jobs, jobs.get("a")["group_id"], for_owner="u", for_tenant="")
    assert entries[0]["by"] == "batch"


def test_a_long_history_comes_in_bounded_pages_and_misses_nothing(jobs):
    jobs.report("a", status="processing", max_attempts=1000)
    for n in range(250):
        jobs.report("a", status="retrying", attempt=n + 1, error__detail="\x01" * 2000, error__action="\x01" * 2000)
    whole = jobs.history("a")
    pages, cursor = [], None
    while cursor != "":
        entries, cursor = read(jobs, "a", **({"cursor": cursor} if cursor else {}))
        pages.append(entries)
        size = sum(len(part) for entry in entries for pair in entry.items() for part in pair)
        assert size < 524288 + 30000
        assert cursor == "" or size >= 524288
    assert len(pages) > 3 and sum(pages, []) == whole


def test_a_page_goes_on_although_the_entry_it_ended_with_is_gone(jobs):
    jobs.report("a", status="processing")
    jobs.report("a", status="done")
    first = jobs.redis.xrange(jobs.key("log", "a"))[0][0]
    jobs.redis.xdel(jobs.key("log", "a"), first)
    entries, cursor = read(jobs, "a", cursor=first.decode())
    assert [entry["status"] for entry in entries] == ["done"] and cursor == ""


@pytest.mark.parametrize("cursor", ["", "x", "1", "1-", "-1", "1-1-1", "(1-1", "9" * 60 + "-1"])
def test_a_cursor_that_was_made_up_is_refused(jobs, cursor):
    jobs.create("a")
    with pytest.raises(Refused) as refused:
        jobs.call("history", "a", "cursor", cursor)
    assert refused.value.field == "cursor"


def test_a_replica_may_answer_it(jobs):
    jobs.create("a")
    assert jobs.redis.execute_command("FCALL_RO", "jobcast_history", 1, jobs.ns, "a")
