"""What pages of other sites can make a browser do: send its cookies along, and open WebSockets to anywhere."""
import pytest

from harness.tokens import PUBLISHER, auth_toml, token
from harness.wait import Deadline
from harness.ws import handshake

APP = "https://app.example.com"
# Each is another origin than the one that is allowed.
STRANGERS = ["https://evil.example", "null", "http://app.example.com", "https://app.example.com:8443", "https://app.example.com.evil.example",
             "https://app.example.com@evil.example", "https://evil.example/https://app.example.com", "https://APP.example.com.",
             "https://sub.app.example.com", "https://xapp.example.com", "https://app.example.com/", "https://app.example.com https://evil.example",
             "file://", "*", "app.example.com", "https://app_example.com", "https://app.example.co"]


@pytest.fixture(scope="module")
def gateway_config():
    return {"toml": auth_toml() + f'[cors]\norigins = ["{APP}"]\n'}


@pytest.fixture
def annas(gateway, job):
    gateway.create(PUBLISHER, id=job, owner="anna")
    return job


def cookie(**more):
    return {"Cookie": f"jobcast_token={token('anna')}", **more}


@pytest.mark.parametrize("origin", STRANGERS)
def test_a_page_of_another_site_opens_no_websocket(gateway, origin):
    for headers in (cookie(Origin=origin), {"Origin": origin}):
        with gateway.websocket(headers={**handshake(), **headers}) as ws:
            assert ws.status == 403


def test_a_cookie_alone_opens_no_websocket(gateway):
    refused = gateway.get("/api/ws", {**handshake(), **cookie()})
    assert refused.status == 403 and "need an Origin" in refused.json()["detail"]


def test_pages_of_an_allowed_origin_and_our_own_open_websockets(gateway, annas):
    for origin in (APP, f"http://127.0.0.1:{gateway.port}"):
        with gateway.websocket(headers={**handshake(), **cookie(Origin=origin)}) as ws:
            assert ws.status == 101
            ws.watch(annas)
            assert ws.job(annas)["owner"] == "anna"


@pytest.mark.parametrize("origin", STRANGERS)
def test_a_page_of_another_site_sends_no_commands_with_the_cookie(gateway, annas, origin):
    for method, path in (("POST", f"/api/jobs/{annas}/cancel"), ("POST", f"/api/jobs/{annas}/retry"), ("POST", f"/api/jobs/{annas}/seen"),
                         ("POST", "/api/watch-links"), ("DELETE", f"/api/jobs/{annas}")):
        # A form needs no preflight: its content types are the ones any page may send.
        for kind in ("application/json", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
            response = gateway.request(method, path, b"{}", cookie(Origin=origin, **{"Content-Type": kind}))
            assert response.status == 403, (method, path, response)
            assert response.header("Access-Control-Allow-Origin") is None
    assert "cancel_requested" not in str(gateway.get(f"/api/jobs/{annas}/history", PUBLISHER).json())


def test_commands_with_the_cookie_need_an_origin(gateway, annas):
    assert gateway.post(f"/api/jobs/{annas}/cancel", headers=cookie()).status == 403
    assert gateway.post(f"/api/jobs/{annas}/cancel", headers=cookie(Referer=APP)).status == 403
    assert gateway.post(f"/api/jobs/{annas}/cancel", headers=cookie(Origin=APP)).status == 202


@pytest.mark.parametrize("origin", STRANGERS)
def test_no_page_of_another_site_reads_an_answer(gateway, annas, origin):
    for path in ("status", "history", "events"):
        with gateway.connect() as connection:
            connection.send(f"GET /api/jobs/{annas}/{path} HTTP/1.1\r\nHost: x\r\nOrigin: {origin}\r\n"
                            f"Cookie: jobcast_token={token('anna')}\r\n\r\n".encode())
            _, _, headers = connection.head(Deadline())
        names = {name.lower(): value for name, value in headers}
        assert not any(name.startswith("access-control-") for name in names), (path, names)
        assert "origin" in names["vary"].lower()


def test_an_allowed_page_reads_answers_with_credentials(gateway, annas):
    response = gateway.get(f"/api/jobs/{annas}/status", cookie(Origin=APP))
    assert response.header("Access-Control-Allow-Origin") == APP
    assert response.header("Access-Control-Allow-Credentials") == "true"
    assert {"ETag", "Retry-After", "Location"} <= set(response.header("Access-Control-Expose-Headers").split(", "))
    with gateway.watch(annas, headers=cookie(Origin=APP)) as stream:
        assert stream.header("Access-Control-Allow-Origin") == APP
        assert stream.next().data["id"] == annas


def test_an_allowed_page_can_read_why_it_was_refused(gateway, annas):
    for path, headers, status in ((f"/api/jobs/{annas}/status", {}, 401), ("/api/jobs/none/status", cookie(), 404), ("/nowhere", {}, 404)):
        response = gateway.get(path, {**headers, "Origin": APP})
        assert (response.status, response.header("Access-Control-Allow-Origin")) == (status, APP)


def preflight(gateway, origin, method="POST", headers="authorization, content-type"):
    return gateway.request("OPTIONS", "/api/jobs/x/cancel", headers={
        "Origin": origin, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": headers})


def test_a_preflight_of_an_allowed_origin_is_answered_without_credentials(gateway):
    response = preflight(gateway, APP)
    assert response.status == 204
    assert response.header("Access-Control-Allow-Origin") == APP
    assert {"POST", "DELETE"} <= set(response.header("Access-Control-Allow-Methods").split(", "))
    assert {"Authorization", "Content-Type", "Last-Event-ID", "Idempotency-Key"} <= set(
        response.header("Access-Control-Allow-Headers").split(", "))
    assert "*" not in str(response.headers)


@pytest.mark.parametrize("origin", STRANGERS)
def test_a_preflight_of_another_site_is_refused(gateway, origin):
    response = preflight(gateway, origin)
    assert response.status == 403
    assert not any(name.lower().startswith("access-control-") for name, _ in response.headers)
