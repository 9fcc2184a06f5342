"""Every key of a job, an owner or a batch has a lifetime from its first write, and DELETE knows all keys of a job."""
import pytest

# What belongs to no job, owner or batch: configuration, what the supervisor keeps, and streams of limited length.
KEPT = {"policy", "deadlines", "expiring", "finished", "commands", "work", "refused", "mended", "notify", "lease"}


def endless(jobs):
    """Keys of jobs, owners and batches that live for ever."""
    keys = [key.decode() for key in jobs.redis.scan_iter(jobs.key("*")) if jobs.redis.pttl(key) == -1]
    return sorted(key for key in keys if key.split(":")[1] not in KEPT)


def live(jobs):
    """Writes every kind of key that a job can have, one step at a time."""
    jobs.policy("mail", max_attempts=3, dispatch=1)
    yield jobs.create("a", type="mail", owner="u", tenant="t", group="g", group_size=3, input="{}")
    yield jobs.report("a", "labels.file", "x", status="processing", percent=1)
    yield jobs.report("a", status="failed", error__retryable="true", error__trace="trace", error__code="boom", error__title="T")
    yield jobs.report("a", status="processing", attempt=2)
    yield jobs.report("a", status="failed", error__trace="trace")
    yield jobs.report("b", status="failed", group="g", owner="u", tenant="t")
    yield jobs.report("c", status="done", group="g", owner="u", tenant="t", result="[]")
    yield jobs.command("seen", "a")


def test_no_step_of_a_life_leaves_a_key_that_lives_for_ever(jobs):
    for n, _ in enumerate(live(jobs)):
        assert endless(jobs) == [], f"after step {n}"


def test_a_failure_that_joins_a_batch_later_gives_its_list_a_lifetime(jobs):
    jobs.report("a", status="processing", group="g")
    jobs.report("b", status="processing", group="g")
    assert endless(jobs) == []
    jobs.report("a", status="failed")
    assert endless(jobs) == []


def test_a_deleted_job_leaves_nothing_but_what_is_of_others(jobs):
    list(live(jobs))
    jobs.call("delete", "a")
    left = {key.decode()[len(jobs.ns) + 1:] for key in jobs.redis.scan_iter(jobs.key("*"))}
    assert not [key for key in left if key.split(":")[-1] == "a"], left
    references = [key for key in left if key.startswith("reference:")]
    assert all(jobs.redis.hget(jobs.key(key), "id") != b"a" for key in references) and len(references) == 1, "that of b"


def test_a_reference_that_leads_to_another_job_outlives_a_delete(jobs):
    jobs.report("a", status="failed", error__reference="R-1")
    jobs.report("b", status="failed", error__reference="R-1")
    jobs.call("delete", "b")
    assert jobs.redis.hget(jobs.key("reference", "R-1"), "id") == b"a"


@pytest.mark.parametrize("attempts", [range(1, 9), (1, 2, 3, 50, 51, 52, 53, 900), (5, 1000)])
def test_traces_of_the_last_five_attempts_that_left_one_are_kept(jobs, attempts):
    jobs.report("a", status="processing", max_attempts=1000)
    for attempt in attempts:
        jobs.report("a", status="retrying", attempt=attempt, error__trace=f"trace {attempt}")
    kept = sorted(int(attempt) for attempt in jobs.redis.hkeys(jobs.key("trace", "a")))
    assert kept == sorted(attempts)[-5:]
