"""Forged, stolen, stale and broken credentials."""
import base64
import hashlib
import hmac
import json
import os
import time
import urllib.parse

import pytest

from harness.redis_server import Worker
from harness.tokens import (LINK_SECRET, PUBLISHER, SECRET, API_KEY, auth_toml, bearer, encode, key_hash, sign, token)
from harness.wait import until
from harness.ws import handshake

from keys import IssuerKey, jwks

ALGORITHMS = ("RS256", "ES256", "EdDSA")
AUTH = f'[auth]\nlink_secrets = ["{LINK_SECRET}"]\n'


@pytest.fixture(scope="module")
def pem_keys(folder):
    """Configured as PEM files."""
    return {algorithm: IssuerKey(folder, algorithm, f"pem-{algorithm}") for algorithm in ALGORITHMS}


@pytest.fixture(scope="module")
def jwks_keys(folder):
    """Configured as one JWK set."""
    return {algorithm: IssuerKey(folder, algorithm, f"jwks-{algorithm}") for algorithm in ALGORITHMS}


@pytest.fixture(scope="module")
def gateway_config(folder, pem_keys, jwks_keys):
    with open(f"{folder}/keys.json", "w", encoding="utf-8") as file:
        file.write(jwks(jwks_keys.values()))
    return {"toml": auth_toml(f'jwks_file = "{folder}/keys.json"') + "".join(key.toml() for key in pem_keys.values())}


@pytest.fixture(scope="module")
def annas(worker):
    worker.report("annas", owner="anna", status="processing")
    return "annas"


@pytest.fixture
def status_with(gateway, annas):
    """The answer to anna's job asked for with a token."""
    with gateway.connect() as connection:
        yield lambda made: connection.request("GET", f"/api/jobs/{annas}/status", headers=bearer(made)).status


@pytest.fixture(params=ALGORITHMS)
def key(request, pem_keys):
    return pem_keys[request.param]


@pytest.mark.parametrize("kept_in", ["pem_keys", "jwks_keys"])
def test_a_token_of_each_algorithm_is_taken(request, kept_in, status_with):
    for one in request.getfixturevalue(kept_in).values():
        assert status_with(one.token()) == 200, one.kid
        assert status_with(one.token("bob")) == 404, one.kid


def test_unsigned_tokens_are_refused(status_with, pem_keys):
    claims = {"sub": "anna", "exp": int(time.time()) + 300}
    good = pem_keys["ES256"].token().split(".")
    for algorithm in ("none", "None", "NONE", "nOnE", "", None, 0, ["HS256"], "HS256 ", "hs256", "HS384", "PS256"):
        for header in ({"alg": algorithm}, {"alg": algorithm, "typ": "JWT", "kid": "pem-ES256"}):
            for signature in ("", good[2], encode(b"\0" * 32)):
                assert status_with(f"{encode(header)}.{encode(claims)}.{signature}") == 401, (header, signature)
    assert status_with(f"{good[0]}.{good[1]}.") == 401
    assert status_with(f"{good[0]}.{good[1]}") == 401


def test_a_public_key_is_no_secret_to_sign_with(status_with, key):
    """CVE-2015-9235 and its kin: what is public, used as the secret of HS256."""
    pem = key.public_pem()
    for material in (pem, pem.rstrip(b"\n"), pem.replace(b"\n", b"\r\n"), key.public_der(), key.public_der()[-32:], b"", b"\0"):
        for kid in (key.kid, "", None):
            text = f'{encode({"alg": "HS256", **({"kid": kid} if kid is not None else {})})}.' \
                   f'{encode({"sub": "anna", "exp": int(time.time()) + 300})}'
            assert status_with(f"{text}.{encode(hmac.new(material, text.encode(), 'sha256').digest())}") == 401


def test_a_public_key_is_not_taken_as_a_configured_secret(pem_keys, redis_server, start_gateway):
    pem = pem_keys["RS256"].public_pem().decode()
    gateway = start_gateway(redis_server, toml=f"{AUTH}secret = '''{pem}'''\n", wait=False)
    assert gateway.wait_end() != 0
    assert "PEM" in gateway.log() and pem.splitlines()[1] not in gateway.log()


