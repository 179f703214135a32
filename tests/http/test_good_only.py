"""Versions from good parts alone: from the training over HTTP to the answer, and what is refused."""
import io
import json
import shutil

import PIL.Image
import pytest
from conftest import eventually, picture

SECONDS = 240  # a training of some images, also with sanitizers


def good_part(level):
    """A dark picture; each level is another one."""
    ramp = PIL.Image.linear_gradient("L").resize((64, 64)).point(lambda v: v // 8 + level)
    out = io.BytesIO()
    ramp.save(out, "PNG")
    return out.getvalue()


@pytest.fixture
def begin(start, tmp_path):
    """begin(good, defects) -> a daemon with a set of so many images, whose client is admin."""
    def run(good, defects=0, copies=False):
        for i in range(good + defects):
            path = tmp_path / "sets" / "parts" / ("train/good" if i < good else "test/hole") / f"{i:03}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(good_part(0 if copies else i) if i < good else picture("white"))
        daemon = start(f"training.dataset_roots={tmp_path}/sets")
        daemon.token = (daemon.state / "admin.token").read_text().strip()
        return daemon
    return run


def train(daemon, **parameters):
    return run(daemon, "train", **{"seed": 3, **parameters})


def run(daemon, kind, **parameters):
    body = json.dumps({"dataset": "parts", **parameters})
    answer = daemon("POST", f"/v1/admin/products/part/{kind}", body, Content_Type="application/json")
    assert answer.status == 202, answer.body
    state = lambda: daemon("GET", answer.headers["Location"]).json
    eventually(lambda: state()["state"] not in ("queued", "running"), SECONDS)
    return state()


def serving(daemon, version):
    """Waits until the version serves; the product is unknown until then."""
    eventually(lambda: daemon("GET", "/readyz").json["models"].get("part", {}).get("version") == version, SECONDS)


def test_good_parts_make_a_version_that_decides(begin):
    daemon = begin(24)
    done = train(daemon)
    assert done["state"] == "succeeded", done
    result = done["result"]
    assert (result["mode"], result["activated"], result["metrics"]["images"]) == ("good_only", True, 24)
    assert (result["good_only"]["images"], result["good_only"]["more_needed"]) == (24, 35)
    serving(daemon, result["version"])
    assert daemon("GET", "/readyz").json["models"]["part"]["self_test"] == "golden"
    manifest = daemon("GET", f"/v1/products/part/models/{result['version']}").json
    assert manifest["weights"] is None and manifest["good_only"]["images"] == 24

    bad = daemon.inspect(picture("white"), "product=part").json
    assert (bad["verdict"], bad["decided_by"]) == ("anomaly", "good_only")
    assert bad["good_only"]["score"] > bad["good_only"]["threshold"] and bad["good_only"]["percentile"] == 100
    assert bad["probability"] >= 0.5 and bad["heatmap"]["max"] == 1
    fine = daemon.inspect(good_part(11), "product=part").json
    assert (fine["verdict"], fine["decided_by"], fine["heatmap"]["boxes"]) == ("good", "good_only", [])
    assert fine["good_only"]["score"] < fine["good_only"]["threshold"] and fine["probability"] < 0.5
    stored = daemon("GET", f"/v1/inspections/{fine['id']}").json
    assert (stored["good_only"], stored["decided_by"]) == (fine["good_only"], "good_only")
    assert {row["good_only"]["threshold"] for row in daemon("GET", "/v1/inspections?product=part").json["items"]} == {
        fine["good_only"]["threshold"]}
    other = daemon.inspect(picture("white")).json  # the template's product has a tail alone
    assert (other["decided_by"], other["good_only"]) == ("supervised", None)


def test_a_tail_keeps_a_good_only_model_beside_it_and_doubts_what_it_has_not_seen(begin):
    daemon = begin(24, 12)
    result = train(daemon, epochs=1, batch=4, activate="always")["result"]
    assert (result["mode"], result["good_only"]["images"]) == ("supervised", 24)
    serving(daemon, result["version"])
    fine = daemon.inspect(good_part(11), "product=part").json
    assert (fine["verdict"], fine["decided_by"], fine["reasons"]) == ("good", "supervised", [])
    # The fake tail answers by brightness: grey is good to it, and like no good part.
    grey = daemon.inspect(picture("#505050"), "product=part").json
    assert (grey["verdict"], grey["decided_by"], "unlike_good" in grey["reasons"]) == ("review", "supervised", True), grey
    assert grey["good_only"]["score"] > grey["good_only"]["threshold"]
    report = run(daemon, "evaluate", version=result["version"])["result"]
    served = report["served"]
    assert (report["decided_by"], served["decided_by"]) == ("supervised", "supervised")
    assert served["anomalies"] == {"good": 0, "review": 0, "anomaly": 12} and served["stopped"]["hits"] == 12
    assert sum(served["good_parts"].values()) == 24 and served["scores"]["good_only"]["roc_auc"] == 1
    done = train(daemon, recipe="notebook", epochs=1, batch=4, activate="never")
    assert done["result"]["good_only"] is None and done["params"]["mode"] == "supervised"


def test_a_part_that_was_good_after_all_is_learnt_without_the_old_images(begin, tmp_path):
    daemon = begin(24)
    first = train(daemon)["result"]["version"]
    serving(daemon, first)
    image = good_part(45)
    before = daemon.inspect(image, "product=part").json
    assert before["verdict"] == "anomaly"
    daemon("PUT", f"/v1/inspections/{before['id']}/label", json.dumps({"label": "good"}), Content_Type="application/json")
    shutil.rmtree(tmp_path / "sets" / "parts")
    done = train(daemon, dataset=None, seed=None, mode="add_good")
    assert done["state"] == "succeeded", done
    result = done["result"]
    assert (result["base"], result["good_only"]["added"], result["good_only"]["images"]) == (first, 1, 25)
    assert result["activated"] and result["good_only"]["threshold"] > result["good_only"]["threshold_before"]
    serving(daemon, result["version"])
    after = daemon.inspect(image, "product=part").json
    assert (after["verdict"], after["model"]) == ("good", result["version"])
    assert daemon("GET", f"/v1/jobs/{done['id']}/report.html").status == 200
    again = train(daemon, dataset=None, seed=None, mode="add_good")
    assert (again["error"]["code"], again["state"]) == ("dataset_invalid", "failed")


@pytest.mark.parametrize("images, options, says", [
    ((19,), {}, "at least 20, so 1 more"),
    ((25, 0, True), {}, "the 25 good images in"),
    ((19, 3), {"mode": "good_only"}, "at least 20, so 1 more"),
])
def test_a_set_that_is_too_small_is_refused_with_the_number(begin, images, options, says):
    daemon = begin(*images)
    done = train(daemon, **options)
    assert (done["state"], done["error"]["code"]) == ("failed", "dataset_invalid")
    assert says in done["error"]["detail"]
    assert daemon("GET", "/v1/products/part").status == 404
