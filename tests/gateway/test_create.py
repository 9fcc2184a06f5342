"""Creating jobs: explicit, generated and derived ids, and one job per idempotency key whatever the concurrency."""
import re
import threading

import pytest

from harness.problems import assert_problem


def test_a_created_job_is_pending_and_says_where_to_look(gateway, job):
    response = gateway.post("/api/jobs", {"id": job, "type": "export", "owner": "zoe", "labels": {"region": "eu"}})
    assert response.status == 202
    assert response.header("Location") == f"/api/jobs/{job}/status"
    assert int(response.header("Retry-After")) >= 1
    record = response.json()
    assert record["watch_url"].endswith(f"/api/jobs/{job}/events")
    assert (record["id"], record["status"], record["version"]) == (job, "pending", 1)
    assert (record["type"], record["owner"], record["labels"]) == ("export", "zoe", {"region": "eu"})
    assert gateway.get(response.header("Location")).header("ETag") == response.header("ETag")
    assert gateway.record(job) == {name: value for name, value in record.items() if name != "watch_url"}


def test_without_an_id_each_request_makes_a_job(gateway):
    first, second = gateway.create(type="export"), gateway.create(type="export")
    assert first["id"] != second["id"]
    assert re.fullmatch(r"[A-Za-z0-9._:-]{1,128}", first["id"])


def test_an_id_that_exists_is_a_conflict(gateway, job):
    gateway.create(id=job)
    assert_problem(gateway.post("/api/jobs", {"id": job}), 409, "id")
    assert gateway.record(job)["version"] == 1


def test_a_job_that_a_report_made_is_adopted(gateway, job):
    gateway.report(job, status="processing", percent=30)
    record = gateway.create(id=job, owner="zoe")
    assert (record["status"], record["owner"], record["progress"]["percent"]) == ("processing", "zoe", 30)
    assert_problem(gateway.post("/api/jobs", {"id": job, "owner": "zoe"}), 409, "id")


def test_the_same_key_and_body_answer_the_same_job(gateway, job):
    key = {"Idempotency-Key": job}
    first = gateway.post("/api/jobs", {"type": "export"}, key)
    assert first.status == 202 and first.header("Idempotent-Replayed") is None
    assert re.fullmatch(r"k[a-z2-7]{26}", first.json()["id"])
    gateway.report(first.json()["id"], status="processing")
    again = gateway.post("/api/jobs", {"type": "export"}, key)
    assert again.status == 202
    assert again.header("Idempotent-Replayed") == "true"
    assert again.json()["id"] == first.json()["id"]
    assert again.json()["status"] == "processing"
    assert again.header("Location") == first.header("Location")


def test_the_same_body_written_otherwise_is_the_same_request(gateway, job):
    key = {"Idempotency-Key": job}
    first = gateway.post("/api/jobs", b'{"type":"export","owner":"zoe"}', key)
    again = gateway.post("/api/jobs", b'{ "owner" : "zoe",\n "type":"export" }', key)
    assert (again.status, again.json()["id"]) == (202, first.json()["id"])


def test_the_same_key_with_another_body_is_refused(gateway, job):
    key = {"Idempotency-Key": job}
    gateway.post("/api/jobs", {"type": "export"}, key)
    assert_problem(gateway.post("/api/jobs", {"type": "import"}, key), 422, "Idempotency-Key")


def test_an_explicit_id_with_a_key_can_be_repeated(gateway, job):
    key = {"Idempotency-Key": job}
    assert gateway.post("/api/jobs", {"id": job}, key).status == 202
    again = gateway.post("/api/jobs", {"id": job}, key)
    assert (again.status, again.header("Idempotent-Replayed")) == (202, "true")
    assert_problem(gateway.post("/api/jobs", {"id": job, "type": "other"}, key), (409, 422))


def test_other_keys_make_other_jobs(gateway, job):
    made = {gateway.post("/api/jobs", {}, {"Idempotency-Key": f"{job}-{n}"}).json()["id"] for n in range(5)}
    assert len(made) == 5


def test_an_unreasonable_key_is_refused(gateway):
    assert_problem(gateway.post("/api/jobs", {}, {"Idempotency-Key": "k" * 256}), 400, "Idempotency-Key")
    assert_problem(gateway.post("/api/jobs", {}, {"Idempotency-Key": ""}), 400, "Idempotency-Key")
    assert_problem(gateway.post("/api/jobs", {}, {"Idempotency-Key": "caf\u00e9"}), 400, "Idempotency-Key")


def test_a_hundred_concurrent_creates_with_one_key_make_one_job(gateway, redis_server, job):
    answers, start = [], threading.Barrier(100)

    def create():
        with gateway.connect() as connection:
            start.wait()
            answers.append(connection.request("POST", "/api/jobs", {"type": "export", "owner": job},
                                              {"Idempotency-Key": job}))
    threads = [threading.Thread(target=create) for _ in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [a.status for a in answers] == [202] * 100
    assert len({a.json()["id"] for a in answers}) == 1
    assert len({a.json()["version"] for a in answers}) == 1
    assert sum(a.header("Idempotent-Replayed") is None for a in answers) == 1
    assert len(gateway.get(f"/api/jobs?owner={job}").json()["jobs"]) == 1
    log = redis_server.client().xlen(f"jobcast:log:{answers[0].json()['id']}")
    assert log == 1, "the history holds more than the one creation"


def test_a_job_that_is_over_when_it_is_created_says_so(gateway, job):
    gateway.report(job, status="done")
    made = gateway.post("/api/jobs", {"id": job})
    assert made.status == 202
    record = made.json()
    assert record["status"] == "done" and record["already_over"] is True
    assert "a new id" in record["notice"] and "/retry" in record["notice"]
    running = gateway.post("/api/jobs", {"id": job + "-new"}).json()
    assert "already_over" not in running and "notice" not in running


def test_a_request_repeated_after_its_job_is_over_says_so(gateway, job):
    key = {"Idempotency-Key": job}
    first = gateway.post("/api/jobs", {}, key).json()
    assert "already_over" not in first
    gateway.report(first["id"], status="done")
    again = gateway.post("/api/jobs", {}, key)
    assert again.header("Idempotent-Replayed") == "true"
    assert again.json()["already_over"] is True
    refused = gateway.post("/api/jobs", {"id": first["id"]})
    assert (refused.status, "retry" in refused.json()["detail"]) == (409, True)


@pytest.mark.parametrize("sent, written", [("supervisor", "worker"), ("viewer", "worker"), ("batch", "worker"), ("publisher", "publisher"),
                                           (None, "publisher"), ("import", "import")])
def test_nobody_who_creates_passes_for_jobcast_in_the_history(gateway, job, sent, written):
    gateway.post("/api/jobs", {"id": job, **({"by": sent} if sent else {})})
    assert [entry["by"] for entry in gateway.get(f"/api/jobs/{job}/history").json()["entries"]] == [written]
