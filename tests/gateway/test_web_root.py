"""web.root: a folder whose files cannot be served is an error at once, not a 404 later."""
import os
import signal
import subprocess

import pytest

from harness.gateway import PROGRAM
from harness.wait import until


@pytest.fixture(params=["missing", "a file", "a link to nothing", "not to be read"])
def bad_root(request, tmp_path):
    path = tmp_path / "root"
    if request.param == "a file":
        path.write_text("text", encoding="utf-8")
    elif request.param == "a link to nothing":
        path.symlink_to(tmp_path / "nothing")
    elif request.param == "not to be read":
        if os.geteuid() == 0:
            pytest.skip("root may read every folder")
        path.mkdir(mode=0)
    return path


def test_the_gateway_does_not_start_and_names_the_setting_and_the_path(redis_server, start_gateway, bad_root):
    gateway = start_gateway(redis_server, wait=False, WEB_ROOT=bad_root)
    assert gateway.wait_end() == 1
    assert f"web.root: {bad_root}: " in gateway.log()


def test_check_says_so_too(bad_root):
    done = subprocess.run([PROGRAM, "check"], env={**os.environ, "JOBCAST_WEB_ROOT": str(bad_root)}, capture_output=True, text=True,
                          timeout=30, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"web.root: {bad_root}: " in done.stderr


def test_a_reload_with_such_a_folder_keeps_everything_as_it_was(redis_server, start_gateway, bad_root, tmp_path):
    (tmp_path / "page").mkdir()
    (tmp_path / "page" / "index.html").write_text("hello", encoding="utf-8")
    gateway = start_gateway(redis_server, toml=f'[web]\nroot = "{tmp_path}/page"\n')
    gateway.configure(f'[web]\nroot = "{bad_root}"\n')
    gateway.process.send_signal(signal.SIGHUP)
    line = until(lambda: next((one for one in gateway.log().splitlines() if f"web.root: {bad_root}: " in one), None), "the error")
    assert line.endswith("everything stays as it was")
    assert gateway.get("/").body == b"hello"


def test_a_reload_while_the_folder_is_being_replaced_takes_the_rest(redis_server, start_gateway, tmp_path):
    root = tmp_path / "page"
    root.mkdir()
    gateway = start_gateway(redis_server, toml=f'[web]\nroot = "{root}"\n')
    root.rmdir()
    gateway.process.send_signal(signal.SIGHUP)
    until(lambda: "were read again" in gateway.log(), "the reload")
