#!/usr/bin/env python3
"""Latency of inspections at a fixed arrival rate: idle, while a job runs the trunk over new images, while it trains.

The rate is half of what the idle daemon answers (measured first, one client after another). Arrivals do not wait for
answers (open loop), so a slow answer is not hidden by a client that waits for it. Each round measures idle and then a
whole training job under the same arrivals; afterwards the same job runs once without arrivals, which shows what the
inspections cost the training. Exit 1 where a request failed or p99 while training is above twice the idle one.

    latency.py --inspectd build/release/inspectd [--state DIR] [--rounds 2] [--seconds 30] [--image FILE]
"""
import argparse
import json
import os
import pathlib
import sys
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


def row(name, samples, idle=None):
    p50, p99 = (quantile(samples, q) for q in (.5, .99))
    times = f"   {p50 / idle[0]:5.2f} x and {p99 / idle[1]:5.2f} x idle" if idle else ""
    print(f"  {name:12} n {len(samples):4}   p50 {p50:8.1f} ms   p99 {p99:8.1f} ms   max {max(samples, default=0):8.1f} ms{times}", flush=True)
    return p50, p99


def train(daemon, stages):
    """One training from cold features. -> its last document"""
    for path in (daemon.state / "cache").rglob("*.features"):
        path.unlink()
    status, job = daemon.admin("POST", "/v1/admin/products/carpet/train",
                               {"dataset": "carpet", "target_accuracy": 1, "epochs": 4, "activate": "never"})
    assert status == 202, job
    return follow_job(daemon, f"/v1/jobs/{job['id']}", stages)


def measure(daemon, load, seconds, samples):
    """One round: idle, then a job."""
    begin = time.monotonic()
    time.sleep(seconds)
    samples["idle"] += load.between(begin, time.monotonic())
    stages = {}
    job = train(daemon, stages)
    for stage in ("features", "training"):
        if stage in stages:
            samples[stage] += load.between(*stages[stage])
    return job


def tell_cost(busy, alone):
    seconds = [sum(job["result"]["seconds"].values()) for job in (busy, alone)]
    print(f"  the job: {seconds[0]:.1f} s under load, of which it waited {busy['result']['yielded_s']:.1f} s for inspections; "
          f"{seconds[1]:.1f} s without: {seconds[0] / seconds[1]:.2f} x")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inspectd", required=True)
    parser.add_argument("--state")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--image")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        state = pathlib.Path(args.state or scratch)
        data = prepare(args.inspectd, state, images=240)
        image = pathlib.Path(args.image or sorted((data / "test" / "good").glob("*"))[0])
        kind = "image/jpeg" if image.suffix in (".jpg", ".jpeg") else "image/png"
        daemon = Daemon(args.inspectd, state)
        body = image.read_bytes()
        full = capacity(daemon, body, kind)
        rate = full / 2
        print(f"idle capacity {full:.2f}/s, arrivals {rate:.2f}/s, image {image.name}; load before: {os.getloadavg()[0]:.1f}")
        load = Load(daemon, body, kind, rate)
        samples = {"idle": [], "features": [], "training": []}
        for _ in range(args.rounds):
            busy = measure(daemon, load, args.seconds, samples)
        load.stop()
        idle = row("idle", samples["idle"])
        worst = max(row(stage, samples[stage], idle)[1] for stage in ("features", "training"))
        tell_cost(busy, train(daemon, {}))
        print(f"  job {busy['state']}, failed requests {len(load.failed)} {load.failed[:3]}")
        daemon.stop()
    return int(bool(load.failed) or busy["state"] != "succeeded" or worst > 2 * idle[1])


if __name__ == "__main__":
    sys.exit(main())
