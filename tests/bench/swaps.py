#!/usr/bin/env python3
"""200 changes of the serving model under load: memory, failed requests, latency. Usage: swaps.py --inspectd BINARY
[--state DIR] [--swaps N] [--rate R] [--device NAME] [--settle SECONDS]. A state folder with at least two versions of `carpet`; made where missing.

Two cameras post at a fixed rate (open loop: a late answer does not put off the next request), half of what one
connection alone gets through. Exit 1 where a request failed, an answer named a model that did not make it, or memory
after the last swap is more than 2 % above that after the 20th."""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import threading
import time

from daemon import Daemon, prepare, quantile

SETTLED, WINDOW = 20, 10


def versions(state):
    return sorted(p.name for p in (state / "models" / "carpet").iterdir() if p.is_dir())


class Camera(threading.Thread):
    def __init__(self, daemon, image, interval_s, expected, stop, tolerance):
        super().__init__()
        self.tolerance = tolerance
        self.daemon_, self.image, self.interval_s, self.expected, self.stop_ = daemon, image, interval_s, expected, stop
        self.latency_s, self.failed, self.mixed = [], 0, 0

    def run(self):
        connection, due = self.daemon_.connect(), time.monotonic()
        while not self.stop_.wait(max(0, due - time.monotonic())):
            status, body = self.daemon_.request("POST", "/v1/inspections?product=carpet", self.image,
                                                {"Content-Type": "image/png"}, connection)
            self.latency_s.append(time.monotonic() - due)
            due += self.interval_s
            made = json.loads(body)
            if status != 200:
                self.failed += 1
            elif abs(made["probability"] - self.expected[made["model"]]) > self.tolerance:
                self.mixed += 1
        connection.close()


def activate(daemon, version):
    start = time.monotonic()
    status, body = daemon.admin("POST", f"/v1/admin/products/carpet/models/{version}/activate")
    assert status == 200, body
    return time.monotonic() - start


def inspect(daemon, image):
    status, body = daemon.request("POST", "/v1/inspections?product=carpet", image, {"Content-Type": "image/png"})
    assert status == 200, body
    return json.loads(body)


def telling_image(daemon, data, pair):
    """The image on which the two versions differ most, and what each says to it."""
    answers = {}
    for version in pair:
        activate(daemon, version)
        for path in sorted(data.glob("test/*/*.png"))[:12]:
            answers.setdefault(path, {})[version] = inspect(daemon, path.read_bytes())["probability"]
    best = max(answers, key=lambda p: abs(answers[p][pair[0]] - answers[p][pair[1]]))
    return best.read_bytes(), answers[best]


def run(daemon, data, pair, swaps, rate, settle, tolerance):
    image, expected = telling_image(daemon, data, pair)
    start = time.monotonic()
    for _ in range(10):
        inspect(daemon, image)
    rate = rate or 0.5 * 10 / (time.monotonic() - start)
    stop, memory, took = threading.Event(), [], []
    cameras = [Camera(daemon, image, 2 / rate, expected, stop, tolerance) for _ in range(2)]
    for camera in cameras:
        camera.start()
    time.sleep(settle)
    marks = [len(camera.latency_s) for camera in cameras]
    for swap in range(swaps):
        took.append(activate(daemon, pair[swap % 2]))
        memory.append(daemon.memory_bytes())
    stop.set()
    for camera in cameras:
        camera.join()
    idle = [s for camera, mark in zip(cameras, marks) for s in camera.latency_s[:mark]]
    busy = [s for camera, mark in zip(cameras, marks) for s in camera.latency_s[mark:]]
    print(f"versions {pair}, answers {expected}; {rate:.1f} inspections a second")
    print(f"latency   without swaps p50 {1e3 * quantile(idle, .5):.0f} ms p99 {1e3 * quantile(idle, .99):.0f} ms; "
          f"during {swaps} swaps p50 {1e3 * quantile(busy, .5):.0f} ms p99 {1e3 * quantile(busy, .99):.0f} ms "
          f"({len(busy)} inspections)")
    print(f"activate  p50 {1e3 * quantile(took, .5):.0f} ms, p99 {1e3 * quantile(took, .99):.0f} ms")
    for at in sorted({SETTLED, swaps // 2, swaps}):
        print(f"resident  after swap {at:3d}: {statistics.median(memory[max(0, at - WINDOW):at]) / 1e6:.1f} MB")
    failed, mixed = sum(c.failed for c in cameras), sum(c.mixed for c in cameras)
    growth = statistics.median(memory[-WINDOW:]) / statistics.median(memory[SETTLED:SETTLED + WINDOW]) - 1
    print(f"failed {failed}, mixed {mixed}, growth after swap {SETTLED} {100 * growth:+.2f} %")
    return failed == 0 and mixed == 0 and growth <= 0.02


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--inspectd", required=True)
    parser.add_argument("--state", type=pathlib.Path)
    parser.add_argument("--swaps", type=int, default=200)
    parser.add_argument("--rate", type=float, help="inspections a second; default half of what goes through")
    parser.add_argument("--device", default="auto", help="device.name (default auto)")
    parser.add_argument("--settle", type=float, default=10, help="seconds without swaps at first (default 10)")
    arguments = parser.parse_args()
    options = [f"device.name={arguments.device}"]
    # On a GPU the same image differs in the last digits of half precision from one batch size to another
    tolerance = 1e-2 if arguments.device.startswith("cuda") else 1e-4
    with tempfile.TemporaryDirectory() as folder:
        state = arguments.state or pathlib.Path(folder)
        data = prepare(arguments.inspectd, state, options=options)
        if len(versions(state)) < 2:
            subprocess.run([arguments.inspectd, "train", "--product", "carpet", "--data", data, "--seed", "7", "--epochs", "1",
                            "--activate", "never", "-o", f"storage.state_dir={state}", "-o", options[0]], check=True, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)
        daemon = Daemon(arguments.inspectd, state, options)
        try:
            well = run(daemon, data, versions(state)[-2:], arguments.swaps, arguments.rate,
                       arguments.settle, tolerance)
        finally:
            daemon.stop()
    sys.exit(0 if well else 1)


if __name__ == "__main__":
    main()
