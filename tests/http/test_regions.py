"""Regions to look at and to ignore: set over HTTP, trained with, kept by the version, and applied to each picture."""
import hashlib
import io
import json
import os
import struct
import subprocess

import PIL.Image
import pytest
from conftest import Daemon, copy_state, picture
from test_good_only import begin, good_part, run, serving, train  # noqa: F401 (fixture)

LEFT = [[0, 0], [0.5, 0], [0.5, 1], [0, 1]]
RIGHT = [[0.5, 0], [1, 0], [1, 1], [0.5, 1]]
ALL = [[0, 0], [1, 0], [1, 1], [0, 1]]
BASE = "/v1/products/part/regions"
ADMIN = "/v1/admin/products/part/regions"


def put(daemon, region, query=""):
    return daemon("PUT", ADMIN + query, json.dumps(region), Content_Type="application/json")


def with_defect(level, left):
    """A good part with a white square of 12 of its 64 pixels."""
    part = PIL.Image.open(io.BytesIO(good_part(level))).convert("L")
    part.paste(255, (left, 20, left + 12, 32))
    out = io.BytesIO()
    part.save(out, "PNG")
    return out.getvalue()


def answer(daemon, image, query="product=part"):
    """The parts of an answer that depend on the picture."""
    found = daemon.inspect(image, query).json
    heat = daemon("GET", f"/v1/inspections/{found['id']}/heat").json
    return {"verdict": found["verdict"], "probability": found["probability"], "good_only": found["good_only"],
            "reasons": found["reasons"], "heat": heat["heat"], "heatmap": {**found["heatmap"], "href": None}}


def test_what_is_ignored_changes_nothing_and_what_is_looked_at_is_found(begin):
    daemon = begin(24)
    assert put(daemon, {"ignore": [RIGHT]}).status == 200
    version = train(daemon)["result"]["version"]
    serving(daemon, version)
    manifest = daemon("GET", f"/v1/products/part/models/{version}").json
    assert (manifest["format"], manifest["regions"]) == (2, {"default": {"look": [], "ignore": [RIGHT]}, "cameras": {}})
    clean, ignored, found = (answer(daemon, image) for image in (good_part(11), with_defect(11, 32), with_defect(11, 19)))
    assert clean["verdict"] == "good" and ignored == clean
    assert found["verdict"] == "anomaly" and found["good_only"]["score"] > found["good_only"]["threshold"]
    assert all(value == 0 for row in found["heat"] for value in row[7:]) and max(max(row) for row in found["heat"]) == 1
    report = run(daemon, "evaluate", version=version)["result"]
    assert (report["metrics"]["images"], report["version"]) == (24, version)
    assert report["served"]["good_parts"]["good"] >= 22

    assert daemon("GET", BASE).json["serving"] == {"version": version, "same": True}
    changed = put(daemon, {"look": [LEFT], "ignore": [[[0, 0], [0.1, 0], [0.1, 0.1]]]}).json
    assert changed["retrain"] and changed["serving"] == {"version": version, "same": False}
    assert answer(daemon, with_defect(11, 19)) == found, "a version serves with the regions that it was trained with"
    second = train(daemon, activate="always")["result"]["version"]
    serving(daemon, second)
    state = daemon("GET", BASE).json
    assert not state["retrain"] and state["serving"] == {"version": second, "same": True}
    shadow = daemon("PUT", "/v1/admin/products/part/shadow", json.dumps({"version": version}), Content_Type="application/json")
    assert (shadow.status, shadow.code) == (409, "conflict") and "other regions" in shadow.json["detail"], shadow.body
    daemon("DELETE", ADMIN)
    state = daemon("GET", BASE).json
    assert state["retrain"] and state["regions"] == {"default": None, "cameras": {}}
    (daemon.state / f"models/part/{second}/manifest.json").write_text("{")  # what is on the disk no longer says its regions
    assert put(daemon, {"look": [LEFT]}).status == 200
    state = daemon("GET", BASE).json
    assert state["serving"] == {"version": second, "same": False} and state["retrain"]


