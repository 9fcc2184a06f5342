"""The pure parts of the library, called by name in Redis' own Lua."""
import json

import pytest
import redis

import library

PURE = ["library", "text", "raw_json", "values", "traces", "mending", "clock", "fields", "estimate", "record"]
# Calls `part.function` with a JSON array of arguments. Returns each result as JSON, since Redis would cut fractions. A third
# argument stands in for the microseconds of Redis' clock.
CALLER = """
local parts = {clock = clock, text = text, raw_json = raw_json, values = values, estimate = estimate, record = record}
redis.register_function('pure', function(_, args)
  bind()
  if args[3] then call = function() return {'1700000000', args[3]} end end
  local given = cjson.decode(args[2])
  local name = {match(args[1], '^(.*)%.(.*)$')}
  local out = {pcall(parts[name[1]][name[2]], unpack(given, 1, #given))}
  if not out[1] then return redis.error_reply(raised(out[2])) end
  for i = 2, #out do out[i - 1] = cjson.encode(out[i]) end
  out[#out] = nil
  return out
end)
"""


@pytest.fixture(scope="module")
def pure(server):
    source = library.source(PURE).replace("#!lua name=jobcast", "#!lua name=pure") + CALLER
    server.execute_command("FUNCTION", "LOAD", source)

    def run(function, *arguments, microseconds=None):
        clock = () if microseconds is None else (microseconds,)
        answer = server.execute_command("FCALL", "pure", 0, function, json.dumps(arguments), *clock)
        results = [json.loads(one) for one in answer]
        return results[0] if len(results) == 1 else results
    yield run
    server.execute_command("FUNCTION", "DELETE", "pure")


def refusal(pure, *call):
    with pytest.raises(redis.exceptions.ResponseError) as refused:
        pure(*call)
    return str(refused.value)


# text

def test_plain_text_is_quoted_as_it_is(pure):
    assert pure("text.quoted", "Page 3 of 7") == '"Page 3 of 7"'


@pytest.mark.parametrize("given", ['a "b"', "back\\slash", "two\nlines\r\n", "tab\there", "nul\x00", "\x1b[31m", "\x7f", "é ✓ 𝄞"])
def test_a_text_comes_back_from_its_json_and_stays_on_one_line(pure, given):
    quoted, changed = pure("text.quoted", given)
    assert json.loads(quoted) == given and "\n" not in quoted and changed is True


@pytest.mark.parametrize("broken, repaired", [
    (b"a\xffb", "a\ufffdb"), (b"\xc3", "\ufffd"), (b"\xe2\x9c", "\ufffd\ufffd"), (b"\xed\xa0\x80", "\ufffd\ufffd\ufffd"), (b"\xc0\xaf", "\ufffd\ufffd"),
    (b"\xf4\x90\x80\x80", "\ufffd\ufffd\ufffd\ufffd"), ("é𝄞".encode(), "é𝄞")])
def test_each_byte_that_is_part_of_no_sequence_becomes_one_replacement(server, pure, broken, repaired):
    answer = server.execute_command("FCALL", "pure", 0, "text.repaired", b'["' + broken + b'"]')
    assert json.loads(answer[0]) == repaired


@pytest.mark.parametrize("text, kept", [("x" * 10, "x" * 7 + "…"), ("aé" * 4, "aéaéa…"), ("é" * 6, "ééé…"), ("€€€€", "€€…"), ("𝄞𝄞𝄞", "𝄞…"), ("abcdefg𝄞", "abcdefg…")])
def test_a_cut_text_ends_in_an_ellipsis_and_no_character_is_cut_in_two(pure, text, kept):
    assert pure("text.cut", text, 10) == kept and len(kept.encode()) <= 10


# raw JSON

@pytest.mark.parametrize("token", ["0", "-0", "1", "-12", "0.5", "1e9", "1E+9", "-1.25e-7", "123456789012345678901234567890"])
def test_what_json_calls_a_number(pure, token):
    assert pure("raw_json.is_number", token) is True


@pytest.mark.parametrize("token", ["", "01", "+1", "1.", ".5", "0x1F", "NaN", "Infinity", "1e", "--1", "1 ", "1e5.5"])
def test_what_json_does_not_call_a_number(pure, token):
    assert pure("raw_json.is_number", token) is False


@pytest.mark.parametrize("text", ["[]", "{}", '{"a":[1,2.5e3,null,true]}', '"\\u00e9"', "  7  ", '{"n":123456789012345678901}'])
def test_json_is_kept_byte_for_byte(pure, text):
    assert pure("raw_json.checked", "result", text, 1000) == text


def test_line_ends_between_values_become_spaces(pure):
    assert pure("raw_json.checked", "result", '{\r\n\t"a": 1\n}', 1000) == '{   "a": 1 }'


