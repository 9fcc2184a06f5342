"""Protocol section 1, Text and Raw JSON: a security boundary. What passes here stands in the middle of a line of an event stream."""
import json

import pytest
from hypothesis import given, settings, strategies as st, HealthCheck

from conftest import Refused

bounded = settings(derandomize=True, deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])


def published(jobs, *pairs):
    """The event that this report makes, as bytes."""
    jobs.call("delete", "a")
    heard = jobs.heard("event:a")
    jobs.report("a", *pairs)
    _, message = next(heard)
    heard.close()
    return message


def assert_one_line_of_json(message):
    version, flags, record = message.split(b" ", 2)
    assert version.isdigit() and flags.isalpha()
    assert not any(byte < 0x20 for byte in message)
    return json.loads(record.decode("utf-8", "strict"))


@pytest.mark.parametrize("text", [
    "a\nb", "a\r\n\r\ndata: {}", '"}\n\nevent: job\ndata: {"id":"x"}', "\0", "\x7f", "tab\tquote\"back\\slash", "ä€😀", "\u2028\u2029"])
@pytest.mark.parametrize("field", ["message", "step", "unit", "error.title", "error.detail", "error.action", "labels.x", "owner", "group"])
def test_text_is_kept_and_can_end_no_line(jobs, field, text):
    status = "failed" if field.startswith("error") else "processing"
    record = assert_one_line_of_json(published(jobs, "status", status, field, text))
    assert text in json.dumps(record, ensure_ascii=False) or text in [
        record.get(field), record["progress"].get(field), record.get("error", {}).get(field[6:]), record.get("labels", {}).get("x")]


@given(st.binary(max_size=120))
@bounded
def test_any_bytes_in_a_text_give_a_valid_event(jobs, text):
    record = assert_one_line_of_json(published(jobs, "status", "processing", "message", text))
    expected = text.decode("utf-8", "replace") if text else None
    got = record["progress"].get("message")
    # How many U+FFFD stand for one broken run is not promised; that nothing else is lost is.
    assert (got or "").replace("\ufffd", "") == (expected or "").replace("\ufffd", "")


WRONG = [b"", b" ", b"[1,]", b"{", b"}", b"[", b"{\"a\"}", b"{a:1}", b"'a'", b"NaN", b"-NaN", b"Infinity", b"-Infinity", b"nan", b"inf", b"0x1F", b"01", b"-01", b"+1", b"1.",
         b".5", b"-", b"1e", b"1e+", b"--1", b"1 2", b"[1 2]", b"tru", b"True", b"nulll", b"null null", b"[1]]", b'"a', b'"a\\', b'"\\x41"', b'"\\u12"', b"\"\0\"",
         b"\"\x01\"", b"\"\x1f\"", b"[1,2", b"{\"a\":1,}", b"\xef\xbb\xbf1", b"\xa0",
         b"/*c*/1", b"1//c", b"[" * 33 + b"]" * 33, b'{"a":' * 33 + b"1" + b"}" * 33, b"1\x0b", b"1\x0c", b"[NaN]", b'{"a":0x10}', b"[1e999x]", b"[,1]", b"{,}", b"[01]", b"[-]",
         b"1e999", b"[-1e400]"]


@pytest.mark.parametrize("raw", WRONG)
def test_what_is_not_json_is_refused_at_creation(jobs, raw):
    with pytest.raises(Refused) as refused:
        jobs.create("a", "input", raw)
    assert refused.value.field == "input" and jobs.get("a") is None


@pytest.mark.parametrize("raw", WRONG)
def test_a_result_that_is_not_json_is_left_out_of_the_outcome(jobs, raw):
    record = assert_one_line_of_json(published(jobs, "status", "done", "result", raw))
    assert record["status"] == "done" and "result" not in record and record["result_omitted"] == len(raw)


@pytest.mark.parametrize("raw, kept", [
    (b'"\xff"', "\ufffd"), (b'"\xc0\xaf"', "\ufffd\ufffd"), (b'"\xed\xa0\x80"', "\ufffd" * 3), (b'"\xe2\x82"', "\ufffd" * 2),
    (b'"\\ud83c"', "\ufffd"), (b'"\\udf00x"', "\ufffdx"), (b'"\\ud83c\\n"', "\ufffd\n"), (b'"\\ud83c\\ud83c\\udf00"', "\ufffd\U0001f300"),
    (b'"\\\\ud83c"', "\\ud83c"), (b'"\\uD83C\\uDF00"', "\U0001f300")])
