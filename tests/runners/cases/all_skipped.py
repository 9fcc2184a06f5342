import pytest


@pytest.mark.skip(reason="never runs")
def test_is_skipped():
    assert False
