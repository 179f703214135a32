"""The watched folder: files come in every way, and each is inspected exactly once."""
import hashlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import threading

import pytest
from conftest import FAKE, add_version, copy_state, eventually, picture

IMAGE = picture(kind="JPEG")
LONG_S = 300


def source(daemon):
    return daemon("GET", "/v1/sources").json["items"][0]


def stored(daemon):
    """(product, camera, part) of all inspections."""
    found, cursor = [], ""
    while True:
        page = daemon("GET", f"/v1/inspections?limit=500{cursor}").json
        found += [(item["product"], item["camera"], item["part"]) for item in page["items"]]
        if not page.get("next"):
            return found
        cursor = f"&cursor={page['next']}"


def scanned(daemon):
    """Waits until the daemon has looked through the folder and nothing waits in it."""
    eventually(lambda: source(daemon)["state"] == "watching")
    eventually(lambda: source(daemon)["waiting"] == 0 and source(daemon)["in_flight"] == 0, LONG_S)


def put(path, data=IMAGE):
    """Writes a file as a camera does: under its name, and closed at the end."""
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def rename_in(path, data=IMAGE):
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name("." + path.name)
    part.write_bytes(data)
    part.rename(path)
    return path


def tree(root):
    """All files below the folder, relative to it."""
    return {os.path.relpath(os.path.join(folder, name), root) for folder, _, names in os.walk(root) for name in names}


@pytest.fixture
def watch(start, tmp_path):
    """watch(option...) -> (daemon, folder)"""
    folder = tmp_path / "in"

    def begin(*options, **more):
        folder.mkdir(exist_ok=True)
        return start(f"watch.folder={folder}", "watch.settle_ms=200", *options, **more), folder

    return begin


def test_without_a_folder(shared):
    assert shared("GET", "/v1/sources").json == {"items": []}
    assert shared("GET", "/v1/sources?x=1").code == "invalid_query"


@pytest.mark.parametrize("result", ["beside", "folder", "none"])
@pytest.mark.parametrize("after", ["delete", "move", "keep"])
def test_results_and_what_becomes_of_the_file(watch, result, after):
    daemon, folder = watch(f"watch.result={result}", f"watch.after={after}")
    put(folder / "carpet/cam 1/p-7.jpg")
    rename_in(folder / "carpet/cam 2/p-8.jpg")
    names = ["carpet/cam 1/p-7.jpg", "carpet/cam 2/p-8.jpg"]
    where = {"delete": [], "move": [f"done/{name}" for name in names], "keep": names}[after]
    results = {"beside": "", "folder": "results/", "none": None}[result]
    wanted = {*where, *(f"{results}{name}.json" for name in names if results is not None)}
    eventually(lambda: source(daemon)["inspected"] == 2 and tree(folder) == wanted)
    assert sorted(stored(daemon)) == [("carpet", "cam 1", "p-7"), ("carpet", "cam 2", "p-8")]
    if results is not None:
        answer = json.loads((folder / f"{results}{names[0]}.json").read_text())
        assert answer == daemon("GET", f"/v1/inspections/{answer['id']}").json and answer["part"] == "p-7"
    if after == "keep":
        daemon.stop()
        daemon, _ = watch(f"watch.result={result}", f"watch.after={after}", state=daemon.state)
        scanned(daemon)
        put(folder / "carpet/cam 3/last.jpg")
        eventually(lambda: source(daemon)["inspected"] == 1)
        assert len(stored(daemon)) == 3  # nothing was inspected again


def test_patterns(watch):
    daemon, folder = watch("watch.pattern=line/{product}_{camera}_{part}.PNG", "watch.after=delete", "watch.result=none")
    put(folder / "line/carpet_c1_a_b.png", picture())
    others = ["line/carpet_c1.png", "line/carpet_c1_a.jpg", "other/carpet_c1_a.png", "line/bad name_c1_a.png", "x.png"]
    for name in others:
        put(folder / name, picture())
    put(folder / "line/carpet_c2_end.Png", picture())
    eventually(lambda: source(daemon)["inspected"] == 2)
    assert sorted(stored(daemon)) == [("carpet", "c1", "a_b"), ("carpet", "c2", "end")]
    eventually(lambda: tree(folder) == set(others))