def test_a_tail_is_trained_validated_and_served_with_its_regions(begin):
    daemon = begin(24, 12)
    put(daemon, {"look": [LEFT]})
    result = train(daemon, epochs=1, batch=4, activate="always")["result"]
    assert (result["mode"], result["good_only"]["images"]) == ("supervised", 24)
    serving(daemon, result["version"])  # its golden samples, which have the region too, were proved
    assert daemon("GET", "/readyz").json["models"]["part"]["self_test"] == "golden"
    clean, ignored, found = (answer(daemon, image) for image in (good_part(11), with_defect(11, 40), with_defect(11, 4)))
    assert ignored == clean and found["probability"] > clean["probability"]
    assert all(value == 0 for row in clean["heat"] for value in row[7:])
    folds = run(daemon, "cross-validate", seed=3, epochs=1, folds=2, batch=4)
    assert folds["state"] == "succeeded", folds
    report = run(daemon, "evaluate", version=result["version"])["result"]
    assert report["served"]["anomalies"]["anomaly"] == 12
    # The version that serves is judged by its own regions, whose features are not those of the training.
    put(daemon, {"look": [RIGHT]})
    next_one = train(daemon, epochs=1, batch=4, activate="if_better")["result"]
    assert next_one["previous"]["metrics"]["balanced_accuracy"] is not None, next_one["previous"]


def floats(value):
    """The bits of each number: both print floats in few digits that read back as the same."""
    if isinstance(value, dict):
        return {key: floats(one) for key, one in value.items()}
    if isinstance(value, list):
        return [floats(one) for one in value]
    return struct.pack("f", value) if isinstance(value, float) else value


@pytest.mark.real_device
def test_the_command_line_and_the_daemon_agree_bit_for_bit(begin, tmp_path):
    daemon = begin(20)
    put(daemon, {"look": [LEFT]})
    put(daemon, {"look": [RIGHT]}, "?camera=top")
    sets = tmp_path / "sets/parts"
    lines = [f"\n{hashlib.sha256(path.read_bytes()).hexdigest()} top\n" for path in sorted(sets.rglob("*.png"))[::2]]
    (sets / ".cameras").write_text("".join(lines))
    version = train(daemon)["result"]["version"]
    serving(daemon, version)
    seen = set()
    files = {left: tmp_path / f"{left}.png" for left in (4, 40)}
    for left, file in files.items():
        file.write_bytes(with_defect(5, left))
    for camera in ("side", "top"):
        words = [os.environ["INSPECTD"], "predict", "--product", "part", "--camera", camera, "--json", "--config", "/dev/null",
                 "-o", f"storage.state_dir={daemon.state}", "-o", "device.name=cpu", *files.values()]
        told = subprocess.run(words, capture_output=True, check=True, timeout=120).stdout.splitlines()
        for left, line in zip(files, map(json.loads, told), strict=True):
            found = daemon.inspect(files[left].read_bytes(), f"product=part&camera={camera}").json
            for key in ("verdict", "probability", "good_only", "reasons", "threshold", "model"):
                assert floats(line[key]) == floats(found[key]), key
            for key in ("max", "area", "boxes"):
                assert floats(line["heatmap"][key]) == floats(found["heatmap"][key]), key
            seen.add((left, camera, found["verdict"]))
    assert {verdict for *_, verdict in seen} == {"good", "anomaly"}, seen


def test_an_image_is_trained_through_the_region_of_its_camera(begin):
    daemon = begin(0)
    daemon("PUT", "/v1/admin/products/part")
    put(daemon, {"look": [LEFT]})
    put(daemon, {"look": [RIGHT]}, "?camera=top")
    for i in range(24):
        query = f"class=good&name={i}" + ("&camera=top" if i % 2 else "")
        added = daemon("POST", f"/v1/admin/products/part/dataset/images?{query}", good_part(i), Content_Type="image/png")
        assert added.status == 201, added.body
    done = train(daemon, dataset="part")
    assert done["state"] == "succeeded", done
    log = "\n".join(line["text"] for line in done["log"])
    assert "regions: 12 images of camera top, by its own region" in log, log
    assert "regions: 12 images by the product's region" in log, log
    serving(daemon, done["result"]["version"])
    clean = {camera: answer(daemon, good_part(11), f"product=part&camera={camera}") for camera in ("top", "side")}
    right = {camera: answer(daemon, with_defect(11, 40), f"product=part&camera={camera}") for camera in ("top", "side")}
    assert right["side"] == clean["side"] and clean["side"]["verdict"] == clean["top"]["verdict"] == "good"
    assert right["top"]["verdict"] == "anomaly"
    bad = daemon("POST", "/v1/admin/products/part/dataset/images?class=good&camera=", good_part(1), Content_Type="image/png")
    assert (bad.status, bad.code) == (400, "invalid_query")


