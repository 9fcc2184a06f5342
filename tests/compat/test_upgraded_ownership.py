"""Batches and keyed jobs that the library of 0.1.0 made, once today's is in its place."""
import pytest

import libraries


@pytest.fixture
def upgrade(jobs):
    jobs.load(libraries.old())
    return lambda: jobs.load(libraries.today())


def test_a_batch_of_0_1_0_goes_on_with_every_publisher_and_becomes_nobodys(jobs, upgrade):
    jobs.create("one", owner="u", group="g", group_size=4, for_tenant="")
    upgrade()
    for n, publisher in enumerate(("key:a", "key:b", "key:a")):
        assert jobs.create(f"more-{n}", owner="u", group="g", group_size=4, publisher=publisher) == "created"
    batch = jobs.record("one")["group_id"]
    assert jobs.record(batch)["progress"]["total"] == 4
    for one in ("one", "more-0", "more-1", "more-2"):
        jobs.report(one, status="done")
    assert jobs.record(batch)["status"] == "done"


def test_one_that_is_over_is_not_made_larger_by_a_publisher(jobs, upgrade):
    jobs.create("one", owner="u", group="g", group_size=1)
    jobs.report("one", status="done")
    upgrade()
    assert jobs.create("two", owner="u", group="g", group_size=10000000, publisher="key:a") == "created"
    assert jobs.record(jobs.record("one")["group_id"])["progress"]["total"] == 2


def test_a_keyed_job_of_0_1_0_is_the_replay_of_todays_request(jobs, upgrade):
    jobs.create("kold", request="r", keyed=1, for_tenant="")
    upgrade()
    asked = dict(keyed=1, former="kold", publisher="issuer:a", for_tenant="")
    assert jobs.create("knew", request="r", **asked) == "replayed"
    assert jobs.create("knew", request="another", **asked) == "conflict:request"
    assert jobs.record("knew") is None


def test_commands_as_gateways_of_0_1_0_send_them_go_on(jobs, upgrade):
    jobs.policy("default", user_retry="1")
    jobs.create("one", owner="u")
    upgrade()
    for function, arguments in (("cancel", ["viewer"]), ("seen", ["viewer", 1]), ("retry", ["viewer"]), ("delete", [])):
        assert jobs.call(function, "one", *arguments)[0] == b"ok"
