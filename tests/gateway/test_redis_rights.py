"""docs/security.md: the Redis user for gateways, exactly as documented. It suffices for all that a gateway does, and a right that
it lacks is named."""
import pathlib
import re
import signal
import types

import pytest

from harness.problems import assert_problem
from harness.redis_server import Worker
from harness.wait import until
from harness.webhooks import Receiver

PROJECT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENT = (PROJECT / "docs" / "security.md").read_text(encoding="utf-8")
(LINE,) = [line for line in DOCUMENT.splitlines() if line.startswith("ACL SETUSER gateway ")]
WORDS = LINE.split()[3:]
RIGHTS = [word for word in WORDS if word[0] in "+~&"]
# Without these only metrics, warnings or `jobcast refused` are missing.
MINOR = ["+acl|dryrun", "+hgetall", "+info", "+xinfo|consumers", "+xinfo|stream", "+xrevrange"]
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def grant(server, *without):
    """Gives the user all of the line but some rights. Connections take over at once."""
    server.client().execute_command("ACL", "SETUSER", "gateway", "reset", *[word for word in WORDS if word not in without])


def as_gateway(server):
    return types.SimpleNamespace(url=f"redis://gateway:secret@127.0.0.1:{server.port}")


def denials(server):
    """What the user was refused, as Redis remembers it."""
    log = [dict(zip(entry[::2], entry[1::2])) for entry in
           ([part.decode() if isinstance(part, bytes) else part for part in entry] for entry in raw_log(server))]
    return [(entry["reason"], entry["object"], entry["context"]) for entry in log if entry["username"] == "gateway"]


def raw_log(server):
    client = server.client()
    client.set_response_callback("ACL LOG", lambda reply, **_: reply)
    return client.execute_command("ACL LOG")


@pytest.fixture
def server(start_redis):
    one = start_redis()
    grant(one)
    return one


@pytest.fixture
def receiver():
    one = Receiver()
    yield one
    one.close()


CONFIG = f"""
[jobs.types.watched]
lease = "1s"
grace = "0s"
on_stall = "retry"
max_attempts = 2
backoff = {{ base = "0s", factor = 1.0, cap = "0s" }}
[jobs.types.queued]
dispatch = true
lease = "1s"
grace = "0s"
on_stall = "retry"
start_timeout = "1s"
max_attempts = 2
backoff = {{ base = "0s", factor = 1.0, cap = "0s" }}
[jobs.types.late]
start_timeout = "1s"
[jobs.types.late.failures.not_started]
title = "Nobody came"
[notify]
grace = "0s"
schedule = ["10ms"]
allow_internal = ["127.0.0.1"]
[notify.webhooks.shop]
secrets = ["{SECRET}"]
"""


