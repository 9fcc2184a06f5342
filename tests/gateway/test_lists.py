"""Lists of jobs: by ids, and of an owner with filters and pages."""
import time

from harness.problems import assert_problem
from harness.wait import until


def ids_of(response):
    assert response.status == 200, response
    return [record["id"] for record in response.json()["jobs"]]


def let_a_millisecond_pass(gateway, job):
    """Until the clock of records shows another time than on this one."""
    updated_at = gateway.record(job)["updated_at"]
    until(lambda: time.time() * 1000 >= updated_at + 1, "a millisecond to pass", every=0.001)


def pages(gateway, target):
    """Follows the cursor to the end; answers the ids of each page."""
    found, cursor = [], ""
    while True:
        response = gateway.get(target + (f"&cursor={cursor}" if cursor else ""))
        found.append(ids_of(response))
        cursor = response.json().get("cursor")
        if not cursor:
            assert "cursor" not in response.json(), "an end is an absent cursor, not an empty one"
            return found
        assert len(found) < 50, "the cursor does not end"


def test_jobs_are_listed_by_id_in_the_order_asked_for(gateway, new_job):
    a, b = new_job(), new_job()
    gateway.report(a, status="processing")
    gateway.report(b, status="done")
    assert ids_of(gateway.get(f"/api/jobs?ids={b},{a}")) == [b, a]


def test_unknown_ids_are_left_out(gateway, new_job):
    known = new_job()
    gateway.report(known, status="processing")
    assert ids_of(gateway.get(f"/api/jobs?ids={new_job()},{known},{known}")) == [known]


def test_a_list_has_an_etag_that_changes_with_any_of_its_jobs(gateway, new_job):
    a, b = new_job(), new_job()
    gateway.report(a, status="processing")
    gateway.report(b, status="processing")
    first = gateway.get(f"/api/jobs?ids={a},{b}")
    tag = first.header("ETag")
    assert tag and first.header("Cache-Control") == "private, no-cache"
    assert gateway.get(f"/api/jobs?ids={a},{b}", {"If-None-Match": tag}).status == 304
    gateway.report(b, percent=10)
    changed = gateway.get(f"/api/jobs?ids={a},{b}", {"If-None-Match": tag})
    assert changed.status == 200 and changed.header("ETag") != tag


def test_more_than_a_hundred_ids_are_refused(gateway):
    many = ",".join(f"job-{n}" for n in range(101))
    assert_problem(gateway.get(f"/api/jobs?ids={many}"), 400, "ids")


def test_a_list_of_nothing_in_particular_is_refused(gateway):
    assert_problem(gateway.get("/api/jobs"), 400, ("ids", "owner"))
    assert_problem(gateway.get("/api/jobs?owner="), 400, "owner")


def test_an_owner_sees_the_newest_status_change_first(gateway, new_job, job):
    owner, jobs = job, [new_job() for _ in range(3)]
    for one in jobs:
        gateway.report(one, status="pending", owner=owner)
        let_a_millisecond_pass(gateway, one)
    gateway.report(jobs[0], status="processing")
    assert ids_of(gateway.get(f"/api/jobs?owner={owner}")) == [jobs[0], jobs[2], jobs[1]]


def test_an_owner_does_not_see_the_jobs_of_others(gateway, new_job, job):
    gateway.report(new_job(), status="pending", owner=f"{job}-other")
    gateway.report(new_job(), status="pending", owner=job, tenant="acme")
    assert ids_of(gateway.get(f"/api/jobs?owner={job}")) == []


def test_an_owner_with_unusual_characters_is_found(gateway, new_job):
    one = new_job()
    gateway.report(one, status="pending", owner="auth0|Zoë/ü %2F&x")
    assert ids_of(gateway.get("/api/jobs?owner=auth0%7CZo%C3%AB%2F%C3%BC%20%252F%26x")) == [one]


def test_a_list_is_filtered_by_status_type_and_group(gateway, new_job, job):
    owner = job
    a, b, c = new_job(), new_job(), new_job()
    gateway.report(a, status="processing", owner=owner, type="video.transcode", group="batch-1")
    gateway.report(b, status="done", owner=owner, type="video.transcode", group="batch-2")
    gateway.report(c, status="failed", owner=owner, type="mail", group="batch-1")
    base = f"/api/jobs?owner={owner}"
    assert ids_of(gateway.get(base + "&status=processing")) == [a]
    assert sorted(ids_of(gateway.get(base + "&status=done,failed"))) == sorted([b, c])
    assert sorted(ids_of(gateway.get(base + "&type=video.transcode"))) == sorted([a, b])
    assert sorted(ids_of(gateway.get(base + "&group=batch-1"))) == sorted([a, c])
    assert ids_of(gateway.get(base + "&group=batch-1&type=mail&status=failed")) == [c]
    assert ids_of(gateway.get(base + "&status=cancelled")) == []


def test_an_unknown_status_in_a_filter_is_refused(gateway, job):
    assert_problem(gateway.get(f"/api/jobs?owner={job}&status=finished"), 400, "status")


def test_pages_cover_all_jobs_once(gateway, worker, job):
    jobs = [f"{job}.{n}" for n in range(250)]
    for one in jobs:
        worker.report(one, status="pending", owner=job)
    found = pages(gateway, f"/api/jobs?owner={job}")
    assert len(found[0]) == 100
    assert sorted(sum(found, [])) == sorted(jobs)


def test_pages_cover_all_jobs_once_though_a_filter_hides_most(gateway, worker, job):
    jobs = [f"{job}.{n}" for n in range(250)]
    for n, one in enumerate(jobs):
        worker.report(one, status="pending", owner=job, type="rare" if n % 50 == 0 else "common")
    found = sum(pages(gateway, f"/api/jobs?owner={job}&type=rare"), [])
    assert sorted(found) == sorted(jobs[::50])


def test_a_cursor_that_is_none_of_ours_is_refused(gateway, job):
    gateway.report(job, status="pending", owner=job)
    assert_problem(gateway.get(f"/api/jobs?owner={job}&cursor=%27nonsense"), 400, "cursor")
