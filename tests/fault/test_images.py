"""Image files that somebody changed, replaced or removed: no answer passes them off as what the camera sent."""
import os

import pytest
from conftest import Daemon, copy_state, eventually, picture

IMAGE = picture(noise=True)


@pytest.fixture(scope="module")
def daemon(template, tmp_path_factory):
    daemon = Daemon(copy_state(template, tmp_path_factory.mktemp("images") / "state"))
    yield daemon
    daemon.stop()


def inspected(daemon):
    made = daemon.inspect(IMAGE).json["id"]
    path, = (daemon.state / "images").rglob(f"{made}.*")
    return made, path


def changed(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def cut(path):
    path.write_bytes(path.read_bytes()[:-1])


def longer(path):
    path.write_bytes(path.read_bytes() + b"x")


def linked(path):
    copy = path.with_name("copy")
    path.rename(copy)
    path.symlink_to(copy)


def linked_elsewhere(path):
    path.unlink()
    path.symlink_to("/etc/passwd")


def piped(path):
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize("damage", [changed, cut, longer, linked, linked_elsewhere, piped])
def test_a_file_that_is_not_what_was_posted_is_not_served(daemon, damage):
    made, path = inspected(daemon)
    other, _ = inspected(daemon)
    damage(path)
    for part in ("image", "image?width=160", "heatmap.png?view=overlay"):
        answer = daemon("GET", f"/v1/inspections/{made}/{part}")
        assert (answer.status, answer.code) == (500, "image_damaged"), (part, answer.body[:200])
        assert "ETag" not in answer.headers and b"root:" not in answer.body
    assert daemon("GET", f"/v1/inspections/{made}").status == 200  # verdict and map are complete
    assert daemon("GET", f"/v1/inspections/{made}/heatmap.png").status == 200
    assert daemon("GET", f"/v1/inspections/{other}/image").body == IMAGE
    eventually(lambda: any("image_damaged" in line and " error " in line for line in daemon.lines))
    assert daemon("GET", "/readyz").status == 200


def test_a_removed_file_is_gone_and_no_longer_kept(daemon):
    made, path = inspected(daemon)
    assert daemon("GET", f"/v1/inspections/{made}").json["image"]["kept"] is True
    path.unlink()
    for _ in range(2):
        answer = daemon("GET", f"/v1/inspections/{made}/image")
        assert (answer.status, answer.code) == (410, "gone")
    assert daemon("GET", f"/v1/inspections/{made}").json["image"]["kept"] is False
    assert daemon("GET", "/v1/inspections?limit=1").json["items"][0]["image"]["kept"] is False
    assert daemon("GET", f"/v1/inspections/{made}/heatmap.png").status == 200
    assert daemon("GET", "/readyz").status == 200
