"""Outcomes stay in the owner's inbox until somebody saw them."""
import json


def inbox(jobs, scope="/u", **fields):
    cursor, unseen, *rows = jobs.call("inbox", scope, *jobs._pairs(fields))
    return [json.loads(row[2])["id"] for row in rows], unseen, cursor.decode()


def test_an_outcome_is_unseen_until_it_is_seen(jobs):
    jobs.create("a", owner="u")
    assert "seen" not in jobs.get("a") and inbox(jobs) == ([], 0, "")
    assert jobs.command("seen", "a")[0] == "ignored:not_final"
    jobs.report("a", status="done")
    assert jobs.get("a")["seen"] is False and inbox(jobs) == (["a"], 1, "")
    heard = jobs.heard("event:a", "feed:/u")
    what, record = jobs.command("seen", "a")
    assert what == "ok" and record["seen"] is True and inbox(jobs) == ([], 0, "")
    assert next(heard)[1].startswith(b"3 f {") and next(heard)[1].startswith(b"a 3 f {")
    assert jobs.redis.hmget(jobs.key("job", "a"), "seen_by")[0] == b"viewer"
    assert jobs.command("seen", "a") == ("ok", record), "twice is once"
    assert [e for _, e in jobs.redis.xrange(jobs.key("log", "a"))][-1][b"what"] == b"seen"
    assert len(jobs.redis.xrange(jobs.key("finished"))) == 1


def test_another_outcome_of_the_job_is_unseen_again(jobs):
    jobs.policy("default", user_retry="1")
    jobs.create("a", owner="u")
    jobs.report("a", status="failed", error__title="Broken")
    jobs.command("seen", "a")
    jobs.command("retry", "a")
    assert "seen" not in jobs.get("a") and not jobs.redis.hexists(jobs.key("job", "a"), "seen_at")
    jobs.report("a", status="failed", error__title="Broken")
    assert jobs.get("a")["seen"] is False and inbox(jobs)[0] == ["a"]
    assert jobs.call("seen", "a", "viewer", 1)[0] == b"ignored:stale_attempt", "who saw the first has not seen the second"
    assert jobs.call("seen", "a", "viewer", 2)[0] == b"ok"


def test_a_job_that_is_tried_again_or_deleted_leaves_the_inbox(jobs):
    jobs.policy("default", user_retry="1")
    for one in ("a", "b"):
        jobs.create(one, owner="u")
        jobs.report(one, status="failed", error__title="Broken")
    jobs.command("retry", "a")
    jobs.call("delete", "b")
    assert inbox(jobs) == ([], 0, "")


def test_the_inbox_is_the_owners_and_pages_from_the_newest(jobs):
    for n in range(25):
        jobs.report(f"a{n:02}", status="done", owner="u")
    jobs.report("other", status="done", owner="v")
    ids, unseen, cursor = inbox(jobs, limit=10)
    assert unseen == 25 and len(ids) == 10
    while cursor:
        more, _, cursor = inbox(jobs, limit=10, cursor=cursor)
        ids += more
    assert sorted(ids) == [f"a{n:02}" for n in range(25)]


def test_what_was_seen_elsewhere_does_not_come_back_with_a_late_owner(jobs):
    jobs.report("a", status="done")
    jobs.command("seen", "a")
    jobs.create("a", owner="u")
    assert jobs.get("a")["owner"] == "u" and inbox(jobs) == ([], 0, "")


def test_a_job_without_an_owner_can_be_seen_too(jobs):
    jobs.report("a", status="done")
    assert jobs.command("seen", "a")[1]["seen"] is True


def test_a_snapshot_has_every_unseen_outcome_before_those_seen(jobs):
    jobs.report("old", status="failed", owner="u", error__title="Broken")
    for n in range(120):
        jobs.report(f"f{n}", status="done", owner="u")
        jobs.command("seen", f"f{n}")
    ids, cursor = jobs.list("/u", snapshot="1")
    assert ids[0] == "old" and len(ids) == 100 and cursor


def test_an_outcome_whose_record_expired_is_not_counted(jobs):
    jobs.policy(retention_ms=60_000)
    for one in ("a", "b"):
        jobs.report(one, status="done", owner="u")
    assert inbox(jobs)[1] == 2
    jobs.redis.delete(jobs.key("job", "a"))
    jobs.redis.zincrby(jobs.key("inbox", "/u"), -60_000, "a")
    assert inbox(jobs) == (["b"], 1, "")
