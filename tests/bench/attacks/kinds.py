"""The attacks: what is there before, what the attacker does, and what must hold besides the bars of all attacks."""
import dataclasses
import typing

import floods
import place


@dataclasses.dataclass
class Attack:
    name: str
    what: str
    flood: typing.Callable                    # place -> Flood
    seed: typing.Callable = lambda place: ()  # place -> commands of Redis
    tls: bool = False
    burst: float = 5.0                        # seconds until the attacker has used up what it may do at once
    redis_bar: bool = True                    # whether Redis must stay under half a core
    control: typing.Callable = None           # place -> Flood, where a dummy HTTP server would not do
    checks: typing.Callable = lambda seen: ()  # Seen -> texts of what is wrong


@dataclasses.dataclass
class Seen:
    """What an attack left: metrics before it, at its end and three seconds later, and the gateway's log."""
    before: dict
    during: dict
    after: dict
    log: str


def polls_are_bounded(seen):
    left, held = (metrics["jobcast_long_polls"] for metrics in (seen.after, seen.during))
    if left:
        yield f"{left:.0f} polls are held after their clients left"
    if held > floods.STREAMS_PER_OWNER:
        yield f"{held:.0f} polls of one viewer were held"


def lease_is_kept(seen):
    if lost := seen.log.count("no longer hold the lease to apply published reports"):
        yield f"the lease for published reports was lost {lost} times"


def polls(name, what, **how):
    return Attack(name, what, floods.polls(**how), floods.polled, checks=polls_are_bounded)


ALL = [
    Attack("streams", "opens and leaves streams of an owner with 3,000 jobs, half of them unfinished",
           floods.streams("answered"), floods.jobs_of_viewer(True)),
    Attack("streams-unfinished", "the same with 3,000 unfinished ones, and leaves without reading",
           floods.streams("sent"), floods.jobs_of_viewer(False)),
    Attack("list", "lists jobs with a status that none of 3,000 has", floods.list_without_match, floods.jobs_of_viewer(True)),

    polls("polls-left", "polls, and leaves at once", lanes=64, leave="sent"),
    polls("polls-proxied", "the same through a trusted proxy", lanes=64, leave="sent", address=place.PROXY),
    polls("polls-held", "1,990 polls of one viewer", lanes=1990),

    Attack("token", "forged tokens whose header has 1,602 members", floods.header_of_members),
    Attack("ids", "lists of 4,150 ids, without a token", floods.many_ids()),
    Attack("ids-viewer", "the same with a viewer's token", floods.many_ids(floods.viewer())),
    Attack("jobs", "streams of 2,200 jobs, without a token", floods.many_jobs()),
    Attack("jobs-viewer", "the same with a viewer's token", floods.many_jobs(floods.viewer())),
    Attack("watch", "WebSocket messages that watch 9,000 jobs, without a token", floods.many_watches),

    Attack("results", "20 times a second 100 jobs with results of 64 KiB, If-None-Match",
           floods.reads(floods.big_lists(10), **floods.SLOWLY), floods.big_results),
    Attack("results-fast", "the same as fast as allowed",
           floods.reads(floods.big_lists(10), **floods.ALLOWED), floods.big_results),
    Attack("results-unread", "40 such answers, unread",
           floods.reads(floods.big_lists(40), tagged=False, **floods.UNREAD), floods.big_results),
    Attack("results-streams", "opens and leaves streams of 100 jobs with such results", floods.streams_of_results, floods.big_results),
    Attack("history", "20 times a second histories of 6 MB",
           floods.reads(floods.HISTORIES, tagged=False, **floods.SLOWLY), floods.long_histories),
    Attack("history-unread", "40 such answers, unread",
           floods.reads(floods.HISTORIES, tagged=False, **floods.UNREAD), floods.long_histories),

    Attack("file-head", "HEAD of a file of 8 MiB as often as allowed", floods.file("HEAD", **floods.ALLOWED), floods.big_file),
    Attack("file-get", "GET of it", floods.file("GET", **floods.ALLOWED), floods.big_file),
    Attack("file-unread", "40 GETs of it, unread", floods.file("GET", **floods.UNREAD), floods.big_file),

    Attack("hello", "recorded TLS ClientHellos", floods.hellos, tls=True),

    # The flood itself comes through Redis, so there is no bar on what Redis uses; and the tool alone publishes where nobody
    # listens, so that the bar on latency tells what the gateway adds.
    Attack("publish", "400,000 reports published in 3 s", floods.published("jobcast"), burst=3.0, redis_bar=False,
           control=floods.published("nobody"), checks=lease_is_kept),
]


def chosen(text):
    """Those named in `text`, separated by commas, and the variants of each: `polls` is all whose names begin with `polls-`
    too. All if it is empty. Raises ValueError."""
    words = [word.strip() for word in text.split(",") if word.strip()]

    def named(attack, word):
        return (attack.name + "-").startswith(word + "-")
    unknown = [word for word in words if not any(named(attack, word) for attack in ALL)]
    if unknown:
        raise ValueError(f"no attack is called {', '.join(unknown)}; there are {', '.join(attack.name for attack in ALL)}")
    return [attack for attack in ALL if not words or any(named(attack, word) for word in words)]
