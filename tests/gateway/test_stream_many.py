"""Streams of several jobs and of an owner."""
import pytest

from harness.problems import assert_problem
from harness.wait import until


@pytest.fixture(scope="module")
def gateway_config():
    # An overlap this short lets a test see that old outcomes are not repeated.
    return {"LIMITS_RESUME_OVERLAP": "1s"}


def snapshot(stream, jobs):
    """The first event of each job, whatever the order."""
    found = {}
    while len(found) < len(jobs):
        event = stream.expect("job")
        assert event.data["id"] not in found, event
        found[event.data["id"]] = event
    assert set(found) == set(jobs)
    return found


def feed(gateway, owner, **options):
    return gateway.stream(f"/api/events?owner={owner}", **options)


def test_one_stream_carries_several_jobs_and_lasts_beyond_them(gateway, new_job):
    a, b = new_job(), new_job()
    gateway.report(a, status="processing")
    gateway.report(b, status="processing")
    with gateway.watch(a, b) as stream:
        snapshot(stream, [a, b])
        gateway.report(a, status="done")
        assert stream.expect("job").data["id"] == a
        gateway.report(b, percent=10)
        event = stream.expect("job")
        assert (event.data["id"], event.version) == (b, 2)


def test_unknown_jobs_of_a_stream_are_named_one_by_one(gateway, new_job):
    known, unknown = new_job(), new_job()
    gateway.report(known, status="processing")
    with gateway.watch(known, unknown) as stream:
        events = [stream.next(), stream.next()]
        assert {e.name: e.data["id"] for e in events} == {"job": known, "missing": unknown}
        gateway.report(unknown, status="processing")
        assert stream.expect("job").data["id"] == unknown


def test_a_job_named_twice_is_sent_once(gateway, job):
    gateway.report(job, status="processing")
    with gateway.watch(job, job) as stream:
        stream.expect("job")
        gateway.report(job, percent=10)
        assert stream.expect("job").version == 2


def test_more_jobs_than_a_stream_may_carry_are_refused(gateway):
    with gateway.watch(*[f"job-{n}" for n in range(200)]) as stream:
        assert stream.status == 200
    response = gateway.get("/api/events?" + "&".join(f"job=job-{n}" for n in range(201)))
    assert_problem(response, 400, "job")


@pytest.mark.parametrize("query, field", [("", "job"), ("?job=", "job"), ("?job=no%20good", "job"), ("?owner=", "owner"),
                                          ("?job=a&owner=b", ("job", "owner"))])
def test_a_stream_of_nothing_in_particular_is_refused(gateway, query, field):
    assert_problem(gateway.get("/api/events" + query, {"Accept": "text/event-stream"}), 400, field)


def test_an_owner_sees_what_is_there_and_what_comes(gateway, new_job, job):
    old, new = new_job(), new_job()
    gateway.report(old, status="processing", owner=job)
    with feed(gateway, job) as stream:
        snapshot(stream, [old])
        gateway.report(new, status="pending", owner=job)
        event = stream.expect("job")
        assert (event.data["id"], event.version) == (new, 1)
        gateway.report(old, status="done")
        assert stream.expect("job").data["status"] == "done"


def test_an_owner_sees_a_job_once_it_is_theirs(gateway, new_job, job):
    one = new_job()
    gateway.report(one, status="processing")
    with feed(gateway, job) as stream:
        gateway.report(one, owner=job)
        event = stream.expect("job")
        assert (event.data["id"], event.version) == (one, 2)


def test_an_owner_sees_nothing_of_others(gateway, new_job, job):
    with feed(gateway, job) as stream:
        gateway.report(new_job(), status="processing", owner=f"{job}-other")
        gateway.report(new_job(), status="processing", owner=job, tenant="acme")
        gateway.report(new_job(), status="processing")
        mine = new_job()
        gateway.report(mine, status="processing", owner=job)
        assert stream.expect("job").data["id"] == mine


def test_watchers_of_an_owner_who_come_at_once_are_all_given_the_list(gateway, new_job, job):
    jobs = [new_job() for _ in range(3)]
    for one in jobs:
        gateway.report(one, status="processing", owner=job)
    # Before the subscription they share is acknowledged, on each reactor.
    streams = [feed(gateway, job, wait_for_head=False) for _ in range(8)]
    for stream in streams:
        stream.read_head()
        snapshot(stream, jobs)
        stream.close()


def test_a_deleted_job_is_missing_on_the_owners_stream(gateway, new_job, job):
    one = new_job()
    gateway.report(one, status="processing", owner=job)
    with feed(gateway, job) as stream:
        snapshot(stream, [one])
        gateway.delete(f"/api/jobs/{one}")
        assert stream.expect("missing").data == {"id": one}


def test_a_long_list_is_cut_and_says_where_it_goes_on(gateway, worker, job):
    jobs = [f"{job}.{n}" for n in range(130)]
    for n, one in enumerate(jobs):
        worker.report(one, status="processing" if n < 20 else "done", owner=job)
    with feed(gateway, job) as stream:
        more = stream.find(lambda e: e.name == "more")
        shown = [e.data for e in stream.seen if e.name == "job"]
        assert len(shown) == 100
        # All that is unfinished, and the newest of the rest.
        assert {record["id"] for record in shown} == set(jobs[:20]) | set(jobs[50:])
        cursor = more.data["cursor"]
    rest = []
    while cursor:
        page = gateway.get(f"/api/jobs?owner={job}&cursor={cursor}").json()
        rest += [record["id"] for record in page["jobs"]]
        cursor = page.get("cursor")
    assert {record["id"] for record in shown} | set(rest) == set(jobs)


