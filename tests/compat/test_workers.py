"""Workers that were deployed with 0.1.0: their Redis user suffices, and they understand every answer.

A function runs with the rights of its caller. One that is refused a command in its middle leaves half a change, so
jobcast_report and jobcast_heartbeat may use only what the ACL of 0.1.0 grants."""
import re

import pytest
import redis
from hypothesis import HealthCheck, given, settings, strategies as st

import libraries
import worker_lives
from jobs import NAMESPACE


@pytest.mark.parametrize("life", worker_lives.ALL, ids=lambda one: one.__name__)
def test_the_published_rights_suffice(jobs, worker, life):
    jobs.load(libraries.today())
    life(worker, jobs)


def test_the_stories_need_every_right_that_was_published(jobs, worker):
    """So they take ways enough: with the library of 0.1.0 nothing that was granted is left over."""
    jobs.load(libraries.old())
    for life in worker_lives.ALL:
        if life in worker_lives.SINCE_0_2:
            continue
        life(worker, jobs)
        jobs.redis.flushdb()
    granted = re.findall(r"\+([a-z]+)(?= |$)", (libraries.PUBLISHED / "workers.acl").read_text(encoding="utf-8").strip())
    assert worker.used == set(granted) - {"ping"}


IDS = st.sampled_from(["a", "b", "c"])
STATUSES = st.sampled_from(["pending", "processing", "processing", "processing", "retrying", "done", "failed", "cancelled"])
FIELDS = {
    "type": st.sampled_from(["x", "work"]), "owner": st.just("u"), "tenant": st.just("t"), "group": st.sampled_from(["g", "h"]),
    "attempt": st.integers(1, 4), "max_attempts": st.integers(1, 5), "lease": st.sampled_from([1, "x"]), "percent": st.sampled_from([0, 5, 50, 100, 101, "x"]),
    "current": st.integers(0, 9), "total": st.integers(0, 9), "unit": st.sampled_from(["", "rows"]), "step": st.sampled_from(["s", "s" * 200]),
    "message": st.sampled_from(["", "m", worker_lives.TRACE]), "eta": st.integers(0, 9000), "labels.a": st.sampled_from(["", "1", "x" * 300]), "labels.": st.just("x"),
}
OF_ERRORS = {
    "error.code": st.sampled_from(["declined", "other"]), "error.title": st.sampled_from(["No", worker_lives.TRACE]),
    "error.retryable": st.sampled_from(["true", "false"]), "error.reference": st.sampled_from(["R-1", "R-2"]),
    "error.trace": st.just(worker_lives.TRACE), "error.severity": st.sampled_from(["low", "critical"]), "error.detail": st.just(worker_lives.TRACE * 50),
}


@st.composite
def reports(draw):
    """Mostly reports that the function takes: what goes with one status only is not said with others."""
    status = draw(st.none() | STATUSES)
    fields = draw(st.fixed_dictionaries({}, optional=FIELDS))
    if status in ("retrying", "failed"):
        fields.update(draw(st.fixed_dictionaries({}, optional=OF_ERRORS)))
    if status == "retrying":
        fields.update(draw(st.sampled_from([{}, {"retry_in": 0}, {"retry_in": 60}])))
    if status == "done" and draw(st.booleans()):
        fields["result"] = "[1]"
    return "report", draw(IDS), {**({"status": status} if status else {}), **fields}


HEARTBEATS = st.tuples(st.just("heartbeat"), IDS, st.none() | st.integers(1, 4))
# What gateways do meanwhile; twice as many calls are a worker's.
MEANWHILE = st.tuples(st.sampled_from(["create", "cancel", "retry", "seen", "delete", "supervise", "silence"]), IDS, st.none())


def act(worker, jobs, what, job, given_with):
    if what == "report":
        worker.report(job, **given_with)
    elif what == "heartbeat":
        worker.heartbeat(job, *([given_with] if given_with else []))
    elif what == "create":
        jobs.create(job, keyed=1, request="r", type="work", owner="u", group="g", input="{}")
    elif what == "supervise":
        jobs.call("supervise", 100)
    elif what == "silence":
        # Its lease is over at the next look.
        if jobs.redis.zscore(jobs.key("deadlines"), job) is not None:
            jobs.redis.hset(jobs.key("job", job), mapping={"lease": 0})
            jobs.redis.zadd(jobs.key("deadlines"), {job: 1})
    else:
        jobs.call(what, job)


@settings(derandomize=True, deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(calls=st.lists(reports() | HEARTBEATS | MEANWHILE, min_size=8, max_size=40))
def test_no_sequence_of_calls_needs_more(jobs, worker, calls):
    jobs.load(libraries.today())
    jobs.redis.flushdb()
    jobs.policy("work", dispatch=1, max_attempts=3, user_retry=1)
    jobs.policy("x", max_attempts=2, grace_ms=0, on_stall="retry", start_timeout_ms=1)
    for what, job, given_with in calls:
        try:
            act(worker, jobs, what, job, given_with)
        except redis.exceptions.ResponseError as refusal:
            # A value that may not be so; what is not permitted has another form, and is an error here.
            assert str(refusal).startswith("JOBCAST "), refusal
        refused = jobs.redis.execute_command("ACL", "LOG")
        assert not refused, (what, job, given_with, refused)


def test_a_refusal_is_still_one_line_that_names_the_field(jobs, worker):
    jobs.load(libraries.today())
    jobs.redis.execute_command("ACL", "LOG", "RESET")
    with pytest.raises(redis.exceptions.ResponseError, match=r"^JOBCAST status: \w.+$"):
        worker.report("a", status="finished")
    with pytest.raises(redis.exceptions.ResponseError, match=r"^JOBCAST colour: "):
        worker.redis.execute_command("FCALL", "jobcast_report", 1, NAMESPACE, "a", "status", "done", "colour", "red")
    assert jobs.redis.xlen(f"{NAMESPACE}:refused") == 2, "kept, with the rights of a deployed worker"
    assert not jobs.redis.execute_command("ACL", "LOG")
