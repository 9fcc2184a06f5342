"""Reading one job over REST: the record, its ETag, waiting for a change, its history."""
import threading
import time

import pytest

from harness.problems import assert_problem
from harness.wait import until


def etag_of(record):
    return f'"{record["updated_at"]}-{record["version"]}"'


def test_a_reported_job_is_read_back(gateway, job):
    gateway.report(job, status="processing", progress={"percent": 42, "message": "Page 3 of 7"})
    response = gateway.get(f"/api/jobs/{job}/status")
    assert response.status == 200
    assert response.header("Content-Type") == "application/json"
    record = response.json()
    assert (record["id"], record["status"], record["version"], record["attempt"]) == (job, "processing", 1, 1)
    assert record["progress"] == {"percent": 42, "message": "Page 3 of 7"}
    assert record["type"] == "default"
    assert (record["stalled"], record["cancel_requested"]) == (False, False)
    assert record["can"] == ["cancel"]
    assert record["created_at"] <= record["started_at"] <= record["updated_at"]
    assert "result" not in record and "error" not in record


def test_what_is_for_workers_is_not_shown(gateway, worker, job):
    worker.call("jobcast_create", job, "input", '{"secret":"s3cret"}', "notify", '{"webhook":"https://hooks.example.com/x"}')
    body = gateway.get(f"/api/jobs/{job}/status").body
    assert b"s3cret" not in body and b"hooks.example.com" not in body


def test_headers_tell_clients_how_to_poll(gateway, job):
    gateway.report(job, status="processing")
    response = gateway.get(f"/api/jobs/{job}/status")
    assert response.header("Cache-Control") == "private, no-cache"
    assert response.header("Vary") == "Authorization, Cookie, Origin, Prefer"
    assert response.header("ETag") == etag_of(response.json())
    assert 1 <= int(response.header("Retry-After")) <= 15


def test_a_final_record_carries_no_retry_after(gateway, job):
    gateway.report(job, status="done")
    assert gateway.get(f"/api/jobs/{job}/status").header("Retry-After") is None


def test_retry_after_follows_retry_at(gateway, job):
    gateway.report(job, status="retrying", retry_in=100)
    assert 95 <= int(gateway.get(f"/api/jobs/{job}/status").header("Retry-After")) <= 130


def test_an_equal_etag_is_answered_304_without_a_body(gateway, job):
    gateway.report(job, status="processing")
    tag = gateway.get(f"/api/jobs/{job}/status").header("ETag")
    with gateway.connect() as connection:
        response = connection.request("GET", f"/api/jobs/{job}/status", headers={"If-None-Match": tag})
        assert (response.status, response.header("ETag")) == (304, tag)
        assert response.header("Vary") == "Authorization, Cookie, Origin, Prefer"
        # A body would be read as the start of the next answer.
        assert connection.request("GET", "/healthz").status == 200


def test_any_other_etag_is_answered_200(gateway, job):
    gateway.report(job, status="processing")
    tag = gateway.get(f"/api/jobs/{job}/status").header("ETag")
    gateway.report(job, percent=50)
    for other in (tag, '"1-1"', '""', f'"9{tag[1:]}', "nonsense"):
        assert gateway.get(f"/api/jobs/{job}/status", {"If-None-Match": other}).status == 200, other


def test_one_of_several_etags_is_enough(gateway, job):
    gateway.report(job, status="processing")
    tag = gateway.get(f"/api/jobs/{job}/status").header("ETag")
    assert gateway.get(f"/api/jobs/{job}/status", {"If-None-Match": f'"1-1", {tag}'}).status == 304


