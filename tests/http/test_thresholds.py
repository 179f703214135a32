"""Thresholds: advised by a cross-validation, stored with the model, each change on record."""
import contextlib
import json
import shutil
import sqlite3

import pytest
from conftest import picture, token
from test_jobs import begin, datasets, finished, submit  # noqa: F401 (begin and datasets are fixtures)

GREY = picture("#808080")


def patch(daemon, body, version="v1", product="carpet", **more):
    return daemon("PATCH", f"/v1/admin/products/{product}/models/{version}", json.dumps(body),
                  Content_Type="application/json", **more)


def changes(daemon, version="v1", query=""):
    answer = daemon("GET", f"/v1/admin/products/carpet/models/{version}/changes{query}")
    assert answer.status == 200, answer.body
    assert answer.headers.get_all("Cache-Control") == ["no-store"]
    return answer.json


def model(daemon, version="v1"):
    return daemon("GET", f"/v1/products/carpet/models/{version}").json


def test_every_change_is_on_record_and_survives_a_restart(begin):
    daemon = begin()
    daemon.token = token(daemon, "admin", "anna")
    daemon.process.send_signal(1)  # tokens are read again
    daemon.wait_line("tokens read again")
    assert changes(daemon)["items"] == []
    assert patch(daemon, {"threshold": 0.6}).json["threshold_source"]["from"] == "patch"
    assert patch(daemon, {"threshold": 0.6, "heatmap_threshold": 0.7}).status == 200  # nothing new
    assert patch(daemon, {"review": {"low": 0.5, "high": 0.8}, "threshold": 0.7}).status == 200
    rows = changes(daemon)["items"]
    assert [(r["field"], r["from"], r["to"]) for r in rows] == [
        ("review", None, {"low": 0.5, "high": 0.8}), ("threshold", 0.6, 0.7), ("threshold", 0.5, 0.6)]
    assert all(r["who"] == "anna" and r["version"] == "v1" and r["product"] == "carpet" for r in rows)
    assert [r["at"] for r in rows] == sorted((r["at"] for r in rows), reverse=True)
    first = changes(daemon, query="?limit=2")
    assert first["items"] == rows[:2] and changes(daemon, query=f"?limit=2&cursor={first['next']}") == \
        {"items": rows[2:], "next": None}
    daemon.stop()
    again = begin(state=daemon.state)
    assert changes(again)["items"] == rows
    assert model(again)["threshold"] == 0.7 and model(again)["review"] == {"low": 0.5, "high": 0.8}
    assert model(again)["threshold_source"]["by"] == "anna"
    assert again.inspect(picture("white")).json["threshold"] == pytest.approx(0.7)


def test_a_change_acts_on_the_next_inspection_without_a_gap(begin):
    daemon = begin()
    assert daemon.inspect(GREY).status == 200  # after the first self-test
    passes = daemon.metric("passes_total")
    for threshold in (0.2, 0.9) * 5:
        assert patch(daemon, {"threshold": threshold}).status == 200
        made = daemon.inspect(GREY)
        assert made.status == 200 and made.json["threshold"] == pytest.approx(threshold)
    # No self-test, no weights: the inference thread saw the ten pictures and nothing else.
    assert daemon.metric("passes_total") - passes == 10


def test_refused_changes_leave_no_row(begin):
    daemon = begin()
    for body in ({"threshold": 2}, {"threshold": 0.1, "review": {"low": 0.5, "high": 0.6}}, {"colour": 1}):
        assert patch(daemon, body).code == "invalid_parameter"
    assert patch(daemon, {"threshold": 0.5}, version="v9").code == "not_found"
    assert changes(daemon)["items"] == [] and model(daemon)["threshold_source"] is None


def advice_for(job, candidate):
    return next(c["threshold_advice"] for c in job["result"]["candidates"]["list"] if c["name"] == candidate)