def test_files_from_before_the_start_and_renamed_folders(watch, tmp_path):
    folder = tmp_path / "in"
    for i in range(20):
        put(folder / f"carpet/early/{i}.jpg")
    daemon, _ = watch("watch.result=none")
    eventually(lambda: source(daemon)["inspected"] == 20)
    for i in range(20):
        put(tmp_path / f"outside/late/{i}.jpg")
    (tmp_path / "outside/late").rename(folder / "carpet/late")
    eventually(lambda: source(daemon)["inspected"] == 40)
    assert len(set(stored(daemon))) == 40
    assert tree(folder) == {f"done/carpet/{camera}/{i}.jpg" for camera in ("early", "late") for i in range(20)}


def test_a_file_that_is_being_written(watch, tmp_path):
    (tmp_path / "in/carpet/c").mkdir(parents=True)
    daemon, folder = watch("watch.settle_ms=60000", "watch.result=none")
    eventually(lambda: source(daemon)["state"] == "watching")
    with open(folder / "carpet/c/slow.jpg", "wb") as file:
        file.write(IMAGE[:1000])
        file.flush()
        put(folder / "carpet/c/fast.jpg")
        eventually(lambda: source(daemon)["inspected"] == 1)  # closed: at once
        assert source(daemon)["waiting"] == 1
        file.write(IMAGE[1000:])
    eventually(lambda: source(daemon)["inspected"] == 2)
    assert [part for _, _, part in stored(daemon)] == ["slow", "fast"] and source(daemon)["failed"] == 0


def test_a_writer_that_closes_half_a_file_and_goes_on(watch):
    daemon, folder = watch("watch.settle_ms=20000", "watch.result=none")
    path = put(folder / "carpet/c/resumed.jpg", IMAGE[:1000])
    eventually(lambda: source(daemon)["waiting"] == 1 and source(daemon)["in_flight"] == 0)
    with open(path, "ab") as file:
        file.write(IMAGE[1000:])
    eventually(lambda: tree(folder) == {"done/carpet/c/resumed.jpg"})
    assert source(daemon)["failed"] == 0


def test_what_cannot_be_inspected(watch):
    daemon, folder = watch("limits.body_bytes=100k", "watch.after=keep", "watch.result=none")
    put(folder / "carpet/c/text.jpg", b"no image")
    put(folder / "carpet/c/half.jpg", IMAGE[:1000])
    put(folder / "carpet/c/empty.jpg", b"")
    put(folder / "carpet/c/large.jpg", b"\xff\xd8" + bytes(200_000))
    put(folder / f"carpet/c/{'x' * 150}.jpg")
    eventually(lambda: source(daemon)["failed"] == 5)
    names = ["text", "half", "empty", "large", "x" * 150]
    assert tree(folder) == {f"failed/carpet/c/{name}.jpg{end}" for name in names for end in ("", ".json")}
    reason = lambda name: json.loads((folder / f"failed/carpet/c/{name}.jpg.json").read_text())
    assert {name: reason(name)["code"] for name in names} == {
        "text": "image_undecodable", "half": "image_undecodable", "empty": "empty_body", "large": "body_too_large",
        "x" * 150: "invalid_parameter"}
    assert reason("text")["file"] == "carpet/c/text.jpg" and reason("text")["detail"] and reason("text")["at"]
    put(folder / "carpet/c/text.jpg", b"once more")  # the first one is not lost
    eventually(lambda: source(daemon)["failed"] == 6)
    assert len([name for name in tree(folder) if name.endswith("text.jpg")]) == 2
    assert not stored(daemon) and daemon.metric("source_failed_total") == 6


def test_names_that_are_not_utf8(watch):
    daemon, folder = watch()
    raw = os.fsencode(folder) + b"/carpet/c\xff1/p\xe4\x01rt.jpg"
    os.makedirs(os.path.dirname(raw))
    with open(raw, "wb") as file:
        file.write(IMAGE)
    eventually(lambda: source(daemon)["inspected"] == 1)
    assert stored(daemon) == [("carpet", "c%FF1", "p%E4%01rt")]
    eventually(lambda: os.path.exists(os.fsencode(folder) + b"/done/carpet/c\xff1/p\xe4\x01rt.jpg"))
    assert os.path.exists(raw + b".json") and not os.path.exists(raw)


