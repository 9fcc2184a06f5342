"""CPU and memory of processes over time."""
import os
import threading
import time

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


class Meter:
    """Looks at the CPU seconds and the memory of processes twenty times a second, from a thread."""

    def __init__(self, **pids):
        self.pids, self.samples, self.over = pids, [], threading.Event()
        self.thread = threading.Thread(target=self._run)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()

    def _run(self):
        while not self.over.wait(0.05):
            self.samples.append((time.monotonic(), {name: _figures(pid) for name, pid in self.pids.items()}))

    def cpu(self, name, window):
        """Of one core, between two times."""
        inside = [(at, figures[name][0]) for at, figures in self.samples if window[0] <= at <= window[1]]
        if len(inside) < 2 or inside[-1][0] == inside[0][0]:
            return 0.0
        return (inside[-1][1] - inside[0][1]) / (inside[-1][0] - inside[0][0])

    def memory(self, name, window):
        """The most bytes it had between two times."""
        return max((figures[name][1] for at, figures in self.samples if window[0] <= at <= window[1]), default=0)


def _figures(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS, int(fields[21]) * PAGE
