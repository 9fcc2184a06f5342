"""Clients that an attack must not disturb, in one process: one reads a status, one is a worker that reports, one watches
the worker's job."""
import asyncio
import multiprocessing
import os
import re
import ssl
import time

import servers
import wire
from place import before_others

REST, WORKER, EVENT = "rest", "report", "event"
OWNER, READ, WATCHED = "bella", "bystander-read", "bystander-watched"
REST_ADDRESS, WATCHER_ADDRESS = "127.0.0.3", "127.0.0.4"
RATES = {REST: 40, WORKER: 50}
PATIENCE = 10
_NUMBER = re.compile(rb'"message":"number (\d+)"')
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Bystanders:
    """`stop` returns (kind, when it was due, milliseconds, whether it went well) of everything. Milliseconds count from when
    a request was due, not from when it was sent: so what holds requests up is not left out."""

    def __init__(self, place):
        context = multiprocessing.get_context("fork")
        self.over = context.Event()
        self.samples, answers = context.Pipe(duplex=False)
        arguments = place.port, place.redis.port, place.tls, self.over, answers
        self.process = context.Process(target=_run, args=arguments, daemon=True)
        self.process.start()
        answers.close()

    def stop(self):
        self.over.set()
        found = self.samples.recv()
        self.process.join()
        return found


def seed():
    """Reports that make their jobs."""
    for job in READ, WATCHED:
        yield wire.report(job, "status", "processing", "owner", OWNER, "message", "number 0")


def _run(*arguments):
    servers.die_with_parent()
    before_others(os.getpid(), 2)  # little work, that must not wait for the others on its core
    asyncio.run(_Run(*arguments).all())


class _Run:
    def __init__(self, port, redis_port, tls, over, answers):
        self.port, self.redis_port, self.over, self.answers = port, redis_port, over, answers
        self.tls = ssl._create_unverified_context() if tls else None  # pylint: disable=protected-access
        self.token = wire.token(sub=OWNER)
        self.samples, self.idle, self.unseen, self.unanswered = [], [], {}, []

    async def all(self):
        watcher = asyncio.create_task(self._watcher())
        worker, replies = await self._worker()
        await asyncio.gather(self._each(RATES[REST], self._read), self._each(RATES[WORKER], worker))
        reads = [task for task in asyncio.all_tasks() if task.get_name() == REST]
        if reads:
            await asyncio.wait(reads, timeout=PATIENCE)
        await asyncio.sleep(0.2)
        for kind, waiting in (EVENT, list(self.unseen.values())), (WORKER, self.unanswered):
            for due in waiting:
                self._note(kind, due, False)
        for task in watcher, replies:
            task.cancel()
        self.answers.send(self.samples)

    def _note(self, kind, due, went_well=True):
        self.samples.append((kind, due, (time.monotonic() - due) * 1000, went_well))

    async def _each(self, rate, work):
        """Begins `work` at a steady rate, whatever became of the last."""
        due, number = time.monotonic(), 0
        while not self.over.is_set():
            await asyncio.sleep(max(0, due - time.monotonic()))
            number += 1
            work(number, due)
            due += 1 / rate

    def _read(self, _, due):
        asyncio.create_task(self._read_status(due), name=REST)

    async def _read_status(self, due):
        try:
            self._note(REST, due, await asyncio.wait_for(self._status(), PATIENCE) == b"200")
        except (OSError, asyncio.TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            self._note(REST, due, False)

    async def _status(self):
        reader, writer = self.idle.pop() if self.idle else await self._connect(REST_ADDRESS)
        try:
            writer.write(wire.request(f"/api/jobs/{READ}/status", self.token))
            head = await reader.readuntil(b"\r\n\r\n")
            length = _LENGTH.search(head)
            await reader.readexactly(int(length.group(1)) if length else 0)
        except BaseException:
            writer.close()
            raise
        self.idle.append((reader, writer))
        return head[9:12]

    def _connect(self, address):
        return asyncio.open_connection("127.0.0.1", self.port, local_addr=(address, 0), ssl=self.tls)

    async def _worker(self):
        reader, writer = await asyncio.open_connection("127.0.0.1", self.redis_port)

        def report(number, due):
            self.unseen[number] = due
            self.unanswered.append(due)
            writer.write(wire.report(WATCHED, "percent", number % 100, "message", f"number {number}"))

        async def replies():
            while line := await reader.readline():
                if line.startswith((b"*", b"-")):
                    self._note(WORKER, self.unanswered.pop(0), line.startswith(b"*"))
        return report, asyncio.create_task(replies())

    async def _watcher(self):
        """Watches, and comes back at once if its stream ends; the newest record tells of all reports up to its own."""
        while True:
            try:
                reader, writer = await self._connect(WATCHER_ADDRESS)
                writer.write(wire.request(f"/api/jobs/{WATCHED}/events", self.token))
                while line := await reader.readline():
                    if found := _NUMBER.search(line):
                        self._seen(int(found.group(1)))
            except (OSError, ValueError):
                pass
            await asyncio.sleep(0.1)

    def _seen(self, number):
        for one in [one for one in self.unseen if one <= number]:
            self._note(EVENT, self.unseen.pop(one))
