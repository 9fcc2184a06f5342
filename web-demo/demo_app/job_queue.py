"""The jobs to do, as jobcast dispatches them: one stream per kind, `jobcast:work:<kind>`, read by a consumer group.

An entry is read once and by one worker (NOACK: nothing is kept of who read it), so a worker never reads more than it can do: COUNT is per
stream, and one read of several streams may bring an entry of each. What a dead worker left is put on the stream again by
jobcast's supervisor once its lease is over, as a new attempt; to claim it here too would have it done twice.
"""
import dataclasses
import itertools
import json

import redis

_GROUP = "workers"
_WAIT_MS = 500


@dataclasses.dataclass(frozen=True)
class Job:
    id: str
    kind: str
    owner: str
    name: str  # what the visitor calls it, e.g. the file's name
    source: str  # path of the input file, or ""
    attempt: int = 1


class JobQueue:
    """Safe for use by several threads."""

    def __init__(self, connection, kinds, stopping):
        self._redis = connection
        self._streams = [f"jobcast:work:{kind}" for kind in kinds]
        self._turns = itertools.count()  # so that no kind waits for another that is never empty
        self._stopping = stopping

    def take(self, worker):
        """The next job; blocks while there is none. None: the application stops."""
        while not self._stopping.is_set():
            try:
                answer = self._read(worker)
            except redis.RedisError:  # away with the gateway that runs it; it comes back
                self._stopping.wait(0.5)
                continue
            if answer:
                return _job_of(answer)
        return None

    def _read(self, worker):
        """The fields of one entry, or None after a while without any."""
        first = next(self._turns) % len(self._streams)
        try:
            for stream in self._streams[first:] + self._streams[:first]:
                for _, entries in self._redis.xreadgroup(_GROUP, worker, {stream: ">"}, count=1, noack=True) or ():
                    for _, fields in entries:
                        if fields:
                            return fields
            # Waits for an entry without taking it.
            self._redis.xread({stream: "$" for stream in self._streams}, count=1, block=_WAIT_MS)
            return None
        except redis.ResponseError as error:
            if "NOGROUP" not in str(error):
                raise
            self._begin()
            return None

    def _begin(self):
        for stream in self._streams:
            try:
                self._redis.xgroup_create(stream, _GROUP, id="0", mkstream=True)
            except redis.ResponseError as error:
                if "BUSYGROUP" not in str(error):
                    raise


def _job_of(fields):
    said = json.loads(fields["input"] or "{}")
    return Job(fields["id"], fields["type"], said.get("owner", ""), said.get("name", ""), said.get("source", ""), int(fields["attempt"]))
