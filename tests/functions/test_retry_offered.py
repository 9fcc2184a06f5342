"""`retry` is offered only where somebody carries it out: judged when a record is written, and again when the command comes."""
import pytest


class Application:
    """Reads `ns:commands` as a consumer group, or does not."""

    def __init__(self, jobs, group="application"):
        self.jobs, self.group, self.stream = jobs, group, jobs.key("commands")
        jobs.redis.xgroup_create(self.stream, group, id="0", mkstream=True)

    def read(self, **options):
        """Answers what is new, as ops, and acknowledges it."""
        ops = []
        for _, entries in self.jobs.redis.xreadgroup(self.group, "one", {self.stream: ">"}, **options):
            for entry, fields in entries:
                ops.append(fields[b"op"].decode())
                self.jobs.redis.xack(self.stream, self.group, entry)
        return ops


def supervise(jobs):
    """Looks at once, whenever the last look was."""
    jobs.redis.hdel(jobs.key("followed"), "next")
    jobs.call("supervise", 100)


def let_pass(jobs, minutes):
    """As if the application had last read so much earlier. Redis' own note of it is as young as ever: so the group is gone."""
    key = jobs.key("followed")
    jobs.redis.hset(key, "read", int(jobs.redis.hget(key, "read")) - minutes * 60_000)


def fails(jobs, one, **fields):
    jobs.report(one, status="failed", error__title="Broken", **fields)
    return jobs.get(one)["can"]


@pytest.fixture
def followed(jobs):
    application = Application(jobs)
    supervise(jobs)
    assert application.read() == ["ping"]
    supervise(jobs)
    return application


@pytest.mark.parametrize("policy, made, offered", [
    ({}, True, False), ({}, False, False),
    ({"dispatch": "1"}, True, True), ({"dispatch": "1"}, False, True),
    ({"user_retry": "1"}, True, True), ({"user_retry": "1"}, False, True),
    ({"user_retry": "0"}, True, False), ({"user_retry": "0", "dispatch": "1"}, True, False)])
def test_without_a_reader_it_is_what_the_type_says(jobs, policy, made, offered):
    if policy:
        jobs.policy("x", **policy)
    if made:
        jobs.create("a", type="x")
    assert (fails(jobs, "a", type="x") == ["retry"]) == offered
    what = jobs.command("retry", "a")[0]
    assert what == ("ok" if offered else "ignored:not_followed" if made and not policy else "ignored:not_offered")


@pytest.mark.parametrize("made, policy, offered", [(True, {}, True), (False, {}, False), (True, {"user_retry": "0"}, False)])
def test_a_reader_carries_out_what_was_created(jobs, followed, made, policy, offered):
    if policy:
        jobs.policy("x", **policy)
    if made:
        jobs.create("a", type="x")
    assert (fails(jobs, "a", type="x") == ["retry"]) == offered
    assert (jobs.command("retry", "a")[0] == "ok") == offered
    assert followed.read() == (["retry"] if offered else [])


def test_a_cancelled_job_is_offered_like_one_that_failed(jobs, followed):
    jobs.create("a")
    assert jobs.command("cancel", "a")[1]["can"] == ["retry"]


@pytest.mark.parametrize("status", ["pending", "processing", "retrying"])
def test_every_unfinished_job_offers_cancel_whoever_reads(jobs, status):
    jobs.report("a", status=status)
    assert jobs.get("a")["can"] == ["cancel"]


def test_what_was_offered_is_refused_once_nobody_reads(jobs, followed):
    jobs.create("a")
    assert fails(jobs, "a") == ["retry"]
    before = jobs.get("a")
    jobs.redis.xgroup_destroy(followed.stream, followed.group)
    let_pass(jobs, minutes=6)
    supervise(jobs)
    assert jobs.command("retry", "a") == ("ignored:not_followed", before)
    jobs.create("b")
    assert fails(jobs, "b") == []


def test_what_was_not_offered_is_carried_out_once_somebody_reads(jobs):
    jobs.create("a")
    assert fails(jobs, "a") == []
    application = Application(jobs)
    supervise(jobs)
    application.read()
    supervise(jobs)
    assert jobs.command("retry", "a")[0] == "ok"


