"""Who may see and do what, by every endpoint and transport."""
import json
import os
import subprocess
import threading
import time

import pytest

from harness.gateway import PROGRAM
from harness.http_client import Closed
from harness.redis_server import Worker
from harness.tokens import API_KEY, BILLING, PUBLISHER, auth_toml, bearer, key_hash, token
from harness.wait import until
from harness.ws import handshake


@pytest.fixture(scope="module")
def gateway_config():
    return {"toml": auth_toml()}


@pytest.fixture
def annas(gateway, job):
    """A job that belongs to anna."""
    made = gateway.post("/api/jobs", {"id": job, "owner": "anna", "type": "invoice"}, PUBLISHER)
    assert made.status == 202, made
    return job


ANNA, BOB = bearer(token("anna")), bearer(token("bob"))


def test_without_credentials_nothing_is_told(gateway, annas):
    for method, target in (("GET", f"/api/jobs/{annas}/status"), ("GET", f"/api/jobs/{annas}/events"),
                           ("GET", f"/api/jobs/{annas}/history"), ("GET", f"/api/jobs?ids={annas}"),
                           ("GET", f"/api/events?job={annas}"), ("GET", "/api/jobs?owner=anna"),
                           ("POST", f"/api/jobs/{annas}/cancel"), ("POST", f"/api/jobs/{annas}/retry"),
                           ("POST", "/api/watch-links"), ("POST", f"/api/jobs/{annas}/report"),
                           ("POST", "/api/reports"), ("POST", "/api/jobs"), ("DELETE", f"/api/jobs/{annas}"),
                           ("GET", "/metrics")):
        response = gateway.request(method, target)
        assert response.status == 401, (method, target, response)
        assert response.header("WWW-Authenticate") == "Bearer"
        assert annas.encode() not in response.body


def test_health_needs_no_credentials(gateway):
    assert gateway.get("/healthz").status == gateway.get("/readyz").status == 200


def test_an_owner_reads_their_job(gateway, annas):
    assert gateway.get(f"/api/jobs/{annas}/status", ANNA).json()["owner"] == "anna"
    assert gateway.get(f"/api/jobs/{annas}/history", ANNA).status == 200
    assert [r["id"] for r in gateway.get("/api/jobs?owner=me", ANNA).json()["jobs"]].count(annas) == 1


def test_the_job_of_another_looks_like_none(gateway, annas):
    def answer(method, target):
        response = gateway.request(method, target, headers=BOB)
        return response.status, response.body.replace(annas.encode(), b"ID").replace(b"no-such-job", b"ID")
    for method, path in (("GET", "status"), ("GET", "history"), ("POST", "cancel"), ("POST", "retry")):
        theirs = answer(method, f"/api/jobs/{annas}/{path}")
        assert theirs == answer(method, f"/api/jobs/no-such-job/{path}")
        assert theirs[0] == 404
    assert gateway.get(f"/api/jobs?ids={annas}", BOB).json()["jobs"] == []
    assert gateway.get("/api/jobs?owner=anna", BOB).status == 403


def test_a_stream_of_anothers_job_says_that_there_is_none(gateway, annas):
    with gateway.watch(annas, headers=BOB) as bobs, gateway.watch(annas, headers=ANNA) as hers:
        assert bobs.next().name == "missing"
        assert hers.next().name == "job"
        gateway.post(f"/api/jobs/{annas}/report", {"status": "done"}, PUBLISHER)
        hers.find(lambda e: e.name == "end")
        bobs.glance(0.2)
        assert [e.name for e in bobs.seen] == ["missing"]


def test_a_websocket_of_another_is_told_that_there_is_none(gateway, annas):
    with gateway.websocket(headers={**handshake(), **BOB}) as ws:
        ws.watch(annas)
        ws.expect("missing", id=annas)
        for op in ("cancel", "retry"):
            ws.say(op, job=annas, id=op)
            assert ws.find(lambda e: e.get("id") == op)["problem"]["status"] == 404
        ws.say("watch", owner="anna", id="o")
        assert ws.find(lambda e: e.get("id") == "o")["problem"]["status"] == 403


