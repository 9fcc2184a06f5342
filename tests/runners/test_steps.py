"""scripts/lib/steps.sh: what a newcomer sees of long work."""
import pathlib
import re
import subprocess

import pytest

STEPS = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "lib" / "steps.sh"


def shell(script, *arguments):
    return subprocess.run(["bash", "-euo", "pipefail", "-c", f'. "{STEPS}"; {script}', "bash", *arguments],
                          capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("log, progress", [
    ("[1/83] Building a\n[12/83] Building b\nnote: [x]\n", "12 of 83"),
    ("0 upgraded, 2 newly installed, 0 to remove\nGet:1 a\n", "downloading 1 of 2"),
    ("0 upgraded, 2 newly installed, 0 to remove\nGet:1 a\nGet:2 b\nUnpacking a\n", "unpacking 1 of 2"),
    ("1 upgraded, 2 newly installed\nUnpacking a\nUnpacking b\nSetting up a\nSetting up b\n", "setting up 2 of 2"),
    ("nothing that is known\n", ""),
])
def test_the_log_says_how_far_the_work_is(tmp_path, log, progress):
    path = tmp_path / "log"
    path.write_text(log, encoding="ascii")
    assert shell('progress_of "$1"', str(path)).stdout == progress + "\n"


def test_a_step_that_succeeds_shows_its_label_and_seconds_and_not_its_output():
    done = shell('step "making it" echo much to read')
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"making it \.\.\.\nmaking it: \d+ s\n", done.stdout)


def test_a_step_that_fails_shows_all_its_output_and_ends_the_script_with_its_status():
    done = shell('step "making it" bash -c "seq 1000; exit 3"; echo goes on')
    assert done.returncode == 3
    assert done.stdout == "making it ...\n"
    assert done.stderr.splitlines()[:1000] == [str(n) for n in range(1, 1001)]
    assert re.search(r"making it: failed after \d+ s with status 3\n$", done.stderr)


def test_a_step_leaves_no_process_that_holds_the_output():
    # subprocess.run returns when the last process that has the pipe has ended.
    assert shell('for n in 1 2 3; do step "$n" true; done').stdout.count(" s\n") == 3
