"""The backup and the restore of docs/storage.md, by its own commands: taken while cameras post, put into an empty folder."""
import json
import pathlib
import re
import subprocess
import threading

import pytest
from conftest import eventually, picture

STORAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "storage.md"
SET = "/v1/admin/products/carpet/dataset"


def commands():
    """The two blocks of the section: backup and restore."""
    section = STORAGE.read_text().split("\n## Backup\n")[1].split("**A damaged database**")[0]
    backup, restore = re.findall(r"^```sh\n(.*?)^```$", section, re.M | re.S)
    assert "sqlite3" in backup and "restored" in restore
    return backup, restore


def run(block, folder):
    subprocess.run(["bash", "-euo", "pipefail", "-c", block], cwd=folder, check=True, timeout=300, capture_output=True)


class Camera(threading.Thread):
    """Posts one image after another; `posted` holds the answers."""

    def __init__(self, daemon):
        super().__init__(daemon=True)
        self.target, self.posted, self.failed, self.over = daemon, [], [], threading.Event()

    def run(self):
        connection, n = self.target.connect(), 0
        while not self.over.is_set():
            n += 1
            answer = self.target.inspect(picture((n % 200, n // 200 % 200, 3), noise=n % 2 == 0), connection=connection)
            (self.posted if answer.status == 200 else self.failed).append(answer.json)

    def stop(self):
        self.over.set()
        self.join(timeout=60)
        assert not self.is_alive() and not self.failed


def everything(daemon, ids, job):
    """What the daemon says of all that it keeps, by path."""
    kept = {}
    for path in ["/v1/products", "/v1/products/carpet/models", "/v1/products/carpet/models/v1", f"/v1/jobs/{job}", "/v1/jobs",
                 "/v1/admin/products/carpet/models/v1/changes", SET, f"{SET}/train/good/a.png"]:
        answer = daemon("GET", path)
        assert answer.status == 200, (path, answer.body)
        kept[path] = answer.body
    for inspection in ids:
        for part in ("", "/image", "/heat", "/heatmap.png"):
            answer = daemon("GET", f"/v1/inspections/{inspection}{part}")
            assert answer.status == 200, (inspection, part, answer.body)
            kept[inspection + part] = answer.body
    return kept


@pytest.fixture
def lived(start):
    """A daemon with a bit of everything: inspections, labels, an image of a dataset, a changed threshold, an ended job."""
    daemon = start()
    daemon.token = (daemon.state / "admin.token").read_text().strip()
    ids = [daemon.inspect(picture("white" if n % 3 else "black", noise=n % 2 == 0), f"product=carpet&camera=c{n}").json["id"] for n in range(12)]
    assert daemon("PUT", f"/v1/inspections/{ids[0]}/label", json.dumps({"label": "anomaly", "defect": "hole", "note": "ä"})).status == 200
    assert daemon("PUT", f"/v1/inspections/{ids[1]}/label", json.dumps({"label": "good"})).status == 200
    assert daemon("PUT", f"{SET}/train/good/a.png", picture(noise=True), Content_Type="image/png").status == 201
    assert daemon("PATCH", "/v1/admin/products/carpet/models/v1", json.dumps({"threshold": 0.625})).status == 200
    answer = daemon("POST", "/v1/admin/products/carpet/train", json.dumps({"dataset": "carpet"}))
    assert answer.status == 202, answer.body
    job = answer.json["id"]
    eventually(lambda: daemon("GET", f"/v1/jobs/{job}").json["state"] == "failed", 60)  # one image is too few
    return daemon, ids, job


def test_a_backup_taken_while_cameras_post_restores_everything(start, lived, tmp_path):
    daemon, ids, job = lived
    (tmp_path / "state").symlink_to(daemon.state)
    backup, restore = commands()
    before = everything(daemon, ids, job)
    camera = Camera(daemon)
    camera.start()
    eventually(lambda: len(camera.posted) >= 10, 60)
    first = [answer["id"] for answer in list(camera.posted)]
    run(backup, tmp_path)
    done = len(camera.posted)
    eventually(lambda: len(camera.posted) >= done + 5, 60)  # the line went on
    camera.stop()
    all_ids = {answer["id"] for answer in camera.posted} | set(ids)
    daemon.stop()

    run(restore, tmp_path)
    restored = start(state=tmp_path / "restored")
    restored.token = daemon.token
    assert everything(restored, ids, job) == before
    listed, cursor = [], ""
    while cursor is not None:
        page = restored("GET", f"/v1/inspections?limit=500{cursor and '&cursor=' + cursor}").json
        listed += [item["id"] for item in page["items"]]
        cursor = page["next"]
    assert set(ids) | set(first) <= set(listed) <= all_ids  # all that was acknowledged before the backup, and nothing else
    for inspection in listed:  # and the file of every row, also of those stored while the backup ran
        assert restored("GET", f"/v1/inspections/{inspection}/image").status == 200
    labels = {i: restored("GET", f"/v1/inspections/{i}").json["label"] for i in ids[:3]}
    assert labels[ids[0]]["defect"] == "hole" and labels[ids[1]]["label"] == "good" and labels[ids[2]] is None
    # it goes on: inspects with the version and threshold of before, and takes labelled images into the set
    answer = restored.inspect(picture("white"))
    assert answer.status == 200 and answer.json["model"] == "v1" and answer.json["threshold"] == 0.625
    imported = restored("POST", f"{SET}/from-labels", "{}").json
    assert imported["added"] == 2 and imported["gone"] == 0
