"""The client of 0.1.0 looks for words in the names of events, and an EventSource has names of its own. So new names avoid them."""
import pathlib
import re

import pytest

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs"
OF_0_1_0 = {"job", "missing", "reset", "gap", "more", "gateway", "reauth", "end", "ack", "pong", "error"}
TAKEN = re.compile("job|missing|more|reset|error|open")


def documented(page):
    text = (DOCS / page).read_text(encoding="utf-8")
    table = re.search(r"\| event \|.*\n\|[-|]+\|\n((?:\|.*\n)*)", text)
    return set(re.findall(r'"event":"(\w+)"', text)) | set(re.findall(r"^\| `(\w+)`", table[1] if table else "", re.MULTILINE))


@pytest.mark.parametrize("page", ["streams.md", "websocket.md"])
def test_new_events_have_names_that_old_pages_leave_alone(page):
    names = documented(page)
    assert {"job", "missing", "end"} <= names, "the page names its events in another way; read it anew"
    assert [name for name in names - OF_0_1_0 if TAKEN.search(name)] == []


def test_no_event_of_0_1_0_is_gone():
    assert documented("streams.md") | documented("websocket.md") >= OF_0_1_0