def test_an_algorithm_is_pinned_by_its_key(status_with, pem_keys):
    for one in pem_keys.values():
        for other in pem_keys.values():
            if one is not other:
                assert status_with(one.token(header={"kid": other.kid})) == 401
                assert status_with(one.token(header={"alg": other.algorithm})) == 401
                assert status_with(one.token(header={"alg": other.algorithm, "kid": other.kid})) == 401


def test_a_key_that_comes_with_the_token_is_not_used(status_with, folder):
    thief = IssuerKey(folder, "ES256", "thief")
    for kid in ("thief", "pem-ES256", None):
        for header in ({"jwk": thief.jwk()}, {"jku": "http://127.0.0.1:1/keys.json"}, {"x5u": "http://127.0.0.1:1/"},
                       {"x5c": [base64.b64encode(thief.public_der()).decode()]}):
            assert status_with(thief.token(header={"kid": kid, **header})) == 401


@pytest.mark.parametrize("kid", ["../../../../dev/null", "/dev/null", "' OR '1'='1", "a\u0000b", "x" * 4000, "$(id)", "\n"], ids=ascii)
def test_a_kid_is_a_name_and_nothing_else(status_with, kid):
    for secret in ("", "\0", SECRET[:-1]):
        made = sign({"alg": "HS256", "kid": kid}, {"sub": "anna", "exp": int(time.time()) + 300}, secret)
        assert status_with(made) == 401


def test_an_es256_signature_of_zeros_is_refused(status_with, pem_keys):
    """CVE-2022-21449."""
    text = pem_keys["ES256"].token().rpartition(".")[0]
    for size in (0, 1, 63, 64, 65, 70, 72):
        assert status_with(f"{text}.{encode(bytes(size))}") == 401
        assert status_with(f"{text}.{encode(bytes([255]) * size)}") == 401


def test_a_token_cut_anywhere_is_refused(status_with, key):
    for whole in (key.token(), token("anna")):
        assert status_with(whole) == 200
        for at in {*range(1, len(whole), 7), *range(len(whole) - 8, len(whole))}:
            assert status_with(whole[:at]) == 401, whole[:at]


def test_a_token_changed_anywhere_is_refused(status_with, key):
    whole = key.token()
    for at in {*range(0, len(whole), 5), len(whole) - 1}:
        changed = whole[:at] + ("A" if whole[at] != "A" else "B") + whole[at + 1:]
        assert status_with(changed) == 401, at


@pytest.mark.parametrize("more", ["=", "==", ".", ".x", "A", "%3D", " x", ",x", "\t"], ids=repr)
def test_nothing_may_follow_a_token(status_with, key, more):
    # A blank at the end is not part of a header's value.
    assert status_with(key.token() + more + ("" if more != "\t" else "x")) == 401


def test_claims_of_one_token_do_not_go_with_the_signature_of_another(status_with, key):
    anna, bob = key.token("anna").split("."), key.token("bob").split(".")
    assert status_with(".".join([bob[0], anna[1], bob[2]])) == 401


def test_times_are_kept_to(status_with, key):
    now = int(time.time())
    assert status_with(key.token(ttl=-1)) == 401
    assert status_with(key.token(nbf=now + 60)) == 401
    assert status_with(key.token(nbf=now - 60)) == 200
    for wrong in (None, "9999999999", -1, 1e300, [now + 60], {}, True):
        assert status_with(key.token(exp=wrong)) == 401, wrong


def test_a_member_given_twice_is_refused(status_with):
    now = int(time.time())
    for claims in (f'{{"sub":"bob","sub":"anna","exp":{now + 60}}}', f'{{"sub":"anna","exp":{now - 60},"exp":{now + 60}}}'):
        text = f'{encode({"alg": "HS256"})}.{encode(claims.encode())}'
        assert status_with(f"{text}.{encode(hmac.new(SECRET.encode(), text.encode(), 'sha256').digest())}") == 401


def test_an_extension_that_must_be_understood_is_refused(status_with, key):
    assert status_with(key.token(header={"crit": ["exp"], "exp": 1})) == 401
    assert status_with(key.token(header={"crit": []})) == 401


