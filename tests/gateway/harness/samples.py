"""The samples of the docs, and what they are run with: the client libraries of Debian 12, and the newest ones when they were
pinned (tests/samples), which `scripts/setup test` puts into build/samples."""
import pathlib
import re
import subprocess
import sys

from . import process
from .wait import until

PROJECT = pathlib.Path(__file__).resolve().parents[3]
LIBRARIES = PROJECT / "build" / "samples"
WITH_NODE = PROJECT / "scripts" / "with-node"
# By the version of redis-py.
PYTHONS = {"4.3.4": sys.executable, "8.1.0": LIBRARIES / "python" / "bin" / "python"}


def document(name):
    return (PROJECT / "docs" / name).read_text(encoding="utf-8")


def printed(name, language):
    """The blocks of that language in a page."""
    return re.findall(rf"^ *```{language}\n(.*?)^ *```", document(name), re.DOTALL | re.MULTILINE)


def holding(blocks, text):
    """The one block that has this text."""
    (found,) = [block for block in blocks if text in block]
    return found


class Run:
    """A program in any of the languages, begun. Its output is in `log`."""

    def __init__(self, language, code, folder, name="sample", environment=None):
        folder = pathlib.Path(folder)
        self.path = folder / f"{name}.log"
        command, suffix = {
            "node": ([WITH_NODE, "node"], "mjs"), "php": (["php"], "php"), "ruby": (["ruby"], "rb"), "sh": (["sh", "-e"], "sh"),
        }.get(language) or ([PYTHONS[language], "-u"], "py")
        if language == "node" and not (folder / "node_modules").exists():
            (folder / "node_modules").symlink_to(LIBRARIES / "node" / "node_modules")
        file = folder / f"{name}.{suffix}"
        file.write_text(code, encoding="utf-8")
        self.process = process.start([*map(str, command), str(file)], str(self.path), environment, str(folder))

    @property
    def log(self):
        return self.path.read_text(encoding="utf-8")

    def finish(self, seconds=60):
        """Its output, once it has ended well."""
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            code = "no end"
            self.kill()
        assert code == 0, f"{code}: {self.log}"
        return self.log

    def kill(self):
        process.kill(self.process)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()


def until_a_read_came_back(server, run):
    """Waits until a blocking XREADGROUP of the program has ended and another has begun, on the same connection: a library that
    gave up before the read was over would have come back on a new one."""
    client = server.client()

    def readers():
        return {one["id"] for one in client.client_list() if one["cmd"] == "xreadgroup" and "b" in one["flags"]}
    first = until(readers, "a read to begin")
    begun = client.info("commandstats")["cmdstat_xreadgroup"]["calls"]
    until(lambda: run.process.poll() is not None or client.info("commandstats")["cmdstat_xreadgroup"]["calls"] > begun,
          "the read to end and another to begin")
    assert run.process.poll() is None, run.log
    assert until(readers, "another read to begin") == first, "the library gave up and connected again"
