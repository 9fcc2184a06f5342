"""What one version's library wrote goes on under the other's: after an upgrade, and after going back."""
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

import libraries


class Move:
    """`first` is the library under which a test arranges; `then_move()` puts the other in its place, while the data stays."""

    def __init__(self, jobs, first, then):
        self._jobs, self._then = jobs, then
        jobs.load(first)

    def then_move(self):
        self._jobs.load(self._then)


WAYS = {"upgraded": (libraries.old, libraries.today), "rolled back": (libraries.today, libraries.old)}


@pytest.fixture(params=WAYS)
def move(request, jobs):
    first, then = WAYS[request.param]
    return Move(jobs, first(), then())


PROGRESS = {"percent": 40, "current": 4, "total": 10, "unit": "pages", "step": "layout", "message": "Laying out"}


def arrange_every_state(jobs):
    """One job in each state it can be in, by name."""
    jobs.policy("short", lease_ms=1)
    jobs.policy("work", dispatch=1, max_attempts=3, user_retry=1)
    jobs.report("reported", status="pending", owner="u")
    jobs.create("created", type="import", owner="u", input='{"a":1}', labels__a="1")
    jobs.create("dispatched", type="work", owner="u", input='{"a":1}')
    jobs.report("beginning", status="processing", owner="u")
    jobs.report("at-work", status="processing", owner="u", **PROGRESS)
    # Once more, by the way that writes but the least.
    jobs.report("at-work", percent=41)
    jobs.report("at-work", percent=42, message="Nearly half")
    jobs.report("second-attempt", status="processing", attempt=2, max_attempts=3, owner="u", percent=7)
    jobs.report("late-word", status="processing", owner="u", eta=60000)
    jobs.report("stalled", type="short", status="processing", owner="u", percent=30)
    jobs.stall("stalled")
    jobs.report("to-cancel", status="processing", owner="u", percent=50)
    jobs.call("cancel", "to-cancel")
    jobs.report("retrying", status="processing", owner="u")
    jobs.report("retrying", status="retrying", retry_in=600, error__title="Busy")
    return ["reported", "created", "dispatched", "beginning", "at-work", "second-attempt", "late-word", "stalled", "to-cancel", "retrying"]


def test_every_record_reads_as_before(jobs, move):
    names = arrange_every_state(jobs)
    before = {name: jobs.record(name) for name in names}
    assert all(before.values())
    move.then_move()
    assert {name: jobs.record(name) for name in names} == before


def test_every_job_goes_on_to_its_end_and_versions_rise_by_one(jobs, move):
    names = arrange_every_state(jobs)
    move.then_move()
    for name in names:
        before = jobs.record(name)
        assert jobs.report(name, status="processing", percent=60)[:2] == ("ok", before["version"] + 1)
        assert jobs.report(name, percent=70)[:2] == ("ok", before["version"] + 2)
        assert jobs.report(name, status="done", result="[1]")[:2] == ("ok", before["version"] + 3)
        after = jobs.record(name)
        assert (after["status"], after["progress"]["percent"], after["result"]) == ("done", 100, [1])
        assert after["attempt"] == before["attempt"] and after["created_at"] == before["created_at"]


def test_progress_keeps_what_was_not_said_again(jobs, move):
    jobs.report("a", status="processing", **PROGRESS)
    jobs.report("a", percent=44)
    move.then_move()
    jobs.report("a", percent=45)
    assert jobs.record("a")["progress"].items() >= {**PROGRESS, "percent": 45}.items()


def test_no_bar_goes_back(jobs, move):
    jobs.report("a", status="processing")
    jobs.report("a", percent=80)
    move.then_move()
    jobs.report("a", percent=20)
    assert jobs.record("a")["progress"]["percent"] == 80


def test_a_job_that_is_moved_to_and_fro_while_at_work_counts_on(jobs):
    jobs.load(libraries.old())
    version = jobs.report("a", status="processing", owner="u", group="g")[1]
    for percent in range(1, 60):
        jobs.load(libraries.today() if percent % 2 else libraries.old())
        result, after, _ = jobs.report("a", percent=percent)
        assert (result, after) == ("ok", version + 1)
        version = after
        if percent % 7 == 0:
            assert jobs.call("heartbeat", "a")[1] == version
    assert jobs.record("a")["version"] == version


