"""Reads of many records: bounded in bytes, and what they cost."""
import json

RESULT = json.dumps("x" * 60000)
PAGE = 524288


def read(jobs, *ids, beyond="lean", scope="", room=PAGE):
    cost, *rows = jobs.call("read", scope, beyond, room, *ids)
    return cost, rows


def with_results(jobs, count):
    ids = [f"big{i}" for i in range(count)]
    for id in ids:
        jobs.call("report", id, "status", "done", "result", RESULT, "owner", "o", "message", 'a,"result":"b"', "labels.result", "no")
    return ids


def records(rows):
    return [json.loads(row[2]) for row in rows if row]


def test_records_are_read_whole_up_to_the_bytes_of_a_page(jobs):
    _, rows = read(jobs, *with_results(jobs, 5))
    assert all(r["result"] == json.loads(RESULT) for r in records(rows))


def test_results_beyond_a_page_are_left_out_and_their_bytes_named(jobs):
    _, rows = read(jobs, *with_results(jobs, 20))
    assert sum(len(row[2]) for row in rows) < PAGE + 80000
    assert [("result" in r, r.get("result_omitted")) for r in records(rows)] == [(True, None)] * 9 + [(False, len(RESULT))] * 11
    assert all(r["labels"] == {"result": "no"} and r["status"] == "done" and r["version"] for r in records(rows))


def test_records_beyond_a_page_can_be_left_for_another_call(jobs):
    ids = with_results(jobs, 20)
    _, rows = read(jobs, *ids, beyond="later")
    assert [isinstance(row, list) for row in rows] == [True] * 9 + [False] * 11
    assert set(rows[9:]) == {0}
    _, rest = read(jobs, *ids[9:], beyond="later")
    assert [isinstance(row, list) for row in rest] == [True] * 9 + [False] * 2


def test_without_room_no_result_is_told_and_one_record_is_not_left(jobs):
    ids = with_results(jobs, 3)
    _, rows = read(jobs, *ids, room=0)
    assert [r["result_omitted"] for r in records(rows)] == [len(RESULT)] * 3
    _, rows = read(jobs, *ids, beyond="later", room=0)
    assert [isinstance(row, list) for row in rows] == [True, False, False]


def test_what_is_not_there_and_what_is_of_another_owner_is_nothing(jobs):
    jobs.call("report", "mine", "status", "done", "owner", "a")
    jobs.call("report", "theirs", "status", "done", "owner", "b")
    _, rows = read(jobs, "mine", "theirs", "none", scope="/a")
    assert [row is None for row in rows] == [False, True, True]


def test_a_read_costs_by_its_records_and_their_bytes(jobs):
    small = [f"s{i}" for i in range(10)]
    for id in small:
        jobs.call("report", id, "status", "done")
    few, _ = read(jobs, *small[:1])
    many, _ = read(jobs, *small)
    assert 4 <= few < 8 and many >= 10 * 4
    large, _ = read(jobs, *with_results(jobs, 20))
    # Also of what was read and left out.
    assert large > 20 * 60000 / 512


def test_a_list_costs_by_the_jobs_it_looked_at_whatever_it_gives(jobs):
    for i in range(300):
        jobs.call("report", f"j{i}", "status", "done", "owner", "o")
    (cursor, cost), *rows = jobs.call("list", "/o", "status", "failed", "cost", "1")
    assert (cursor, rows, cost) == (b"", [], 300)
    (_, cost), *rows = jobs.call("list", "/o", "limit", "10", "cost", "1")
    assert len(rows) == 10 and cost < 100
    (_, cost), *rows = jobs.call("list", "/o", "snapshot", "1", "cost", "1")
    assert len(rows) == 100 and cost >= 300 + 100 * 3
    (_, cost), unseen, *rows = jobs.call("inbox", "/o", "cost", "1")
    assert unseen == 300 and len(rows) == 100 and cost >= 100 * 4


def test_who_does_not_ask_for_the_cost_is_answered_as_ever(jobs):
    jobs.call("report", "a", "status", "done", "owner", "o")
    assert jobs.call("list", "/o")[0] == b""
    assert jobs.call("inbox", "/o")[0] == b""
