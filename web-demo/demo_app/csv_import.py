"""Imports a CSV file of orders into SQLite: all rows or none.

Each import is a database of its own: the orders, totals per customer, product and day, and an index to search them by parts of
words. Rows are checked and written one by one, and committed to disk every so often. The database appears under its name
only when the file was right to its last row; else it goes.
"""
import contextlib
import csv
import datetime
import decimal
import os
import re
import sqlite3

from .worker import JobFailed

COLUMNS = ("order_id", "ordered_on", "customer", "country", "product", "quantity", "amount")
_REQUIRED = ("order_id", "customer", "amount")
_LONGEST_TEXT = 200  # characters of one value
_ROWS_PER_COMMIT = 50
_SCHEMA = """
CREATE TABLE orders (
  order_id TEXT NOT NULL UNIQUE, ordered_on TEXT, customer TEXT, country TEXT, product TEXT, quantity INTEGER, cents INTEGER);
CREATE INDEX by_customer ON orders (customer);
CREATE INDEX by_day ON orders (ordered_on);
CREATE TABLE totals (kind TEXT, name TEXT, orders INTEGER, cents INTEGER, PRIMARY KEY (kind, name)) WITHOUT ROWID;
CREATE VIRTUAL TABLE search USING fts5 (order_id, customer, product, content='', tokenize='trigram');
"""


class Importer:
    def __init__(self, imports, staging, sample_link):
        self._imports = imports
        self._staging = staging
        self._sample_link = sample_link

    def __call__(self, job, reporter):
        staged = self._staging / f"{job.id}-{job.attempt}.sqlite"
        try:
            with open(job.source, newline="", encoding="utf-8-sig") as file:
                rows, cents = self._stage(file, staged, reporter)
            reporter.step("Publishing the orders", rows, "rows", current=rows)
            os.replace(staged, self._imports / f"{job.id}.sqlite")
        except UnicodeDecodeError:
            raise JobFailed(
                code="not_utf8", title="The file is not UTF-8 text", detail="It may be a spreadsheet, or a CSV file in an older encoding.",
                action="Save it as “CSV UTF-8” and upload it again. Nothing was imported.") from None
        except csv.Error as error:
            raise JobFailed(
                code="not_csv", title="The file cannot be read as CSV", detail=f"The reader says: {error}.",
                action="Save it as CSV and upload it again. Nothing was imported.") from None
        finally:
            for leftover in (staged, staged.with_name(staged.name + "-journal")):
                leftover.unlink(missing_ok=True)
        return {"rows": rows, "table": "orders", "total_amount": cents / 100}

    def _stage(self, file, staged, reporter):
        reporter.step("Checking the file")
        dialect = _dialect(file)
        total = sum(1 for values in csv.reader(file, dialect) if values) - 1
        file.seek(0)
        reader = csv.reader(file, dialect)
        columns = [name.strip() for name in next(reader, [])]
        self._check_columns(columns, total)

        reporter.step("Importing", total, "rows")
        done = 0
        with contextlib.closing(sqlite3.connect(staged, isolation_level=None)) as db:
            db.executescript(_SCHEMA)
            db.execute("BEGIN")
            for number, values in enumerate(reader, 2):
                if not values:
                    continue
                order = _order(columns, values, number)
                try:
                    _insert(db, order)
                except sqlite3.IntegrityError:
                    raise _wrong(number, "order_id", "duplicate_order", f"repeats order {order[0]}",
                                 "A row above it has the same order number.", "Correct the number") from None
                done += 1
                if done % _ROWS_PER_COMMIT == 0:
                    db.execute("COMMIT")
                    reporter.progress(done, total, "rows", f"Order {order[0]}")
                    db.execute("BEGIN")
            db.execute("COMMIT")
            return done, db.execute("SELECT sum(cents) FROM orders").fetchone()[0]

    def _check_columns(self, found, total):
        action = f"The first row must name these columns: {', '.join(_REQUIRED)}. Correct it and upload the file again, or start from the sample linked below."
        missing = [name for name in _REQUIRED if name not in found]
        if missing:
            raise JobFailed(
                code="missing_column", title=f"The file has no column “{missing[0]}”", action=action, link=self._sample_link,
                detail=f"Its first row reads: {', '.join(found)[:200]}." if any(found) else "Its first row is empty.")
        if total < 1:
            raise JobFailed(code="no_rows", title="The file has no orders", detail="It has column names, and no row below them.",
                            action="Add rows and upload it again.", link=self._sample_link)


