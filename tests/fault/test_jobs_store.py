"""A store that fails during a job: the daemon keeps the result until it can be written, and the queue continues."""
import contextlib
import json
import pathlib
import subprocess
import os

import pytest
from conftest import eventually


@pytest.fixture(scope="session")
def datasets(tmp_path_factory):
    root = tmp_path_factory.mktemp("datasets")
    subprocess.run([os.environ["INSPECTD"], "demo-data", str(root / "woven"), "--images", "24", "--seed", "5"], check=True,
                   capture_output=True)
    return root


@contextlib.contextmanager
def without_database(daemon):
    files = list(pathlib.Path(daemon.state).glob("inspectd.sqlite3*"))
    for file in files:
        file.rename(file.with_name("away-" + file.name))
    yield
    for file in files:
        file.with_name("away-" + file.name).rename(file)


def submit(daemon, **parameters):
    body = json.dumps({"dataset": "woven", "seed": 1, "activate": "never", **parameters})
    answer = daemon("POST", "/v1/admin/products/carpet/train", body, Content_Type="application/json")
    assert answer.status == 202, answer.body
    return answer.headers["Location"]


def state(daemon, location):
    return daemon("GET", location).json["state"]


@pytest.fixture
def admin(start, datasets):
    daemon = start(f"training.dataset_roots={datasets}", env={"INSP_FAKE_PASS_MS": "50"})
    daemon.token = (daemon.state / "admin.token").read_text().strip()
    return daemon


def test_the_end_of_a_job_waits_for_the_store(admin):
    first, second = submit(admin, epochs=3), submit(admin, epochs=1)
    eventually(lambda: admin("GET", first).json["progress"] > 0)
    with without_database(admin):
        admin.wait_line("error.*job end not written yet.*state=succeeded.*storage_lost")
        assert state(admin, first) == "running"
    eventually(lambda: state(admin, first) == "succeeded")
    assert admin("GET", first).json["result"]["version"]
    eventually(lambda: state(admin, second) == "succeeded")  # without submitting another job


def test_a_store_that_never_comes_back_does_not_hold_up_the_stop(admin):
    location = submit(admin, epochs=3)
    eventually(lambda: admin("GET", location).json["progress"] > 0)
    with without_database(admin):
        admin.wait_line("error.*job end not written yet")
        admin.stop()
        assert "job end lost" in admin.log_text()