def test_a_job_that_appears_is_shown_to_its_owner_alone(gateway, job):
    with gateway.watch(job, headers=BOB) as bobs, gateway.watch(job, headers=ANNA) as hers:
        assert bobs.next().name == hers.next().name == "missing"
        gateway.post("/api/jobs", {"id": job, "owner": "bob"}, PUBLISHER)
        bobs.find(lambda e: e.name == "job")
        hers.glance(0.2)
        assert all(e.name == "missing" for e in hers.seen)


def until_held(gateway):
    operator = bearer(token(scope="operator"))
    until(lambda: b"\njobcast_long_polls 1\n" in gateway.get("/metrics", operator).body, "the poll to be held")


def poll(gateway, target, headers):
    """The answer, and how long it took."""
    began = time.monotonic()
    answer = gateway.get(target, headers)
    return answer, time.monotonic() - began


@pytest.mark.parametrize("with_tag", [False, True])
def test_a_poll_of_anothers_job_is_held_like_one_of_no_job(gateway, annas, with_tag):
    tag = gateway.get(f"/api/jobs/{annas}/status", ANNA).header("ETag")
    held = {"Prefer": "wait=1", **BOB, **({"If-None-Match": tag} if with_tag else {})}
    told = []
    for id in (annas, "x" * len(annas)):
        answer, seconds = poll(gateway, f"/api/jobs/{id}/status", held)
        assert 0.9 <= seconds < 5, id
        headers = [(name, value) for name, value in answer.headers if name not in ("Date", "Retry-After")]
        told.append((answer.status, headers, answer.body.replace(id.encode(), b"ID")))
    assert told[0] == told[1] and told[0][0] == 404


def test_nothing_that_happens_to_anothers_job_ends_a_poll(gateway, annas):
    answers = []
    held = {"Prefer": "wait=3", **BOB}
    waiting = threading.Thread(target=lambda: answers.append(poll(gateway, f"/api/jobs/{annas}/status", held)))
    waiting.start()
    until_held(gateway)
    for change in ({"percent": 5}, {"status": "done"}):
        assert gateway.post(f"/api/jobs/{annas}/report", change, PUBLISHER).status == 200
    assert gateway.delete(f"/api/jobs/{annas}", PUBLISHER).status == 204
    assert gateway.post("/api/jobs", {"id": annas, "owner": "anna"}, PUBLISHER).status == 202
    waiting.join(15)
    answer, seconds = answers[0]
    assert (answer.status, seconds >= 2.9) == (404, True)


def test_a_poll_hears_of_a_job_that_becomes_ones_own(gateway, job):
    answers = []
    held = {"Prefer": "wait=30", **BOB}
    waiting = threading.Thread(target=lambda: answers.append(poll(gateway, f"/api/jobs/{job}/status", held)))
    waiting.start()
    until_held(gateway)
    gateway.post(f"/api/jobs/{job}/report", {"status": "processing"}, PUBLISHER)
    gateway.post(f"/api/jobs/{job}/report", {"owner": "bob"}, PUBLISHER)
    waiting.join(15)
    answer, _ = answers[0]
    assert (answer.status, answer.json()["owner"], answer.json()["version"]) == (200, "bob", 2)


def test_a_token_for_named_jobs_sees_those(gateway, annas):
    guest = bearer(token(jobs=[annas]))
    assert gateway.get(f"/api/jobs/{annas}/status", guest).status == 200
    assert gateway.get("/api/jobs?owner=me", guest).status == 400


