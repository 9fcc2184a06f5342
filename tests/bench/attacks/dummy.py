"""A server that answers whatever comes with `ok`. The attackers' tool runs against it at the rate that it had in the attack:
that shows how much the tool alone disturbs the bystanders on this machine."""
import multiprocessing
import os
import selectors
import socket

import servers

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Dummy:
    def __init__(self, core):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
        self.port = self.listener.getsockname()[1]
        self.process = multiprocessing.get_context("fork").Process(target=_serve, args=(self.listener, core), daemon=True)

    def __enter__(self):
        self.process.start()
        self.listener.close()
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.join()


def _serve(listener, core):
    servers.die_with_parent()
    os.sched_setaffinity(0, {core})
    selector = selectors.DefaultSelector()
    listener.setblocking(False)
    selector.register(listener, selectors.EVENT_READ)
    while True:
        for key, _ in selector.select():
            try:
                if key.fileobj is listener:
                    client, _ = listener.accept()
                    client.setblocking(False)
                    selector.register(client, selectors.EVENT_READ)
                elif key.fileobj.recv(1 << 17):
                    key.fileobj.send(ANSWER)
                else:
                    raise ConnectionResetError
            except BlockingIOError:
                pass
            except OSError:
                if key.fileobj is not listener:
                    selector.unregister(key.fileobj)
                    key.fileobj.close()
