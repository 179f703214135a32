"""A product's dataset over HTTP: images in, listed, read and out again; labelled inspections taken in; what a new model
makes of them."""
import hashlib
import io
import json
import os
import pathlib
import random
import shutil
import socket
import threading
import urllib.parse

import jsonschema
import PIL.Image
import pytest
import yaml
from conftest import FAKE, Daemon, eventually

SECONDS = 60
RESOLVER = jsonschema.RefResolver("", yaml.safe_load((pathlib.Path(__file__).parents[2] / "openapi.yaml").read_text()))
BASE = "/v1/admin/products/carpet/dataset"


@pytest.fixture
def roots(tmp_path):
    (tmp_path / "first").mkdir()
    (tmp_path / "second").mkdir()
    return tmp_path


@pytest.fixture
def begin(start, roots):
    """begin(option...) -> a daemon whose client is admin; its dataset roots are roots/first and roots/second."""
    def run(*options, state=None):
        daemon = start(f"training.dataset_roots={roots}/first:{roots}/second", *options, state=state)
        daemon.token = (daemon.state / "admin.token").read_text().strip()
        return daemon
    return run


@pytest.fixture(scope="module")
def refuses(template, tmp_path_factory):
    """One daemon for what is refused and leaves nothing behind."""
    folder = tmp_path_factory.mktemp("refuses")
    shutil.copytree(template, folder / "state")
    (folder / "sets").mkdir()
    daemon = Daemon(folder / "state", f"training.dataset_roots={folder}/sets", "limits.body_bytes=1M")
    daemon.token = (folder / "state" / "admin.token").read_text().strip()
    daemon.sets = folder / "sets"
    yield daemon
    daemon.stop()


def made(seed, kind="PNG", size=(48, 32)):
    """A picture of its own for each seed; pictures of one size have about, not exactly, the same number of bytes."""
    out = io.BytesIO()
    PIL.Image.frombytes("RGB", size, random.Random(seed).randbytes(size[0] * size[1] * 3)).save(out, kind)
    return out.getvalue()


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def put(daemon, place, image, kind="image/png", base=BASE):
    return daemon("PUT", f"{base}/{place}", image, Content_Type=kind)


def listing(daemon, **query):
    answer = daemon("GET", f"{BASE}?{urllib.parse.urlencode(query)}")
    assert answer.status == 200, answer.body
    return answer.json


def places(listed):
    return [f"{i['split']}/{i['class']}/{i['name']}" for i in listed["items"]]