def test_tenants_do_not_see_each_other(gateway, job):
    gateway.post("/api/jobs", {"id": job, "owner": "anna", "tenant": "acme"}, PUBLISHER)
    status = f"/api/jobs/{job}/status"
    assert gateway.get(status, bearer(token("anna", tenant="acme"))).status == 200
    for other in (token("anna"), token("anna", tenant="other"), token("sam", scope="jobs:read:all"),
                  token("sam", tenant="other", scope="jobs:read:all"), token(jobs=[job])):
        assert gateway.get(status, bearer(other)).status == 404
    assert gateway.get(status, bearer(token("sam", tenant="acme", scope="jobs:read:all"))).status == 200


def test_commands_are_for_owners_and_publishers(gateway, annas):
    assert gateway.post(f"/api/jobs/{annas}/cancel", headers=bearer(token("sam", scope="jobs:read:all"))).status == 404
    assert gateway.post(f"/api/jobs/{annas}/cancel", headers=ANNA).status == 202


def test_a_publisher_of_some_types_is_told_how_to_ask_for_jobs(gateway):
    for owner, status in (("anna", 403), ("me", 400)):
        refused = gateway.get(f"/api/jobs?owner={owner}", BILLING)
        assert refused.status == status and "ask for owner=me" not in refused.json()["detail"]
        assert "name jobs" in refused.json()["detail"].lower() and "or an owner" not in refused.json()["detail"]


def test_viewers_do_not_publish(gateway, annas):
    assert gateway.post(f"/api/jobs/{annas}/report", {"percent": 5}, ANNA).status == 403
    assert gateway.post("/api/jobs", {}, ANNA).status == 403
    assert gateway.delete(f"/api/jobs/{annas}", ANNA).status == 403
    assert gateway.post(f"/api/jobs/{annas}/report", {"percent": 5}, bearer(token("svc", scope="jobs:publish"))).status == 200


def test_a_publisher_of_one_type_leaves_others_alone(gateway, job, new_job):
    other = new_job()
    assert gateway.post("/api/jobs", {"id": job, "type": "invoice"}, BILLING).status == 202
    assert gateway.post(f"/api/jobs/{job}/report", {"percent": 5}, BILLING).status == 200
    assert gateway.post("/api/jobs", {"id": other, "type": "import"}, BILLING).status == 403
    gateway.post("/api/jobs", {"id": other, "type": "import"}, PUBLISHER)
    assert gateway.post(f"/api/jobs/{other}/report", {"percent": 5}, BILLING).status == 403
    lines = f'{{"id":"{other}","percent":5}}\n{{"id":"{job}","percent":6}}'.encode()
    first, second = [json.loads(line) for line in gateway.post("/api/reports", lines, BILLING).body.splitlines()]
    assert first["problem"]["status"] == 403 and second["result"] == "ok"
    assert gateway.delete(f"/api/jobs/{other}", BILLING).status == 404
    assert gateway.get(f"/api/jobs/{other}/status", PUBLISHER).json()["progress"] == {}


def test_a_token_with_a_tenant_publishes_for_it_alone(gateway, job):
    acme = bearer(token("svc", tenant="acme", scope="jobs:publish"))
    assert gateway.post("/api/jobs", {"id": job, "owner": "anna"}, acme).status == 403
    assert gateway.post("/api/jobs", {"id": job, "owner": "anna", "tenant": "acme"}, acme).status == 202


def test_metrics_are_for_operators(gateway):
    assert gateway.get("/metrics", ANNA).status == 403
    assert gateway.get("/metrics", bearer(token(scope="operator"))).status == 200


def test_a_cookie_carries_a_token_and_needs_an_origin_for_commands(gateway, annas):
    cookie = {"Cookie": f"theme=dark; jobcast_token={token('anna')}"}
    assert gateway.get(f"/api/jobs/{annas}/status", cookie).status == 200
    cancel = f"/api/jobs/{annas}/cancel"
    assert gateway.post(cancel, headers=cookie).status == 403
    assert gateway.post(cancel, headers={**cookie, "Origin": "https://evil.example"}).status == 403
    assert gateway.post(cancel, headers={**cookie, "Origin": f"http://127.0.0.1:{gateway.port}"}).status == 202


