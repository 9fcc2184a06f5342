"""What each attacker sends, and the jobs and files that are there before. Seeds yield commands of Redis."""
import os
import string
import time

import place
import wire
from flood import Flood

# Defaults of the gateway's limits. Of request_rate: five seconds' worth at once, then 200 a second. A tenth more is tried, so
# that all of it is used.
ALLOWED = {"rate": 220, "burst": 1000}
STREAMS_PER_OWNER = 100

SLOWLY = {"rate": 20, "lanes": 64}
UNREAD = {"lanes": 40, "total": 40, "read": False}
VIEWER = "anna"
MESSAGE = "at work on the pages of the report for you now, please be patient"


def viewer():
    return wire.token(sub=VIEWER)


def tag_of(at, target):
    """The ETag of an answer, empty if it has none. Asks from an address of its own, and comes back where it has to."""
    for _ in range(30):
        status, headers, _ = at.get(target, viewer(), address="127.0.0.5", body=False)
        if status == 200:
            return headers.get("ETag", "")
        time.sleep(1)
    raise RuntimeError(f"{target} was answered {status}")


# One viewer with many jobs.

def jobs_of_viewer(finished):
    """3,000; `finished`: every other one is."""
    def seed(_):
        for number in range(3000):
            status = "done" if finished and number % 2 else "processing"
            yield wire.report(f"job-{number}", "status", status, "owner", VIEWER, "percent", number % 100, "message", MESSAGE)
    return seed


def streams(leave):
    return lambda _: Flood([wire.request("/api/events?owner=me", viewer())], lanes=64, leave=leave, **ALLOWED)


def list_without_match(_):
    return Flood([wire.request("/api/jobs?owner=me&status=failed", viewer())], **ALLOWED)


# Polls.

def polled(_):
    yield wire.report("polled", "status", "processing", "owner", VIEWER)


def polls(**how):
    def flood(at):
        headers = {"Prefer": "wait=60", "If_None_Match": tag_of(at, "/api/jobs/polled/status")}
        if how.get("address") == place.PROXY:
            headers["X_Forwarded_For"] = "192.0.2.1"
        return Flood([wire.request("/api/jobs/polled/status", viewer(), **headers)], **how, **ALLOWED)
    return flood


# Many small things in one request.

LETTERS = string.ascii_letters + string.digits


def names(count):
    """Different names of at most three letters, the shortest first."""
    found = list(LETTERS)
    for one in found:
        if len(found) >= count:
            break
        found += [one + letter for letter in LETTERS]
    return found[:count]


def header_of_members(_):
    members = {"alg": "HS256", "typ": "JWT", **{first + second: 0 for first in LETTERS[:40] for second in LETTERS[:40]}}
    forged = wire.token(header=members, sub=VIEWER)[:-4] + "AAAA"
    return Flood([wire.request("/api/jobs/any/status", forged)])


def many_ids(bearer=None):
    return lambda _: Flood([wire.request("/api/jobs?ids=" + ",".join(names(4150)), bearer)])


def many_jobs(bearer=None):
    return lambda _: Flood([wire.request("/api/events?" + "&".join(f"job={name}" for name in names(2200)), bearer)])


def many_watches(_):
    jobs = ",".join(f'"{name}"' for name in names(9000))
    return Flood([wire.text_frame('{"op":"watch","jobs":[' + jobs + "]}")], opening=wire.web_socket_opening(), framed=True)


# Large answers. The gateway shares a read among those who ask for the same at once: so these ask for the same jobs in several
# orders, and for several histories.

def big_results(_):
    for number in range(100):
        yield wire.report(f"big-{number}", "status", "done", "owner", VIEWER, "result", '"' + "x" * 65_000 + '"')


def big_lists(count):
    jobs = [f"big-{number}" for number in range(100)]
    return ["/api/jobs?ids=" + ",".join(jobs[first:] + jobs[:first]) for first in range(count)]


def streams_of_results(_):
    """100 jobs on each: half of them are also on the next, and the order differs."""
    jobs = [f"job=big-{number}" for number in range(100)]
    targets = ["/api/events?" + "&".join(jobs[first:] + jobs[:first]) for first in range(0, 100, 10)]
    return Flood([wire.request(target, viewer()) for target in targets], lanes=64, leave="answered", **ALLOWED)


HISTORIES = [f"/api/jobs/long-{number}/history" for number in range(8)]


def long_histories(_):
    """Texts that JSON writes six times as long as they are."""
    text = b"\x01" * 2000
    for number in range(8 * 260):
        yield wire.report(f"long-{number % 8}", "status", "retrying", "owner", VIEWER, "attempt", number // 8 + 1,
                          "max_attempts", 1000, "retry_in", 3600, "error.code", "x", "error.title", "x", "error.detail", text,
                          "error.action", text)


def reads(targets, tagged=True, **how):
    """`tagged`: with the ETags that the answers have, so that the gateway reads all of it and answers 304."""
    def flood(at):
        tags = {target: {"If_None_Match": tag_of(at, target)} if tagged else {} for target in targets}
        return Flood([wire.request(target, viewer(), **tags[target]) for target in targets], **how)
    return flood


# Files of web.root.

def big_file(at):
    with open(os.path.join(at.files, "big.bin"), "wb") as file_of_8_mib:
        file_of_8_mib.write(os.urandom(1 << 16) * 128)
    return ()


def file(method, **how):
    return lambda _: Flood([wire.request("/big.bin", method=method)], **how)


# TLS.

def hellos(_):
    return Flood([wire.client_hello()], lanes=32, leave="answered", reset=True)


# Reports by PUBLISH.

def published(namespace):
    """400,000 in 3 s, in batches of 200, on 1,000 jobs."""
    def batch(first):
        return b"".join(wire.command("PUBLISH", f"{namespace}:report:flood-{number % 1000}",
                                     f'{{"status":"processing","percent":{number % 100},"message":"{MESSAGE}"}}')
                        for number in range(first, first + 200))
    # Redis in protected mode takes no other address.
    return lambda _: Flood([batch(first) for first in range(0, 4000, 200)], lanes=4, rate=2000 / 3, total=2000, framed=True,
                           unit=200, to_redis=True, address="127.0.0.1")
