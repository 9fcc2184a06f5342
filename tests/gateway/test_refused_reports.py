"""What operators learn of reports that were refused, whatever way they came, and of fields that were mended."""
import json

import pytest
import redis

from harness.wait import until


def refused(gateway):
    """(job, field, reason) as `jobcast refused` lists them, newest first."""
    return [tuple(line.split("\t")[1:]) for line in gateway.command("refused").splitlines()]


def test_every_way_of_a_refused_report_is_listed_with_its_reason(start_redis, start_gateway):
    server = start_redis()
    gateway = start_gateway(server)
    with pytest.raises(redis.exceptions.ResponseError):
        server.client().execute_command("FCALL", "jobcast_report", 1, "jobcast", "by-fcall", "status", "finished")
    gateway.request("POST", "/api/jobs/by-http/report", b'{"stauts":"done"}')
    gateway.request("POST", "/api/jobs/broken/report", b'{"status":')
    gateway.request("POST", "/api/reports", b'{"id":"by-line","status":"done","owner":""}\n{"status":"done"}\n{"id":"later","status":5}')
    until(lambda: server.client().publish("jobcast:report:by-publish", json.dumps({"status": 5})), "a gateway that takes in published reports")
    until(lambda: len(refused(gateway)) == 7, "seven reports in the list")
    listed = refused(gateway)
    assert {(job, field) for job, field, _ in listed} == {
        ("by-fcall", "status"), ("by-http", "stauts"), ("broken", "body"), ("by-line", "owner"), ("", "id"), ("later", "status"), ("by-publish", "status")}
    assert ("by-fcall", "status", "one of pending, processing, retrying, done, failed, cancelled") in listed


def test_of_two_gateways_one_logs_and_counts_a_refused_report(start_redis, start_gateway):
    server = start_redis()
    both = [start_gateway(server), start_gateway(server)]
    for job in ("first", "second"):
        both[0].request("POST", f"/api/jobs/{job}/report", b'{"status":"finished"}')
        until(lambda: any(f"'{job}'" in one.log() for one in both), "a line in a log")
    until(lambda: all(one.metric("jobcast_reports_refused_total") == 2 for one in both), "both to be counted")
    lines = [line for one in both for line in one.log().splitlines() if "was refused" in line]
    assert len(lines) == 2 and "status: one of" in lines[0], lines


def test_a_text_of_a_refused_report_makes_no_line_of_the_log_or_the_list(start_redis, start_gateway):
    server = start_redis()
    gateway = start_gateway(server)
    server.client().xadd("jobcast:refused", {"id": "a\nforged", "field": "\x1b[2J", "reason": "b\u009bc"})
    until(lambda: "forged" in gateway.log(), "a line in the log")
    (line,) = [line for line in gateway.log().splitlines() if "forged" in line]
    assert r"a\x0aforged" in line and r"\x1b[2J" in line and r"b\u009bc" in line
    assert refused(gateway) == [(r"a\x0aforged", r"\x1b[2J", r"b\u009bc")]


def test_mended_fields_are_counted_by_name_in_the_metrics(start_redis, start_gateway):
    server = start_redis()
    gateway = start_gateway(server)
    gateway.report("a", status="processing", percent="x", labels={"": "y"})
    server.client().execute_command("FCALL", "jobcast_report", 1, "jobcast", "b", "status", "done", "percent", "200", "lease", "0")

    def counted(field):
        try:
            return gateway.metric(f'jobcast_report_fields_mended_total{{field="{field}"}}')
        except AssertionError:
            return 0
    until(lambda: counted("percent") == 2 and counted("lease") == 1 and counted("labels") == 1, "the counts of three fields")


def test_the_list_of_a_redis_that_cannot_be_reached_says_so(start_redis, start_gateway):
    server = start_redis()
    gateway = start_gateway(server)
    server.kill()
    with pytest.raises(AssertionError) as failed:
        gateway.command("refused")
    assert "jobcast: redis:" in str(failed.value)


def test_a_batch_that_is_too_long_pushes_no_refusal_out(start_redis, start_gateway):
    server = start_redis()
    gateway = start_gateway(server, LIMITS_BATCH="10")
    gateway.request("POST", "/api/jobs/kept/report", b'{"status":"finished"}')
    assert gateway.request("POST", "/api/reports", b"\n".join([b'{"id":"a"'] * 11)).status == 413
    assert [job for job, _, _ in refused(gateway)] == ["kept"]


def test_more_refusals_than_the_list_holds_are_counted_all_the_same(start_redis, start_gateway):
    server = start_redis()
    gateway = start_gateway(server)
    pipeline = server.client().pipeline(transaction=False)
    for n in range(2500):
        pipeline.execute_command("FCALL", "jobcast_report", 1, "jobcast", f"j{n}", "status", "finished")
    pipeline.execute(raise_on_error=False)
    until(lambda: gateway.metric("jobcast_reports_refused_total") == 2500, "all to be counted")


def test_a_gateway_that_starts_again_leaves_no_reader_behind(start_redis, start_gateway):
    server = start_redis()
    gateway = start_gateway(server)
    for _ in range(2):
        gateway.request("POST", "/api/jobs/a/report", b'{"status":"finished"}')
        until(lambda: "was refused" in gateway.log(), "a line in the log")
        gateway.stop()
        gateway.start()
    assert [group["consumers"] for group in server.client().xinfo_groups("jobcast:refused")] == [1]
