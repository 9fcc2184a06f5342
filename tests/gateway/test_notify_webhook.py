"""Webhooks: what is sent, to receivers that fail, hang, redirect, ask for patience or are gone."""
import hashlib
import json
import re
import signal
import time

import pytest

from harness.certificates import make_certificate
from harness.problems import assert_problem
from harness.redis_server import Worker
from harness.wait import until
from harness.webhooks import Receiver

OLD = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NEW = "whsec_" + "bmV3" * 11
# Everything at once, and what fails again soon.
QUICK = {"NOTIFY_GRACE": "0s", "NOTIFY_SCHEDULE": "10ms,10ms,10ms,10ms", "NOTIFY_TIMEOUT": "1s", "NOTIFY_ALLOW_INTERNAL": "127.0.0.1",
         "NOTIFY_SECRETS": OLD}


def webhook(url, *secrets, name="shop"):
    """A table of the configuration."""
    return f"[notify.webhooks.{name}]\nurl = {json.dumps(url)}\nsecrets = {json.dumps(secrets or (OLD,))}\n"


@pytest.fixture
def receiver():
    one = Receiver()
    yield one
    one.close()


@pytest.fixture
def start(start_redis, start_gateway, receiver):
    """Starts a gateway that tells `receiver` every outcome, on a Redis of its own."""
    def start(redis=None, toml=None, **config):
        return start_gateway(redis or start_redis(), toml=webhook(receiver.url) if toml is None else toml, **{**QUICK, **config})
    return start


def dead_letters(gateway):
    """Lines of `jobcast notify list` after the first."""
    return gateway.command("notify", "list").splitlines()[1:]


def test_an_outcome_is_posted_and_signed_with_every_secret(start, receiver, job):
    gateway = start(toml=webhook(receiver.url, OLD, NEW))
    gateway.report(job, status="failed", type="export", error={"title": "Row 17 has no amount"})
    (got,) = receiver.wait()
    assert got.path == "/hook"
    assert got.headers["content-type"] == "application/json"
    assert re.fullmatch(r"msg_[0-9a-f]{32}", got.id)
    assert abs(int(got.headers["webhook-timestamp"]) - time.time()) < 30
    assert got.signed_with(OLD) and got.signed_with(NEW)
    assert not got.signed_with("whsec_" + "b3RoZXI=" * 4)
    assert got.json()["type"] == "job.failed"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", got.json()["timestamp"])
    assert got.record == gateway.record(job)
    until(lambda: gateway.metric('jobcast_notifications_sent_total{channel="webhook"}') == 1, "it to be counted")


def test_a_job_may_name_a_webhook_of_its_own(start, receiver, job):
    gateway = start(toml="")
    gateway.create(id=job, notify={"webhook": receiver.url})
    gateway.post(f"/api/jobs/{job}/cancel")
    (got,) = receiver.wait()
    assert got.signed_with(OLD)
    assert got.record["status"] == "cancelled"


@pytest.mark.parametrize("failure", [500, 404, "hang", "lose", (307, {"Location": "/elsewhere"}), (429, {}), (503, {"Retry-After": "0"})])
def test_what_fails_is_sent_again_as_the_same_message(start, receiver, job, failure):
    receiver.then(failure, failure)
    gateway = start()
    gateway.report(job, status="done")
    requests = receiver.wait(3)
    assert {r.path for r in requests} == {"/hook"}, "a redirect was followed"
    assert len({r.id for r in requests}) == 1
    assert len({r.body for r in requests}) == 1
    assert all(r.signed_with(OLD) for r in requests)
    assert int(requests[-1].headers["webhook-timestamp"]) >= int(requests[0].headers["webhook-timestamp"])
    until(lambda: gateway.metric('jobcast_notifications_sent_total{channel="webhook"}') == 1, "it to be counted")
    assert gateway.metric('jobcast_notifications_failed_total{channel="webhook"}') == 2
    assert len(receiver.requests) == 3


def test_a_receiver_that_answers_without_end_has_answered(start, receiver, job):
    receiver.then("endless")
    gateway = start()
    gateway.report(job, status="done")
    until(lambda: gateway.metric('jobcast_notifications_sent_total{channel="webhook"}') == 1, "it to be counted")
    assert len(receiver.requests) == 1


