"""Whose batch it is, and whose idempotency key: publishers are told apart over HTTP."""
import json

import pytest

from harness.tokens import API_KEY, BILLING, PUBLISHER, SECRET, auth_toml, bearer, key_hash, sign, token

SECOND = "another secret of the application, which it changed to"
IMPORT = bearer(API_KEY + "-import")
SERVICE = bearer(token("svc", scope="jobs:publish"))


@pytest.fixture(scope="module")
def gateway_config():
    return {"toml": auth_toml(f"""
[auth.keys.first]
algorithm = "HS256"
secret = "{SECRET}"
[auth.keys.second]
algorithm = "HS256"
secret = "{SECOND}"
[auth.publishers.import]
hashes = ["{key_hash(API_KEY + '-import')}"]
types = ["invoice"]
""").replace(f'secret = "{SECRET}"\nlink', "link", 1)}


def batch_of(gateway, record):
    return gateway.get(f"/api/jobs/{record['group_id']}/status", PUBLISHER).json()


@pytest.fixture
def over(gateway, job):
    """A batch of billing that is over; the record of its job."""
    made = gateway.post("/api/jobs", {"id": job, "type": "invoice", "owner": job, "group": job, "group_size": 1}, BILLING)
    assert made.status == 202
    assert gateway.post(f"/api/jobs/{job}/report", {"status": "done"}, BILLING).json()["result"] == "ok"
    return made.json()


@pytest.mark.parametrize("stranger", [IMPORT, PUBLISHER, SERVICE])
def test_the_finished_batch_of_another_publisher_stays_as_it_is(gateway, over, job, stranger):
    before = batch_of(gateway, over)
    assert before["status"] == "done"
    joining = {"type": "invoice", "owner": job, "group": job, "group_size": 10000000}
    refused = gateway.post("/api/jobs", {"id": job + "-1", **joining}, stranger)
    assert refused.status == 403 and "group_publishers" in refused.json()["detail"]
    assert gateway.post(f"/api/jobs/{job}-2/report", {"status": "processing", **joining}, stranger).status == 403
    assert gateway.post(f"/api/jobs/{job}-3/report", {"status": "processing", "type": "invoice", "group": job}, stranger).status == 200
    assert gateway.post(f"/api/jobs/{job}-3/report", {"owner": job}, stranger).status == 403
    line = json.dumps({"id": job + "-4", "status": "done", **joining}).encode()
    assert json.loads(gateway.post("/api/reports", line, stranger).body)["problem"]["status"] == 403
    assert batch_of(gateway, over) == before


def test_a_stranger_cannot_be_let_in_by_adopting_a_job_of_the_batch(gateway, job):
    batch = {"type": "invoice", "owner": job, "group": job}
    assert gateway.post("/api/jobs", {"id": job, **batch}, BILLING).status == 202
    assert gateway.post(f"/api/jobs/{job}-2/report", {"status": "processing", **batch}, BILLING).json()["result"] == "ok"
    gateway.post("/api/jobs", {"id": job + "-2", "type": "invoice", "group_publishers": "key:import"}, IMPORT)
    assert gateway.post("/api/jobs", {"id": job + "-3", **batch}, IMPORT).status == 403


def test_whom_its_maker_names_adds_jobs(gateway, job):
    batch = {"type": "invoice", "owner": job, "group": "May"}
    made = gateway.post("/api/jobs", {"id": job, **batch, "group_publishers": "key:import,token:svc"}, BILLING)
    assert made.status == 202
    assert gateway.post("/api/jobs", {"id": job + "-1", **batch}, IMPORT).status == 202
    assert gateway.post(f"/api/jobs/{job}-2/report", {"status": "done", **batch}, SERVICE).json()["result"] == "ok"
    assert gateway.post("/api/jobs", {"id": job + "-3", **batch}, PUBLISHER).status == 403
    assert batch_of(gateway, made.json())["progress"]["total"] == 3


def test_a_worker_with_another_key_reports_on_the_jobs_of_a_batch(gateway, job):
    batch = {"owner": job, "group": "May", "group_size": 1}
    made = gateway.post("/api/jobs", {"id": job, "type": "invoice", **batch}, BILLING).json()
    for report in ({"status": "processing", **batch}, {"percent": 5}, {"status": "done", **batch}):
        assert gateway.post(f"/api/jobs/{job}/report", report, IMPORT).json()["result"] == "ok"
    assert batch_of(gateway, made)["status"] == "done"


def test_a_publisher_cannot_say_that_it_is_another(gateway, job, over):
    refused = gateway.post("/api/jobs", {"type": "invoice", "owner": job, "group": job, "publisher": "key:billing"}, IMPORT)
    assert (refused.status, refused.json()["field"]) == (400, "publisher")


# Idempotency keys

def issued(iss=None, secret=SECRET, kid=None, **claims):
    claims = {"exp": 4102444800, "scope": "jobs:publish", **({"iss": iss} if iss else {}), **claims}
    return bearer(sign({"alg": "HS256", "typ": "JWT", **({"kid": kid} if kid else {})}, claims, secret))


def create(gateway, job, credentials, body=None):
    return gateway.post("/api/jobs", body or {"type": "export"}, {"Idempotency-Key": job, **credentials})


def test_applications_whose_tokens_have_no_sub_are_told_apart_by_issuer(gateway, job):
    ids = set()
    for n, iss in enumerate(("https://a.example", "https://b.example", None)):
        made = create(gateway, job, issued(iss), {"labels": {"of": str(n)}})
        assert made.status == 202 and made.header("Idempotent-Replayed") is None
        ids.add(made.json()["id"])
    assert len(ids) == 3


@pytest.mark.parametrize("iss", [None, "https://a.example"])
@pytest.mark.parametrize("claims", [{}, {"sub": "svc"}])
def test_a_key_that_was_rotated_makes_no_second_job(gateway, job, iss, claims):
    first = create(gateway, job, issued(iss, kid="first", **claims))
    again = create(gateway, job, issued(iss, secret=SECOND, kid="second", **claims))
    assert (first.status, again.header("Idempotent-Replayed")) == (202, "true")
    assert first.json()["id"] == again.json()["id"] and again.header("Location") == first.header("Location")


def test_with_a_sub_the_issuer_makes_no_difference(gateway, job):
    made = [create(gateway, job, issued(iss, sub="svc")).json()["id"] for iss in ("https://a.example", "https://b.example", None)]
    assert len(set(made)) == 1
