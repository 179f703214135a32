"""A store that fails while the daemon serves: no answer is lost, /readyz and the log report it, and the
daemon recovers by itself if it can."""
import contextlib
import pathlib
import shutil
import sqlite3
import subprocess

import pytest
from conftest import eventually, picture
from rows import fill

GOOD = picture("black")


def database(daemon):
    return pathlib.Path(daemon.state) / "inspectd.sqlite3"


def ready(daemon):
    return daemon("GET", "/readyz").status == 200


def not_ready(daemon):
    answer = daemon("GET", "/readyz")
    assert answer.status in (200, 503)
    if answer.status == 200:
        return None
    assert str(daemon.state) not in answer.body.decode()
    return " ".join(answer.json["reasons"])


def test_a_database_that_is_removed(start):
    daemon = start()
    kept = daemon.inspect(GOOD).json["id"]
    for file in database(daemon).parent.glob("inspectd.sqlite3*"):
        file.unlink()
    answer = daemon.inspect(GOOD)
    assert (answer.status, answer.code) == (503, "storage_lost")
    label = daemon("PUT", f"/v1/inspections/{kept}/label", '{"label": "good"}')
    assert (label.status, label.code) == (503, "storage_lost")
    assert "gone" in eventually(lambda: not_ready(daemon))
    daemon.wait_line("error.*storage_lost")
    assert daemon.metric("ready") == 0
    eventually(lambda: daemon.metric("store_healthy") == 0)


def test_a_database_that_is_moved_away_and_back(start):
    daemon = start()
    files = list(database(daemon).parent.glob("inspectd.sqlite3*"))
    for file in files:
        file.rename(file.with_name("away-" + file.name))
    assert daemon.inspect(GOOD).code == "storage_lost"
    assert eventually(lambda: not_ready(daemon))
    for file in files:
        file.with_name("away-" + file.name).rename(file)
    eventually(lambda: ready(daemon))
    assert daemon.inspect(GOOD).status == 200


def test_a_database_that_is_replaced(start):
    daemon = start()
    copy = database(daemon).with_name("copy")
    shutil.copy(database(daemon), copy)
    copy.rename(database(daemon))
    answer = daemon.inspect(GOOD)
    assert (answer.status, answer.code) == (503, "storage_lost")
    assert "was replaced" in eventually(lambda: not_ready(daemon))


def test_a_state_folder_that_is_removed(start):
    daemon = start()
    assert daemon.inspect(GOOD).status == 200
    shutil.rmtree(daemon.state)
    assert daemon.inspect(GOOD).code == "storage_lost"
    assert "the state folder is gone" in eventually(lambda: not_ready(daemon))
    assert not pathlib.Path(daemon.state).exists()  # and is not made again, half


def test_whatever_was_acknowledged_is_in_the_database_that_was_moved(start):
    daemon = start()
    acknowledged = []
    for turn in range(30):
        if turn == 20:
            for file in database(daemon).parent.glob("inspectd.sqlite3*"):
                file.rename(file.with_name("away-" + file.name))
        answer = daemon.inspect(GOOD)
        if answer.status == 200:
            acknowledged.append(answer.json["id"])
    assert len(acknowledged) == 20
    daemon.stop()
    for file in database(daemon).parent.glob("away-*"):
        file.rename(file.with_name(file.name.removeprefix("away-")))
    daemon = start(state=daemon.state)
    assert all(daemon("GET", f"/v1/inspections/{one}").status == 200 for one in acknowledged)


def test_a_database_that_another_process_holds(start):
    daemon = start()
    with contextlib.closing(sqlite3.connect(database(daemon), isolation_level=None)) as db:
        db.execute("BEGIN IMMEDIATE")
        assert "held by another process" in eventually(lambda: not_ready(daemon))
        answer = daemon.inspect(GOOD)
        assert (answer.status, answer.code) == (500, "io_error")
        daemon.wait_line("error.*request.*status=500")
        db.execute("ROLLBACK")
    eventually(lambda: ready(daemon))
    assert daemon.inspect(GOOD).status == 200


def damage(path):
    """Overwrites a page of the table in the middle, away from the newest rows."""
    data = bytearray(path.read_bytes())
    size = int.from_bytes(data[16:18], "big")
    pages = [at for at in range(0, len(data), size) if data[at] == 0x0d and b"image/png" in data[at:at + size]]
    at = pages[len(pages) // 2]
    data[at:at + size] = bytes(size // 2) + b"\xa5" * (size // 2)
    path.write_bytes(data)


@pytest.mark.parametrize("clean", [True, False])
def test_damaged_pages(start, clean):
    """Acknowledged rows answer an error, not 404; a start after a kill finds the damage by itself."""
    daemon = start()
    rows = fill(daemon.state, 300)
    daemon.stop()
    damage(database(daemon))
    if not clean:  # as a kill leaves it: a journal that is not empty
        database(daemon).with_name("inspectd.sqlite3-wal").write_bytes(b"\0" * 32)
    daemon = start(state=daemon.state, wait_ready=False)
    if clean:
        answers = [daemon("GET", f"/v1/inspections/{row}") for row in rows]
        lost = [answer for answer in answers if answer.status != 200]
        assert lost and {(answer.status, answer.code) for answer in lost} == {(500, "io_error")}
    eventually(lambda: "damaged" in (not_ready(daemon) or ""))
    daemon.wait_line("error.*damaged")


def test_a_row_that_is_gone_while_its_image_is_there(start):
    daemon = start()
    row = daemon.inspect(GOOD).json["id"]
    with contextlib.closing(sqlite3.connect(database(daemon), timeout=30)) as db, db:
        db.execute("DELETE FROM inspection")
    answer = daemon("GET", f"/v1/inspections/{row}")
    assert (answer.status, answer.code) == (500, "io_error") and "has an image file but no row" in answer.json["detail"]


@pytest.fixture
def small_disk(tmp_path, template):
    """A file system for a state folder, with two megabytes more; only root may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    need = sum(path.stat().st_size for path in template.rglob("*") if path.is_file()) // 1024 + 4096
    if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={need}k", "tmpfs", folder], capture_output=True).returncode:
        pytest.skip("cannot mount a small disk here")
    shutil.copytree(template, folder / "state")
    (folder / "ballast").write_bytes(bytes(1500000))
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_a_disk_that_is_full(start, small_disk):
    noise = picture(noise=True)
    daemon = start("storage.free_bytes_min=0", state=small_disk / "state")
    stored, answer = [], daemon.inspect(noise)
    while answer.status == 200:
        stored.append(answer.json["id"])
        answer = daemon.inspect(noise)
    assert stored and (answer.status, answer.code) == (507, "storage_full")
    with contextlib.suppress(OSError), (small_disk / "more").open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    assert eventually(lambda: not_ready(daemon))
    daemon.wait_line("error.*request.*status=507")
    assert all(daemon("GET", f"/v1/inspections/{one}/image").body == noise for one in stored)
    (small_disk / "ballast").unlink()
    eventually(lambda: ready(daemon))
    assert daemon.inspect(GOOD).status == 200