def test_a_receiver_that_asks_for_patience_is_given_it(start, receiver, job):
    receiver.then((429, {"Retry-After": "2"}))
    gateway = start()
    gateway.report(job, status="done")
    receiver.wait(1)
    began = time.monotonic()
    receiver.wait(2)
    assert time.monotonic() - began > 1.5


def test_when_the_schedule_is_used_up_a_dead_letter_can_be_listed_and_replayed(start, receiver, job):
    receiver.then(*[500] * 3)
    gateway = start(NOTIFY_SCHEDULE="10ms,10ms")
    gateway.report(job, status="done")
    (letter,) = until(lambda: dead_letters(gateway), "a dead letter")
    name, _, tries, _, why = letter.split("\t")
    assert (tries, why) == ("3 tries", "the endpoint answered 500")
    assert job in name and name.startswith("hook.shop/1/done/")
    assert len(receiver.requests) == 3
    assert gateway.metric('jobcast_notifications_dead_total{channel="webhook"}') == 1
    assert gateway.command("notify", "replay", name) == "1 to be sent again\n"
    requests = receiver.wait(4)
    assert requests[3].id == requests[0].id
    until(lambda: gateway.command("notify", "list") == "0 waiting, 0 dead\n", "nothing to be left")


def test_a_dead_letter_can_be_dropped(start, receiver, job):
    receiver.then(500)
    gateway = start(NOTIFY_SCHEDULE="")
    gateway.report(job, status="done")
    until(lambda: dead_letters(gateway), "a dead letter")
    assert gateway.command("notify", "drop", "--all") == "1 dropped\n"
    assert gateway.command("notify", "list") == "0 waiting, 0 dead\n"
    assert gateway.command("notify", "replay", "--all") == "0 to be sent again\n"


def test_an_endpoint_that_is_gone_is_left_alone_until_it_is_replayed(start, receiver, new_job):
    receiver.then(410)
    gateway = start()
    first, second, third = new_job(), new_job(), new_job()
    gateway.report(first, status="done")
    until(lambda: len(dead_letters(gateway)) == 1, "the first to be given up")
    gateway.report(second, status="done")
    until(lambda: len(dead_letters(gateway)) == 2, "the second to be given up")
    assert len(receiver.requests) == 1
    gateway.command("notify", "replay", "--all")
    gateway.report(third, status="done")
    assert {r.record["id"] for r in receiver.wait(4)[1:]} == {first, second, third}


def test_an_outcome_seen_within_the_grace_is_not_sent(start, start_redis, receiver, new_job):
    redis = start_redis()
    gateway = start(redis, NOTIFY_GRACE="1s")
    seen, unseen = new_job(), new_job()
    gateway.report(seen, status="done")
    mark_seen(redis, seen)
    gateway.report(unseen, status="done")
    receiver.wait()
    until(lambda: gateway.metric('jobcast_notifications_seen_total{channel="webhook"}') == 1, "it to be counted")
    assert [r.record["id"] for r in receiver.requests] == [unseen]


def mark_seen(redis, job):
    """As `jobcast_seen` does."""
    redis.client().hset(f"jobcast:job:{job}", "seen_at", int(time.time() * 1000))


def test_a_severe_error_does_not_wait_for_the_grace(start, receiver, new_job):
    gateway = start(NOTIFY_GRACE="1h")
    mild, severe = new_job(), new_job()
    gateway.report(mild, status="failed", error={"title": "x"})
    gateway.report(severe, status="failed", error={"title": "x", "severity": "high"})
    (got,) = receiver.wait()
    assert got.record["id"] == severe
    assert gateway.command("notify", "list") == "1 waiting, 0 dead\n"


def test_a_name_that_resolves_to_an_internal_address_is_not_connected_to(start, receiver, job):
    url = f"http://localhost:{receiver.port}/hook"
    gateway = start(toml=webhook(url), NOTIFY_ALLOW_INTERNAL="")
    gateway.create(id=job, notify={"webhook": url})
    gateway.report(job, status="done")
    letters = until(lambda: len(dead_letters(gateway)) == 2 and dead_letters(gateway), "both to be given up")
    for letter in letters:
        assert re.search(r"\t1 try\t.*(127\.0\.0\.1|::1) is internal, and not listed in notify\.allow_internal", letter), letter
    assert receiver.requests == []


