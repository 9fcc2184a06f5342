"""Deliveries: made once from an outcome, claimed by one gateway at a time, settled, buried, replayed."""
import hashlib
import json
import time

import pytest

GRACE, LEASE, KEEP = 0, 60_000, 10


class Notifier:
    """The functions as a gateway's notifier calls them."""

    def __init__(self, jobs):
        self.jobs = jobs

    def poll(self, grace=GRACE, lease=LEASE, keep=KEEP, limit=100, hooks=(), room=None):
        """Answers the claimed deliveries; `wait`, `seen` and `buried` are of the last poll."""
        channels = [part for name, endpoint in hooks for part in (f"hook.{name}", limit, endpoint)]
        self.wait, *batches = self.jobs.call("notify_poll", grace, lease, keep, *([room] if room else []), *channels,
                                            *(part for lane in "0123456789abcdef" for part in (f"webhook.{lane}", limit, "")), "email", limit, "")
        self.seen = sum(batch[1] for batch in batches)
        self.buried = sum(batch[2] for batch in batches)
        return [Claimed(self, batch[0].decode(), row) for batch in batches for row in batch[3]]

    def let_time_pass(self):
        """As much as any delivery still has to wait."""
        for key in self.jobs.redis.keys(self.jobs.key("notify:due:*")):
            self.jobs.redis.zadd(key, {member: 0 for member in self.jobs.redis.zrange(key, 0, -1)})

    def settle(self, claimed, what, *rest):
        return self.jobs.call("notify_settle", claimed.id, claimed.claim, what, *rest).decode()

    def list(self):
        waiting, dead, rows = self.jobs.call("notify_list", 0, 1000)
        return waiting, dead, [(row[0].decode(), row[4].decode()) for row in rows]


class Claimed:
    def __init__(self, notifier, channel, row):
        self.notifier, self.channel = notifier, channel
        self.id, self.claim, self.tries, self.to, self.job = row[0].decode(), row[1], row[2], row[3].decode(), row[4].decode()
        self.attempt, self.status, self.type = row[5].decode(), row[6].decode(), row[7].decode()
        self.record = json.loads(row[10])

    def settle(self, what, *rest):
        return self.notifier.settle(self, what, *rest)


@pytest.fixture
def notifier(jobs):
    return Notifier(jobs)


def finish(jobs, job, status="done", **fields):
    assert jobs.report(job, status=status, **fields)[0] == "ok"


def create(jobs, job, **asked):
    return jobs.create(job, "notify", json.dumps(asked))


HOOK = [("shop", "endpoint-1")]


def test_every_outcome_goes_to_every_webhook_of_the_config(jobs, notifier):
    finish(jobs, "a", type="export")
    made = notifier.poll(hooks=[("shop", "e1"), ("crm", "e2")])
    assert sorted(d.channel for d in made) == ["hook.crm", "hook.shop"]
    assert {(d.job, d.status, d.type, d.attempt, d.tries) for d in made} == {("a", "done", "export", "1", 1)}
    assert made[0].record == jobs.get("a")


def test_a_job_names_its_own_webhook_and_address(jobs, notifier):
    create(jobs, "a", webhook="https://example.com", email="zoe@example.com")
    finish(jobs, "a", "cancelled")
    lane = hashlib.sha1(b"example.com").hexdigest()[0]
    assert sorted((d.channel, d.to) for d in notifier.poll()) == [("email", "zoe@example.com"), (f"webhook.{lane}", "https://example.com")]


def test_a_gateway_that_knows_no_lanes_gets_the_webhooks_of_jobs_too(jobs, notifier):
    create(jobs, "a", webhook="https://example.com")
    finish(jobs, "a")
    _, *batches = jobs.call("notify_poll", GRACE, LEASE, KEEP, 1000, "webhook", 10, "", "email", 10, "")
    assert [(batch[0], len(batch[3])) for batch in batches] == [(b"webhook", 1), (b"email", 0)]


