"""A worker as docs/workers.md describes one, with nothing but sockets so that it starts fast: takes jobs of its type from the work
stream and does them in steps. Before each step it names it on stdout and waits for a line on stdin, so that whoever kills
something knows exactly where the worker is.

usage: worker.py SOCKET TYPE CONSUMER FOLDER
"""
import os
import socket
import sys
import time

socket_path, kind, consumer, folder = sys.argv[1:]
GROUP = "workers"


class Redis:
    """A client that tries again until it is answered: every call here may be repeated."""

    def __init__(self):
        self.file = None

    def connect(self):
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(5)
        connection.connect(socket_path)
        self.file = connection.makefile("rwb")
        connection.close()  # the file keeps it open

    def call(self, *words):
        while True:
            try:
                if not self.file:
                    self.connect()
                parts = [str(word).encode() for word in words]
                self.file.write(b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(p), p) for p in parts))
                self.file.flush()
                answer = self.read()
                if not (isinstance(answer, str) and answer.startswith("-LOADING")):
                    return answer
            except (OSError, EOFError):
                self.file = None
            time.sleep(0.01)

    def read(self):
        line = self.file.readline()
        if not line.endswith(b"\r\n"):
            raise EOFError
        mark, rest = line[:1], line[1:-2]
        if mark == b"-":
            return "-" + rest.decode()
        if mark in b"+:":
            return int(rest) if mark == b":" else rest.decode()
        if int(rest) < 0:
            return None
        if mark == b"*":
            return [self.read() for _ in range(int(rest))]
        data = self.file.read(int(rest) + 2)
        if len(data) != int(rest) + 2:
            raise EOFError
        return data[:-2].decode()


redis = Redis()


def step(name):
    print(name, flush=True)
    if not sys.stdin.readline():
        sys.exit(0)


def take():
    """An entry nobody else was given, as (entry id, fields)."""
    while True:
        answer = redis.call("XREADGROUP", "GROUP", GROUP, consumer, "COUNT", 1, "BLOCK", 200, "STREAMS", f"jobcast:work:{kind}", ">")
        if isinstance(answer, str) and answer.startswith("-NOGROUP"):
            redis.call("XGROUP", "CREATE", f"jobcast:work:{kind}", GROUP, 0, "MKSTREAM")
        elif answer and isinstance(answer, list):
            entry, pairs = answer[0][1][0]
            return entry, dict(zip(pairs[::2], pairs[1::2]))


def superseded(answer):
    """Whether the job is no longer this attempt's."""
    return not isinstance(answer, list) or answer[0].startswith("ignored:")


def work(job, attempt):
    def report(*pairs):
        return redis.call("FCALL", "jobcast_report", 1, "jobcast", job, "attempt", attempt, *pairs)
    step("taken")
    if superseded(report("status", "processing")):
        return
    for percent in (30, 70):
        step(f"at {percent}")
        if superseded(report("percent", percent)):
            return
        redis.call("FCALL", "jobcast_heartbeat", 1, "jobcast", job, attempt)
    step("side effect")
    # What must not be done twice by one attempt is guarded by (id, attempt).
    try:
        os.close(os.open(os.path.join(folder, f"{job}.{attempt}"), os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        print("twice", flush=True)
    step("outcome")
    report("status", "done", "result", f'{{"attempt":{attempt}}}')
    step("reported")


while True:
    entry_id, fields = take()
    work(fields["id"], fields["attempt"])
    redis.call("XACK", f"jobcast:work:{kind}", GROUP, entry_id)
    print("free", flush=True)