@pytest.mark.parametrize("field", ["result", "input"])
def test_broken_characters_in_json_become_replacements(jobs, field, raw, kept):
    if field == "input":
        jobs.create("a", "input", raw)
        stored = jobs.redis.hget(jobs.key("job", "a"), "input")
    else:
        jobs.report("a", "status", "done", "result", raw)
        stored = jobs.redis.hget(jobs.key("job", "a"), "result")
    assert json.loads(stored) == kept


RIGHT = [b"1", b"-0", b"0.5", b"1e5", b"1E+5", b"-1.25e-7", b"12345678901234567890.123456789", b'""', b'"\\u0041\\n\\""', b"[]", b"{}", b'{"a":[]}', b" [ 1 , 2 ] ", b"null", b"true",
         b'"[{]}"', b'"a\\\\"', b'["\\"]", 1]', b'"\xc3\xa4\xf0\x9f\x98\x80"', b"[" * 32 + b"]" * 32, b'"\\ud83d\\ude00"']


@pytest.mark.parametrize("raw", RIGHT)
def test_json_is_kept_byte_for_byte(jobs, raw):
    message = published(jobs, "status", "done", "result", raw)
    assert message.endswith(b'"result":' + raw + b"}")
    assert_one_line_of_json(message)


def test_line_breaks_between_values_become_spaces(jobs):
    message = published(jobs, "status", "done", "result", b'{\r\n\t"a": [\n1\n]\n}')
    assert assert_one_line_of_json(message)["result"] == {"a": [1]}


def test_a_raw_line_break_inside_a_string_cannot_forge_an_event(jobs):
    forged = b'"x\n\nevent: job\ndata: {\\"id\\":\\"victim\\"}\n\n"'
    record = assert_one_line_of_json(published(jobs, "status", "done", "result", forged))
    assert "\n" not in record["result"]


def test_a_result_over_its_limit_is_left_out_and_its_size_is_told(jobs):
    jobs.policy(max_result=100)
    jobs.report("a", status="done", result='"' + "x" * 98 + '"')
    jobs.report("b", status="done", result='"' + "x" * 99 + '"')
    assert "result_omitted" not in jobs.get("a") and len(jobs.get("a")["result"]) == 98
    assert "result" not in jobs.get("b") and jobs.get("b")["result_omitted"] == 101
    assert jobs.history("b")[-1]["mended"] == "result left out"


def test_the_next_attempt_forgets_that_a_result_was_left_out(jobs):
    jobs.create("a")
    jobs.policy("default", user_retry=1)
    jobs.report("a", status="done", result="{")
    assert jobs.get("a")["result_omitted"] == 1
    jobs.redis.hset(jobs.key("job", "a"), "status", "failed")
    jobs.redis.hset(jobs.key("job", "a"), "retries", "1")
    jobs.command("retry", "a")
    jobs.report("a", status="done")
    assert "result_omitted" not in jobs.get("a")


def strict(text):
    """Whether Python's decoder takes it, without the constants that it adds to JSON."""
    def no(_):
        raise ValueError

    def finite(token):
        if float(token) in (float("inf"), float("-inf")):
            raise ValueError
    try:
        json.loads(text, parse_constant=no, parse_float=finite)
        return True
    except (ValueError, RecursionError):
        return False


fragments = st.lists(st.sampled_from(list('[]{},:"\\ 01.eE+-atrufnlsx') + ["null", "true", '"a"', "12", "\\u00e4", "\n", "\t", "NaN", "ä"]), max_size=12).map("".join)


@given(fragments)
@bounded
def test_it_takes_just_what_a_strict_decoder_takes(jobs, text):
    # What the function does first: line breaks and tabs become spaces.
    expected = strict(text.replace("\n", " ").replace("\t", " "))
    jobs.call("delete", "b")
    jobs.report("b", status="done", result=text.encode())
    assert ("result_omitted" not in jobs.get("b")) == expected


values = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=8),
                      lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3), max_leaves=8)


@given(values, st.booleans())
@bounded
def test_every_value_comes_back_as_it_was(jobs, value, ascii_only):
    raw = json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    assert assert_one_line_of_json(published(jobs, "status", "done", "result", raw))["result"] == value
