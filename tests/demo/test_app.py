"""The demo application beside a gateway: what its visitors are shown of each kind of job."""
import contextlib
import csv
import decimal
import pathlib
import re
import shutil
import sqlite3
import tempfile

import pytest

from application import Application  # first: it makes the harness known
from harness.gateway import Gateway
from harness.wait import until

_JOB_SECONDS = 60  # imports take as long as the disk does; a passing test never waits it out
_FINAL = ("done", "failed", "cancelled")


@pytest.fixture(scope="module")
def folder():
    path = tempfile.mkdtemp(prefix="jobcast-demo-")
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="module")
def gateway(folder):
    top = pathlib.Path(__file__).parents[2]
    one = Gateway(f"{folder}/gateway", toml=(top / "config" / "demo.toml").read_text(encoding="utf-8"),
                  WEB_ROOT=str(top / "web-demo" / "public"))
    yield one
    one.check_end()


@pytest.fixture(scope="module")
def app(folder, gateway):
    one = Application(f"{folder}/application", gateway)
    yield one
    try:
        assert one.stop() == 0, one.log()
        assert "Traceback" not in one.log(), one.log()
    finally:
        one.kill()


def outcome(gateway, job, attempt=1):
    """The final record of an attempt."""
    def ended():
        record = gateway.record(job)
        assert record["attempt"] <= attempt, record
        return record if record["attempt"] == attempt and record["status"] in _FINAL else None
    return until(ended, f"attempt {attempt} of {job} to end", _JOB_SECONDS)


def under_way(gateway, job, attempt=1):
    """The record of an attempt that has done some of its work, and has some left."""
    def working():
        record = gateway.record(job)
        assert record["status"] not in _FINAL or record["attempt"] < attempt, record
        return record if record["attempt"] == attempt and record["progress"].get("current", 0) > 0 else None
    return until(working, f"attempt {attempt} of {job} to get somewhere", _JOB_SECONDS)


def cancel(gateway, job):
    assert gateway.post(f"/api/jobs/{job}/cancel").status == 202
    return outcome(gateway, job, gateway.record(job)["attempt"])


def retry(gateway, job):
    assert gateway.post(f"/api/jobs/{job}/retry").status == 202


def test_each_sample_has_words_for_the_visitor(app):
    samples = {sample["name"]: sample for sample in app.request("GET", "/samples").json()}
    assert {"orders-small", "orders-large", "orders-broken", "card-declined", "worker-killed"} == set(samples)
    assert all(sample["title"] and sample["description"] for sample in samples.values())
    assert {name for name, sample in samples.items() if sample.get("fails")} == {"orders-broken", "card-declined", "worker-killed"}


def test_an_import_ends_with_the_sum_of_the_orders_in_the_file(app, gateway):
    record = outcome(gateway, job := app.start_job(kind="csv_import", sample="orders-small"))
    assert record["status"] == "done", record
    assert (record["type"], record["owner"], record["labels"]) == ("csv_import", "visitor", {"file": "orders-small.csv"})
    sample = app.request("GET", "/samples/orders-small.csv").body.decode().splitlines()
    amounts = [decimal.Decimal(row["amount"]) for row in csv.DictReader(sample)]
    assert record["result"]["rows"] == len(amounts) == 500
    assert decimal.Decimal(str(record["result"]["total_amount"])) == sum(amounts)
    with contextlib.closing(sqlite3.connect(app.folder / "imports" / f"{job}.sqlite")) as orders:
        assert orders.execute(f"SELECT count(*), sum(cents) FROM {record['result']['table']}").fetchone() == (500, sum(amounts) * 100)


def test_a_watcher_sees_the_rows_counted(app, gateway):
    job = app.start_job(kind="csv_import", sample="orders-large")
    with gateway.watch(job) as stream:
        def counted(event):
            return event.name == "job" and event.data["progress"].get("unit") == "rows" and event.data["progress"]["current"] > 0
        shown = [stream.find(counted, _JOB_SECONDS).data["progress"] for _ in range(5)]
    rows = [progress["current"] for progress in shown]
    assert rows == sorted(set(rows)) and {progress["total"] for progress in shown} == {60_000}
    cancel(gateway, job)


def test_a_cancelled_import_leaves_no_orders(app, gateway):
    job = app.start_job(kind="csv_import", sample="orders-large")
    under_way(gateway, job)
    record = cancel(gateway, job)
    assert (record["status"], record["can"]) == ("cancelled", ["retry"])
    assert job not in app.imported()
    assert not app.unfinished()


def test_a_job_that_is_cancelled_before_its_turn_is_never_begun(app, gateway):
    busy = [app.start_job(kind="csv_import", sample="orders-large") for _ in range(3)]  # as many as there are workers
    for job in busy:
        under_way(gateway, job)
    waiting = app.start_job(kind="csv_import", sample="orders-small")
    assert gateway.record(waiting)["status"] == "pending"
    record = cancel(gateway, waiting)
    for job in busy:
        cancel(gateway, job)
    assert outcome(gateway, app.start_job(kind="csv_import", sample="orders-small"))["status"] == "done"  # its turn has passed
    assert gateway.record(waiting) == record and record["status"] == "cancelled" and "started_at" not in record
    assert waiting not in app.imported()


def test_a_wrong_row_says_what_to_do_and_nothing_is_imported(app, gateway):
    job = app.start_job(kind="csv_import", sample="orders-broken")
    record = outcome(gateway, job)
    assert (record["status"], record["can"]) == ("failed", ["retry"])
    assert record["error"]["code"] == "missing_amount"
    assert record["error"]["title"] == "Row 1337 has no amount"
    assert "row 1337" in record["error"]["action"] and "Nothing was imported" in record["error"]["action"]
    assert job not in app.imported()


