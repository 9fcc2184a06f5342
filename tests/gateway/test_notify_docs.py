"""docs/notifications.md: its code for verifying a signature, run as printed on a webhook that a gateway sent."""
import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest

from harness.webhooks import Receiver

PROJECT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENT = PROJECT / "docs" / "notifications.md"
WITH_NODE = PROJECT / "scripts" / "with-node"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def printed(language):
    (code,) = re.findall(rf"```{language}\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    return code


def python(folder, *call):
    names = {}
    exec(printed("python"), names)  # pylint: disable=exec-used
    secret, headers, body = call
    return names["verify"](secret, headers, body)


def node(folder, secret, headers, body):
    return run([WITH_NODE, "node"], folder / "verify.mjs", printed("js") + """
const [secret, headers, body] = JSON.parse(process.argv[2]);
console.log(verify(secret, headers, Buffer.from(body)));
""", secret, headers, body)


def php(folder, secret, headers, body):
    return run(["php"], folder / "verify.php", "<?php\n" + printed("php") + """
[$secret, $headers, $body] = json_decode($argv[1], true);
echo verify($secret, $headers, $body) ? 'true' : 'false';
""", secret, headers, body)


def run(command, path, code, *call):
    path.write_text(code, encoding="utf-8")
    argument = json.dumps([part.decode() if isinstance(part, bytes) else part for part in call])
    done = subprocess.run([*command, path, argument], capture_output=True, text=True, timeout=30, check=True)
    return {"true": True, "false": False}[done.stdout.strip()]


@pytest.fixture(scope="module")
def received(_start_shared_redis, _start_shared_gateway):
    receiver = Receiver()
    toml = f"[notify.webhooks.shop]\nurl = {json.dumps(receiver.url)}\nsecrets = [{json.dumps(SECRET)}]\n"
    gateway = _start_shared_gateway(_start_shared_redis(), toml=toml, NOTIFY_GRACE="0s", NOTIFY_ALLOW_INTERNAL="127.0.0.1")
    gateway.report("docs", status="failed", error={"title": "Größe fehlt: \"x\""})
    (one,) = receiver.wait()
    receiver.close()
    return one


@pytest.mark.parametrize("verify", [
    python,
    node,
    pytest.param(php, marks=pytest.mark.skipif(not shutil.which("php", path=os.defpath), reason="there is no PHP here")),
], ids=["python", "node", "php"])
def test_the_printed_code_tells_ours_from_forged(received, tmp_path, verify):
    assert verify(tmp_path, SECRET, received.headers, received.body)
    assert verify(tmp_path, SECRET, {**received.headers, "webhook-signature": "v1,AAAA " + received.headers["webhook-signature"]}, received.body)
    assert not verify(tmp_path, SECRET, received.headers, received.body + b" ")
    assert not verify(tmp_path, "whsec_" + "b3RoZXI=" * 4, received.headers, received.body)
    assert not verify(tmp_path, SECRET, {**received.headers, "webhook-id": "msg_other"}, received.body)
    old = {**received.headers, "webhook-timestamp": str(int(received.headers["webhook-timestamp"]) - 3600)}
    assert not verify(tmp_path, SECRET, old, received.body)