def test_a_resumed_stream_gets_all_that_is_unfinished_and_the_recent_outcomes(gateway, worker, new_job):
    running, old, recent = new_job(), new_job(), new_job()
    gateway.report(running, status="processing")
    gateway.report(old, status="done")
    old_at = gateway.record(old)["updated_at"]
    gateway.report(recent, status="done")
    recent_at = gateway.record(recent)["updated_at"]
    # As if the client's last event were two seconds younger than `old`: over the overlap of one second.
    later = f"{old_at + 2000}-1"
    wait_for_time(worker, old_at + 2000)
    with gateway.watch(running, old, recent, headers={"Last-Event-ID": f"{recent_at}-1"}) as stream:
        snapshot(stream, [running, old, recent])
    with gateway.watch(running, old, headers={"Last-Event-ID": later}) as stream:
        assert stream.expect("job").data["id"] == running
        gateway.report(running, percent=10)
        assert stream.expect("job").version == 2


def test_a_last_event_id_in_the_query_counts_for_several_jobs_too(gateway, worker, new_job, job):
    running, old = new_job(), new_job()
    gateway.report(running, status="processing", owner=job)
    gateway.report(old, status="done", owner=job)
    at = gateway.record(old)["updated_at"] + 2000
    wait_for_time(worker, at)
    for target in (f"/api/events?owner={job}", f"/api/events?job={old}&job={running}"):
        with gateway.stream(f"{target}&lastEventId={at}-1") as stream:
            assert stream.expect("job").data["id"] == running


def wait_for_time(worker, at):
    """Ids of later than Redis' time are unknown ones."""
    until(lambda: worker.redis.time()[0] * 1000 > at + 1000, "that time")


@pytest.mark.parametrize("ahead", [5, 3600, 25 * 3600])
def test_an_event_id_of_a_redis_whose_clock_was_ahead_hides_no_outcome(gateway, new_job, job, ahead):
    old = new_job()
    gateway.report(old, status="done", owner=job)
    last = f"{gateway.record(old)['updated_at'] + ahead * 1000}-1"
    with feed(gateway, job, headers={"Last-Event-ID": last}) as stream:
        snapshot(stream, [old])
    with gateway.watch(old, job, headers={"Last-Event-ID": last}) as stream:
        assert {stream.next().name, stream.next().name} == {"job", "missing"}


@pytest.mark.parametrize("last", ["9223372036854775000-1", "99999999999999999999-1", "-1", "x"])
def test_an_event_id_that_is_none_of_ours_gets_everything(gateway, new_job, job, last):
    old = new_job()
    gateway.report(old, status="done", owner=job)
    with feed(gateway, job, headers={"Last-Event-ID": last}) as stream:
        snapshot(stream, [old])


def test_a_resumed_owner_stream_gets_the_same(gateway, worker, new_job, job):
    running, old = new_job(), new_job()
    gateway.report(running, status="processing", owner=job)
    gateway.report(old, status="done", owner=job)
    at = gateway.record(old)["updated_at"]
    with feed(gateway, job, headers={"Last-Event-ID": f"{at}-1"}) as stream:
        snapshot(stream, [running, old])
    wait_for_time(worker, at + 2000)
    with feed(gateway, job, headers={"Last-Event-ID": f"{at + 2000}-1"}) as stream:
        assert stream.expect("job").data["id"] == running
        gateway.report(running, percent=10)
        assert stream.expect("job").version == 2


def test_every_version_of_every_job_is_given_to_who_asks_for_it(gateway, worker, new_job):
    a, b = new_job(), new_job()
    with gateway.stream(f"/api/events?job={a}&job={b}&every=true") as stream:
        assert {stream.expect("missing").data["id"] for _ in range(2)} == {a, b}
        with worker.redis.pipeline(transaction=False) as pipe:
            for n in range(50):
                for one in (a, b):
                    pipe.execute_command("FCALL", "jobcast_report", 1, "jobcast", one, "message", f"Page {n}")
            pipe.execute()
        found = {a: [], b: []}
        while len(found[a]) + len(found[b]) < 100:
            event = stream.expect("job")
            found[event.data["id"]].append(event.version)
        assert found == {a: list(range(1, 51)), b: list(range(1, 51))}


def test_who_asks_for_every_version_and_reads_too_slowly_is_told_of_the_gap(gateway, worker, job):
    worker.report(job, status="processing")
    with gateway.stream(f"/api/events?job={job}&every=true", receive_buffer=4096) as stream:
        stream.expect("job")
        text = "x" * 490
        for _ in range(20):
            with worker.redis.pipeline(transaction=False) as pipe:
                for _ in range(200):
                    pipe.execute_command("FCALL", "jobcast_report", 1, "jobcast", job, "message", text, "step", text[:60])
                pipe.execute()
        gap = stream.find(lambda e: e.name == "gap")
        assert gap.data["id"] == job and gap.data["skipped"] > 0
        stream.job(version=4001)
        versions = [e.version for e in stream.seen if e.name == "job"]
        skipped = sum(e.data["skipped"] for e in stream.seen if e.name == "gap")
        assert versions == sorted(set(versions))
        assert len(versions) + skipped == 4001