def test_a_token_in_a_url_is_refused(gateway, annas):
    for name in ("token", "access_token", "link"):
        response = gateway.get(f"/api/jobs/{annas}/events?{name}={token('anna')}")
        assert response.status == 400 and response.json()["field"] == name


def test_a_watch_link_follows_one_job_and_nothing_else(gateway, annas):
    made = gateway.post("/api/watch-links", {"jobs": [annas]}, ANNA).json()
    assert made["expires_at"] > time.time() * 1000
    with gateway.stream(made["url"]) as stream:
        assert stream.next().data["id"] == annas
    link = made["url"].split("link=")[1]
    assert gateway.get(f"/api/jobs/{annas}/status?link={link}").status == 200
    assert gateway.get(f"/api/jobs/other/status?link={link}").status == 404
    assert gateway.post(f"/api/jobs/{annas}/cancel?link={link}").status == 403
    assert gateway.get(f"/api/jobs/{annas}/status?link={link[:-1]}").status == 401


def test_a_watch_link_names_several_jobs_or_an_owner(gateway, annas, new_job):
    other = new_job()
    gateway.post("/api/jobs", {"id": other, "owner": "anna"}, PUBLISHER)
    several = gateway.post("/api/watch-links", {"jobs": [annas, other]}, ANNA).json()["url"]
    with gateway.stream(several) as stream:
        assert {stream.next().data["id"], stream.next().data["id"]} == {annas, other}
    mine = gateway.post("/api/watch-links", {"owner": "me", "expires_in": 60}, ANNA).json()["url"]
    with gateway.stream(mine) as stream:
        stream.find(lambda e: e.name == "job" and e.data["id"] == annas)


def test_no_link_can_be_had_to_the_job_of_another_or_of_nobody_yet(gateway, annas):
    assert gateway.post("/api/watch-links", {"jobs": [annas]}, BOB).status == 404
    assert gateway.post("/api/watch-links", {"jobs": ["yet-to-come"]}, BOB).status == 404
    for wrong, field in (({}, "jobs"), ({"jobs": []}, "jobs"), ({"owner": "anna"}, "owner"), ({"job": "a"}, "job"),
                         ({"jobs": [annas], "expires_in": 0}, "expires_in")):
        response = gateway.post("/api/watch-links", wrong, ANNA)
        assert response.status == 400 and response.json()["field"] == field


def test_the_watch_url_of_a_created_job_needs_no_login(gateway, job):
    made = gateway.post("/api/jobs", {"id": job, "owner": "anna", "tenant": "acme"}, PUBLISHER).json()
    with gateway.stream(made["watch_url"]) as stream:
        assert stream.next().data["id"] == job


def test_a_publisher_gets_links_for_guests_of_any_tenant(gateway, job):
    gateway.post("/api/jobs", {"id": job, "owner": "anna", "tenant": "acme"}, PUBLISHER)
    url = gateway.post("/api/watch-links", {"jobs": [job]}, PUBLISHER).json()["url"]
    with gateway.stream(url) as stream:
        assert stream.next().data["id"] == job


def test_the_command_line_takes_a_token_from_the_environment(gateway, job):
    def run(*arguments, **env):
        return subprocess.run([PROGRAM, *arguments, "--url", f"http://127.0.0.1:{gateway.port}"], env={**os.environ, **env},
                              capture_output=True, text=True, timeout=60)
    assert run("report", job, "status=done").returncode == 1
    assert run("report", job, "status=done", "owner=anna", JOBCAST_TOKEN=API_KEY).returncode == 0
    assert run("watch", job, JOBCAST_TOKEN=token("anna")).returncode == 0


def test_a_page_whose_name_resolves_to_this_machine_is_not_answered(redis_server, start_gateway):
    open_gateway = start_gateway(redis_server)
    with open_gateway.connect() as connection:
        connection.send(b"GET /api/jobs?ids=a HTTP/1.1\r\nHost: evil.example:8080\r\n\r\n")
        response = connection.response()
        assert response.status == 403 and response.json()["field"] == "Host"


