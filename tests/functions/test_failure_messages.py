"""What viewers are told of a failure: docs/functions.md. Policies are as the gateway writes them."""
import json

import pytest

from conftest import Refused


def failures(jobs, of=None, patterns=(), **codes):
    jobs.policy(of, **{f"failure:{code}": json.dumps(entry) for code, entry in codes.items()},
                **({"failures": json.dumps([{"match": match, **entry} for match, entry in patterns])} if patterns else {}))


def failed(jobs, one="a", **error):
    jobs.report(one, type="import", status="failed", **{f"error__{name}": value for name, value in error.items()})
    return jobs.get(one)["error"]


def test_the_catalogue_says_what_operators_want_said(jobs):
    failures(jobs, "import", E42={"title": "The file has a wrong row", "action": "Correct it.", "link": "/help", "severity": "high"})
    error = failed(jobs, code="E42", title="KeyError: 'amount'", detail="row 17")
    assert error.pop("reference")
    assert error == {"code": "E42", "title": "The file has a wrong row", "detail": "row 17", "action": "Correct it.", "link": "/help",
                     "severity": "high", "retryable": False}


def test_the_type_is_asked_before_all_types_and_a_code_before_patterns(jobs):
    failures(jobs, "import", [("PDO*", {"title": "pattern of the type"})])
    failures(jobs, None, [("*", {"title": "anything"})], PDOException={"title": "code of all"}, Other={"title": "code of all"})
    assert failed(jobs, "a", code="PDOException")["title"] == "pattern of the type"
    assert failed(jobs, "b", code="Other")["title"] == "code of all"
    assert failed(jobs, "c", code="Else")["title"] == "anything"


@pytest.mark.parametrize("pattern,code,matches", [
    ("PDO*", "PDOException", True), ("PDO*", "pdo", False), ("*Timeout", "ReadTimeout", True), ("*Timeout", "TimeoutError", False),
    ("a*b*c", "a1b2c", True), ("a*b*c", "abcd", False), ("a*a", "a", False), ("*b*", "abc", True), ("%d+", "42", False), ("a.c", "abc", False),
    ("*" * 60 + "b", "a" * 128, False)])
def test_a_star_stands_for_any_text(jobs, pattern, code, matches):
    failures(jobs, "import", [(pattern, {"title": "matched"})])
    assert (failed(jobs, code=code, title="said")["title"] == "matched") == matches


def test_without_a_code_the_title_is_looked_up(jobs):
    failures(jobs, "import", [("SQLSTATE[*", {"title": "The database did not answer"})])
    assert failed(jobs, title="SQLSTATE[HY000] [2002] Connection refused")["title"] == "The database did not answer"


def test_a_failure_without_words_has_a_safe_text_and_a_reference(jobs):
    error = failed(jobs)
    assert error["title"] == "The job failed." and "reference" in error["action"] and error["severity"] == "high"
    assert jobs.redis.hgetall(jobs.key("reference", error["reference"])) == {b"id": b"a", b"attempt": b"1"}
    assert jobs.redis.pttl(jobs.key("reference", error["reference"])) > 0


def test_a_reference_that_is_given_is_kept(jobs):
    assert failed(jobs, reference="SENTRY-1")["reference"] == "SENTRY-1"


def test_a_reference_leads_to_the_job_that_had_it_first(jobs):
    failed(jobs, reference="SENTRY-1")
    jobs.report("b", status="failed", error__reference="SENTRY-1")
    assert jobs.get("b")["error"]["reference"] == "SENTRY-1"
    assert jobs.redis.hget(jobs.key("reference", "SENTRY-1"), "id") == b"a"
    jobs.call("delete", "a")
    jobs.report("c", status="failed", error__reference="SENTRY-1")
    assert jobs.redis.hget(jobs.key("reference", "SENTRY-1"), "id") == b"c"


def test_what_a_worker_says_itself_is_left_alone(jobs):
    assert failed(jobs, title="Row 17 has no amount", action="Add it.") == {"title": "Row 17 has no amount", "action": "Add it.", "retryable": False}


