"""Bad input is refused with what to change, alters nothing, and never shows on another watcher's stream."""
import json

import pytest

from harness.bad_reports import BAD_REPORTS, MENDED_REPORTS
from harness.problems import assert_problem
from harness.wait import until

CRLF = "x\r\n\r\nevent: job\r\ndata: {\"id\":\"forged\"}\r\n\r\n"
FREE_TEXT = ["owner", "tenant", "group", "unit", "step", "message", "error.title", "error.detail",
             "error.action", "labels.region"]
REFUSED, LEFT_OUT = ["type", "status"], ["by", "error.severity", "error.link", "error.code", "error.reference"]


@pytest.fixture(scope="module")
def bystander(gateway):
    """Someone watching another job, to whom nothing may happen but what happens to that job."""
    gateway.report("bystander", status="processing")
    with gateway.watch("bystander") as stream:
        stream.expect("job")
        yield stream


def texts_of(value):
    """All texts in a JSON value."""
    if isinstance(value, dict):
        return [text for member in value.values() for text in texts_of(member)]
    return [value] if isinstance(value, str) else []


def assert_unharmed(gateway, stream):
    version = gateway.report("bystander", message="still here")["version"]
    assert stream.expect("job").version == version
    assert not stream.unread


@pytest.mark.parametrize("body, field", [case[1:] for case in BAD_REPORTS], ids=[case[0] for case in BAD_REPORTS])
def test_a_bad_report_is_refused_and_changes_nothing(gateway, bystander, job, body, field):
    gateway.report(job, status="processing", percent=1)
    before = gateway.get(f"/api/jobs/{job}/status").body
    with gateway.watch(job) as stream:
        stream.expect("job")
        response = gateway.request("POST", f"/api/jobs/{job}/report", body)
        assert_problem(response, 400, field)
        assert gateway.get(f"/api/jobs/{job}/status").body == before
        gateway.report(job, percent=2)
        assert stream.expect("job").version == 2
    assert_unharmed(gateway, bystander)


@pytest.mark.parametrize("body, mended", [case[1:] for case in MENDED_REPORTS], ids=[case[0] for case in MENDED_REPORTS])
@pytest.mark.parametrize("way", ["http", "ndjson", "publish"])
def test_a_report_with_a_bad_side_field_is_taken_whatever_way_it_comes(gateway, bystander, worker, job, body, mended, way):
    status = json.loads(body[:body.index(b",")] + b"}")["status"]
    with gateway.watch(job) as stream:
        stream.expect("missing")
        if way == "http":
            assert gateway.request("POST", f"/api/jobs/{job}/report", body).status == 200
        elif way == "ndjson":
            answer = gateway.request("POST", "/api/reports", b'{"id":"%s",' % job.encode() + body[1:])
            assert answer.status == 200 and answer.json()["result"] == "ok"
        else:
            until(lambda: worker.publish(job, body), "a gateway that takes in published reports")
        assert stream.expect("job").data["status"] == status
    assert gateway.get(f"/api/jobs/{job}/history").json()["entries"][-1]["mended"] == mended
    assert_unharmed(gateway, bystander)


def test_a_result_that_was_left_out_tells_its_size(gateway, job):
    gateway.report(job, status="done", result="x" * 70_000)
    assert gateway.record(job)["result_omitted"] == 70_002 and "result" not in gateway.record(job)


@pytest.mark.parametrize("result, kept", [(b'"\xff"', "\ufffd"), (b'"\xed\xa0\x80"', "\ufffd" * 3), (b'"\\ud83c"', "\ufffd"), (b'{"t":"a\\udf00"}', {"t": "a\ufffd"})])
def test_broken_characters_in_a_result_are_replaced(gateway, job, result, kept):
    assert gateway.request("POST", f"/api/jobs/{job}/report", b'{"status":"done","result":' + result + b"}").status == 200
    assert gateway.record(job)["result"] == kept


@pytest.mark.parametrize("body, field", [
    (b'{"status":"done"}', "status"), (b'{"percent":5}', "percent"), (b'{"result":1}', "result"),
    (b'{"request":"x"}', "request"), (b'{"keyed":"1"}', "keyed"), (b'{"typ":"x"}', "typ"), (b"[]", "body"), (b"", "body"),
    (b'{"id":""}', "id"), (b'{"id":"no good"}', "id"), (b'{"id":"' + b"i" * 129 + b'"}', "id"), (b'{"id":7}', "id"),
    (b'{"type":"no good"}', "type"), (b'{"max_attempts":0}', "max_attempts"), (b'{"max_attempts":"x"}', "max_attempts"),
    (b'{"labels":{"a":{}}}', "labels.a"), (b'{"input":NaN}', ("body", "input")), (b'{"input":01}', ("body", "input")),
    (b'{"input":"a\nb"}', ("body", "input")), (b'{"input":"' + b"x" * 70_000 + b'"}', "input"),
    (b'{"input":' + b"[" * 40 + b"]" * 40 + b"}", "input"), (b'{"owner":"a","owner":"b"}', "owner"),
    (b'{"owner":"' + b"o" * 300 + b'"}', "owner")],
    ids=lambda value: value[:30].decode() if isinstance(value, bytes) else "")
def test_a_bad_request_to_create_makes_no_job(gateway, bystander, redis_server, body, field):
    before = set(redis_server.client().scan_iter("jobcast:job:*"))
    assert_problem(gateway.request("POST", "/api/jobs", body), 400, field)
    assert set(redis_server.client().scan_iter("jobcast:job:*")) == before
    assert_unharmed(gateway, bystander)


