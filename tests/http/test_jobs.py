"""Training over HTTP: from the POST to the model that serves, and everything that can go wrong on the way."""
import json
import os
import pathlib
import re
import resource
import shutil
import subprocess
import sys

import pytest
from conftest import FAKE, eventually, picture

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from report_page import Page  # noqa: E402

SECONDS = 60  # a training of some images, also with sanitizers
ENDED = {"succeeded", "failed", "cancelled"}


@pytest.fixture(scope="module")
def datasets(tmp_path_factory):
    root = tmp_path_factory.mktemp("datasets")
    subprocess.run([os.environ["INSPECTD"], "demo-data", str(root / "woven"), "--images", "20"], check=True,
                   capture_output=True)
    return root


@pytest.fixture
def begin(start, datasets):
    """begin(option...) -> a daemon whose client is admin and whose dataset root is `datasets`."""
    def run(*options, state=None, env=None):
        # With the fake shim a step takes no time of its own.
        daemon = start(f"training.dataset_roots={datasets}", *options, state=state,
                       env={"INSP_FAKE_PASS_MS": "10"} if env is None else env)
        daemon.token = (daemon.state / "admin.token").read_text().strip()
        return daemon
    return run


def submit(daemon, kind="train", product="carpet", **parameters):
    body = json.dumps({"dataset": "woven", "seed": 1, **parameters})
    return daemon("POST", f"/v1/admin/products/{product}/{kind}", body, Content_Type="application/json")


def job(daemon, location):
    answer = daemon("GET", location)
    assert answer.status == 200
    return answer.json


def finished(daemon, location):
    eventually(lambda: job(daemon, location)["state"] in ENDED, SECONDS)
    return job(daemon, location)


def busy(daemon):
    """A job that runs for as long as anybody cares: more epochs than the test waits for."""
    answer = submit(daemon, "cross-validate", epochs=1000, folds=5, batch=1)
    assert answer.status == 202
    location = answer.headers["Location"]
    eventually(lambda: job(daemon, location)["state"] == "running" and job(daemon, location)["progress"] > 0, SECONDS)
    return location


def test_training_ends_in_a_model_that_serves(begin):
    daemon = begin()
    answer = submit(daemon, epochs=1, activate="always")
    assert answer.status == 202
    location = answer.headers["Location"]
    assert location == f"/v1/jobs/{answer.json['id']}"
    assert answer.json["kind"] == "train" and answer.json["product"] == "carpet"
    assert answer.json["state"] in ("queued", "running")
    done = finished(daemon, location)
    assert done["state"] == "succeeded", done
    assert done["progress"] == 1 and done["error"] is None
    assert [epoch["epoch"] for epoch in done["epochs"]] == [1]
    assert done["created_at"] <= done["started_at"] <= done["finished_at"]
    version = done["result"]["version"]
    eventually(lambda: daemon("GET", "/readyz").json["models"]["carpet"]["version"] == version)
    assert daemon.inspect(picture()).json["model"] == version
    assert daemon("GET", f"/v1/products/carpet/models/{version}").json["training"]["epochs"] == 1
    assert daemon("GET", "/v1/jobs").json["jobs"][0]["id"] == done["id"]


def test_training_that_is_not_to_be_activated(begin):
    daemon = begin()
    before = daemon("GET", "/v1/products/carpet").json["active"]
    done = finished(daemon, submit(daemon, epochs=1, activate="never").headers["Location"])
    assert done["state"] == "succeeded"
    assert daemon("GET", "/v1/products/carpet").json == {**daemon("GET", "/v1/products/carpet").json,
                                                         "active": before, "versions": 2}


def test_a_job_that_would_not_fit_is_refused_with_the_estimate(begin):
    daemon = begin()
    pid = daemon.process.pid
    used = int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[0]) * resource.getpagesize()
    resource.prlimit(pid, resource.RLIMIT_AS, (used + (1 << 30), resource.RLIM_INFINITY))
    done = finished(daemon, submit(daemon, batch=256, epochs=1).headers["Location"])
    assert done["state"] == "failed" and done["error"]["code"] == "out_of_memory"
    assert re.search(r"training needs about \d+ MB of memory, \d+ MB are available", done["error"]["detail"])
    assert daemon.inspect(picture()).status == 200


