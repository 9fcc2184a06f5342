"""Protocol sections 2 and 5: creation, the owner's index, events, lifetimes."""
import json

import pytest

from conftest import Refused


def test_a_created_job_is_pending_and_shows_no_input(jobs):
    what, version, flags, record = jobs.create("a", type="import", owner="u", tenant="t", group="g", max_attempts=3, input='{"secret":1}')
    assert (what, version, flags) == ("created", 1, "")
    assert (record["status"], record["max_attempts"], record["group"]) == ("pending", 3, "g")
    assert "secret" not in json.dumps(record)


def test_the_same_request_gives_the_same_job_and_another_a_conflict(jobs):
    first = jobs.create("k1", keyed="1", request="h1", type="x")
    jobs.report("k1", status="processing")
    again = jobs.create("k1", keyed="1", request="h1", type="x")
    assert first[0] == "created" and again[0] == "replayed" and again[3]["status"] == "processing"
    assert jobs.create("k1", keyed="1", request="h2", type="x")[0] == "conflict:request"
    assert jobs.create("k1", type="x")[0] == "conflict:exists"


def test_a_job_made_by_a_report_is_adopted_once(jobs):
    jobs.report("a", status="processing", percent=5)
    what, version, _, record = jobs.create("a", owner="u", type="import")
    assert (what, version, record["status"], record["owner"], record["type"]) == ("adopted", 2, "processing", "u", "import")
    assert jobs.create("a")[0] == "conflict:exists"


def test_the_entry_of_a_job_that_learns_its_type_later_leaves_too(jobs):
    jobs.policy("default", dispatch="1")
    jobs.create("a")
    assert jobs.redis.xlen(jobs.key("work", "default")) == 1
    jobs.report("a", status="processing", type="x")
    jobs.report("a", status="done")
    assert jobs.redis.xlen(jobs.key("work", "default")) == 0


def test_entries_of_jobs_that_expired_leave_the_work_stream(jobs):
    jobs.policy("x", dispatch="1")
    jobs.policy(abandoned_ms="60000")
    for n in range(1000):
        jobs.redis.xadd(jobs.key("work", "x"), {"id": f"gone{n}"}, id=f"{n + 1}-0")
    jobs.create("a", type="x")
    assert jobs.redis.xlen(jobs.key("work", "x")) < 200, "whole nodes of the stream leave at once"


def test_an_adopted_job_that_was_only_announced_is_dispatched_as_its_type_says(jobs):
    jobs.policy("x", dispatch="1", start_timeout_ms="9000", max_attempts="4", lease_ms="7000")
    jobs.report("a", status="pending")
    record = jobs.create("a", type="x", input="[1]")[3]
    assert (record["status"], record["max_attempts"]) == ("pending", 4)
    (_, entry), = jobs.redis.xrange(jobs.key("work", "x"))
    assert entry == {b"id": b"a", b"type": b"x", b"attempt": b"1", b"input": b"[1]"}
    assert jobs.redis.zscore(jobs.key("deadlines"), "a") == record["updated_at"] + 9000
    jobs.report("a", status="processing")
    assert jobs.redis.zscore(jobs.key("deadlines"), "a") == jobs.get("a")["updated_at"] + 7000


def test_an_adopted_job_that_has_begun_is_not_dispatched(jobs):
    jobs.policy("x", dispatch="1", max_attempts="4")
    jobs.report("a", status="processing")
    assert jobs.create("a", type="x")[3]["max_attempts"] == 4
    assert not jobs.redis.exists(jobs.key("work", "x"))


def test_a_refused_creation_leaves_nothing(jobs):
    jobs.policy("x", start_timeout_ms=1000)
    for pairs in (("labels.a", "x" * 300), ("input", "{"), ("colour", "red")):
        with pytest.raises(Refused):
            jobs.create("a", "type", "x", *pairs)
    assert jobs.redis.keys(jobs.key("*")) == [jobs.key("policy", "x").encode()]


def test_a_dispatched_job_is_put_on_the_work_stream_until_it_ends(jobs):
    jobs.policy("x", dispatch="1")
    jobs.create("a", type="x", input="[1]")
    (_, entry), = jobs.redis.xrange(jobs.key("work", "x"))
    assert entry == {b"id": b"a", b"type": b"x", b"attempt": b"1", b"input": b"[1]"}
    jobs.report("a", status="done")
    assert jobs.redis.xlen(jobs.key("work", "x")) == 0


