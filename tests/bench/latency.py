#!/usr/bin/env python3
"""Latency of inspections at a fixed arrival rate: idle, while a job runs the trunk over new images, while it trains.

The rate is half of what the idle daemon answers (measured first, one client after another). Arrivals do not wait for
answers (open loop), so a slow answer is not hidden by a client that waits for it.

    latency.py --inspectd build/release/inspectd [--state DIR] [--seconds 20] [--image FILE]
"""
import argparse
import json
import pathlib
import tempfile
import threading
import time

from daemon import Daemon, prepare, quantile


def capacity(daemon, body, kind, count=20):
    c = daemon.connect()
    began = time.monotonic()
    for _ in range(count):
        status, _ = daemon.request("POST", "/v1/inspections?product=carpet", body, {"Content-Type": kind}, c)
        assert status == 200, status
    return count / (time.monotonic() - began)


class Load:
    """Open-loop arrivals at `rate` until stopped; each arrival has its own thread and connection."""

    def __init__(self, daemon, body, kind, rate):
        self.daemon, self.body, self.kind, self.rate = daemon, body, kind, rate
        self.samples, self.failed, self.lock = [], [], threading.Lock()
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._arrive)
        self.thread.start()

    def _one(self):
        began = time.monotonic()
        try:
            status, data = self.daemon.request("POST", "/v1/inspections?product=carpet", self.body, {"Content-Type": self.kind})
        except OSError as e:
            status, data = 0, str(e).encode()
        took = (time.monotonic() - began) * 1e3
        with self.lock:
            (self.samples if status == 200 else self.failed).append((began, took if status == 200 else (status, data[:120])))

    def _arrive(self):
        due, threads = time.monotonic(), []
        while not self.stopping.wait(max(0.0, due - time.monotonic())):
            t = threading.Thread(target=self._one)
            t.start()
            threads.append(t)
            due += 1 / self.rate
        for t in threads:
            t.join()

    def stop(self):
        self.stopping.set()
        self.thread.join()

    def between(self, begin, end):
        with self.lock:
            return [ms for at, ms in self.samples if begin <= at < end]


def follow_job(daemon, path, stage_times):
    """Polls a job; notes when it was in which kind of stage. -> its last document"""
    while True:
        status, data = daemon.request("GET", path)
        job = json.loads(data)
        now = time.monotonic()
        stage = "training" if str(job["stage"]).startswith(("epoch", "fold")) else str(job["stage"])
        stage_times.setdefault(stage, [now, now])[1] = now
        if job["state"] not in ("queued", "running"):
            return job
        time.sleep(0.1)


def row(name, samples):
    print(f"  {name:12} n {len(samples):4}   p50 {quantile(samples, .5):8.1f} ms   p99 {quantile(samples, .99):8.1f} ms", flush=True)
    return quantile(samples, 0.99)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inspectd", required=True)
    parser.add_argument("--state")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--image")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        state = pathlib.Path(args.state or scratch)
        data = prepare(args.inspectd, state)
        image = pathlib.Path(args.image or sorted((data / "test" / "good").glob("*"))[0])
        kind = "image/jpeg" if image.suffix in (".jpg", ".jpeg") else "image/png"
        daemon = Daemon(args.inspectd, state)
        body = image.read_bytes()
        full = capacity(daemon, body, kind)
        rate = full / 2
        print(f"idle capacity {full:.2f}/s, arrivals {rate:.2f}/s, image {image.name}")
        load = Load(daemon, body, kind, rate)
        begin = time.monotonic()
        time.sleep(args.seconds)
        idle = row("idle", load.between(begin, time.monotonic()))
        for path in (state / "cache").rglob("*"):
            if path.is_file():
                path.unlink()
        status, job = daemon.admin("POST", "/v1/admin/products/carpet/train",
                                   {"dataset": "carpet", "target_accuracy": 1, "epochs": 4, "activate": "never"})
        assert status == 202, job
        stages = {}
        job = follow_job(daemon, f"/v1/jobs/{job['id']}", stages)
        load.stop()
        for stage in ("features", "training"):
            if stage in stages:
                p99 = row(stage, load.between(*stages[stage]))
                print(f"  {stage:12} p99 is {p99 / idle:.2f} x idle")
        print(f"job {job['state']}, failed requests {len(load.failed)} {load.failed[:3]}")
        daemon.stop()


if __name__ == "__main__":
    main()