def test_heartbeats_go_on_and_a_stalled_job_comes_back(jobs, move):
    arrange_every_state(jobs)
    move.then_move()
    assert jobs.call("heartbeat", "at-work", 1)[0] == b"ok"
    assert jobs.call("heartbeat", "second-attempt", 1)[0] == b"ignored:stale_attempt"
    assert jobs.call("heartbeat", "stalled")[0] == b"ok"
    assert jobs.record("stalled")["stalled"] is False
    assert jobs.call("heartbeat", "to-cancel")[2] == b"cancel_requested"


def test_silence_is_noticed(jobs, move):
    jobs.policy("short", lease_ms=1)
    jobs.report("a", type="short", status="processing", percent=1)
    jobs.report("a", percent=2)
    move.then_move()
    jobs.stall("a")


def test_a_retry_comes_when_it_is_due(jobs, move):
    jobs.policy("work", dispatch=1, max_attempts=3)
    jobs.report("a", type="work", status="processing")
    jobs.report("a", status="retrying", retry_in=0.2)
    move.then_move()
    jobs.supervise_until(lambda: jobs.redis.xlen(jobs.key("work", "work")) == 1)
    assert jobs.report("a", status="processing", attempt=2)[0] == "ok"


def test_a_batch_counts_right_and_ends(jobs, move):
    jobs.policy("short", lease_ms=1)
    half = {"owner": "u", "group": "g", "group_size": 8}
    for n, fields in enumerate([{"status": "done"}, {"status": "failed", "error__title": "No"}, {"status": "cancelled"}, {"status": "pending"},
                                {"status": "processing", "percent": 50}, {"type": "short", "status": "processing", "percent": 30}]):
        jobs.report(f"a{n}", **half, **fields)
    jobs.stall("a5")
    batch = jobs.record("a0")["group_id"]
    before = jobs.record(batch)
    move.then_move()
    assert jobs.record(batch) == before
    jobs.report("a4", percent=75)
    jobs.report("a5", status="done")
    jobs.create("a6", **half)
    jobs.report("a7", **half, status="failed", error__title="Nor this")
    counts = jobs.record(batch)["counts"]
    assert counts == {"pending": 2, "processing": 1, "retrying": 0, "done": 2, "failed": 2, "cancelled": 1, "stalled": 0}
    for job in ("a3", "a4", "a6"):
        jobs.report(job, status="done")
    after = jobs.record(batch)
    assert after["version"] > before["version"]
    assert (after["status"], after["progress"]["percent"], after["counts"]["done"]) == ("failed", 100, 5)
    assert [one["id"] for one in after["failed"]] == ["a1", "a7"]


def test_a_job_leaves_its_batch_and_an_empty_batch_goes(jobs, move):
    jobs.report("a", status="processing", owner="u", group="one")
    left = jobs.record("a")["group_id"]
    move.then_move()
    jobs.report("a", group="two")
    assert jobs.record(left) is None
    assert jobs.record(jobs.record("a")["group_id"])["counts"]["processing"] == 1


def test_outcomes_nobody_saw_are_still_in_the_inbox(jobs, move):
    jobs.report("seen", status="done", owner="u")
    jobs.call("seen", "seen")
    jobs.report("unseen", status="failed", owner="u", error__title="No")
    move.then_move()
    assert jobs.call("inbox", "/u")[1] == 1
    assert jobs.call("seen", "unseen")[0] == b"ok"
    assert jobs.call("inbox", "/u")[1] == 0


def test_lists_hold_what_they_held(jobs, move):
    names = arrange_every_state(jobs)
    move.then_move()
    cursor, *rows = jobs.call("list", "/u")
    assert cursor == b"" and len(rows) == len(names)


