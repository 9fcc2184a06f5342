"""One worker thread: takes a job, does it, and says what came of it."""
import json
import logging
import secrets

from .reporter import Cancelled, Interrupted, Reporter, Superseded


class JobFailed(Exception):
    """A failure that the visitor can understand. Members as in the record: code, title, detail, action, link."""

    def __init__(self, **error):
        super().__init__(error["title"])
        self.error = error


def work(queue, kinds, reports, stopping):
    """Until the application stops. kinds: what does a job, by name; called with the job and its reporter, answers the result."""
    while job := queue.take():
        try:
            if _run(job, kinds[job.kind], Reporter(job, reports, stopping)):
                queue.ended(job)
        except Exception:
            logging.exception("job %s could not be reported", job.id)
            queue.ended(job)


def _run(job, do, reporter):
    """Whether this attempt is over; if not, it is for the next start of the application."""
    try:
        status, fields = "done", {"result": json.dumps(do(job, reporter))}
    except Interrupted:
        return False
    except Superseded:
        return True
    except Cancelled:
        status, fields = "cancelled", {}
    except JobFailed as failure:
        status, fields = "failed", _flat(failure.error)
    except Exception:
        reference = secrets.token_hex(4)
        logging.exception("job %s failed, reference %s", job.id, reference)
        status, fields = "failed", _flat({
            "code": "internal", "title": "Something went wrong on our side",
            "detail": "The job was stopped, and what it had done was undone.",
            "action": "Try again. If it happens again, tell support the reference.", "reference": reference})
    return reporter.end(status, fields)


def _flat(error):
    return {"error.retryable": "false", **{f"error.{name}": text for name, text in error.items()}}