def test_what_cannot_be_used_is_refused_when_the_job_is_created(start, job):
    gateway = start(toml="", NOTIFY_ALLOW_INTERNAL="")
    for notify, field in [([], "notify"), ({"hook": "https://example.com"}, "notify.hook"), ({"webhook": 1}, "notify.webhook"),
                          ({"webhook": "http://127.0.0.1/"}, "notify.webhook"), ({"webhook": "file:///etc/passwd"}, "notify.webhook"),
                          ({"email": "zoe@example.com"}, "notify.email")]:
        assert_problem(gateway.post("/api/jobs", {"id": job, "notify": notify}), 400, field)
    assert gateway.get(f"/api/jobs/{job}/status").status == 404
    gateway.create(id=job, notify={"webhook": "https://example.com/hook"})


def test_without_a_secret_jobs_may_name_no_webhook(start, job):
    gateway = start(toml="", NOTIFY_SECRETS="")
    assert_problem(gateway.post("/api/jobs", {"id": job, "notify": {"webhook": "https://example.com"}}), 400, "notify.webhook")


def test_over_https_the_certificate_must_be_trusted(start, folder, new_job):
    certificate = make_certificate(folder, "receiver")
    receiver = Receiver(certificate=certificate)
    trusting = start(toml=webhook(receiver.url), NOTIFY_CA_FILE=certificate[0])
    wary = start(toml=webhook(receiver.url), NOTIFY_SCHEDULE="")
    one, other = new_job(), new_job()
    trusting.report(one, status="done")
    wary.report(other, status="done")
    assert [r.record["id"] for r in receiver.wait()] == [one]
    (letter,) = until(lambda: dead_letters(wary), "a dead letter")
    assert "certificate" in letter
    assert len(receiver.requests) == 1
    receiver.close()


def test_the_log_holds_neither_secrets_nor_paths(start, receiver, new_job):
    receiver.then(500, 500, 500)
    gateway = start(toml=webhook(receiver.url + "?token=T0K3N"), NOTIFY_SCHEDULE="", SERVER_LOG_LEVEL="debug")
    one, other = new_job(), new_job()
    gateway.report(one, status="done")
    gateway.create(id=other, notify={"webhook": receiver.url + "/T0K3N"})
    gateway.report(other, status="done")
    listed = until(lambda: len(dead_letters(gateway)) == 3 and gateway.command("notify", "list"), "all to be given up")
    for text in (gateway.log(), listed, gateway.command("check")):
        assert OLD not in text and OLD.removeprefix("whsec_") not in text
    assert "T0K3N" not in gateway.log() + listed


def test_a_reload_takes_over_webhooks(start, start_redis, receiver, new_job):
    redis = start_redis()
    gateway = start(redis, toml="")
    first, second = new_job(), new_job()
    gateway.report(first, status="done")
    until(lambda: all_outcomes_taken(redis), "the first outcome to be taken")
    gateway.configure(webhook(receiver.url))
    gateway.process.send_signal(signal.SIGHUP)
    until(lambda: "read again" in gateway.log(), "the configuration to be read again")
    until(lambda: gateway.report(second, status="done") and receiver.requests, "a webhook")
    assert [r.record["id"] for r in receiver.requests] == [second]


def all_outcomes_taken(redis):
    (group,) = redis.client().xinfo_groups("jobcast:finished") or [None]
    (last, _), = redis.client().xrevrange("jobcast:finished", count=1)
    return group and group["last-delivered-id"] == last


def test_a_hundred_outcomes_are_each_told_once(start, receiver, start_redis):
    redis = start_redis()
    gateway = start(redis, NOTIFY_CONCURRENCY="4")
    worker = Worker(redis)
    for n in range(100):
        worker.report(f"many-{n}", status="done")
    receiver.wait(100)
    until(lambda: gateway.metric('jobcast_notifications_sent_total{channel="webhook"}') == 100, "all to be counted")
    assert sorted(r.record["id"] for r in receiver.requests) == sorted(f"many-{n}" for n in range(100))
    assert len({r.id for r in receiver.requests}) == 100


def lane(receiver):
    return hashlib.sha1(f"127.0.0.1:{receiver.port}".encode()).hexdigest()[0]


