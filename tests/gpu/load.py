#!/usr/bin/env python3
"""The daemon under load on the device under test: closed loops, an open loop, a training beside it, SIGTERM under load. Fails
where an inspection failed, a training did, or something that was acknowledged is not in the store."""
import os
import pathlib
import signal
import sqlite3
import sys
import time

import common
import traffic
from daemon import Daemon, prepare

SECONDS = 2 if common.QUICK else 4
CLIENTS = [1, 4] if common.QUICK else [1, 4, 16, 128]
CORES = len(os.sched_getaffinity(0))
OPTIONS = [f"device.name={common.DEVICE}", f"limits.batch={common.BATCH_MAX}", "limits.inflight=512", "server.connections=1024",
           f"server.pool_threads={max(2, min(128, CORES))}"]


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
        best = max(best, s["rate"])
    return best


def training_beside(daemon, bodies, rate):
    s = traffic.run(daemon.port, "carpet", bodies, 64, SECONDS, rate)
    traffic.tell(f"open loop, {rate:.0f}/s", s)
    common.figure("open loop at half the rate", s)
    assert s["count"] and not s["failed"], s["failed"]
    status, job = daemon.admin("POST", "/v1/admin/products/carpet/train",
                               {"dataset": "carpet", "epochs": 2 if common.QUICK else 10, "target_accuracy": 1, "activate": "never"})
    assert status == 202, job
    beside, end = traffic.Traffic(daemon.port, "carpet", bodies, 64, rate), time.monotonic() + (150 if common.QUICK else 60)
    beside.start()
    while job["state"] in ("queued", "running") and time.monotonic() < end:
        time.sleep(0.2)
        status, job = daemon.admin("GET", f"/v1/jobs/{job['id']}")
    s = traffic.summary(beside.stop(), beside.seconds)
    traffic.tell(f"open loop, a training beside it", s)
    common.figure("open loop with a training beside it", s)
    assert job["state"] == "succeeded", job
    assert s["count"] and not s["failed"], s["failed"]


def rows(state):
    with sqlite3.connect(f"file:{state}/inspectd.sqlite3?mode=ro", uri=True) as db:
        return db.execute("SELECT count(*) FROM inspections").fetchone()[0]


def stop_under_load(daemon, bodies, before):
    """`before`: rows at the start. Every 200 has its row after the stop."""
    load = traffic.Traffic(daemon.port, "carpet", bodies, 32)
    load.start()
    time.sleep(1)
    daemon.process.send_signal(signal.SIGTERM)
    began = time.monotonic()
    code = daemon.process.wait(60)
    took = time.monotonic() - began
    results = load.stop()
    daemon.log.close()
    acknowledged, kept = sum(status == 200 for status, _ in results), rows(daemon.state) - before
    print(f"  SIGTERM under load: exit {code} after {took:.2f} s; {acknowledged} acknowledged, {kept} stored")
    common.figure("stop under load", took, "s")
    assert code == 0 and acknowledged and kept >= acknowledged


def main():
    state = state_folder()
    prepare(common.inspectd(), state, images=60, options=[f"device.name={common.DEVICE}"])
    bodies = traffic.jpegs(16)
    began = time.monotonic()
    daemon = Daemon(common.inspectd(), state, OPTIONS)
    common.figure("start to ready", round(time.monotonic() - began, 2), "s")
    try:
        best = closed_loops(daemon, bodies)
        training_beside(daemon, bodies, best / (6 if common.QUICK else 2))
        status, _ = daemon.request("GET", "/readyz")
        assert status == 200
    except BaseException:
        daemon.stop()
        print((state / "bench.log").read_text()[-3000:])
        raise
    stop_under_load(daemon, bodies, rows(state))


if __name__ == "__main__":
    sys.exit(main())
