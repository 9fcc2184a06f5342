"""Files of web.root are streamed: they take no memory of the gateway's, and are cut off when they change under way."""
import os
import ssl

import pytest

from harness import process
from harness.certificates import make_certificate
from harness.gateway import is_sanitized
from harness.http_client import encode_request
from harness.tokens import PUBLISHER, auth_toml, bearer, token
from harness.wait import Deadline, until

ANNA = bearer(token("anna"))
SIZE = 12 * 1024 * 1024 + 7
CROWD = 20
MOST_GROWTH_KIB = 4 * 1024


def content(size=SIZE, seed=1):
    line = b"%d line of a file\n" % seed
    return (line * (size // len(line) + 1))[:size]


@pytest.fixture(scope="module")
def certificate(folder):
    return make_certificate(folder, "files")


@pytest.fixture(scope="module")
def root(folder):
    path = f"{folder}/files"
    os.makedirs(path)
    for name, size in (("large.bin", SIZE), ("small.txt", 1000), ("empty.txt", 0), ("edge.txt", 16 * 1024), ("over.txt", 16 * 1024 + 1)):
        with open(f"{path}/{name}", "wb") as file:
            file.write(content(size))
    return path


@pytest.fixture(params=["plain", "tls"], scope="module")
def gateway(request, _start_shared_gateway, redis_server, root, certificate):
    secured = {"SERVER_TLS_CERTIFICATE": certificate[0], "SERVER_TLS_KEY": certificate[1],
               "tls": ssl.create_default_context(cafile=certificate[0])}
    return _start_shared_gateway(redis_server, WEB_ROOT=root, **(secured if request.param == "tls" else {}))


@pytest.mark.parametrize("name, size", [("large.bin", SIZE), ("small.txt", 1000), ("empty.txt", 0), ("edge.txt", 16 * 1024), ("over.txt", 16 * 1024 + 1)])
def test_a_file_is_served_whole_and_the_connection_goes_on(gateway, name, size):
    with gateway.connect() as connection:
        for _ in range(2):
            got = connection.request("GET", f"/{name}")
            assert got.status == 200 and got.body == content(size)
        head = connection.request("HEAD", f"/{name}")
        assert head.header("Content-Length") == str(size) and head.header("ETag") == got.header("ETag")
        same = connection.request("GET", f"/{name}", headers={"If-None-Match": got.header("ETag")})
        assert (same.status, same.body) == (304, b"")


def test_files_that_are_not_read_take_no_memory(gateway):
    with gateway.connect() as one:
        one.request("GET", "/large.bin")
    before = process.resident_kib(gateway.pid)
    crowd = [gateway.connect(receive_buffer=4096) for _ in range(CROWD)]
    try:
        for one in crowd:
            one.send(encode_request("GET", "/large.bin", None, (), gateway.address))
        for one in crowd:
            assert one.socket.recv(8) == b"HTTP/1.1"
        if not is_sanitized():
            assert process.resident_kib(gateway.pid) - before < MOST_GROWTH_KIB
        assert files_open(gateway, "large.bin") <= 2, "one for each reactor"
        for one in crowd[1:]:
            one.close()
        rest = crowd[0]
        rest.received += b"HTTP/1.1"  # taken above
        assert rest.response(seconds=30).body == content()
    finally:
        for one in crowd:
            one.close()
    until(lambda: files_open(gateway, "large.bin") == 0, "the file to be closed")


def files_open(gateway, name):
    folder = f"/proc/{gateway.pid}/fd"
    links = []
    for fd in os.listdir(folder):
        try:
            links.append(os.readlink(f"{folder}/{fd}"))
        except FileNotFoundError:
            pass
    return sum(link.endswith("/" + name) for link in links)


def read_bytes(gateway):
    with open(f"/proc/{gateway.pid}/io", encoding="ascii") as io:
        return int(next(line.split()[1] for line in io if line.startswith("rchar:")))


def test_head_reads_none_of_a_file(gateway):
    with gateway.connect() as connection:
        connection.request("HEAD", "/large.bin")
        before = read_bytes(gateway)
        for _ in range(20):
            assert connection.request("HEAD", "/large.bin").header("Content-Length") == str(SIZE)
        assert read_bytes(gateway) - before < SIZE


def begin(gateway, target):
    """A client that has read the head and waits with the rest."""
    connection = gateway.connect(receive_buffer=4096)
    connection.send(encode_request("GET", target, None, (), gateway.address))
    status, _, headers = connection.head(Deadline())
    assert status == 200 and dict(headers)["Content-Length"] == str(SIZE)
    return connection


@pytest.fixture
def changing(root, job):
    """A file of a test's own, and its target."""
    with open(f"{root}/{job}.bin", "wb") as file:
        file.write(content())
    return f"{root}/{job}.bin", f"/{job}.bin"


@pytest.mark.parametrize("how", ["shrunk", "emptied", "overwritten"])
def test_a_file_that_changes_under_way_is_cut_off(gateway, changing, how):
    path, target = changing
    with begin(gateway, target) as connection:
        with open(path, "r+b") as file:
            file.write(b"other")
            file.truncate({"shrunk": SIZE // 2, "emptied": 0, "overwritten": SIZE}[how])
        assert len(connection.rest()) < SIZE
    with gateway.connect() as one:
        with open(path, "rb") as file:
            assert one.request("GET", target).body == file.read()


def test_a_file_that_is_replaced_under_way_is_served_as_it_was(gateway, changing):
    path, target = changing
    with begin(gateway, target) as connection:
        with open(path + ".new", "wb") as file:
            file.write(content(SIZE, 2))
        os.replace(path + ".new", path)
        while len(connection.received) < SIZE:
            connection.receive(Deadline())
        assert bytes(connection.received) == content()
    with gateway.connect() as one:
        assert one.request("GET", target).body == content(SIZE, 2)


def test_a_client_that_leaves_under_way_is_forgotten(gateway):
    crowd = [begin(gateway, "/large.bin") for _ in range(5)]
    for one in crowd:
        one.close()
    until(lambda: files_open(gateway, "large.bin") == 0, "the file to be closed")


def test_a_client_that_takes_nothing_is_let_go_of(redis_server, start_gateway, root):
    gateway = start_gateway(redis_server, WEB_ROOT=root, LIMITS_WRITE_TIMEOUT="1s")
    with begin(gateway, "/large.bin") as connection:
        until(lambda: files_open(gateway, "large.bin") == 0, "the file to be closed")
        assert len(connection.rest()) < SIZE


@pytest.mark.parametrize("target", ["/small.txt", "/none.txt", "/jobcast.js", "/components.js", "/openapi.yaml"])
def test_what_takes_no_credentials_counts_for_the_rate_of_its_address(redis_server, start_gateway, root, target):
    gateway = start_gateway(redis_server, toml=auth_toml(), WEB_ROOT=root, LIMITS_REQUEST_RATE="2")
    with gateway.connect() as connection:
        answers = [connection.request("HEAD", target) for _ in range(30)]
        refused = [a for a in answers if a.status == 429]
        assert answers[0].status != 429 and len(refused) > 10 and int(refused[0].header("Retry-After")) >= 1
        # It is one rate with what takes credentials.
        assert connection.request("GET", "/api/jobs/none/status", headers=ANNA).status == 429
        assert connection.request("GET", "/api/jobs/none/status", headers=PUBLISHER).status == 404
        for health in ("/healthz", "/readyz"):
            assert {connection.request("GET", health).status for _ in range(30)} == {200}
    with gateway.connect(source="127.0.0.2") as other:
        assert other.request("GET", target).status != 429
