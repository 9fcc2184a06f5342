"""Whatever text a worker sends, by whichever way, a stream carries exactly the events that were meant, one line each."""
import json

import pytest

from harness.wait import until

FORGED = '{"id":"forged","version":99,"status":"done"}'
ATTACKS = {
    "cr": "a\rb", "lf": "a\nb", "crlf": "a\r\nb", "nul": "a\0b", "line-separator": "a\u2028b\u2029c", "next-line": "a\u0085b",
    "event": f"a\n\nevent: job\ndata: {FORGED}\n\n", "event-cr": f"a\r\revent: job\rdata: {FORGED}\r\r",
    "event-crlf": f"a\r\n\r\nid: 1-99\r\nevent: job\r\ndata: {FORGED}\r\n\r\n", "retry": "a\nretry: 99999999\n", "comment": "\n: x",
    "json": f'a"}},"id":"forged","x":{{"y":"', "escape": "a\\n\\n\\u000a\\u0000", "controls": "".join(map(chr, range(32))) + "\x7f",
    "marks": "\ufeff\ufffe\uffff\u202e", "html": "</script><script>alert(1)</script>",
}
TEXTS = {"message": ("progress", "message"), "step": ("progress", "step"), "unit": ("progress", "unit"),
         "error.title": ("error", "title"), "error.detail": ("error", "detail"), "error.action": ("error", "action"),
         "labels.region": ("labels", "region"), "owner": ("owner",), "tenant": ("tenant",), "group": ("group",)}
ERROR_FIELDS = [name for name in TEXTS if name.startswith("error.")]
# Further fields that take a text from a worker, or from whoever creates a job, and are checked or shown elsewhere.
NAMES = ("type", "error.code", "error.reference", "error.link", "error.severity", "status", "attempt", "by")


def nested(flat):
    """`{"error.title": x}` as `{"error": {"title": x}}`; of progress the short names are members of the report."""
    out = {}
    for name, value in flat.items():
        head, _, rest = name.partition(".")
        if rest:
            out.setdefault(head, {})[rest] = value
        else:
            out[name] = value
    return out


def fcall(gateway, worker, job, fields):
    pairs = [part.encode("utf-8", "surrogateescape") for pair in fields.items() for part in pair]
    try:
        return worker.call("jobcast_report", job, *pairs)[0] == b"ok"
    except Exception as refusal:  # noqa: BLE001 - whichever the client's version raises
        assert "JOBCAST" in str(refusal), refusal
        return False


def http(gateway, worker, job, fields):
    response = gateway.post(f"/api/jobs/{job}/report", nested(fields))
    assert response.status in (200, 400), response
    return response.status == 200


def ndjson(gateway, worker, job, fields):
    response = gateway.request("POST", "/api/reports", json.dumps({"id": job, **nested(fields)}).encode())
    lines = response.body.splitlines()
    assert len(lines) == 1, response
    return "problem" not in json.loads(lines[0])


def publish(gateway, worker, job, fields):
    worker.publish(job, json.dumps(nested(fields)))
    return None  # nobody is told


WAYS = {"fcall": fcall, "http": http, "ndjson": ndjson, "publish": publish}


class Watchers:
    """A stream and a WebSocket on one job, and what they must have seen when a marker arrives."""

    def __init__(self, gateway, worker, job):
        self.worker, self.job = worker, job
        self.stream = gateway.stream(f"/api/jobs/{job}/events?every=true")
        self.socket = gateway.websocket()
        self.socket.watch(job)
        self.version = 0

    def __enter__(self):
        self.stream.expect("missing")
        self.socket.expect("missing")
        return self

    def __exit__(self, *_):
        self.stream.close()
        self.socket.connection.close()

    def settle(self, marker):
        """Reports progress that nothing forged could have, and answers the record; everything before it must be of this job,
        with versions that follow each other. The harness refuses any byte that is not of an event of jobcast."""
        self.worker.report(self.job, current=marker)
        while True:
            event = self.stream.next()
            assert event.name == "job" and event.data["id"] == self.job and event.data["version"] == self.version + 1, event
            self.version += 1
            if event.data["progress"].get("current") == marker:
                break
        record = self.socket.find(lambda e: e["event"] == "job" and e["record"]["version"] == self.version)["record"]
        assert record == event.data
        assert all(e["event"] == "job" and e["record"]["id"] == self.job for e in self.socket.seen if e["event"] not in ("missing", "ack"))
        return record


@pytest.mark.parametrize("way", WAYS)
def test_no_text_of_a_worker_ends_a_line(gateway, worker, job, way):
    until(lambda: worker.publish("somebody-listens", '{"status":"processing"}'), "the gateway to take in what is published")
    with Watchers(gateway, worker, job) as watchers:
        for marker, (name, text) in enumerate(ATTACKS.items(), 1):
            fields = {"message": text, "step": text, "unit": text, "labels.region": text}
            taken = 0
            for field, value in fields.items():
                taken += WAYS[way](gateway, worker, job, {"status": "processing", field: value[:64]}) is not False
            if way == "publish":
                # One connection to Redis is read in order by the gateway, but its reports go another way than ours.
                watchers.version = watchers.stream.find(
                    lambda e, t=text[:64]: e.name == "job" and shown(e.data, "labels.region") == clean(t)).version
            record = watchers.settle(marker)
            assert taken == len(fields), name
            for field, value in fields.items():
                assert shown(record, field) == clean(value[:64]), (name, field)


