"""Clients that others wrote, as their users use them: npm `ws`, and Python's `websockets`."""
import asyncio
import json
import os
import subprocess

import pytest
import websockets

from harness.wait import PATIENCE, until

CONFORMANCE = os.path.join(os.path.dirname(__file__), "..", "conformance")


def url_of(gateway):
    return "ws://%s:%d/api/ws" % gateway.address


@pytest.fixture(scope="module")
def npm_ws():
    subprocess.run(["npm", "ci", "--silent", "--no-audit", "--no-fund"], cwd=CONFORMANCE, check=True, timeout=300)
    return os.path.join(CONFORMANCE, "ws_client.js")


@pytest.mark.parametrize("options", [[], ["--deflate"]], ids=["plain", "offering compression"])
def test_npm_ws_watches_and_cancels_a_job(gateway, worker, npm_ws, job, options):
    worker.report(job, status="processing")
    with subprocess.Popen(["node", npm_ws, url_of(gateway), job, *options], stdout=subprocess.PIPE, text=True) as client:
        try:
            until(lambda: worker.report(job)[2], "the client's cancel to reach the worker")
            worker.report(job, status="cancelled")
            out, _ = client.communicate(timeout=PATIENCE)
        finally:
            client.kill()
    lines = [json.loads(line) for line in out.splitlines()]
    assert lines[0] == {"open": "jobcast.v1", "extensions": ""}
    assert {"event": "pong", "id": "large", "binary": False} in lines
    assert {"pong": "are you there"} in lines
    assert {"event": "ack", "id": 1, "binary": False} in lines and {"event": "ack", "id": 2, "binary": False} in lines
    records = [line["record"] for line in lines if line.get("event") == "job"]
    assert records[-1]["status"] == "cancelled" and any(record["cancel_requested"] for record in records)
    assert [record["version"] for record in records] == sorted({record["version"] for record in records})
    assert lines[-2:] == [{"event": "end", "reason": "final", "job": job, "binary": False},
                          {"close": 4000, "reason": ""}]


async def story_of_python(url, job, worker):
    async with websockets.connect(url, subprotocols=["jobcast.v1"]) as ws:
        assert ws.subprotocol == "jobcast.v1" and not ws.extensions

        async def say(**message):
            await ws.send(json.dumps(message))

        async def hear():
            return json.loads(await asyncio.wait_for(ws.recv(), PATIENCE))

        assert (await hear())["event"] == "time"
        await asyncio.wait_for(await ws.ping(b"are you there"), PATIENCE)
        await ws.send(['{"op":"wat', 'ch","jobs":["', job, '"],"id":"κ"}'])  # a message in fragments
        assert await hear() == {"event": "ack", "id": "κ"}
        assert (await hear())["record"]["status"] == "processing"
        await say(op="cancel", job=job)
        heard = [await hear(), await hear()]
        assert {"event": "ack"} in heard
        worker.report(job, status="cancelled")
        assert (await hear())["record"]["status"] == "cancelled"
        assert await hear() == {"event": "end", "reason": "final", "job": job}
        await ws.close(3001, "seen enough")
        return ws.close_code


def test_python_websockets_watches_and_cancels_a_job(gateway, worker, job):
    worker.report(job, status="processing")
    assert asyncio.run(story_of_python(url_of(gateway), job, worker)) == 3001


async def reasons_for_closing(url):
    codes = {}
    for name, message in (("binary", b"\x00"), ("large", "x" * 70_000)):
        async with websockets.connect(url, subprotocols=["jobcast.v1"]) as ws:
            assert json.loads(await asyncio.wait_for(ws.recv(), PATIENCE))["event"] == "time"
            await ws.send(message)
            with pytest.raises(websockets.ConnectionClosed):
                await asyncio.wait_for(ws.recv(), PATIENCE)
            codes[name] = ws.close_code
    return codes


def test_python_websockets_is_told_why_it_is_closed(gateway):
    assert asyncio.run(reasons_for_closing(url_of(gateway))) == {"binary": 1003, "large": 1009}


def test_a_drain_is_told_to_python_websockets(redis_server, start_gateway):
    gateway = start_gateway(redis_server)

    async def watch():
        async with websockets.connect(url_of(gateway), subprotocols=["jobcast.v1"]) as ws:
            gateway.process.terminate()
            with pytest.raises(websockets.ConnectionClosed):
                while True:
                    await asyncio.wait_for(ws.recv(), PATIENCE)
            return ws.close_code
    assert asyncio.run(watch()) == 1012
