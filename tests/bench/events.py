#!/usr/bin/env python3
"""What event clients cost: resident memory with 0, 200 and 0 clients, and the time from a POST's answer to its event at each.

    events.py --inspectd build/release/inspectd [--clients 200] [--count 100] [--state FOLDER with a trained product]
"""
import argparse
import pathlib
import selectors
import socket
import statistics
import tempfile
import threading
import time

from daemon import Daemon, prepare, quantile
from stages import picture


class Clients(threading.Thread):
    """Reads all streams in one thread and notes when each saw each inspection."""

    def __init__(self, port, number):
        super().__init__(daemon=True)
        self.seen, self.bytes, self.ended, self.done = {}, 0, 0, threading.Event()
        self.selector = selectors.DefaultSelector()
        for _ in range(number):
            s = socket.create_connection(("127.0.0.1", port))
            s.sendall(b"GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert s.recv(4096).startswith(b"HTTP/1.1 200")
            s.setblocking(False)
            self.selector.register(s, selectors.EVENT_READ, bytearray())

    def run(self):
        while not self.done.is_set():
            for key, _ in self.selector.select(0.05):
                piece, now = key.fileobj.recv(1 << 16), time.monotonic()
                self.bytes += len(piece)
                self.ended += not piece
                if not piece:
                    self.selector.unregister(key.fileobj)
                    continue
                text = key.data
                text += piece
                while (end := text.find(b"\n\n")) >= 0:
                    block = bytes(text[:end])
                    del text[:end + 2]
                    if b"event: inspection" in block:
                        self.seen.setdefault(block.split(b"id: ", 1)[1][:36].decode(), []).append(now)

    def close(self):
        self.done.set()
        self.join()
        for key in list(self.selector.get_map().values()):
            key.fileobj.close()


def resident_kib(daemon):
    with open(f"/proc/{daemon.process.pid}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))


def post(daemon, connection, body, count):
    """Answer times in ms and when each id was answered."""
    took, answered = [], {}
    for _ in range(count):
        began = time.monotonic()
        status, answer = daemon.request("POST", "/v1/inspections?product=carpet", body, {"Content-Type": "image/jpeg"}, connection)
        assert status == 200, answer
        took.append((time.monotonic() - began) * 1000)
        answered[answer.split(b'"id":"', 1)[1][:36].decode()] = time.monotonic()
    return took, answered


def line(what, took, kib):
    print(f"{what:24} POST median {statistics.median(took):7.2f} ms  p99 {quantile(took, 0.99):7.2f} ms   resident {kib / 1024:7.1f} MiB")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inspectd", required=True)
    parser.add_argument("--state")
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--count", type=int, default=100)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        state = pathlib.Path(args.state or scratch)
        body = picture(sorted((prepare(args.inspectd, state) / "test" / "good").glob("*"))[0])
        # One address may have three quarters of the streams, and streams half of the connections.
        daemon = Daemon(args.inspectd, state, [f"limits.event_streams={2 * args.clients}", f"server.connections={4 * args.clients}"])
        connection = daemon.connect()
        post(daemon, connection, body, 1100)  # the ring of events is full, caches are warm
        before = resident_kib(daemon)
        took, _ = post(daemon, connection, body, args.count)
        line("no client", took, before)
        clients = Clients(daemon.port, args.clients)
        clients.start()
        took, answered = post(daemon, connection, body, args.count)
        end = time.monotonic() + 30
        while time.monotonic() < end and sum(map(len, clients.seen.values())) < args.clients * args.count:
            time.sleep(0.01)
        with_clients = resident_kib(daemon)
        line(f"{args.clients} clients", took, with_clients)
        delivered = sum(map(len, clients.seen.values()))
        late = [(when - answered[name]) * 1000 for name, times in clients.seen.items() if name in answered for when in times]
        print(f"{delivered} of {args.clients * args.count} events came; behind their POST's answer: median {statistics.median(late):.2f} ms"
              f"  p99 {quantile(late, 0.99):.2f} ms; {(with_clients - before) / args.clients:.1f} KiB a client")
        clients.close()
        took, _ = post(daemon, connection, body, args.count)
        line("gone again", took, resident_kib(daemon))
        daemon.stop()
        assert delivered == args.clients * args.count and not clients.ended


if __name__ == "__main__":
    main()