@pytest.mark.parametrize("text", ["", " ", "{", '{"a":1', "[1,]", "NaN", "[01]", "[0x1F]", '"a', "'a'", "[1] 2", "tru", '{"a":undefined}'])
def test_what_is_no_json_is_refused_by_its_field(pure, text):
    assert refusal(pure, "raw_json.checked", "result", text, 1000).startswith("JOBCAST result: ")


def test_json_may_be_nested_32_deep(pure):
    assert pure("raw_json.checked", "input", "[" * 32 + "]" * 32, 1000)
    assert "32 deep" in refusal(pure, "raw_json.checked", "input", "[" * 33 + "]" * 33, 1000)


def test_json_over_its_limit_is_refused_with_both_sizes(pure):
    assert refusal(pure, "raw_json.checked", "result", '"12345"', 6) == "JOBCAST result: at most 6 bytes of JSON, this has 7"


# values

def test_a_whole_number_has_bounds(pure):
    assert pure("values.integer", "attempt", "7", 1, 10) == 7
    for text in ("0", "11", "1.5", "1e1", "x", ""):
        assert refusal(pure, "values.integer", "attempt", text, 1, 10) == "JOBCAST attempt: a whole number from 1 to 10"


def test_a_name_has_few_characters(pure):
    assert pure("values.name", "type", "export.csv:v2_x-1", 64) == "export.csv:v2_x-1"
    for text in ("", "a b", "ä", "x" * 65, "a/b"):
        assert refusal(pure, "values.name", "type", text, 64).startswith("JOBCAST type: 1 to 64 of")


@pytest.mark.parametrize("link", ["https://a.example/x?y=1#z", "http://a", "/files/1.pdf", "/"])
def test_a_link_is_an_address_or_a_path(pure, link):
    assert pure("values.link", "error.link", link) == link


@pytest.mark.parametrize("link", ["javascript:alert(1)", "//evil.example", "/\\evil.example", "ftp://a", "https://", "https:///x", "/a b", "", 'http://a/"'])
def test_any_other_link_is_refused(pure, link):
    assert refusal(pure, "values.link", "error.link", link).startswith("JOBCAST error.link: ")


def test_an_owner_is_percent_encoded(pure):
    assert pure("values.encoded", "user 7/ä") == "user%207%2F%C3%A4"


@pytest.mark.parametrize("earlier, later", [("1-0", "1-1"), ("9-5", "10-0"), ("999-9", "999-10")])
def test_ids_of_stream_entries_compare_as_numbers(pure, earlier, later):
    assert pure("values.is_before", earlier, later) is True
    assert pure("values.is_before", later, earlier) is False
    assert pure("values.is_before", later, later) is False


@pytest.mark.parametrize("microseconds", [0, 5, 55, 555, 999, 1000, 5555, 55_555, 555_555, 999_999])
def test_times_are_right_in_the_first_microseconds_of_a_second(pure, microseconds):
    """TIME tells microseconds without leading zeros."""
    assert pure("clock.now_text", microseconds=microseconds) == str(1_700_000_000_000 + microseconds // 1000)


# estimate and record

def test_what_the_worker_said_counts_down(pure):
    assert pure("estimate.members", 10_000, 5_000, 8_000) == ',"eta":3000'


def test_the_pace_of_half_a_job_says_when_the_rest_ends(pure):
    assert pure("estimate.members", 0, False, False, 10_000, 50) == ',"eta":10000,"eta_error":5000'


def test_twice_the_usual_spread_is_late(pure):
    assert '"late":true' in pure("estimate.members", 0, False, False, 100_000, False, 10_000, 1_000)
    assert "late" not in pure("estimate.members", 0, False, False, 10_500, False, 10_000, 1_000)


def test_a_record_begins_with_id_version_and_time(pure):
    job = {"type": "export", "status": "processing", "attempt": 2, "max": 3, "created": "5", "percent": "40", "message": '"Page 3"'}
    front, back = pure("record.front", job), pure("record.back", job)
    doc = pure("record.compose", "a", "7", "1000", front, pure("record.progress_of", job, 1000), back, "999")
    assert doc.startswith('{"id":"a","version":7,"updated_at":1000,')
    assert json.loads(doc) == {
        "id": "a", "version": 7, "updated_at": 1000, "type": "export", "status": "processing", "attempt": 2, "max_attempts": 3,
        "progress": {"percent": 40, "message": "Page 3"}, "stalled": False, "cancel_requested": False, "can": ["cancel"], "created_at": 5,
        "locked_at": 999}


def test_a_scope_names_tenant_and_owner(pure):
    assert pure("record.scope", {"owner": "user 7", "tenant": "acme"}) == "acme/user%207"
    assert pure("record.scope", {"owner": "u"}) == "/u"
