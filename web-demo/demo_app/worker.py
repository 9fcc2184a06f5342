"""One worker thread: takes a job, does it, and says what came of it."""
import json
import logging
import secrets

from .catalogue import WorkerLost
from .reporter import Cancelled, Interrupted, Reporter, Superseded


class JobFailed(Exception):
    """A failure that the visitor can understand. Members as in the record: code, title, detail, action, link."""

    def __init__(self, **error):
        super().__init__(error["title"])
        self.error = error


def work(queue, name, kinds, reports, stopping):
    """Until the application stops. kinds: what does a job, by name; called with the job and its reporter, answers the result."""
    while job := queue.take(name):
        try:
            _run(job, kinds[job.kind], Reporter(job, reports, stopping))
        except Exception:
            logging.exception("job %s could not be reported", job.id)


def _run(job, do, reporter):
    try:
        status, fields = "done", {"result": json.dumps(do(job, reporter))}
    except Interrupted:
        # Given back: jobcast dispatches it again as another attempt, once this application's other workers have stopped too.
        status, fields = "retrying", {"retry_in": 1}
    except (Superseded, WorkerLost):
        return
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
    reporter.end(status, fields)


def _flat(error):
    return {"error.retryable": "false", **{f"error.{name}": text for name, text in error.items()}}
