"""Attacks a gateway at its default limits, one way after another, and measures what others notice.

Each attack has a fresh Redis and gateway. Exits with 1 if a bar is missed. While an attacker is at its limits:
- another client's REST and a worker's report stay under 20 ms at p99, or under five times what they take without it;
- Redis stays under half a core;
- the memory of the gateway grows by 96 MiB at most."""
import argparse
import json
import os
import resource
import sys

BENCH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.path.append(BENCH)

import compare  # noqa: E402
import kinds  # noqa: E402
import scene  # noqa: E402
import servers  # noqa: E402
import tables  # noqa: E402
import verdict  # noqa: E402


def main():
    ask = argparse.ArgumentParser(prog="tests/bench/attacks", description=__doc__,
                                  formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--program", default=os.path.join(BENCH, "..", "..", "build", "release", "jobcast"),
                     help="the gateway to attack (build/release/jobcast)")
    ask.add_argument("--only", default="", metavar="NAMES",
                     help="these attacks with their variants, separated by commas, such as polls,hello")
    ask.add_argument("--seconds", type=float, default=15, help="how long each attack lasts (15)")
    ask.add_argument("--json", metavar="FILE", help="write all figures")
    ask.add_argument("--before", metavar="FILE", help="show these beside the figures that --json wrote of another program")
    ask.add_argument("--list", action="store_true", help="name the attacks, and attack nothing")
    asked = ask.parse_args()
    try:
        attacks = kinds.chosen(asked.only)
    except ValueError as problem:
        ask.error(str(problem))
    if asked.list:
        print("\n".join(f"{attack.name:22}{attack.what}" for attack in attacks))
        return 0

    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    os.sched_setaffinity(0, {servers.LOAD_CORE})
    before = None
    if asked.before:
        with open(asked.before, encoding="ascii") as file:
            before = json.load(file)
    print(compare.machine(), flush=True)
    found = []
    for attack in attacks:
        print(f"{attack.name}: {attack.what}", file=sys.stderr, flush=True)
        found.append(verdict.figures(scene.run(attack, os.path.abspath(asked.program), asked.seconds)))
    print("\n" + tables.whole(found, before))
    if asked.json:
        with open(asked.json, "w", encoding="ascii") as file:
            json.dump(found, file, indent=1)
    return 1 if any(one["wrong"] for one in found) else 0


if __name__ == "__main__":
    sys.exit(main())