def test_a_new_products_first_model(begin):
    daemon = begin()
    assert daemon.inspect(picture(), "product=wood").code == "unknown_product"
    assert finished(daemon, submit(daemon, product="wood", epochs=1).headers["Location"])["state"] == "succeeded"
    eventually(lambda: daemon.inspect(picture(), "product=wood").status == 200)


def test_inspections_go_on_during_a_training(begin):
    daemon = begin()
    location = busy(daemon)
    assert [daemon.inspect(picture()).status for _ in range(5)] == [200] * 5
    assert job(daemon, location)["state"] == "running", job(daemon, location)
    assert daemon("DELETE", f"/v1/admin{location[3:]}").status == 202
    assert finished(daemon, location)["state"] == "cancelled"


@pytest.mark.parametrize("kind, parameters, name", [
    ("train", {"epochs": 0}, "epochs"), ("train", {"epochs": 1.5}, "epochs"), ("train", {"batch": 257}, "batch"),
    ("train", {"learning_rate": "fast"}, "learning_rate"), ("train", {"activate": "maybe"}, "activate"),
    ("train", {"class_weights": [1]}, "class_weights"), ("train", {"colour": "red"}, "colour"),
    ("train", {"folds": 5}, "folds"), ("train", {"dataset": ""}, "dataset"), ("train", {"dataset": None}, "dataset"),
    ("cross-validate", {"folds": 1}, "folds"), ("evaluate", {"version": "../x"}, "version")])
def test_bad_parameter(jobs_daemon, kind, parameters, name):
    answer = submit(jobs_daemon, kind, **parameters)
    assert (answer.status, answer.code) == (422, "invalid_parameter")
    assert name in answer.json["detail"]
    assert jobs_daemon("GET", "/v1/jobs").json["jobs"] == []


def test_body_that_is_no_json(jobs_daemon):
    answer = jobs_daemon("POST", "/v1/admin/products/carpet/train", "{", Content_Type="application/json")
    assert (answer.status, answer.code) == (400, "malformed_request")


@pytest.fixture(scope="module")
def jobs_daemon(template, datasets, tmp_path_factory):
    """One daemon for the refusals, which leave nothing behind."""
    from conftest import Daemon
    state = tmp_path_factory.mktemp("jobs") / "state"
    shutil.copytree(template, state)
    daemon = Daemon(state, f"training.dataset_roots={datasets}")
    daemon.token = (state / "admin.token").read_text().strip()
    yield daemon
    daemon.stop()


@pytest.mark.parametrize("path", ["../outside", "/etc", "woven/../../outside", "link"])
def test_dataset_outside_the_roots(jobs_daemon, datasets, path):
    (datasets.parent / "outside").mkdir(exist_ok=True)
    link = datasets / "link"
    if not link.is_symlink():
        link.symlink_to(datasets.parent / "outside")
    answer = submit(jobs_daemon, dataset=path)
    assert (answer.status, answer.code) == (403, "forbidden")


def test_dataset_that_is_not_there(jobs_daemon):
    answer = submit(jobs_daemon, dataset="nowhere")
    assert (answer.status, answer.code) == (422, "dataset_invalid")


def test_unknown_job(jobs_daemon):
    for name in ("0190b6f2-0000-7000-8000-000000000000", "x"):
        assert jobs_daemon("GET", f"/v1/jobs/{name}").code == "not_found"
        assert jobs_daemon("DELETE", f"/v1/admin/jobs/{name}").code == "not_found"


def test_jobs_need_an_admin(jobs_daemon, monkeypatch):
    monkeypatch.setattr(jobs_daemon, "token", None)
    assert submit(jobs_daemon).code == "unauthorized"


