"""jobcast_supervise: what becomes of jobs nobody reports on. Leases are milliseconds here; the deadline is waited for, not slept out."""
import threading
import time

import pytest
import redis

from conftest import Refused


def supervise(jobs, limit=1000):
    """Answers [still due, stalled, requeued, failed]."""
    return jobs.call("supervise", limit, "counts")


def until(jobs, one, condition, seconds=10):
    """Supervises until `condition` holds for the record, and answers that."""
    end = time.monotonic() + seconds
    while not condition(record := jobs.get(one)):
        assert time.monotonic() < end, record
        supervise(jobs)
    return record


def story(jobs, one):
    """The history as (status, attempt, by, what)."""
    return [(e[b"status"].decode(), int(e[b"attempt"]), e[b"by"].decode(), e.get(b"what", b"").decode())
            for _, e in jobs.redis.xrange(jobs.key("log", one))]


def entry(jobs, one, number):
    return jobs.redis.xrange(jobs.key("log", one))[number][1]


def test_an_overdue_job_is_shown_as_stalled_and_otherwise_left_alone(jobs):
    jobs.policy("x", lease_ms="20")
    jobs.report("a", type="x", status="processing", percent=40)
    heard = jobs.heard("event:a")
    record = until(jobs, "a", lambda r: r["stalled"])
    assert (record["status"], record["attempt"], record["progress"]) == ("processing", 1, {"percent": 40})
    assert next(heard)[1].startswith(b"2 - {")
    assert story(jobs, "a")[-1] == ("processing", 1, "supervisor", "stalled")
    assert jobs.redis.zcard(jobs.key("deadlines")) == 0, "nothing is looked at twice"
    assert supervise(jobs) == [0, 0, 0, 0]


@pytest.mark.parametrize("sign", ["report", "heartbeat"])
def test_a_sign_of_life_takes_that_back(jobs, sign):
    jobs.policy("x", lease_ms="20")
    jobs.report("a", type="x", status="processing", percent=40)
    until(jobs, "a", lambda r: r["stalled"])
    assert jobs.call(sign, "a")[0] == b"ok"
    record = jobs.get("a")
    assert record["stalled"] is False and record["version"] == 3
    assert story(jobs, "a")[-1][3] == "resumed"
    until(jobs, "a", lambda r: r["stalled"])


def test_a_worker_that_reports_in_time_is_never_shown_as_stalled(jobs):
    jobs.policy("x", lease_ms="150")
    heard = jobs.heard("event:a")
    end = time.monotonic() + 0.8
    while time.monotonic() < end:
        jobs.report("a", type="x", status="processing", percent=1)
        supervise(jobs)
    assert jobs.get("a")["stalled"] is False
    assert all(b'"stalled":false' in message for _, message in (next(heard) for _ in range(jobs.get("a")["version"])))


ON_STALL = [
    # policy of the type, how it ends, attempt
    ({"on_stall": "fail"}, "failed", 1),
    ({"on_stall": "fail", "grace_ms": "30"}, "failed", 1),
    ({"on_stall": "retry", "max_attempts": "2"}, "retrying", 2),
    ({"on_stall": "retry"}, "failed", 1),
    ({"grace_ms": "30"}, "failed", 1),
    ({"grace_ms": "30", "max_attempts": "2"}, "retrying", 2),
    ({"grace_ms": "30", "on_stall": "flag"}, "processing", 1),
    ({}, "processing", 1),
]


@pytest.mark.parametrize("policy,status,attempt", ON_STALL)
def test_a_stalled_job_becomes_what_its_type_asks_for(jobs, policy, status, attempt):
    jobs.policy("x", lease_ms="20", dispatch="1", **policy)
    jobs.create("a", type="x", input="[1]")
    jobs.report("a", status="processing", percent=40)
    until(jobs, "a", lambda r: r["stalled"] or r["status"] != "processing")
    assert [line[3] for line in story(jobs, "a")].count("stalled") == 1, "first it is shown as stalled"
    stalled_at = int(entry(jobs, "a", 2)[b"at"])
    if status == "processing":
        assert supervise(jobs) == [0, 0, 0, 0]
        assert jobs.redis.zcard(jobs.key("deadlines")) == 0
        return
    record = until(jobs, "a", lambda r: r["status"] != "processing")
    last = entry(jobs, "a", -1)
    assert (record["status"], record["attempt"], record["error"]["code"]) == (status, attempt, "stalled")
    assert record["error"]["title"] and record["stalled"] is False
    assert int(last[b"at"]) - stalled_at >= int(policy.get("grace_ms", 0))
    assert last[b"by"] == b"supervisor" and int(last[b"duration"]) >= 20
    work = [e for _, e in jobs.redis.xrange(jobs.key("work", "x"))]
    if status == "failed":
        assert record["error"]["action"] and record["error"]["severity"] == "high" and not work
        assert [e[b"status"] for _, e in jobs.redis.xrange(jobs.key("finished"))] == [b"failed"]
    else:
        assert work == [{b"id": b"a", b"type": b"x", b"attempt": b"2", b"input": b"[1]"}]
        assert "retry_at" not in record and record["progress"] == {}


