"""Protocol section 1, the state machine."""
import time

import pytest

from conftest import Refused

FINAL = ["done", "failed", "cancelled"]


def test_a_report_for_an_unknown_id_creates_the_job(jobs):
    assert jobs.report("a", status="processing") == ("ok", 1, "")
    record = jobs.get("a")
    assert (record["type"], record["status"], record["attempt"], record["progress"]) == ("default", "processing", 1, {})
    assert record["stalled"] is False and record["cancel_requested"] is False and record["can"] == ["cancel"]
    assert record["created_at"] == record["started_at"] == record["locked_at"] == record["updated_at"]


def test_unless_the_policy_says_otherwise(jobs):
    jobs.policy(create_on_report="0")
    assert jobs.report("a", status="processing") == ("ignored:unknown", 0, "")
    assert jobs.get("a") is None


@pytest.mark.parametrize("final", FINAL)
@pytest.mark.parametrize("later", ["pending", "processing", "retrying", *FINAL])
def test_final_is_final(jobs, final, later):
    jobs.report("a", status=final)
    before = jobs.get("a")
    assert jobs.report("a", status=later, percent=3) == ("ignored:final", 1, "")
    assert jobs.get("a") == before


def test_nothing_goes_back_to_pending(jobs):
    jobs.report("a", status="processing")
    assert jobs.report("a", status="pending")[0] == "ignored:transition"


def test_every_accepted_report_counts_one_version(jobs):
    versions = [jobs.report("a", status="processing", percent=n)[1] for n in range(5)]
    assert versions == [1, 2, 3, 4, 5]


def test_a_zombie_cannot_overwrite_its_successor(jobs):
    jobs.report("a", status="processing", attempt=2, percent=10)
    assert jobs.report("a", status="done", attempt=1)[0] == "ignored:stale_attempt"
    assert jobs.call("heartbeat", "a", 1)[0] == b"ignored:stale_attempt"
    assert jobs.get("a")["status"] == "processing"


def test_a_higher_attempt_starts_anew(jobs):
    jobs.report("a", status="processing", percent=80, message="nearly")
    jobs.report("a", status="processing", attempt=2)
    record = jobs.get("a")
    assert (record["attempt"], record["progress"]) == (2, {})


def test_a_retryable_failure_is_tried_again_while_attempts_remain(jobs):
    jobs.policy("mail", max_attempts=2, backoff_base_ms=1000)
    jobs.report("a", type="mail", status="processing")
    jobs.report("a", status="failed", error__title="Busy", error__retryable="true")
    record = jobs.get("a")
    assert (record["status"], record["attempt"], record["max_attempts"]) == ("retrying", 2, 2)
    assert 0 < record["retry_at"] - record["updated_at"] <= 1000
    jobs.report("a", status="processing")
    assert "retry_at" not in jobs.get("a") and "error" not in jobs.get("a")
    jobs.report("a", status="failed", error__title="Busy", error__retryable="true")
    assert jobs.get("a")["status"] == "failed"


def test_a_retry_at_seconds_is_not_taken_for_milliseconds(jobs):
    seconds = int(time.time()) + 60
    jobs.report("a", status="retrying", retry_at=seconds)
    assert jobs.get("a")["retry_at"] > 1000 * seconds - 60_000 - 1000, "the backoff of its type instead"
    assert jobs.history("a")[-1]["mended"] == "retry_at left out"


def test_a_retry_is_at_most_a_year_ahead(jobs):
    year = 31_536_000_000
    for ahead, accepted in ((year - 60_000, True), (year + 60_000, False)):
        at = int(time.time() * 1000) + ahead
        jobs.report("a", status="retrying", retry_at=at)
        assert (jobs.get("a")["retry_at"] == at) == accepted


def test_a_failure_is_not_retryable_unless_said(jobs):
    jobs.policy("mail", max_attempts=5)
    jobs.report("a", type="mail", status="failed", error__title="Broken")
    assert jobs.get("a")["error"] == {"title": "Broken", "retryable": False}
    assert jobs.get("a")["status"] == "failed"


def test_done_sets_the_bar_to_its_end(jobs):
    jobs.report("a", status="processing", percent=12)
    jobs.report("a", status="done")
    record = jobs.get("a")
    assert record["progress"]["percent"] == 100 and record["can"] == []
    assert record["finished_at"] >= record["started_at"]


@pytest.mark.parametrize("field,first,second", [("owner", "u1", "u2"), ("tenant", "t1", "t2"), ("type", "x", "y")])
def test_who_and_what_a_job_is_never_changes(jobs, field, first, second):
    jobs.report("a", status="processing")
    jobs.report("a", **{field: first})
    jobs.report("a", **{field: first})
    with pytest.raises(Refused) as refused:
        jobs.report("a", **{field: second})
    assert refused.value.field == field
    assert jobs.get("a")[field] == first


