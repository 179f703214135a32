#!/usr/bin/env python3
"""The daemon under load on the device under test: closed loops, an open loop, a training beside it, SIGTERM under load. Fails
where an inspection failed, a training did, or something that was acknowledged is not in the store.

Nothing here is a number of inspections that a machine must reach (bench.py has the aims). Each rate is a share of what the
closed loops reached just before, the open loop steps down while the machine does not hold it, and the training may take most of
the step's own time."""
import os
import pathlib
import signal
import sqlite3
import sys
import time

import common
import traffic
from daemon import Daemon, prepare

SECONDS = 4
CLIENTS = [1, 4] if common.QUICK else [1, 4, 16, 128]
CORES = len(os.sched_getaffinity(0))
DEADLINE_MS = 10_000 if common.CUDA else 60_000  # the rehearsal is about what the answers are, not about how soon they come
OPTIONS = [f"device.name={common.DEVICE}", f"limits.batch={common.BATCH_MAX}", "limits.inflight=512", "server.connections=1024",
           f"server.pool_threads={max(2, min(128, CORES))}", f"limits.deadline_ms={DEADLINE_MS}"]
SHARE = 0.5        # of the closed loop's rate, in the open loop
HELD = 0.9         # of an open loop's arrivals are answered within a second: the device holds the rate
STEPS_DOWN = 4     # halvings, where other programs have taken the machine since the closed loops


def state_folder():
    state = pathlib.Path(os.environ["INSP_GPU_STATE"]) / "load"
    state.mkdir(parents=True, exist_ok=True)
    return state


def closed_loops(daemon, bodies):
    best = 0
    for clients in CLIENTS:
        s = traffic.run(daemon.port, "carpet", bodies, clients, SECONDS)
        traffic.tell(f"closed loop, {clients} clients", s)
        common.figure(f"closed loop, {clients} clients", s)
        assert s["count"] and not s["failed"], s["failed"]
        best = max(best, s["rate"], 1e3 / s["p50_ms"])  # a machine so busy that no answer came in time: what one client reached
    return best


def held_rate(daemon, bodies, closed):
    """-> a rate that the device holds in an open loop: half of the closed loop's, or less where it does not hold that."""
    rate = SHARE * closed
    for _ in range(1 + STEPS_DOWN):
        s = traffic.run(daemon.port, "carpet", bodies, 64, SECONDS, rate)
        traffic.tell(f"open loop, {rate:.1f}/s", s)
        common.figure(f"open loop at {rate / closed:.2f} of the closed loop's rate", s)
        assert s["count"] and not s["failed"], s["failed"]
        if s["in_time"] >= HELD:
            return rate
        rate = min(rate, s["rate"]) / 2
    raise AssertionError(f"an open loop of {rate:.2f}/s is not held, after {closed:.1f}/s in a closed loop")


def training_beside(daemon, bodies, rate, seconds):
    """A training beside the open loop, which takes it `seconds` at most, for inspections go first."""
    status, job = daemon.admin("POST", "/v1/admin/products/carpet/train",
                               {"dataset": "carpet", "epochs": 2 if common.QUICK else 10, "target_accuracy": 1, "activate": "never"})
    assert status == 202, job
    beside, began = traffic.Traffic(daemon.port, "carpet", bodies, 64, rate), time.monotonic()
    beside.start()
    while job["state"] in ("queued", "running") and time.monotonic() < began + seconds:
        time.sleep(0.2)
        status, job = daemon.admin("GET", f"/v1/jobs/{job['id']}")
    took = time.monotonic() - began
    s = traffic.summary(beside.stop(), beside.seconds)
    traffic.tell(f"open loop, a training beside it", s)
    common.figure("open loop with a training beside it", s)
    common.figure("the training beside it", round(took, 1), "s")
    assert job["state"] == "succeeded", f"after {took:.0f} of {seconds:.0f} s: {job}"
    assert s["count"] and not s["failed"], s["failed"]


def rows(state):
    with sqlite3.connect(f"file:{state}/inspectd.sqlite3?mode=ro", uri=True) as db:
        return db.execute("SELECT count(*) FROM inspection").fetchone()[0]


def stop_under_load(daemon, bodies, before):
    """`before`: rows at the start. Every 200 has its row after the stop."""
    load = traffic.Traffic(daemon.port, "carpet", bodies, 32)
    load.start()
    time.sleep(1)
    daemon.process.send_signal(signal.SIGTERM)
    began = time.monotonic()
    code = daemon.process.wait(60 + DEADLINE_MS / 1e3)
    took = time.monotonic() - began
    results = load.stop()
    daemon.log.close()
    acknowledged, kept = sum(status == 200 for status, *_ in results), rows(daemon.state) - before
    print(f"  SIGTERM under load: exit {code} after {took:.2f} s; {acknowledged} acknowledged, {kept} stored")
    common.figure("stop under load", took, "s")
    assert code == 0 and acknowledged and kept >= acknowledged


def main():
    end = time.monotonic() + common.STEP_SECONDS
    state = state_folder()
    prepare(common.inspectd(), state, images=60, options=[f"device.name={common.DEVICE}"])
    bodies = traffic.jpegs(16)
    began = time.monotonic()
    daemon = Daemon(common.inspectd(), state, OPTIONS)
    common.figure("start to ready", round(time.monotonic() - began, 2), "s")
    try:
        best = closed_loops(daemon, bodies)
        rate = held_rate(daemon, bodies, best)
        training_beside(daemon, bodies, rate if common.CUDA else rate / 4, 0.8 * (end - time.monotonic()))
        status, _ = daemon.request("GET", "/readyz")
        assert status == 200
        stop_under_load(daemon, bodies, rows(state))
    except BaseException:
        if daemon.process.poll() is None:
            daemon.stop()
        print((state / "bench.log").read_text()[-3000:])
        raise


if __name__ == "__main__":
    sys.exit(main())
