"""Reports over HTTP: what they answer, what they change, and many in one request."""
import json
import subprocess

import pytest

from harness.gateway import PROGRAM
from harness.problems import assert_document, assert_problem


def batch(gateway, lines):
    body = b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines)
    response = gateway.request("POST", "/api/reports", body, {"Content-Type": "application/x-ndjson"})
    assert response.status == 200, response
    assert response.header("Content-Type") == "application/x-ndjson"
    assert response.body.endswith(b"\n")
    return [json.loads(line) for line in response.body.splitlines()]


def test_a_report_answers_result_version_and_whether_to_stop(gateway, job):
    response = gateway.post(f"/api/jobs/{job}/report", {"status": "processing"})
    assert response.status == 200
    assert response.json() == {"result": "ok", "version": 1, "cancel_requested": False}
    assert gateway.report(job, percent=5)["version"] == 2


def test_a_refused_line_names_the_field_as_it_was_sent(gateway, job):
    nested, flat = batch(gateway, [{"id": job, "progress": {"colour": "red"}}, {"id": job, "colour": "red"}])
    assert (nested["problem"]["field"], flat["problem"]["field"]) == ("progress.colour", "colour")


def test_a_worker_learns_of_a_cancellation_from_its_report(gateway, job):
    gateway.report(job, status="processing")
    assert gateway.post(f"/api/jobs/{job}/cancel").status == 202
    assert gateway.report(job, percent=5)["cancel_requested"] is True


def test_what_is_ignored_is_still_200_and_says_why(gateway, job):
    gateway.report(job, status="processing", attempt=2)
    assert gateway.report(job, percent=1, attempt=1)["result"] == "ignored:stale_attempt"
    assert gateway.report(job, status="pending")["result"] == "ignored:transition"
    gateway.report(job, status="done")
    before = gateway.record(job)
    assert gateway.report(job, status="failed") == {"result": "ignored:final", "version": before["version"],
                                                    "cancel_requested": False}
    assert gateway.record(job) == before


def test_progress_does_not_go_back_within_an_attempt(gateway, job):
    gateway.report(job, status="processing", percent=60)
    gateway.report(job, percent=20)
    assert gateway.record(job)["progress"]["percent"] == 60
    gateway.report(job, attempt=2, percent=10)
    assert gateway.record(job)["progress"]["percent"] == 10


def test_percent_is_derived_from_current_and_total(gateway, job):
    gateway.report(job, status="processing", progress={"current": 3, "total": 4, "unit": "pages"})
    assert gateway.record(job)["progress"] == {"percent": 75, "current": 3, "total": 4, "unit": "pages"}


def test_done_sets_percent_and_keeps_the_result_as_sent(gateway, job):
    gateway.report(job, status="processing", percent=10)
    body = b'{"status":"done","result":{"rows":[],"sum":12345678901234567890.10,"none":{}}}'
    assert gateway.request("POST", f"/api/jobs/{job}/report", body).status == 200
    status = gateway.get(f"/api/jobs/{job}/status")
    assert b'"result":{"rows":[],"sum":12345678901234567890.10,"none":{}}' in status.body
    assert status.json()["progress"]["percent"] == 100
    assert status.json()["finished_at"] == status.json()["updated_at"]


def test_a_failure_that_can_be_retried_becomes_retrying_while_attempts_remain(gateway, job):
    gateway.create(id=job, max_attempts=2)
    gateway.report(job, status="processing")
    gateway.report(job, status="failed", error={"title": "The mail server is away.", "retryable": True})
    record = gateway.record(job)
    assert (record["status"], record["attempt"], record["max_attempts"]) == ("retrying", 2, 2)
    assert record["retry_at"] > record["updated_at"]
    gateway.report(job, status="processing")
    gateway.report(job, status="failed", error={"title": "The mail server is away.", "retryable": True})
    assert gateway.record(job)["status"] == "failed"


def test_owner_tenant_and_type_are_set_once(gateway, job):
    gateway.report(job, status="processing", owner="zoe", tenant="acme", type="export")
    for field in ("owner", "tenant", "type"):
        assert_problem(gateway.post(f"/api/jobs/{job}/report", {field: "other"}), 400, field)
    assert gateway.report(job, owner="zoe", percent=5)["result"] == "ok"


