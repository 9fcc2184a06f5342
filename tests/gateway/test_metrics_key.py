"""metrics.key: what Prometheus shows to read /metrics, and nothing else; docs/security.md has the configuration."""
import pathlib
import re
import signal
import subprocess

import pytest

from harness.gateway import PROGRAM
from harness.problems import assert_problem
from harness.tokens import PUBLISHER, auth_toml, bearer, key_hash, token
from harness.wait import until

KEY = "jck_a-key-for-prometheus-that-tests-made-up-0000000"
SECURITY = (pathlib.Path(__file__).resolve().parents[2] / "docs" / "security.md").read_text(encoding="utf-8")


def with_key(key=KEY):
    return auth_toml() + f'[metrics]\nkey = "{key_hash(key)}"\n'


@pytest.fixture(scope="module")
def gateway_config():
    return {"toml": with_key()}


def test_the_key_opens_the_metrics_and_so_does_an_operators_token(gateway):
    for headers in (bearer(KEY), bearer(token(scope="operator"))):
        response = gateway.get("/metrics", headers)
        assert response.status == 200 and b"jobcast_connections" in response.body
    assert gateway.request("HEAD", "/metrics", headers=bearer(KEY)).status == 200


@pytest.mark.parametrize("headers, status", [
    ({}, 401), (bearer(KEY[:-1]), 401), (bearer(KEY + "0"), 401), (bearer(key_hash(KEY)), 401), (PUBLISHER, 403),
    ({"Authorization": f"Basic {KEY}"}, 401), ({"Cookie": f"jobcast_token={KEY}"}, 401)])
def test_nothing_else_does(gateway, headers, status):
    assert_problem(gateway.get("/metrics", headers), status)


@pytest.mark.parametrize("method, target", [
    ("GET", "/api/jobs?owner=me"), ("GET", "/api/jobs?ids=a"), ("GET", "/api/jobs/a/status"), ("GET", "/api/events?job=a"),
    ("GET", "/api/ws"), ("POST", "/api/jobs"), ("POST", "/api/jobs/a/report"), ("POST", "/api/jobs/a/cancel"),
    ("POST", "/api/watch-links"), ("DELETE", "/api/jobs/a")])
def test_the_key_opens_nothing_else(gateway, method, target):
    problem = assert_problem(gateway.request(method, target, {} if method == "POST" else None, bearer(KEY)), 401)
    assert problem["detail"] == "This key opens /metrics and nothing else."


def test_a_websocket_does_not_take_the_key_either(gateway):
    with gateway.websocket() as socket:
        socket.say("auth", token=KEY)
        assert socket.find(lambda event: event["event"] == "error")["problem"]["detail"] == "This key opens /metrics and nothing else."


def test_another_key_counts_from_the_reload_on(redis_server, start_gateway):
    gateway = start_gateway(redis_server, toml=with_key())
    gateway.configure(with_key(KEY + "-new"))
    gateway.process.send_signal(signal.SIGHUP)
    until(lambda: gateway.get("/metrics", bearer(KEY + "-new")).status == 200, "the new key")
    assert gateway.get("/metrics", bearer(KEY)).status == 401
    gateway.configure(auth_toml())
    gateway.process.send_signal(signal.SIGHUP)
    until(lambda: gateway.get("/metrics", bearer(KEY + "-new")).status == 401, "the end of the key")


def test_the_key_may_come_from_the_environment(redis_server, start_gateway):
    gateway = start_gateway(redis_server, toml=auth_toml(), METRICS_KEY=key_hash(KEY))
    assert gateway.get("/metrics", bearer(KEY)).status == 200


def test_a_key_that_was_printed_opens_the_metrics_once_its_lines_are_in_the_configuration(redis_server, start_gateway):
    printed = subprocess.run([PROGRAM, "key", "--metrics"], capture_output=True, text=True, timeout=30, check=True).stdout
    key, lines = re.search(r"jck_[\w-]+", printed).group(), re.search(r"\[metrics\].*\Z", printed, re.DOTALL).group()
    assert key not in lines, "the configuration holds no key"
    gateway = start_gateway(redis_server, toml=auth_toml() + lines)
    assert gateway.get("/metrics", bearer(key)).status == 200
    assert key not in gateway.log()


def test_the_documented_lines_for_prometheus_send_what_the_gateway_takes(gateway):
    """As Prometheus reads them: the type is Bearer unless named, and the file's text is trimmed."""
    (block,) = [block for block in re.findall(r"```yaml\n(.*?)```", SECURITY, re.DOTALL) if "scrape_configs" in block]
    settings = dict(re.findall(r"^ *-? *(\w+): *(\S+)$", block, re.MULTILINE))
    assert settings["credentials_file"].startswith("/")
    assert "type" not in settings
    assert gateway.get(settings.get("metrics_path", "/metrics"), bearer(f"{KEY}\n".strip())).status == 200