@pytest.mark.parametrize("url", ["https://Example.com/a?b=c", "https://example.com#x", "https://example.com?d"])
def test_whatever_is_at_one_host_shares_a_channel(jobs, notifier, url):
    create(jobs, "a", webhook="https://example.com/hooks")
    create(jobs, "b", webhook=url)
    for job in "ab":
        finish(jobs, job)
    assert len({d.channel for d in notifier.poll()}) == 1


def test_a_job_that_nobody_is_to_be_told_of_makes_no_delivery(jobs, notifier):
    jobs.create("a", "notify", '["odd"]')
    finish(jobs, "a")
    finish(jobs, "b")
    assert notifier.poll() == []
    assert jobs.redis.keys(jobs.key("notify:delivery:*")) == []


def test_a_delivery_waits_for_the_grace_unless_the_error_is_severe(jobs, notifier):
    finish(jobs, "a", "failed", error__title="x")
    finish(jobs, "b", "failed", error__title="x", error__severity="high")
    assert [d.job for d in notifier.poll(grace=60_000, hooks=HOOK)] == ["b"]
    assert 50_000 < notifier.wait <= 60_000


def test_an_outcome_seen_in_time_is_not_told(jobs, notifier):
    finish(jobs, "a")
    assert notifier.poll(grace=60_000, hooks=HOOK) == []
    jobs.redis.hset(jobs.key("job", "a"), "seen_at", 1)
    notifier.let_time_pass()
    assert (notifier.poll(hooks=HOOK), notifier.seen) == ([], 1)
    assert notifier.list()[0] == 0


def test_a_job_reopened_in_time_is_told_only_its_new_outcome(jobs, notifier):
    jobs.policy("default", user_retry="1")
    jobs.create("a")
    finish(jobs, "a", "failed", error__title="x")
    notifier.poll(grace=60_000, hooks=HOOK)
    jobs.command("retry", "a")
    notifier.let_time_pass()
    assert notifier.poll(hooks=HOOK) == []
    finish(jobs, "a")
    assert [(d.attempt, d.status) for d in notifier.poll(hooks=HOOK)] == [("2", "done")]


EXPIRED = "the record had expired before it could be sent"


def expire(jobs, job):
    """As Redis does when `retention` is over."""
    jobs.policy(retention_ms=0)
    jobs.redis.delete(jobs.key("job", job))


def test_a_delivery_whose_record_expired_before_the_first_try_is_a_dead_letter(jobs, notifier):
    create(jobs, "a", email="zoe@example.com")
    finish(jobs, "a")
    assert notifier.poll(grace=60_000, hooks=HOOK) == []
    expire(jobs, "a")
    notifier.let_time_pass()
    assert (notifier.poll(hooks=HOOK), notifier.buried) == ([], 2)
    waiting, dead, rows = notifier.list()
    assert (waiting, dead, {why for _, why in rows}) == (0, 2, {EXPIRED})


def test_so_is_an_outcome_that_is_only_read_after_that(jobs, notifier):
    notifier.poll(hooks=HOOK)
    finish(jobs, "a")
    expire(jobs, "a")
    assert (notifier.poll(hooks=HOOK), notifier.buried) == ([], 1)
    assert notifier.list()[2][0][1] == EXPIRED


def test_a_job_that_was_deleted_in_time_is_told_to_nobody(jobs, notifier):
    finish(jobs, "a")
    notifier.poll(grace=60_000, hooks=HOOK)
    finish(jobs, "b")
    for one in ("a", "b"):
        jobs.call("delete", one)
    notifier.let_time_pass()
    assert (notifier.poll(hooks=HOOK), notifier.buried) == ([], 0)
    assert notifier.list() == (0, 0, [])


def test_more_than_may_wait_on_a_channel_are_dead_letters(jobs, notifier):
    for n in range(5):
        finish(jobs, f"a{n}")
    assert notifier.poll(grace=60_000, hooks=HOOK, room=3) == [] and notifier.buried == 2
    waiting, dead, rows = notifier.list()
    assert (waiting, dead) == (3, 2) and "more than 3" in rows[0][1]
    notifier.let_time_pass()
    assert [d.job for d in notifier.poll(hooks=HOOK)] == ["a0", "a1", "a2"]
    jobs.call("notify_replay", "*")
    assert {d.job for d in notifier.poll(hooks=HOOK)} == {"a3", "a4"}


