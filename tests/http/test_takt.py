"""line.takt: a verdict that comes later than the takt of its product is stored, counted and published as late."""
import csv
import io
import json
import re
import subprocess
import os

import pytest
from conftest import add_version, copy_state, picture

pytestmark = pytest.mark.skipif(os.environ.get("INSP_FAKE_DEVICE") != "1", reason="the fake device's passes have a set length")
SLOW = {"INSP_FAKE_PASS_MS": "30"}


@pytest.fixture
def daemon(start, template, tmp_path):
    """carpet is always late, bottle never; a tile has no takt."""
    state = copy_state(template, tmp_path / "state")
    add_version(state, "bottle", "v1")
    add_version(state, "tile", "v1")
    return start("line.takt=carpet=1, bottle=600000", state=state, env=SLOW)


def test_answer_row_and_event_tell_a_late_verdict(daemon):
    stream = daemon.connect()
    stream.request("GET", "/v1/events")
    events = stream.getresponse()
    for product, late, takt_ms in [("carpet", True, 1), ("bottle", False, 600000), ("tile", False, None)]:
        answer = daemon.inspect(picture(), f"product={product}").json
        assert (answer["late"], answer["takt_ms"]) == (late, takt_ms)
        assert (answer["timing_ms"]["total"] > (takt_ms or 1e9)) == late
        assert daemon("GET", f"/v1/inspections/{answer['id']}").json == answer
        while not (line := events.readline().decode()).startswith("data:") or answer["id"] not in line:
            assert line, "the stream ended"
        assert json.loads(line[5:]) == answer
    stream.close()


def test_statistics_metrics_and_exports_count_them(daemon):
    for product in ("carpet", "carpet", "bottle"):
        assert daemon.inspect(picture(), f"product={product}&camera=c1").status == 200
    for product, late in [("carpet", 2), ("bottle", 0)]:
        got = daemon("GET", f"/v1/statistics?product={product}&window=1h").json
        assert got["late"] == sum(bucket["late"] for bucket in got["buckets"]) == late
    metrics = daemon("GET", "/metrics").body.decode()
    assert re.findall(r'^inspectd_late_verdicts_total{product="(\w+)",camera="c1",verdict="anomaly"} (\d+)$', metrics, re.M) == \
        [("carpet", "2"), ("bottle", "0")]
    rows = list(csv.DictReader(io.StringIO(daemon("GET", "/v1/inspections", Accept="text/csv").body.decode())))
    assert sorted((row["product"], row["late"], row["takt_ms"]) for row in rows) == \
        [("bottle", "false", "600000.000"), ("carpet", "true", "1.000"), ("carpet", "true", "1.000")]


def test_a_row_keeps_its_takt_when_the_setting_changes(daemon, start):
    answer = daemon.inspect(picture(), "product=carpet").json
    daemon.stop()
    again = start(state=daemon.state)
    assert again("GET", f"/v1/inspections/{answer['id']}").json == answer
    assert again.inspect(picture(), "product=carpet").json["takt_ms"] is None


def test_check_config_names_line_and_reason(tmp_path):
    path = tmp_path / "inspectd.conf"
    path.write_text("[line]\n# the slow one\ntakt = carpet=800, bottle=soon\n")
    done = subprocess.run([os.environ["INSPECTD"], "check-config", "--config", str(path)], capture_output=True, text=True)
    assert done.returncode != 0
    assert f'{path}:3: line.takt has "soon" for bottle; a takt is 1 to 600000 milliseconds' in done.stderr
