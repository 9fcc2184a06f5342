"""The rest of the HTTP surface: CORS, problems for wrong paths and methods, operator pages, static files."""
import email.utils
import os
import re

import pytest

from harness.problems import assert_problem

ORIGIN = "https://app.example.com"
SECRET = b"this file is outside of the root"


@pytest.fixture(scope="module")
def gateway_config(folder):
    root = os.path.join(folder, "site", "root")
    os.makedirs(os.path.join(root, "sub"))
    for name, content in {"root/index.html": b"<h1>jobcast</h1>", "root/app.js": b"let x;", "root/sub/index.html": b"sub",
                          "root/.hidden": SECRET, "secret.txt": SECRET, "root-other.txt": SECRET}.items():
        with open(os.path.join(folder, "site", name), "wb") as file:
            file.write(content)
    os.symlink("../secret.txt", os.path.join(root, "link.txt"))
    os.symlink("..", os.path.join(root, "up"))
    return {"WEB_ROOT": root, "CORS_ORIGINS": ORIGIN}


def listed(value):
    return {part.strip().lower() for part in value.split(",")}


# CORS

def test_an_allowed_origin_may_read_and_sees_the_headers_it_needs(gateway, job):
    gateway.report(job, status="processing")
    response = gateway.get(f"/api/jobs/{job}/status", {"Origin": ORIGIN})
    assert response.header("Access-Control-Allow-Origin") == ORIGIN
    assert response.header("Access-Control-Allow-Credentials") == "true"
    assert listed(response.header("Access-Control-Expose-Headers")) >= {"etag", "retry-after", "location"}
    assert "origin" in listed(response.header("Vary"))


@pytest.mark.parametrize("origin", ["https://evil.example.com", "http://app.example.com", "https://app.example.com:444",
                                    "https://app.example.com.evil.com", "null", "https://APP.example.com", "*"])
def test_any_other_origin_gets_no_cors_headers(gateway, job, origin):
    gateway.report(job, status="processing")
    response = gateway.get(f"/api/jobs/{job}/status", {"Origin": origin})
    assert not [name for name, _ in response.headers if name.lower().startswith("access-control-")]
    assert "origin" in listed(response.header("Vary"))


def test_problems_can_be_read_across_origins_too(gateway, job):
    for target in (f"/api/jobs/{job}/status", "/nowhere", "/api/jobs"):
        response = gateway.get(target, {"Origin": ORIGIN})
        assert response.status in (400, 404)
        assert response.header("Access-Control-Allow-Origin") == ORIGIN, target


def test_streams_can_be_read_across_origins_too(gateway, job):
    with gateway.watch(job, headers={"Origin": ORIGIN}) as stream:
        assert stream.header("Access-Control-Allow-Origin") == ORIGIN
        assert stream.header("Access-Control-Allow-Credentials") == "true"


def preflight(gateway, origin, target="/api/jobs"):
    return gateway.request("OPTIONS", target, headers={
        "Origin": origin, "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type,idempotency-key"})


def test_a_preflight_of_an_allowed_origin_is_granted(gateway):
    response = preflight(gateway, ORIGIN)
    assert (response.status, response.body) == (204, b"")
    assert response.header("Access-Control-Allow-Origin") == ORIGIN
    assert response.header("Access-Control-Allow-Credentials") == "true"
    assert listed(response.header("Access-Control-Allow-Methods")) >= {"get", "post", "delete"}
    assert listed(response.header("Access-Control-Allow-Headers")) >= {
        "authorization", "content-type", "if-none-match", "prefer", "idempotency-key", "last-event-id"}


def test_a_preflight_of_another_origin_is_not_granted(gateway):
    response = preflight(gateway, "https://evil.example.com")
    assert response.header("Access-Control-Allow-Origin") is None


def test_a_page_of_another_origin_may_not_send_commands(gateway, job):
    gateway.report(job, status="processing")
    response = gateway.post(f"/api/jobs/{job}/cancel", headers={"Origin": "https://evil.example.com"})
    assert_problem(response, 403)
    assert gateway.record(job)["cancel_requested"] is False
    assert gateway.post(f"/api/jobs/{job}/cancel", headers={"Origin": ORIGIN}).status == 202


