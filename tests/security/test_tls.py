"""TLS at the listener and to Redis, spoken with certificates that openssl made."""
import os
import shutil
import ssl
import subprocess
import time

import pytest

from harness.certificates import make_certificate
from harness.gateway import DRAIN_SECONDS, PROGRAM, is_sanitized
from harness.http_client import encode_request
from harness.process import free_port, resident_kib
from harness.redis_server import Worker
from harness.tokens import PUBLISHER, auth_toml, bearer, token
from harness.wait import until
from harness.ws import PING, PONG
from key_updates import KeyUpdateFlood


def trusting(certificate, **versions):
    context = ssl.create_default_context(cafile=certificate)
    # Debian refuses TLS below 1.2 by itself; what the gateway refuses is to be seen.
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    for name, value in versions.items():
        setattr(context, name, value)
    return context


def exactly(version):
    return {"minimum_version": version, "maximum_version": version}


@pytest.fixture(scope="module")
def certificate(folder):
    return make_certificate(folder, "gateway")


@pytest.fixture(scope="module")
def gateway_config(certificate):
    return {"SERVER_TLS_CERTIFICATE": certificate[0], "SERVER_TLS_KEY": certificate[1], "tls": trusting(certificate[0]),
            "LIMITS_REQUEST_TIMEOUT": "1s"}