def test_a_final_job_stays_final_and_can_be_tried_again(jobs, move):
    jobs.policy("work", dispatch=1, user_retry=1)
    jobs.create("a", type="work", owner="u", input='{"order":7}')
    jobs.report("a", status="failed", error__code="declined", error__trace="Traceback", error__reference="R-1")
    move.then_move()
    assert jobs.report("a", percent=1)[0] == "ignored:final"
    assert jobs.redis.hget(jobs.key("reference", "R-1"), "id") == b"a"
    assert jobs.call("retry", "a")[0] == b"ok"
    (_, entry), = jobs.redis.xrange(jobs.key("work", "work"))
    assert entry[b"input"] == b'{"order":7}' and entry[b"attempt"] == b"2"


def test_the_same_request_made_again_finds_its_job(jobs, move):
    jobs.create("a", keyed=1, request="hash", owner="u")
    move.then_move()
    assert jobs.create("a", keyed=1, request="hash", owner="u") == "replayed"
    assert jobs.create("a", keyed=1, request="another", owner="u") == "conflict:request"


def test_a_work_entry_that_was_put_is_taken_away_with_its_job(jobs, move):
    jobs.policy("work", dispatch=1)
    jobs.create("a", type="work", input="{}")
    move.then_move()
    jobs.report("a", status="done")
    assert jobs.redis.xlen(jobs.key("work", "work")) == 0


def test_notifications_that_wait_are_sent(jobs, move):
    jobs.create("a", owner="u", notify='{"email":"a@example.com"}')
    jobs.report("a", status="failed", error__title="No", error__severity="high")
    poll = ("notify_poll", 0, 1000, 100, 1000, "email", 10)
    assert jobs.call(*poll[:-1], 0, "")[0] is not None, "taken, and not claimed"
    move.then_move()
    _, (channel, _, _, claimed, _) = jobs.call(*poll, "")
    assert channel == b"email" and claimed[0][4] == b"a"
    assert jobs.call("notify_settle", claimed[0][0], claimed[0][1], "sent") == b"ok"


def test_estimates_go_on_from_what_was_learnt(jobs, move):
    for n in range(4):
        jobs.report(f"a{n}", type="x", status="processing")
        jobs.redis.hincrby(jobs.key("job", f"a{n}"), "started", -10000)
        jobs.report(f"a{n}", status="done")
    move.then_move()
    jobs.report("b", type="x", status="processing")
    assert 9000 < jobs.record("b")["progress"]["eta"] < 12000


CALLS = st.tuples(
    st.sampled_from(["a", "b"]),
    st.fixed_dictionaries({}, optional={
        "status": st.sampled_from(["pending", "processing", "processing", "retrying", "done", "failed", "cancelled"]),
        "attempt": st.integers(1, 3), "percent": st.integers(0, 100), "message": st.just("m"), "group": st.sampled_from(["g", "h"])}),
    st.sampled_from(["report", "report", "report", "heartbeat", "cancel"]),
    st.booleans())


def run(jobs, calls, swapping):
    """What workers were answered, and what the records say of it in the end. `swapping`: with the libraries exchanged where a call says so."""
    jobs.redis.flushdb()
    jobs.load(libraries.old())
    now_old, answers = True, []
    for job, fields, what, swap in calls:
        if swapping and swap:
            now_old = not now_old
            jobs.load(libraries.old() if now_old else libraries.today())
        if what == "report":
            answers.append(jobs.report(job, owner="u", **fields))
        elif what == "heartbeat":
            answers.append(jobs.call("heartbeat", job))
        else:
            answers.append(jobs.call("cancel", job)[:2])
    records = [record for record in map(jobs.record, "ab") if record]
    said = [(r["version"], r["status"], r["attempt"], r["progress"].get("percent")) for r in records]
    return answers, said, [jobs.record(r["group_id"])["counts"] for r in records if "group_id" in r]


@settings(derandomize=True, deadline=None, max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(calls=st.lists(CALLS, min_size=6, max_size=30))
def test_workers_cannot_tell_when_the_library_is_exchanged(jobs, calls):
    assert run(jobs, calls, swapping=True) == run(jobs, calls, swapping=False)
