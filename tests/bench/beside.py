#!/usr/bin/env python3
"""Latency of one camera's POST, idle and beside crowds of readers and attackers, with the daemon's memory at each.

A camera with a token posts a 640x480 JPEG in a closed loop. Each crowd is a process of its own at nice 19, because a
remote crowd would take no processor time of the daemon's machine. It stands while the camera posts; before each one
the idle latency is measured anew, so that both sides of a ratio come from the same minutes.

    beside.py --inspectd build/release/inspectd [--seconds 10] [--json FILE] [CROWD ...]
"""
import argparse
import io
import itertools
import json
import os
import pathlib
import random
import select
import socket
import subprocess
import sys
import tempfile
import time

from daemon import Daemon, prepare, quantile

JPEG = {"Content-Type": "image/jpeg"}


def jpeg(width, height, **options):
    import PIL.Image
    small = PIL.Image.frombytes("RGB", (64, 48), random.Random(1).randbytes(64 * 48 * 3))
    out = io.BytesIO()
    small.resize((width, height), PIL.Image.BICUBIC).save(out, "JPEG", **options)
    return out.getvalue()


# --- crowds: each client sends its request, and sends it again after an answer or on a new connection

def get(path, more=""):
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{more}\r\n".encode()


def upload(length, sent, kind="image/png"):
    return (f"POST /v1/inspections?product=carpet HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {kind}\r\n"
            f"Content-Length: {length}\r\n\r\n").encode() + bytes(sent)


def crowds(small, large, raw, progressive):
    """name -> (clients, request of each, whether the client reads what comes); a list of requests is dealt out in turn"""
    overlay = "/v1/inspections/{}/heatmap.png?view=overlay".format
    readers = [get("/v1/products/carpet/models"), get(overlay(small)), get(overlay(large)), get("/v1/events"),
               get(f"/v1/inspections/{large}/image?width=320"), get("/v1/inspections?limit=100"),
               get("/v1/inspections", "Accept: text/csv\r\n"), get(f"/v1/inspections/{raw}/image")]
    return {
        "mix of 64 readers": (64, readers, True),
        "lists of 30 versions": (8, get("/v1/products/carpet/models"), True),
        "overlays": (32, get(overlay(small)), True),
        "overlays of 8000x8000": (8, get(overlay(large)), True),
        "thumbnails of 8000x8000": (8, get(f"/v1/inspections/{large}/image?width=320"), True),
        "exports": (2, get("/v1/inspections", "Accept: text/csv\r\n"), True),
        "posters of progressive 8000x8000": (8, upload(len(progressive), 0, "image/jpeg") + progressive, True),
        "260 silent connections": (260, b"", False),
        "260 half-sent requests": (260, b"GET /v1/insp", False),
        "300 event streams": (300, get("/v1/events"), True),
        "64 stalled uploads": (64, upload(8 << 20, 100000), False),
        "120 slow readers of 28 MB": (120, get(f"/v1/inspections/{raw}/image"), False),
        "16 refused uploads": (16, upload(4 << 20, 4 << 20, "image/webp"), True),
    }


def opened(port, request):
    """A connected socket and the bytes that it has still to send; (None, None) if the daemon refuses it."""
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    s.settimeout(5)
    try:
        s.connect(("127.0.0.1", port))
        s.setblocking(False)
        return s, memoryview(request)
    except OSError:
        s.close()
        return None, None


def answered(data):
    """Whether an answer is complete, so that the client sends its next request: by its length, or by the last chunk."""
    head, _, body = data.partition(b"\r\n\r\n")
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return len(body) >= int(line.split(b":")[1])
    return data.endswith(b"\r\n0\r\n\r\n")


def run_crowd(port, count, requests, reads):
    """Keeps `count` clients connected until stdin ends."""
    os.nice(19)
    clients, dealt = {}, itertools.cycle(requests)
    while True:
        while len(clients) < count:
            request = next(dealt)
            s, rest = opened(port, request)
            if s is None:
                break
            clients[s.fileno()] = [s, rest, b"", request]
        readable, writable, _ = select.select([0] + ([f for f in clients] if reads else []), [f for f, c in clients.items() if c[1]], [], .05)
        if 0 in readable:
            return
        for fd in writable:
            client = clients[fd]
            try:
                client[1] = client[1][client[0].send(client[1]):]
            except BlockingIOError:
                pass
            except OSError:
                client[0].close()
                del clients[fd]
        for fd in set(readable) & set(clients):
            client = clients[fd]
            try:
                data = client[0].recv(1 << 20)
            except BlockingIOError:
                continue
            except OSError:
                data = b""
            client[2] = (client[2] + data)[: 64 << 20]
            if not data:
                client[0].close()
                del clients[fd]
            elif answered(client[2]):
                client[1], client[2] = memoryview(client[3]), b""
        if not reads:  # one that the daemon closed comes back
            for fd in [f for f, c in clients.items() if closed(c[0])]:
                clients.pop(fd)[0].close()


