"""The shape every refusal has (RFC 9457)."""


def assert_problem(response, status, field=None):
    """A problem document with this status; `field`: the name at fault, or several of which one is fine."""
    allowed = (status,) if isinstance(status, int) else status
    assert response.status in allowed, response
    assert response.header("Content-Type") == "application/problem+json", response
    return assert_document(response.json(), response.status, field)


def assert_document(problem, status, field=None):
    """The same for a problem that is part of a longer answer."""
    assert problem["status"] == status, problem
    assert problem["type"] and problem["title"], problem
    # Says what to change: a sentence, not a code.
    assert len(problem["detail"].split()) >= 3, problem
    if field is not None:
        fields = (field,) if isinstance(field, str) else field
        assert problem.get("field") in fields, problem
    return problem