def test_attempts_run_out(jobs):
    jobs.policy("x", lease_ms="20", on_stall="retry", max_attempts="3", dispatch="1")
    jobs.create("a", type="x")
    for attempt in (1, 2, 3):
        assert jobs.report("a", status="processing", attempt=attempt)[0] == "ok"
        record = until(jobs, "a", lambda r: r["status"] != "processing")
    assert (record["status"], record["attempt"], record["error"]["code"]) == ("failed", 3, "stalled")


def test_a_zombie_is_refused_once_its_job_was_given_to_another(jobs):
    jobs.policy("x", lease_ms="20", on_stall="retry", max_attempts="2", dispatch="1")
    jobs.create("a", type="x")
    jobs.report("a", status="processing", attempt=1)
    before = until(jobs, "a", lambda r: r["status"] == "retrying")
    assert jobs.report("a", status="done", attempt=1)[0] == "ignored:stale_attempt"
    assert jobs.call("heartbeat", "a", 1)[0] == b"ignored:stale_attempt"
    assert jobs.get("a") == before
    assert jobs.report("a", status="done", attempt=2)[0] == "ok"


def test_a_stalled_job_of_another_queue_is_offered_to_its_adapter(jobs):
    jobs.policy("x", lease_ms="20", on_stall="retry", max_attempts="2")
    jobs.report("a", type="x", status="processing")
    until(jobs, "a", lambda r: r["status"] == "retrying")
    (_, command), = jobs.redis.xrange(jobs.key("commands"))
    assert command == {b"id": b"a", b"type": b"x", b"op": b"retry", b"attempt": b"2"}
    assert jobs.redis.xlen(jobs.key("work", "x")) == 0


def test_a_job_someone_cancelled_is_not_tried_again(jobs):
    jobs.policy("x", lease_ms="20", on_stall="retry", max_attempts="5", dispatch="1")
    jobs.create("silent", type="x")
    jobs.create("failing", type="x")
    for one in ("silent", "failing"):
        jobs.report(one, status="processing")
        jobs.command("cancel", one)
    jobs.report("failing", status="failed", error__title="Busy", error__retryable="true", retry_in=3600)
    for one in ("silent", "failing"):
        until(jobs, one, lambda r: r["status"] == "cancelled")
    assert jobs.redis.xlen(jobs.key("work", "x")) == 0


@pytest.mark.parametrize("when", ["before it stalls", "after"])
@pytest.mark.parametrize("policy,pause", [({}, 20), ({"grace_ms": "30", "on_stall": "flag"}, 30)])
def test_a_job_whose_worker_cannot_obey_is_cancelled_even_if_it_would_only_be_flagged(jobs, when, policy, pause):
    jobs.policy("x", lease_ms="20", **policy)
    jobs.create("a", type="x")
    jobs.report("a", status="processing")
    if when == "after":
        until(jobs, "a", lambda r: r["stalled"])
    assert jobs.command("cancel", "a")[1]["cancel_requested"]
    stalled = int(jobs.redis.hget(jobs.key("job", "a"), "stalled") or until(jobs, "a", lambda r: r["stalled"])["updated_at"])
    record = until(jobs, "a", lambda r: r["status"] == "cancelled")
    assert record["finished_at"] >= stalled + pause and story(jobs, "a")[-1][2] == "supervisor"


def test_a_retry_waits_for_its_time_with_jitter_and_growth(jobs):
    jobs.policy("x", max_attempts="20", backoff_base_ms="1000", backoff_factor="3", backoff_cap_ms="20000")
    jobs.create("a", type="x")
    pauses = []
    for attempt in range(1, 7):
        jobs.report("a", status="processing", attempt=attempt)
        jobs.report("a", status="failed", attempt=attempt, error__title="Busy", error__retryable="true")
        record = jobs.get("a")
        pauses.append(record["retry_at"] - record["updated_at"])
        assert (record["attempt"], record["max_attempts"]) == (attempt + 1, 20)
    for pause, longest in zip(pauses, (1000, 3000, 9000, 20000, 20000, 20000)):
        assert longest / 2 - 1 <= pause <= longest
    durations = [int(e[b"duration"]) for _, e in jobs.redis.xrange(jobs.key("log", "a")) if e[b"status"] == b"retrying"]
    assert len(durations) == 6