def test_the_threshold_of_a_cross_validation(begin):
    daemon = begin()
    trained = finished(daemon, submit(daemon, epochs=1, threshold=0.5, activate="always").headers["Location"])["result"]
    assert trained["threshold"] == 0.5 and trained["candidates"] is None
    done = finished(daemon, submit(daemon, "cross-validate", epochs=1, folds=2, max_missed=0.4).headers["Location"])
    advice = advice_for(done, "tail")  # what the version decides by
    assert done["params"]["max_missed"] == advice["max_missed"] == 0.4 and advice["reachable"]
    assert model(daemon, trained["version"])["training"]["candidate"] == "tail"
    assert advice["missed"]["high"] <= 0.4
    answer = patch(daemon, {"threshold_job": done["id"]}, trained["version"])
    assert answer.status == 200, answer.body
    assert answer.json["threshold"] == pytest.approx(advice["threshold"], abs=1e-7)
    source = answer.json["threshold_source"]
    assert (source["from"], source["job"], source["max_missed"]) == ("cross-validate", done["id"], 0.4)
    assert source["missed"] == advice["missed"] and source["false_alarms"] == advice["false_alarms"]
    row = changes(daemon, trained["version"])["items"][0]
    assert row["field"] == "threshold" and row["to"] == pytest.approx(advice["threshold"], abs=1e-7)
    assert daemon.inspect(GREY).json["threshold"] == pytest.approx(advice["threshold"], abs=1e-7)
    # Another trunk's scores say nothing about a model.
    folder = daemon.state / "models" / "carpet"
    shutil.copytree(folder / "v1", folder / "stranger")
    manifest = json.loads((folder / "v1" / "manifest.json").read_text())
    manifest["version"], manifest["trunk"]["sha256"] = "stranger", "b" * 64
    (folder / "stranger" / "manifest.json").write_text(json.dumps(manifest))
    answer = patch(daemon, {"threshold_job": done["id"]}, "stranger")
    assert answer.status == 409 and "another trunk" in answer.json["detail"]
    # Neither do those of pictures of which another part was judged.
    manifest["trunk"]["sha256"] = model(daemon)["trunk"]["sha256"]
    regions = {"default": {"look": [[[0, 0], [0.5, 0], [0.5, 1], [0, 1]]]}}
    (folder / "stranger" / "manifest.json").write_text(json.dumps(manifest | {"format": 2, "regions": regions}))
    answer = patch(daemon, {"threshold_job": done["id"]}, "stranger")
    assert answer.status == 409 and "other regions" in answer.json["detail"], answer.body
    # Each version gets the advice for its own way to decide, if it says which, and the job judged it.
    notebook = finished(daemon, submit(daemon, "cross-validate", epochs=1, folds=2, max_missed=0.4,
                                       recipe="notebook").headers["Location"])
    assert notebook["result"]["candidates"] is None and notebook["params"]["candidates"] is False
    both = {"logistic": {"file": "logistic.safetensors", "sha256": "c" * 64, "use": "averaged"}}
    for job, way, training, word in (
            (done, both, {}, "does not say how it decides"), (done, both, {"candidate": "tail"}, "does not say how"),
            (done, {}, {"candidate": "tail_averaged"}, "decides by tail_averaged, which the job did not judge"),
            (notebook, both, {"candidate": "tail_and_logistic"}, "the job did not judge")):
        (folder / "stranger" / "manifest.json").write_text(json.dumps(manifest | way | {"training": training}))
        answer = patch(daemon, {"threshold_job": job["id"]}, "stranger")
        assert answer.status == 409 and word in answer.json["detail"], answer.body
    (folder / "stranger" / "manifest.json").write_text(
        json.dumps(manifest | both | {"training": {"candidate": "tail_and_logistic"}}))
    answer = patch(daemon, {"threshold_job": done["id"]}, "stranger")
    wanted = advice_for(done, "tail_and_logistic")["threshold"]
    assert answer.status == 200 and answer.json["threshold"] == pytest.approx(wanted, abs=1e-7), answer.body
    # Neither do those of an older inspectd, which did not note the regions, even about a version without any.
    with contextlib.closing(sqlite3.connect(daemon.state / "inspectd.sqlite3", timeout=60)) as db, db:
        db.execute("UPDATE jobs SET result = json_remove(result, '$.regions') WHERE id = ?", (done["id"],))
    answer = patch(daemon, {"threshold_job": done["id"]}, trained["version"])
    assert answer.status == 409 and "did not note its regions" in answer.json["detail"], answer.body
    # Neither do those of images that the network saw in another form.
    other = finished(daemon, submit(daemon, "cross-validate", epochs=1, folds=2, max_missed=0.4,
                                    input="imagenet").headers["Location"])
    answer = patch(daemon, {"threshold_job": other["id"]}, trained["version"])
    assert answer.status == 409 and "another input" in answer.json["detail"], answer.body


def test_jobs_whose_advice_is_not_taken(begin):
    daemon = begin()
    unreachable = finished(daemon, submit(daemon, "cross-validate", epochs=1, folds=2).headers["Location"])
    advice = unreachable["result"]["threshold_advice"]
    assert not advice["reachable"] and advice["anomalies_needed"] == 73 and "73 anomalies" in advice["reason"]
    assert advice["missed"]["hits"] == 0
    answer = patch(daemon, {"threshold_job": unreachable["id"]})
    assert (answer.status, answer.code) == (409, "conflict") and "73 anomalies" in answer.json["detail"]
    trained = finished(daemon, submit(daemon, epochs=1, activate="never").headers["Location"])
    failed = finished(daemon, submit(daemon, "cross-validate", epochs=1, folds=20).headers["Location"])
    assert failed["state"] == "failed"
    other = finished(daemon, submit(daemon, "cross-validate", "wood", epochs=1, folds=2).headers["Location"])
    for job, status, word in ((trained["id"], 422, "not a cross-validation"), (failed["id"], 409, "not succeeded"),
                              (other["id"], 422, "another product"), ("x", 422, "id of a job"), (7, 422, "id of a job"),
                              ("0190b6f2-0000-7000-8000-000000000000", 422, "no such job")):
        answer = patch(daemon, {"threshold_job": job})
        assert answer.status == status and word in answer.json["detail"], answer.body
    answer = patch(daemon, {"threshold_job": unreachable["id"], "threshold": 0.5})
    assert answer.status == 422 and "not both" in answer.json["detail"]
    assert changes(daemon)["items"] == []


def test_activations_are_on_record_with_their_job(begin):
    daemon = begin()
    done = finished(daemon, submit(daemon, epochs=1, activate="always").headers["Location"])
    version = done["result"]["version"]
    assert model(daemon, version)["lineage"] == {"parent": "v1", "job": done["id"],
                                                 "dataset": done["result"]["dataset"]["digest"]}
    [row] = changes(daemon, version)["items"]
    assert (row["who"], row["field"], row["from"], row["to"]) == (f"job:{done['id']}", "active", "v1", version)
    assert changes(daemon, "v1")["items"] == [row]  # it took v1 out of service
    assert daemon("POST", "/v1/admin/products/carpet/rollback").status == 200
    assert changes(daemon, "v1")["items"][0]["from"] == version
    assert daemon("DELETE", f"/v1/admin/products/carpet/models/{version}").status == 204
    assert [r["field"] for r in changes(daemon, version)["items"]] == ["deleted", "active", "active"]


def test_changes_need_an_admin(begin):
    daemon = begin()
    daemon.token = None
    assert daemon("GET", "/v1/admin/products/carpet/models/v1/changes").code == "unauthorized"
