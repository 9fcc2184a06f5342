"""Charges a card through a processor that follows a script: the first card is declined, the one given for the next try is good."""
import time

from .worker import JobFailed

_AMOUNT = 149.90


class Charger:
    """Called with a job and its reporter."""

    def __call__(self, job, reporter):
        for step, seconds in (("Reserving the articles", 0.8), ("Asking the bank", 1.6)):
            reporter.step(step)
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                reporter.progress(None)
                time.sleep(0.05)
        if job.attempt == 1:
            # Only the code: what the visitor is told stands in the gateway's configuration.
            raise JobFailed(code="card_declined", title="do_not_honor (05)")
        return {"total_amount": _AMOUNT}
