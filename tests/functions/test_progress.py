"""Protocol section 1, progress and the checks of fields."""
import json
import random
import struct
import time

import pytest

from conftest import Refused


def test_percent_is_derived_where_it_is_absent(jobs):
    jobs.report("a", status="processing", current=3, total=7, unit="pages")
    assert jobs.get("a")["progress"] == {"percent": 42.8, "current": 3, "total": 7, "unit": "pages"}


def test_a_lower_percent_keeps_the_old(jobs):
    jobs.report("a", status="processing", percent=50)
    jobs.report("a", percent=20)
    assert jobs.get("a")["progress"]["percent"] == 50


def test_numbers_keep_their_digits(jobs):
    jobs.report("a", status="processing", current=9007199254740991, total="9007199254740991", percent="12.5")
    assert jobs.get("a")["progress"] == {"percent": 12.5, "current": 9007199254740991, "total": 9007199254740991}


@pytest.mark.parametrize("sent", ["33.3333333333333", "12.345678901234567", "0.1", "0.30000000000000004", "99.99999999999999", "1e-7", "50.0", "0.5"])
def test_a_percent_keeps_all_its_digits_by_either_way(jobs, sent):
    jobs.report("a", status="processing", percent=sent, group="g")
    jobs.report("b", status="processing")
    jobs.report("b", percent=sent)
    jobs.report("b", message="and goes on")
    assert jobs.get("a")["progress"]["percent"] == jobs.get("b")["progress"]["percent"] == float(sent)


@pytest.mark.parametrize("sent", ["1234567.1234567", "12345678901.5", "9007199254740.123", "0.1", "3.0000000000000004", "4503599627370495.5"])
def test_an_amount_keeps_all_its_digits(jobs, sent):
    jobs.report("a", status="processing", current=sent, total=sent)
    assert jobs.get("a")["progress"]["current"] == jobs.get("a")["progress"]["total"] == float(sent)


def test_short_numbers_stay_short(jobs):
    jobs.report("a", status="processing", current="1.1", total="2.2", percent="0.10000")
    jobs.report("a", percent="33.3")
    row = jobs.call("get", "a")[0][2].decode()
    assert '"percent":33.3,"current":1.1,"total":2.2' in row


def test_members_of_an_error_and_labels_are_kept(jobs):
    jobs.create("a", "labels.region", "eu", "labels.file", "käse.csv")
    jobs.report("a", "labels.region", "", status="failed", error__code="E1", error__title="T", error__detail="D", error__action="A",
                error__severity="high", error__link="/help/E1", error__reference="r-1")
    record = jobs.get("a")
    assert record["labels"] == {"file": "käse.csv"}
    assert record["error"] == {"code": "E1", "title": "T", "detail": "D", "action": "A", "severity": "high", "link": "/help/E1",
                               "reference": "r-1", "retryable": False}


@pytest.mark.parametrize("field,value", [
    ("status", "finished"), ("status", ""), ("attempt", "0"), ("attempt", "1.5"), ("attempt", "x"), ("owner", ""), ("owner", "x" * 129), ("tenant", ""),
    ("group", ""), ("group", "x" * 129), ("type", "a b"), ("type", "x" * 65), ("colour", "red"), ("progress.colour", "red"), ("input", "{}")])
def test_what_a_job_is_and_what_nobody_knows_is_refused_by_its_name(jobs, field, value):
    with pytest.raises(Refused) as refused:
        jobs.report("a", field, value, *(() if field == "status" else ("status", "done")))
    assert refused.value.field == field
    assert jobs.get("a") is None
    assert jobs.redis.keys(jobs.key("*")) == [jobs.key("refused").encode()]


@pytest.mark.parametrize("job", ["", "x" * 129, "a b", "a/b", "ä", "a\n"])
def test_a_wrong_id_is_refused(jobs, job):
    for function in ("report", "create", "heartbeat", "cancel", "retry", "delete", "get"):
        with pytest.raises(Refused) as refused:
            jobs.call(function, job)
        assert refused.value.field == "id"


def test_a_field_without_value_twice_or_without_id_is_refused(jobs):
    for arguments in (("a", "status"), ("a", "status", "done", "status", "done"), ()):
        with pytest.raises(Refused):
            jobs.call("report", *arguments)


