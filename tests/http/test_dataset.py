"""A product's dataset over HTTP: images in, listed, read and out again, and everything that is refused."""
import os
import pathlib
import socket
import threading
import urllib.parse

import pytest
from conftest import eventually
from datasets import BASE, begin, files, listing, made, places, put, refuses, roots, sha256  # noqa: F401 (fixtures)


# --- one image


def test_an_image_goes_in_and_comes_out(begin, roots):
    daemon = begin()
    assert listing(daemon)["images"] == 0
    image = made(1)
    answer = put(daemon, "train/good/a.png", image)
    assert answer.status == 201
    assert answer.headers["Location"] == answer.json["href"] == f"{BASE}/train/good/a.png"
    assert answer.json == {"split": "train", "class": "good", "name": "a.png", "sha256": sha256(image),
                           "bytes": len(image), "source": "file", "href": f"{BASE}/train/good/a.png"}
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


def test_halves_that_a_copied_set_spells_otherwise(begin, roots):
    """What the list names can be read and deleted; what is written keeps to the layout."""
    daemon = begin()
    images = {"Train/good/a.png": made(1), "TEST/hole/b.png": made(2)}
    for place, image in images.items():
        (roots / "first/carpet" / place).parent.mkdir(parents=True)
        (roots / "first/carpet" / place).write_bytes(image)
    listed = listing(daemon)
    assert (listed["images"], listed["counts"]) == (2, {"train": {"good": 1}, "test": {"hole": 1}})
    assert places(listed) == ["test/hole/b.png", "train/good/a.png"]
    assert places(listing(daemon, split="train")) == ["train/good/a.png"]
    for item, image in zip(listed["items"], reversed(images.values())):
        assert daemon("GET", item["href"]).body == image
    assert put(daemon, "Train/good/c.png", made(3)).code == "invalid_parameter"
    assert daemon("DELETE", listed["items"][0]["href"]).status == 204
    assert files(roots / "first") == ["carpet/Train/good/a.png"]


def test_classes_that_people_name(begin):
    daemon = begin()
    for n, (given, name) in enumerate([("dark%20stain", "dark stain"), ("sp%C3%A4ne", "späne")]):
        image = made(100 + n)
        assert put(daemon, f"test/{given}/a.png", image).json["class"] == name
        assert places(listing(daemon, **{"class": name})) == [f"test/{name}/a.png"]
        assert daemon("GET", listing(daemon, **{"class": name})["items"][0]["href"]).body == image
        assert daemon("DELETE", f"{BASE}/test/{given}/a.png").status == 204
    longest = put(daemon, f"test/{32 * '%C3%A4'}/{60 * 'a'}.png", made(102))
    assert longest.status == 201 and longest.headers["Location"] == longest.json["href"]


# --- refusals


HOSTILE = ["train/good/..", "train/good/../../x.png", "train/good/..%2f..%2fx.png", "train/good/%2e%2e", "train/../x.png",
           "train/%2e%2e/x.png", "..%2f..%2fetc/good/x.png", "train/good/a%00.png", "train/good/.hidden.png",
           "train/good/-rf.png", "train/good/Pr%C3%BCfling.png", "train/good/a%0a.png", "train/good/a%20b.png",
           "train/good/%ff.png", "train/good/" + 61 * "a" + ".png", "train/" + 65 * "a" + "/x.png", "valid/good/x.png",
           "train/good/a/b.png", "train/good/x", "train/good/x.gif", "train/good/x.jpg", "train/good/.png", "%2e/good/x.png",
           "train/.incoming/x.png", "test/@eaDir/x.png", "test/a%0ab/x.png", "test/%ff/x.png", "train/good%5c..%5c/x.png"]


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
    head = (f"PUT {BASE}/train/good/x.png HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {refuses.token}\r\n"
            "Content-Type: image/png\r\nConnection: close\r\n").encode()
    said = refuses.raw(head + b"Content-Length: %d\r\n\r\n" % ((1 << 20) + 1))
    grown = refuses.raw(head + b"Transfer-Encoding: chunked\r\n\r\n" + (b"10000\r\n" + bytes(1 << 16) + b"\r\n") * 17 +
                        b"0\r\n\r\n")
    for answer in said, grown:
        assert answer.startswith(b"HTTP/1.1 413 ") and b"body_too_large" in answer
    assert files(refuses.sets) == []


def test_uploads_at_once_are_bounded(refuses):
    head = (f"PUT {BASE}/train/good/x.png HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {refuses.token}\r\n"
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
