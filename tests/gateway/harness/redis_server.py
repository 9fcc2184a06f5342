"""A real redis-server in a folder of its own, which can be killed, restarted, and set back to an earlier state."""
import os
import shutil

import redis

from . import process
from .wait import until


class RedisServer:
    """Keeps its data in an append-only file, so that a restart after a kill brings back all it acknowledged."""

    def __init__(self, folder, *options):
        """`options`: further arguments of the command, e.g. "--rename-command", "FUNCTION", ""."""
        self.folder = str(folder)
        self.options = options
        self.socket_path = os.path.join(self.folder, "redis.sock")
        self.data = os.path.join(self.folder, "data")
        self.log_path = os.path.join(self.folder, "redis.log")
        self.port = process.free_port()
        self.process = None
        os.makedirs(self.data)
        self.start()

    @property
    def url(self):
        return "unix://" + self.socket_path

    def start(self):
        self.process = process.start(
            ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--unixsocket", self.socket_path,
             "--dir", self.data, "--save", "", "--appendonly", "yes", "--appendfsync", "no", *self.options],
            self.log_path)
        until(self._answers, "redis-server to answer")

    def _answers(self):
        assert self.process.poll() is None, f"redis-server ended, see {self.log_path}"
        try:
            return self.client().ping()
        except redis.exceptions.ConnectionError:
            return False
        except redis.exceptions.BusyLoadingError:
            return False

    def client(self):
        """A new client; bytes in, bytes out."""
        return redis.Redis(unix_socket_path=self.socket_path)

    def kill(self):
        """As the kernel's out-of-memory killer would."""
        process.kill(self.process)

    def save_state(self, name):
        """Keeps a copy of all data as it is now, for `restore_state`."""
        shutil.copytree(self.data, os.path.join(self.folder, name))

    def restore_state(self, name):
        """Replaces the data of the stopped server, as the promotion of a replica that lagged behind would."""
        shutil.rmtree(self.data)
        shutil.copytree(os.path.join(self.folder, name), self.data)


class Worker:
    """Reports as a worker in any language would: through the function library, or by PUBLISH."""

    def __init__(self, server, namespace="jobcast"):
        self.redis = server.client()
        self.namespace = namespace

    def call(self, function, *arguments):
        return self.redis.execute_command("FCALL", function, 1, self.namespace, *arguments)

    def report(self, job, **fields):
        """Answers (result, version, cancel_requested). `error__title` stands for `error.title`."""
        result, version, cancel = self.call("jobcast_report", job, *flat(fields))
        return result.decode(), version, cancel == b"cancel_requested"

    def publish(self, job, payload):
        """`payload` is sent as it is. Answers how many gateways listened."""
        return self.redis.publish(f"{self.namespace}:report:{job}", payload)


def flat(fields):
    """field, value, field, value ... as the functions take them."""
    return [part for name, value in fields.items() for part in (name.replace("__", "."), value)]
