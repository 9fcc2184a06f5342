"""Waiting for conditions, so that no test depends on how fast a machine is."""
import time

# Long enough for a sanitizer build on a busy machine; a passing test never waits it out.
PATIENCE = 20.0


class Deadline:
    """A point in time, and how much is left until it."""

    def __init__(self, seconds=PATIENCE):
        self._end = time.monotonic() + seconds

    def left(self):
        return max(0.0, self._end - time.monotonic())

    def over(self):
        return self.left() == 0.0


def until(condition, what, seconds=PATIENCE, every=0.02):
    """Calls `condition` until it answers something true, and answers that. `what` completes "gave up waiting for"."""
    deadline = Deadline(seconds)
    while True:
        answer = condition()
        if answer:
            return answer
        if deadline.over():
            raise AssertionError(f"gave up waiting for {what} after {seconds} s")
        time.sleep(every)
