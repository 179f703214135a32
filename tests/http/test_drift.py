"""Drift: good parts of a camera that score otherwise than those of the training."""
import contextlib
import datetime
import json
import re
import sqlite3
import struct

import pytest
from broker import Broker, Subscriber
from conftest import add_version, copy_state, eventually, picture

# With the fake device the probability is the brightness: good parts of this training have 0.2 to 0.4, evenly.
SCORES = {"count": 200, "quantiles": [0.2 + 0.002 * i for i in range(101)]}


def with_scores(template, folder, version="v1", scores=SCORES):
    state = copy_state(template, folder)
    path = state / "models/carpet" / version / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "good_scores": scores}))
    return state


@pytest.fixture(autouse=True)
def one_day():
    """Waits for midnight (UTC) if it is near: the counts of a test belong to one day."""
    now = lambda: datetime.datetime.now(datetime.timezone.utc)
    eventually(lambda: (now() + datetime.timedelta(minutes=2)).date() == now().date(), 180)


@pytest.fixture
def drifting(start, template, tmp_path):
    return lambda *options: start("storage.sweep_interval_s=1", *options, state=with_scores(template, tmp_path / "state"))


def post(daemon, camera, grey, count):
    """Parts whose brightness is `grey`(0..1), each a little different, so that none is a frozen picture."""
    connection = daemon.connect()
    for i in range(count):
        level = int(255 * (grey(i) - 0.1) / 0.8)  # picture() blends a fifth of a ramp into the colour
        got = daemon.inspect(picture((level, level, (level + i % 3) % 256), size=(224 + i % 50, 224)),
                             f"product=carpet&camera={camera}", connection=connection)
        assert got.status == 200 and got.json["verdict"] == "good", got.body


def even(i):
    return 0.2 + 0.2 * ((i * 37) % 60 + 0.5) / 60


def bright(i):
    return 0.385 + 0.0002 * i


def dark(i):
    return 0.2 + 0.0002 * i


def drift(daemon, query=""):
    return daemon("GET", f"/v1/statistics/drift{query}").json


def cameras(daemon):
    return {one["camera"]: one["days"][-1] for one in drift(daemon)["cameras"]}


def test_each_camera_is_told_apart_in_the_list_the_metrics_and_the_log(drifting):
    daemon = drifting()
    post(daemon, "even", even, 60)
    post(daemon, "bright", bright, 60)
    post(daemon, "dark", dark, 60)
    post(daemon, "few", bright, 20)
    found = cameras(daemon)
    assert {name: day["state"] for name, day in found.items()} == {
        "even": "none", "bright": "higher", "dark": "lower", "few": "few"}
    assert found["bright"]["high"] == 1 and found["dark"]["low"] == 1 and found["few"]["limit"] is None
    assert 0.05 < found["even"]["high"] < found["even"]["limit"] < 0.4
    assert found["even"]["parts"] == sum(found["even"]["bins"]) == 60 and found["even"]["reference"] == 200
    assert found["even"]["model"] == "v1" and found["even"]["expected"] == pytest.approx(0.1, abs=0.01)
    today = datetime.datetime.now(datetime.timezone.utc).date()
    assert abs((datetime.date.fromisoformat(found["even"]["day"]) - today).days) <= 1
    eventually(lambda: daemon.metric("drift") == 2, 60)
    text = daemon("GET", "/metrics").body.decode()
    assert re.search(r'^inspectd_drift\{product="carpet",camera="bright"\} 1$', text, re.M)
    assert re.search(r'^inspectd_drift\{product="carpet",camera="even"\} 0$', text, re.M)
    assert re.search(r'^inspectd_drift_ratio\{product="carpet",camera="bright",tenth="highest"\} 1$', text, re.M)
    assert 'camera="few"' not in "".join(re.findall("^inspectd_drift.*", text, re.M))
    assert "the good parts of a camera drift" in daemon.log_text()
    assert [one["camera"] for one in drift(daemon, "?product=carpet&window=1d")["cameras"]] == sorted(found)
    assert drift(daemon, "?product=wood")["cameras"] == []
    for query in ("?window=0s", "?window=x", "?product=a/b", "?camera=c1"):
        assert daemon("GET", f"/v1/statistics/drift{query}").code == "invalid_query"


def test_a_version_without_scores_says_so(start):
    daemon = start()
    post(daemon, "c1", bright, 60)
    [day] = drift(daemon)["cameras"][0]["days"]
    assert day["state"] == "unknown" and day["parts"] == 60
    assert day["reference"] is day["high"] is day["low"] is day["expected"] is day["limit"] is day["bins"] is None
    eventually(lambda: daemon.metric("store_inspections"), 60)  # a chore has run
    assert daemon.metric("drift") == 0 and "inspectd_drift{" not in daemon("GET", "/metrics").body.decode()


def test_the_counts_survive_a_crash(drifting, start):
    daemon = drifting()
    post(daemon, "c1", even, 55)
    daemon.stop(9)
    again = start(state=daemon.state)
    assert cameras(again)["c1"]["parts"] == 55


def test_the_alarm_comes_and_a_new_version_ends_it(drifting, tmp_path):
    server = Broker(tmp_path / "broker").start()
    live = Subscriber(server.port, "+/+/alarm/drift")
    try:
        daemon = drifting(f"mqtt.url=mqtt://127.0.0.1:{server.port}")
        admin = (daemon.state / "admin.token").read_text().strip()
        post(daemon, "c1", bright, 60)
        live.wait(lambda: any(payload for _, payload, _ in live.got))
        assert live.of("/alarm/drift")[-1]["detail"] == "carpet c1 higher"
        add_version(daemon.state, "carpet", "v2")
        answer = daemon("POST", "/v1/admin/products/carpet/models/v2/activate", token=admin)
        assert answer.status == 200, answer.body
        live.wait(lambda: live.got[-1][1] == b"")
        assert cameras(daemon)["c1"]["state"] == "higher"  # the day's parts stay those of v1
    finally:
        live.close()
        server.kill()


def test_a_manifest_with_wrong_scores_does_not_serve(start, template, tmp_path):
    state = with_scores(template, tmp_path / "state", scores={"count": 200, "quantiles": [0.5, 0.4]})
    daemon = start(state=state, wait_ready=False)
    assert "good_scores.quantiles" in eventually(
        lambda: (daemon("GET", "/v1/products/carpet").json["serving"] or {}).get("failure"))


def test_versions_that_serve_no_more_take_no_place_of_those_that_do(drifting):
    """64 cameras are watched. After a change of the version each one has rows of both."""
    daemon = drifting()
    today = datetime.datetime.now(datetime.timezone.utc).date().toordinal() - datetime.date(1970, 1, 1).toordinal()
    bins = struct.pack("<20I", *[3] * 20)
    rows = [(today, "carpet", f"a{i:02}", "v0", 60, 200, bins) for i in range(64)] + [(today, "carpet", "z", "v1", 60, 200, bins)]
    with contextlib.closing(sqlite3.connect(daemon.state / "inspectd.sqlite3", timeout=60)) as db, db:
        db.executemany("INSERT INTO drift VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
    seen = lambda: re.findall(r'^inspectd_drift\{product="carpet",camera="(.*)"\} 0$', daemon("GET", "/metrics").body.decode(), re.M)
    eventually(lambda: seen() == ["z"], 60)
