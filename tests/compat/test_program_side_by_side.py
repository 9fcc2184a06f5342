"""Gateways of 0.1.0 and of today beside each other on one Redis, as during an upgrade that takes one after the other."""
import pytest

from harness.http_client import encode_request
from harness.redis_server import Worker
from harness.tokens import PUBLISHER, auth_toml, bearer, token
from harness.wait import until
from harness.webhooks import Receiver

import libraries
from jobs import DeployedWorker

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def library_in(redis):
    """Its version, as numbers."""
    return tuple(int(part) for part in Worker(redis).call("jobcast_version").decode().split("."))


@pytest.fixture
def redis(start_redis):
    return start_redis()


@pytest.fixture(params=["old first", "new first"])
def pair(request, redis, start_gateway, start_old_gateway):
    """(of 0.1.0, of today), both ready."""
    if request.param == "old first":
        old = start_old_gateway(redis)
        return old, start_gateway(redis)
    new = start_gateway(redis)
    return start_old_gateway(redis), new


@pytest.fixture(params=["told to the old, watched on the new", "told to the new, watched on the old"])
def told_and_watched(request, pair):
    return pair if request.param.startswith("told to the old") else pair[::-1]


def test_the_newest_library_is_in_place_whoever_starts_first(pair, redis):
    assert library_in(redis) == max(libraries.version_of(libraries.old()), libraries.version_of(libraries.today()))


def test_a_stream_of_one_shows_what_the_other_was_told(told_and_watched, job):
    told, watched = told_and_watched
    with watched.watch(job) as stream:
        stream.expect("missing")
        assert told.create(id=job)["version"] == 1
        stream.job(status="pending")
        for percent in (10, 20, 30):
            told.report(job, status="processing", progress={"percent": percent})
            stream.job(progress={"percent": percent})
        told.report(job, status="done", result={"pages": 7})
        assert stream.job(status="done").data["result"] == {"pages": 7}
        stream.expect("end")


def test_a_websocket_of_one_shows_what_the_other_was_told(told_and_watched, job):
    told, watched = told_and_watched
    with watched.websocket() as socket:
        socket.watch(job)
        told.report(job, status="processing", progress={"percent": 10})
        socket.job(job, version=1)
        socket.say("cancel", job=job)
        socket.job(job, cancel_requested=True)
        assert told.report(job, progress={"percent": 20})["cancel_requested"] is True
        told.report(job, status="cancelled")
        socket.job(job, status="cancelled")


def test_a_poll_of_one_is_answered_by_what_the_other_was_told(told_and_watched, job):
    told, watched = told_and_watched
    told.report(job, status="processing")
    tag = watched.get(f"/api/jobs/{job}/status").header("ETag")
    with watched.connect() as connection:
        connection.send(encode_request("GET", f"/api/jobs/{job}/status", None, {"If-None-Match": tag, "Prefer": "wait=30"}, watched.address))
        until(lambda: watched.metric("jobcast_long_polls") > 0, "the poll to be held")
        told.report(job, status="done")
        assert connection.response().json()["status"] == "done"


def test_an_owner_sees_the_jobs_made_through_the_other(told_and_watched, job):
    told, watched = told_and_watched
    with watched.stream(f"/api/events?owner={job}") as stream:
        told.create(id=job, owner=job)
        stream.job(job, status="pending")
        told.report(job, status="failed", error={"title": "No"})
        stream.job(job, status="failed")
    (listed,) = watched.get(f"/api/jobs?owner={job}").json()["jobs"]
    assert listed == told.record(job)
    assert watched.get(f"/api/inbox?owner={job}").json()["unseen"] == 1
    assert told.post(f"/api/jobs/{job}/seen").status == 202
    assert watched.get(f"/api/inbox?owner={job}").json()["unseen"] == 0


def test_one_key_makes_one_job_whichever_is_asked(told_and_watched, job):
    made = [one.post("/api/jobs", {"type": "export"}, {"Idempotency-Key": job}) for one in told_and_watched]
    assert [answer.status for answer in made] == [202, 202]
    assert made[0].json() == made[1].json()