def test_a_reader_may_be_away_for_less_than_five_minutes(jobs, followed):
    jobs.redis.xgroup_destroy(followed.stream, followed.group)
    let_pass(jobs, minutes=4)
    supervise(jobs)
    jobs.create("a")
    assert fails(jobs, "a") == ["retry"]


def test_without_a_gateway_that_looks_the_last_look_stands(jobs, followed):
    key = jobs.key("followed")
    for field in ("read", "looked"):
        jobs.redis.hset(key, field, int(jobs.redis.hget(key, field)) - 3_600_000)
    jobs.create("a")
    assert fails(jobs, "a") == ["retry"]


def test_a_group_that_nobody_reads_is_no_reader_and_gets_one_ping_however_long(jobs):
    Application(jobs)
    for _ in range(5):
        supervise(jobs)
    assert [fields[b"op"] for _, fields in jobs.redis.xrange(jobs.key("commands"))] == [b"ping"]
    jobs.create("a")
    assert fails(jobs, "a") == []


def test_a_stream_that_nobody_follows_gets_no_ping(jobs):
    supervise(jobs)
    assert not jobs.redis.exists(jobs.key("commands"))
    jobs.create("a")
    jobs.command("cancel", "a")
    supervise(jobs)
    assert [fields[b"op"] for _, fields in jobs.redis.xrange(jobs.key("commands"))] == [b"cancel"]


def test_commands_that_wait_for_a_reader_are_ping_enough(jobs):
    jobs.create("a")
    jobs.command("cancel", "a")
    application = Application(jobs)
    supervise(jobs)
    assert application.read() == ["cancel"]
    supervise(jobs)
    jobs.create("b")
    assert fails(jobs, "b") == ["retry"]


def test_a_reader_that_is_quiet_is_pinged_again_and_the_last_ping_goes(jobs, followed):
    let_pass(jobs, minutes=3)
    jobs.redis.xgroup_delconsumer(followed.stream, followed.group, "one")
    supervise(jobs)
    assert followed.read() == ["ping"]
    assert jobs.redis.xlen(followed.stream) == 1


def test_a_ping_that_was_not_acknowledged_is_taken_back(jobs):
    application = Application(jobs)
    supervise(jobs)
    jobs.redis.xreadgroup(application.group, "one", {application.stream: ">"})
    supervise(jobs)
    let_pass(jobs, minutes=3)
    jobs.redis.xgroup_delconsumer(application.stream, application.group, "one")
    jobs.redis.xgroup_create(application.stream, "another", id="$")
    jobs.redis.xreadgroup("another", "two", {application.stream: ">"})
    supervise(jobs)
    assert all(group["pending"] == 0 for group in jobs.redis.xinfo_groups(application.stream))


@pytest.mark.parametrize("how", [{"noack": True}, {"block": 10}, {}])
def test_any_way_of_reading_as_a_group_counts(jobs, how):
    application = Application(jobs)
    supervise(jobs)
    application.read(**how)
    supervise(jobs)
    jobs.create("a")
    assert fails(jobs, "a") == ["retry"]


def test_a_key_that_is_no_stream_holds_nothing_up(jobs):
    jobs.redis.set(jobs.key("commands"), "x")
    jobs.policy("x", lease_ms="1")
    jobs.report("a", type="x", status="processing")
    while not jobs.get("a")["stalled"]:
        supervise(jobs)


def test_a_clock_that_was_set_back_does_not_stop_the_looks(jobs):
    application = Application(jobs)
    key = jobs.key("followed")
    jobs.redis.hset(key, mapping={"next": 9_000_000_000_000, "read": 9_000_000_000_000, "looked": 9_000_000_000_000})
    jobs.call("supervise", 100)
    assert int(jobs.redis.hget(key, "looked")) < 9_000_000_000_000
    jobs.redis.hset(key, "read", 0)
    supervise(jobs)
    assert application.read() == ["ping"]


def test_the_texts_of_the_supervisor_do_not_promise_what_is_not_offered(jobs):
    for policy, words in (({}, "Start the job again"), ({"user_retry": "1"}, "Try again")):
        jobs.policy("x", lease_ms="1", on_stall="fail", **policy)
        one = words.split()[0]
        jobs.create(one, type="x")
        jobs.report(one, status="processing")
        while jobs.get(one)["status"] == "processing":
            supervise(jobs)
        assert jobs.get(one)["error"]["action"].startswith(words)
        assert jobs.get(one)["can"] == (["retry"] if policy else [])
