"""Training over HTTP: from the POST to the model that serves, and everything that can go wrong on the way."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest
from conftest import FAKE, Daemon, copy_state, eventually, picture

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from report_page import Page  # noqa: E402

SECONDS = 240  # a training of some images, also with sanitizers
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
    def run(*options, state=None, env=None, **more):
        # With the fake device a step takes no time.
        daemon = start(f"training.dataset_roots={datasets}", *options, state=state,
                       env={"INSP_FAKE_PASS_MS": "10"} if env is None else env, **more)
        daemon.token = (daemon.state / "admin.token").read_text().strip()
        return daemon
    return run


def submit(daemon, kind="train", product="carpet", **parameters):
    seed = {"seed": 1} if kind != "evaluate" else {}
    body = json.dumps({"dataset": "woven", **seed, **parameters})
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


@pytest.mark.sequential
def test_training_that_is_not_to_be_activated(begin):
    daemon = begin()
    before = daemon("GET", "/v1/products/carpet").json["active"]
    done = finished(daemon, submit(daemon, epochs=1, activate="never").headers["Location"])
    assert done["state"] == "succeeded"
    assert daemon("GET", "/v1/products/carpet").json == {**daemon("GET", "/v1/products/carpet").json,
                                                         "active": before, "versions": 2}


@pytest.mark.sequential
def test_a_job_that_would_not_fit_is_refused_with_the_estimate(begin):
    daemon = begin("training.memory_bytes=1G")
    done = finished(daemon, submit(daemon, batch=256, epochs=1).headers["Location"])
    assert done["state"] == "failed" and done["error"]["code"] == "out_of_memory"
    assert re.search(r"training needs about \d+ MB of memory, but only \d+ MB are available", done["error"]["detail"])
    assert daemon.inspect(picture()).status == 200


@pytest.mark.sequential
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


@pytest.mark.sequential
@pytest.mark.parametrize("kind, parameters, name, limits", [
    ("train", {"epochs": 0}, "epochs", "a whole number from 1 to 1000"),
    ("train", {"epochs": 1001}, "epochs", "a whole number from 1 to 1000"),
    ("train", {"epochs": 1.5}, "epochs", "a whole number from 1 to 1000"),
    ("train", {"batch": 257}, "batch", "from 1 to 256"), ("train", {"batch": -1}, "batch", "from 1 to 256"),
    ("train", {"learning_rate": "fast"}, "learning_rate", "a number from 1e-07 to 1"),
    ("train", {"learning_rate": 0}, "learning_rate", "from 1e-07 to 1"),
    ("train", {"target_accuracy": 0.4}, "target_accuracy", "from 0.5 to 1"),
    ("train", {"test_share": 0.95}, "test_share", "from 0.01 to 0.9"),
    ("train", {"threshold": 1.1}, "threshold", "from 0 to 1"),
    ("train", {"heatmap_threshold": -0.1}, "heatmap_threshold", "from 0 to 1"),
    ("train", {"seed": -1}, "seed", "from 0 to 9007199254740991"),
    ("train", {"activate": "maybe"}, "activate", '"never", "if_better", "always"'),
    ("train", {"heatmap_scale": 1}, "heatmap_scale", '"fixed", "per_image"'),
    ("train", {"skip_unreadable": "yes"}, "skip_unreadable", "true or false"),
    ("train", {"class_weights": [1]}, "class_weights", "from 0.001 to 1000"),
    ("train", {"class_weights": [1, 0]}, "class_weights", "from 0.001 to 1000"),
    ("train", {"colour": "red"}, "colour", "has no parameter"), ("train", {"folds": 5}, "folds", "has no parameter"),
    ("train", {"version": "v1"}, "version", "has no parameter"),
    ("train", {"dataset": ""}, "dataset", "1 to 1023 bytes"), ("train", {"dataset": None}, "dataset", "is required"),
    ("train", {"dataset": "x" * 1024}, "dataset", "1 to 1023 bytes"),
    ("cross-validate", {"folds": 1}, "folds", "from 2 to 20"), ("cross-validate", {"folds": 21}, "folds", "from 2 to 20"),
    ("cross-validate", {"activate": "never"}, "activate", "has no parameter"),
    ("evaluate", {"epochs": 3}, "epochs", "has no parameter"),
    ("evaluate", {"test_share": 0.2}, "test_share", "has no parameter"), ("evaluate", {"seed": 1}, "seed", "has no parameter"),
    ("evaluate", {"version": "../x"}, "version", "not a name")])
def test_bad_parameter(jobs_daemon, kind, parameters, name, limits):
    answer = submit(jobs_daemon, kind, **parameters)
    assert (answer.status, answer.code) == (422, "invalid_parameter")
    assert name in answer.json["detail"] and limits in answer.json["detail"]
    assert jobs_daemon("GET", "/v1/jobs").json["jobs"] == []


@pytest.mark.sequential
def test_body_that_is_no_json(jobs_daemon):
    answer = jobs_daemon("POST", "/v1/admin/products/carpet/train", "{", Content_Type="application/json")
    assert (answer.status, answer.code) == (400, "malformed_request")


@pytest.fixture(scope="module")
def jobs_daemon(template, datasets, tmp_path_factory):
    """One daemon for all refusals, since these change nothing."""
    state = tmp_path_factory.mktemp("jobs") / "state"
    copy_state(template, state)
    daemon = Daemon(state, f"training.dataset_roots={datasets}")
    daemon.token = (state / "admin.token").read_text().strip()
    yield daemon
    daemon.stop()


@pytest.fixture(scope="module")
def trainer(template, datasets, tmp_path_factory):
    """One daemon for jobs that change nothing but their rows."""
    daemon = Daemon(copy_state(template, tmp_path_factory.mktemp("trainer") / "state"), f"training.dataset_roots={datasets}")
    daemon.token = (daemon.state / "admin.token").read_text().strip()
    yield daemon
    daemon.stop()


@pytest.mark.sequential
@pytest.mark.parametrize("path", ["../outside", "/etc", "woven/../../outside", "link"])
def test_dataset_outside_the_roots(jobs_daemon, datasets, path):
    (datasets.parent / "outside").mkdir(exist_ok=True)
    link = datasets / "link"
    if not link.is_symlink():
        link.symlink_to(datasets.parent / "outside")
    answer = submit(jobs_daemon, dataset=path)
    assert (answer.status, answer.code) == (403, "forbidden")


@pytest.mark.sequential
def test_dataset_that_is_not_there(jobs_daemon):
    answer = submit(jobs_daemon, dataset="nowhere")
    assert (answer.status, answer.code) == (422, "dataset_invalid")


def a_set(datasets, name, good=8, holes=8, **odd):
    """A set of small pictures; odd: place -> bytes of a file that is none."""
    folder = datasets / name
    for place, count, colour in ("train/good", good, 10), ("test/hole", holes, 245):
        for n in range(count):
            file = folder / place / f"{n}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(picture((n, colour, colour), (32, 32)))
    for place, content in odd.items():
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).write_bytes(content)
    return name


def failed(daemon, kind="train", **parameters):
    answer = submit(daemon, kind, **parameters)
    assert answer.status == 202
    done = finished(daemon, answer.headers["Location"])
    assert done["state"] == "failed" and done["result"] is None, done
    return done["error"]


@pytest.mark.sequential
@pytest.mark.parametrize("kind", ["train", "cross-validate", "evaluate"])
def test_sets_that_lack_a_class(trainer, datasets, kind):
    for name, good, holes, lack in ("only-good", 8, 0, "defect"), ("only-holes", 0, 8, "good"):
        error = failed(trainer, kind, dataset=a_set(datasets, name, good, holes))
        assert error["code"] == "dataset_invalid"
        if kind != "evaluate" and lack == "defect":  # good parts alone are enough, but there are too few
            assert "8 different good images" in error["detail"] and "so 12 more" in error["detail"]
        else:
            assert f"no {lack} images" in error["detail"] and "train/good" in error["detail"]
        assert name in error["detail"]


@pytest.mark.sequential
@pytest.mark.parametrize("kind", ["train", "cross-validate", "evaluate"])
def test_an_unreadable_image_is_named(trainer, datasets, kind):
    cut = picture("red", (32, 32), noise=True)[:-30]
    for name, place, content in ("cut", "test/hole/cut.png", cut), ("text", "train/good/text.jpg", b"no picture"), (
            "empty", "train/good/empty.png", b""):
        error = failed(trainer, kind, dataset=a_set(datasets, name, **{place: content}))
        assert error["code"] == "image_undecodable" and f"{name}/{place}" in error["detail"], error


@pytest.mark.sequential
@pytest.mark.parametrize("kind", ["train", "cross-validate", "evaluate"])
def test_unreadable_images_are_skipped_and_counted(begin, datasets, kind):
    daemon = begin()
    odd = {"test/hole/cut.png": picture("red", (32, 32), noise=True)[:-30], "train/good/text.jpg": b"no picture"}
    more = {"epochs": 1, "batch": 2} if kind != "evaluate" else {}
    more |= {"folds": 2} if kind == "cross-validate" else {}
    location = submit(daemon, kind, dataset=a_set(datasets, "odd", **odd), skip_unreadable=True, **more).headers["Location"]
    done = finished(daemon, location)
    assert done["state"] == "succeeded", done["error"]
    assert done["result"]["dataset"]["skipped"] == 2
    log = "\n".join(line["text"] for line in done["log"])
    for place in odd:
        assert place in log
    assert "2 images could not be read" in log


def scanned(daemon, name):
    """The scan of a usable dataset in the result of its job."""
    done = finished(daemon, submit(daemon, dataset=name, epochs=1, batch=2, activate="never").headers["Location"])
    assert done["state"] == "succeeded", done["error"]
    return done, done["result"]["dataset"]["scan"]


def passed(scan):
    return {entry["reason"]: entry["count"] for entry in scan["passed_over"]}


@pytest.mark.sequential
def test_how_a_set_was_read_is_told(begin, datasets):
    """Odd layouts that occur in practice, all in one dataset: none prevents a training, and the result lists each."""
    daemon = begin()
    name = a_set(datasets, "as people have it", good=0, holes=10)
    folder = datasets / name
    for n in range(10):
        for place in ("train/Good", "test/OK"):
            file = folder / place / f"gut {n} \u00fc.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(picture((n, 10, 20 if place == "test/OK" else 30), (32, 32)))
    for n in range(4):
        for place in (f"test/dark stain/{n}.png", f"train/Good/cam2/{n}.png"):
            (folder / place).parent.mkdir(exist_ok=True)
            (folder / place).write_bytes(picture((n, 200, 100), (32, 32)))
    (folder / "test/@eaDir").mkdir()
    (folder / "test/empty \u4e2d").mkdir()
    (folder / "train/Good/zz.png").symlink_to("/nonexistent/x.png")
    (folder / "train/Good/Thumbs.db").write_bytes(b"x")
    (folder / "train/Good/a.bmp").write_bytes(b"x")
    (folder / "ground_truth/hole").mkdir(parents=True)
    for n, mask in enumerate(("0_mask.png", "1.png", "99_mask.png")):
        (folder / "ground_truth/hole" / mask).write_bytes(picture((n, 255, 255), (32, 32)))
    (folder / "ground_truth/hole/2.txt").write_text("0 0.5 0.5 0.1 0.1")
    (folder / "test/OK/copy.png").write_bytes((folder / "train/Good/gut 0 \u00fc.png").read_bytes())
    done, scan = scanned(daemon, name)
    assert {entry["folder"]: (entry["class"], entry["images"]) for entry in scan["folders"]} == {
        "test/OK": ("good", 11), "test/dark stain": ("dark stain", 4), "test/hole": ("hole", 10),
        "train/Good": ("good", 10)}
    assert scan["formats"] == {"png": 35, "jpeg": 0}
    assert passed(scan) == {"system": 2, "broken_link": 1, "other_format": 1, "nested_folder": 1, "empty_folder": 1}
    assert scan["duplicates"]["images"] == 1 and scan["duplicates"]["across_splits"] == 1
    assert scan["masks"] == {"defective": 14, "with_mask": 2, "by_same_name": 1, "with_boxes": 1, "unused": 1}
    doubts = "\n".join(scan["doubts"])
    for part in ("train/Good counts as good", "test/OK counts as good", "4 images in folders inside a class", "copies",
                 "11 of 14 defective images have neither mask nor boxes", "1 masks or files of boxes in ground_truth belong to no image", "convert them"):
        assert part in doubts, doubts
    assert done["result"]["dataset"]["counts"] == {"good": 21, "dark stain": 4, "hole": 10}
    log = "\n".join(line["text"] for line in done["log"])
    assert "passed over: 2 files and folders of an operating system or a NAS" in log and "check: test/OK" in log
    page = Page(daemon("GET", f"/v1/jobs/{done['id']}/report.html").body.decode())
    assert "How the dataset was read" in page.text and "test/@eaDir" in page.text and "dark stain" in page.text


@pytest.mark.sequential
def test_an_ordinary_set_leaves_no_doubt(begin):
    scan = scanned(begin(), "woven")[1]
    assert scan["doubts"] == [] and passed(scan) == {}
    assert scan["masks"]["defective"] == scan["masks"]["with_mask"] > 0


@pytest.mark.sequential
def test_skipping_may_leave_a_class_empty(trainer, datasets):
    error = failed(trainer, dataset=a_set(datasets, "hollow", holes=0, **{"test/hole/a.png": b"no picture"}),
                   skip_unreadable=True)
    assert error["code"] == "dataset_invalid" and "no readable defect image" in error["detail"] and "1" in error["detail"]


@pytest.mark.sequential
def test_a_link_out_of_the_set_fails_the_job(trainer, datasets):
    name = a_set(datasets, "linked")
    secret = datasets.parent / "secret.png"
    secret.write_bytes(picture("red", (32, 32)))
    (datasets / name / "test/hole/link.png").symlink_to(secret)
    error = failed(trainer, dataset=name)
    assert error["code"] == "forbidden" and "test/hole/link.png" in error["detail"]


@pytest.mark.sequential
def test_too_few_images_for_a_batch(trainer, datasets):
    error = failed(trainer, dataset=a_set(datasets, "few", 4, 4), batch=16)
    assert error["code"] == "dataset_invalid" and "batch of 16" in error["detail"]


@pytest.mark.sequential
def test_unknown_job(jobs_daemon):
    for name in ("0190b6f2-0000-7000-8000-000000000000", "x"):
        assert jobs_daemon("GET", f"/v1/jobs/{name}").code == "not_found"
        assert jobs_daemon("DELETE", f"/v1/admin/jobs/{name}").code == "not_found"


@pytest.mark.sequential
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
    assert int(answer.headers["Retry-After"]) > 0
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
    assert finished(again, waiting)["state"] == "succeeded"  # the queued job runs after all
    made = {p.name for p in (daemon.state / "models" / "carpet").iterdir()} - set(versions)
    assert len(made) == 1 and not made.pop().startswith(".")


def test_stop_while_it_trains(begin):
    daemon = begin()
    running = busy(daemon)
    daemon.stop()
    again = begin(state=daemon.state)
    cut_off = job(again, running)
    assert cut_off["state"] == "failed" and cut_off["error"]["code"] == "interrupted"


@pytest.mark.sequential
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
    assert gone.sources == [] and "no longer exists" in gone.text
    assert daemon("GET", location + "/report.html?x=1").code == "invalid_query"


@pytest.mark.sequential
def test_no_report_before_the_end(begin):
    daemon = begin()
    running = busy(daemon)
    assert daemon("GET", running + "/report.html").code == "conflict"
    assert daemon("DELETE", f"/v1/admin{running[3:]}").status == 202
    assert finished(daemon, running)["state"] == "cancelled"
    assert daemon("GET", running + "/report.html").code == "conflict"
    assert daemon("GET", "/v1/jobs/0190b6f2-0000-7000-8000-000000000000/report.html").code == "not_found"


@pytest.mark.sequential
def test_the_trunk_runs_once_per_image(begin, tmp_path_factory):
    """Folds and epochs do not multiply it: one run per image. A second job on the same images: none."""
    images = 20  # as few as three folds need: the thread sanitizer takes seconds for each
    root = tmp_path_factory.mktemp("many")
    subprocess.run([os.environ["INSPECTD"], "demo-data", str(root / "many"), "--images", str(images)], check=True,
                   capture_output=True)
    daemon = begin(f"training.dataset_roots={root}", env={})
    runs = []
    for kind, more in (("cross-validate", {"folds": 3}), ("train", {"activate": "never"})):
        epochs = 2 if FAKE else 1  # the trunk's part is the same however often the tail is trained
        location = submit(daemon, kind, dataset="many", epochs=epochs, batch=8, **more).headers["Location"]
        eventually(lambda: job(daemon, location)["state"] in ENDED, 300)
        done = job(daemon, location)
        assert done["state"] == "succeeded", done
        assert done["result"]["dataset"]["images"] == images
        runs.append(done["result"]["trunk_runs"])
    assert runs == [images, 0]
