"""A redis-server with the function library, and a namespace of its own for each test."""
import ctypes
import itertools
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile

import pytest
import redis

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import library


def _end_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


@pytest.fixture(scope="session")
def server():
    with tempfile.TemporaryDirectory(prefix="jobcast-") as folder:
        path = os.path.join(folder, "redis.sock")
        process = subprocess.Popen(["redis-server", "--port", "0", "--unixsocket", path, "--save", "", "--dir", folder],
                                   stdout=subprocess.PIPE, text=True, preexec_fn=_end_with_parent)
        for line in process.stdout:
            if "ready to accept connections" in line.lower():
                break
        client = redis.Redis(unix_socket_path=path)
        client.execute_command("FUNCTION", "LOAD", library.source())
        yield client
        process.kill()
        process.wait()


class Refused(Exception):
    """`JOBCAST <field>: <what to change>`"""

    def __init__(self, text):
        super().__init__(text)
        assert text.startswith("JOBCAST ") and ": " in text, text
        self.field = text[len("JOBCAST "):].split(": ")[0]


class Jobs:
    """The functions, called as a worker or a gateway would, in one namespace."""

    def __init__(self, client, ns):
        self.redis = client
        self.ns = ns

    def call(self, function, *arguments):
        try:
            return self.redis.execute_command("FCALL", "jobcast_" + function, 1, self.ns, *arguments)
        except redis.exceptions.ResponseError as error:
            raise Refused(str(error)) from error

    @staticmethod
    def _pairs(fields):
        return itertools.chain.from_iterable((name.replace("__", "."), value) for name, value in fields.items())

    def report(self, job, *pairs, **fields):
        """Answers [result, version, cancel] as text, number, text."""
        result, version, cancel = self.call("report", job, *pairs, *self._pairs(fields))
        return result.decode(), version, cancel.decode()

    def create(self, job, *pairs, **fields):
        what, version, flags, doc = self.call("create", job, *pairs, *self._pairs(fields))
        return what.decode(), version, flags.decode(), json.loads(doc)

    def command(self, name, job):
        answer = self.call(name, job)
        return answer[0].decode(), json.loads(answer[3]) if len(answer) > 3 and answer[3] else None

    def get(self, job):
        row = self.call("get", job)[0]
        return json.loads(row[2]) if row else None

    def list(self, scope, **filters):
        cursor, *rows = self.call("list", scope, *self._pairs(filters))
        return [json.loads(row[2])["id"] for row in rows], cursor.decode()

    def key(self, *parts):
        return ":".join((self.ns, *parts))

    def history(self, job):
        """The entries of a job's history, oldest first."""
        return [{name.decode(): value.decode() for name, value in entry.items()} for _, entry in self.redis.xrange(self.key("log", job))]

    def refused(self):
        """(id, field, reason) of the refused reports that are kept."""
        return [tuple(entry[name].decode() for name in (b"id", b"field", b"reason")) for _, entry in self.redis.xrange(self.key("refused"))]

    def mended(self):
        """How often each field was mended."""
        return {field.decode(): int(count) for field, count in self.redis.hgetall(self.key("mended")).items()}

    def policy(self, of=None, **fields):
        self.redis.hset(self.key("policy", of) if of else self.key("policy"), mapping=fields)

    def heard(self, *channels):
        """Messages on channels of this namespace from now on; `next(...)` takes one that was published."""
        subscription = self.redis.pubsub()
        subscription.subscribe(*(self.key(channel) for channel in channels))
        for _ in channels:
            assert subscription.get_message(timeout=5)["type"] == "subscribe"

        def messages():
            while (message := subscription.get_message(timeout=5)) is not None:
                yield message["channel"].decode()[len(self.ns) + 1:], message["data"]
        return messages()


_numbers = itertools.count()


@pytest.fixture
def jobs(server):
    return Jobs(server, f"t{next(_numbers)}")
