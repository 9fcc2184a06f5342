"""Who calls the functions: gateways, which may do everything, and workers as they were deployed with 0.1.0."""
import itertools
import json
import re
import time

import redis

NAMESPACE = "jobcast"


def flat(fields):
    return itertools.chain.from_iterable((name.replace("__", "."), value) for name, value in fields.items())


class Jobs:
    """The functions with all rights. `error__title` stands for `error.title`."""

    def __init__(self, client):
        self.redis = client

    def load(self, source):
        self.redis.execute_command("FUNCTION", "LOAD", "REPLACE", source)

    def call(self, function, *arguments):
        return self.redis.execute_command("FCALL", f"jobcast_{function}", 1, NAMESPACE, *arguments)

    def create(self, job, **fields):
        return self.call("create", job, *flat(fields))[0].decode()

    def report(self, job, **fields):
        return check_answer(self.call("report", job, *flat(fields)))

    def record(self, job):
        (row,) = self.call("get", job)
        return row and json.loads(row[2])

    def policy(self, type=None, **fields):
        self.redis.hset(self.key("policy", type) if type else self.key("policy"), mapping=fields)

    def key(self, *parts):
        return ":".join((NAMESPACE, *parts))

    def supervise_until(self, condition, seconds=20):
        """Does what gateways do once a second, until `condition` answers something true; answers that."""
        end = time.monotonic() + seconds
        while not (answer := condition()):
            assert time.monotonic() < end, "nothing came of it"
            self.call("supervise", 1000)
        return answer

    def stall(self, job):
        """Lets the lease of a job end, which must be short, and its screens be told."""
        return self.supervise_until(lambda: (record := self.record(job))["stalled"] and record)


class DeployedWorker:
    """Calls the two functions of workers as the user `worker`, checks each answer, and notes which commands the functions used."""

    def __init__(self, socket_path, admin):
        self.redis = redis.Redis(unix_socket_path=socket_path, username="worker", password="secret")
        self.used = set()
        self._admin = admin

    def _call(self, function, *arguments):
        before = self._counts()
        try:
            return check_answer(self.redis.execute_command("FCALL", function, 1, NAMESPACE, *arguments))
        finally:
            counts = self._counts()
            self.used |= {name for name in counts if counts[name] != before.get(name)} - {"info", "fcall", "auth"}

    def _counts(self):
        """How often each command was called, or refused, so far."""
        return {name: (one["calls"], one["rejected_calls"]) for name, one in
                ((key[len("cmdstat_"):], value) for key, value in self._admin.info("commandstats").items())}

    def report(self, job, **fields):
        return self._call("jobcast_report", job, *flat(fields))

    def heartbeat(self, job, *attempt):
        return self._call("jobcast_heartbeat", job, *attempt)


def check_answer(answer):
    """As docs/compatibility.md promises it to workers; answers (result, version, cancel)."""
    assert isinstance(answer, list) and len(answer) == 3, answer
    result, version, cancel = answer
    assert isinstance(result, bytes) and re.fullmatch(rb"ok|forbidden|ignored:[a-z_]+", result), answer
    assert isinstance(version, int) and version >= 0, answer
    assert cancel in (b"", b"cancel_requested"), answer
    return result.decode(), version, cancel.decode()