def test_a_token_for_another_audience_or_of_another_issuer_is_refused(redis_server, start_gateway, folder, annas):
    key = IssuerKey(folder, "EdDSA", "strict")
    gateway = start_gateway(redis_server, toml=f'{AUTH}issuer = "https://login.example"\naudience = "jobcast"\n{key.toml()}')
    right = {"iss": "https://login.example", "aud": "jobcast"}

    def status(**changes):
        return gateway.get(f"/api/jobs/{annas}/status", bearer(key.token(**{**right, **changes}))).status
    assert status() == status(aud=["other", "jobcast"]) == 200
    for wrong in (None, "https://login.example/", "https://login.example.evil", ["https://login.example"]):
        assert status(iss=wrong) == 401, wrong
    for wrong in (None, "jobcas", "jobcast2", "JOBCAST", ["other"], [], {"jobcast": 1}):
        assert status(aud=wrong) == 401, wrong


def test_a_token_for_another_service_is_refused_where_no_audience_is_configured(status_with, key):
    assert status_with(key.token(aud="billing")) == 401


@pytest.mark.parametrize("name", ["token", "access_token", "jwt", "link", "x"])
def test_a_token_in_a_url_is_refused_on_every_transport(gateway, annas, key, name):
    made = key.token()
    for target in (f"/api/jobs/{annas}/status", f"/api/jobs/{annas}/events", f"/api/events?job={annas}", "/api/ws", "/api/jobs"):
        url = f"{target}{'&' if '?' in target else '?'}{name}={made}"
        response = gateway.get(url, handshake() if target == "/api/ws" else ())
        assert response.status == 400 and response.json()["field"] == name, (target, response)
        assert made.encode() not in response.body
    assert made not in gateway.log()


@pytest.mark.parametrize("name", ["token", "access_token"])
def test_what_is_named_a_token_in_a_url_is_refused_whatever_it_is(gateway, annas, name):
    for target in (f"/api/jobs/{annas}/status", "/api/ws"):
        response = gateway.get(f"{target}?{name}=abc", handshake() if target == "/api/ws" else ())
        assert response.status == 400 and response.json()["field"] == name


def test_a_replayed_token_gives_no_more_than_it_says_and_nothing_after_its_end(gateway, annas):
    """A bearer token is whoever bears it: that it was used before, by another, over another transport, makes no difference."""
    short = bearer(token("anna", ttl=3))
    for _ in range(3):
        assert gateway.get(f"/api/jobs/{annas}/status", short).status == 200
    with gateway.stream(f"/api/jobs/{annas}/events", short) as stream, gateway.websocket(headers={**handshake(), **short}) as ws:
        ws.watch(annas)
        assert ws.job(annas)
        assert gateway.post(f"/api/jobs/{annas}/report", {"percent": 1}, short).status == 403
        assert gateway.get("/metrics", short).status == 403
        assert stream.find(lambda e: e.name == "end").data == {"reason": "expired"}
        assert ws.wait_closed() == 1008
    for target in (f"/api/jobs/{annas}/status", f"/api/jobs/{annas}/events", "/api/ws"):
        assert gateway.get(target, {**short, **(handshake() if target == "/api/ws" else {})}).status == 401


def test_one_watch_link_can_be_used_again_until_it_ends(gateway, annas):
    url = gateway.post("/api/watch-links", {"jobs": [annas], "expires_in": 5}, bearer(token("anna"))).json()["url"]
    for _ in range(3):
        with gateway.stream(url) as stream:
            stream.find(lambda e: e.name == "job")
    with gateway.stream(url) as stream:
        stream.find(lambda e: e.name == "end" and e.data == {"reason": "expired"})
    assert gateway.get(url).status == 401


def test_a_forged_token_over_the_rate_costs_no_check_of_its_signature(redis_server, start_gateway, folder):
    key = IssuerKey(folder, "ES256", "costly")
    gateway = start_gateway(redis_server, toml=AUTH + key.toml(), LIMITS_REQUEST_RATE="1", SERVER_REACTORS="1")
    forged = key.token(sub="anna")[:-8] + "AAAAAAAA"

    def cost(headers):
        with gateway.connect() as connection:
            for _ in range(10):
                connection.request("GET", "/api/jobs/x/status", headers=headers)
            before = processor_ns(gateway.pid)
            for _ in range(400):
                assert connection.request("GET", "/api/jobs/x/status", headers=headers).status == 429
            return processor_ns(gateway.pid) - before
    # To check the signature costs several times all the rest. The least of three: whatever else is busy only adds.
    assert min(cost(bearer(forged)) for _ in range(3)) < 2.5 * min(cost({}) for _ in range(3))