def test_a_claim_is_held_by_one_until_it_lapses(jobs, notifier):
    finish(jobs, "a")
    (first,) = notifier.poll(hooks=HOOK)
    assert notifier.poll(hooks=HOOK) == []
    notifier.let_time_pass()
    (second,) = notifier.poll(hooks=HOOK)
    assert (second.id, second.tries) == (first.id, 2)
    assert first.settle("retry", 0, "late") == "stale"
    assert first.settle("dead", KEEP, "late") == "stale"
    assert second.settle("sent") == "ok"


def test_that_it_arrived_is_believed_from_a_claim_that_lapsed(jobs, notifier):
    finish(jobs, "a")
    (first,) = notifier.poll(hooks=HOOK)
    notifier.let_time_pass()
    (second,) = notifier.poll(hooks=HOOK)
    assert first.settle("sent") == "ok"
    assert second.settle("retry", 0, "too late") == "stale"
    assert notifier.list()[:2] == (0, 0)


def test_a_delivery_that_failed_comes_again_with_the_same_record(jobs, notifier):
    jobs.policy("default", user_retry="1")
    jobs.create("a")
    finish(jobs, "a", "failed", error__title="x")
    (first,) = notifier.poll(hooks=HOOK)
    jobs.command("retry", "a")
    assert first.settle("retry", 0, "503") == "ok"
    (again,) = notifier.poll(hooks=HOOK)
    assert (again.id, again.tries, again.record) == (first.id, 2, first.record)


def test_what_was_sent_leaves_nothing_behind(jobs, notifier):
    finish(jobs, "a")
    for claimed in notifier.poll(hooks=HOOK):
        assert claimed.settle("sent") == "ok"
        assert claimed.settle("sent") == "stale"
    left = [key.decode().split(":", 1)[1] for key in jobs.redis.keys(jobs.key("notify:*"))]
    assert left == ["notify:channels"]
    notifier.poll()
    assert notifier.poll(hooks=HOOK) == []


def test_an_entry_read_again_makes_no_second_delivery(jobs, notifier):
    finish(jobs, "a")
    for claimed in notifier.poll(hooks=HOOK):
        claimed.settle("sent")
    jobs.redis.xgroup_destroy(jobs.key("finished"), "notify")
    assert notifier.poll(hooks=HOOK) == []


def test_a_job_made_anew_under_its_old_id_is_told_again(jobs, notifier):
    finish(jobs, "a")
    notifier.poll(hooks=HOOK)
    created = jobs.get("a")["created_at"]
    while jobs.get("a")["created_at"] == created:
        jobs.call("delete", "a")
        jobs.create("a")
    finish(jobs, "a")
    assert len(notifier.poll(hooks=HOOK)) == 1


def test_room_is_kept_to(jobs, notifier):
    for n in range(5):
        finish(jobs, f"a{n}")
    first, second, third = (notifier.poll(limit=2, hooks=HOOK) for _ in range(3))
    assert [len(batch) for batch in (first, second, third)] == [2, 2, 1]
    assert len({d.job for d in first + second + third}) == 5


def test_dead_letters_are_listed_newest_first_and_the_oldest_give_way(jobs, notifier):
    for n in range(4):
        finish(jobs, f"a{n}")
        (claimed,) = notifier.poll(hooks=HOOK)
        assert claimed.settle("dead", 3, f"why {n}") == "ok"
    waiting, dead, rows = notifier.list()
    assert (waiting, dead) == (0, 3)
    assert [why for _, why in rows] == ["why 3", "why 2", "why 1"]
    assert len(jobs.redis.keys(jobs.key("notify:delivery:*"))) == 3


def test_a_dead_letter_can_be_replayed(jobs, notifier):
    finish(jobs, "a")
    (claimed,) = notifier.poll(hooks=HOOK)
    claimed.settle("dead", KEEP, "gave up")
    assert notifier.poll(hooks=HOOK) == []
    assert jobs.call("notify_replay", claimed.id, "no such") == 1
    (again,) = notifier.poll(hooks=HOOK)
    assert (again.id, again.tries, again.record) == (claimed.id, 1, claimed.record)
    assert notifier.list()[1] == 0