@pytest.mark.parametrize("requested", ["x-requested-with", "cache-control, traceparent, baggage, sentry-trace", "X-Any"])
def test_a_preflight_is_granted_whatever_headers_it_asks_for(gateway, requested):
    asked = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": requested}
    response = gateway.request("OPTIONS", "/api/events", headers={"Origin": ORIGIN, **asked})
    assert listed(response.header("Access-Control-Allow-Headers")) >= listed(requested) | {"authorization"}
    assert listed(response.header("Vary")) >= {"origin", "access-control-request-headers"}
    other = gateway.request("OPTIONS", "/api/events", headers={"Origin": "https://evil.example.com", **asked})
    assert (other.status, other.header("Access-Control-Allow-Headers")) == (403, None)


def test_what_is_no_header_name_is_not_granted(gateway):
    for requested in ("a b", "a;b", "a,,b", "x" * 5000):
        response = gateway.request("OPTIONS", "/api/jobs", headers={
            "Origin": ORIGIN, "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": requested})
        assert "last-event-id" in listed(response.header("Access-Control-Allow-Headers"))
        assert requested not in response.header("Access-Control-Allow-Headers")


PUBLIC = ["/jobcast.js", "/components.js", "/jobcast.global.js", "/openapi.yaml"]


@pytest.mark.parametrize("target", PUBLIC)
def test_pages_of_any_origin_may_load_the_public_files(gateway, target):
    """As modules, which are fetched with CORS, and where a page asks that all it embeds agrees to it."""
    for origin in ("https://unlisted.example", "null"):
        response = gateway.get(target, {"Origin": origin})
        assert (response.status, response.header("Access-Control-Allow-Origin")) == (200, "*")
        assert response.header("Access-Control-Allow-Credentials") is None
        assert response.header("Cross-Origin-Resource-Policy") == "cross-origin"
        granted = preflight(gateway, origin, target)
        assert (granted.status, granted.header("Access-Control-Allow-Origin")) == (204, "*")
    listed_origin = gateway.get(target, {"Origin": ORIGIN})
    assert listed_origin.header("Access-Control-Allow-Origin") == ORIGIN
    assert listed_origin.header("Access-Control-Allow-Credentials") == "true"
    assert gateway.get(target).header("Access-Control-Allow-Origin") == "*"
    assert "origin" in listed(gateway.get(target).header("Vary"))


def test_nothing_else_is_for_pages_of_any_origin(gateway, job):
    gateway.report(job, status="processing")
    for target in ("/healthz", "/readyz", "/metrics", f"/api/jobs/{job}/status", "/app.js", "/", "/nothing"):
        response = gateway.get(target, {"Origin": "https://unlisted.example"})
        assert response.header("Access-Control-Allow-Origin") is None, target
        assert preflight(gateway, "https://unlisted.example", target).status == 403


def test_every_answer_says_what_time_redis_has(gateway, worker, job):
    gateway.report(job, status="processing")
    tag = gateway.get(f"/api/jobs/{job}/status").header("ETag")
    seconds, _ = worker.redis.time()
    answers = [gateway.get("/healthz"), gateway.get("/jobcast.js"), gateway.get(f"/api/jobs/{job}/status"),
               gateway.get(f"/api/jobs/{job}/status", {"If-None-Match": tag}), gateway.get("/nothing"),
               gateway.request("PUT", "/api/jobs"), preflight(gateway, ORIGIN), preflight(gateway, "https://evil.example.com"),
               gateway.post(f"/api/jobs/{job}/report", b"x"), gateway.delete(f"/api/jobs/{job}")]
    with gateway.connect() as broken:
        broken.send(b"GET / HTTP/9\r\n\r\n")
        answers.append(broken.response())
    for answer in answers:
        date = email.utils.parsedate_to_datetime(answer.header("Date"))
        assert -1 <= date.timestamp() - seconds < 10, answer
    with gateway.watch(job) as stream, gateway.websocket() as ws:
        assert stream.header("Date") and dict(ws.headers)["Date"]
    assert "date" in listed(gateway.get("/healthz", {"Origin": ORIGIN}).header("Access-Control-Expose-Headers"))


# Paths and methods

@pytest.mark.parametrize("target", ["/api/nothing", "/api/jobs/a/b/c", "/api", "/nothing", "/API/jobs"])
def test_an_unknown_path_is_404(gateway, target):
    assert_problem(gateway.get(target), 404)


