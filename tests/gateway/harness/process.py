"""Child processes that never outlive the test run, ports that no other test run takes, and a look into /proc."""
import ctypes
import os
import random
import signal
import socket
import subprocess

_libc = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1
_port_claims = []


def end_with_parent():
    """For `preexec_fn`: the child is killed when the test run dies."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def start(command, log_path, env=None, cwd=None):
    """Starts `command` with stdout and stderr appended to `log_path`. It is killed when the test run dies."""
    with open(log_path, "ab") as log:
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env, cwd=cwd,
            preexec_fn=end_with_parent)


def kill(process):
    """SIGKILL, and waits for the end."""
    if process.poll() is None:
        process.kill()
    process.wait(timeout=30)


def free_port():
    """A loopback port below the range of outgoing connections, claimed from other test runs until this one ends."""
    while True:
        port = random.SystemRandom().randrange(11_000, 32_000)
        claim = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        probe = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            claim.bind(f"\0jobcast-test-port-{port}")
            probe.bind(("127.0.0.1", port))
        except OSError:
            claim.close()
            continue
        finally:
            probe.close()
        _port_claims.append(claim)
        return port


def resident_kib(pid):
    """VmRSS of a process."""
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        for line in status:
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
    raise AssertionError(f"process {pid} has no memory: it is a zombie")


def children(pid):
    """Ids of the processes that `pid` started, from whichever of its threads."""
    found = []
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/children", encoding="ascii") as listed:
            found += [int(child) for child in listed.read().split()]
    return found


def alive(pid):
    """Whether the process runs; a zombie does not."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
            return stat.read().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False