def test_a_retry_that_is_due_is_put_before_the_workers_once(jobs):
    jobs.policy("x", max_attempts="2", dispatch="1")
    jobs.create("a", type="x", input="[1]")
    jobs.report("a", status="processing")
    jobs.report("a", status="retrying", error__title="Busy", retry_in="0.03")
    assert jobs.redis.xlen(jobs.key("work", "x")) == 0
    record = until(jobs, "a", lambda r: "retry_at" not in r)
    assert (record["status"], record["attempt"], record["error"]["title"]) == ("retrying", 2, "Busy")
    assert story(jobs, "a")[-1] == ("retrying", 2, "supervisor", "queued")
    supervise(jobs)
    assert [e[b"attempt"] for _, e in jobs.redis.xrange(jobs.key("work", "x"))] == [b"2"]
    left = jobs.redis.zscore(jobs.key("deadlines"), "a") - record["updated_at"]
    assert left == 300_000, "a retried job has five minutes to begin"


def test_adapters_learn_of_a_retry_that_is_due(jobs):
    jobs.report("a", type="mail", status="retrying", retry_in="0.03")
    until(jobs, "a", lambda r: "retry_at" not in r)
    assert [e[b"op"] for _, e in jobs.redis.xrange(jobs.key("commands"))] == [b"retry"]


@pytest.mark.parametrize("begin", [
    lambda jobs: jobs.create("a", type="x"),
    lambda jobs: jobs.report("a", type="x", status="pending"),
    lambda jobs: (jobs.report("a", type="x", status="retrying", retry_in="0")),
])
def test_a_job_nobody_starts_in_time_fails(jobs, begin):
    jobs.policy("x", start_timeout_ms="30", dispatch="1")
    begin(jobs)
    record = until(jobs, "a", lambda r: r["status"] == "failed")
    assert record["error"]["code"] == "not_started" and record["error"]["title"] and record["error"]["action"]
    assert jobs.redis.xlen(jobs.key("work", "x")) == 0


def test_a_job_that_began_in_time_does_not(jobs):
    jobs.policy("x", start_timeout_ms="30")
    jobs.create("a", type="x")
    jobs.report("a", status="processing")
    created = jobs.get("a")["created_at"]
    while time.time() * 1000 < created + 100:
        supervise(jobs)
    assert jobs.get("a")["status"] == "processing"


def take(jobs, acknowledged=True):
    """Takes one entry of the work stream as a worker does, and dies with it."""
    stream = jobs.key("work", "x")
    if not any(group["name"] == b"workers" for group in jobs.redis.xinfo_groups(stream)):
        jobs.redis.xgroup_create(stream, "workers", id="0")
    ((_, ((_, taken),)),) = jobs.redis.xreadgroup("workers", "w", {stream: ">"}, count=1, noack=acknowledged)
    return taken[b"id"].decode(), int(taken[b"attempt"])


def test_a_job_whose_worker_died_before_its_first_report_goes_to_another(jobs):
    jobs.policy("x", start_timeout_ms="30", dispatch="1", on_stall="retry", max_attempts="3")
    jobs.create("a", type="x", input="[1]")
    for attempt in (1, 2):
        assert take(jobs) == ("a", attempt)
        record = until(jobs, "a", lambda r: r["attempt"] > attempt)
        assert (record["status"], record["error"]["code"]) == ("retrying", "not_started")
        assert story(jobs, "a")[-1] == ("retrying", attempt + 1, "supervisor", "requeued")
        assert jobs.redis.xlen(jobs.key("work", "x")) == 1
    assert take(jobs) == ("a", 3)
    assert until(jobs, "a", lambda r: r["status"] == "failed")["error"]["code"] == "not_started"


@pytest.mark.parametrize("policy,acknowledged", [({"on_stall": "flag"}, True), ({"on_stall": "fail"}, True), ({"on_stall": "retry"}, False)])
def test_otherwise_it_fails(jobs, policy, acknowledged):
    """An entry that a group still holds may be claimed: it would run twice."""
    jobs.policy("x", start_timeout_ms="30", dispatch="1", max_attempts="3", **policy)
    jobs.create("a", type="x")
    take(jobs, acknowledged)
    record = until(jobs, "a", lambda r: r["status"] == "failed")
    assert (record["error"]["code"], record["attempt"]) == ("not_started", 1)


def test_a_dispatched_job_has_five_minutes_to_begin_where_its_type_does_not_say_so(jobs):
    jobs.policy("x", dispatch="1", on_stall="retry", max_attempts="2")
    jobs.create("a", type="x")
    assert jobs.redis.zscore(jobs.key("deadlines"), "a") - jobs.get("a")["created_at"] == 300_000
    jobs.redis.zadd(jobs.key("deadlines"), {"a": 1})
    assert supervise(jobs) == [0, 0, 0, 0] and jobs.get("a")["status"] == "pending", "nobody has taken it yet: it waits its turn"
    assert jobs.redis.zscore(jobs.key("deadlines"), "a") > jobs.get("a")["created_at"] + 299_000
    take(jobs)
    jobs.redis.zadd(jobs.key("deadlines"), {"a": 1})
    assert supervise(jobs) == [0, 0, 1, 0] and jobs.get("a")["attempt"] == 2