@pytest.mark.parametrize("bent", ['"{}-gzip"', '"{};gzip"', '"{}-br"', 'W/"{}"', 'W/"{}-gzip"', '"1-1", W/"{};gzip"'])
def test_an_etag_that_a_proxy_bent_is_known(gateway, job, bent):
    gateway.report(job, status="processing")
    tag = gateway.get(f"/api/jobs/{job}/status").header("ETag")
    bent = bent.format(tag.strip('"'))
    assert gateway.get(f"/api/jobs/{job}/status", {"If-None-Match": bent}).status == 304
    assert gateway.get(f"/api/jobs/{job}/status", [("If-None-Match", '"1-1"'), ("If-None-Match", bent)]).status == 304
    held = wait_for(gateway, job, bent, 1)
    assert (held.status, held.header("Preference-Applied")) == (304, "wait=1")


def test_a_star_stands_for_whatever_record_there_is(gateway, job):
    gateway.report(job, status="processing")
    assert gateway.get(f"/api/jobs/{job}/status", {"If-None-Match": "*"}).status == 304
    assert gateway.get(f"/api/jobs/{job}-none/status", {"If-None-Match": "*"}).status == 404


def test_a_list_knows_its_etag_bent(gateway, job):
    gateway.report(job, status="processing")
    tag = gateway.get(f"/api/jobs?ids={job}").header("ETag").strip('"')
    assert gateway.get(f"/api/jobs?ids={job}", {"If-None-Match": f'W/"{tag}-gzip"'}).status == 304


def test_every_404_says_when_to_ask_again(gateway, job):
    answers = [gateway.get(f"/api/jobs/{job}/{what}") for what in ("status", "history")]
    answers += [gateway.post(f"/api/jobs/{job}/{what}") for what in ("cancel", "retry", "seen")]
    answers += [gateway.delete(f"/api/jobs/{job}"), gateway.get("/nowhere"), gateway.get("/api/nowhere"),
                gateway.request("HEAD", f"/api/jobs/{job}/status")]
    for answer in answers:
        assert (answer.status, 1 <= int(answer.header("Retry-After")) <= 5) == (404, True), answer


def test_an_unknown_job_is_404(gateway, job):
    for what in ("status", "history"):
        assert_problem(gateway.get(f"/api/jobs/{job}/{what}"), 404, "id")


def test_the_etag_is_the_id_of_the_event(gateway, job):
    gateway.report(job, status="processing")
    with gateway.watch(job) as stream:
        event = stream.expect("job")
    assert gateway.get(f"/api/jobs/{job}/status").header("ETag") == f'"{event.id}"'


def wait_for(gateway, job, tag, seconds):
    return gateway.get(f"/api/jobs/{job}/status", {"If-None-Match": tag, "Prefer": f"wait={seconds}"})


def test_prefer_wait_is_held_until_the_job_changes(gateway, job):
    gateway.report(job, status="processing")
    tag = gateway.get(f"/api/jobs/{job}/status").header("ETag")
    answers = []
    waiting = threading.Thread(target=lambda: answers.append(wait_for(gateway, job, tag, 30)))
    waiting.start()
    waiting.join(0.3)
    assert not answers, "answered before anything changed"
    gateway.report(job, percent=77)
    waiting.join(10)
    assert answers and answers[0].status == 200
    assert answers[0].json()["progress"]["percent"] == 77
    assert answers[0].header("ETag") != tag
    assert answers[0].header("Preference-Applied") == "wait=30"


def test_prefer_wait_is_304_when_nothing_changes(gateway, job):
    gateway.report(job, status="processing")
    tag = gateway.get(f"/api/jobs/{job}/status").header("ETag")
    began = time.monotonic()
    response = wait_for(gateway, job, tag, 1)
    assert 0.9 <= time.monotonic() - began < 10
    assert (response.status, response.header("ETag")) == (304, tag)
    assert response.header("Preference-Applied") == "wait=1"


def test_prefer_wait_answers_at_once_when_the_client_is_behind(gateway, job):
    gateway.report(job, status="processing")
    assert wait_for(gateway, job, '"1-1"', 30).status == 200
    assert gateway.get(f"/api/jobs/{job}/status", {"Prefer": "wait=30"}).status == 200


