"""A watcher that stops reading costs little memory, and gets the newest state and every outcome when it reads again."""
import os
import time

import pytest

from harness import process
from harness.gateway import is_sanitized
from harness.wait import until

JOBS = 20
REPORTS = 10_000
RATE = 1_000  # a second
# The whole minute of it: JOBCAST_SLOW_READER_SECONDS=60.
SECONDS = int(os.environ.get("JOBCAST_SLOW_READER_SECONDS", "0"))
MOST_GROWTH_KIB = 24 * 1024
MOST_HELD = 600 * 1024


def report_for_a_while(worker, jobs):
    """At full speed, or at the set rate for the set time."""
    total = SECONDS * RATE or REPORTS
    began = time.monotonic()
    for done in range(0, total, 100):
        with worker.redis.pipeline(transaction=False) as pipe:
            for n in range(done, done + 100):
                pipe.execute_command("FCALL", "jobcast_report", 1, "jobcast", jobs[n % JOBS], "status", "processing",
                                     "message", f"Report {n} " + "x" * 300)
            pipe.execute()
        if SECONDS:
            time.sleep(max(0.0, began + done / RATE - time.monotonic()))
    return total


@pytest.mark.parametrize("every", [False, True], ids=["newest", "every"])
@pytest.mark.parametrize("by", ["jobs", "owner"])
def test_a_watcher_that_stops_reading_gets_the_newest_and_every_outcome(gateway, worker, job, by, every):
    jobs = [f"{job}.{n}" for n in range(JOBS)]
    for one in jobs:
        worker.report(one, status="processing", owner=job)
    query = "&".join(f"job={one}" for one in jobs) if by == "jobs" else f"owner={job}"
    target = f"/api/events?{query}&every={'true' if every else 'false'}"
    with gateway.stream(target, receive_buffer=4096) as slow, gateway.stream(target) as quick:
        for stream in (slow, quick):
            for _ in jobs:
                stream.expect("job")
        before = process.resident_kib(gateway.pid)
        taken = len(slow.raw)
        total = report_for_a_while(worker, jobs)
        for n, one in enumerate(jobs):
            worker.report(one, status="done" if n % 2 else "failed")
        outcomes = {one: "done" if n % 2 else "failed" for n, one in enumerate(jobs)}
        quick_has = {}

        def quick_is_done():
            quick.glance()
            quick_has.update((e.data["id"], e.data["status"]) for e in quick.seen if e.name == "job")
            return quick_has == outcomes
        until(quick_is_done, "the quick watcher to have every outcome", seconds=60)
        growth = process.resident_kib(gateway.pid) - before
        if not is_sanitized():
            assert growth < MOST_GROWTH_KIB, f"{growth} KiB for one slow watcher"

        newest = {}
        while not all(record.get("status") == outcomes[one] for one, record in newest.items()) or len(newest) < JOBS:
            event = slow.next()
            if event.name == "job":
                assert event.version > newest.get(event.data["id"], {}).get("version", 0)
                newest[event.data["id"]] = event.data
        for one in jobs:
            assert newest[one] == gateway.record(one)
        # What one watcher may hold (limits.outbox), and the kernel for it; a fraction of what was reported.
        received = len(slow.raw) - taken
        assert received < MOST_HELD < total * 300 / 4, f"{received} bytes were held for a slow watcher"



def test_a_job_retried_before_its_outcome_was_read_is_not_told_to_have_ended(gateway, worker, job):
    gateway.create(id=job, type="export")
    worker.report(job, status="processing")
    # Every version, so that the outcome stands behind far more than the sockets may still take.
    with gateway.stream(f"/api/jobs/{job}/events?every=true", receive_buffer=4096) as slow:
        slow.expect("job")
        for n in range(400):
            worker.report(job, message=f"Report {n} " + "x" * 300)
        worker.report(job, status="failed", error__title="No")
        assert gateway.post(f"/api/jobs/{job}/retry").status == 202
        slow.find(lambda e: e.name == "job" and e.data["status"] == "failed")
        assert slow.expect("job").data["status"] == "pending"
        worker.report(job, status="done")
        assert slow.expect("job").data["status"] == "done"
        slow.expect("end")
