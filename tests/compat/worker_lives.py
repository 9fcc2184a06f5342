"""What workers do, one story a function. `worker` makes the calls that must keep to the ACL of 0.1.0; `jobs` does what gateways do meanwhile.

Together the stories reach every command that jobcast_report and jobcast_heartbeat of 0.1.0 can come to. A new way through one of
the two functions needs a new story."""

TRACE = 'Traceback (most recent call last)\n  File "a.py", line 1, in <module>\nKeyError: 1'
PROGRESS = {"percent": 40, "current": 3, "total": 7, "unit": "pages", "step": "layout", "message": "Laying out", "eta": 5000}


def every_status_on_a_new_job(worker, jobs):
    for status in ("pending", "processing", "retrying", "done", "failed", "cancelled"):
        assert worker.report(f"new-{status}", status=status, type="x", owner="u", tenant="t", group="g", labels__a="1")[0] == "ok"
        assert worker.report(f"bare-{status}", status=status)[0] == "ok"


def every_member_of_progress(worker, jobs):
    worker.report("a", status="processing")
    for field, value in PROGRESS.items():
        assert worker.report("a", **{field: value})[0] == "ok"
    assert worker.report("a", **{**PROGRESS, "percent": 12.5, "message": "größer"})[0] == "ok"
    assert worker.report("a", status="processing", attempt=1, percent=50.5)[0] == "ok"
    assert worker.report("a", message="", step="", unit="")[0] == "ok"
    assert worker.report("a", message=TRACE, step=TRACE)[0] == "ok"


def attempts_that_fence_each_other(worker, jobs):
    worker.report("a", status="processing", attempt=2, max_attempts=5, percent=10)
    assert worker.report("a", status="processing", attempt=1)[0] == "ignored:stale_attempt"
    assert worker.heartbeat("a", 1)[0] == "ignored:stale_attempt"
    assert worker.report("a", attempt=3, percent=1)[0] == "ok"
    assert worker.report("a", status="processing", attempt=9, lease=30)[0] == "ok"
    assert worker.report("a", status="pending")[0] == "ignored:transition"


def what_a_job_is_said_late(worker, jobs):
    worker.report("a", status="processing", percent=1)
    assert worker.report("a", owner="u")[0] == "ok"
    assert worker.report("a", type="invoice", tenant="t")[0] == "ok"
    assert worker.report("a", group="one", group_size=3)[0] == "ok"
    assert worker.report("a", group="two", labels__color="red", labels__size="xl")[0] == "ok"
    assert worker.report("a", labels__size="")[0] == "ok"
    assert worker.report("a", status="done", result='{"pages":7}')[0] == "ok"
    assert worker.report("a", percent=1)[0] == "ignored:final"


def failures_with_all_that_may_be_said(worker, jobs):
    jobs.policy("x", max_attempts=5, **{"failure:declined": '{"match":"declined","title":"The card was declined","severity":"high"}',
                                        "failures": '[{"match":"smtp_*","action":"Try again."}]'})
    everything = {"error__code": "declined", "error__title": "t", "error__detail": "d", "error__action": "a", "error__severity": "low",
                  "error__link": "https://example.com/", "error__reference": "REF-1", "error__trace": TRACE}
    assert worker.report("a", type="x", owner="u", status="failed", **everything)[0] == "ok"
    assert worker.report("b", type="x", status="failed", **everything)[0] == "ok"
    assert worker.report("c", type="x", status="failed", error__code="smtp_421", error__title=TRACE, error__detail=TRACE)[0] == "ok"
    assert worker.report("d", status="failed")[0] == "ok"
    worker.report("e", type="x", status="processing")
    for attempt in range(1, 9):
        worker.report("e", status="processing", attempt=attempt, max_attempts=20)
        assert worker.report("e", status="failed", error__retryable="true", error__trace=TRACE)[0] == "ok"
    assert worker.report("f", type="x", status="failed", error__retryable="true", attempt=5)[0] == "ok"


def retries(worker, jobs):
    later = int(jobs.redis.time()[0]) * 1000 + 60000
    for job, when in (("a", {"retry_in": 0}), ("b", {"retry_in": 30}), ("c", {"retry_at": later}), ("d", {})):
        worker.report(job, status="processing", owner="u", group="g")
        assert worker.report(job, status="retrying", error__title="Busy", **when)[0] == "ok"
        assert worker.heartbeat(job)[0] == "ignored:transition"
    jobs.supervise_until(lambda: "retry_at" not in jobs.record("a"))
    for job in "abcd":
        assert worker.report(job, status="processing", attempt=2)[0] == "ok"
        assert worker.report(job, status="done")[0] == "ok"


def stalled_jobs_that_come_back(worker, jobs):
    jobs.policy("short", lease_ms=1)
    signs = {"a": worker.heartbeat, "b": lambda job: worker.report(job, percent=5), "c": lambda job: worker.report(job, status="done")}
    for job, sign in signs.items():
        worker.report(job, type="short", status="processing", owner="u", group="g", percent=1)
        jobs.stall(job)
        assert sign(job)[0] == "ok"