def test_publishers_keys_are_apart(gateway):
    key = {"Idempotency-Key": "order-1"}
    first = gateway.post("/api/jobs", {"type": "invoice"}, {**key, **PUBLISHER}).json()["id"]
    second = gateway.post("/api/jobs", {"type": "invoice"}, {**key, **BILLING}).json()["id"]
    assert first != second


def test_a_websocket_may_say_who_it_is_afterwards(gateway, annas):
    with gateway.websocket() as ws:
        ws.say("watch", jobs=[annas], id=1)
        assert ws.find(lambda e: e.get("id") == 1)["problem"]["status"] == 401
        ws.say("auth", token="nonsense", id=2)
        assert ws.find(lambda e: e.get("id") == 2)["problem"]["status"] == 401
        ws.say("auth", token=token("anna"), id=3)
        ws.find(lambda e: e == {"event": "ack", "id": 3})
        ws.watch(annas)
        assert ws.job(annas)["owner"] == "anna"
        ws.say("auth", token=token("bob"), id=4)
        assert ws.find(lambda e: e.get("id") == 4)["problem"]["status"] == 403


def test_a_stream_is_warned_and_ends_with_its_token(gateway, annas):
    with gateway.watch(annas, headers=bearer(token("anna", ttl=3))) as stream:
        assert stream.find(lambda e: e.name == "reauth").data["expires_at"] > time.time() * 1000
        assert stream.find(lambda e: e.name == "end").data == {"reason": "expired"}
        stream.wait_closed()


def test_a_websocket_renews_its_token_in_band(gateway, annas):
    with gateway.websocket(headers={**handshake(), **bearer(token("anna", ttl=2))}) as ws:
        ws.watch(annas)
        ws.find(lambda e: e["event"] == "reauth")
        ws.say("auth", token=token("anna", ttl=300), id="again")
        ws.find(lambda e: e == {"event": "ack", "id": "again"})
        until(lambda: gateway.get(f"/api/jobs/{annas}/status", bearer(token("anna"))).status == 200, "an answer")
        gateway.post(f"/api/jobs/{annas}/report", {"percent": 50}, PUBLISHER)
        assert ws.job(annas, version=2)


def test_a_websocket_without_a_new_token_ends(gateway, annas):
    with gateway.websocket(headers={**handshake(), **bearer(token("anna", ttl=2))}) as ws:
        ws.watch(annas)
        ws.find(lambda e: e["event"] == "end" and e["reason"] == "expired")
        assert ws.wait_closed() == 1008


def test_keys_are_read_again_on_sighup(redis_server, start_gateway, job):
    gateway = start_gateway(redis_server, toml=auth_toml())
    Worker(redis_server).report(job, owner="anna")
    new_key = "jck_the-key-that-replaces-the-other"
    gateway.configure(auth_toml().replace(key_hash(API_KEY), key_hash(new_key)))
    gateway.process.send_signal(1)
    until(lambda: gateway.post(f"/api/jobs/{job}/report", {"percent": 1}, bearer(new_key)).status == 200, "the new key")
    until(lambda: gateway.post(f"/api/jobs/{job}/report", {"percent": 1}, PUBLISHER).status == 401, "the old one gone")
    assert API_KEY not in gateway.log() and new_key not in gateway.log()


def test_a_viewer_has_so_many_streams_and_an_event_source_is_told_to_come_back(redis_server, start_gateway, job):
    gateway = start_gateway(redis_server, toml=auth_toml(), LIMITS_STREAMS_PER_OWNER=1)
    Worker(redis_server).report(job, owner="anna")
    with gateway.watch(job, headers=ANNA) as first:
        assert first.next().name == "job"
        with gateway.watch(job, headers=ANNA) as second:
            assert second.next().data == {"state": "busy"}
            second.wait_closed()
    def again():
        with gateway.watch(job, headers=ANNA) as third:
            return third.next().name == "job"
    until(again, "the place of the first")


