"""Counts the instructions of the hot path with callgrind and compares them with what is on record: times are noisy on
shared machines, these counts are not.

usage: instructions.py PROGRAM [--record]

PROGRAM is hot_path of a release build. Fails if a delivery costs more than `tolerance` above the budget in
instructions.json; when it costs less by as much, says that the budget should be lowered. --record writes the counts
there as the new budget.
"""
import json
import os
import re
import subprocess
import sys
import tempfile

BUDGET = os.path.join(os.path.dirname(os.path.abspath(__file__)), "instructions.json")


def per_delivery(program, scenario):
    """Instructions in user space from Redis' bytes to send(), for each delivery."""
    with tempfile.TemporaryDirectory() as folder:
        counted = subprocess.run(
            ["valgrind", "--tool=callgrind", "--collect-atstart=no", "--toggle-collect=counted_turn",
             f"--callgrind-out-file={folder}/out", program, scenario], capture_output=True, text=True, timeout=120, check=False)
        if counted.returncode != 0:
            raise SystemExit(f"{scenario} failed:\n{counted.stdout}{counted.stderr}")
    instructions = int(re.search(r"Collected : (\d+)", counted.stderr).group(1))
    return instructions / int(counted.stdout.split()[-1])


def main():
    if len(sys.argv) < 2 or sys.argv[1] in ("-h", "--help"):
        print(__doc__.strip())
        return 0 if len(sys.argv) > 1 else 2
    with open(BUDGET, encoding="ascii") as file:
        budget = json.load(file)
    tolerance = budget["tolerance"]
    failed = False
    for scenario, allowed in budget["instructions per delivery"].items():
        counted = round(per_delivery(sys.argv[1], scenario))
        print(f"{scenario}: {counted} instructions a delivery, budget {allowed}")
        if counted > allowed * (1 + tolerance):
            failed = True
            print(f"  more than {tolerance:.0%} above it: find what was added (callgrind_annotate), or raise the budget and say why")
        elif counted < allowed * (1 - tolerance):
            print("  less by as much: lower the budget (--record), so that it stays so")
        budget["instructions per delivery"][scenario] = counted
    if "--record" in sys.argv:
        with open(BUDGET, "w", encoding="ascii") as file:
            file.write(json.dumps(budget, indent=2) + "\n")
    return 1 if failed else 0


sys.exit(main())
