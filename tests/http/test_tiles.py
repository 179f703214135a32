"""Tiles: trained with, kept by the version, applied to each picture; and a map of many cells."""
import io
import json
import signal

import PIL.Image
import pytest
from conftest import eventually
from test_good_only import run, serving, train

SIZE = (640, 320)
RIGHT = [[0.5, 0], [1, 0], [1, 1], [0.5, 1]]


def part(level, spot=None, size=SIZE):
    """A dark picture; each level is another one. spot: the corner of a small white square."""
    image = PIL.Image.linear_gradient("L").resize(size).point(lambda v: v // 8 + level).convert("RGB")
    if spot:
        image.paste((255, 255, 255), (*spot, spot[0] + 24, spot[1] + 24))
    out = io.BytesIO()
    image.save(out, "PNG", compress_level=1)
    return out.getvalue()


@pytest.fixture
def begin(start, tmp_path):
    """A daemon whose client is admin, with 22 good parts and one with a spot."""
    for i in range(23):
        path = tmp_path / "sets/parts" / ("train/good" if i < 22 else "test/spot") / f"{i:03}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(part(i, (300, 100) if i == 22 else None))
    daemon = start(f"training.dataset_roots={tmp_path}/sets")
    daemon.token = (daemon.state / "admin.token").read_text().strip()
    return daemon


def hole(level, corner, side=150):
    """A part with a bright square, which the fake network calls an anomaly if it fills enough of what it sees."""
    image = PIL.Image.open(io.BytesIO(part(level)))
    image.paste((255, 255, 255), (*corner, corner[0] + side, corner[1] + side))
    out = io.BytesIO()
    image.save(out, "PNG", compress_level=1)
    return out.getvalue()


def mask(corner, side=150, size=SIZE):
    image = PIL.Image.new("L", size)
    image.paste(255, (*corner, corner[0] + side, corner[1] + side))
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


@pytest.fixture
def marked(start, tmp_path):
    """A daemon whose client is admin, with 22 good parts and 10 with a hole: 8 masks, then 2 files of boxes."""
    root = tmp_path / "sets/parts"
    for folder in "train/good", "test/hole", "ground_truth/hole":
        (root / folder).mkdir(parents=True)
    for i in range(22):
        (root / f"train/good/{i:03}.png").write_bytes(part(i))
    for i in range(10):
        corner = (20 + 45 * i, 10 + 15 * i)
        (root / f"test/hole/{i:03}.png").write_bytes(hole(i, corner))
        if i < 8:
            (root / f"ground_truth/hole/{i:03}_mask.png").write_bytes(mask(corner))
        else:
            centre = ((corner[0] + 75) / 640, (corner[1] + 75) / 320)
            (root / f"ground_truth/hole/{i:03}.txt").write_text(f"0 {centre[0]} {centre[1]} {150 / 640} {150 / 320}\n")
    daemon = start(f"training.dataset_roots={tmp_path}/sets")
    daemon.token = (daemon.state / "admin.token").read_text().strip()
    daemon.root = root
    return daemon


def admin(daemon, method, path, body):
    return daemon(method, f"/v1/admin/products/part/{path}", json.dumps(body), Content_Type="application/json")


def heat(daemon, found):
    return daemon("GET", f"/v1/inspections/{found['id']}/heat").json


def hottest(rows):
    return max((value, x, y) for y, row in enumerate(rows) for x, value in enumerate(row))


def test_a_version_with_tiles_from_the_training_to_the_map(begin):
    daemon = begin
    result = train(daemon, tiles="2x1", activate="always")["result"]
    assert (result["mode"], result["params"]["tiles"], result["metrics"]["images"]) == ("good_only", "2x1", 23)
    version = result["version"]
    serving(daemon, version)
    assert daemon("GET", "/readyz").json["models"]["part"]["self_test"] == "golden"
    manifest = daemon("GET", f"/v1/products/part/models/{version}").json
    assert (manifest["format"], manifest["tiles"]) == (4, {"columns": 2, "rows": 1})
    fine = daemon.inspect(part(11), "product=part").json
    assert (fine["verdict"], fine["reasons"]) == ("good", []), fine
    for corner in ((40, 40), (308, 150), (600, 280)):  # the second lies in the overlap
        bad = daemon.inspect(part(11, corner), "product=part").json
        assert bad["verdict"] == "anomaly" and bad["good_only"]["score"] > bad["good_only"]["threshold"], bad
        told = heat(daemon, bad)
        assert (told["columns"], told["rows"], len(told["heat"]), len(told["heat"][0])) == (26, 14, 14, 26)
        value, x, y = hottest(told["heat"])
        assert value == pytest.approx(bad["heatmap"]["max"], abs=1e-3)
        assert abs((x + 0.5) * 640 / 26 - corner[0] - 12) < 50 and abs((y + 0.5) * 320 / 14 - corner[1] - 12) < 50, (x, y)
        box = bad["heatmap"]["boxes"][0]
        assert box["x"] <= corner[0] + 12 <= box["x"] + box["width"] and box["y"] <= corner[1] + 12 <= box["y"] + box["height"]
        for view in ("raw", "threshold", "overlay"):
            png = daemon("GET", f"/v1/inspections/{bad['id']}/heatmap.png?view={view}")
            assert png.status == 200, png.body
            assert PIL.Image.open(io.BytesIO(png.body)).size == SIZE
    small = daemon.inspect(part(11, size=(320, 160)), "product=part").json
    assert (small["verdict"], small["reasons"]) == ("review", ["size"]), small
    usual = daemon.inspect(part(11)).json  # the template's product has no tiles
    assert heat(daemon, usual)["columns"] == 14

    assert daemon("GET", "/v2/models/part").json["outputs"][2]["shape"] == [-1, 14, 26]
    report = run(daemon, "evaluate", version=version)["result"]
    assert (report["metrics"]["images"], report["served"]["by_type"]["spot"]["hits"]) == (23, 1)
    folds = run(daemon, "cross-validate", tiles="2x1", mode="good_only", folds=2)["result"]
    assert folds["mode"] == "good_only" and folds["pooled"]["recall"]["value"] == 1

    other = train(daemon, tiles="2x1", seed=4, activate="never")["result"]["version"]
    assert admin(daemon, "PUT", "shadow", {"version": other}).status == 200
    plain = train(daemon, activate="never")["result"]["version"]
    refused = admin(daemon, "PUT", "shadow", {"version": plain})
    assert (refused.status, refused.code) == (409, "conflict") and "tiles" in refused.json["detail"]
    new = daemon.inspect(part(22), "product=part").json
    daemon("PUT", f"/v1/inspections/{new['id']}/label", json.dumps({"label": "good"}), Content_Type="application/json")
    more = run(daemon, "train", mode="add_good", dataset="parts")
    assert more["state"] == "succeeded", more
    again = daemon("GET", f"/v1/products/part/models/{more['result']['version']}").json
    assert again["tiles"] == manifest["tiles"] and again["good_only"]["images"] == 23


def test_a_bundle_with_other_tiles_or_another_good_only_model_is_loaded_anew(begin):
    daemon = begin
    version, fine, plain = (train(daemon, activate=when, **kind)["result"]["version"] for when, kind in (
        ("always", {"tiles": "2x1"}), ("never", {"tiles": "2x1", "seed": 4}), ("never", {})))
    serving(daemon, version)
    picture, models = part(11, (300, 100)), daemon.state / "models/part"

    def answer(of):
        """The answer of the version, once its files are those of another one."""
        for file in (models / of).iterdir():
            (models / version / file.name).write_bytes(file.read_bytes())
        manifest = json.loads((models / version / "manifest.json").read_text())
        (models / version / "manifest.json").write_text(json.dumps(manifest | {"version": version}))
        readings = daemon.log_text().count("models read again")
        daemon.process.send_signal(signal.SIGHUP)
        eventually(lambda: daemon.log_text().count("models read again") > readings)
        made = daemon.inspect(picture, "product=part").json
        assert made["model"] == version and daemon("GET", "/readyz").json["reasons"] == [], made
        return made["good_only"], heat(daemon, made)["columns"]

    before = daemon.inspect(picture, "product=part").json
    other_channels, no_tiles = answer(fine), answer(plain)
    assert heat(daemon, before)["columns"] == other_channels[1] == 26 and no_tiles[1] == 14
    assert len({before["good_only"]["score"], other_channels[0]["score"], no_tiles[0]["score"]}) == 3
    for known, expected in (fine, other_channels), (plain, no_tiles):  # as they answer under their own names
        assert daemon("POST", f"/v1/admin/products/part/models/{known}/activate").status == 200
        made = daemon.inspect(picture, "product=part").json
        assert made["model"] == known and (made["good_only"], heat(daemon, made)["columns"]) == expected


def test_what_a_region_ignores_no_tile_sees(begin):
    daemon = begin
    assert admin(daemon, "PUT", "regions", {"ignore": [RIGHT]}).status == 200
    version = train(daemon, tiles="2x1", activate="always")["result"]["version"]
    serving(daemon, version)
    clean = daemon.inspect(part(11), "product=part").json
    ignored = daemon.inspect(part(11, (560, 100)), "product=part").json
    found = daemon.inspect(part(11, (200, 100)), "product=part").json
    assert (clean["verdict"], ignored["verdict"], found["verdict"]) == ("good", "good", "anomaly")
    assert ignored["good_only"] == clean["good_only"] and heat(daemon, ignored)["heat"] == heat(daemon, clean)["heat"]
    assert all(value == 0 for row in heat(daemon, found)["heat"] for value in row[13:])


def test_bad_grids_are_refused(begin):
    daemon = begin
    for tiles in ("0x2", "17x1", "9x8", "4", "4x", "-1x2", "two", 4, [4, 3]):
        answer = admin(daemon, "POST", "train", {"dataset": "parts", "tiles": tiles})
        assert answer.status == 422, (tiles, answer.body)
        assert (answer.status, answer.code) == (422, "invalid_parameter") and "64 tiles" in answer.json["detail"], (tiles, answer.body)
    for more, words in (({"mode": "add_good"}, "keeps the tiles"), ({"mode": "supervised", "heatmap_scale": "per_image"}, "fixed")):
        answer = admin(daemon, "POST", "train", {"dataset": "parts", "tiles": "2x1", **more})
        assert (answer.status, answer.code) == (422, "invalid_parameter") and words in answer.json["detail"], answer.body
    for kind, parameters, code, words in (("train", {"tiles": "8x6"}, "dataset_invalid", "at most 3x1 fit"),
                                          ("cross-validate", {"tiles": "1x2"}, "dataset_invalid", "640x172")):
        done = run(daemon, kind, **parameters)
        assert (done["state"], done["error"]["code"]) == ("failed", code) and words in done["error"]["detail"], done
    assert not list(daemon.state.glob("models/part/*/manifest.json"))


def test_a_tail_on_tiles_from_masks_and_boxes(marked):
    daemon = marked
    result = train(daemon, tiles="2x1", activate="always", epochs=2)["result"]
    assert (result["mode"], result["params"]["tiles"], result["metrics"]["roc_auc"]) == ("supervised", "2x1", 1), result
    tiles = result["tiles"]
    assert tiles["trained"]["anomalous"] == tiles["anomalous"] >= 8 and tiles["trained"]["good"] == tiles["good"] >= 36, tiles
    version = result["version"]
    serving(daemon, version)
    assert daemon("GET", "/readyz").json["models"]["part"]["self_test"] == "golden"
    manifest = daemon("GET", f"/v1/products/part/models/{version}").json
    assert (manifest["format"], manifest["tiles"]) == (4, {"columns": 2, "rows": 1}) and manifest["weights"] and manifest["good_only"]
    assert manifest["dataset"]["tile_labels"] == tiles["labels"] and len(tiles["labels"]) == 64
    fine = daemon.inspect(part(11), "product=part").json
    assert (fine["verdict"], fine["reasons"], fine["decided_by"]) == ("good", [], "supervised"), fine
    both, one = (daemon.inspect(hole(11, corner), "product=part").json for corner in ((245, 60), (420, 60)))
    assert both["verdict"] == one["verdict"] == "anomaly" and both["good_only"]["score"] > fine["good_only"]["score"]
    assert one["probability"] > fine["probability"] + 0.1, "the worst tile decides, not the whole picture"
    told = heat(daemon, one)
    assert (told["columns"], told["rows"]) == (26, 14)
    small = daemon.inspect(part(11, size=(320, 160)), "product=part").json
    assert "size" in small["reasons"] and small["verdict"] == "review", small

    report = run(daemon, "evaluate", version=version)["result"]
    assert (report["decided_by"], report["metrics"]["recall"]["hits"], report["served"]["by_type"]["hole"]["hits"]) == ("supervised", 10, 10)
    done = run(daemon, "cross-validate", tiles="2x1", mode="supervised", folds=2, epochs=1, max_missed=0.5)
    assert (done["result"]["mode"], done["result"]["pooled"]["roc_auc"], done["result"]["tiles"]["good"] >= 44) == ("supervised", 1, True)
    plain = train(daemon, mode="supervised", activate="never", epochs=1, candidates=False)["result"]
    assert plain["tiles"] is None
    refused = admin(daemon, "PATCH", f"models/{plain['version']}", {"threshold_job": done["id"]})
    assert (refused.status, refused.code) == (409, "conflict") and "other tiles" in refused.json["detail"], refused.body

    alone = train(daemon, tiles="2x1", mode="supervised", activate="never", epochs=1, seed=4)["result"]
    assert alone["good_only"] is None and alone["previous"]["metrics"]["roc_auc"] == 1
    assert run(daemon, "evaluate", version=alone["version"])["result"]["metrics"]["recall"]["hits"] == 10
    assert admin(daemon, "PUT", "shadow", {"version": alone["version"]}).status == 200
    new = daemon.inspect(part(22), "product=part").json
    daemon("PUT", f"/v1/inspections/{new['id']}/label", json.dumps({"label": "good"}), Content_Type="application/json")
    more = run(daemon, "train", mode="add_good", dataset="parts")
    assert more["state"] == "succeeded", more
    again = daemon("GET", f"/v1/products/part/models/{more['result']['version']}").json
    assert again["tiles"] == manifest["tiles"] and again["weights"] == manifest["weights"] and again["good_only"]["images"] == 23


def test_tiles_of_defective_images_need_masks_or_boxes(marked):
    daemon = marked
    (daemon.root / "ground_truth/hole/003_mask.png").unlink()
    (daemon.root / "ground_truth/hole/009.txt").write_text("0 300 100 150 150\n")
    for kind, mode in (("train", "supervised"), ("train", "auto"), ("cross-validate", "auto")):
        done = run(daemon, kind, tiles="2x1", mode=mode)
        detail = done["error"]["detail"]
        assert (done["state"], done["error"]["code"]) == ("failed", "dataset_invalid"), done
        assert detail.startswith("1 of 10 defective images") and "test/hole/003.png" in detail and "mode good_only" in detail, detail
    (daemon.root / "ground_truth/hole/003_mask.png").write_bytes(mask((155, 55)))
    detail = run(daemon, "train", tiles="2x1", mode="supervised")["error"]["detail"]
    assert "009.txt: line 1" in detail and "shares of the picture" in detail, detail
    for path in (daemon.root / "ground_truth/hole").iterdir():
        path.unlink()
    done = run(daemon, "train", tiles="2x1")
    assert done["result"]["mode"] == "good_only" and "none of 10 defective images has a mask" in json.dumps(done["log"]), done