def test_a_failed_job_is_tried_again_when_the_visitor_asks(app, gateway):
    job = app.start_job(kind="csv_import", sample="orders-broken")
    first = outcome(gateway, job)
    retry(gateway, job)
    second = outcome(gateway, job, attempt=2)
    assert second["status"] == "failed" and second["error"] == first["error"] and second["version"] > first["version"]


def test_an_invoice_can_be_cancelled_and_set_again(app, gateway):
    job = app.start_job(kind="invoice_pdf")
    under_way(gateway, job)
    assert cancel(gateway, job)["status"] == "cancelled"
    assert app.request("GET", f"/files/{job}.pdf").status == 404
    retry(gateway, job)
    record = outcome(gateway, job, attempt=2)
    assert record["status"] == "done", record
    assert record["result"]["url"] == f"/files/{job}.pdf"
    document = app.request("GET", record["result"]["url"])
    assert document.header("Content-Type") == "application/pdf" and document.body.startswith(b"%PDF-")
    assert len(document.body) == record["result"]["bytes"]
    assert len(re.findall(rb"/Type /Page\b", document.body)) == record["result"]["pages"] == 45


def test_a_declined_card_is_told_in_the_words_of_the_configuration_and_another_card_is_good(app, gateway):
    record = outcome(gateway, job := app.start_job(kind="card_charge", sample="card-declined"))
    error = record["error"]
    assert (record["status"], record["can"], error["code"], error["severity"]) == ("failed", ["retry"], "card_declined", "high")
    assert error["title"] == "The card was declined" and error["action"] == "Ask for another card, then try again."
    assert "do_not_honor" not in str(record)  # what the processor says is not for visitors
    retry(gateway, job)
    record = outcome(gateway, job, attempt=2)
    assert (record["status"], record["result"]) == ("done", {"total_amount": 149.9})


def test_a_killed_worker_is_noticed_and_its_job_is_done_by_another(app, gateway):
    job = app.start_job(kind="catalogue", sample="worker-killed")
    with gateway.watch(job) as stream:
        stalled = stream.find(lambda event: event.name == "job" and event.data.get("stalled"), _JOB_SECONDS).data
        assert (stalled["status"], stalled["attempt"]) == ("processing", 1) and stalled["progress"]["current"] <= 70
        waiting = stream.find(lambda event: event.name == "job" and event.data["status"] == "retrying", _JOB_SECONDS).data
        assert waiting["attempt"] == 2 and waiting["error"]["code"] == "stalled"
    record = outcome(gateway, job, attempt=2)
    assert (record["status"], record["result"]) == ("done", {"pages": 120})


def test_an_uploaded_file_is_imported_under_its_name(app, gateway):
    job = app.upload("order_id,customer,amount\n1,Zoë,0.10\n2,Bob,0.20\n".encode(), "märz 2026.csv")
    record = outcome(gateway, job)
    assert (record["status"], record["labels"]) == ("done", {"file": "märz 2026.csv"})
    assert (record["result"]["rows"], record["result"]["total_amount"]) == (2, 0.3)


@pytest.mark.parametrize("content, code", [
    (b"order_id,customer,amount\n1,Ann,twelve\n", "invalid_amount"),
    (b"order_id,customer,amount,ordered_on\n1,Ann,1,31.12.2026\n", "invalid_ordered_on"),
    (b"order_id,customer\n1,Ann\n", "missing_column"),
    (b"order_id,customer,amount\n1,J\xf6rg,1\n", "not_utf8"),
])
def test_an_uploaded_file_that_is_wrong_fails_with_a_reason(app, gateway, content, code):
    record = outcome(gateway, app.upload(content))
    assert (record["status"], record["error"]["code"]) == ("failed", code)
    assert record["error"]["title"] and record["error"]["action"]


def test_an_empty_upload_is_refused_at_once(app):
    assert app.request("POST", "/uploads?filename=a.csv&owner=visitor", b"").status == 400


@pytest.mark.parametrize("wanted", [
    {"kind": "csv_import", "sample": "../queue", "owner": "visitor"},
    {"kind": "backup", "owner": "visitor"},
    {"kind": "invoice_pdf", "owner": "two words"},
    {"kind": "invoice_pdf"},
    [],
])
def test_a_request_for_something_else_is_refused(app, wanted):
    assert app.request("POST", "/jobs", wanted).status == 400


def test_only_the_gateways_own_pages_may_ask(app, gateway):
    for host in ("127.0.0.1", "localhost"):
        origin = f"http://{host}:{gateway.port}"
        assert app.request("GET", "/samples", headers={"Origin": origin}).header("Access-Control-Allow-Origin") == origin
    refused = app.request("POST", "/jobs", {"kind": "invoice_pdf", "owner": "visitor"}, {"Origin": "http://elsewhere.example"})
    assert refused.status == 403 and refused.header("Access-Control-Allow-Origin") is None


def test_an_application_that_stops_gives_its_jobs_back_and_takes_them_up_when_started(app, gateway):
    jobs = [app.start_job(kind="csv_import", sample="orders-large"), app.start_job(kind="catalogue", sample="worker-killed")]
    for job in jobs:
        under_way(gateway, job)
    assert app.stop() == 0, app.log()
    assert not app.unfinished()
    app.start()
    for job in jobs:
        under_way(gateway, job, attempt=2)
        assert cancel(gateway, job)["status"] == "cancelled"


def test_what_a_killed_application_was_doing_is_done_again(app, gateway):
    job = app.start_job(kind="csv_import", sample="orders-large")
    under_way(gateway, job)
    app.kill()
    app.start()
    under_way(gateway, job, attempt=2)
    assert cancel(gateway, job)["status"] == "cancelled"