def test_the_id_in_the_body_must_be_the_one_in_the_path(gateway, job):
    assert_problem(gateway.post(f"/api/jobs/{job}/report", {"id": f"{job}-other", "percent": 1}), 400, "id")
    assert gateway.post(f"/api/jobs/{job}/report", {"id": job, "percent": 1}).status == 200


def test_dotted_and_nested_members_mean_the_same(gateway, new_job):
    a, b = new_job(), new_job()
    gateway.report(a, status="failed", error={"title": "No."}, labels={"region": "eu"}, progress={"percent": 5})
    gateway.report(b, **{"status": "failed", "error.title": "No.", "labels.region": "eu", "percent": 5})
    assert [gateway.record(a)[name] for name in ("error", "labels", "progress")] == \
           [gateway.record(b)[name] for name in ("error", "labels", "progress")]


def test_a_batch_has_one_answer_for_each_line_in_order(gateway, new_job):
    a, b = new_job(), new_job()
    answers = batch(gateway, [{"id": a, "status": "processing"}, {"id": b, "status": "processing"},
                              {"id": a, "percent": 50}, {"id": a, "status": "done"}, {"id": a, "percent": 60}])
    assert [(x["result"], x["version"]) for x in answers] == \
           [("ok", 1), ("ok", 1), ("ok", 2), ("ok", 3), ("ignored:final", 3)]


def test_a_bad_line_is_answered_in_its_place_and_stops_no_other(gateway, new_job):
    a, b = new_job(), new_job()
    answers = batch(gateway, [{"id": a, "status": "processing"}, b'{"id":', {"id": "no good", "percent": 1},
                              {"percent": 1}, {"id": b, "status": "finished"}, {"id": b, "status": "processing"}])
    assert [sorted(x) == ["problem"] for x in answers] == [False, True, True, True, True, False]
    for answer, field in zip(answers[1:5], ("body", "id", "id", "status")):
        assert_document(answer["problem"], 400, field)
    assert answers[5] == {"result": "ok", "version": 1, "cancel_requested": False}


def test_a_batch_with_crlf_and_empty_lines_is_read(gateway, new_job):
    a, b = new_job(), new_job()
    body = f'{{"id":"{a}","percent":1}}\r\n\r\n\n{{"id":"{b}","percent":2}}'.encode()
    response = gateway.request("POST", "/api/reports", body)
    assert [json.loads(line)["result"] for line in response.body.splitlines()] == ["ok", "ok"]


def test_a_thousand_lines_are_one_batch_and_more_are_refused(gateway, job):
    line = {"id": job, "status": "processing"}
    answers = batch(gateway, [line] * 1000)
    assert [answer["result"] for answer in answers] == ["ok"] * 1000
    response = gateway.request("POST", "/api/reports", b"\n".join([json.dumps(line).encode()] * 1001))
    assert_problem(response, 413)


def test_an_empty_batch_is_refused(gateway):
    assert_problem(gateway.request("POST", "/api/reports", b""), 400, "body")


@pytest.mark.parametrize("word", ["supervisor", "viewer", "publisher", "batch"])
def test_over_http_nobody_passes_for_jobcast_in_the_history(gateway, job, word):
    gateway.report(job, status="processing", by=word)
    batch(gateway, [{"id": job, "status": "done", "by": word}])
    assert [entry["by"] for entry in gateway.get(f"/api/jobs/{job}/history").json()["entries"]] == ["worker", "worker"]


def test_who_reports_is_written_as_said(gateway, job):
    gateway.report(job, status="processing", by="importer-7")
    assert gateway.get(f"/api/jobs/{job}/history").json()["entries"][0]["by"] == "importer-7"


def test_the_command_says_that_a_report_was_ignored(gateway, job):
    def report(status):
        return subprocess.run([PROGRAM, "report", job, f"status={status}", "--url", f"http://127.0.0.1:{gateway.port}"],
                              capture_output=True, text=True, timeout=30, check=False)
    assert report("done").returncode == 0
    late = report("failed")
    assert late.returncode == 1 and "ignored:final" in late.stdout and "changed nothing" in late.stderr