TRACES = {
    "python": 'Traceback (most recent call last):\n  File "/srv/app.py", line 3, in run\nKeyError: 1',
    "java": "java.lang.NullPointerException\n\tat com.example.Main.run(Main.java:3)",
    "node": "TypeError: x is undefined\n    at run (/srv/app.js:3:7)",
    "php": "PDOException: gone in /srv/a.php:3\nStack trace:\n#0 /srv/b.php(9): run()",
    "ruby": "app.rb:3:in `run': boom (RuntimeError)",
    "go": "panic: boom\n\ngoroutine 1 [running]:\nmain.main()",
    "rust": "thread 'main' panicked at /srv/src/main.rs:3:5:\nindex out of bounds",
    "old rust": "thread 'main' panicked at 'boom', /srv/src/main.rs:3:5",
    "elixir": "** (RuntimeError) boom\n    (app 0.1.0) lib/srv/import.ex:3: App.Import.run/1",
    "erlang": "Task #PID<0.1.0> terminating\n    (stdlib 3.17) lib/srv/import.exs:3: App.Import.\"-run/1-\"/2",
}


@pytest.mark.parametrize("language", TRACES)
@pytest.mark.parametrize("member", ["title", "detail"])
def test_a_traceback_is_for_operators_whatever_field_it_came_in(jobs, language, member):
    trace = TRACES[language][:200]
    heard = jobs.heard("event:a")
    error = failed(jobs, **{"title": "Broken", member: trace})
    assert error["reference"] and "/srv" not in json.dumps(error) and trace not in error.values()
    shown = [next(heard)[1], jobs.call("get", "a")[0][2], *(v for _, e in jobs.redis.xrange(jobs.key("log", "a")) for v in e.values())]
    assert not any(json.dumps(trace)[1:-1].encode() in text for text in shown)
    assert jobs.redis.hget(jobs.key("trace", "a"), "1").decode() == trace


@pytest.mark.parametrize("field", ["message", "step"])
@pytest.mark.parametrize("path", ["short", "long"])
def test_a_traceback_in_the_progress_is_for_operators_too(jobs, field, path):
    jobs.report("a", status="processing", **{field: "Reading"})
    heard = jobs.heard("event:a")
    if path == "long":
        jobs.redis.hdel(jobs.key("job", "a"), "front")
    trace = (TRACES["python"])[:100]
    jobs.report("a", "percent", 5, field, trace)
    assert jobs.get("a")["progress"] == {"percent": 5, field: "Reading"} and b"Traceback" not in next(heard)[1]
    assert jobs.redis.hget(jobs.key("trace", "a"), "1").decode() == trace
    jobs.report("a", field, "Two\nlines")
    assert jobs.get("a")["progress"][field] == "Two\nlines"


@pytest.mark.parametrize("field", ["error.code", "error.reference"])
@pytest.mark.parametrize("value", ["KeyError: 'amount'", "a\nb", "/srv/app.py", "x" * 129, "caf\u00e9"])
def test_a_code_or_reference_that_is_no_name_is_left_out(jobs, field, value):
    jobs.report("a", "status", "failed", field, value)
    assert value not in jobs.get("a")["error"].values()
    assert jobs.history("a")[-1]["mended"] == f"{field} left out"


@pytest.mark.parametrize("code", ["E42", "App\\Exceptions\\Gone", "Net::ReadTimeout", "ecto.no_results-1"])
def test_names_of_exceptions_of_all_languages_are_codes(jobs, code):
    assert failed(jobs, code=code, title="Broken")["code"] == code


def test_a_trace_of_each_recent_attempt_is_kept(jobs):
    for attempt in range(1, 9):
        jobs.report("a", status="processing", attempt=attempt)
        jobs.report("a", status="retrying", error__title="Busy", error__trace=f"trace {attempt}")
    assert sorted(jobs.redis.hkeys(jobs.key("trace", "a"))) == [b"4", b"5", b"6", b"7", b"8"]
    jobs.call("delete", "a")
    assert not jobs.redis.exists(jobs.key("trace", "a"))


@pytest.mark.parametrize("text", ["The file at line 3 is wrong", "See report.rb: it is empty", "    attached to the order", 'In "orders", line 3',
                                  "The customer panicked at the price", "** (see below)", "The file export.ex: it is empty"])
def test_ordinary_text_is_no_traceback(jobs, text):
    assert failed(jobs, title="Broken", detail=text)["detail"] == text