@pytest.fixture(scope="module")
def still(template, tmp_path_factory):
    """A daemon of product carpet, in which these tests change regions only."""
    folder = tmp_path_factory.mktemp("still")
    copy_state(template, folder / "state")
    daemon = Daemon(folder / "state")
    daemon.token = (folder / "state" / "admin.token").read_text().strip()
    yield daemon
    daemon.stop()


@pytest.mark.parametrize("region, words", [
    ({"ignore": [ALL]}, "covers nothing"),
    ({"look": [[[0, 0], [0.01, 0], [0.01, 0.01]]]}, "covers nothing"),
    ({"look": [[[0, 0], [1, 0]]]}, "look[0]: it must be a list of 3 to 64 points"),
    ({"look": [[[0, 0], [1, 0], [1, 1.01]]]}, "look[0]: point 3 is [1, 1.01]"),
    ({"look": [LEFT], "ignore": [[[0, 0], [1, 1], [1, 0], [0, 1]]]}, "ignore[0]: it crosses itself"),
    ({"look": [LEFT] * 17}, "at most 16 polygons"),
    ({"look": [[[0, 0]] * 65]}, "3 to 64 points"),
    ({"look": [[[0, 0], [1, 0], [1, "1"]]]}, "point 3 is not [x, y]"),
    ({"looks": [LEFT]}, "must have a polygon"),
    ({"look": [LEFT], "area": 1}, 'not "area"'),
    ({}, "must have a polygon"),
    ({"look": [], "ignore": []}, "must have a polygon"),
])
def test_bad_regions_are_refused_and_change_nothing(still, region, words):
    path = "/v1/admin/products/carpet/regions"
    before = still("GET", "/v1/products/carpet/regions").json
    answer = still("PUT", path, json.dumps(region), Content_Type="application/json")
    assert (answer.status, answer.code) == (422, "invalid_parameter") and words in answer.json["detail"], answer.body
    assert still("GET", "/v1/products/carpet/regions").json == before


def test_regions_come_and_go(still):
    path, admin = "/v1/products/carpet/regions", "/v1/admin/products/carpet/regions"
    body = lambda region: json.dumps(region)
    assert still("GET", path).json["regions"] == {"default": None, "cameras": {}}
    assert not still("GET", path).json["retrain"]
    set_ = still("PUT", f"{admin}?camera=Kamera%20%C3%BC", body({"look": [LEFT]}), Content_Type="application/json")
    assert set_.json["regions"]["cameras"] == {"Kamera ü": {"look": [LEFT], "ignore": []}} and set_.json["retrain"]
    assert still("DELETE", f"{admin}?camera=other").code == "not_found"
    assert still("DELETE", admin).code == "not_found"
    gone = still("DELETE", f"{admin}?camera=Kamera%20%C3%BC").json
    assert gone["regions"]["cameras"] == {} and not gone["retrain"]
    assert still("GET", "/v1/products/nobody/regions").code == "unknown_product"
    assert still("DELETE", "/v1/admin/products/nobody/regions").code == "not_found"
    assert still("PUT", "/v1/admin/products/-x/regions", body({"look": [LEFT]}), Content_Type="application/json").status == 404
    early = still("PUT", "/v1/admin/products/planned/regions", body({"look": [LEFT]}), Content_Type="application/json").json
    assert early["serving"] is None and not early["retrain"]
    assert still("GET", "/v1/products/planned/regions").json == early
    for query in ("?camera=", "?camera=" + "x" * 129, "?kamera=a", "?camera=a%0Ab"):
        assert still("PUT", admin + query, body({"look": [LEFT]}), Content_Type="application/json").status == 400
    assert still("GET", path + "?camera=a").status == 400


def test_a_damaged_file_is_named_and_the_line_goes_on(still):
    file = still.state / "regions/carpet.json"
    file.parent.mkdir(exist_ok=True)
    file.write_text('{"look": 3')
    broken = still("GET", "/v1/products/carpet/regions")
    assert broken.status == 422 and "carpet.json is not JSON" in broken.json["detail"]
    assert still.inspect(picture("black")).json["verdict"] == "good"
    file.unlink()
    assert still("GET", "/v1/products/carpet/regions").status == 200
