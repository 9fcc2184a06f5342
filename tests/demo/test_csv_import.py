"""The demo's import: all rows or none, and a failure that says which row and what to do."""
import pathlib
import sqlite3
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "web-demo"))

from demo_app.csv_import import Importer  # noqa: E402
from demo_app.job_queue import Job  # noqa: E402
from demo_app.reporter import Cancelled  # noqa: E402
from demo_app.samples import file_of, generate  # noqa: E402
from demo_app.worker import JobFailed  # noqa: E402


class Listener:
    """A reporter that notes what it is told, and asks to stop at a row if it is told to."""

    def __init__(self, stop_at=None):
        self.seen = []
        self.stop_at = stop_at

    def step(self, name, total=None, unit=None, current=0):
        self.progress(current, total, unit)

    def progress(self, current, total=None, unit=None, message=None):
        self.seen.append((current, total))
        if current == self.stop_at:
            raise Cancelled


@pytest.fixture(name="shop")
def fixture_shop(tmp_path):
    for name in ("imports", "staging"):
        (tmp_path / name).mkdir()
    return tmp_path


def import_file(shop, content, listener=None):
    source = content if isinstance(content, pathlib.Path) else shop / "orders.csv"
    if source is not content:
        source.write_bytes(content if isinstance(content, bytes) else content.encode())
    job = Job("job1", "csv_import", "visitor", "orders.csv", str(source))
    return Importer(shop / "imports", shop / "staging", "http://127.0.0.1/sample")(job, listener or Listener())


def failure_of(shop, content):
    with pytest.raises(JobFailed) as failed:
        import_file(shop, content)
    assert_nothing_left(shop)
    return failed.value.error


def assert_nothing_left(shop):
    assert not list((shop / "imports").iterdir())
    assert not list((shop / "staging").iterdir())


def test_rows_are_imported_and_summed_to_the_cent(shop):
    result = import_file(shop, "order_id,customer,amount\n1,Ann,0.10\n2,Bob,0.2\n3,Ann,1000\n")
    assert result == {"rows": 3, "table": "orders", "total_amount": 1000.3}
    db = sqlite3.connect(shop / "imports" / "job1.sqlite")
    assert db.execute("SELECT order_id, cents FROM orders").fetchall() == [("1", 10), ("2", 20), ("3", 100_000)]
    assert db.execute("SELECT orders, cents FROM totals WHERE kind = 'customer' AND name = 'Ann'").fetchone() == (2, 100_010)
    db.close()


def test_the_large_sample_counts_up_to_its_last_row(shop):
    generate(shop)
    listener = Listener()
    assert import_file(shop, shop / file_of("orders-small"), listener)["rows"] == 500
    counted = [current for current, total in listener.seen if total == 500]
    assert counted == sorted(counted) and counted[-1] == 500


def test_the_wrong_sample_names_row_1337(shop):
    generate(shop)
    error = failure_of(shop, shop / file_of("orders-broken"))
    assert error["code"] == "missing_amount"
    assert error["title"] == "Row 1337 has no amount"
    assert error["action"] == "Add an amount in column “amount” of row 1337 and upload the file again. Nothing was imported."


def test_a_cancelled_import_leaves_nothing(shop):
    generate(shop)
    with pytest.raises(Cancelled):
        import_file(shop, shop / file_of("orders-small"), Listener(stop_at=200))
    assert_nothing_left(shop)


def test_rows_are_counted_as_a_spreadsheet_does(shop):
    error = failure_of(shop, 'order_id,customer,amount\n1,"two\nlines",5\n\n3,Ann,\n')
    assert error["title"] == "Row 4 has no amount"


@pytest.mark.parametrize("row, code", [
    ("2,Ann,12.345", "invalid_amount"),
    ("2,Ann,-1", "invalid_amount"),
    ('2,Ann,"1,200"', "invalid_amount"),
    ("2,Ann,1,200", "too_many_values"),
    (",Ann,1", "missing_order_id"),
    ("2", "missing_customer"),
    ("1,Ann,1", "duplicate_order"),
    (f"{'9' * 201},Ann,1", "invalid_order_id"),
])
def test_a_wrong_row_fails_the_whole_file(shop, row, code):
    error = failure_of(shop, f"order_id,customer,amount\n1,Ann,1\n{row}\n")
    assert error["code"] == code
    assert "ow 3" in error["title"] and "row 3" in error["action"]


@pytest.mark.parametrize("content, code", [
    (b"order_id,customer,amount\n1,J\xf6rg,1\n", "not_utf8"),
    (b"PK\x03\x04\x00\x00,\x00\n", "missing_column"),
    (b"order_id,customer\n1,Ann\n", "missing_column"),
    (b"order_id,customer,amount\n", "no_rows"),
    (b"\n", "missing_column"),
    (b'order_id,customer,amount\n1,"' + b"x" * 200_000, "not_csv"),
])
def test_a_file_of_another_kind_is_refused_with_a_reason(shop, content, code):
    assert failure_of(shop, content)["code"] == code


def test_semicolons_and_a_byte_order_mark_are_understood(shop):
    assert import_file(shop, b"\xef\xbb\xbforder_id;customer;amount\n1;Ann;2.50\n")["total_amount"] == 2.5
