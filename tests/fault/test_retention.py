"""Sweeps that could empty the store: a limit that the disk cannot meet, a clock that jumps, a database that is not the folder's."""
import contextlib
import os
import pathlib
import sqlite3
import struct
import time

import pytest
from conftest import eventually, picture, sanitized

SWEEP = "storage.sweep_interval_s=1"
DAY_S = 86400
GOOD, BAD = picture("black"), picture("white")


def images(state):
    return sorted(path.stem for path in pathlib.Path(state).glob("images/*/*"))


def alarm(daemon, reason):
    text = daemon("GET", "/metrics").body.decode()
    return f'inspectd_retention_alarm{{reason="{reason}"}} 1' in text


def reasons(daemon):
    return " ".join(daemon("GET", "/readyz").json["reasons"])


def swept(daemon, sweeps=2):
    """Waits until so many sweeps more have run: each writes its credit into the database."""
    def state():
        with contextlib.closing(sqlite3.connect(f"file:{daemon.state}/inspectd.sqlite3?mode=ro", uri=True)) as db:
            return db.execute("SELECT believed_us, byte_credit, row_credit FROM retention").fetchone()
    for _ in range(sweeps):
        before = state()
        eventually(lambda: state() != before, 40)


def test_a_limit_that_the_disk_cannot_meet(start):
    """200 MB free and free_bytes_min = 2G, in the attack: all 40 images went in the first sweep, with one line at info."""
    daemon = start(SWEEP, "storage.free_bytes_min=1000T")
    rows = [daemon.inspect(body).json for body in 5 * [GOOD] + 15 * [BAD]]
    eventually(lambda: alarm(daemon, "space"))  # before the first sweep
    assert "nearly full" in reasons(daemon) and len(images(daemon.state)) == 20
    daemon.wait_line(r"warning.*storage alarm=space")
    swept(daemon)
    assert alarm(daemon, "held") and "reserve_percent" in reasons(daemon)
    assert images(daemon.state) == sorted(row["id"] for row in rows)
    assert daemon("GET", "/readyz").status == 200 and daemon.inspect(GOOD).status == 200


def test_a_database_that_was_moved_away(start):
    """Follows the message about a damaged database: the pictures must still be there for the recovery."""
    daemon = start()
    posted = sorted(daemon.inspect(body).json["id"] for body in 12 * [GOOD])
    daemon.stop()
    for file in pathlib.Path(daemon.state).glob("inspectd.sqlite3*"):
        file.rename(file.with_name("moved-" + file.name))
    for path in pathlib.Path(daemon.state).glob("images/*/*"):
        os.utime(path, (time.time() - DAY_S,) * 2)
    daemon = start(SWEEP, state=daemon.state)
    fresh = daemon.inspect(GOOD).json["id"]
    daemon.wait_line(r"warning.*storage alarm=orphans")
    eventually(lambda: alarm(daemon, "orphans"))  # as the log says first
    assert "no row" in reasons(daemon)
    swept(daemon)
    assert images(daemon.state) == sorted([*posted, fresh])
    assert not (daemon.state / "quarantine").exists()
    daemon.stop()

    for file in pathlib.Path(daemon.state).glob("inspectd.sqlite3*"):
        file.unlink()
    (daemon.state / "moved-inspectd.sqlite3").rename(daemon.state / "inspectd.sqlite3")
    daemon = start(state=daemon.state)
    assert all(daemon("GET", f"/v1/inspections/{one}/image").body == GOOD for one in posted)


def test_a_clock_that_is_400_days_ahead_for_a_while(start, tmp_path):
    if sanitized():
        pytest.skip("a sanitizer's library must be the first that is preloaded")
    clock = tmp_path / "clock"
    clock.write_bytes(struct.pack("q", 0))
    library = pathlib.Path(os.environ["INSPECTD"]).parent / "clock_fake.so"
    daemon = start(SWEEP, "storage.keep_good_days=30", "storage.keep_anomaly_days=365",
                   env={"LD_PRELOAD": str(library), "CLOCK_FAKE": str(clock)})
    posted = sorted(daemon.inspect(body).json["id"] for body in 5 * [GOOD] + 5 * [BAD])
    swept(daemon, 1)
    with clock.open("r+b") as file:
        file.write(struct.pack("q", 400 * DAY_S * 1000000))
    daemon.wait_line(r"warning.*storage alarm=clock")
    assert daemon.inspect(GOOD).json["received_at"] > "2027"
    with clock.open("r+b") as file:
        file.write(struct.pack("q", 0))
    daemon.wait_line(r"storage alarm is over alarm=clock")
    assert set(posted) < set(images(daemon.state))
    assert all(daemon("GET", f"/v1/inspections/{one}").status == 200 for one in posted)
    last = daemon.inspect(GOOD).json
    assert daemon("GET", "/v1/inspections?limit=1").json["items"][0]["id"] == last["id"]
