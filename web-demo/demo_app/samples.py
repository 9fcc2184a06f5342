"""The sample files of orders: generated once, the same everywhere."""
import csv
import datetime
import random

from .csv_import import COLUMNS

SAMPLES = [
    {"name": "orders-small", "title": "Small order list", "description": "500 rows, done in a moment", "kind": "csv_import"},
    {"name": "orders-large", "title": "Large order list", "description": "60,000 rows: time to watch, reload and cancel", "kind": "csv_import"},
    {"name": "orders-broken", "title": "A file with a mistake",
     "description": "Row 1337 has no amount: see what failed and what to do", "kind": "csv_import", "fails": True},
    {"name": "card-declined", "title": "A card that is declined",
     "description": "The bank says no at first: try again, as with another card", "kind": "card_charge", "job": "Payment of order A-100217", "fails": True},
    {"name": "worker-killed", "title": "A worker that is killed",
     "description": "In the middle of its job, without a word: see it noticed and done again", "kind": "catalogue", "job": "Spring catalogue", "fails": True},
]
_FILES = {"orders-small": "orders-small.csv", "orders-large": "orders-60000.csv", "orders-broken": "orders-missing-amount.csv"}
_ROWS = {"orders-small": 500, "orders-large": 60_000, "orders-broken": 2_000}
_WRONG_ROW = 1337  # as a spreadsheet counts: 1 is the row of column names

_CUSTOMERS = ["Alder & Finch", "Blue Kettle Ltd", "Casa Verde", "Dune Optics", "Ember Works", "Fjord Supplies", "Granite Labs", "Harbour Tea"]
_COUNTRIES = ["AT", "CH", "DE", "DK", "ES", "FR", "IT", "NL", "PL", "SE"]
_PRODUCTS = ["Desk lamp", "Notebook A5", "Oak shelf", "Office chair", "Paper tray", "Standing desk", "Wall clock", "Whiteboard"]


def file_of(name):
    """None for a sample that is no file."""
    return _FILES.get(name)


def generate(folder):
    """Writes what is missing. A file appears under its name only when it is whole."""
    for name, count in _ROWS.items():
        target = folder / file_of(name)
        if not target.exists():
            unfinished = target.with_suffix(".part")
            _write(unfinished, name, count)
            unfinished.rename(target)


def _write(path, name, count):
    chance = random.Random(name)
    first_day = datetime.date(2026, 1, 1)
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for number in range(2, count + 2):
            quantity = chance.randint(1, 20)
            amount = f"{quantity * chance.randint(295, 24_900) / 100:.2f}"
            if name == "orders-broken" and number == _WRONG_ROW:
                amount = ""
            writer.writerow([f"A-{100_000 + number}", first_day + datetime.timedelta(chance.randrange(240)), chance.choice(_CUSTOMERS),
                             chance.choice(_COUNTRIES), chance.choice(_PRODUCTS), quantity, amount])
