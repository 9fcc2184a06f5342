"""The state machine against a small model, and many reporters on one job."""
import threading

import redis
from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

FINAL = {"done", "failed", "cancelled"}
STATUSES = ["pending", "processing", "retrying", "done", "failed", "cancelled"]


def machine(jobs):
    class Model(RuleBasedStateMachine):
        @initialize()
        def begin(self):
            jobs.call("delete", "a")
            self.version = self.attempt = 0
            self.status = None
            self.percent = None

        @rule(status=st.sampled_from([None, *STATUSES]), attempt=st.none() | st.integers(1, 4), percent=st.none() | st.integers(0, 100))
        def report(self, status, attempt, percent):
            fields = {"status": status, "attempt": attempt, "percent": percent}
            result, version, _ = jobs.report("a", **{k: v for k, v in fields.items() if v is not None})
            expected = self._expect(status, attempt, percent)
            assert result == expected
            assert version == self.version

        def _expect(self, status, attempt, percent):
            if self.status is None:
                self.status, self.attempt = "pending", attempt or 1
            elif self.status in FINAL:
                return "ignored:final"
            elif attempt and attempt < self.attempt:
                return "ignored:stale_attempt"
            elif status == "pending" and self.status != "pending":
                return "ignored:transition"
            self.version += 1
            if attempt and attempt > self.attempt:
                self.attempt, self.percent = attempt, None
            if percent is not None:
                self.percent = max(percent, self.percent or 0)
            if status == "retrying":
                self.attempt, self.percent = self.attempt + 1, None
            if status == "done":
                self.percent = 100
            self.status = status or self.status
            return "ok"

        @precondition(lambda self: self.status is not None)
        @rule()
        def cancel(self):
            what, record = jobs.command("cancel", "a")
            if self.status in FINAL:
                assert what == "ignored:final"
            elif record["version"] != self.version:
                self.version += 1
                if self.status != "processing":
                    self.status = "cancelled"

        @invariant()
        def record_is_as_the_model(self):
            if self.status is None:
                return
            record = jobs.get("a")
            assert (record["version"], record["status"], record["attempt"]) == (self.version, self.status, self.attempt)
            assert record["progress"].get("percent") == self.percent
            assert ("finished_at" in record) == (self.status in FINAL)
            has_deadline = jobs.redis.zscore(jobs.key("deadlines"), "a") is not None
            assert has_deadline == (self.status in ("processing", "retrying"))
    return Model


def test_any_sequence_of_reports_and_cancels_follows_the_model(jobs):
    run_state_machine_as_test(lambda: machine(jobs)(), settings=settings(derandomize=True, deadline=None, max_examples=150, stateful_step_count=20))


def test_with_many_reporters_versions_only_rise_and_nothing_follows_an_outcome(jobs):
    path = jobs.redis.connection_pool.connection_kwargs["path"]
    for round_number in range(5):
        one = f"a{round_number}"
        heard = jobs.heard(f"event:{one}")

        def work(number):
            client = redis.Redis(unix_socket_path=path)
            for n in range(60):
                client.execute_command("FCALL", "jobcast_report", 1, jobs.ns, one, "status", "processing", "percent", n)
                if n == 30 + number and number % 4 == 0:
                    client.execute_command("FCALL", "jobcast_report", 1, jobs.ns, one, "status", "done")
        threads = [threading.Thread(target=work, args=(n,)) for n in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        last, over = 0, False
        while last < jobs.get(one)["version"]:
            _, message = next(heard)
            version, flags = message.split(b" ")[:2]
            assert not over and int(version) == last + 1
            last, over = int(version), b"f" in flags
        assert over
