"""Many reporters on one job at once: versions only rise, and nothing comes after the final status."""
import json
import random
import threading

import pytest

from harness.redis_server import Worker
from harness.sse import pump_all
from harness.wait import until

REPORTERS = 20


class Reporters:
    """Twenty threads that report on one job in three ways; one of them, at some point, says that it is over."""

    def __init__(self, gateway, redis, job, seed):
        self.gateway, self.job = gateway, job
        chance = random.Random(seed)
        ways = ([self._by_function(Worker(redis)) for _ in range(8)] + [self._over_http() for _ in range(6)]
                + [self._by_publish(Worker(redis)) for _ in range(6)])
        chance.shuffle(ways)
        # Some reports later than the rest's first, and not by PUBLISH alone, which may lose them.
        self.final_by, self.final_at = chance.randrange(REPORTERS), chance.randrange(5, 35)
        self.final = chance.choice(["done", "failed", "cancelled"])
        self.start = threading.Barrier(REPORTERS)
        self.threads = [threading.Thread(target=self._run, args=(n, ways[n], chance.randrange(1 << 30)))
                        for n in range(REPORTERS)]
        self.problems = []

    def run(self):
        for thread in self.threads:
            thread.start()
        for thread in self.threads:
            thread.join()
        assert not self.problems, self.problems[0]

    def _run(self, number, report, seed):
        chance = random.Random(seed)
        self.start.wait()
        try:
            for step in range(40):
                if (number, step) == (self.final_by, self.final_at):
                    report({"status": self.final, "message": f"final by {number}"})
                elif chance.random() < 0.1:
                    report({"status": chance.choice(["pending", "processing"])})
                else:
                    report({"percent": chance.randrange(100), "message": f"{number}: {step}"})
        except Exception as problem:  # of a thread, told to the test
            self.problems.append(repr(problem))

    def _by_function(self, worker):
        return lambda fields: worker.report(self.job, **fields)

    def _over_http(self):
        connection = self.gateway.connect()

        def report(fields):
            response = connection.request("POST", f"/api/jobs/{self.job}/report", fields)
            assert response.status == 200, response
        return report

    def _by_publish(self, worker):
        return lambda fields: worker.publish(self.job, json.dumps(fields))


@pytest.mark.parametrize("seed", range(5))
def test_versions_rise_and_the_outcome_is_the_last_word(gateway, redis_server, worker, job, seed):
    sentinel = f"{job}.after"
    worker.report(job, status="processing")
    singles = [gateway.watch(job) for _ in range(12)]
    # These last beyond the job, so that they would see what comes after its end; enough of each to be on both reactors.
    shared = [gateway.stream(f"/api/events?job={job}&job={sentinel}&every={'true' if n % 2 else 'false'}") for n in range(16)]
    pump_all(singles + shared, lambda s: any(e.name == "job" for e in s.seen), "the snapshot")

    Reporters(gateway, redis_server, job, seed).run()
    until(lambda: gateway.record(job)["status"] in ("done", "failed", "cancelled"), "the outcome")
    outcome = gateway.get(f"/api/jobs/{job}/status")
    worker.report(sentinel, status="processing")
    pump_all(shared, lambda s: any(e.data.get("id") == sentinel and e.name == "job" for e in s.seen), "what was reported last")
    pump_all(singles, lambda s: s.closed, "the end")

    for stream in singles + shared:
        records = [e for e in stream.seen if e.name == "job" and e.data["id"] == job]
        versions = [e.version for e in records]
        assert versions == sorted(set(versions)), versions
        assert [e.data["status"] in ("done", "failed", "cancelled") for e in records] == [False] * (len(records) - 1) + [True]
        assert records[-1].data == outcome.json()
        stream.close()
    for stream in singles:
        assert [e.name for e in stream.seen][-1] == "end"
    for stream in shared[1::2]:
        versions = [e.version for e in stream.seen if e.name == "job" and e.data["id"] == job]
        skipped = sum(e.data["skipped"] for e in stream.seen if e.name == "gap")
        assert versions[-1] - versions[0] + 1 == len(versions) + skipped, "a version is missing without a `gap`"


def test_a_snapshot_and_the_changes_around_it_never_go_back(gateway, worker, job):
    """Streams opened in the middle of a burst: whatever came first, subscription or read, versions only rise."""
    burst = threading.Event()

    def report():
        n = 0
        while not burst.is_set():
            n += 1
            worker.report(job, status="processing", message=f"Page {n}")
        worker.report(job, status="done")
    reporter = threading.Thread(target=report)
    reporter.start()
    try:
        streams = [gateway.watch(job) if n % 2 else gateway.watch(job, f"{job}.other") for n in range(40)]
        pump_all(streams, lambda s: len([e for e in s.seen if e.name == "job"]) > 5, "some records")
    finally:
        burst.set()
        reporter.join()
    pump_all(streams, lambda s: any(e.data.get("status") == "done" for e in s.seen), "the outcome")
    for stream in streams:
        versions = [e.version for e in stream.seen if e.name == "job"]
        assert versions == sorted(set(versions))
        stream.close()