def closed(s):
    try:
        return s.recv(1, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


# --- the camera

def post(daemon, token, body, seconds):
    took, failed, end = [], 0, time.monotonic() + seconds
    connection = daemon.connect()
    while time.monotonic() < end or len(took) + failed < 10:
        begin = time.monotonic()
        try:
            status, _ = daemon.request("POST", "/v1/inspections?product=carpet", body, {**JPEG, "Authorization": f"Bearer {token}"}, connection)
        except OSError:
            status, connection = 0, daemon.connect()
        if status == 200:
            took.append(1e3 * (time.monotonic() - begin))
        else:
            failed += 1
    connection.close()
    return took, failed


def copies_of_version(state, count):
    """Further versions of carpet's active model, for the lists: the weights are hard links."""
    folder = state / "models" / "carpet"
    first = next(p for p in sorted(folder.iterdir()) if (p / "manifest.json").exists())
    for n in range(count):
        copy = folder / f"bench{n:02}"
        if copy.exists():
            continue
        copy.mkdir()
        for file in first.iterdir():
            if file.name != "manifest.json":
                os.link(file, copy / file.name)
        manifest = json.loads((first / "manifest.json").read_text())
        (copy / "manifest.json").write_text(json.dumps({**manifest, "version": copy.name}))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inspectd", type=pathlib.Path, required=True)
    parser.add_argument("--state", type=pathlib.Path)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--crowd", help=argparse.SUPPRESS)
    parser.add_argument("crowds", nargs="*")
    arguments = parser.parse_args()
    if arguments.crowd:
        port, count, reads, path = json.loads(arguments.crowd)
        return run_crowd(port, count, [path.read_bytes() for path in sorted(pathlib.Path(path).iterdir())], reads)
    with tempfile.TemporaryDirectory() as folder:
        state = arguments.state or pathlib.Path(folder)
        prepare(arguments.inspectd, state)
        copies_of_version(state, 30)
        daemon = Daemon(arguments.inspectd, state, ["storage.thumbnail_bytes_max=0"])
        try:
            return measure(daemon, arguments)
        finally:
            daemon.stop()


def measure(daemon, arguments):
    token = (daemon.state / "admin.token").read_text().split()[0]

    def inspected(body, kind):
        status, data = daemon.request("POST", "/v1/inspections?product=carpet", body, {"Content-Type": kind, "Authorization": f"Bearer {token}"})
        assert status == 200, data
        return json.loads(data)["id"]

    photo = jpeg(640, 480)
    raw = inspected(bytes(range(256)) * (4096 * 7168 // 256), "image/x-raw;format=mono8;width=4096;height=7168")
    every = crowds(inspected(photo, "image/jpeg"), inspected(jpeg(8000, 8000, quality=50), "image/jpeg"), raw,
                   jpeg(8000, 8000, quality=50, progressive=True))
    unknown = set(arguments.crowds) - set(every)
    if unknown:
        sys.exit(f"no crowd {', '.join(unknown)}; there are: {', '.join(every)}")
    rows = []
    post(daemon, token, photo, 2)
    print(f"{'':34}{'idle p50':>9}{'p99':>7}{'beside p50':>12}{'p99':>7}{'ratio p99':>11}{'failed':>8}{'n':>6}{'MB':>7}")
    for name in arguments.crowds or every:
        count, request, reads = every[name]
        idle, _ = post(daemon, token, photo, arguments.seconds)
        with tempfile.TemporaryDirectory() as folder:
            for number, each in enumerate(request if isinstance(request, list) else [request]):
                (pathlib.Path(folder) / str(number)).write_bytes(each)
            words = [sys.executable, __file__, "--inspectd", str(arguments.inspectd), "--crowd", json.dumps([daemon.port, count, reads, folder])]
            with subprocess.Popen(words, stdin=subprocess.PIPE) as crowd:
                post(daemon, token, photo, 2)  # until the crowd stands
                beside, failed = post(daemon, token, photo, arguments.seconds)
                memory = daemon.memory_bytes()
                crowd.stdin.close()
        row = {"crowd": name, "idle_p50_ms": quantile(idle, .5), "idle_p99_ms": quantile(idle, .99), "p50_ms": quantile(beside, .5),
               "p99_ms": quantile(beside, .99), "failed": failed, "n": len(beside), "memory_mb": memory / 1e6}
        rows.append(row)
        print(f"{name:34}{row['idle_p50_ms']:9.1f}{row['idle_p99_ms']:7.1f}{row['p50_ms']:12.1f}{row['p99_ms']:7.1f}"
              f"{row['p99_ms'] / row['idle_p99_ms']:11.2f}{failed:8}{len(beside):6}{row['memory_mb']:7.0f}", flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
