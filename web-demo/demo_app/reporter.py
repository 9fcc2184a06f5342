"""What a worker tells jobcast about one attempt, and what it learns from the answers."""
import time

import redis

_INTERVAL = 0.1  # seconds between reports of mere progress: more than an eye can follow is wasted
_FIRST_ETA = 1.0  # seconds of work before an estimate means anything
_FIRST_DELAY, _LONGEST_DELAY = 0.1, 2.0


class Cancelled(Exception):
    """The viewer asked to cancel: undo, then report so."""


class Superseded(Exception):
    """The job is over or has a later attempt: undo, and report nothing."""


class Interrupted(Exception):
    """The application stops: undo, and give the job back."""


class Reporter:
    """Used by one thread. While Redis is away, progress goes unsaid and the work goes on."""

    def __init__(self, job, reports, stopping):
        self._job = job
        self._redis = reports
        self._stopping = stopping
        self._next = 0.0
        self._step = None
        self._step_began = 0.0

    def step(self, name, total=None, unit=None, current=0):
        """A new part of the work begins; told at once. Raises as `progress` does."""
        self._step, self._step_began, self._next = name, time.monotonic(), 0.0
        self.progress(current, total, unit)

    def progress(self, current, total=None, unit=None, message=None):
        """Call it as often as you like. Raises what the worker must stop for."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + _INTERVAL
        if self._stopping.is_set():
            raise Interrupted
        fields = {"step": self._step, "message": message}
        if total is not None:
            fields |= {"current": current, "total": total, "unit": unit}
            spent = now - self._step_began
            if current == total:
                fields["eta"] = 0
            elif spent >= _FIRST_ETA and current > 0:
                fields["eta"] = round(spent / current * (total - current) * 1000)
        try:
            self._heed(*self._report("processing", fields))
        except redis.RedisError as error:
            _raise_if_refused(error)

    def end(self, status, fields):
        """Reports the outcome, however long Redis is away. False: the application stops first."""
        delay = _FIRST_DELAY
        while True:
            try:
                self._report(status, fields)
                return True
            except redis.RedisError as error:
                _raise_if_refused(error)
            if self._stopping.wait(delay):
                return False
            delay = min(delay * 2, _LONGEST_DELAY)

    def _report(self, status, fields):
        # Who and what is said every time: should Redis have lost its last second, the report makes the job anew.
        job = self._job
        said = {"status": status, "attempt": job.attempt, "type": job.kind, "owner": job.owner, "labels.file": job.name, **fields}
        pairs = [word for name, value in said.items() if value is not None for word in (name, value)]
        what, _, cancel = self._redis.execute_command("FCALL", "jobcast_report", 1, "jobcast", job.id, *pairs)
        return what, cancel

    @staticmethod
    def _heed(what, cancel):
        if what != "ok":
            raise Superseded(what)
        if cancel:
            raise Cancelled


def _raise_if_refused(error):
    """A report that jobcast finds wrong stays wrong; anything else passes, such as a Redis that is still loading."""
    if str(error).startswith("JOBCAST"):
        raise error