def test_all_dead_letters_can_be_replayed_or_dropped(jobs, notifier):
    for n in range(3):
        finish(jobs, f"a{n}")
    for claimed in notifier.poll(hooks=HOOK):
        claimed.settle("dead", KEEP, "gave up")
    assert jobs.call("notify_replay", "*") == 3
    for claimed in notifier.poll(hooks=HOOK):
        claimed.settle("dead", KEEP, "gave up")
    assert jobs.call("notify_drop", "*") == 3
    assert notifier.list() == (0, 0, [])
    assert jobs.redis.keys(jobs.key("notify:delivery:*")) == []


def test_a_disabled_endpoint_is_left_alone_until_it_is_replayed_or_another(jobs, notifier):
    finish(jobs, "a")
    (claimed,) = notifier.poll(hooks=HOOK)
    claimed.settle("disable", KEEP, "410", "endpoint-1")
    finish(jobs, "b")
    assert (notifier.poll(hooks=HOOK), notifier.buried) == ([], 1)
    finish(jobs, "c")
    assert [d.job for d in notifier.poll(hooks=[("shop", "endpoint-2")])] == ["c"]
    assert jobs.call("notify_replay", "*") == 2
    assert sorted(d.job for d in notifier.poll(hooks=HOOK)) == ["a", "b"]


def test_the_url_of_a_job_is_disabled_for_all_jobs(jobs, notifier):
    create(jobs, "a", webhook="https://gone.example.com")
    create(jobs, "b", webhook="https://gone.example.com")
    create(jobs, "c", webhook="https://other.example.com")
    finish(jobs, "a")
    (claimed,) = notifier.poll()
    claimed.settle("disable", KEEP, "410")
    finish(jobs, "b")
    finish(jobs, "c")
    assert [d.job for d in notifier.poll()] == ["c"]
    assert notifier.buried == 1


def test_deliveries_of_a_webhook_that_is_gone_become_dead_letters_after_an_hour(jobs, notifier):
    finish(jobs, "a")
    (claimed,) = notifier.poll(hooks=HOOK)
    notifier.poll()
    assert notifier.list()[:2] == (1, 0)
    jobs.redis.zadd(jobs.key("notify:due:hook.shop"), {claimed.id: time.time() * 1000 - 3_601_000})
    notifier.poll()
    assert notifier.list()[:2] == (0, 1)


def test_finished_is_trimmed_to_what_all_groups_acknowledged(jobs, notifier):
    stream = jobs.key("finished")
    jobs.redis.xgroup_create(stream, "archive", "0", mkstream=True)
    for n in range(500):
        finish(jobs, f"a{n}")
    notifier.poll()
    while notifier.wait == 0:
        notifier.poll()
    assert jobs.redis.xlen(stream) == 500
    read = jobs.redis.xreadgroup("archive", "one", {stream: ">"}, count=300)[0][1]
    finish(jobs, "b")
    notifier.poll()
    assert jobs.redis.xlen(stream) == 501, "what is delivered and not acknowledged must stay"
    jobs.redis.xack(stream, "archive", *(entry for entry, _ in read))
    finish(jobs, "c")
    notifier.poll()
    assert 202 <= jobs.redis.xlen(stream) <= 402
    assert len(jobs.redis.xreadgroup("archive", "one", {stream: ">"}, count=1000)[0][1]) == 202


def test_what_ended_long_before_the_first_notifier_is_not_told(jobs, notifier):
    finish(jobs, "a")
    (_, entry), = jobs.redis.xrange(jobs.key("finished"))
    jobs.redis.delete(jobs.key("finished"))
    jobs.redis.xadd(jobs.key("finished"), entry, id=f"{int(time.time() * 1000) - 3_700_000}-0")
    assert notifier.poll(hooks=HOOK) == []


def test_texts_in_errors_are_kept_valid(jobs, notifier):
    finish(jobs, "a")
    (claimed,) = notifier.poll(hooks=HOOK)
    claimed.settle("dead", KEEP, b"broken \xff text")
    assert notifier.list()[2][0][1] == "broken \ufffd text"