def processor_ns(pid):
    """What all its threads have had of the processor."""
    total = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/schedstat", encoding="ascii") as times:
            total += int(times.read().split()[0])
    return total


def test_keys_are_rotated_on_sighup(redis_server, start_gateway, folder, annas):
    old, new = IssuerKey(folder, "ES256", "old"), IssuerKey(folder, "ES256", "new")
    gateway = start_gateway(redis_server, toml=AUTH + old.toml())

    def status(key):
        return gateway.get(f"/api/jobs/{annas}/status", bearer(key.token())).status

    def configure(*keys):
        gateway.configure(AUTH + "".join(key.toml() for key in keys))
        gateway.process.send_signal(1)
    assert (status(old), status(new)) == (200, 401)
    configure(old, new)
    until(lambda: (status(old), status(new)) == (200, 200), "both keys")
    configure(new)
    until(lambda: (status(old), status(new)) == (401, 200), "the new key alone")


def test_a_jwk_set_is_read_again_on_sighup_and_a_broken_one_changes_nothing(redis_server, start_gateway, folder, annas):
    old, new = IssuerKey(folder, "EdDSA", "set-old"), IssuerKey(folder, "RS256", "set-new")
    path = f"{folder}/rotating.json"

    def write(text):
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    write(jwks([old]))
    gateway = start_gateway(redis_server, toml=f'{AUTH}jwks_file = "{path}"\n')

    def status(key):
        return gateway.get(f"/api/jobs/{annas}/status", bearer(key.token())).status
    for broken in ("", "{}", '{"keys":[]}', jwks([new])[:-20], '{"keys":[{"kty":"RSA","kid":"weak","n":"AQAB","e":"AQAB"}]}'):
        write(broken)
        said = gateway.log().count("everything stays as it was")
        gateway.process.send_signal(1)
        until(lambda before=said: gateway.log().count("everything stays as it was") > before, "the refusal of a broken set")
        assert (status(old), status(new)) == (200, 401)
    write(jwks([new]))
    gateway.process.send_signal(1)
    until(lambda: (status(old), status(new)) == (401, 200), "the new set")


@pytest.fixture
def link(gateway, annas):
    """A watch link to anna's job, by itself."""
    made = gateway.post("/api/watch-links", {"jobs": [annas]}, bearer(token("anna")))
    assert made.status == 200, made
    return made.json()["url"].split("link=")[1]


def test_a_watch_link_is_no_use_for_another_job_or_for_more(gateway, worker, annas, link, job):
    worker.report(job, owner="anna")
    assert gateway.get(f"/api/jobs/{annas}/status?link={link}").status == 200
    assert gateway.get(f"/api/jobs/{job}/status?link={link}").status == 404
    assert gateway.get(f"/api/jobs?owner=me&link={link}").status in (400, 403)
    assert gateway.get(f"/api/jobs?owner=anna&link={link}").status == 403
    with gateway.stream(f"/api/jobs/{job}/events?link={link}") as stream:
        assert stream.next().name == "missing"
    for method, path in (("POST", f"/api/jobs/{annas}/cancel"), ("POST", f"/api/jobs/{annas}/seen"), ("POST", "/api/watch-links"),
                         ("DELETE", f"/api/jobs/{annas}"), ("POST", f"/api/jobs/{annas}/report")):
        assert gateway.request(method, f"{path}?link={link}").status == 403
        # Nor does it pass for a token elsewhere.
        assert gateway.request(method, path, headers=bearer(link)).status == 401
        assert gateway.request(method, path, headers={"Cookie": f"jobcast_token={link}"}).status == 401
    assert gateway.get(f"/metrics?link={link}").status == 403


def test_a_websocket_by_watch_link_only_reads(gateway, annas, link):
    with gateway.websocket(headers=handshake()) as ws:
        ws.say("auth", token=link, id=1)
        assert ws.find(lambda e: e.get("id") == 1)["problem"]["status"] == 401


