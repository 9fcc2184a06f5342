"""Counts the instructions of the hot path with callgrind and compares them with what is on record: times are noisy on
shared machines, these counts are not.

usage: instructions.py PROGRAM [--record]

PROGRAM is hot_path of a release build, with jobcast in the folder above. Fails if a delivery, or a poll, costs more than
`tolerance` above the budget in instructions.json; when it costs less by as much, says that the budget should be lowered.
--record writes the counts there as the new budget.
"""
import http.client
import json
import os
import re
import subprocess
import sys
import tempfile

import servers

BUDGET = os.path.join(os.path.dirname(os.path.abspath(__file__)), "instructions.json")


def per_delivery(program, scenario):
    """Instructions in user space from Redis' bytes to send(), for each delivery."""
    with tempfile.TemporaryDirectory() as folder:
        counted = subprocess.run(
            ["valgrind", "--tool=callgrind", "--collect-atstart=no", "--toggle-collect=counted_turn",
             f"--callgrind-out-file={folder}/out", program, scenario], capture_output=True, text=True, timeout=120, check=False)
        if counted.returncode != 0:
            raise SystemExit(f"{scenario} failed:\n{counted.stdout}{counted.stderr}")
    return collected(counted.stderr) / int(counted.stdout.split()[-1])


def collected(told):
    return int(re.search(r"Collected : (\d+)", told).group(1))


class CountedJobcast(servers.Jobcast):
    core = None
    # Not from the start, which takes longer than all that is asked of it.
    command = ("valgrind", "--tool=callgrind", "--instr-atstart=no", "--callgrind-out-file=/dev/null")

    def count(self, on):
        subprocess.run(["callgrind_control", "-i", "on" if on else "off", str(self.process.pid)], check=True, capture_output=True)

    def collected(self):
        servers.end(self.process)
        with open(os.path.join(self.folder, "server.log"), encoding="utf-8") as log:
            return collected(log.read())


def per_poll(program, polls=2000):
    """Instructions of the gateway for a status that has changed, asked for over a connection that is kept."""
    with tempfile.TemporaryDirectory() as folder:
        redis = servers.Redis(folder, core=None)
        try:
            with CountedJobcast(program, redis) as server:
                asked = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)

                def ask(method, path, body=None):
                    asked.request(method, path, body)
                    answer = asked.getresponse()
                    if answer.status != 200:
                        raise SystemExit(f"{method} {path}: {answer.status} {answer.read()}")
                    answer.read()

                ask("POST", "/api/jobs/bench-1/report", json.dumps(
                    {"status": "processing", "percent": 42, "message": "x" * 60}))
                ask("GET", "/api/jobs/bench-1/status")
                server.count(True)
                for _ in range(polls):
                    ask("GET", "/api/jobs/bench-1/status")
                server.count(False)
                return server.collected() / polls
        finally:
            redis.end()


def main():
    if len(sys.argv) < 2 or sys.argv[1] in ("-h", "--help"):
        print(__doc__.strip())
        return 0 if len(sys.argv) > 1 else 2
    with open(BUDGET, encoding="ascii") as file:
        budget = json.load(file)
    if not budget["instructions"]:
        raise SystemExit(f"{BUDGET} names nothing to count")
    tolerance = budget["tolerance"]
    failed = False
    jobcast = os.path.join(os.path.dirname(os.path.abspath(sys.argv[1])), "..", "jobcast")
    for scenario, allowed in budget["instructions"].items():
        counted = round(per_poll(jobcast) if scenario == "status" else per_delivery(sys.argv[1], scenario))
        print(f"{scenario}: {counted} instructions a {'poll' if scenario == 'status' else 'delivery'}, budget {allowed}")
        if counted > allowed * (1 + tolerance):
            failed = True
            print(f"  more than {tolerance:.0%} above it: find what was added (callgrind_annotate), or raise the budget and say why")
        elif counted < allowed * (1 - tolerance):
            print("  less by as much: lower the budget (--record), so that it stays so")
        budget["instructions"][scenario] = counted
    if "--record" in sys.argv:
        with open(BUDGET, "w", encoding="ascii") as file:
            file.write(json.dumps(budget, indent=2) + "\n")
    return 1 if failed else 0


sys.exit(main())