def test_a_creation_with_too_many_labels_leaves_nothing(jobs):
    jobs.policy("x", start_timeout_ms=1000)
    with pytest.raises(Refused) as refused:
        jobs.create("a", "type", "x", *(part for n in range(17) for part in (f"labels.l{n}", "v")))
    assert refused.value.field == "labels"
    assert jobs.redis.keys(jobs.key("*")) == [jobs.key("policy", "x").encode()]


def test_the_short_way_of_a_report_that_only_moves_the_bar_writes_what_the_long_way_writes(jobs):
    """The long way is taken where `front` is not there."""
    choices = {"percent": ["0", "7", "0.5", "42", "42.0", "99.5"], "message": ["on", 'a "quote"', "tab\t", "caf\u00e9", "\x7f"],
               "current": ["1", "50", "700"], "total": ["700", "1000"], "unit": ["pages", "\\"], "step": ["2 of 3"],
               "status": ["processing"], "attempt": ["1"]}
    draw = random.Random(7)
    jobs.redis.hset(jobs.key("durations", "known"), mapping={"0": 60_000, "1": 61_000, "2": 62_000, "n": 3})
    for n in range(60):
        pair = f"short{n}", f"long{n}"
        born = draw.choice([{}, {"owner": "u1"}, {"type": "known"}, {"group": "g", "owner": "u2"}, {"type": "known", "group": "h"}])
        for job in pair:
            jobs.report(job, status="processing", **born)
        for _ in range(draw.randint(1, 8)):
            said = {field: draw.choice(choices[field]) for field in draw.sample(list(choices), draw.randint(1, 4))}
            jobs.report(pair[0], **said)
            jobs.redis.hdel(jobs.key("job", pair[1]), "front")
            jobs.report(pair[1], **said)
            assert written_by(jobs, pair[0]) == written_by(jobs, pair[1]), said
            records = [jobs.get(job) for job in pair]
            for record in records:
                assert ("eta" in record["progress"]) == ("type" in born and born["type"] == "known")
                for varies in "id", "updated_at", "created_at", "started_at", "locked_at":
                    del record[varies]
                for varies in "eta", "eta_error":
                    record["progress"].pop(varies, None)
            assert records[0] == records[1]
        # What the short way wrote in one field only is all there for the long way.
        for job in pair:
            jobs.redis.hdel(jobs.key("job", job), "front")
            jobs.report(job, message="and on")
        assert written_by(jobs, pair[0]) == written_by(jobs, pair[1])


def written_by(jobs, job):
    """The fields of a job at work, without times; what is newer in `now` stands for the field of its own."""
    fields = jobs.redis.hgetall(jobs.key("job", job))
    now = fields.pop(b"now")
    _, _, attempt, _, version, percent, more = struct.unpack("<ddddddB", now[:49])
    assert fields[b"attempt"] == b"%d" % attempt
    fields[b"v"] = version
    fields[b"percent"] = percent
    fields[b"more"] = more, now[49:]
    for varies in b"updated", b"locked", b"started", b"created", b"expires", b"doc", b"back", b"share":
        fields.pop(varies, None)
    return fields


def test_what_the_short_way_was_not_told_stays_for_the_long_way(jobs):
    jobs.report("a", status="processing")
    jobs.report("a", step="Reading")
    jobs.report("a", status="processing")
    jobs.redis.hdel(jobs.key("job", "a"), "front")
    jobs.report("a", percent=5)
    assert jobs.get("a")["progress"] == {"percent": 5, "step": "Reading"}


def test_what_comes_derives_a_percent_even_if_it_was_known(jobs):
    jobs.report("a", status="processing", percent=2, current=50, total=700)
    jobs.report("a", current=50)
    assert jobs.get("a")["progress"]["percent"] == 7.1