@pytest.mark.parametrize("version, name", [(ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")])
def test_current_versions_are_spoken(gateway, certificate, version, name):
    with gateway.connect(tls=trusting(certificate[0], **exactly(version))) as connection:
        assert connection.socket.version() == name
        assert connection.request("GET", "/healthz").status == 200
        assert connection.request("GET", "/healthz").status == 200


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_old_versions_are_refused(gateway, certificate, version):
    with pytest.raises((ssl.SSLError, ConnectionResetError)):
        gateway.connect(tls=trusting(certificate[0], **exactly(version)))
    assert gateway.get("/healthz").status == 200


@pytest.mark.parametrize("said", [b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01\xff\xff" + b"\0" * 400, b"\x80\x2e\x01\x00\x02",
                                  os.urandom(2000), b"\x15\x03\x03\x00\x02\x02\x28"], ids=["http", "long", "ssl2", "random", "alert"])
def test_what_is_not_tls_is_refused_and_harms_nobody(gateway, said):
    before = gateway.metric("jobcast_tls_failures_total")
    with gateway.connect(tls=None) as connection:
        connection.send(said)
        answer = connection.rest()
        assert b"HTTP/1.1" not in answer and len(answer) < 100
    assert gateway.get("/healthz").status == 200
    assert gateway.metric("jobcast_tls_failures_total") >= before


def test_a_handshake_that_does_not_come_is_given_up(gateway):
    with gateway.connect(tls=None) as silent, gateway.connect(tls=None) as slow:
        slow.send(b"\x16")
        assert silent.rest() == slow.rest() == b""


def test_a_renegotiation_is_refused(gateway, certificate):
    done = subprocess.run(["openssl", "s_client", "-tls1_2", "-connect", f"127.0.0.1:{gateway.port}", "-CAfile", certificate[0]],
                          input=b"R\n", capture_output=True, timeout=20, check=False)
    assert b"no renegotiation" in done.stderr or b"handshake failure" in done.stderr, done.stderr[-400:]


@pytest.mark.parametrize("kind", ["request", "stream"])
def test_a_flood_of_key_updates_takes_no_turn_from_others_and_no_memory(redis_server, start_gateway, certificate, worker, job, kind):
    gateway = start_gateway(redis_server, SERVER_TLS_CERTIFICATE=certificate[0], SERVER_TLS_KEY=certificate[1], tls=trusting(certificate[0]),
                            SERVER_REACTORS=1, LIMITS_REQUEST_TIMEOUT="1m")
    worker.report(job, status="processing")
    before = resident_kib(gateway.pid)
    first = b"G" if kind == "request" else encode_request("GET", f"/api/jobs/{job}/events", None, (), gateway.address)
    with KeyUpdateFlood(gateway.address, first) as flood:
        until(lambda: flood.updates > 5000 or flood.ended, "the flood to be under way")
        asked = 0
        while not flood.ended and asked < 20:
            assert gateway.get("/healthz").status == 200
            asked += 1
    if not is_sanitized():
        assert resident_kib(gateway.pid) - before < 8 * 1024
    assert gateway.get("/healthz").status == 200


def test_streams_and_websockets_run_over_tls(gateway, worker, job):
    with gateway.watch(job) as stream, gateway.websocket() as ws:
        ws.watch(job)
        stream.expect("missing")
        worker.report(job, status="processing", percent=5)
        assert stream.job(job).data["progress"]["percent"] == 5
        assert ws.job(job)["progress"]["percent"] == 5
        ws.send(b"still there", PING)
        assert ws.wait_control(PONG) == b"still there"
        worker.report(job, status="done", result='{"x":"%s"}' % ("y" * 60_000))
        assert len(stream.job(job).data["result"]["x"]) == len(ws.job(job, status="done")["result"]["x"]) == 60_000
        stream.expect("end")
        stream.wait_closed()


@pytest.mark.parametrize("by", ["stream", "websocket"])
def test_a_slow_reader_over_tls_gets_the_newest_and_the_outcome(gateway, worker, job, by):
    worker.report(job, status="processing")
    slow = gateway.watch(job, receive_buffer=4096) if by == "stream" else gateway.websocket(receive_buffer=4096)
    with slow, gateway.watch(job) as quick:
        if by == "websocket":
            slow.watch(job)
        slow.job(job)
        for n in range(1500):
            worker.report(job, current=n, message="x" * 400)
        worker.report(job, status="done")
        quick.find(lambda e: e.name == "end")
        last = slow.job(job, status="done")
        record = last if by == "websocket" else last.data
        assert record["progress"]["current"] == 1499
        received = slow.received if by == "websocket" else len(slow.raw)
        assert received < 400 * 1500, "progress was conflated"


def test_the_command_line_reports_and_watches_over_https_and_trusts_nobody_it_should_not(gateway, certificate, job):
    def run(*arguments, **env):
        return subprocess.run([PROGRAM, *arguments, "--url", f"https://127.0.0.1:{gateway.port}"], env={**os.environ, **env},
                              capture_output=True, text=True, timeout=60)
    refused = run("report", job, "status=done")
    assert refused.returncode == 1 and "certificate" in refused.stderr
    assert run("report", job, "status=done", SSL_CERT_FILE=certificate[0]).returncode == 0
    assert run("watch", job, SSL_CERT_FILE=certificate[0]).returncode == 0


def test_a_certificate_is_read_again_on_sighup_and_open_streams_go_on(redis_server, start_gateway, folder, job):
    old, new = make_certificate(folder, "old"), make_certificate(folder, "new")
    used = shutil.copy(old[0], f"{folder}/used.pem"), shutil.copy(old[1], f"{folder}/used.key")
    gateway = start_gateway(redis_server, SERVER_TLS_CERTIFICATE=used[0], SERVER_TLS_KEY=used[1], tls=trusting(old[0]))
    worker = Worker(redis_server)

    def accepts(certificate):
        try:
            gateway.connect(tls=trusting(certificate[0])).close()
            return True
        except ssl.SSLError:
            return False
    with gateway.watch(job) as stream:
        stream.expect("missing")
        shutil.copy(new[0], used[0])  # without its key
        gateway.process.send_signal(1)
        until(lambda: "everything stays as it was" in gateway.log(), "the refusal of half a pair")
        assert accepts(old) and not accepts(new)
        shutil.copy(new[1], used[1])
        gateway.process.send_signal(1)
        until(lambda: accepts(new), "the new certificate")
        assert not accepts(old)
        worker.report(job, status="done")
        stream.expect("job")
    gateway.tls = trusting(new[0])
    assert gateway.get("/healthz").status == 200


# To Redis

class Authority:
    """Signs certificates, as a company's own does."""

    def __init__(self, folder, name):
        self.folder, self.name = folder, name
        self.certificate, self.key = f"{folder}/{name}.pem", f"{folder}/{name}.key"
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}", "-keyout", self.key, "-out",
                self.certificate)

    def issue(self, name, alternative="IP:127.0.0.1"):
        path = f"{self.folder}/{self.name}-{name}"
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout", f"{path}.key", "-out", f"{path}.csr")
        with open(f"{path}.ext", "w", encoding="ascii") as file:
            file.write(f"subjectAltName={alternative}\n")
        openssl("x509", "-req", "-in", f"{path}.csr", "-CA", self.certificate, "-CAkey", self.key, "-CAcreateserial", "-days", "2", "-extfile",
                f"{path}.ext", "-out", f"{path}.pem")
        return f"{path}.pem", f"{path}.key"


def openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


@pytest.fixture(scope="module")
def authority(folder):
    return Authority(folder, "authority")


@pytest.fixture(scope="module")
def server_pair(authority):
    return authority.issue("redis")


@pytest.fixture
def start_tls_redis(start_redis, authority):
    """Starts a Redis with a TLS port; answers it and that port."""
    def start(pair, *options, clients="no"):
        port = free_port()
        server = start_redis("--tls-port", str(port), "--tls-cert-file", pair[0], "--tls-key-file", pair[1], "--tls-ca-cert-file",
                             authority.certificate, "--tls-auth-clients", clients, *options)
        return server, port
    return start


def check_follows(gateway, server, job):
    with gateway.watch(job) as stream:
        stream.expect("missing")
        Worker(server).report(job, status="done", result='{"x":"%s"}' % ("y" * 60_000))
        assert len(stream.expect("job").data["result"]["x"]) == 60_000


def test_redis_over_tls_is_followed(start_tls_redis, start_gateway, authority, server_pair, job):
    server, port = start_tls_redis(server_pair)
    gateway = start_gateway(REDIS_URL=f"rediss://127.0.0.1:{port}", REDIS_TLS_CA=authority.certificate)
    check_follows(gateway, server, job)


def test_a_redis_that_asks_for_a_certificate_is_shown_one(start_tls_redis, start_gateway, authority, server_pair, job):
    server, port = start_tls_redis(server_pair, clients="yes")
    ours = authority.issue("client")
    gateway = start_gateway(REDIS_URL=f"rediss://127.0.0.1:{port}", REDIS_TLS_CA=authority.certificate, REDIS_TLS_CERTIFICATE=ours[0],
                            REDIS_TLS_KEY=ours[1])
    check_follows(gateway, server, job)
    without = start_gateway(REDIS_URL=f"rediss://127.0.0.1:{port}", REDIS_TLS_CA=authority.certificate, wait=False)
    until(lambda: "certificate required" in without.log(), "the reason")
    assert without.get("/readyz").status == 503


def test_a_redis_whose_certificate_is_not_trusted_is_not_spoken_to(start_tls_redis, start_gateway, folder, authority, server_pair):
    stranger = Authority(folder, "stranger")
    server, port = start_tls_redis(server_pair)
    gateway = start_gateway(REDIS_URL=f"rediss://:password-of-redis@127.0.0.1:{port}", REDIS_TLS_CA=stranger.certificate, wait=False)
    until(lambda: "the certificate is not good" in gateway.log(), "the reason")
    assert gateway.get("/readyz").status == 503
    assert "password-of-redis" not in gateway.log()
    assert server.client().info("stats")["total_commands_processed"] < 20 and not server.client().keys("*")


def test_a_redis_whose_certificate_is_for_another_host_is_not_spoken_to(start_tls_redis, start_gateway, authority):
    _, port = start_tls_redis(authority.issue("elsewhere", "DNS:elsewhere.example,IP:127.0.0.9"))
    gateway = start_gateway(REDIS_URL=f"rediss://127.0.0.1:{port}", REDIS_TLS_CA=authority.certificate, wait=False)
    until(lambda: "mismatch" in gateway.log(), "the reason")
    assert gateway.get("/readyz").status == 503


def test_a_redis_without_tls_is_not_spoken_to_as_if_it_had_it(redis_server, start_gateway, authority):
    gateway = start_gateway(REDIS_URL=f"rediss://:password-of-redis@127.0.0.1:{redis_server.port}", REDIS_TLS_CA=authority.certificate,
                            wait=False)
    until(lambda: "redis" in gateway.log().lower() and gateway.get("/readyz").status == 503, "a gateway without Redis")
    assert "password-of-redis" not in gateway.log()


def test_a_ca_that_cannot_be_read_is_an_error_at_the_start(start_gateway, folder):
    gateway = start_gateway(REDIS_URL="rediss://127.0.0.1:1", REDIS_TLS_CA=f"{folder}/none.pem", wait=False)
    assert gateway.wait_end() != 0
    assert "redis.tls_ca" in gateway.log() and "none.pem" in gateway.log()


def test_a_user_of_redis_with_a_password_is_used(start_redis, start_gateway, job):
    server = start_redis()
    server.client().execute_command("ACL", "SETUSER", "gateway", "on", ">the:pass@word", "~jobcast*", "&jobcast*", "+@all", "-@dangerous",
                                    "+function", "+info", "+keys")
    gateway = start_gateway(REDIS_URL=f"redis://gateway:the%3Apass%40word@127.0.0.1:{server.port}")
    check_follows(gateway, server, job)
    wrong = start_gateway(REDIS_URL=f"redis://gateway:not-the-password@127.0.0.1:{server.port}", wait=False)
    until(lambda: "WRONGPASS" in wrong.log() or "password" in wrong.log(), "the reason")
    assert wrong.get("/readyz").status == 503
    assert "not-the-password" not in wrong.log() and "the:pass@word" not in gateway.log()


@pytest.fixture(scope="module")
def strict(redis_server, _start_shared_gateway, certificate):
    """Allows an address 2 requests a second, 10 at once: 2 handshakes of the certificate's RSA key and 2 requests."""
    return _start_shared_gateway(redis_server, toml=auth_toml(), tls=trusting(certificate[0]), LIMITS_REQUEST_RATE=2,
                                 SERVER_TRUSTED_PROXIES="127.0.0.1", SERVER_TLS_CERTIFICATE=certificate[0],
                                 SERVER_TLS_KEY=certificate[1])


def shakes_hands(gateway, source):
    try:
        gateway.connect(source=source).close()
        return True
    except (ConnectionError, ssl.SSLError):
        return False


def test_handshakes_count_for_the_rate_of_their_address(strict):
    assert shakes_hands(strict, "127.0.0.5")
    until(lambda: not shakes_hands(strict, "127.0.0.5"), "the address to be over its rate")
    assert shakes_hands(strict, "127.0.0.6")
    metrics = strict.connect(source="127.0.0.7").request("GET", "/metrics", headers=bearer(token("ops", scope="operator")))
    refused = [line for line in metrics.body.decode().splitlines() if line.startswith("jobcast_tls_handshakes_refused_total")]
    assert float(refused[0].split()[1]) > 0
    assert "before its TLS handshake: limits.request_rate" in strict.log()
    until(lambda: shakes_hands(strict, "127.0.0.5"), "the address to be within its rate again")


def test_an_api_key_gets_the_price_of_its_handshake_back(strict):
    for _ in range(30):
        with strict.connect(source="127.0.0.8") as connection:
            assert connection.request("GET", "/api/jobs/x/status", headers=PUBLISHER).status == 404


def test_handshakes_of_a_trusted_proxy_are_not_counted(strict):
    for _ in range(30):
        assert shakes_hands(strict, "127.0.0.1")


def test_a_handshake_that_never_ends_does_not_hold_a_drain(start_gateway, redis_server, certificate):
    gateway = start_gateway(redis_server, tls=trusting(certificate[0]), SERVER_TLS_CERTIFICATE=certificate[0],
                            SERVER_TLS_KEY=certificate[1])
    with gateway.connect(tls=None) as silent, gateway.connect(tls=None) as slow:
        slow.send(b"\x16")
        until(lambda: gateway.metric("jobcast_connections") == 3, "both to be accepted")
        asked = time.monotonic()
        assert gateway.stop() == 0
        assert time.monotonic() - asked < DRAIN_SECONDS / 2
        assert silent.rest() == slow.rest() == b""
