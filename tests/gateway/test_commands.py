"""What a viewer may do to a job: cancel and retry; and its deletion by the publisher."""
import pytest

from harness.problems import assert_problem
from harness.wait import until


def test_cancelling_a_pending_job_ends_it(gateway, job):
    gateway.create(id=job)
    response = gateway.post(f"/api/jobs/{job}/cancel")
    assert response.status == 202
    assert response.json()["status"] == "cancelled"
    assert gateway.record(job) == response.json()


def test_cancelling_a_processing_job_asks_its_worker(gateway, job):
    gateway.report(job, status="processing")
    response = gateway.post(f"/api/jobs/{job}/cancel")
    assert response.status == 202
    assert (response.json()["status"], response.json()["cancel_requested"]) == ("processing", True)
    assert "cancel" not in response.json()["can"]
    gateway.report(job, status="cancelled")
    assert gateway.record(job)["status"] == "cancelled"


@pytest.mark.parametrize("status", ["done", "failed", "cancelled"])
def test_a_job_that_is_over_cannot_be_cancelled(gateway, job, status):
    gateway.report(job, status=status)
    before = gateway.record(job)
    assert_problem(gateway.post(f"/api/jobs/{job}/cancel"), 409)
    assert gateway.record(job) == before


def test_a_failed_job_is_retried(gateway, job):
    gateway.create(id=job, type="export")
    gateway.report(job, status="processing", percent=70)
    gateway.report(job, status="failed", error={"title": "The disk is full."})
    failed = gateway.record(job)
    assert "retry" in failed["can"]
    response = gateway.post(f"/api/jobs/{job}/retry")
    assert response.status == 202
    record = response.json()
    assert (record["status"], record["attempt"]) == ("pending", failed["attempt"] + 1)
    assert record["version"] == failed["version"] + 1
    assert "finished_at" not in record and record["progress"].get("percent", 0) == 0


def test_a_retry_that_nobody_would_carry_out_is_refused_with_what_to_do(gateway, job):
    gateway.create(id=job)
    gateway.report(job, status="failed")
    before = gateway.record(job)
    assert before["can"] == []
    refused = gateway.post(f"/api/jobs/{job}/retry")
    assert_problem(refused, 409)
    for word in ("jobcast:commands", "dispatch", "user_retry", "[jobs.types]"):
        assert word in refused.json()["detail"]
    assert gateway.record(job) == before


def test_a_retry_is_offered_while_a_consumer_group_reads_the_commands(start_redis, start_gateway, job):
    redis = start_redis()
    gateway = start_gateway(redis)
    client = redis.client()
    client.xgroup_create("jobcast:commands", "application", id="$", mkstream=True)

    def fails(one):
        gateway.create(id=one)
        gateway.report(one, status="failed")
        return gateway.record(one)["can"]

    def read():
        return [fields[b"op"] for _, entries in client.xreadgroup("application", "a", {"jobcast:commands": ">"}, block=100)
                for _, fields in entries]
    assert fails(f"{job}-before") == []
    until(lambda: read() == [b"ping"], "the gateway to look who reads")
    until(lambda: client.hget("jobcast:followed", "read"), "the gateway to notice")
    assert fails(f"{job}-after") == ["retry"]
    for one in ("after", "before"):
        assert gateway.post(f"/api/jobs/{job}-{one}/retry").status == 202, "the command is judged by itself"
        assert read() == [b"retry"]


def test_a_job_that_only_reported_itself_cannot_be_retried(gateway, job):
    """Nothing is stored to run it again from."""
    gateway.report(job, status="failed")
    assert gateway.record(job)["can"] == []
    assert_problem(gateway.post(f"/api/jobs/{job}/retry"), 409)


@pytest.mark.parametrize("status", ["pending", "processing", "done"])
def test_a_job_that_did_not_fail_cannot_be_retried(gateway, job, status):
    gateway.create(id=job)
    gateway.report(job, status=status)
    assert_problem(gateway.post(f"/api/jobs/{job}/retry"), 409)
    assert gateway.record(job)["status"] == status


def test_a_deleted_job_is_unknown(gateway, job):
    gateway.report(job, status="processing", owner=job)
    response = gateway.delete(f"/api/jobs/{job}")
    assert (response.status, response.body) == (204, b"")
    assert gateway.get(f"/api/jobs/{job}/status").status == 404
    assert gateway.get(f"/api/jobs/{job}/history").status == 404
    assert gateway.get(f"/api/jobs?owner={job}").json()["jobs"] == []


@pytest.mark.parametrize("method, path", [("POST", "/cancel"), ("POST", "/retry"), ("DELETE", "")])
def test_commands_to_an_unknown_job_are_404(gateway, job, method, path):
    assert_problem(gateway.request(method, f"/api/jobs/{job}{path}"), 404, "id")


def test_a_cancellation_reaches_the_watchers(gateway, job):
    gateway.report(job, status="processing")
    with gateway.watch(job) as stream:
        stream.expect("job")
        gateway.post(f"/api/jobs/{job}/cancel")
        assert stream.expect("job").data["cancel_requested"] is True