def test_links_pipes_and_folders_in_place_of_files(watch, tmp_path):
    daemon, folder = watch("watch.result=none")
    secret = put(tmp_path / "secret/a.jpg")
    (folder / "carpet/c").mkdir(parents=True)
    (folder / "carpet/c/link.jpg").symlink_to(secret)
    (folder / "carpet/linked").symlink_to(secret.parent)
    os.mkfifo(folder / "carpet/c/pipe.jpg")
    (folder / "carpet/c/folder.jpg").mkdir()
    put(folder / "carpet/c/good.jpg")
    eventually(lambda: source(daemon)["inspected"] == 1)
    daemon.stop()
    daemon, _ = watch("watch.result=none", state=daemon.state)  # a scan sees them too
    put(folder / "carpet/c/good.jpg")
    eventually(lambda: source(daemon)["inspected"] == 1)
    assert [part for _, _, part in stored(daemon)] == ["good", "good"] and secret.exists()


def test_a_link_in_place_of_the_folder_done(watch, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    daemon, folder = watch("watch.result=none")
    (folder / "done").symlink_to(outside)
    put(folder / "carpet/c/a.jpg")
    eventually(lambda: "move" in ((source(daemon)["last_error"] or {}).get("detail") or ""))
    assert not tree(outside) and (folder / "carpet/c/a.jpg").exists()
    (folder / "done").unlink()
    daemon.stop()  # finishes what was stored
    assert tree(folder) == {"done/carpet/c/a.jpg"}
    daemon, _ = watch("watch.result=none", state=daemon.state)
    assert len(stored(daemon)) == 1


def test_a_folder_that_goes_and_comes_back(watch, start, tmp_path):
    folder = tmp_path / "in"
    daemon = start(f"watch.folder={folder}", "watch.settle_ms=100", "watch.after=keep", "watch.result=none")
    eventually(lambda: "No such file" in ((source(daemon)["last_error"] or {}).get("detail") or ""))
    assert source(daemon)["state"] == "away"
    assert daemon("GET", "/readyz").status == 200 and daemon.metric("source_up") == 0
    put(folder / "carpet/c/1.jpg")
    eventually(lambda: source(daemon)["inspected"] == 1)
    assert source(daemon)["state"] == "watching" and daemon.metric("source_up") == 1
    folder.rename(tmp_path / "elsewhere")
    eventually(lambda: source(daemon)["state"] == "away")
    put(tmp_path / "elsewhere/carpet/c/2.jpg")
    (tmp_path / "elsewhere").rename(folder)
    eventually(lambda: source(daemon)["inspected"] == 2)
    shutil.rmtree(folder)
    put(folder / "carpet/c/3.jpg")  # perhaps before the daemon has noticed
    eventually(lambda: source(daemon)["inspected"] == 3)
    assert sorted(part for _, _, part in stored(daemon)) == ["1", "2", "3"]


def test_the_same_name_again_and_a_renamed_file(watch):
    daemon, folder = watch("watch.after=keep", "watch.result=beside")
    path = rename_in(folder / "carpet/c/latest.jpg")
    eventually(lambda: source(daemon)["inspected"] == 1)
    rename_in(path, picture("black", kind="JPEG"))  # another content
    eventually(lambda: source(daemon)["inspected"] == 2 and len(tree(folder)) == 2)
    path.rename(folder / "carpet/c/renamed.jpg")  # the same content: its result moves after it
    eventually(lambda: "carpet/c/renamed.jpg.json" in tree(folder))
    os.utime(put(folder / "carpet/c/other.jpg"))
    eventually(lambda: source(daemon)["inspected"] == 3)
    assert sorted(part for _, _, part in stored(daemon)) == ["latest", "latest", "other"]


def test_a_name_that_is_written_again_and_again(watch):
    daemon, folder = watch("watch.after=keep", "watch.result=none", "watch.settle_ms=50")
    pictures = [picture(colour, kind="JPEG") for colour in ("black", "white")]
    for i in range(50):
        rename_in(folder / "carpet/c/latest.jpg", pictures[i % 2])
    last = (folder / "carpet/c/latest.jpg").read_bytes()
    newest = lambda: daemon("GET", "/v1/inspections?limit=1").json["items"]
    digest = hashlib.sha256(last).hexdigest()
    eventually(lambda: newest() and newest()[0]["image"]["sha256"] == digest and source(daemon)["waiting"] == 0
               and source(daemon)["in_flight"] == 0)
    assert source(daemon)["failed"] == 0


def test_products_without_a_model_wait(watch, template, tmp_path):
    state = copy_state(template, tmp_path / "state")
    daemon, folder = watch("watch.result=none", state=state)
    for i in range(20):
        put(folder / f"unknown/c/{i}.jpg")
    put(folder / "carpet/c/a.jpg")
    eventually(lambda: source(daemon)["inspected"] == 1)
    eventually(lambda: "unknown" in ((source(daemon)["last_error"] or {}).get("detail") or ""))
    assert len([name for name in tree(folder) if name.startswith("unknown/")]) == 20
    daemon.stop()
    add_version(state, "unknown", "v1")
    daemon, _ = watch("watch.result=none", state=state)
    eventually(lambda: source(daemon)["inspected"] == 20)
    assert len(set(stored(daemon))) == 21


def test_a_thousand_files_beside_a_camera(watch):
    daemon, folder = watch("watch.after=delete", "watch.result=none", "limits.inflight=8")
    count = 1000 if FAKE else 100  # libtorch takes minutes for a thousand
    writer = threading.Thread(target=lambda: [put(folder / f"carpet/c{i % 7}/{i}.jpg") for i in range(count)])
    writer.start()
    connection, refused = daemon.connect(), 0
    for _ in range(30):  # a camera that posts keeps its slots
        refused += daemon.inspect(picture(), connection=connection).status != 200
    writer.join()
    eventually(lambda: source(daemon)["inspected"] == count, LONG_S)
    eventually(lambda: not tree(folder))
    assert refused == 0
    assert len({entry for entry in stored(daemon) if entry[1]}) == count


def exactly_once(start, folder, state, count, kills, options, write):
    """Kills the daemon again and again while files come; then each has one inspection, and none is left."""
    writer = threading.Thread(target=lambda: [write(folder / f"carpet/c{i % 5}/{i}.jpg") for i in range(count)])
    writer.start()
    for kill in range(kills):
        daemon = start(f"watch.folder={folder}", "watch.settle_ms=50", *options, state=state)
        eventually(lambda: len(stored(daemon)) >= count * kill // (kills + 1), LONG_S)
        daemon.stop(signal.SIGKILL)
    writer.join()
    daemon = start(f"watch.folder={folder}", "watch.settle_ms=50", *options, state=state)
    eventually(lambda: len(stored(daemon)) >= count, LONG_S)
    daemon.stop()
    daemon = start(f"watch.folder={folder}", "watch.settle_ms=50", *options, state=state)
    scanned(daemon)
    found = stored(daemon)
    assert len(found) == count and len(set(found)) == count
    return daemon


@pytest.mark.parametrize("after", ["delete", "move", "keep"])
def test_kills(start, template, tmp_path, after):
    folder, state = tmp_path / "in", copy_state(template, tmp_path / "state")
    folder.mkdir()
    daemon = exactly_once(start, folder, state, 200, 4, [f"watch.after={after}"], rename_in)
    names = [f"carpet/c{i % 5}/{i}.jpg" for i in range(200)]
    where = {"delete": [], "move": [f"done/{name}" for name in names], "keep": names}[after]
    eventually(lambda: tree(folder) == {*where, *(f"{name}.json" for name in names)})
    daemon.stop()


@pytest.mark.slow
@pytest.mark.skipif(not FAKE, reason="libtorch takes minutes for as many")
def test_ten_thousand_files_and_twenty_kills(start, template, tmp_path):
    folder, state = tmp_path / "in", copy_state(template, tmp_path / "state")
    folder.mkdir()
    daemon = exactly_once(start, folder, state, 10_000, 20, ["watch.after=delete", "watch.result=none"], put)
    eventually(lambda: not tree(folder))
    daemon.stop()


@pytest.mark.parametrize("line, setting", [
    ("folder = in", "watch.folder"), ("folder = /", "watch.folder"), ("pattern = {part}.jpg", "watch.pattern"),
    ("pattern = {product}{part}.jpg", "watch.pattern"), ("pattern = {product}/{what}.jpg", "watch.pattern"),
    ("pattern = done/{product}.jpg", "watch.pattern"), ("result = yes", "watch.result"), ("after = burn", "watch.after"),
    ("settle_ms = 0", "watch.settle_ms"),
])
def test_check_config(tmp_path, line, setting):
    path = tmp_path / "inspectd.conf"
    path.write_text(f"[watch]\n{line}\n")
    done = subprocess.run([os.environ["INSPECTD"], "check-config", "--config", str(path)], capture_output=True, text=True)
    assert done.returncode != 0 and setting in done.stderr and f"{path}:2" in done.stderr, done.stderr