def test_a_cancel_of_a_running_job_is_told_to_its_worker(jobs):
    jobs.report("a", status="processing")
    what, record = jobs.command("cancel", "a")
    assert what == "ok" and record["cancel_requested"] is True and record["can"] == []
    assert jobs.report("a", percent=4)[2] == "cancel_requested"
    assert jobs.call("heartbeat", "a")[2] == b"cancel_requested"
    jobs.report("a", status="cancelled")
    assert jobs.get("a")["status"] == "cancelled"


def test_a_job_that_does_not_run_is_cancelled_at_once(jobs):
    jobs.create("a")
    what, record = jobs.command("cancel", "a")
    assert (what, record["status"]) == ("ok", "cancelled")
    assert jobs.command("cancel", "a")[0] == "ignored:final"


def test_a_retry_opens_a_failed_job_again(jobs):
    jobs.policy("import", user_retry="1")
    jobs.create("a", type="import", input='{"n":1}')
    jobs.report("a", status="processing", percent=70)
    jobs.report("a", status="failed", error__title="Broken")
    assert jobs.get("a")["can"] == ["retry"]
    what, record = jobs.command("retry", "a")
    assert (what, record["status"], record["attempt"], record["progress"]) == ("ok", "pending", 2, {})
    assert "error" not in record and "finished_at" not in record
    assert jobs.command("retry", "a")[0] == "ignored:not_offered"
    ops = [entry[b"op"] for _, entry in jobs.redis.xrange(jobs.key("commands"))]
    assert ops == [b"retry"]


def test_commands_on_an_unknown_job_say_so(jobs):
    for name in ("cancel", "retry", "delete"):
        assert jobs.call(name, "none")[0] == b"missing"


def test_history_tells_changes_and_not_mere_progress(jobs):
    jobs.create("a")
    for n in range(20):
        jobs.report("a", status="processing", percent=n)
    jobs.report("a", status="failed", error__title="Broken", by="importer-3")
    entries = [entry for _, entry in jobs.redis.xrange(jobs.key("log", "a"))]
    assert [(e[b"status"], e[b"by"]) for e in entries] == [
        (b"pending", b"publisher"), (b"processing", b"worker"), (b"failed", b"importer-3")]
    assert entries[-1][b"error"] == b'{"title":"Broken","retryable":false}'


def test_a_job_that_is_handed_back_keeps_its_attempts(jobs):
    jobs.policy("mail", max_attempts=2)
    jobs.report("a", status="processing", type="mail")
    jobs.report("a", status="retrying", spend_attempt="false", retry_in=0)
    record = jobs.get("a")
    assert (record["attempt"], record["max_attempts"]) == (2, 3), "the attempt rises, since it fences"
    jobs.report("a", status="processing", attempt=2)
    jobs.report("a", status="failed", error__retryable="true")
    assert jobs.get("a")["status"] == "retrying"
    jobs.report("a", status="failed", attempt=3, error__retryable="true")
    assert jobs.get("a")["status"] == "failed"


def test_a_job_may_be_handed_back_until_attempt_1000(jobs):
    jobs.report("a", status="processing", max_attempts=1000)
    jobs.report("a", status="retrying", spend_attempt="false")
    assert jobs.get("a")["max_attempts"] == 1000


def test_an_attempt_is_spent_where_none_is_handed_back(jobs):
    jobs.report("a", status="processing", max_attempts=3)
    jobs.report("a", status="retrying", spend_attempt="true")
    assert (jobs.get("a")["attempt"], jobs.get("a")["max_attempts"]) == (2, 3)
    jobs.report("a", status="done", spend_attempt="false")
    assert jobs.history("a")[-1]["mended"] == "spend_attempt left out"


@pytest.mark.parametrize("job", [".", ".."])
def test_an_id_that_no_url_reaches_is_refused(jobs, job):
    for function in ("report", "create", "heartbeat", "cancel"):
        with pytest.raises(Refused) as refused:
            jobs.call(function, job)
        assert refused.value.field == "id"


@pytest.mark.parametrize("again", ["retried", "handed back"])
def test_the_last_attempt_that_can_be_named_is_still_reported_on(jobs, again):
    jobs.policy("default", user_retry="1")
    jobs.create("a")
    if again == "retried":
        jobs.report("a", status="failed", attempt=1000000)
        jobs.command("retry", "a")
    else:
        jobs.report("a", status="retrying", attempt=1000000, retry_in=0)
    attempt = jobs.get("a")["attempt"]
    assert jobs.report("a", status="processing", attempt=attempt)[0] == "ok"
    assert jobs.report("a", status="done", attempt=attempt)[0] == "ok"
    assert jobs.get("a")["status"] == "done"
