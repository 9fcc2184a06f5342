"""Listens to what viewers ask for: a retry comes over the stream of commands, and the job is queued again.

A cancel needs no listening: a worker learns of it from the answer to its next report.
"""
import redis

_STREAM = "jobcast:commands"


def listen(queue, reports, stopping):
    """Until the application stops. The cursor is kept, so that what was asked while it was down is done later."""
    while not stopping.is_set():
        try:
            answer = reports.xread({_STREAM: queue.cursor(_STREAM)}, count=100, block=1000)
        except redis.RedisError:  # away with the gateway that runs it; it comes back
            stopping.wait(0.5)
            continue
        for entry, command in (entries for _, stream in answer for entries in stream):
            if command.get("op") == "retry":
                queue.retry(command["id"], int(command["attempt"]))
            queue.move_cursor(_STREAM, entry)