def test_a_watch_link_that_was_cut_or_changed_is_refused(gateway, annas, link):
    with gateway.connect() as connection:
        def status(text):
            return connection.request("GET", f"/api/jobs/{annas}/status?link={text}").status
        assert status(link) == 200
        for at in {*range(1, len(link), 5), len(link) - 1}:
            assert status(link[:at]) == 401, at
        for at in range(0, len(link), 5):
            assert status(link[:at] + ("A" if link[at] != "A" else "B") + link[at + 1:]) == 401, at
        payload, _, signature = link.partition(".")
        claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
        for forged in ({**claims, "j": [annas, "more"]}, {**claims, "e": claims["e"] + 10**6}, {**claims, "o": "anna"}):
            assert status(f"{encode(forged)}.{signature}") == 401
        # The right secret used for something else does not sign links.
        bare = hmac.new(LINK_SECRET.encode(), payload.encode(), hashlib.sha256).digest()
        assert status(f"{payload}.{encode(bare)}") == 401


def test_a_watch_link_ends_when_it_says(gateway, annas):
    url = gateway.post("/api/watch-links", {"jobs": [annas], "expires_in": 1}, bearer(token("anna"))).json()["url"]
    with gateway.stream(url) as stream:
        stream.find(lambda e: e.name == "end" and e.data == {"reason": "expired"})
        stream.wait_closed()
    until(lambda: gateway.get(url).status == 401, "the link to be refused")


def test_a_watch_link_never_outlives_the_token_it_was_made_with(gateway, annas):
    before = time.time()
    made = gateway.post("/api/watch-links", {"jobs": [annas]}, bearer(token("anna", ttl=20))).json()
    assert made["expires_at"] <= (before + 22) * 1000


def test_the_watch_url_of_a_created_job_outlives_the_token_that_made_it_and_reads_nothing_else(gateway, job, annas):
    publisher = bearer(token(scope="jobs:publish", ttl=2))
    before = time.time()
    url = gateway.create(publisher, id=job)["watch_url"]
    payload = url.partition("link=")[2].partition(".")[0]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    assert claims["j"] == [job] and 900 - 1 < claims["e"] / 1000 - before < 900 + 20
    until(lambda: gateway.get(f"/api/jobs/{job}/status", publisher).status == 401, "the end of the token")
    with gateway.stream(url) as stream:
        stream.expect("job")
    link = url.partition("?")[2]
    assert [gateway.get(f"/api/jobs/{one}/status?{link}").status for one in (job, annas)] == [200, 404]
    assert gateway.post(f"/api/jobs/{job}/cancel?{link}").status == 403


def test_a_watch_link_is_good_on_every_gateway_with_the_secret_and_on_no_other(redis_server, start_gateway, annas, link):
    target = f"/api/jobs/{annas}/status?link={link}"
    assert start_gateway(redis_server, toml=auth_toml()).get(target).status == 200
    other = auth_toml().replace(LINK_SECRET, "another secret of other gateways, also long enough")
    assert start_gateway(redis_server, toml=other).get(target).status == 401
    both = auth_toml().replace(f'["{LINK_SECRET}"]', f'["the secret that comes next, and is long enough", "{LINK_SECRET}"]')
    assert start_gateway(redis_server, toml=both).get(target).status == 200


def test_api_keys_are_compared_whole(gateway):
    for wrong in (API_KEY[:-1], API_KEY + "0", API_KEY.upper(), key_hash(API_KEY), "jck_", "jck_" + "0" * 4000):
        assert gateway.post("/api/jobs", {}, bearer(wrong)).status == 401, wrong
    assert gateway.get(f"/api/jobs?{urllib.parse.urlencode({'key': API_KEY})}").status == 401


def test_no_secret_is_told(gateway, annas, key, link):
    """Neither in logs, metrics, answers, nor to who looks at the process."""
    gateway.post("/api/jobs", {"id": "told"}, PUBLISHER)
    with open(f"/proc/{gateway.pid}/cmdline", "rb") as file:
        seen = [file.read().decode(), gateway.log()]
    seen.append(gateway.get("/metrics", bearer(token(scope="operator"))).body.decode())
    seen.append(gateway.get("/nowhere", bearer(key.token())).body.decode())
    for text in seen:
        for secret in (SECRET, LINK_SECRET, API_KEY, link):
            assert secret not in text
