"""tests/compat/0.1.0 holds what was published, byte for byte."""
import hashlib
import pathlib
import subprocess

import pytest

from libraries import PUBLISHED

ROOT = pathlib.Path(__file__).resolve().parents[2]
COMMIT = (PUBLISHED / "COMMIT").read_text(encoding="ascii").strip()
IN_HISTORY = {
    "functions.lua": "src/store/functions.lua",
    "watch.html": "tests/browser/pages/watch.html",
    "watch.js": "tests/browser/pages/watch.js",
    **{name: f"clients/js/{name}" for name in ("jobcast.js", "components.js", "jobcast.global.js")},
}


def test_every_copy_has_the_hash_it_was_made_with():
    listed = dict(reversed(line.split()) for line in (PUBLISHED / "SHA256SUMS").read_text(encoding="ascii").splitlines())
    assert {name: hashlib.sha256((PUBLISHED / name).read_bytes()).hexdigest() for name in listed} == listed
    assert set(listed) == {*IN_HISTORY, "workers.acl"}


def published(path):
    shown = subprocess.run(["git", "show", f"{COMMIT}:{path}"], cwd=ROOT, capture_output=True, check=False)
    if shown.returncode:
        pytest.skip(f"this clone does not reach back to {COMMIT[:7]}")
    return shown.stdout


@pytest.mark.parametrize("name", IN_HISTORY)
def test_a_copy_is_what_the_history_has(name):
    assert (PUBLISHED / name).read_bytes() == published(IN_HISTORY[name])


def test_the_user_for_workers_is_the_one_that_was_documented():
    assert (PUBLISHED / "workers.acl").read_bytes() in published("docs/workers.md").splitlines(keepends=True)
