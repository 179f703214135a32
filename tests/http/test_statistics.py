"""GET /v1/statistics: counts within the window, by product and in steps."""
import contextlib
import datetime
import sqlite3
import time

import pytest
from conftest import picture


def put_minutes(daemon, *minutes):
    """(minutes ago, product, good, anomaly) as if inspections had come then."""
    now = int(time.time()) // 60
    with contextlib.closing(sqlite3.connect(daemon.state / "inspectd.sqlite3", timeout=30)) as db, db:
        for ago, product, good, anomaly in minutes:
            db.execute("INSERT INTO minute (minute, product, good, anomaly, labelled_good, labelled_anomaly, total_max_us,"
                       " latency) VALUES (?, ?, ?, ?, 0, 0, 5000, zeroblob(512))", (now - ago, product, good, anomaly))


def seconds(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def test_windows_end_now(start):
    daemon = start()
    put_minutes(daemon, (30, "carpet", 5, 1), (100, "carpet", 10, 2), (30, "wood", 100, 50), (2000, "carpet", 1000, 0),
                (60 * 24 * 9, "carpet", 1, 0))
    for window, product, good, anomaly in [("1h", "carpet", 5, 1), ("1h", None, 105, 51), ("2h", "carpet", 15, 3),
                                           ("24h", "carpet", 15, 3), (None, "carpet", 15, 3), ("2d", "carpet", 1015, 3),
                                           ("10d", "carpet", 1016, 3), ("600s", "carpet", 0, 0), ("1h", "none", 0, 0)]:
        query = "&".join(f"{name}={value}" for name, value in [("window", window), ("product", product)] if value)
        got = daemon("GET", f"/v1/statistics?{query}").json
        assert (got["good"], got["anomaly"]) == (good, anomaly), query
        assert got["product"] == product
        assert got["anomaly_rate"] == (pytest.approx(anomaly / (good + anomaly)) if good else None)
        assert sum(b["good"] for b in got["buckets"]) == good and sum(b["anomaly"] for b in got["buckets"]) == anomaly
        assert abs(seconds(got["until"]) - time.time()) < 20


def test_steps_are_as_long_as_is_said(start):
    daemon = start()
    put_minutes(daemon, *((ago, "carpet", 1, 0) for ago in range(300)))
    for window, step in ("90s", 60), ("30m", 60), ("60m", 60), ("61m", 300), ("5h", 300), ("24h", 1800), ("366d", 604800):
        got = daemon("GET", f"/v1/statistics?window={window}").json
        starts = [seconds(bucket["start"]) for bucket in got["buckets"]]
        assert got["bucket_s"] == step and starts == sorted(set(starts)) and len(starts) <= 62
        assert all(start % step == 0 for start in starts)
        assert all(bucket["good"] <= step / 60 for bucket in got["buckets"])


@pytest.mark.parametrize("window", ["", "0s", "1", "x", "-1h", "367d", "1.5h", "9999999999999999999d", "1h "])
def test_windows_that_are_none(shared, window):
    answer = shared("GET", "/v1/statistics?window=" + window.replace(" ", "%20"))
    assert (answer.status, answer.code) == (400, "invalid_query")


def test_an_inspection_counts_at_once(start):
    daemon = start()
    verdicts = [daemon.inspect(picture(noise=True)).json["verdict"] for _ in range(3)]
    got = daemon("GET", "/v1/statistics?window=90s&product=carpet").json
    assert {name: got[name] for name in ("good", "anomaly", "review")} == \
        {name: verdicts.count(name) for name in ("good", "anomaly", "review")}
