"""The figures of attacks as Markdown."""
from bystanders import EVENT, REST
from compare import table
from verdict import WINDOWS

LEGEND = """\
Each attack is measured beside a client that reads a status 40 times a second, and a worker that reports 50 times a second.
A report's time ends when its event has reached an event stream. Times are milliseconds: without an attack / with the
attacker's tool at work on a dummy server / first 5 s of the attack / the rest of it. CPU is percent of one core: without /
first 5 s / the rest."""


def short(number):
    return f"{number:.1f}" if number < 10 else f"{number:,.0f}"


def latencies(found):
    def each(one, kind, which):
        return " / ".join(short(one["windows"][window][kind][which]) for window in WINDOWS)
    rows = [(one["attack"], *(each(one, kind, which) for kind in (REST, EVENT) for which in ("p50", "p99")),
             "FAIL" if one["wrong"] else "OK") for one in found]
    return table(("attack", "REST p50", "REST p99", "report p50", "report p99", ""), rows)


def costs(found):
    def share(one, process, windows=("quiet", "burst", "after")):
        return " / ".join(f"{one['windows'][window][process]:.0%}" for window in windows)

    def memory(one):
        return f"{one['memory']['before'] >> 20} to {one['memory']['peak'] >> 20} MiB"

    def answers(one):
        return ", ".join(f"{what} {count:,.0f}" for what, count in one["answers"].items() if count >= 0.5)

    def sent(one):
        return " / ".join(f"{one['windows'][window]['rate']:,.0f}" for window in ("burst", "after"))

    rows = [(one["attack"], sent(one), answers(one), share(one, "gateway"), share(one, "redis"),
             share(one, "tool", ("burst", "after")), memory(one)) for one in found]
    return table(("attack", "sent/s", "answers/s", "gateway", "Redis", "tool", "gateway's RSS"), rows)


def comparison(before, found):
    """Of each attack the worse of its two windows, in both."""
    earlier = {one["attack"]: one for one in before}

    def worse(one, *path):
        values = []
        for window in "burst", "after":
            value = one["windows"][window]
            for name in path:
                value = value[name]
            values.append(value)
        return max(values)

    def both(one, text, figure):
        return f"{text(figure(earlier[one['attack']]))} to {text(figure(one))}"

    percent = "{:.0%}".format
    rows = [(one["attack"], both(one, short, lambda of: worse(of, REST, "p99")),
             both(one, short, lambda of: worse(of, EVENT, "p99")),
             both(one, percent, lambda of: worse(of, "gateway")), both(one, percent, lambda of: worse(of, "redis")),
             both(one, str, lambda of: of["memory"]["peak"] >> 20)) for one in found if one["attack"] in earlier]
    return table(("attack", "REST p99 ms", "report p99 ms", "gateway", "Redis", "RSS MiB"), rows)


def whole(found, before=None):
    parts = [LEGEND, latencies(found), costs(found)]
    if before:
        parts.append("Before and now, the worse of both parts of the attack:\n\n" + comparison(before, found))
    parts.append("\n".join(f"FAIL {one['attack']}: {text}" for one in found for text in one["wrong"]) or "All bars are met.")
    return "\n\n".join(parts)