@pytest.mark.parametrize("method, target, allowed", [
    ("DELETE", "/api/jobs/x/status", {"get", "head"}), ("PUT", "/api/jobs", {"get", "head", "post"}),
    ("GET", "/api/jobs/x/report", {"post"}), ("GET", "/api/jobs/x", {"delete"}), ("PATCH", "/healthz", {"get", "head"}),
    ("POST", "/api/jobs/x/events", {"get", "head"})])
def test_a_method_a_path_does_not_take_is_405_and_says_what_it_takes(gateway, method, target, allowed):
    response = gateway.request(method, target)
    assert_problem(response, 405)
    assert listed(response.header("Allow")) >= allowed
    assert method.lower() not in listed(response.header("Allow"))


@pytest.mark.parametrize("target", ["/healthz", "/readyz", "/metrics", "/openapi.yaml", "/jobcast.js", "/", "/nothing",
                                    "/api/jobs/{job}/status", "/api/jobs/{job}/history", "/api/jobs?ids={job}"])
def test_head_answers_the_headers_of_get_and_no_body(gateway, job, target):
    gateway.report(job, status="done")
    target = target.format(job=job)
    with gateway.connect() as connection:
        full = connection.request("GET", target)
        head = connection.request("HEAD", target)
        # A body after all would be taken for the next answer.
        assert connection.request("GET", "/healthz").status == 200
    assert head.status == full.status
    same = [name for name, _ in full.headers if target != "/metrics" or name != "Content-Length"]
    assert {n: head.header(n) for n in same} == {n: full.header(n) for n in same}


# Operator pages

def test_healthz_and_readyz_are_fine(gateway):
    for target in ("/healthz", "/readyz"):
        response = gateway.get(target)
        assert response.status == 200
        assert response.header("Cache-Control") == "no-store"


def test_metrics_are_in_the_prometheus_text_format(gateway, job):
    gateway.report(job, status="processing")
    with gateway.watch(job) as stream:
        stream.expect("job")
        response = gateway.get("/metrics")
    assert response.header("Content-Type").startswith("text/plain; version=0.0.4")
    sample = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*(\{.*\})? (NaN|[-+0-9.eE]+|[+-]Inf)( \d+)?")
    lines = response.body.decode().splitlines()
    for line in lines:
        assert line.startswith(("# HELP jobcast_", "# TYPE jobcast_")) or sample.fullmatch(line), line
    values = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    assert float(values["jobcast_streams"]) >= 1
    assert float(values["jobcast_deliveries_total"]) >= 1


def test_the_description_and_the_browser_client_are_served(gateway):
    description = gateway.get("/openapi.yaml")
    assert description.header("Content-Type") == "application/yaml"
    assert description.body.startswith(b"openapi: 3") or b"\nopenapi: 3" in description.body
    client = gateway.get("/jobcast.js")
    assert client.header("Content-Type").startswith("text/javascript")
    assert b"export" in client.body


def test_every_described_path_exists(gateway, job):
    gateway.report(job, status="processing")
    description = gateway.get("/openapi.yaml").body.decode()
    paths = re.findall(r"^  (/\S*):$", description, re.MULTILINE)
    assert len(paths) >= 10
    for path in paths:
        response = gateway.request("PUT", re.sub(r"\{\w+\}", job, path))
        assert response.status == 405 or path == "/", f"{path} is described and answers {response}"


# Static files

def test_the_root_serves_its_index_and_files(gateway):
    index = gateway.get("/")
    assert (index.status, index.body) == (200, b"<h1>jobcast</h1>")
    assert index.header("Content-Type").startswith("text/html")
    assert gateway.get("/app.js").header("Content-Type").startswith("text/javascript")
    assert gateway.get("/sub/").body == b"sub"


def test_an_unchanged_file_is_304(gateway):
    tag = gateway.get("/app.js").header("ETag")
    assert gateway.get("/app.js", {"If-None-Match": tag}).status == 304


@pytest.mark.parametrize("target", [
    "/../secret.txt", "/sub/../../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt", "/%2e%2e%2fsecret.txt",
    "/sub/%2e%2e/%2e%2e/secret.txt", "/..%5csecret.txt", "/.hidden", "/%2ehidden", "/link.txt", "/up/secret.txt",
    "/../root-other.txt", "//secret.txt", "/app.js%00.html", "/./.hidden", "//etc/passwd", "/%2fetc%2fpasswd"])
def test_nothing_outside_of_the_root_is_served(gateway, target):
    response = gateway.get(target)
    assert response.status in (400, 404), response
    assert SECRET not in response.body and b"root:" not in response.body