@pytest.mark.parametrize("attempt", [1, 2, 9, 18, 20, 100])
@pytest.mark.parametrize("more", ["", " 60000 3000   ", "     group:" + "0" * 40])
def test_a_job_at_work_that_an_older_library_wrote_goes_on(jobs, attempt, more):
    """Before 1.6 there was `pace`, of other columns still before 1.5, and each field was written by itself."""
    jobs.report("a", status="processing", attempt=attempt, percent=5)
    now = int(time.time() * 1000)
    key = jobs.key("job", "a")
    jobs.redis.hdel(key, "now")
    jobs.redis.hset(key, mapping={"pace": f"{attempt} {now + 302_400_000} {now - 5000} {more}", "mid": ""})
    assert jobs.call("heartbeat", "a")[0] == b"ok"
    assert jobs.report("a", message="on")[:2] == ("ok", 2)
    assert jobs.get("a")["progress"] == {"percent": 5, "message": "on"} | {
        key: value for key, value in jobs.get("a")["progress"].items() if key.startswith("eta")}
    assert jobs.report("a", message="and on")[:2] == ("ok", 3)
    assert jobs.report("a", status="done")[:2] == ("ok", 4)
    assert not {b"front", b"back", b"now", b"pace", b"mid"} & set(jobs.redis.hgetall(key))


def test_what_is_newer_in_now_is_what_everyone_reads(jobs):
    """A report of progress writes version, percent and times nowhere else."""
    jobs.report("a", status="processing", percent=1, owner="u")
    jobs.report("a", percent=2.5)
    version, _, doc = jobs.call("get", "a")[0]
    assert version == json.loads(doc)["version"] == 2 and json.loads(doc)["progress"]["percent"] == 2.5
    assert jobs.call("list", "/u")[1][0] == 2 and jobs.call("list", "/u", "snapshot", "1")[1][0] == 2
    assert jobs.call("heartbeat", "a")[1] == 2
    jobs.call("cancel", "a")
    record = jobs.get("a")
    assert record["version"] == 3 and record["progress"]["percent"] == 2.5
    assert jobs.report("a", percent=1)[1] == 4 and jobs.get("a")["progress"]["percent"] == 2.5


def test_a_lease_is_counted_from_the_last_report_or_heartbeat_whichever_way_it_was_written(jobs):
    jobs.report("a", status="processing", percent=1)
    first = reported = jobs.get("a")["locked_at"]
    while reported == first:
        jobs.report("a", percent=2)
        reported = jobs.get("a")["locked_at"]
    jobs.redis.hset(jobs.key("job", "a"), "locked", reported + 5)  # as a heartbeat does
    jobs.call("cancel", "a")
    assert jobs.get("a")["locked_at"] == reported + 5


def test_what_a_library_before_1_6_wrote_since_is_not_undone_by_what_it_left(jobs):
    jobs.report("a", status="processing", percent=1)
    for percent in range(2, 6):
        jobs.report("a", percent=percent)
    now = jobs.redis.hget(jobs.key("job", "a"), "now")
    jobs.report("a", status="done")
    jobs.redis.hset(jobs.key("job", "a"), mapping={"now": now, "v": 3})
    assert jobs.command("seen", "a")[0] == "ok"
    record = jobs.get("a")
    assert record["version"] == 6 and record["progress"]["percent"] == 100, "no version twice, and nothing of the old"


def test_a_heartbeat_after_the_clock_was_set_back_counts_from_when_it_came(jobs):
    jobs.report("a", status="processing", percent=1, lease=1)
    jobs.report("a", percent=2)
    key = jobs.key("job", "a")
    now = jobs.redis.hget(key, "now")
    ahead = list(struct.unpack("<dddddd", now[:48]))
    ahead[3] += 3_600_000
    jobs.redis.hset(key, "now", struct.pack("<dddddd", *ahead) + now[48:])
    assert jobs.call("heartbeat", "a")[:2] == [b"ok", 2]
    jobs.redis.zadd(jobs.key("deadlines"), {"a": 1})
    jobs.call("supervise", "10")
    assert jobs.redis.zscore(jobs.key("deadlines"), "a") < time.time() * 1000 + 60_000
    jobs.report("a", percent=3)
    assert jobs.get("a")["version"] == 3


def test_a_total_of_nothing_tells_no_percent(jobs):
    jobs.report("a", status="processing", percent=40, total=0)
    jobs.report("a", current=20)
    assert jobs.get("a")["progress"] == {"percent": 40, "current": 20, "total": 0}


def test_a_shorter_lease_that_is_learnt_with_the_type_holds_at_once(jobs):
    jobs.policy("quick", lease_ms=1500)
    jobs.report("a", status="processing")
    jobs.create("a", type="quick")
    assert jobs.redis.zscore(jobs.key("deadlines"), "a") == jobs.get("a")["locked_at"] + 1500