@pytest.mark.parametrize("what", ["status", "history", "events"])
@pytest.mark.parametrize("job_id", ["no%20good", "a%2Fb", "i" * 129, "%C3%BC", "a'b", "a%22b", "%", "%zz", "a%0d%0ab", "a%00b",
                                    "a*b", "..%2f..", "a%23b"])
def test_a_bad_id_in_the_path_is_refused(gateway, bystander, what, job_id):
    assert_problem(gateway.get(f"/api/jobs/{job_id}/{what}"), 400)
    assert_unharmed(gateway, bystander)


@pytest.mark.parametrize("name", FREE_TEXT)
def test_line_breaks_in_text_stay_text(gateway, bystander, job, name):
    """A report is never lost over the bytes of its texts; the watcher reads them back as data of one event."""
    with gateway.watch(job) as stream:
        stream.expect("missing")
        gateway.report(job, **{"status": "failed", name: CRLF})
        events = stream.wait_closed()
        assert [e.name for e in events] == ["job", "end"]
        outer, _, inner = name.partition(".")
        record = events[0].data
        if outer in ("unit", "step", "message"):
            record = record["progress"]
        assert (record[outer][inner] if inner else record[outer]) == CRLF
    assert_unharmed(gateway, bystander)


@pytest.mark.parametrize("name", REFUSED)
def test_line_breaks_where_only_some_text_is_meant_are_refused(gateway, bystander, job, name):
    assert_problem(gateway.post(f"/api/jobs/{job}/report", {"status": "failed", name: CRLF} if name != "status"
                                else {"status": "failed" + CRLF}), 400, name)
    assert gateway.get(f"/api/jobs/{job}/status").status == 404
    assert_unharmed(gateway, bystander)


@pytest.mark.parametrize("name", LEFT_OUT)
def test_line_breaks_in_a_name_leave_the_name_out(gateway, bystander, job, name):
    gateway.report(job, **{"status": "failed", name: CRLF})
    assert CRLF not in texts_of(gateway.record(job))
    assert_unharmed(gateway, bystander)


@pytest.mark.parametrize("name", FREE_TEXT)
def test_bytes_that_are_no_text_are_replaced(gateway, bystander, worker, job, name):
    with gateway.watch(job) as stream:
        stream.expect("missing")
        worker.report(job, **{"status": "failed", name: b"a\xffb\x00\x1b\x7f\xe2\x80\xa8z"})
        events = stream.wait_closed()
        assert [e.name for e in events] == ["job", "end"]
        assert "a\ufffdb\0\x1b\x7f\u2028z" in texts_of(events[0].data)
    assert_unharmed(gateway, bystander)


@pytest.mark.parametrize("label", ["a\r\nb", "a\nevent: job\n\nb", "", "x" * 500, "ü"])
def test_a_label_with_a_strange_name_is_left_out(gateway, bystander, job, label):
    with gateway.watch(job) as stream:
        stream.expect("missing")
        gateway.report(job, status="processing", labels={label: "x", "fine": "y"})
        assert stream.expect("job").data["labels"] == {"fine": "y"}
    assert_unharmed(gateway, bystander)


def test_a_pretty_printed_result_is_sent_on_one_line(gateway, bystander, job):
    body = b'{\r\n\t"status": "done",\r\n\t"result": {\r\n\t\t"rows": [\n1,\r2\n]\r\n\t}\r\n}'
    with gateway.watch(job) as stream:
        stream.expect("missing")
        assert gateway.request("POST", f"/api/jobs/{job}/report", body).status == 200
        events = stream.wait_closed()
        assert [e.name for e in events] == ["job", "end"]
        assert events[0].data["result"] == {"rows": [1, 2]}
    assert_unharmed(gateway, bystander)


@pytest.mark.parametrize("raw", ['"\\n\\nevent: job"', '"\\u000a\\u000d\\u2028"', '"\u2028\u2029\u0085"', '"data: x"', '[[[["\\\\"]]]]',
                                 '{"":0,"a b":-0.0e-10}', '"' + "\\u0000" * 10 + '"', "[" * 32 + "]" * 32, "123456789012345678901234567890"])
def test_an_unusual_but_valid_result_arrives_as_sent(gateway, bystander, job, raw):
    with gateway.watch(job) as stream:
        stream.expect("missing")
        body = f'{{"status":"done","result":{raw}}}'.encode()
        assert gateway.request("POST", f"/api/jobs/{job}/report", body).status == 200
        events = stream.wait_closed()
        assert [e.name for e in events] == ["job", "end"]
        assert f'"result":{raw}'.encode() in stream.raw
    assert_unharmed(gateway, bystander)


def test_a_message_cut_inside_an_emoji_is_not_lost(gateway, bystander, job):
    body = b'{"status":"failed","error":{"title":"half \\ud83d"},"message":"\\udc00"}'
    assert gateway.request("POST", f"/api/jobs/{job}/report", body).status == 200
    assert gateway.record(job)["error"]["title"] == "half \ufffd"
    assert_unharmed(gateway, bystander)


def test_a_message_as_long_as_allowed_is_taken(gateway, job):
    gateway.report(job, message="m" * 500)
    assert gateway.record(job)["progress"]["message"] == "m" * 500


@pytest.mark.parametrize("payload", ["", "x", "1", "1 s", "1 s {", "x s {}", "1 s {\n}", "99999999999999999999 s {}",
                                     '5 s {"id":"other","version":5,"updated_at":1}\n\nevent: forged\ndata: {}'])
def test_noise_on_an_event_channel_harms_no_watcher(gateway, bystander, redis_server, payload):
    """Whoever can publish can lie, but the bytes of a stream stay events."""
    redis_server.client().publish("jobcast:event:bystander", payload)
    version = gateway.report("bystander", message="still here")["version"]
    bystander.find(lambda e: e.name == "job" and e.data.get("version") == version)