def test_a_list_has_the_newest_status_change_first_and_pages(jobs):
    ids = [f"j{n:03}" for n in range(250)]
    for one in ids:
        jobs.create(one, owner="u")
    seen, cursor = [], ""
    while True:
        page, cursor = jobs.list("/u", limit=100, **({"cursor": cursor} if cursor else {}))
        seen += page
        if not cursor:
            break
    assert sorted(seen) == ids and len(seen) == len(set(seen))
    assert jobs.list("/nobody") == ([], "")


def test_a_page_of_large_records_is_shorter_and_the_next_goes_on(jobs):
    result = '"%s"' % ("z" * 60_000)
    for n in range(20):
        jobs.report(f"large{n}", owner="anna", status="done", result=result)
    for function, skip in (("list", 1), ("inbox", 2)):
        seen, pages, cursor = [], 0, ""
        while pages == 0 or cursor:
            found = jobs.call(function, "/anna", *(["cursor", cursor] if cursor else []))
            cursor = found[0].decode()
            rows = found[skip:]
            assert len(rows) < 10
            seen += [json.loads(row[2])["id"] for row in rows]
            pages += 1
        assert len(seen) == len(set(seen)) == 20 and pages > 2


def test_a_viewer_with_thousands_of_large_records_holds_nobody_up(jobs):
    """What is not returned is not read: a record is read by HGET, a page holds half a megabyte of them."""
    pipe = jobs.redis.pipeline(transaction=False)
    for n in range(2000):
        pipe.execute_command("FCALL", "jobcast_report", 1, jobs.ns, f"j{n}", "owner", "u", "status", "done")
        pipe.hset(jobs.key("job", f"j{n}"), "doc", "{%s}" % ("z" * 30_000))
    pipe.execute()

    def records_read(*asked):
        def so_far():
            return jobs.redis.info("commandstats").get("cmdstat_hget", {"calls": 0})["calls"]
        before = so_far()
        jobs.call("list", "/u", *asked)
        return so_far() - before
    read = {asked: records_read(*asked) for asked in [("snapshot", "1"), ("type", "other"), ("status", "failed"), ("status", "done")]}
    for n in range(2000):
        pipe.delete(jobs.key("job", f"j{n}"))
    pipe.execute()
    assert read[("type", "other")] == read[("status", "failed")] == 0
    assert 0 < read[("snapshot", "1")] <= 40 and 0 < read[("status", "done")] <= 40, read


def test_a_list_that_was_cut_short_goes_on_where_it_was(jobs):
    pipe = jobs.redis.pipeline(transaction=False)
    for n in range(5000):
        pipe.execute_command("FCALL", "jobcast_create", 1, jobs.ns, f"j{n}", "owner", "u", "type", "x" if n % 100 == 0 else "y")
    pipe.execute()
    seen, cursor, pages = [], "", 0
    while pages == 0 or cursor:
        page, cursor = jobs.list("/u", type="x", **({"cursor": cursor} if cursor else {}))
        seen, pages = seen + page, pages + 1
    assert sorted(seen) == sorted(f"j{n}" for n in range(0, 5000, 100)) and pages > 2


def test_a_list_can_be_filtered(jobs):
    jobs.create("a", owner="u", type="x", group="g")
    jobs.create("b", owner="u", type="y")
    jobs.report("b", status="done")
    assert jobs.list("/u", type="x")[0] == ["a"]
    assert jobs.list("/u", group="g")[0] == ["a"]
    assert jobs.list("/u", status="done,failed")[0] == ["b"]
    with pytest.raises(Refused) as refused:
        jobs.list("/u", status="finished")
    assert refused.value.field == "status"


def test_a_list_skips_records_that_are_gone(jobs):
    jobs.create("a", owner="u")
    jobs.create("b", owner="u")
    jobs.redis.delete(jobs.key("job", "a"))
    assert jobs.list("/u")[0] == ["b"]


def test_a_snapshot_has_unfinished_jobs_first_and_says_when_it_is_cut(jobs):
    jobs.create("old", owner="u")
    for n in range(120):
        jobs.report(f"f{n}", status="done", owner="u")
    ids, cursor = jobs.list("/u", snapshot="1")
    assert ids[0] == "old" and len(ids) == 100 and cursor
    assert len(jobs.list("/u", cursor=cursor)[0]) == 100