def test_a_receiver_that_hangs_does_not_hold_up_another_that_jobs_name(start, receiver, new_job):
    other = Receiver()
    while lane(other) == lane(receiver):
        other.close()
        other = Receiver()
    gateway = start(toml="", NOTIFY_CONCURRENCY="2", NOTIFY_TIMEOUT="60s")
    receiver.then(*["hang"] * 6)
    for n in range(6):
        job = new_job()
        gateway.create(id=job, notify={"webhook": receiver.url})
        gateway.report(job, status="done")
    receiver.wait(2)
    told = new_job()
    gateway.create(id=told, notify={"webhook": other.url})
    gateway.report(told, status="done")
    assert [r.record["id"] for r in other.wait()] == [told]
    assert len(receiver.requests) == 2, "as many as there is room for"
    receiver.let_go()
    other.close()


def lines_with(gateway, text):
    return [line for line in gateway.log().splitlines() if text in line]


def test_a_dead_letter_is_said_in_the_log_even_among_complaints_of_tries(start, receiver, job):
    receiver.then(*[500] * 3)
    gateway = start(NOTIFY_SCHEDULE="10ms,10ms")
    gateway.report(job, status="done")
    (line,) = until(lambda: lines_with(gateway, "is a dead letter"), "the line")
    assert "warning" in line.lower() and f"/{job} is a dead letter: the endpoint answered 500" in line
    assert lines_with(gateway, "try 1 of the notification"), "the complaint that came before it"


def test_many_dead_letters_have_one_line_and_the_rest_a_count(start, receiver, new_job):
    receiver.then(*[410] * 30)
    gateway = start()
    for _ in range(30):
        gateway.report(new_job(), status="done")
    until(lambda: gateway.metric('jobcast_notifications_dead_total{channel="webhook"}') == 30, "thirty dead letters")
    assert gateway.stop() == 0
    assert len(lines_with(gateway, "is a dead letter")) == 1
    (rest,) = lines_with(gateway, "dead letters without a line of their own")
    assert "of their own: 29;" in rest


def test_what_is_given_up_on_before_a_try_is_told_too(start, receiver, new_job):
    gateway = start(NOTIFY_GRACE="1h", NOTIFY_WAITING="1")
    for _ in range(3):
        gateway.report(new_job(), status="done")
    (line,) = until(lambda: lines_with(gateway, "dead letters without a line of their own"), "the line")
    assert "jobcast notify list" in line


def test_an_outcome_that_redis_refuses_to_record_is_given_up_and_counted(start, start_redis, receiver, new_job):
    redis = start_redis()
    gateway = start(redis, NOTIFY_TIMEOUT="20s")
    client = redis.client()
    code = client.execute_command("FUNCTION", "LIST", "WITHCODE")[0][7].decode()
    registered = "writes('jobcast_notify_settle', notify.settle)"
    assert registered in code
    broken = code.replace(registered, "writes('jobcast_notify_settle', function() error('out of order') end)")
    client.execute_command("FUNCTION", "LOAD", "REPLACE", broken)
    given_up = 'jobcast_notifications_unrecorded_total{channel="webhook"}'

    def refused():
        return client.info("commandstats")["cmdstat_fcall"]["failed_calls"]
    for count in (1, 2):
        before = refused()
        gateway.report(new_job(), status="done")
        until(lambda: gateway.metric(given_up) == count, "the gateway to give up")
        assert refused() - before == 5
    assert len([line for line in gateway.log().splitlines() if "refused to record" in line]) == 1
    assert "out of order" in gateway.log()


def test_a_kept_connection_is_not_used_once_its_address_is_not_allowed_any_more(start_redis, start_gateway, receiver, new_job):
    hook = webhook(receiver.url.replace("127.0.0.1", "localhost"))
    allowing = '[notify]\nallow_internal = ["127.0.0.1", "::1"]\n' + hook
    quick = {name: value for name, value in QUICK.items() if name != "NOTIFY_ALLOW_INTERNAL"}
    gateway = start_gateway(start_redis(), toml=allowing, **quick)
    receiver.then(*[(204, {"Connection": "keep-alive"})] * 3)
    for count in (1, 2):
        gateway.report(new_job(), status="done")
        receiver.wait(count)
    until(lambda: gateway.metric('jobcast_notifications_sent_total{channel="webhook"}') == 2, "both to be recorded")
    gateway.configure(hook)
    gateway.process.send_signal(signal.SIGHUP)
    until(lambda: "were read again" in gateway.log(), "the configuration to be read again")
    gateway.report(new_job(), status="done")
    (letter,) = until(lambda: dead_letters(gateway), "the dead letter")
    assert "is internal, and not listed in notify.allow_internal" in letter
    assert len(receiver.requests) == 2