def test_guests_of_one_link_share_the_streams_of_a_viewer_and_take_none_of_its_owners(redis_server, start_gateway, job, new_job):
    gateway = start_gateway(redis_server, toml=auth_toml(), LIMITS_STREAMS_PER_OWNER=1)
    other = new_job()
    for one in (job, other):
        Worker(redis_server).report(one, owner="anna")

    def link(**of):
        return gateway.post("/api/watch-links", of, ANNA).json()["url"]

    def first_event(stream):
        return stream.next().name
    for held, refused, free in ((link(jobs=[job]), link(jobs=[job]), link(jobs=[other])), (link(owner="me"), link(owner="me"), link(jobs=[other]))):
        with gateway.stream(held) as guest:
            assert first_event(guest) == "job"
            with gateway.stream(refused) as second:
                assert second.next().data == {"state": "busy"}
            for target, headers in ((free, ()), (f"/api/jobs/{job}/events", ANNA)):
                until(lambda: opens(gateway, target, headers), "another's place")
    named = bearer(token(jobs=[job]))
    with gateway.watch(job, headers=named) as stream:
        assert first_event(stream) == "job"
        with gateway.watch(job, headers=bearer(token(jobs=[job], ttl=200))) as second:
            assert second.next().data == {"state": "busy"}


def test_links_and_tokens_for_mixes_of_the_same_jobs_are_one_viewer(redis_server, start_gateway, new_job):
    gateway = start_gateway(redis_server, toml=auth_toml(), LIMITS_STREAMS_PER_OWNER=1)
    jobs = [new_job() for _ in range(3)]
    for one in jobs:
        Worker(redis_server).report(one, owner="anna")

    def link(*of):
        return gateway.post("/api/watch-links", {"jobs": of}, ANNA).json()["url"]
    a, b, c = sorted(jobs)
    with gateway.stream(link(a, b, c)) as guest:
        assert guest.next().name == "job"
        for same in ((c, b, a), (b, a, c), (a, b, c, a), (a, a, b, b, c), (b, a), (a, c)):
            with gateway.stream(link(*same)) as second:
                assert second.next().data == {"state": "busy"}
            named = bearer(token(jobs=list(same)))
            with gateway.stream(f"/api/events?job={a}", headers=named) as third:
                assert third.next().data == {"state": "busy"}
        assert opens(gateway, link(b, c), ())


def opens(gateway, target, headers):
    with gateway.stream(target, headers=headers) as stream:
        return stream.next().name == "job"


def test_streams_behind_a_proxy_are_counted_for_the_address_it_forwards(redis_server, start_gateway, job):
    gateway = start_gateway(redis_server, toml=auth_toml() + '[server]\ntrusted_proxies = ["127.0.0.1"]\n', LIMITS_CONNECTIONS_PER_ADDRESS=2)
    Worker(redis_server).report(job, owner="anna")

    def stream(address):
        return gateway.watch(job, headers={**ANNA, "X-Forwarded-For": address, "Accept": "text/event-stream"})
    with stream("203.0.113.5") as first, stream("203.0.113.5") as second:
        assert first.next().name == second.next().name == "job"
        with stream("203.0.113.5") as third:
            assert third.next().data == {"state": "busy"}
        with gateway.websocket(headers={**handshake(), **ANNA, "X-Forwarded-For": "203.0.113.5"}) as ws:
            assert ws.status == 429
        with stream("203.0.113.6") as another:
            assert another.next().name == "job"
    until(lambda: opens(gateway, f"/api/jobs/{job}/events", {**ANNA, "X-Forwarded-For": "203.0.113.5"}), "the place of the first")


