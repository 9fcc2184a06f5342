"""The function library of 0.1.0 and today's. These tests read today's here and nowhere else."""
import pathlib
import re
import sys

PUBLISHED = pathlib.Path(__file__).parent / "0.1.0"
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import library


def old():
    return (PUBLISHED / "functions.lua").read_text(encoding="utf-8")


def today():
    return library.source()


def version_of(source):
    """(major, minor), as numbers."""
    return tuple(int(part) for part in re.search(r"local VERSION = '(\d+)\.(\d+)'", source).groups())


def next_minor(source):
    """The same library with a higher minor version, as a later release would bring."""
    major, minor = version_of(source)
    return source.replace(f"local VERSION = '{major}.{minor}'", f"local VERSION = '{major}.{minor + 1}'")
