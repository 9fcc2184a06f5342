"""`jobcast bench` against a real gateway: what it counts, and that it notices what is wrong."""
import json
import signal
import subprocess

import pytest

from harness.gateway import PROGRAM
from harness.wait import until


def bench(gateway, redis_server, *options):
    """Runs the load, and answers the exit code, the result and the error output."""
    ended = subprocess.run(
        [PROGRAM, "bench", "--url", f"http://127.0.0.1:{gateway.port}", "--redis", redis_server.url, "--json", "-",
         "--process", f"gateway={gateway.pid}", *map(str, options)], capture_output=True, text=True, timeout=120)
    return ended.returncode, json.loads(ended.stdout) if ended.stdout else None, ended.stderr


@pytest.mark.parametrize("transport", ["sse", "websocket", "long-poll"])
@pytest.mark.parametrize("via", ["fcall", "publish", "http"])
def test_every_report_reaches_its_watcher(gateway, redis_server, transport, via):
    code, result, errors = bench(gateway, redis_server, "--transport", transport, "--via", via,
                                 "--watchers", 20, "--rate", 200, "--seconds", 1)
    assert code == 0, (errors, result)
    # A busy machine publishes fewer than are asked for, but never more.
    assert 20 <= result["published"] <= 200
    assert result["delivered"] + result["conflated"] == result["published"]
    assert (result["lost"], result["out_of_order"], result["failures"]) == (0, 0, [])
    assert 0 < result["latency_us"]["p50"] <= result["latency_us"]["p99"] <= result["latency_us"]["max"]


@pytest.mark.parametrize("transport", ["sse", "websocket"])
def test_watchers_that_want_every_version_get_each_at_full_speed(gateway, redis_server, transport):
    code, result, errors = bench(gateway, redis_server, "--transport", transport, "--via", "event", "--every",
                                 "--watchers", 40, "--jobs", 2, "--rate", "max", "--window", 200, "--seconds", 1)
    assert code == 0, (errors, result)
    assert result["conflated"] == 0
    assert result["delivered"] >= 20 * 100


def test_a_storm_gives_every_watcher_its_snapshot_again(gateway, redis_server):
    code, result, errors = bench(gateway, redis_server, "--watchers", 200, "--seconds", 0, "--storm")
    assert code == 0, (errors, result)
    assert result["connections_per_second"] > 0
    assert result["reconnections_per_second"] > 0


def test_nothing_of_the_load_stays_behind(gateway, redis_server):
    for via in "fcall", "http":
        code, _, errors = bench(gateway, redis_server, "--via", via, "--watchers", 5, "--rate", 50, "--seconds", 0.2)
        assert code == 0, errors
    assert redis_server.client().keys("jobcast:job:bench-*") == []


def test_reports_alone_are_counted_without_watchers(gateway, redis_server):
    code, result, errors = bench(gateway, redis_server, "--watchers", 0, "--jobs", 10, "--via", "http", "--rate", "max",
                                 "--seconds", 0.5)
    assert code == 0, errors
    assert result["reports_per_second"] > 100
    assert result["processes"][0]["cpu_seconds"] > 0


def test_a_picture_is_written(gateway, redis_server, tmp_path):
    code, _, errors = bench(gateway, redis_server, "--watchers", 5, "--rate", 100, "--seconds", 0.5,
                            "--plot", tmp_path / "run.svg")
    assert code == 0, errors
    assert (tmp_path / "run.svg").read_text().startswith("<svg ")


def test_reports_that_are_not_accepted_fail_the_run(gateway, redis_server, tmp_path):
    """Events on the channel of a job that the function does not know are repeated versions to its watchers."""
    peer = tmp_path / "stuck.toml"
    peer.write_text('name = "stuck"\nsse = "/api/jobs/{job}/events"\nready = "missing"\n'
                    'channel = "jobcast:event:{job}"\nevent = \'1 p {record}\'\n')
    code, result, _ = bench(gateway, redis_server, "--peer", peer, "--via", "event", "--watchers", 2, "--rate", 20,
                            "--seconds", 0.5)
    assert code == 1
    assert result["lost"] > 0
    assert "were lost" in result["failures"][0]


@pytest.mark.parametrize("options,named", [
    (["--watchers", 10, "--jobs", 3], "--watchers must be a multiple of --jobs"),
    (["--rate", "fast"], "--rate"),
    (["--process", "gateway=x"], "--process"),
    (["--process", "gateway=99999999"], "there is no process 99999999"),
    (["--transport", "carrier-pigeon"], "'carrier-pigeon' is not sse, websocket or long-poll"),
])
def test_what_cannot_be_meant_is_refused_by_name(gateway, redis_server, options, named):
    code, result, errors = bench(gateway, redis_server, *options)
    assert (code, result) == (2, None)
    assert named in errors


def test_a_server_that_is_not_there_is_said_to_be(gateway, redis_server):
    ended = subprocess.run([PROGRAM, "bench", "--url", "http://127.0.0.1:1", "--redis", redis_server.url], text=True,
                           capture_output=True, timeout=60)
    assert ended.returncode == 1
    assert "cannot connect to 127.0.0.1:1" in ended.stderr


def jobs_left(redis_server):
    return [key for key in redis_server.client().scan_iter("jobcast:*bench-*", count=1000)]


def test_a_gateway_that_admits_fewer_is_named_as_what_the_load_met_and_no_job_is_left(redis_server, start_gateway):
    small = start_gateway(redis_server, LIMITS_CONNECTIONS_PER_ADDRESS=20)
    code, result, errors = bench(small, redis_server, "--watchers", 50, "--seconds", 0)
    assert (code, result) == (1, None)
    assert "of 50 watches were open" in errors and "limits.connections_per_address" in errors
    assert jobs_left(redis_server) == []


def test_a_load_that_is_interrupted_leaves_no_job(gateway, redis_server):
    load = subprocess.Popen([PROGRAM, "bench", "--url", f"http://127.0.0.1:{gateway.port}", "--redis", redis_server.url,
                             "--watchers", "20", "--seconds", "60"], stderr=subprocess.PIPE, text=True)
    until(lambda: len(jobs_left(redis_server)) >= 20, "its jobs")
    load.send_signal(signal.SIGINT)
    _, errors = load.communicate(timeout=30)
    assert load.returncode == 1
    assert errors == "jobcast: ended before its time\n"
    assert jobs_left(redis_server) == []


def test_what_the_gateway_does_not_show_is_put_down_to_what_it_can_be(gateway, redis_server):
    code, _, errors = bench(gateway, redis_server, "--watchers", 1, "--seconds", 0, "--namespace", "other", "--transport", "websocket")
    assert code == 1
    assert "--namespace" in errors
