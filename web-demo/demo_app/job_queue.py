"""The application's own queue: rows of a SQLite table, so that a restart loses no job.

jobcast is no queue; it only shows what becomes of the jobs in this one.
"""
import dataclasses
import sqlite3
import threading

_SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
  id TEXT PRIMARY KEY, kind TEXT NOT NULL, owner TEXT NOT NULL, name TEXT NOT NULL, source TEXT NOT NULL,
  attempt INTEGER NOT NULL, state TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'running', 'ended')));
CREATE TABLE IF NOT EXISTS cursors (name TEXT PRIMARY KEY, position TEXT NOT NULL);
"""


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

    def __init__(self, path, stopping):
        self._stopping = stopping
        self._changed = threading.Condition()
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.executescript(_SCHEMA)
        # What ran when the last run was ended starts again, as a new attempt: the old one's progress is void.
        self._db.execute("UPDATE jobs SET state = 'waiting', attempt = attempt + 1 WHERE state = 'running'")

    def add(self, job):
        """Does nothing for a job that was added before."""
        with self._changed:
            self._db.execute("INSERT OR IGNORE INTO jobs (id, kind, owner, name, source, attempt) VALUES (?, ?, ?, ?, ?, ?)",
                             dataclasses.astuple(job))
            self._changed.notify()

    def take(self):
        """The job that waits longest; blocks while there is none. None: the application stops."""
        with self._changed:
            while not self._stopping.is_set():
                row = self._db.execute("SELECT id, kind, owner, name, source, attempt FROM jobs WHERE state = 'waiting' "
                                       "ORDER BY rowid LIMIT 1").fetchone()
                if row:
                    self._db.execute("UPDATE jobs SET state = 'running' WHERE id = ?", row[:1])
                    return Job(*row)
                self._changed.wait()
        return None

    def ended(self, job):
        """This attempt is over. A later one, asked for meanwhile, is not touched."""
        with self._changed:
            self._db.execute("UPDATE jobs SET state = 'ended' WHERE id = ? AND attempt = ?", (job.id, job.attempt))

    def retry(self, job_id, attempt):
        """Queues another attempt; does nothing for jobs of others, and for an attempt that was queued before."""
        with self._changed:
            self._db.execute("UPDATE jobs SET state = 'waiting', attempt = ? WHERE id = ? AND attempt < ?", (attempt, job_id, attempt))
            self._changed.notify()

    def wake(self):
        """Lets `take` see that the application stops."""
        with self._changed:
            self._changed.notify_all()

    def cursor(self, name):
        """Where reading of a stream has come to; "0" at first."""
        with self._changed:
            row = self._db.execute("SELECT position FROM cursors WHERE name = ?", (name,)).fetchone()
        return row[0] if row else "0"

    def move_cursor(self, name, position):
        with self._changed:
            self._db.execute("INSERT OR REPLACE INTO cursors VALUES (?, ?)", (name, position))
