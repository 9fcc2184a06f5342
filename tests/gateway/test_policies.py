"""`[jobs]` in Redis: the gateway last started or reloaded is in force, whole; the others write nothing."""
import signal

import pytest

from harness.wait import until

OUTVOTED = "another gateway was started or reloaded with other [jobs]"


def types(**leases):
    return "".join(f'[jobs.types.{of}]\nlease = "{lease}s"\n' for of, lease in leases.items())


@pytest.fixture
def redis(start_redis):
    return start_redis()


@pytest.fixture
def start(redis, start_gateway):
    return lambda toml: start_gateway(redis, toml=toml, SERVER_REACTORS=1)


def leases(redis):
    """By type, in seconds, as they are in Redis."""
    client = redis.client()
    keys = [key for key in client.scan_iter("jobcast:policy:*") if not key.endswith(b":default")]
    return {key.decode().rsplit(":", 1)[1]: int(client.hget(key, "lease_ms") or 0) // 1000 for key in keys}


def becomes(redis, **expected):
    until(lambda: leases(redis) == expected, f"the policies {expected}")


def reload(gateway, toml):
    gateway.configure(toml)
    gateway.process.send_signal(signal.SIGHUP)


def in_force(redis):
    return redis.client().hget("jobcast:policies", "hash")


def after_a_reconnect(redis, *gateways):
    """Redis is restarted, and each gateway, with its one reactor, has brought what it brings."""
    redis.kill()
    for gateway in gateways:
        until(lambda gateway=gateway: gateway.get("/api/jobs/x/status").status == 503, "the loss to be noticed")
    redis.start()
    for gateway in gateways:
        until(lambda gateway=gateway: gateway.get("/api/jobs/x/status").status == 404, "the gateway to be back")


@pytest.mark.parametrize("how", ["reload", "restart"])
def test_a_type_taken_out_of_the_configuration_is_as_all_others(redis, start, job, how):
    gateway = start(types(a=7, b=8))
    becomes(redis, a=7, b=8)
    if how == "reload":
        reload(gateway, types(b=9))
    else:
        gateway.stop()
        gateway.configure(types(b=9))
        gateway.start()
    becomes(redis, b=9)
    gateway.report(job, type="a", status="processing")
    assert redis.client().hget(f"jobcast:job:{job}", "lease") == b"60000"


def test_the_gateway_started_last_wins_and_the_other_says_so_once(redis, start):
    older = start(types(a=7, b=8))
    becomes(redis, a=7, b=8)
    newer = start(types(b=9, c=10))
    becomes(redis, b=9, c=10)
    until(lambda: OUTVOTED in older.log(), "the older to say so")
    won = in_force(redis)
    for _ in range(2):
        after_a_reconnect(redis, older, newer)
        assert leases(redis) == {"b": 9, "c": 10} and in_force(redis) == won
    assert older.log().count(OUTVOTED) == 1 and OUTVOTED not in newer.log()


def test_a_reload_puts_the_policies_of_a_gateway_in_force_again(redis, start):
    older = start(types(a=7))
    newer = start(types(b=9))
    becomes(redis, b=9)
    reload(older, types(a=7))
    becomes(redis, a=7)
    until(lambda: OUTVOTED in newer.log(), "the newer to say so")


def test_gateways_with_the_same_configuration_are_silent(redis, start):
    both = [start(types(a=7)) for _ in range(2)]
    after_a_reconnect(redis, *both)
    assert leases(redis) == {"a": 7}
    assert not any(OUTVOTED in gateway.log() for gateway in both)


def test_policies_that_were_deleted_by_hand_come_back(redis, start):
    start(types(a=7))
    becomes(redis, a=7)
    client = redis.client()
    client.delete("jobcast:policy", "jobcast:policy:a", "jobcast:policies")
    becomes(redis, a=7)
    assert client.hget("jobcast:policy", "lease_ms") == b"60000"


def test_a_reload_while_redis_is_away_is_in_force_once_it_is_back(redis, start):
    gateway = start(types(a=7))
    other = start(types(b=8))
    becomes(redis, b=8)
    redis.kill()
    until(lambda: gateway.get("/api/jobs/x/status").status == 503, "the loss to be noticed")
    reload(gateway, types(c=9))
    until(lambda: "were read again" in gateway.log(), "the reload")
    redis.start()
    becomes(redis, c=9)
    until(lambda: OUTVOTED in other.log(), "the other to say so")


def test_what_a_gateway_of_before_left_behind_is_deleted(redis, start):
    client = redis.client()
    client.hset("jobcast:policy:gone", "lease_ms", "1000")
    client.hset("jobcast:policy:a", "max_attempts", "5")
    client.hset("other:policy:gone", "lease_ms", "1000")
    gateway = start(types(a=7))
    becomes(redis, a=7)
    assert client.hgetall("jobcast:policy:a") == {b"lease_ms": b"7000"}
    assert client.exists("other:policy:gone")
    until(lambda: "policies of 1 job types" in gateway.log(), "the log to say so")


def test_policies_that_redis_would_not_take_are_written_once_it_does(redis, start):
    gateway = start(types(a=7))
    becomes(redis, a=7)
    client = redis.client()
    client.config_set("maxmemory", 1)
    reload(gateway, types(b=8))
    until(lambda: "[jobs] cannot be written to Redis" in gateway.log(), "the refusal to be logged")
    client.config_set("maxmemory", 0)
    becomes(redis, b=8)
    assert gateway.log().count("[jobs] cannot be written to Redis") == 1