def files(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


# --- one image


def test_an_image_goes_in_and_comes_out(begin, roots):
    daemon = begin()
    assert listing(daemon)["images"] == 0
    image = made(1)
    answer = put(daemon, "train/good/a.png", image)
    assert answer.status == 201
    assert answer.headers["Location"] == answer.json["href"] == f"{BASE}/train/good/a.png"
    assert answer.json == {"split": "train", "class": "good", "name": "a.png", "sha256": sha256(image),
                           "bytes": len(image), "href": f"{BASE}/train/good/a.png"}
    assert (roots / "first/carpet/train/good/a.png").read_bytes() == image
    assert files(roots / "first") == ["carpet/train/good/a.png"]  # nothing half-made beside it

    got = daemon("GET", f"{BASE}/train/good/a.png")
    assert (got.status, got.headers["Content-Type"], got.body) == (200, "image/png", image)
    assert got.headers["ETag"] == f'"{sha256(image)}"'
    again = daemon("GET", f"{BASE}/train/good/a.png", If_None_Match=got.headers["ETag"])
    assert (again.status, again.body) == (304, b"")
    head = daemon("HEAD", f"{BASE}/train/good/a.png")
    assert (head.status, int(head.headers["Content-Length"])) == (200, len(image))


def test_replace_and_repeat(begin, roots):
    daemon = begin()
    first, second = made(1, "JPEG"), made(2, "JPEG")
    assert put(daemon, "test/hole/x.jpg", first, "image/jpeg").status == 201
    assert put(daemon, "test/hole/x.jpg", first, "image/jpeg").status == 200  # the same again changes nothing
    kept = daemon("GET", f"{BASE}/test/hole/x.jpg").headers["ETag"]
    replaced = put(daemon, "test/hole/x.jpg", second, "image/jpeg")
    assert (replaced.status, replaced.json["sha256"]) == (200, sha256(second))
    got = daemon("GET", f"{BASE}/test/hole/x.jpg", If_None_Match=kept)
    assert (got.status, got.headers["Content-Type"], got.body) == (200, "image/jpeg", second)
    assert put(daemon, "train/good/first.jpg", first, "image/jpeg").status == 201  # it is free again
    assert files(roots / "first") == ["carpet/test/hole/x.jpg", "carpet/train/good/first.jpg"]


def test_the_same_content_under_another_name(begin, roots):
    daemon = begin()
    image = made(1)
    put(daemon, "train/good/a.png", image)
    for place in "train/good/b.png", "test/hole/a.png":
        answer = put(daemon, place, image)
        assert (answer.status, answer.code) == (409, "conflict")
        assert "train/good/a.png" in answer.json["detail"]
    assert files(roots / "first") == ["carpet/train/good/a.png"]


def test_many_at_once_and_no_content_twice(begin, roots):
    daemon = begin()
    images = [made(seed) for seed in range(6)]
    answers = []

    def send(turn):
        for n, image in enumerate(images):
            answers.append(put(daemon, f"train/good/{turn}-{n}.png", image).status)

    threads = [threading.Thread(target=send, args=(turn,)) for turn in range(4)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert sorted(answers) == [201] * 6 + [409] * 18
    contents = [p.read_bytes() for p in (roots / "first/carpet/train/good").iterdir()]
    assert sorted(map(sha256, contents)) == sorted(map(sha256, images))
    assert not list((roots / "first/carpet/.incoming").iterdir())


def test_delete(begin, roots):
    daemon = begin()
    put(daemon, "test/hole/a.png", made(1))
    put(daemon, "test/hole/b.png", made(2))
    assert daemon("DELETE", f"{BASE}/test/hole/a.png").status == 204
    assert daemon("DELETE", f"{BASE}/test/hole/a.png").code == "not_found"
    assert daemon("GET", f"{BASE}/test/hole/a.png").code == "not_found"
    assert daemon("DELETE", f"{BASE}/test/hole/b.png").status == 204
    assert listing(daemon) == {"dataset": "carpet", "images": 0, "bytes": 0, "counts": {"train": {}, "test": {}},
                               "items": [], "next": None}
    assert not (roots / "first/carpet/test/hole").exists()
    assert daemon("DELETE", "/v1/admin/products/wood/dataset/test/hole/a.png").code == "not_found"
    assert not (roots / "first/wood").exists()


def test_list_in_pages(begin):
    daemon = begin()
    wanted = {}
    for n, place in enumerate(["test/good/z.png", "test/hole/a.png", "test/hole/b.png", "train/good/a.png",
                               "train/good/b.png"]):
        wanted[place] = made(n)
        put(daemon, place, wanted[place])
    whole = listing(daemon)
    assert places(whole) == sorted(wanted) and whole["next"] is None
    assert whole["images"] == 5 and whole["bytes"] == sum(map(len, wanted.values()))
    assert whole["counts"] == {"train": {"good": 2}, "test": {"good": 1, "hole": 2}}
    for item in whole["items"]:
        image = wanted[f"{item['split']}/{item['class']}/{item['name']}"]
        assert (item["sha256"], item["bytes"]) == (sha256(image), len(image))
        assert daemon("GET", item["href"]).body == image
    found, cursor = [], {}
    while True:
        page = listing(daemon, limit=2, **cursor)
        assert len(page["items"]) <= 2 and page["images"] == 5
        found += places(page)
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert found == sorted(wanted)
    assert places(listing(daemon, split="test")) == ["test/good/z.png", "test/hole/a.png", "test/hole/b.png"]
    assert places(listing(daemon, **{"class": "good"})) == ["test/good/z.png", "train/good/a.png", "train/good/b.png"]
    for query in "limit=0", "limit=501", "split=all", "class=../x", "colour=red":
        assert daemon("GET", f"{BASE}?{query}").code == "invalid_query"


def test_names_that_only_a_copied_set_has(begin, roots):
    daemon = begin()
    folder = roots / "second/sets/old/test/hole"
    folder.mkdir(parents=True)
    image = made(1)
    for name in ["IMG 1 #2.png", "Prüfling.PNG"]:
        (folder / name).write_bytes(image)
    (pathlib.Path(os.fsdecode(bytes(folder) + b"/\xff\xfe.png"))).write_bytes(image)
    (folder / ".hidden.png").write_bytes(image)
    (folder / "broken.png").write_bytes(b"no picture")
    listed = listing(daemon, dataset="sets/old")
    assert listed["images"] == 4
    assert [i["name"] for i in listed["items"]] == ["IMG 1 #2.png", "Prüfling.PNG", "broken.png"]
    for item in listed["items"][:2]:
        assert daemon("GET", item["href"]).body == image
    assert daemon("GET", listed["items"][2]["href"]).headers["Content-Type"] == "application/octet-stream"
    assert daemon("GET", f"{BASE}/test/hole/.hidden.png?dataset=sets/old").code == "invalid_parameter"
    assert daemon("GET", f"{BASE}/test/hole/none.png?dataset=sets/old").code == "not_found"


# --- what is refused


HOSTILE = ["train/good/..", "train/good/../../x.png", "train/good/..%2f..%2fx.png", "train/good/%2e%2e", "train/../x.png",
           "train/%2e%2e/x.png", "..%2f..%2fetc/good/x.png", "train/good/a%00.png", "train/good/.hidden.png",
           "train/good/-rf.png", "train/good/Pr%C3%BCfling.png", "train/good/a%0a.png", "train/good/a%20b.png",
           "train/good/%ff.png", "train/good/" + 61 * "a" + ".png", "train/" + 65 * "a" + "/x.png", "valid/good/x.png",
           "train/good/a/b.png", "train/good/x", "train/good/x.gif", "train/good/x.jpg", "train/good/.png", "%2e/good/x.png",
           "train/.incoming/x.png", "train/good%5c..%5c/x.png"]


@pytest.mark.parametrize("place", HOSTILE)
def test_hostile_names(refuses, place):
    answer = put(refuses, place, made(1))
    assert (answer.status, answer.code) == (422, "invalid_parameter"), answer.body
    assert files(refuses.sets) == []


@pytest.mark.parametrize("place", ["train/good", "train/good/", "train//x.png", "/good/x.png", "train/good/" + 300 * "a" + ".png",
                                   2000 * "a"])
def test_paths_that_are_no_place(refuses, place):
    assert put(refuses, place, made(1)).status == 404


@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.parametrize("place", ["train/good/..", "train/../good/x.png", "train/good/..%2f..%2f..%2fetc%2fpasswd",
                                   "train/good/.incoming", "train/good/a%2fb.png"])
def test_hostile_names_to_read_or_delete(refuses, method, place):
    assert refuses(method, f"{BASE}/{place}").code == "invalid_parameter"


@pytest.mark.parametrize("name, body, kind, status, code", [
    ("x.png", b"", "image/png", 400, "empty_body"),
    ("x.png", b"no picture", "image/png", 422, "image_undecodable"),
    ("x.png", made(1)[:-40], "image/png", 422, "image_undecodable"),
    ("x.png", made(1)[:200] + b"\0" + made(1)[201:], "image/png", 422, "image_undecodable"),
    ("x.jpg", made(1, "JPEG")[:-200], "image/jpeg", 422, "image_undecodable"),
    ("x.png", made(1, "JPEG"), "image/png", 422, "image_undecodable"),
    ("x.png", made(1), "image/jpeg", 422, "invalid_parameter"),
    ("x.jpg", made(1), "image/jpeg", 422, "image_undecodable"),
    ("x.png", bytes(48 * 32), "image/x-raw;format=mono8;width=48;height=32", 415, "unsupported_media_type"),
    ("x.png", made(1), "text/plain", 415, "unsupported_media_type"),
    ("x.png", made(1), "", 415, "unsupported_media_type")])
def test_bodies_that_are_refused(refuses, name, body, kind, status, code):
    answer = put(refuses, f"train/good/{name}", body, kind)
    assert (answer.status, answer.code) == (status, code)
    assert files(refuses.sets) == []


def test_bodies_that_are_too_large(refuses):
    head = (f"PUT {BASE}/train/good/x.png HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {refuses.token}\r\n"
            "Content-Type: image/png\r\nConnection: close\r\n").encode()
    said = refuses.raw(head + b"Content-Length: %d\r\n\r\n" % ((1 << 20) + 1))
    grown = refuses.raw(head + b"Transfer-Encoding: chunked\r\n\r\n" + (b"10000\r\n" + bytes(1 << 16) + b"\r\n") * 17 +
                        b"0\r\n\r\n")
    for answer in said, grown:
        assert answer.startswith(b"HTTP/1.1 413 ") and b"body_too_large" in answer
    assert files(refuses.sets) == []


def test_uploads_at_once_are_bounded(refuses):
    head = (f"PUT {BASE}/train/good/x.png HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {refuses.token}\r\n"
            "Content-Type: image/png\r\nContent-Length: 1000\r\n\r\n").encode()
    slow = [socket.create_connection((refuses.host, refuses.port)) for _ in range(8)]
    [s.sendall(head) for s in slow]
    refused = eventually(lambda: (answer := put(refuses, "train/good/y.png", b"no picture")).status == 503 and answer)
    assert refused.code == "queue_full" and int(refused.headers["Retry-After"]) > 0
    [s.close() for s in slow]
    eventually(lambda: put(refuses, "train/good/y.png", b"no picture").status == 422)


def test_an_admin_token_is_needed(refuses, monkeypatch):
    monkeypatch.setattr(refuses, "token", None)
    for method, path in [("GET", BASE), ("POST", BASE + "/from-labels"), ("PUT", BASE + "/train/good/x.png"),
                         ("GET", BASE + "/train/good/x.png"), ("DELETE", BASE + "/train/good/x.png")]:
        assert refuses(method, path, b"x" if method in ("PUT", "POST") else None).code == "unauthorized"


def test_datasets_outside_the_roots(refuses):
    outside = refuses.sets.parent / "outside"
    (outside / "train/good").mkdir(parents=True, exist_ok=True)
    (outside / "train/good/secret.png").write_bytes(made(1))
    (refuses.sets / "away").symlink_to(outside)
    try:
        for dataset in "../outside", "/etc", "away", "x/../../outside":
            query = "?dataset=" + urllib.parse.quote(dataset, "")
            assert refuses("GET", BASE + query).code == "forbidden"
            assert refuses("GET", f"{BASE}/train/good/secret.png{query}").code == "forbidden"
        for dataset in "nowhere", "x" * 900:
            assert refuses("GET", f"{BASE}?dataset={dataset}").code == "dataset_invalid"
        for dataset in "", "x" * 1024, "%0a":
            assert refuses("GET", f"{BASE}?dataset={dataset}").code == "invalid_query"
        assert put(refuses, "train/good/x.png", made(2), base="/v1/admin/products/away/dataset").code == "forbidden"
        assert refuses("DELETE", "/v1/admin/products/away/dataset/train/good/secret.png").code == "forbidden"
    finally:
        (refuses.sets / "away").unlink()
    assert files(outside) == ["train/good/secret.png"]


def test_links_out_of_the_set(begin, roots):
    daemon = begin()
    put(daemon, "train/good/a.png", made(1))
    outside = roots / "outside"
    outside.mkdir()
    (outside / "secret.png").write_bytes(made(2))
    home = roots / "first/carpet"
    (home / "train/good/link.png").symlink_to(outside / "secret.png")
    assert daemon("GET", f"{BASE}/train/good/link.png").code == "forbidden"
    assert "link" in daemon("GET", BASE).json["detail"] and daemon("GET", BASE).code == "forbidden"
    (home / "train/good/link.png").unlink()
    (home / "test").mkdir()
    (home / "test/hole").symlink_to(outside)
    assert daemon("GET", f"{BASE}/test/hole/secret.png").code == "forbidden"
    assert put(daemon, "test/hole/x.png", made(3)).code == "forbidden"
    assert daemon("DELETE", f"{BASE}/test/hole/secret.png").code == "forbidden"
    (home / "test/hole").unlink()
    (home / "test").rmdir()
    (home / "test").symlink_to(outside)
    assert put(daemon, "test/hole/x.png", made(3)).code == "forbidden"
    assert files(outside) == ["secret.png"]


def test_something_else_in_the_way(begin, roots):
    daemon = begin()
    home = roots / "first/carpet"
    (home / "train/good/x.png").mkdir(parents=True)
    assert put(daemon, "train/good/x.png", made(1)).code == "conflict"
    assert daemon("GET", f"{BASE}/train/good/x.png").code == "not_found"
    assert daemon("DELETE", f"{BASE}/train/good/x.png").code == "not_found"
    os.mkfifo(home / "train/good/pipe.png")
    assert daemon("GET", f"{BASE}/train/good/pipe.png").code == "not_found"  # and does not wait for a writer
    assert listing(daemon)["images"] == 0
    (home / "test").write_bytes(b"")
    assert put(daemon, "test/hole/x.png", made(1)).code == "dataset_invalid"


def test_a_set_in_another_root_is_not_hidden(begin, roots):
    daemon = begin()
    folder = roots / "second/carpet/train/good"
    folder.mkdir(parents=True)
    (folder / "a.png").write_bytes(made(1))
    assert places(listing(daemon)) == ["train/good/a.png"]
    assert daemon("GET", f"{BASE}/train/good/a.png").body == made(1)
    answer = put(daemon, "train/good/b.png", made(2))
    assert (answer.status, answer.code) == (409, "conflict")
    assert str(roots / "second") in answer.json["detail"] and str(roots / "first") in answer.json["detail"]
    assert not (roots / "first/carpet").exists()


def test_a_disk_without_room(begin, roots):
    daemon = begin("storage.free_bytes_min=1000T")
    answer = put(daemon, "train/good/x.png", made(1))
    assert (answer.status, answer.code) == (507, "storage_full")
    assert files(roots / "first") == []


def test_what_a_kill_left_is_swept(begin, roots):
    daemon = begin()
    put(daemon, "train/good/a.png", made(1))
    incoming = roots / "first/carpet/.incoming"
    (incoming / "old").write_bytes(b"half")
    os.utime(incoming / "old", (1, 1))
    (incoming / "new").write_bytes(b"half")
    put(daemon, "train/good/b.png", made(2))
    assert files(incoming) == ["new"]


# --- labelled inspections


def inspected(daemon, image, label, defect=None, kind="image/png", product="carpet"):
    done = daemon.inspect(image, f"product={product}", kind)
    assert done.status == 200, done.body
    say(daemon, done.json["id"], label, defect)
    return done.json


def say(daemon, name, label, defect=None):
    word = {"label": label, **({"defect": defect} if defect else {})}
    assert daemon("PUT", f"/v1/inspections/{name}/label", json.dumps(word)).status == 200


def take(daemon, product="carpet", **body):
    answer = daemon("POST", f"/v1/admin/products/{product}/dataset/from-labels", json.dumps(body))
    assert answer.status == 200, answer.body
    return answer.json


def counts(taken):
    return {name: taken[name] for name in ("added", "moved", "duplicates", "gone", "unsupported") if taken[name]}


def test_labels_become_a_dataset(begin, roots):
    daemon = begin()
    good, hole, plain, photo = made(1), made(2), made(3), made(4, "JPEG")
    ids = {sha256(i): inspected(daemon, i, *word)["id"] for i, word in
           [(good, ("good",)), (hole, ("anomaly", "hole")), (plain, ("anomaly",))]}
    ids[sha256(photo)] = inspected(daemon, photo, "good", kind="image/jpeg")["id"]
    daemon.inspect(made(5))  # not labelled
    taken = take(daemon)
    assert counts(taken) == {"added": 4} and taken["next"] is None
    assert {i["sha256"]: i["id"] for i in taken["items"]} == ids
    where = {sha256(image): f"{folder}/{sha256(image)[:40]}.{ending}" for image, folder, ending in
             [(good, "train/good", "png"), (hole, "test/hole", "png"), (plain, "test/anomaly", "png"),
              (photo, "train/good", "jpg")]}
    assert {i["sha256"]: i["place"] for i in taken["items"]} == where
    assert all(i["outcome"] == "added" and i["detail"] is None for i in taken["items"])
    listed = listing(daemon)
    assert {i["sha256"]: p for i, p in zip(listed["items"], places(listed))} == where

    again = take(daemon)
    assert counts(again) == {"duplicates": 4}
    assert {i["sha256"]: i["place"] for i in again["items"]} == where
    assert len(files(roots / "first")) == 4


def test_an_image_that_is_there_already_under_a_name_of_its_own(begin):
    daemon = begin()
    image = made(1)
    put(daemon, "test/good/mine.png", image)
    inspected(daemon, image, "good")
    taken = take(daemon)
    assert counts(taken) == {"duplicates": 1} and taken["items"][0]["place"] == "test/good/mine.png"


def test_raw_frames_become_png_once(begin, roots):
    daemon = begin()
    frame = random.Random(1).randbytes(48 * 32)
    inspected(daemon, frame, "anomaly", "stain", kind="image/x-raw;format=mono8;width=48;height=32")
    taken = take(daemon)
    assert counts(taken) == {"added": 1}
    stored = PIL.Image.open(roots / "first/carpet" / taken["items"][0]["place"])
    assert (stored.format, stored.size) == ("PNG", (48, 32))
    assert stored.convert("L").tobytes() == frame
    assert counts(take(daemon)) == {"duplicates": 1}


def test_another_word_moves_the_image(begin, roots):
    daemon = begin()
    image, frame = made(1), random.Random(1).randbytes(48 * 32)
    first = inspected(daemon, image, "good")
    raw = inspected(daemon, frame, "good", kind="image/x-raw;format=mono8;width=48;height=32")
    take(daemon)
    say(daemon, first["id"], "anomaly", "hole")
    say(daemon, raw["id"], "anomaly", "stain")
    taken = take(daemon)
    assert counts(taken) == {"moved": 2}
    assert files(roots / "first/carpet") == sorted(
        [f"test/hole/{sha256(image)[:40]}.png", f"test/stain/{sha256(frame)[:40]}.png"])
    assert counts(take(daemon)) == {"duplicates": 2}
    # of two words about the same bytes the last one counts, whichever part it was given for
    second = inspected(daemon, image, "anomaly", "scratch")
    assert counts(take(daemon)) == {"duplicates": 1, "moved": 1}
    say(daemon, first["id"], "anomaly", "hole")
    assert counts(take(daemon)) == {"duplicates": 1, "moved": 1}
    assert second["id"] != first["id"]
    assert f"test/hole/{sha256(image)[:40]}.png" in files(roots / "first/carpet")


def test_copies_in_two_classes_become_one(begin, roots):
    daemon = begin()
    image = made(1)
    for folder in "train/good", "test/hole", "test/stain":
        (roots / "first/carpet" / folder).mkdir(parents=True)
        (roots / "first/carpet" / folder / "x.png").write_bytes(image)
    inspected(daemon, image, "anomaly", "hole")
    assert counts(take(daemon)) == {"moved": 1}
    assert files(roots / "first/carpet") == ["test/hole/x.png"]


def test_a_move_onto_a_name_that_is_taken(begin, roots):
    daemon = begin()
    put(daemon, "train/good/x.png", made(1))
    put(daemon, "test/hole/x.png", made(2))
    inspected(daemon, made(1), "anomaly", "hole")
    assert counts(take(daemon)) == {"moved": 1}
    assert files(roots / "first/carpet") == sorted(["test/hole/x.png", f"test/hole/{sha256(made(1))[:40]}.png"])


def test_what_is_asked_for(begin):
    daemon = begin()
    done = [inspected(daemon, made(n), *word) for n, word in enumerate([("good",), ("anomaly", "hole"), ("good",)])]
    assert counts(take(daemon, labels=["anomaly"])) == {"added": 1}
    assert counts(take(daemon, since="2100-01-01T00:00:00Z")) == {}
    assert counts(take(daemon, until=done[0]["received_at"])) == {}
    assert counts(take(daemon, until=done[2]["received_at"])) == {"added": 1, "duplicates": 1}
    assert counts(take(daemon, since=done[2]["received_at"], labels=["good", "anomaly"])) == {"added": 1}
    assert counts(take(daemon, "wood")) == {}
    pages, cursor = [], {}
    while True:
        page = take(daemon, limit=1, **cursor)
        pages += page["items"]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert sorted(i["id"] for i in pages) == sorted(d["id"] for d in done)


@pytest.mark.parametrize("body, name", [
    ({"colour": "red"}, "colour"), ({"since": "yesterday"}, "since"), ({"until": 3}, "until"), ({"labels": []}, "labels"),
    ({"labels": ["bad"]}, "labels"), ({"labels": "good"}, "labels"), ({"limit": 0}, "limit"), ({"limit": 1001}, "limit"),
    ({"cursor": "../x"}, "cursor"), ([], "want")])
def test_bad_parameters_of_from_labels(refuses, body, name):
    answer = refuses("POST", BASE + "/from-labels", json.dumps(body))
    assert (answer.status, answer.code) == (422, "invalid_parameter")
    assert name in answer.json["detail"]
    assert refuses("POST", BASE + "/from-labels", "{").code == "malformed_request"


def test_images_that_retention_took(begin, roots):
    daemon = begin()
    kept, lost = inspected(daemon, made(1), "good"), inspected(daemon, made(2), "good")
    stored = list((daemon.state / "images").rglob(lost["id"] + ".png"))
    assert len(stored) == 1
    stored[0].unlink()
    taken = take(daemon)
    assert counts(taken) == {"added": 1, "gone": 1}
    assert {i["id"]: i["outcome"] for i in taken["items"]} == {kept["id"]: "added", lost["id"]: "gone"}
    put(daemon, "train/good/again.png", made(2))  # whoever has the bytes elsewhere may bring them
    assert counts(take(daemon)) == {"duplicates": 2}


def test_no_room_for_labels(begin, roots):
    daemon = begin("storage.free_bytes_min=1000T")
    inspected(daemon, made(1), "anomaly")
    answer = daemon("POST", BASE + "/from-labels", "")
    assert (answer.status, answer.code) == (507, "storage_full")
    assert files(roots / "first") == []


def test_inspections_go_on_while_labels_are_taken(begin):
    daemon = begin()
    for n in range(60):
        inspected(daemon, made(n), "good")
    taken = []
    thread = threading.Thread(target=lambda: taken.append(take(daemon)))
    thread.start()
    answers = [daemon.inspect(made(1000 + n)).status for n in range(20)]
    thread.join()
    assert answers == [200] * 20 and counts(taken[0]) == {"added": 60}


# --- what a new model makes of the labels


def shade(level, number):
    """Grey pictures of a level, each with pixels of its own."""
    image = PIL.Image.new("RGB", (64, 64), (level,) * 3)
    image.putpixel((number % 64, number // 64), (number, level, 255 - level))
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def run_job(daemon, kind, **parameters):
    recipe = {"seed": 1, "epochs": 1, "batch": 4} if kind == "train" else {}
    body = json.dumps({"dataset": "carpet", **recipe, **parameters})
    answer = daemon("POST", f"/v1/admin/products/carpet/{kind}", body)
    assert answer.status == 202, answer.body
    location = answer.headers["Location"]
    eventually(lambda: daemon("GET", location).json["state"] in ("succeeded", "failed"), SECONDS)
    done = daemon("GET", location).json
    assert done["state"] == "succeeded", done["error"]
    jsonschema.Draft202012Validator({"$ref": "#/components/schemas/Job"}, resolver=RESOLVER).validate(done)
    return done


@pytest.fixture
def labelled(begin):
    """A daemon that called every part an anomaly, and what people said: 12 good and 12 defective parts, taken into the
    dataset, and three that came later."""
    daemon = begin()
    assert daemon("PATCH", "/v1/admin/products/carpet/models/v1", '{"threshold": 0}').status == 200
    daemon.ids = {}
    for n in range(12):
        daemon.ids[f"good{n}"] = inspected(daemon, shade(10, n), "good")["id"]
        daemon.ids[f"hole{n}"] = inspected(daemon, shade(245, n), "anomaly", "hole")["id"]
    assert counts(take(daemon)) == {"added": 24}
    daemon.ids["later"] = inspected(daemon, shade(10, 100), "good")["id"]
    daemon.ids["bright"] = inspected(daemon, shade(245, 100), "good")["id"]
    daemon.ids["right"] = inspected(daemon, shade(245, 101), "anomaly")["id"]
    return daemon


def test_a_candidate_is_held_against_the_labels(labelled):
    result = run_job(labelled, "train", activate="never")["result"]
    feedback, unseen = result["feedback"], result["feedback"]["unseen"]
    assert (feedback["labelled"], feedback["left_out"], feedback["unreadable"]) == (27, 0, 0)
    assert (feedback["missed_before"], feedback["false_alarms_before"]) == (0, 14)
    assert feedback["now_right"] + feedback["still_wrong"] == 14
    assert feedback["trunk_runs"] == 3  # the dataset's are in the cache
    trained_on = 24 - result["held_out"]
    assert unseen["labelled"] == 27 - trained_on
    by_id = {item["id"]: item for item in feedback["items"]}
    for item in feedback["items"]:
        assert item["verdict_now"] == ("anomaly" if item["probability_now"] >= 0.5 else "good")
        assert item["verdict_before"] == "anomaly" and item["model"] == "v1"
    for name in "later", "bright":
        assert by_id[labelled.ids[name]]["in_training"] is False
    assert sum(item["in_training"] for item in feedback["items"]) <= trained_on
    wrong = [item["verdict_now"] != item["label"] for item in feedback["items"]]
    assert wrong == sorted(wrong, reverse=True)
    if FAKE:  # which tells dark from bright without fail
        assert (feedback["now_right"], feedback["still_wrong"], feedback["newly_wrong"]) == (13, 1, 0)
        assert feedback["items"][0]["id"] == labelled.ids["bright"]
        assert labelled.ids["right"] not in by_id
        assert by_id[labelled.ids["good3"]]["verdict_now"] == "good"


def test_the_last_word_is_what_counts_in_feedback(labelled):
    for n in range(12):
        say(labelled, labelled.ids[f"good{n}"], "anomaly", "odd")
    feedback = run_job(labelled, "train", activate="never")["result"]["feedback"]
    assert feedback["false_alarms_before"] == 2 and feedback["labelled"] == 27


def test_an_evaluation_has_it_too(labelled):
    version = run_job(labelled, "train", activate="never")["result"]["version"]
    result = run_job(labelled, "evaluate", version=version)["result"]
    assert result["version"] == version
    assert result["feedback"]["labelled"] == 27 and result["feedback"]["unseen"] is None
    assert {item["in_training"] for item in result["feedback"]["items"]} == {None}
    assert result["feedback"]["trunk_runs"] == 0


def test_images_that_went_meanwhile_do_not_fail_the_training(labelled):
    for name in "later", "right":
        for file in (labelled.state / "images").rglob(labelled.ids[name] + ".png"):
            file.unlink()
    done = run_job(labelled, "train", activate="never")
    assert (done["result"]["feedback"]["labelled"], done["result"]["feedback"]["unreadable"]) == (25, 2)


def test_without_labels_there_is_no_feedback(begin, roots):
    daemon = begin()
    for n in range(8):
        put(daemon, f"train/good/{n}.png", shade(10, n))
        put(daemon, f"test/hole/{n}.png", shade(245, n))
    assert run_job(daemon, "train", activate="never")["result"]["feedback"] is None


def test_raw_frames_in_feedback(begin):
    daemon = begin()
    kind = "image/x-raw;format=mono8;width=64;height=64"
    for n in range(8):
        inspected(daemon, bytes([10]) * (64 * 64 - 1) + bytes([n]), "good", kind=kind)
        inspected(daemon, bytes([245]) * (64 * 64 - 1) + bytes([n]), "anomaly", "hole", kind=kind)
    assert counts(take(daemon)) == {"added": 16}
    result = run_job(daemon, "train", activate="never")["result"]
    assert (result["feedback"]["labelled"], result["feedback"]["unreadable"]) == (16, 0)
    assert result["feedback"]["unseen"]["labelled"] == result["held_out"]  # known by the name that the PNG has


def test_the_worst_images_of_a_report_can_be_read(begin, roots):
    daemon = begin()
    folder = roots / "second/sets/odd"
    for n in range(8):
        for place, level in (f"train/good/p {n}.png", 10), (f"test/hole/p {n}.png", 245):
            (folder / place).parent.mkdir(parents=True, exist_ok=True)
            (folder / place).write_bytes(shade(level, n))
    images = run_job(daemon, "train", dataset="sets/odd", activate="never")["result"]["images"]
    assert images
    for image in images:
        answer = daemon("GET", f"{BASE}/{urllib.parse.quote(image['path'])}?dataset=sets/odd")
        assert (answer.status, answer.headers["Content-Type"]) == (200, "image/png")
        assert answer.body == (folder / image["path"]).read_bytes()
