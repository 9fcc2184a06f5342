"""SIGHUP: what is read again takes effect, however often it comes and whatever is under way."""
import signal

import pytest

from harness.wait import until

TYPES = 1000


def many_types(lease):
    return "".join(f'[jobs.types."t{n}"]\nlease = "{lease}s"\n' for n in range(TYPES))


@pytest.fixture
def reloaded(redis_server, start_gateway):
    def start(toml, **options):
        gateway = start_gateway(redis_server, toml=toml, SERVER_REACTORS=1, **options)

        def again(text):
            before = gateway.log().count("were read again")
            gateway.configure(text)
            gateway.process.send_signal(signal.SIGHUP)
            until(lambda: gateway.process.poll() is not None or gateway.log().count("were read again") > before, "the reload", every=0.001)
            assert gateway.process.poll() is None, gateway.log()
        return gateway, again
    return start


def test_reloads_that_overtake_each_other_leave_what_the_last_one_says(redis_server, reloaded):
    """Each writes hundreds of policies to Redis, which takes longer than the next signal."""
    gateway, again = reloaded(many_types(60))
    for lease in range(61, 71):
        again(many_types(lease) if lease % 2 else "")
    again(many_types(99))
    client = redis_server.client()

    def written():
        return {client.hget(f"jobcast:policy:t{n}", "lease_ms") for n in range(TYPES)} == {b"99000"}
    until(written, "the last policies")
    # Nothing that was begun earlier is written afterwards: a report through the gateway comes behind all of it.
    assert gateway.report("reload-after", status="processing")["result"] == "ok"
    assert written()


def test_what_takes_effect_only_at_the_start_is_named(reloaded):
    gateway, again = reloaded('[web]\nroot = ""\n')
    again('[web]\nroot = "/tmp"\n[limits]\nheartbeat = "9s"\n[redis]\nnamespace = "other"\n')
    until(lambda: "redis.namespace, web.root changed" in gateway.log(), "the warning")
    assert "limits.heartbeat" not in gateway.log()
    again("")
    assert gateway.log().count("changed, which takes effect only when") == 1, "what is as at the start again needs no restart"


@pytest.mark.parametrize("broken, named", [("[limits\n", "jobcast.toml:1"), ('[limits]\nheartbeat = "soon"\n', "limits.heartbeat")])
def test_a_file_that_is_wrong_is_said_in_the_log_and_changes_nothing(reloaded, broken, named):
    gateway, _ = reloaded("")
    gateway.configure(broken)
    gateway.process.send_signal(signal.SIGHUP)
    line = until(lambda: next((one for one in gateway.log().splitlines() if named in one), None), "the error")
    assert "error" in line.lower() and line.endswith("everything stays as it was")
    assert gateway.get("/healthz").status == 200
