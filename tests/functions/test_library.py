"""The library as a whole: its parts, the lock of its version, and what luacheck says."""
import re
import subprocess

import pytest

import library

TEXT = library.source()


def raised(text):
    """The same source with the next minor version."""
    major, minor = library.version_of(text).split(".")
    return text.replace(f"VERSION = '{major}.{minor}'", f"VERSION = '{major}.{int(minor) + 1}'")


def test_every_part_is_joined_once():
    assert sorted(library.order()) == sorted(path.stem for path in library.FOLDER.glob("*.lua"))


@pytest.mark.parametrize("part", library.order())
def test_a_part_is_short_and_is_one_table(part):
    text = library.source([part])
    assert text.count("\n") <= 350
    if part not in ("library", "register"):
        # Lua allows 200 locals in the joined file: a part takes one of them.
        assert re.findall(r"^local (\w+) = \{\} do$", text, re.MULTILINE) == [part] and text.endswith("\nend\n")


def test_the_lock_has_the_version_and_the_hash_of_the_source():
    assert library.problem_of((library.FOLDER / "library.lock").read_text(), TEXT) is None


def test_a_changed_source_with_the_same_version_is_found():
    assert "raise VERSION" in library.problem_of(library.lock_of(TEXT), TEXT + "-- changed\n")


def test_a_changed_source_with_the_same_version_cannot_be_locked():
    assert "raise VERSION" in library.problem_of(library.lock_of(TEXT), TEXT + "-- changed\n", locking=True)


def test_a_raised_version_is_found_until_it_is_locked():
    lock = library.lock_of(TEXT)
    assert "--lock" in library.problem_of(lock, raised(TEXT))
    assert library.problem_of(lock, raised(TEXT), locking=True) is None


def test_a_version_never_falls():
    assert "only rise" in library.problem_of(library.lock_of(raised(TEXT)), TEXT, locking=True)


def luacheck(text):
    """What luacheck says of the joined text, with the part and the line in it."""
    done = subprocess.run(["luacheck", "--std", "lua51", "--globals", "redis", "cjson", "struct", "--max-line-length", "160", "--no-color",
                           "--codes", "--formatter", "plain", "-"], input=text, capture_output=True, text=True, check=False)
    starts = []
    for part in library.order():
        starts += [f"{part}.lua:{n + 1}" for n in range(library.source([part]).count("\n"))]
    return [re.sub(r"^stdin:(\d+):", lambda found: starts[min(int(found.group(1)), len(starts)) - 1] + ":", line)
            for line in done.stdout.splitlines()]


def test_luacheck_finds_nothing():
    assert luacheck(TEXT) == []


@pytest.mark.parametrize("fault, code", [("local unused = 1\n", "W211"), ("print(undefined_name)\n", "W113"), ("leaked = 1\n", "W111"),
                                         ("local function f(text) return text end f()\n", "W43")])
def test_luacheck_finds_a_fault(fault, code):
    assert any(code in line for line in luacheck(TEXT + fault))