def test_a_published_report_counts_once(pair, redis, job):
    worker = Worker(redis)
    until(lambda: worker.publish(f"{job}-probe", "{}") == 1, "one of the two to listen")
    with pair[0].watch(job) as one, pair[1].watch(job) as other:
        for payload in ('{"status":"processing","percent":1}', '{"percent":2}', '{"status":"done"}'):
            worker.publish(job, payload)
        assert one.job(status="done").version == other.job(status="done").version == 3


def test_a_batch_made_through_both_counts_all(pair, job):
    old, new = pair
    made = [one.create(id=f"{job}-{n}", owner=job, group="g", group_size=4) for n, one in enumerate((old, new, old, new))]
    batch = made[0]["group_id"]
    for n, one in enumerate((new, old, new, old)):
        one.report(f"{job}-{n}", status="done")
    assert old.record(batch) == new.record(batch)
    assert (old.record(batch)["status"], old.record(batch)["counts"]["done"]) == ("done", 4)


def test_deployed_workers_are_seen_on_both(pair, redis, job):
    old, new = pair
    client = redis.client()
    client.execute_command(*(libraries.PUBLISHED / "workers.acl").read_text(encoding="utf-8").split())
    worker = DeployedWorker(redis.socket_path, client)
    with old.watch(job) as one, new.watch(job) as other:
        for fields in ({"status": "processing", "percent": 5}, {"percent": 6}, {"status": "done"}):
            assert worker.report(job, **fields)[0] == "ok"
        one.job(status="done")
        other.job(status="done")


def test_either_notices_silence_when_the_other_is_gone(told_and_watched, redis, job):
    gone, left = told_and_watched
    gone.report(job, status="processing", lease=1)
    assert gone.stop() == 0
    with left.watch(job) as stream:
        stream.job(stalled=True)


def test_the_old_one_sends_notifications_with_the_library_of_the_new(pair, job):
    old, new = pair
    receiver = Receiver()
    try:
        assert new.stop() == 0
        old.configure(f'[notify.webhooks.shop]\nurl = "{receiver.url}"\nsecrets = ["{SECRET}"]\n')
        old.config.update(NOTIFY_GRACE="0s", NOTIFY_ALLOW_INTERNAL="127.0.0.1")
        old.stop()
        old.start()
        old.report(job, status="failed", error={"title": "No"})
        (got,) = receiver.wait()
        assert got.record == old.record(job) and got.signed_with(SECRET)
    finally:
        receiver.close()


def test_credentials_of_one_open_the_doors_of_the_other(redis, start_gateway, start_old_gateway, job):
    config = {"toml": auth_toml()}
    pair = start_old_gateway(redis, **config), start_gateway(redis, **config)
    pair[0].create(PUBLISHER, id=job, owner="u")
    for made_by, asked in (pair, pair[::-1]):
        link = made_by.post("/api/watch-links", {"jobs": [job]}, bearer(token("u"))).json()["url"]
        with asked.stream(link[link.index("/api/"):]) as stream:
            stream.job(job)
        own = made_by.command("token", "--sub", "u").split()[0]
        assert asked.get(f"/api/jobs/{job}/status", bearer(own)).status == 200


def test_a_library_that_is_newer_still_stays_and_both_go_on(pair, redis, job):
    later = libraries.next_minor(libraries.today())
    redis.client().execute_command("FUNCTION", "LOAD", "REPLACE", later)
    for one in pair:
        one.stop()
        one.start()
        one.report(job, status="processing")
    assert library_in(redis) == libraries.version_of(later)
    assert pair[0].record(job)["version"] == 2


def test_a_restart_of_redis_finds_both_again(pair, redis, job):
    old, new = pair
    with old.watch(job) as one, new.watch(job) as other:
        old.report(job, status="processing", progress={"percent": 1})
        one.job(version=1)
        other.job(version=1)
        redis.kill()
        redis.start()
        for gateway in pair:
            until(gateway.is_ready, "the gateway to find Redis again")
        until(lambda: new.post(f"/api/jobs/{job}/report", {"status": "done"}).status == 200, "a report to be taken")
        one.job(status="done")
        other.job(status="done")
    assert library_in(redis) == max(libraries.version_of(libraries.old()), libraries.version_of(libraries.today()))
