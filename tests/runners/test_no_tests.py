"""A run that executes no test fails, whichever runner it is."""
import os
import pathlib
import subprocess
import sys

import pytest

PROJECT = pathlib.Path(__file__).resolve().parents[2]
CASES = pathlib.Path(__file__).parent / "cases"
ALL_SKIPPED = 77
BUILD = pathlib.Path(os.environ.get("JOBCAST_BUILD", PROJECT / "build" / "release"))
DOCTEST_PROGRAMS = [str(BUILD / "tests" / name) for name in ("unit_tests", "integration_tests")]


def run(*command, **environment):
    # A test of node's that runs inside another reports to that one, unless it does not know.
    outside = {name: value for name, value in os.environ.items() if name != "NODE_TEST_CONTEXT"}
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=PROJECT,
                          env={**outside, **environment})


@pytest.fixture
def build_with_one_test(tmp_path):
    (tmp_path / "CTestTestfile.cmake").write_text("add_test(one true)\n", encoding="ascii")
    return str(tmp_path)


def test_a_selection_of_scripts_test_that_holds_a_test_passes(build_with_one_test):
    assert run("scripts/test", "--no-build", "-R", "one", JOBCAST_BUILD=build_with_one_test).returncode == 0


def test_a_selection_of_scripts_test_without_a_test_fails(build_with_one_test):
    assert run("scripts/test", "--no-build", "-R", "no such test", JOBCAST_BUILD=build_with_one_test).returncode != 0


@pytest.mark.parametrize("program", DOCTEST_PROGRAMS)
def test_a_filter_of_a_doctest_program_that_leaves_no_test_fails(program):
    done = run(program, "--test-case=no such test")
    assert (done.returncode, done.stderr) == (1, "no test ran\n")


@pytest.mark.parametrize("program", DOCTEST_PROGRAMS)
def test_the_list_of_a_doctest_program_is_no_failure(program):
    assert run(program, "--list-test-cases").returncode == 0


@pytest.mark.parametrize("case, status", [
    (["passes.py"], 0),
    (["passes.py", "all_skipped.py"], 0),
    (["all_skipped.py"], ALL_SKIPPED),
    (["empty.py"], 5),
    (["passes.py", "-k", "absent"], 5),
])
def test_pytest(case, status):
    arguments = [str(CASES / one) if one.endswith(".py") else one for one in case]
    assert run(sys.executable, "-m", "pytest", *arguments).returncode == status


@pytest.mark.parametrize("files, status", [
    (["passes.mjs"], 0),
    (["passes.mjs", "all_skipped.mjs"], 0),
    (["all_skipped.mjs"], ALL_SKIPPED),
    (["empty.mjs"], 1),
    (["passes.mjs", "empty.mjs"], 1),
    (["fails.mjs"], 1),
    (["no such file.mjs"], 1),
    ([], 2),
])
def test_node_tests(files, status):
    done = run("scripts/with-node", "node", "tests/run_node_tests.mjs", *(str(CASES / file) for file in files))
    assert done.returncode == status, done.stdout + done.stderr


@pytest.mark.parametrize("command", [
    ["scripts/chaos", "--runs", "0"],
    ["scripts/fuzz", "0"],
    ["scripts/fuzz", "1", "no_such_target"],
    ["/usr/bin/python3", "tests/bench/compare.py", "build/release/jobcast", "--runs", "0"],
    ["scripts/with-node"],
    ["scripts/bare"],
])
def test_a_script_that_is_given_nothing_to_do_refuses(command):
    assert run(*command).returncode == 2
