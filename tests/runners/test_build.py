"""scripts/build makes the same of a build folder, whatever was configured or installed there before."""
import pathlib
import re
import shutil
import subprocess

import pytest

PROJECT = pathlib.Path(__file__).resolve().parents[2]


def _sources_alone(folder, names):
    return {"node_modules", ".git"}.intersection(names) | ({"build"} if pathlib.Path(folder) == PROJECT else set())


class Checkout:
    def __init__(self, folder):
        self.folder = folder
        shutil.copytree(PROJECT, folder, ignore=_sources_alone)
        self.cache = folder / "build" / "release" / "CMakeCache.txt"

    def run(self, *command):
        return subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=120, check=True).stdout

    def build(self):
        """Configures; ninja's target `help` compiles nothing."""
        return self.run("scripts/build", "release", "help")

    def tests(self):
        listed = self.run("ctest", "--test-dir", "build/release", "-N")
        return int(re.search(r"^Total Tests: (\d+)$", listed, re.MULTILINE).group(1))


@pytest.fixture
def checkout(tmp_path):
    return Checkout(tmp_path / "checkout")


def test_a_folder_that_was_configured_without_tests_gets_them(checkout):
    checkout.run("cmake", "--preset", "release", "-DBUILD_TESTING=OFF")
    assert checkout.tests() == 0
    checkout.build()
    assert checkout.tests() > 0


def test_a_tool_that_was_removed_since_is_looked_for_anew(checkout):
    checkout.build()
    cached = checkout.cache.read_text(encoding="utf-8")
    checkout.cache.write_text(re.sub(r"(?m)^CCACHE:FILEPATH=.*", "CCACHE:FILEPATH=/removed/ccache", cached), encoding="utf-8")
    assert "since /removed/ccache is gone" in checkout.build()
    assert "/removed/" not in checkout.cache.read_text(encoding="utf-8")


def test_a_checkout_that_was_moved_is_configured_anew(checkout):
    checkout.build()
    checkout.folder = checkout.folder.rename(checkout.folder.with_name("moved"))
    assert "trying once more" in checkout.build()
    assert checkout.tests() > 0


def test_a_second_time_changes_nothing(checkout):
    checkout.build()
    output = checkout.build()
    assert "anew" not in output and "trying" not in output
