#!/usr/bin/env python3
"""Good and hostile requests for a while; the daemon must stay well: no crash, memory and descriptors level off.

    soak.py --inspectd build/release/inspectd [--seconds 600] [--state DIR]
"""
import argparse
import pathlib
import random
import socket
import sys
import tempfile
import time

from daemon import Daemon, prepare


def hang_up(daemon, body):
    """Sends half a request and leaves."""
    with socket.create_connection(("127.0.0.1", daemon.port)) as s:
        s.sendall(b"POST /v1/inspections?product=carpet HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n"
                  b"Content-Length: %d\r\n\r\n" % len(body) + body[:len(body) // 2])


def garbage(daemon):
    with socket.create_connection(("127.0.0.1", daemon.port)) as s:
        s.sendall(random.randbytes(200) + b"\r\n\r\n")


def one(daemon, images, rng):
    """One random request; -> whether its status is one that it may have."""
    body = rng.choice(images)
    what = rng.randrange(8)
    post = "/v1/inspections?product=carpet"
    if what <= 2:
        return daemon.request("POST", post, body, {"Content-Type": "image/png"})[0] in (200, 503)
    if what == 3:
        cut = body[:rng.randrange(1, len(body))]
        return daemon.request("POST", post, cut, {"Content-Type": "image/png"})[0] in (422, 503)
    if what == 4:
        return daemon.request("POST", "/v1/inspections?product=nothing", body, {"Content-Type": "image/png"})[0] in (404, 503)
    if what == 5:
        return daemon.request("GET", f"/v1/inspections?limit={rng.randrange(1, 100)}")[0] == 200
    if what == 6:
        return daemon.request("GET", f"/v1/inspections?limit=-{rng.randrange(9)}&x=%00")[0] == 400
    (hang_up if rng.random() < 0.5 else lambda d, b: garbage(d))(daemon, body)
    return True


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inspectd", required=True)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--state")
    args = parser.parse_args()
    rng = random.Random(1)
    with tempfile.TemporaryDirectory() as scratch:
        state = pathlib.Path(args.state or scratch)
        data = prepare(args.inspectd, state)
        images = [p.read_bytes() for p in sorted((data / "test").rglob("*.png"))]
        daemon = Daemon(args.inspectd, state)
        end = time.monotonic() + args.seconds
        count, bad, baseline, next_report = 0, 0, None, 0
        while time.monotonic() < end:
            bad += not one(daemon, images, rng)
            count += 1
            if count == 200:
                baseline = daemon.memory_bytes()
            if time.monotonic() > next_report:
                next_report = time.monotonic() + 10
                print(f"requests {count}  wrong answers {bad}  memory {daemon.memory_bytes() / 2**20:.1f} MiB  "
                      f"descriptors {daemon.descriptors()}", flush=True)
        grown = daemon.memory_bytes() - (baseline or daemon.memory_bytes())
        code = daemon.stop()
        print(f"end: requests {count}, wrong answers {bad}, memory grew {grown / 2**20:.1f} MiB after the first 200, exit code {code}")
        return 0 if bad == 0 and code == 0 and grown < 64 * 2**20 else 1


if __name__ == "__main__":
    sys.exit(main())