def test_an_owner_is_percent_encoded_in_its_scope(jobs):
    jobs.create("a", owner="a/b c", tenant="t%")
    assert jobs.list("t%25/a%2Fb%20c")[0] == ["a"]


def test_events_say_what_happened(jobs):
    heard = jobs.heard("event:a", "feed:/u")

    def flags():
        channel, message = next(heard)
        return channel, message.split(b" {")[0].decode()
    jobs.create("a")
    assert flags() == ("event:a", "1 sn")
    jobs.report("a", status="processing")
    assert flags() == ("event:a", "2 s")
    jobs.report("a", owner="u")
    assert flags() == ("event:a", "3 o")
    assert flags() == ("feed:/u", "a 3 o")
    jobs.report("a", percent=5)
    assert flags() == ("event:a", "4 p")
    assert flags() == ("feed:/u", "a 4 p")
    jobs.report("a", status="done")
    assert flags() == ("event:a", "5 sf")
    assert flags() == ("feed:/u", "a 5 sf")
    jobs.call("delete", "a")
    assert next(heard) == ("event:a", b"0 d null")
    assert next(heard) == ("feed:/u", b"a 0 d null")


def test_the_record_begins_as_the_gateway_expects(jobs):
    jobs.report("a", status="processing")
    doc = jobs.call("get", "a")[0][2]
    record = json.loads(doc)
    assert doc.startswith(f'{{"id":"a","version":1,"updated_at":{record["updated_at"]},'.encode())


def test_outcomes_are_put_on_the_stream_for_consumers(jobs):
    jobs.report("a", status="done", owner="u", type="x")
    (_, entry), = jobs.redis.xrange(jobs.key("finished"))
    assert (entry[b"id"], entry[b"status"], entry[b"type"], entry[b"owner"], entry[b"version"]) == (b"a", b"done", b"x", b"u", b"1")


def test_records_live_as_long_as_the_policy_says(jobs):
    jobs.policy(retention_ms=60_000, abandoned_ms=600_000)
    jobs.report("a", status="processing", owner="u")
    for key in (jobs.key("job", "a"), jobs.key("log", "a")):
        assert 550_000 < jobs.redis.pttl(key) <= 600_000
    assert 0 < jobs.redis.pttl(jobs.key("owner", "/u")) <= 600_000
    jobs.report("a", status="done")
    for key in (jobs.key("job", "a"), jobs.key("log", "a")):
        assert 50_000 < jobs.redis.pttl(key) <= 60_000


def test_a_record_outlives_its_next_attempt(jobs):
    jobs.policy(abandoned_ms=60_000)
    jobs.report("a", status="retrying", retry_in=3600)
    assert jobs.redis.pttl(jobs.key("job", "a")) > 3_600_000


def test_deadlines_hold_just_what_has_one(jobs):
    jobs.policy("x", start_timeout_ms=5000)
    jobs.create("waits", type="x")
    jobs.create("free")
    jobs.report("runs", status="processing", lease=30)
    jobs.report("later", status="retrying", retry_in=100)
    jobs.report("over", status="done")
    held = dict(jobs.redis.zrange(jobs.key("deadlines"), 0, -1, withscores=True))
    assert set(held) == {b"waits", b"runs", b"later"}
    assert abs(held[b"runs"] - jobs.get("runs")["locked_at"] - 30_000) < 5


def test_a_heartbeat_renews_the_lease_and_tells_nobody(jobs):
    jobs.report("a", status="processing")
    before = jobs.redis.zscore(jobs.key("deadlines"), "a")
    assert jobs.call("heartbeat", "a") == [b"ok", 1, b""]
    assert jobs.redis.zscore(jobs.key("deadlines"), "a") >= before
    assert jobs.call("heartbeat", "none")[0] == b"ignored:unknown"


def test_a_lease_has_one_holder(jobs):
    assert jobs.call("lease", "ingest", "one", 60_000) == 1
    assert jobs.call("lease", "ingest", "two", 60_000) == 0
    assert jobs.call("lease", "ingest", "one", 60_000) == 1
    jobs.call("lease", "ingest", "one", 0)
    assert jobs.call("lease", "ingest", "two", 60_000) == 1
