"""What came out of an attack: the figures of each window, and which bars are missed."""
import math

from bystanders import EVENT, REST, WORKER

BAR_MS, BAR_TIMES, BAR_REDIS, BAR_MEMORY = 20, 5, 0.5, 96 << 20
WINDOWS = ("quiet", "tool", "burst", "after")


def quantile(values, share):
    """NaN without values."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)] if ordered else math.nan


def figures(measured):
    """As JSON: {"attack", "what", "windows": {name: {...}}, "memory", "answers", "wrong": [texts]}."""
    windows = {name: _window(measured, measured.windows[name], measured.tool if name == "tool" else measured.outcome)
               for name in WINDOWS}
    attacked = measured.windows["burst"][0], measured.windows["after"][1]
    memory = {"before": measured.meter.memory("gateway", measured.windows["quiet"]),
              "peak": measured.meter.memory("gateway", (attacked[0], attacked[1] + 3))}
    seconds = attacked[1] - attacked[0]
    found = {"attack": measured.attack.name, "what": measured.attack.what, "windows": windows, "memory": memory,
             "answers": {what: count * measured.unit / seconds for what, count in sorted(measured.outcome.answers.items())},
             "metrics": {"before": measured.seen.before, "during": measured.seen.during, "after": measured.seen.after}}
    found["wrong"] = wrong(measured.attack, measured.seen, found)
    return found


def _window(measured, window, outcome):
    found = {"rate": outcome.between(window, 1) * measured.unit, "tool": outcome.between(window, 2),
             "gateway": measured.meter.cpu("gateway", window), "redis": measured.meter.cpu("redis", window)}
    for kind in REST, WORKER, EVENT:
        inside = [(took, went_well) for of, due, took, went_well in measured.samples
                  if of == kind and window[0] <= due < window[1]]
        times = [took for took, _ in inside]
        found[kind] = {"count": len(inside), "failed": sum(not went_well for _, went_well in inside),
                       "p50": quantile(times, 0.5), "p99": quantile(times, 0.99)}
    return found


def wrong(attack, seen, found):
    """The bars that are missed, as texts. Quiet is the slower of no attack at all and the attacker's tool alone."""
    texts, windows = [], found["windows"]
    for name in "burst", "after":
        for kind in REST, EVENT:
            quiet = max(windows["quiet"][kind]["p99"], windows["tool"][kind]["p99"])
            bar, p99 = max(BAR_MS, BAR_TIMES * quiet), windows[name][kind]["p99"]
            if not p99 < bar:
                texts.append(f"{kind} p99 {p99:,.1f} ms in {name}, bar {bar:.0f}")
            if windows[name][kind]["failed"]:
                texts.append(f"{windows[name][kind]['failed']} of {windows[name][kind]['count']} {kind}s failed in {name}")
        if attack.redis_bar and windows[name]["redis"] >= BAR_REDIS:
            texts.append(f"Redis {windows[name]['redis']:.0%} in {name}")
    grown = found["memory"]["peak"] - found["memory"]["before"]
    if grown > BAR_MEMORY:
        texts.append(f"memory grew by {grown >> 20} MiB")
    if seen.during and seen.after:
        texts += attack.checks(seen)
    else:
        texts.append("no /metrics under the attack")
    return texts
