"""progress.eta: what the worker says, else an estimate with its error."""
import random
import time


def durations(jobs, *milliseconds):
    jobs.redis.hset(jobs.key("durations", "x"), mapping={str(i): ms for i, ms in enumerate(milliseconds)} | {"n": len(milliseconds) % 32})


def begun(jobs, ago, percent=None):
    """A job that began `ago` ms before now, as a report on it now shows it."""
    jobs.report("a", type="x", status="processing")
    jobs.redis.hset(jobs.key("job", "a"), "started", int(time.time() * 1000) - ago)
    jobs.redis.hdel(jobs.key("job", "a"), "front")
    jobs.report("a", **({"percent": percent} if percent else {"message": "on"}))
    return jobs.get("a")["progress"]


def test_nothing_is_said_when_nothing_is_known(jobs):
    assert "eta" not in begun(jobs, 0) and "eta_error" not in begun(jobs, 0)


def test_a_worker_knows_best_and_its_word_runs_down(jobs):
    durations(jobs, 1000, 1000, 1000)
    jobs.report("a", type="x", status="processing", eta=5000, percent=50)
    assert jobs.get("a")["progress"] == {"percent": 50, "eta": 5000}
    began = jobs.get("a")["updated_at"]
    while jobs.report("a", percent=51) and jobs.get("a")["updated_at"] == began:
        pass
    now = jobs.get("a")
    assert now["progress"]["eta"] == 5000 - (now["updated_at"] - began)
    jobs.report("a", status="done")
    assert "eta" not in jobs.get("a")["progress"]


def test_recent_jobs_of_the_type_tell_how_long_it_takes(jobs):
    durations(jobs, *range(8_000, 12_001, 200))
    progress = begun(jobs, 4_000)
    assert abs(progress["eta"] - 6_000) < 500 and 1_000 < progress["eta_error"] < 2_500


def test_the_pace_tells_too_and_more_the_further_the_job_is(jobs):
    progress = begun(jobs, 10_000, percent=50)
    assert abs(progress["eta"] - 10_000) < 600 and progress["eta_error"] > 0
    jobs.call("delete", "a")
    durations(jobs, 100_000, 100_000, 100_000)
    early = begun(jobs, 10_000, percent=50)
    jobs.call("delete", "a")
    late = begun(jobs, 10_000, percent=90)
    assert 10_000 < early["eta"] < 90_000 and late["eta"] < 12_000


def test_an_attempt_that_ends_well_is_remembered_and_only_the_last_32(jobs):
    for n in range(40):
        jobs.report(f"j{n}", type="x", status="processing")
        jobs.report(f"j{n}", status="done" if n % 2 == 0 else "failed")
    held = jobs.redis.hgetall(jobs.key("durations", "x"))
    assert len(held) == 21 and held[b"n"] == b"20", "20 that were done, and where the next goes"
    assert jobs.redis.pttl(jobs.key("durations", "x")) > 0


def test_a_stalled_or_ended_job_has_no_eta(jobs):
    durations(jobs, *[60_000] * 5)
    jobs.policy("x", lease_ms="1")
    jobs.report("a", type="x", status="processing")
    assert "eta" in jobs.get("a")["progress"]
    while not jobs.get("a")["stalled"]:
        jobs.call("supervise", 10)
    assert "eta" not in jobs.get("a")["progress"]


def test_the_error_is_honest(jobs):
    """For jobs that take as long as those before, four of five should end within eta +- error."""
    source = random.Random(7)
    kept = 0
    for n in range(200):
        durations(jobs, *(max(1, int(source.gauss(20_000, 4_000))) for _ in range(32)))
        total = max(2_000, int(source.gauss(20_000, 4_000)))
        ago = int(total * source.uniform(0.1, 0.9))
        percent = max(1, min(99, round(100 * (ago / total + source.gauss(0, 0.03)))))
        jobs.call("delete", "a")
        progress = begun(jobs, ago, percent)
        kept += abs((total - ago) - progress["eta"]) <= progress["eta_error"] + 100 if "eta" in progress else 1
    print(f"{kept} of 200 ended within the stated error")
    assert kept >= 150


def test_a_job_that_takes_longer_than_usual_says_so(jobs):
    durations(jobs, *range(8_000, 12_001, 200))
    assert "late" not in begun(jobs, 14_000, percent=50)
    jobs.call("delete", "a")
    assert begun(jobs, 20_000, percent=50)["late"] is True
    jobs.report("a", percent=51)
    assert jobs.get("a")["progress"]["late"] is True and "eta" in jobs.get("a")["progress"]
    jobs.report("a", percent=52, eta=60_000)
    assert jobs.get("a")["progress"]["late"] is True, "whatever the worker says of the time that is left"
    jobs.report("a", status="done")
    assert "late" not in jobs.get("a")["progress"]


def test_nothing_is_late_that_nobody_has_an_idea_of(jobs):
    assert "late" not in begun(jobs, 86_400_000, percent=50)
