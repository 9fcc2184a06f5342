"""The right to a job and what is done to it are one call of Redis: a job that changes hands in between is nobody else's."""
import threading

import pytest

from harness.tokens import BILLING, PUBLISHER, auth_toml, bearer, token
from harness.ws import handshake


@pytest.fixture(scope="module")
def gateway_config():
    return {"toml": auth_toml()}


ANNA, BOB = bearer(token("anna")), bearer(token("bob"))
ASKED = [("POST", "/cancel"), ("POST", "/retry"), ("POST", "/seen"), ("GET", "/history"), ("DELETE", "")]


def commands_about(redis_server, job, act):
    """What the gateway asked Redis about the job during `act`: the words of each command."""
    client = redis_server.client()
    with redis_server.client().monitor() as monitor:
        act()
        client.ping()
        client.echo("that was all " + job)
        asked = []
        while "that was all " + job not in (command := monitor.next_command())["command"]:
            if command["client_type"] != "lua" and job in command["command"]:
                asked.append(command["command"].split())
        return asked


@pytest.mark.parametrize("method, path", ASKED)
@pytest.mark.parametrize("who", ["anna", "bob", "backend", "billing"])
def test_redis_is_asked_once(gateway, redis_server, job, method, path, who):
    assert gateway.post("/api/jobs", {"id": job, "owner": "anna"}, PUBLISHER).status == 202
    headers = {"anna": ANNA, "bob": BOB, "backend": PUBLISHER, "billing": BILLING}[who]
    if method == "DELETE" and who in ("anna", "bob"):
        headers = bearer(token(who, scope="jobs:publish", tenant="acme"))
    asked = commands_about(redis_server, job, lambda: gateway.request(method, f"/api/jobs/{job}{path}", headers=headers))
    assert [words[:2] for words in asked] == [["FCALL", "jobcast_history" if method == "GET" else "jobcast_command"]]


def test_a_websocket_asks_once_too(gateway, redis_server, job):
    gateway.post("/api/jobs", {"id": job, "owner": "anna"}, PUBLISHER)
    with gateway.websocket(headers={**handshake(), **BOB}) as ws:
        def cancel():
            ws.say("cancel", job=job, id="c")
            assert ws.find(lambda e: e.get("id") == "c")["problem"]["status"] == 404
        assert [words[:2] for words in commands_about(redis_server, job, cancel)] == [["FCALL", "jobcast_command"]]


@pytest.mark.parametrize("method, path", ASKED)
def test_the_job_of_another_is_answered_as_none_in_every_header(gateway, job, method, path):
    gateway.post("/api/jobs", {"id": job, "owner": "anna", "type": "import"}, PUBLISHER)
    headers = BILLING if method == "DELETE" else BOB

    def answer(id):
        response = gateway.request(method, f"/api/jobs/{id}{path}", headers=headers)
        kept = [(name, value) for name, value in response.headers if name not in ("Date", "Retry-After")]
        return response.status, kept, response.body.replace(id.encode(), b"ID")
    theirs = answer(job)
    assert theirs == answer("x" * len(job)) and theirs[0] == 404
    assert gateway.get(f"/api/jobs/{job}/status", PUBLISHER).json()["version"] == 1


def test_an_id_that_keeps_changing_hands_is_never_commanded_by_who_has_lost_it(gateway, job):
    over = threading.Event()

    def change_hands():
        with gateway.connect() as connection:
            for owner in ["anna", "bob"] * 100:
                assert connection.request("POST", "/api/jobs", {"id": job, "owner": owner}, PUBLISHER).status == 202
                assert connection.request("DELETE", f"/api/jobs/{job}", None, PUBLISHER).status == 204
        over.set()
    changing = threading.Thread(target=change_hands)
    changing.start()
    wrong = []
    with gateway.connect() as connection:
        while not over.is_set():
            answer = connection.request("POST", f"/api/jobs/{job}/cancel", None, BOB)
            if answer.status not in (404, 409) and answer.json().get("owner") != "bob":
                wrong.append(answer)
    changing.join()
    assert not wrong


@pytest.mark.parametrize("claims, allowed", [
    (dict(sub="anna"), True), (dict(sub="bob"), False), (dict(sub="anna", tenant="acme"), False), (dict(jobs=["JOB"]), True),
    (dict(jobs=["other"]), False), (dict(sub="svc", scope="jobs:publish"), True), (dict(scope="operator"), False),
    (dict(sub="sam", scope="jobs:read:all"), False)])
def test_who_may_command_is_as_before(gateway, job, claims, allowed):
    gateway.post("/api/jobs", {"id": job, "owner": "anna"}, PUBLISHER)
    claims = {name: [job] if value == ["JOB"] else value for name, value in claims.items()}
    assert gateway.post(f"/api/jobs/{job}/cancel", headers=bearer(token(**claims))).status == (202 if allowed else 404)


# A history page

def test_a_long_history_is_read_on_with_its_cursor(gateway, redis_server, job):
    gateway.post("/api/jobs", {"id": job, "owner": "anna"}, PUBLISHER)
    pipe = redis_server.client().pipeline(transaction=False)
    for n in range(250):
        pipe.execute_command("FCALL", "jobcast_report", 1, "jobcast", job, "status", "retrying", "attempt", n + 1,
                             "error.detail", "\x01" * 2000, "error.action", "\x01" * 2000)
    pipe.execute()
    entries, target, sizes = [], f"/api/jobs/{job}/history", []
    while target:
        page = gateway.get(target, ANNA)
        assert page.status == 200
        entries += page.json()["entries"]
        sizes.append(len(page.body))
        cursor = page.json().get("cursor")
        target = cursor and f"/api/jobs/{job}/history?cursor={cursor}"
    assert [entry["version"] for entry in entries] == list(range(1, 252))
    assert len(sizes) > 3 and max(sizes) < 1200000


def test_a_short_history_has_no_cursor_and_one_that_was_made_up_is_refused(gateway, job):
    gateway.post("/api/jobs", {"id": job, "owner": "anna"}, PUBLISHER)
    assert "cursor" not in gateway.get(f"/api/jobs/{job}/history", ANNA).json()
    refused = gateway.get(f"/api/jobs/{job}/history?cursor=next", ANNA)
    assert (refused.status, refused.json()["field"]) == (400, "cursor")