def live(gateway, server, receiver):
    """A whole life: every way in and out, everything the supervisor and the notifier do, the operator's commands."""
    worker = Worker(server)
    receiver.then(500, 410)
    for job in ("a", "b", "c"):
        gateway.create(id=job, type="export", owner="anna", group="g", group_size=3, labels={"title": "May"})
    gateway.create({"Idempotency-Key": "k"}, type="export", owner="anna")
    gateway.create({"Idempotency-Key": "k"}, type="export", owner="anna")
    gateway.create(id="w", type="watched", owner="anna")
    gateway.create(id="q", type="queued", owner="anna", input={"order": 1})
    worker.redis.xgroup_create("jobcast:work:queued", "workers", id="0")
    worker.redis.xreadgroup("workers", "one", {"jobcast:work:queued": ">"}, noack=True)
    gateway.create(id="l", type="late", owner="anna")
    with gateway.watch("a") as one, gateway.stream("/api/events?owner=anna") as all_of_anna, gateway.websocket() as socket:
        socket.watch("a", "b")
        gateway.report("w", status="processing")
        gateway.report("a", status="processing", percent=10, message="x" * 600)
        until(lambda: worker.publish("b", b'{"status":"processing","percent":5}') and gateway.record("b")["status"] == "processing",
              "a published report")
        gateway.report("a", status="retrying", retry_in=1)
        gateway.report("a", status="processing", attempt=2)
        gateway.report("a", status="failed", error={"title": "No", "trace": "Traceback\n  at x"})
        all_of_anna.find(lambda event: event.name == "job" and event.data["status"] == "failed")
        one.find(lambda event: event.name == "end")
    gateway.post("/api/jobs/a/retry")
    gateway.report("a", status="processing", attempt=3)
    gateway.report("a", status="done", result={"url": "/x"})
    gateway.post("/api/jobs/a/seen")
    gateway.post("/api/jobs/c/cancel")
    gateway.post("/api/jobs/b/cancel")
    gateway.report("b", status="cancelled")
    for target in ("/api/jobs/a/history", "/api/jobs?owner=anna&status=done&limit=2", "/api/jobs?ids=a,b", "/api/inbox?owner=anna", "/metrics",
                   "/api/jobs?owner=anna&type=export&group=g"):
        assert gateway.get(target).status == 200, target
    assert gateway.post("/api/reports", b'{"id":"r","status":"done"}\n{"id":"bad id","status":"done"}\n').status == 200
    worker.publish("r2", b'{"status":"nonsense"}')
    until(lambda: "\tr2\t" in gateway.command("refused"), "the refused report")
    until(lambda: gateway.record("l")["status"] == "failed", "the supervisor to end what nobody began")
    until(lambda: gateway.record("w")["status"] == "retrying", "the supervisor to try a stalled job again")
    until(lambda: gateway.record("q")["attempt"] == 2, "the queued job to go to another worker")
    dead, *_ = until(lambda: gateway.command("notify", "list").splitlines()[1:], "a dead letter")
    assert gateway.command("notify", "replay", dead.split("\t")[0]) == "1 to be sent again\n"
    gateway.report("r3", status="done")
    assert gateway.delete("/api/jobs/b").status == 204


def test_the_line_suffices_for_all_that_a_gateway_does(server, start_gateway, receiver):
    toml = CONFIG.replace("[notify.webhooks.shop]\n", f'[notify.webhooks.shop]\nurl = "{receiver.url}"\n')
    gateway = start_gateway(as_gateway(server), toml=toml)
    second = start_gateway(as_gateway(server), toml=toml)
    live(gateway, server, receiver)
    gateway.configure(toml.replace('[jobs.types.late]\n', '[jobs.types.late]\nlease = "9s"\n'))
    gateway.process.send_signal(signal.SIGHUP)
    until(lambda: server.client().hget("jobcast:policy:late", "lease_ms") == b"9000", "the reload")
    server.client().execute_command("FUNCTION", "FLUSH")
    until(lambda: second.post("/api/jobs", {"type": "export"}).status == 202, "the library to be back")
    assert second.metric("jobcast_redis_rights_missing") == 0
    assert (gateway.stop(), second.stop()) == (0, 0)
    assert denials(server) == []
    assert "rights" not in gateway.log() + second.log()


@pytest.fixture(scope="module")
def shared(_start_shared_redis, _start_shared_gateway):
    server = _start_shared_redis()
    grant(server)
    return server, _start_shared_gateway(as_gateway(server))


@pytest.mark.parametrize("right", [right for right in RIGHTS if right != "+ping"])
def test_a_right_that_is_missing_is_named(shared, right):
    server, gateway = shared
    before = len(gateway.log())
    grant(server, right)
    gateway.process.send_signal(signal.SIGHUP)
    until(lambda: f"the Redis user 'gateway' lacks rights: {right}; docs/security.md" in gateway.log()[before:], f"{right} to be named")