def test_deadlines_of_jobs_that_are_gone_go_too(jobs):
    jobs.policy("x", lease_ms="1")
    for n in range(100):
        jobs.report(f"a{n}", type="x", status="processing")
        jobs.redis.delete(jobs.key("job", f"a{n}"))
    end = time.monotonic() + 10
    while jobs.redis.zcard(jobs.key("deadlines")):
        assert time.monotonic() < end
        supervise(jobs)


def test_one_job_that_cannot_be_handled_does_not_keep_the_others_from_it(jobs):
    jobs.policy("x", lease_ms="1")
    for one in ("broken", "sound"):
        jobs.report(one, type="x", status="processing")
    jobs.redis.hset(jobs.key("job", "broken"), "lease", "rubbish")
    until(jobs, "sound", lambda r: r["stalled"])
    assert jobs.redis.zscore(jobs.key("deadlines"), "broken") > time.time() * 1000


def test_the_limit_is_kept_and_what_is_left_is_answered(jobs):
    jobs.policy("x", lease_ms="1")
    for n in range(10):
        jobs.report(f"a{n}", type="x", status="processing")
    end = time.monotonic() + 10
    while jobs.redis.zcount(jobs.key("deadlines"), "-inf", time.time() * 1000 - 1) < 10:
        assert time.monotonic() < end
    assert jobs.call("supervise", 4) == 6
    with pytest.raises(Refused) as refused:
        jobs.call("supervise", 0)
    assert refused.value.field == "limit"


def test_many_gateways_at_once_handle_each_deadline_once(jobs):
    jobs.policy("x", lease_ms="1", on_stall="retry", max_attempts="2", dispatch="1")
    for n in range(300):
        jobs.create(f"a{n}", type="x")
        jobs.report(f"a{n}", status="processing")
    path = jobs.redis.connection_pool.connection_kwargs["path"]
    totals = [0, 0, 0]

    def gateway():
        client = redis.Redis(unix_socket_path=path)
        end = time.monotonic() + 20
        while client.zcount(jobs.key("deadlines"), "-inf", time.time() * 1000 + 1000) and time.monotonic() < end:
            answer = client.execute_command("FCALL", "jobcast_supervise", 1, jobs.ns, 50, "counts")
            for i in range(3):
                totals[i] += answer[i + 1]
    threads = [threading.Thread(target=gateway) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert totals == [300, 300, 0]
    assert len({e[b"id"] for _, e in jobs.redis.xrange(jobs.key("work", "x"))}) == jobs.redis.xlen(jobs.key("work", "x")) == 300


def test_100_000_leases_that_end_together_are_handled_in_time_and_hold_nobody_up(jobs):
    """Within 10 s, and no report of another worker waits 50 ms for it. Other tests run beside this one, so what counts is time of
    the processor, and what all but few reports waited."""
    total = 100_000
    jobs.policy("x", lease_ms="1")
    pipe = jobs.redis.pipeline(transaction=False)
    for n in range(total):
        pipe.execute_command("FCALL", "jobcast_report", 1, jobs.ns, f"a{n}", "type", "x", "status", "processing")
        if n % 1000 == 999:
            pipe.execute()
    jobs.report("alive", status="processing")
    over, waits = threading.Event(), []

    def report():
        worker = redis.Redis(unix_socket_path=jobs.redis.connection_pool.connection_kwargs["path"])
        while not over.is_set():
            before = time.monotonic()
            assert worker.execute_command("FCALL", "jobcast_report", 1, jobs.ns, "alive", "percent", 1)[0] == b"ok"
            waits.append(time.monotonic() - before)
    reporting = threading.Thread(target=report)

    def used():
        cpu = jobs.redis.info("cpu")
        return cpu["used_cpu_user"] + cpu["used_cpu_sys"]
    reporting.start()
    begun, stalled, left, calls, most = used(), 0, 1, 0, 0
    while left:
        left, some, _, _ = supervise(jobs)
        calls, stalled, most = calls + 1, stalled + some, max(most, some)
    spent = used() - begun
    over.set()
    reporting.join()
    waits.sort()
    print(f"{stalled} in {spent:.1f} s with {len(waits)} reports beside them, {spent / calls * 1000:.1f} ms and up to {most} jobs a call, "
          f"reports answered in {waits[len(waits) // 2] * 1000:.2f} ms, the slowest of a thousand in {waits[-1 - len(waits) // 1000] * 1000:.1f} ms")
    assert stalled == total and calls > total / 1000
    assert spent < 10
    assert spent / calls < 0.05 and waits[len(waits) * 95 // 100] < 0.05