def test_me_is_the_viewer_on_a_websocket_whether_its_tenant_is_named_or_not(redis_server, start_gateway, job):
    gateway = start_gateway(redis_server, toml=auth_toml())
    owner = "of-" + job[:60]
    anna = bearer(token(owner, tenant="acme"))
    Worker(redis_server).report(job, owner=owner, tenant="acme", status="processing")
    for named in {}, {"tenant": "acme"}:
        with gateway.websocket(headers={**handshake(), **anna}) as ws:
            ws.say("watch", owner="me", id=1, **named)
            assert ws.find(lambda e: e["event"] == "job")["record"]["id"] == job
    with gateway.websocket(headers={**handshake(), **anna}) as ws:
        ws.say("watch", owner="me", id=1, tenant="other")
        assert ws.find(lambda e: e["event"] == "error")["problem"]["status"] == 403


def test_messages_of_a_websocket_count_as_requests(redis_server, start_gateway, job):
    gateway = start_gateway(redis_server, toml=auth_toml(), LIMITS_REQUEST_RATE=5)
    Worker(redis_server).report(job, owner="anna", status="done")
    with gateway.websocket(headers={**handshake(), **ANNA}) as ws:
        for n in range(60):
            ws.say("seen", job=job, id=n)
        assert ws.find(lambda e: e["event"] == "error")["problem"]["status"] == 429
        assert ws.wait_closed() == 1008, "a flooder is let go"
    with gateway.websocket(headers={**handshake(), **PUBLISHER}) as ws:
        for n in range(60):
            ws.say("ping", id=n)
        for n in range(60):
            assert ws.find(lambda e: e["event"] in ("pong", "error"))["event"] == "pong"


def test_ids_over_those_of_one_stream_count_as_requests(redis_server, start_gateway):
    gateway = start_gateway(redis_server, toml=auth_toml(), LIMITS_REQUEST_RATE=2, LIMITS_JOBS_PER_STREAM=100)
    with gateway.websocket(headers={**handshake(), **ANNA}) as ws:
        watched = [f"churn{n}" for n in range(300)]
        ws.say("watch", jobs=watched[:100], id="first")
        ws.say("unwatch", jobs=watched[:100], id="left")
        ws.say("watch", jobs=watched[100:200], id="second")
        ws.say("ping", id="beyond")
        told = {}
        while "beyond" not in told:
            answer = ws.find(lambda e: e.get("id") in ("first", "left", "second", "beyond"))
            told[answer["id"]] = answer["event"]
        assert told == {"first": "ack", "left": "ack", "second": "ack", "beyond": "error"}


def test_requests_over_the_rate_are_told_when_to_come_back(redis_server, start_gateway, job):
    gateway = start_gateway(redis_server, toml=auth_toml(), LIMITS_REQUEST_RATE=5, wait=True)
    with gateway.connect() as connection:
        answers = [connection.request("GET", f"/api/jobs/{job}/status", headers=ANNA) for _ in range(60)]
        assert answers[0].status == 404
        refused = [a for a in answers if a.status == 429]
        assert refused and int(refused[0].header("Retry-After")) >= 1
        assert connection.request("GET", f"/api/jobs/{job}/status", headers=PUBLISHER).status == 404
    with gateway.stream(f"/api/jobs/{job}/events", {**ANNA, "Accept": "text/event-stream"}) as stream:
        assert stream.next().data == {"state": "busy"}


def test_one_address_has_so_many_connections(redis_server, start_gateway):
    gateway = start_gateway(redis_server, LIMITS_CONNECTIONS_PER_ADDRESS=5)
    held = []

    def served():
        connection = gateway.connect()
        try:
            assert connection.request("GET", "/healthz").status == 200
        except (Closed, ConnectionError):
            connection.close()
            return False
        held.append(connection)
        return True
    # Those of the fixture that asked whether the gateway is ready may be on their way out still.
    while len(held) < 5:
        until(served, "a place")
    assert not served()
    held.pop().close()
    until(served, "the place that was given back")
    until(lambda: "limits.connections_per_address were reached" in gateway.log(), "a word in the log")
    for connection in held:
        connection.close()