def test_a_right_that_is_there_again_is_told_without_a_reload(shared):
    server, gateway = shared
    before = len(gateway.log())
    grant(server, "+time")
    until(lambda: "lacks rights: +time;" in gateway.log()[before:], "+time to be named")
    grant(server)
    until(lambda: "the Redis user 'gateway' has all rights again" in gateway.log()[before:], "the end of it")


def test_without_the_right_to_ping_there_is_no_connection(server, start_gateway):
    grant(server, "+ping")
    gateway = start_gateway(as_gateway(server), wait=False)
    until(lambda: "no permissions to run the 'ping' command; docs/security.md" in gateway.log(), "it to be named")
    grant(server)
    gateway.wait_ready()


def test_the_gateway_asks_for_all_rights_of_the_line_and_no_others(server, start_gateway):
    client = server.client()
    client.execute_command("ACL", "SETUSER", "gateway", "reset", "on", ">secret", "+ping", "+acl|dryrun", "+client")
    gateway = start_gateway(as_gateway(server), wait=False)
    line = until(lambda: next((one for one in gateway.log().splitlines() if "lacks rights: " in one), None), "the rights")
    asked = line.partition("lacks rights: ")[2].partition(";")[0].split()
    # Of keys and channels nothing is known while the commands are refused.
    assert sorted(asked) == sorted(set(RIGHTS) - {"+ping", "+acl|dryrun"} - {word for word in RIGHTS if word[0] in "~&"})


def commands_in(pattern, *globs):
    found = set()
    for one in globs:
        for path in PROJECT.glob(one):
            for command, container in re.findall(pattern, path.read_text(encoding="utf-8")):
                found.add(f"{command}|{container}" if command in ("XINFO", "XGROUP", "FUNCTION", "ACL") else command)
    return {"+" + command.lower() for command in found}


def test_the_line_has_every_command_of_the_functions(start_redis):
    used = commands_in(r"\b(?:call|try)\('([A-Z]+)'(?:, '([A-Z]+)')?", "src/store/functions/*.lua")
    lists = commands_in(r"= \{'([A-Z]{3,})', '([A-Z]+)'", "src/store/functions/*.lua")
    assert len(used) > 25 and lists
    assert (used | lists) - set(RIGHTS) == set()


@pytest.mark.parametrize("right", ["+fcall", "+time", "+function|load", "~jobcast:*", "&jobcast:report:*"])
def test_without_a_right_that_jobs_need_a_gateway_is_not_ready_and_does_not_end(server, start_gateway, right):
    grant(server, right)
    gateway = start_gateway(as_gateway(server), wait=False)
    until(lambda: f"lacks rights: {right};" in gateway.log(), f"{right} to be named")
    assert_problem(gateway.get("/readyz"), 503)
    assert "upgrade" not in gateway.log()
    grant(server)
    gateway.wait_ready()
    assert gateway.create(id="after")["status"] == "pending"


@pytest.mark.parametrize("right", MINOR)
def test_without_the_others_it_works(server, start_gateway, right):
    grant(server, right)
    gateway = start_gateway(as_gateway(server))
    assert gateway.create(id="made")["status"] == "pending"
    until(lambda: f"lacks rights: {right};" in gateway.log(), f"{right} to be named")
    assert gateway.metric("jobcast_redis_rights_missing") == 1


@pytest.mark.parametrize("right", ["+time", "~jobcast:*", "+publish"])
def test_what_a_gateway_that_runs_may_no_longer_do_is_answered_503_and_named(server, start_gateway, right):
    gateway = start_gateway(as_gateway(server))
    grant(server, right)
    problem = assert_problem(gateway.post("/api/jobs", {"type": "export"}), 503)
    assert problem["detail"].startswith("The gateway lacks a right in Redis; its log names it.")
    until(lambda: f"lacks rights: {right};" in gateway.log(), f"{right} to be named")
    assert "redis answered an error" not in gateway.log()
    assert denials(server), "what the test of the whole line looks at"
    grant(server)
    until(lambda: gateway.post("/api/jobs", {"type": "export"}).status == 202, "creations to go on")