def heartbeats(worker, jobs):
    assert worker.heartbeat("nobody")[0] == "ignored:unknown"
    worker.report("a", status="processing", percent=1)
    assert worker.heartbeat("a")[0] == worker.heartbeat("a", 1)[0] == worker.heartbeat("a", 2)[0] == "ok"
    jobs.call("cancel", "a")
    assert worker.heartbeat("a")[::2] == ("ok", "cancel_requested")
    worker.report("a", status="cancelled")
    assert worker.heartbeat("a")[::2] == ("ignored:final", "cancel_requested")


def a_cancelled_job(worker, jobs):
    worker.report("a", status="processing", owner="u", percent=1)
    jobs.call("cancel", "a")
    assert worker.report("a", percent=2)[::2] == ("ok", "cancel_requested")
    assert worker.report("a", status="retrying", retry_in=0)[::2] == ("ok", "cancel_requested")
    jobs.supervise_until(lambda: jobs.record("a")["status"] == "cancelled")
    assert worker.report("a", status="processing")[0] == "ignored:final"


def batches_that_end_and_batches_that_empty(worker, jobs):
    for n in range(25):
        worker.report(f"a{n}", status="processing", owner="u", group="g", group_size=25)
    for n in range(25):
        assert worker.report(f"a{n}", percent=n * 4)[0] == "ok"
        assert worker.report(f"a{n}", status="failed" if n < 22 else "done", **({"error__title": "No"} if n < 22 else {}))[0] == "ok"
    assert jobs.record(jobs.record("a0")["group_id"])["status"] == "failed"
    worker.report("lonely", status="processing", owner="u", group="left")
    left = jobs.record("lonely")["group_id"]
    assert worker.report("lonely", group="joined")[0] == "ok"
    assert jobs.record(left) is None, "a batch without jobs goes"
    assert worker.report("lonely", status="cancelled")[0] == "ok"


def jobs_of_a_queue_that_jobcast_is(worker, jobs):
    jobs.policy("work", dispatch=1, max_attempts=3, user_retry=1)
    for job in "abc":
        jobs.create(job, type="work", owner="u", group="g", input='{"a":1}', notify='{"email":"a@example.com"}')
    worker.report("a", status="processing", attempt=1)
    assert worker.report("a", status="done", result="[]")[0] == "ok"
    assert worker.report("b", status="failed")[0] == "ok"
    assert worker.report("c", status="retrying", retry_in=0)[0] == "ok"
    jobs.supervise_until(lambda: jobs.redis.xlen(jobs.key("work", "work")) == 1)
    jobs.call("retry", "b")
    assert worker.report("b", status="cancelled", attempt=2)[0] == "ok"
    assert worker.report("c", status="failed", attempt=2, error__retryable="true")[0] == "ok"


def records_whose_lifetime_is_renewed(worker, jobs):
    jobs.policy(abandoned_ms=40, retention_ms=40)
    worker.report("a", status="processing", owner="u", group="g", percent=1)
    until_renewed = jobs.redis.hget(jobs.key("job", "a"), "expires")
    while jobs.redis.hget(jobs.key("job", "a"), "expires") == until_renewed:
        assert worker.report("a", percent=2)[0] == "ok"
    assert worker.heartbeat("a")[0] == "ok"
    assert worker.report("a", status="done")[0] == "ok"


def outcomes_that_were_seen_and_jobs_that_were_opened_again(worker, jobs):
    jobs.policy("x", user_retry=1)
    worker.report("a", type="x", owner="u", group="g", status="failed", error__title="No")
    jobs.call("seen", "a")
    jobs.call("retry", "a")
    assert worker.report("a", status="processing")[0] == "ok"
    assert worker.report("a", status="done")[0] == "ok"


def what_a_type_took_before(worker, jobs):
    for n in range(5):
        worker.report(f"a{n}", type="x", status="processing")
        worker.report(f"a{n}", status="done")
    worker.report("b", type="x", status="processing", percent=1)
    assert worker.report("b", percent=50, message="Half")[0] == "ok"


def what_the_gateway_turns_away(worker, jobs):
    worker.report("a", type="x", status="processing")
    assert worker.report("a", percent=1, for_types="y")[0] == "forbidden"
    assert worker.report("b", type="x", for_tenant="t")[0] == "forbidden"
    jobs.policy(create_on_report=0)
    assert worker.report("c", status="processing")[0] == "ignored:unknown"


def side_values_that_are_mended(worker, jobs):
    pairs = {"percent": "x", "lease": "0", "message": "m" * 600, "labels.": "y", "labels.a": "x" * 300, "result": "{", "error.severity": "critical",
             "retry_at": "1", "group_size": "5", "error.detail": TRACE * 50}
    assert worker.report("a", status="processing", **pairs)[0] == "ok"
    assert worker.report("a", **pairs)[0] == "ok"
    assert worker.report("a", status="retrying", **pairs)[0] == "ok"
    assert worker.report("a", status="failed", group="g", **pairs)[0] == "ok"
    assert worker.report("b", status="done", **pairs)[0] == "ok"


# 0.1.0 refuses what these report.
SINCE_0_2 = [side_values_that_are_mended]

ALL = [one for one in list(globals().values()) if callable(one)]