def test_queue_full_and_cancel(begin):
    daemon = begin("training.queue=1")
    running = busy(daemon)
    waiting = submit(daemon)
    assert waiting.status == 202
    answer = submit(daemon)
    assert (answer.status, answer.code) == (503, "queue_full")
    assert daemon("DELETE", f"/v1/admin/jobs/{waiting.json['id']}").json["state"] == "cancelled"
    assert daemon("DELETE", f"/v1/admin{running[3:]}").status == 202
    assert finished(daemon, running)["state"] == "cancelled"
    assert daemon("DELETE", f"/v1/admin{running[3:]}").code == "conflict"


def test_killed_while_it_trains(begin):
    daemon = begin()
    versions = sorted(p.name for p in (daemon.state / "models" / "carpet").iterdir())
    running = busy(daemon)
    waiting = submit(daemon, epochs=1, activate="never").headers["Location"]
    daemon.process.kill()
    daemon.process.wait(timeout=10)
    again = begin(state=daemon.state)
    cut_off = job(again, running)
    assert cut_off["state"] == "failed" and cut_off["error"]["code"] == "interrupted"
    assert finished(again, waiting)["state"] == "succeeded"  # what waited is run after all
    made = {p.name for p in (daemon.state / "models" / "carpet").iterdir()} - set(versions)
    assert len(made) == 1 and not made.pop().startswith(".")


def test_stop_while_it_trains(begin):
    daemon = begin()
    running = busy(daemon)
    daemon.stop()
    again = begin(state=daemon.state)
    cut_off = job(again, running)
    assert cut_off["state"] == "failed" and cut_off["error"]["code"] == "interrupted"


def test_report_as_a_page(begin, datasets):
    daemon = begin()
    mine = datasets / "marked"
    shutil.copytree(datasets / "woven", mine)
    hostile = mine / "test/hole/<img src=x onerror=alert(1)>&\"'\u202egnp.png"
    picture_file = sorted((mine / "test/hole").iterdir())[0]
    hostile.write_bytes(picture_file.read_bytes())
    location = submit(daemon, "cross-validate", dataset="marked", epochs=1, folds=2, batch=2).headers["Location"]
    done = finished(daemon, location)
    assert done["state"] == "succeeded", done
    answer = daemon("GET", location + "/report.html")
    assert answer.status == 200 and answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    page = Page(answer.body.decode())
    assert done["result"]["pooled"]["summary"] in page.text and done["id"] in page.text
    assert any(source.startswith("data:image/jpeg") for source in page.sources)
    assert hostile.name in page.text, "the set is small: every image is listed"
    shutil.rmtree(mine)
    gone = Page(daemon("GET", location + "/report.html").body.decode())
    assert gone.sources == [] and "not there any more" in gone.text
    assert daemon("GET", location + "/report.html?x=1").code == "invalid_query"


def test_no_report_before_the_end(begin):
    daemon = begin()
    running = busy(daemon)
    assert daemon("GET", running + "/report.html").code == "conflict"
    assert daemon("DELETE", f"/v1/admin{running[3:]}").status == 202
    assert finished(daemon, running)["state"] == "cancelled"
    assert daemon("GET", running + "/report.html").code == "conflict"
    assert daemon("GET", "/v1/jobs/0190b6f2-0000-7000-8000-000000000000/report.html").code == "not_found"


def test_the_trunk_runs_once_per_image(begin, tmp_path_factory):
    """188 images, 5 folds, 10 epochs: 188 runs. A second job on the same images: none."""
    root = tmp_path_factory.mktemp("many")
    subprocess.run([os.environ["INSPECTD"], "demo-data", str(root / "many"), "--images", "188"], check=True,
                   capture_output=True)
    daemon = begin(f"training.dataset_roots={root}", env={})
    runs = []
    for kind, more in (("cross-validate", {"folds": 5}), ("train", {"activate": "never"})):
        epochs = 10 if FAKE else 1  # the trunk's part is the same however often the tail is trained
        location = submit(daemon, kind, dataset="many", epochs=epochs, **more).headers["Location"]
        eventually(lambda: job(daemon, location)["state"] in ENDED, 300)
        done = job(daemon, location)
        assert done["state"] == "succeeded", done
        assert done["result"]["dataset"]["images"] == 188
        runs.append(done["result"]["trunk_runs"])
    assert runs == [188, 0]