def test_prefer_wait_answers_at_once_when_the_job_is_over(gateway, job):
    gateway.report(job, status="done")
    tag = gateway.get(f"/api/jobs/{job}/status").header("ETag")
    began = time.monotonic()
    assert wait_for(gateway, job, tag, 30).status == 304
    assert time.monotonic() - began < 10


def test_a_held_poll_learns_of_a_deletion(gateway, job):
    gateway.report(job, status="processing")
    tag = gateway.get(f"/api/jobs/{job}/status").header("ETag")
    answers = []
    waiting = threading.Thread(target=lambda: answers.append(wait_for(gateway, job, tag, 30)))
    waiting.start()
    waiting.join(0.3)
    gateway.delete(f"/api/jobs/{job}")
    waiting.join(10)
    assert answers and answers[0].status == 404


@pytest.mark.parametrize("tag", [None, '"1-1"', "*"])
def test_a_poll_of_a_missing_job_is_held_until_it_appears(gateway, job, tag):
    headers = {"Prefer": "wait=30", **({"If-None-Match": tag} if tag else {})}
    answers = []
    waiting = threading.Thread(target=lambda: answers.append(gateway.get(f"/api/jobs/{job}/status", headers)))
    waiting.start()
    until(lambda: gateway.metric("jobcast_long_polls") == 1, "the poll to be held")
    assert not answers, "answered before there was anything to tell"
    gateway.report(job, status="pending")
    waiting.join(10)
    assert answers and answers[0].status == (304 if tag == "*" else 200)
    assert answers[0].header("ETag") and answers[0].header("Preference-Applied") == "wait=30"
    assert answers[0].status == 304 or answers[0].json()["version"] == 1


def test_a_poll_of_a_job_that_stays_missing_is_404_when_its_time_is_over(gateway, job):
    began = time.monotonic()
    response = gateway.get(f"/api/jobs/{job}/status", {"Prefer": "wait=1"})
    assert 0.9 <= time.monotonic() - began < 10
    assert_problem(response, 404, "id")
    assert response.header("Preference-Applied") == "wait=1"
    assert response.header("Retry-After")


def test_a_deleted_job_that_comes_back_ends_the_poll_for_it(gateway, job):
    gateway.report(job, status="processing")
    gateway.delete(f"/api/jobs/{job}")
    answers = []
    waiting = threading.Thread(
        target=lambda: answers.append(gateway.get(f"/api/jobs/{job}/status", {"Prefer": "wait=30"})))
    waiting.start()
    until(lambda: gateway.metric("jobcast_long_polls") == 1, "the poll to be held")
    gateway.report(job, status="processing", percent=7)
    waiting.join(10)
    assert answers and answers[0].json()["progress"] == {"percent": 7}


def test_a_preference_that_is_no_number_is_ignored(gateway, job):
    gateway.report(job, status="processing")
    tag = gateway.get(f"/api/jobs/{job}/status").header("ETag")
    for prefer in ("wait=", "wait=soon", "wait=-1", "respond-async", "xwait=30"):
        response = gateway.get(f"/api/jobs/{job}/status", {"If-None-Match": tag, "Prefer": prefer})
        assert response.status == 304, prefer
        assert response.header("Preference-Applied") is None, prefer


def test_history_tells_each_change_of_status(gateway, job):
    gateway.report(job, status="pending", by="api")
    gateway.report(job, status="processing", by="worker-7")
    gateway.report(job, percent=50)
    gateway.report(job, status="failed", error={"title": "The page could not be read.", "action": "Upload it again."})
    history = gateway.get(f"/api/jobs/{job}/history")
    assert history.status == 200
    body = history.json()
    assert body["id"] == job
    entries = body["entries"]
    assert [entry["status"] for entry in entries] == ["pending", "processing", "failed"]
    assert [entry["version"] for entry in entries] == [1, 2, 4]
    assert [entry["by"] for entry in entries] == ["api", "worker-7", "worker"]
    assert all(entry["attempt"] == 1 for entry in entries)
    assert entries == sorted(entries, key=lambda entry: entry["at"])
    assert entries[-1]["error"]["title"] == "The page could not be read."
