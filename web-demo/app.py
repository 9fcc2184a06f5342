#!/usr/bin/python3
"""The demo application: a small web shop's back office, whose queue jobcast is. scripts/demo starts both."""
import argparse
import pathlib
import shutil
import signal
import sys
import threading
import urllib.parse

import redis

from demo_app import card_charge, catalogue, csv_import, invoice_pdf, samples
from demo_app.job_queue import JobQueue
from demo_app.web import DemoServer
from demo_app.worker import work


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gateway", default="http://127.0.0.1:8080", help="where jobs are created, and whose page may ask (%(default)s)")
    parser.add_argument("--port", type=int, default=8081, help="on 127.0.0.1 (%(default)s)")
    parser.add_argument("--redis", default="redis://127.0.0.1:6390", help="where workers report (%(default)s)")
    parser.add_argument("--data-dir", type=pathlib.Path, default="demo-data", help="samples, uploads, imported orders and files (%(default)s)")
    parser.add_argument("--workers", type=int, default=3, help="jobs worked on at a time (%(default)s)")
    return parser.parse_args()


def main():
    args = arguments()
    folders = {name: args.data_dir / name for name in ("samples", "uploads", "staging", "imports", "files")}
    shutil.rmtree(folders["staging"], ignore_errors=True)  # what a killed run had begun
    for folder in folders.values():
        folder.mkdir(parents=True, exist_ok=True)
    samples.generate(folders["samples"])

    stopping = threading.Event()
    reports = redis.Redis.from_url(args.redis, decode_responses=True, socket_timeout=5)
    sample_link = f"http://127.0.0.1:{args.port}/samples/orders-small.csv"
    kinds = {
        "csv_import": csv_import.Importer(folders["imports"], folders["staging"], sample_link),
        "invoice_pdf": invoice_pdf.Renderer(folders["files"]),
        "card_charge": card_charge.Charger(),
        "catalogue": catalogue.Builder(args.redis, stopping),
    }
    queue = JobQueue(reports, kinds, stopping)
    server = DemoServer(args.port, args.gateway, folders)
    workers = [threading.Thread(target=work, args=(queue, f"worker-{n}", kinds, reports, stopping)) for n in range(args.workers)]

    def stop(*_):
        stopping.set()
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    for thread in workers:
        thread.start()
    print(f"demo application: on http://127.0.0.1:{args.port}, gateway {urllib.parse.urlsplit(args.gateway).netloc}", file=sys.stderr)
    server.serve_forever(poll_interval=0.1)
    for thread in workers:
        thread.join()
    server.server_close()


if __name__ == "__main__":
    main()