def _insert(db, order):
    order_id, ordered_on, customer, _, product, _, cents = order
    row = db.execute("INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?, ?)", order).lastrowid
    db.execute("INSERT INTO search (rowid, order_id, customer, product) VALUES (?, ?, ?, ?)", (row, order_id, customer, product))
    for kind, name in (("customer", customer), ("product", product), ("day", ordered_on)):
        db.execute("INSERT INTO totals VALUES (?, ?, 1, ?) ON CONFLICT DO UPDATE SET orders = orders + 1, cents = cents + excluded.cents",
                   (kind, name, cents))


def _dialect(file):
    """Some spreadsheets separate by semicolon."""
    head = file.readline()
    file.seek(0)
    return "excel" if head.count(",") >= head.count(";") else _Semicolons


class _Semicolons(csv.excel):
    delimiter = ";"


def _order(columns, values, number):
    """The values of a row as stored, money in cents. Number as a spreadsheet counts: 1 is the row of column names."""
    if len(values) > len(columns):
        raise JobFailed(
            code="too_many_values", title=f"Row {number} has more values than there are columns",
            detail=f"It has {len(values)} values for {len(columns)} columns. A comma inside a value splits it in two.",
            action=f"Put values that contain a comma in quotes in row {number} and upload the file again. Nothing was imported.")
    row = dict(zip(columns, values))
    order = {column: row.get(column, "").strip() for column in COLUMNS}
    for column in _REQUIRED:
        if not order[column]:
            name = column.replace("_", " ")
            raise _wrong(number, column, f"missing_{column}", f"has no {name}", f"The column “{column}” is empty there.", f"Add {_article(name)} {name}")
    for column, value in order.items():
        if len(value) > _LONGEST_TEXT:
            raise _unreadable(number, column, value, f"a text of at most {_LONGEST_TEXT} characters")
    if order["ordered_on"] and not _is_date(order["ordered_on"]):
        raise _unreadable(number, "ordered_on", order["ordered_on"], "a date such as 2026-03-31")
    if not re.fullmatch(r"([A-Z]{2})?", order["country"]):
        raise _unreadable(number, "country", order["country"], "a two-letter code such as DE")
    if not re.fullmatch(r"([1-9][0-9]{0,5})?", order["quantity"]):
        raise _unreadable(number, "quantity", order["quantity"], "a whole number from 1 to 999999")
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,2})?", order["amount"]):
        raise _unreadable(number, "amount", order["amount"], "a number such as 129.90")
    *texts, quantity, amount = order.values()
    return *texts, int(quantity) if quantity else None, int(decimal.Decimal(amount) * 100)


def _is_date(text):
    try:
        datetime.date.fromisoformat(text)
        return True
    except ValueError:
        return False


def _article(noun):
    return "an" if noun[0] in "aeiou" else "a"


def _unreadable(number, column, value, expected):
    return _wrong(number, column, f"invalid_{column}", f"has an unreadable {column.replace('_', ' ')}",
                  f"The column “{column}” holds “{value[:80]}” where {expected} is expected.", "Correct it")


def _wrong(number, column, code, what, detail, remedy):
    return JobFailed(code=code, title=f"Row {number} {what}", detail=detail,
                     action=f"{remedy} in column “{column}” of row {number} and upload the file again. Nothing was imported.")
