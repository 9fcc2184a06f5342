"""for_types and for_tenant: what a publisher may handle is judged where the job is known."""
import pytest

FORBIDDEN = ("forbidden", 0, "")


def report(jobs, one, **fields):
    return jobs.report(one, status="processing", **fields)


@pytest.mark.parametrize("made,asked,allowed", [
    (None, dict(for_types="x,y", type="y"), True),
    (None, dict(for_types="x,y", type="z"), False),
    (None, dict(for_types="x"), False),
    (None, dict(for_types="default"), True),
    (dict(type="x"), dict(for_types="x"), True),
    (dict(type="x"), dict(for_types="y"), False),
    (dict(type="xx"), dict(for_types="x"), False),
    (dict(), dict(for_types="default", type="y"), False),
    (dict(), dict(for_types="y", type="y"), False),
    (None, dict(for_tenant="t", tenant="t"), True),
    (None, dict(for_tenant="t", tenant="u"), False),
    (None, dict(for_tenant="t"), False),
    (None, dict(for_tenant=""), True),
    (dict(tenant="t"), dict(for_tenant="t"), True),
    (dict(tenant="t"), dict(for_tenant="u"), False),
    (dict(tenant="t"), dict(for_tenant=""), False),
    (dict(), dict(for_tenant="t", tenant="t"), False),
])
def test_a_job_of_another_type_or_tenant_is_not_touched(jobs, made, asked, allowed):
    if made is not None:
        report(jobs, "a", **made)
    before = jobs.get("a")
    answer = report(jobs, "a", **asked)
    if allowed:
        assert answer[0] == "ok"
    else:
        assert answer == FORBIDDEN and jobs.get("a") == before and bool(jobs.redis.keys(jobs.key("*"))) == bool(made is not None)


def test_creation_and_deletion_are_judged_alike(jobs):
    assert jobs.call("create", "a", "type", "x", "for_types", "y") == [b"forbidden", 0, b"", b""]
    assert jobs.get("a") is None
    jobs.create("a", type="x", tenant="t")
    assert jobs.call("create", "a", "type", "x", "for_tenant", "u") == [b"forbidden", 0, b"", b""]
    assert jobs.call("delete", "a", "for_types", "y") == [b"forbidden", 0, b""]
    assert jobs.call("delete", "a", "for_types", "x", "for_tenant", "u") == [b"forbidden", 0, b""]
    assert jobs.call("delete", "a", "for_types", "x", "for_tenant", "t") == [b"ok"]