@pytest.mark.parametrize("way", ["fcall", "http", "ndjson"])
@pytest.mark.parametrize("field", [*TEXTS, *NAMES])
def test_every_field_is_shown_as_sent_or_refused(gateway, worker, new_job, way, field):
    for name, text in ATTACKS.items():
        text = text[:64]
        job = new_job()
        fields = {"status": "failed" if field.startswith("error.") else "processing", field: text}
        with gateway.stream(f"/api/jobs/{job}/events") as stream:
            stream.expect("missing")
            taken = WAYS[way](gateway, worker, job, fields)
            if not taken:
                worker.report(job, status="failed")
            record = stream.expect("job").data
            assert record["id"] == job and record["version"] == 1, (name, record)
            if taken and field in TEXTS:
                assert shown(record, field) == clean(text), (name, field)
            if field in ERROR_FIELDS or not taken:
                assert stream.expect("end").data == {"reason": "final"}
                stream.wait_closed()
            assert [e.name for e in stream.seen][:2] == ["missing", "job"]


def test_names_of_fields_and_labels_carry_nothing_either(gateway, worker, job):
    with gateway.stream(f"/api/jobs/{job}/events?every=true") as stream:
        stream.expect("missing")
        for text in ATTACKS.values():
            for name in (text, f"labels.{text[:40]}", f"error.{text}", f"progress.{text}"):
                fcall(gateway, worker, job, {"status": "processing", name: "x"})
                http(gateway, worker, job, {"status": "processing", name: "x"})
        worker.report(job, status="done")
        stream.find(lambda e: e.name == "job" and e.data["status"] == "done")
        assert stream.expect("end").data == {"reason": "final"}
        assert all(e.data.get("id", job) == job for e in stream.seen)


RESULTS = [f'{{"a":"x{chr(c)}y"}}'.encode() for c in (0, 1, 8, 9, 10, 11, 12, 13, 31)] + [
    b'{"a":1}\n\nevent: job\ndata: ' + FORGED.encode(), b'{"a":\r\n1,\n\n"event":\t"job"}', b'"\\u000a\\u000d\\u0000\\u2028"',
    '"\u2028\u2029\u0085"'.encode(), b'"\xff\xfe"', b'"\xc0\x8a"', b'"\xe0\x80\x8a"', b'"\xed\xa0\x80"', b"NaN", b'{"a":1}}',
    b'{"a":1},"id":"forged"', b'"' + b"x" * 100 + b'\n"', b"[" * 40 + b"]" * 40, b""]


@pytest.mark.parametrize("way", ["fcall", "http"])
def test_a_result_stays_on_its_line_or_is_refused(gateway, worker, new_job, way):
    for raw in RESULTS:
        job = new_job()
        with gateway.stream(f"/api/jobs/{job}/events") as stream:
            stream.expect("missing")
            if way == "fcall":
                try:
                    worker.call("jobcast_report", job, "status", "done", "result", raw)
                except Exception as refusal:  # noqa: BLE001
                    assert "result" in str(refusal), refusal
            else:
                body = b'{"status":"done","result":' + raw + b"}"
                assert gateway.request("POST", f"/api/jobs/{job}/report", body).status in (200, 400), raw
            worker.report(job, status="done")
            record = stream.expect("job").data
            assert record["id"] == job and record["status"] == "done" and record["version"] == 1
            assert stream.expect("end").data == {"reason": "final"}
            stream.wait_closed()
            assert [e.name for e in stream.seen] == ["missing", "job", "end"], raw


@pytest.mark.parametrize("text", ATTACKS.values(), ids=ATTACKS)
def test_an_id_or_channel_carries_nothing(gateway, worker, job, text):
    with gateway.stream(f"/api/jobs/{job}/events?every=true") as stream:
        stream.expect("missing")
        assert not fcall(gateway, worker, f"{job}{text}", {"status": "processing"})
        worker.publish(f"{job}{text}", '{"status":"processing"}')
        worker.report(job, status="done")
        assert stream.expect("job").data["id"] == job
        assert stream.expect("end").data == {"reason": "final"}


def test_who_can_publish_to_redis_cannot_forge_an_event_of_another_job(gateway, worker, job):
    """Whoever may write to a job's own channel is trusted with its record (docs/security.md), but with nothing beside it."""
    worker.report(job, status="processing")
    with gateway.stream(f"/api/jobs/{job}/events?every=true") as stream:
        stream.expect("job")
        for text in ATTACKS.values():
            for forged in (f"9 p {text}", f"9 {text} {{}}", text):
                worker.redis.publish(f"jobcast:event:{job}", forged)
            if "\n" in text or "\r" in text:
                worker.redis.publish(f"jobcast:event:{job}", f'9 p {{"id":"{job}","version":9,"updated_at":1,"x":"{text}"}}')
        worker.report(job, status="done")
        assert stream.expect("job").data["status"] == "done"
        assert stream.expect("end").data == {"reason": "final"}


def shown(record, field):
    value = record
    for member in TEXTS[field]:
        value = value.get(member, {}) if isinstance(value, dict) else None
    return value or None


def clean(text):
    return text or None
