"""A report is taken whatever its side fields are: they are cut, clamped or left out, named in the history and counted."""
import re

import pytest

import library
from conftest import Refused

LONG = {"message": 500, "step": 100, "unit": 100, "error.title": 200, "error.detail": 2000, "error.action": 2000, "labels.file": 200}


def member(record, field):
    """The value of a report's field in the record."""
    top, _, name = field.partition(".")
    if name:
        return record.get(top, {}).get(name)
    return record["progress"].get(field, record.get(field))


def status_for(field):
    return "failed" if field.startswith("error.") else "processing" if field == "eta" else "done"


@pytest.mark.parametrize("field, limit", LONG.items())
def test_a_text_that_is_too_long_is_cut_with_an_ellipsis(jobs, field, limit):
    assert jobs.report("a", "status", status_for(field), field, "é" * limit)[0] == "ok"
    kept = member(jobs.get("a"), field)
    assert kept == "é" * ((limit - 3) // 2) + "…"
    assert jobs.history("a")[-1]["mended"] == f"{field} cut"


def test_a_trace_that_is_too_long_is_cut(jobs):
    jobs.report("a", "status", "failed", "error.trace", "x" * 20_000)
    assert jobs.redis.hget(jobs.key("trace", "a"), "1").decode() == "x" * 16_381 + "…"


@pytest.mark.parametrize("field, limit", LONG.items())
def test_a_text_at_its_limit_stays_whole(jobs, field, limit):
    jobs.report("a", "status", status_for(field), field, "x" * limit)
    assert member(jobs.get("a"), field) == "x" * limit and "mended" not in jobs.history("a")[-1]


@pytest.mark.parametrize("field, value, kept", [
    ("percent", "100.00000000000001", 100), ("percent", "1e300", 100), ("percent", "-0.1", 0), ("current", "-1", 0), ("current", "1e300", 9007199254740991),
    ("total", "9007199254740993", 9007199254740991), ("eta", "-5", 0)])
def test_a_finite_number_beyond_its_range_is_clamped(jobs, field, value, kept):
    assert jobs.report("a", "status", "processing", field, value)[0] == "ok"
    assert member(jobs.get("a"), field) == kept


def test_a_clamped_percent_never_holds_an_outcome_up(jobs):
    jobs.report("a", status="failed", percent="100.00000000000001")
    assert jobs.get("a")["status"] == "failed" and jobs.history("a")[-1]["mended"] == "percent clamped"


@pytest.mark.parametrize("field", ["percent", "current", "total", "eta"])
@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e999", "abc", "", "0x1F", "01", "5.", "1,5", "50%"])
def test_what_is_no_finite_number_is_left_out(jobs, field, value):
    assert jobs.report("a", "status", "processing", field, value)[0] == "ok"
    assert jobs.get("a")["progress"] == {}
    assert jobs.history("a")[-1]["mended"] == f"{field} left out"


OTHERS = [("lease", "0"), ("lease", "604801"), ("lease", "x"), ("max_attempts", "0"), ("max_attempts", "1001"), ("max_attempts", "two"), ("by", "a b"), ("by", "x" * 65),
          ("group_size", "0"), ("group_size", "5"), ("retry_in", "-1"), ("retry_in", "5"), ("retry_at", "tomorrow"), ("retry_at", "1"), ("error.code", "card declined"),
          ("error.reference", "a b"), ("error.severity", "critical"), ("error.retryable", "yes"), ("error.link", "javascript:alert(1)"),
          ("error.link", "https://" + "x" * 2000), ("error.link", "//evil.example")]


@pytest.mark.parametrize("field, value", OTHERS)
@pytest.mark.parametrize("status", ["done", "failed", "processing", "cancelled"])
def test_any_other_bad_side_value_is_left_out(jobs, status, field, value):
    assert jobs.report("a", "status", status, field, value)[0] == "ok"
    record = jobs.get("a")
    assert record["status"] == status and value not in record.get("error", {}).values()
    assert jobs.history("a")[-1]["mended"] == f"{field} left out"


@pytest.mark.parametrize("status, pairs, left_out", [
    ("done", ("error.title", "T", "error.code", "C"), "error.code left out, error.title left out"), ("processing", ("result", "[]"), "result left out"),
    ("failed", ("result", "[]"), "result left out"), ("done", ("percent", "5", "percent", "6"), "percent left out"),
    ("done", ("labels.a b", "x"), "labels left out"), ("done", ("labels.", "x"), "labels left out"), ("done", ("labels.a", "x", "labels.a", "y"), "labels left out")])
def test_what_does_not_go_with_the_rest_is_left_out(jobs, status, pairs, left_out):
    assert jobs.report("a", "status", status, *pairs)[0] == "ok"
    assert jobs.get("a")["status"] == status and jobs.history("a")[-1]["mended"] == left_out


def test_of_retry_at_and_retry_in_the_time_is_kept(jobs):
    at = int(jobs.redis.time()[0]) * 1000 + 60_000
    jobs.report("a", status="retrying", retry_at=at, retry_in=5)
    assert jobs.get("a")["retry_at"] == at and jobs.history("a")[-1]["mended"] == "retry_in left out"


def test_at_most_sixteen_labels_and_those_that_are_there_stay(jobs):
    for n in range(15):
        jobs.report("a", f"labels.l{n}", "x", "status", "processing")
    jobs.report("a", "status", "done", "labels.new-b", "x", "labels.new-a", "x", "labels.l0", "changed")
    labels = jobs.get("a")["labels"]
    assert len(labels) == 16 and labels["new-a"] == "x" and labels["l0"] == "changed" and labels["l14"] == "x"
    assert jobs.history("a")[-1]["mended"] == "labels left out"


def test_a_label_can_be_taken_away_to_make_room_for_another(jobs):
    for n in range(16):
        jobs.report("a", f"labels.l{n}", "x", "status", "processing")
    jobs.report("a", "labels.l3", "", "labels.new", "x")
    assert "new" in jobs.get("a")["labels"] and "l3" not in jobs.get("a")["labels"]


@pytest.mark.parametrize("text", ["Traceback (most recent call last):\n" + '  File "/srv/a.py", line 3\n' * 400 + "ValueError: the reason",
                                  "x" * 170 + " /srv/app/secret/deep/file.rb:12:in `x'" + "y" * 2000])
@pytest.mark.parametrize("field", ["error.title", "error.detail", "error.action", "message", "step"])
@pytest.mark.parametrize("status", ["failed", "processing", "retrying"])
def test_a_traceback_that_is_too_long_is_kept_whole_and_never_shown(jobs, status, field, text):
    jobs.report("a", "status", status, field, text)
    assert "srv" not in str(jobs.get("a")) and "Traceback" not in str(jobs.get("a"))
    kept = jobs.redis.hgetall(jobs.key("trace", "a"))
    assert list(kept.values()) == [text.encode()]


def test_a_text_that_grows_when_its_characters_are_mended_stays_within_its_limit(jobs):
    jobs.report("a", status="processing", message=b"\xff" * 500)
    jobs.report("a", message=b"\xff" * 499)
    assert len(jobs.get("a")["progress"]["message"].encode()) <= 500
    jobs.policy(max_result=1000)
    jobs.report("a", status="done", result=b'"' + b"\xff" * 900 + b'"')
    assert jobs.get("a")["result_omitted"] == 902


def test_an_outcome_stands_whatever_counts_what_was_mended(jobs):
    jobs.redis.set(jobs.key("mended"), "not a hash")
    assert jobs.report("a", status="done", percent="x")[0] == "ok"
    assert jobs.get("a")["status"] == "done"


def test_names_that_are_no_side_fields_are_not_counted(jobs):
    jobs.report("a", status="done", left_out=",".join(f"made-up-{n}" for n in range(1500)) + ",percent")
    jobs.report("b", status="done", left_out="status,percent\n,percent")
    assert jobs.mended() == {"percent": 1} and "made-up" not in str(jobs.history("a"))


def test_what_was_mended_is_counted_by_field(jobs):
    jobs.report("a", "status", "processing", "percent", "x", "lease", "0")
    jobs.report("a", "percent", "y", "labels.a b", "x", "labels.ok", "x" * 300)
    assert jobs.mended() == {"percent": 2, "lease": 1, "labels": 2}


def test_a_report_that_is_ignored_counts_nothing(jobs):
    jobs.report("a", status="done")
    assert jobs.report("a", status="failed", percent="x")[0] == "ignored:final"
    assert jobs.mended() == {}


def test_a_job_that_ends_with_every_side_field_wrong_has_its_outcome(jobs):
    pairs = [part for field, value in OTHERS for part in (field, value)] + ["message", "x" * 9999, "percent", "x", "labels.", "y", "result", "{"]
    assert jobs.report("a", "status", "failed", *pairs)[0] == "ok"
    record = jobs.get("a")
    assert record["status"] == "failed" and record["error"]["title"] == "The job failed."


def test_what_a_gateway_could_not_say_in_pairs_is_named_too(jobs):
    jobs.report("a", status="done", left_out="progress,error.title")
    assert jobs.history("a")[-1]["mended"] == "progress left out, error.title left out"


# Refused reports

@pytest.mark.parametrize("job, pairs, kept", [
    ("a", ("status", "finished"), ("a", "status")), ("a", ("colour", "red"), ("a", "colour")), ("a b\n", ("status", "done"), ("a?b?", "id")),
    ("a", ("status",), ("a", "status")), ("a", ("status", "done", "owner", ""), ("a", "owner"))])
def test_a_refused_report_is_kept_with_its_id_field_and_reason(jobs, job, pairs, kept):
    with pytest.raises(Refused) as refused:
        jobs.report(job, *pairs)
    ((job_id, field, reason),) = jobs.refused()
    assert (job_id, field) == kept and reason == str(refused.value).split(": ", 1)[1]


def test_of_refused_reports_the_last_thousand_are_kept(jobs):
    pipeline = jobs.redis.pipeline(transaction=False)
    for n in range(1005):
        pipeline.execute_command("FCALL", "jobcast_report", 1, jobs.ns, f"j{n}", "status", "finished")
    pipeline.execute(raise_on_error=False)
    kept = jobs.refused()
    assert len(kept) == 1000 and kept[-1][0] == "j1004"


def test_a_report_that_is_taken_is_not_among_the_refused(jobs):
    jobs.report("a", status="done", percent="x")
    assert jobs.refused() == []


def names_between(text, begin, end):
    """The names in quotes, and those before `=`, of a list in a source."""
    block = text[text.index(begin):]
    return set(re.findall(r"[\"'](\w[\w.]*)[\"']\]? *[=,s}]", block[:block.index(end)]) + re.findall(r"[ {](\w+) = ", block[:block.index(end)]))


def test_library_parser_and_metrics_know_the_same_side_fields():
    side = names_between(library.source(["fields"]), "fields.SIDE = {", "fields.CREATE") - {"at", "today", "low", "high", "true", "false"}
    parser = (library.ROOT / "src" / "job" / "report_fields.cpp").read_text()
    parsed = names_between(parser, "progress_names{", "constexpr std::array text_names") | names_between(parser, "side_names{", "constexpr bool holds")
    counted = names_between((library.ROOT / "include" / "jobcast" / "metrics" / "counters.hpp").read_text(), "side_fields{", "};")
    assert side == parsed == counted - {"labels", "error", "progress", "other"}
