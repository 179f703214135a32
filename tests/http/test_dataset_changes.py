"""The dataset as a browser fills it: products, uploads to a class, moves, the trash and undoing."""
import json
import os
import urllib.parse

import pytest
from conftest import eventually
from datasets import BASE, begin, files, listing, made, places, put, refuses, roots, sha256  # noqa: F401 (fixtures)


def add(daemon, image, name="", kind="image/png", **query):
    query = urllib.parse.urlencode({"class": "good", "name": name, **query})
    return daemon("POST", f"{BASE}/images?{query}", image, Content_Type=kind)


def change(daemon, action, **body):
    return daemon("POST", f"{BASE}/{action}", json.dumps(body), Content_Type="application/json")


def undo(daemon, answer):
    return change(daemon, "undo", change=answer.json["change"])


def in_set(roots):
    """The images of the set, without its trash."""
    return [name for name in files(roots / "first/carpet") if not name.startswith(".")]


# --- products and sets


def test_a_product_is_made_and_listed_as_a_set(begin, roots):
    daemon = begin()
    made_ = daemon("PUT", "/v1/admin/products/bottle")
    assert (made_.status, made_.json) == (201, {"product": "bottle", "dataset": "bottle"})
    assert daemon("PUT", "/v1/admin/products/bottle").status == 200
    put(daemon, "train/good/a.png", made(1))
    put(daemon, "test/hole/b.png", made(2))
    (roots / "second/line3/cubes/test/good").mkdir(parents=True)  # a level down; not one to write into
    (roots / "second/line3/cubes/test/good/c.png").write_bytes(made(3))
    (roots / "second/bottle/train").mkdir(parents=True)  # the first root's bottle hides it
    (roots / "second/notes").mkdir()
    (roots / "second/notes/x.txt").write_text("no set")
    os.symlink("/etc", roots / "second/out")
    sets = daemon("GET", "/v1/admin/datasets").json
    assert sets == {"more": False, "items": [
        {"dataset": "bottle", "own": True, "images": 0, "classes": {}, "failure": None},
        {"dataset": "carpet", "own": True, "images": 2, "classes": {"good": 1, "hole": 1}, "failure": None},
        {"dataset": "line3/cubes", "own": False, "images": 1, "classes": {"good": 1}, "failure": None}]}


# --- uploads


def test_uploads_to_a_class(begin, roots):
    daemon = begin()
    images = [made(n) for n in range(5)]
    for image, name, class_, place in [
        (images[0], "IMG 0001.JPEG", "good", "train/good/IMG_0001.png"),  # the ending is that of the bytes
        (images[1], "C:\\fotos\\../img 0001.png", "good", "train/good/img_0001-2.png"),  # no file system tells them apart
        (images[2], "", "scratch", "test/scratch/image.png"),
        (images[3], "Prüf/-.x", "Kratzer groß", "test/Kratzer groß/x.png"),
        (images[4], sha256(b"")[:40] + ".png", "good", "train/good/image.png"),  # not like one from a label
    ]:
        answer = add(daemon, image, name, **{"class": class_})
        found = answer.json["image"]
        assert (answer.status, answer.json["outcome"]) == (201, "added"), answer.body
        if name.startswith("C:"):  # the last part of the path, whichever way the slashes lean
            place = f"train/good/{found['name']}"
            assert "/" not in found["name"] and not found["name"].startswith(".")
        if name.startswith("Prüf"):
            place = f"test/Kratzer groß/{found['name']}"
        assert f"{found['split']}/{found['class']}/{found['name']}" == place
        assert found["source"] == "file"
        assert (roots / "first/carpet" / place).read_bytes() == image
        again = add(daemon, image, "other.png", **{"class": "dent"})  # by content, whatever the name and the class
        assert (again.status, again.json["outcome"], again.json["image"]["href"]) == (200, "duplicate", found["href"])
    assert len(in_set(roots)) == 5 and not list((roots / "first/carpet/.incoming").iterdir())


@pytest.mark.parametrize("query,body,kind,code", [
    ({"class": "../x"}, made(1), "image/png", "invalid_query"),
    ({"class": ""}, made(1), "image/png", "invalid_query"),
    ({"name": "a\nb"}, made(1), "image/png", "invalid_query"),
    ({"colour": "red"}, made(1), "image/png", "invalid_query"),
    ({}, made(1), "image/tiff", "unsupported_media_type"),
    ({}, made(1), "image/jpeg", "image_undecodable"),
    ({}, made(1)[:200], "image/png", "image_undecodable"),
    ({}, b"", "image/png", "empty_body"),
])
def test_uploads_that_are_refused(refuses, query, body, kind, code):
    assert add(refuses, body, kind=kind, **query).code == code
    assert files(refuses.sets) == []


def test_only_an_admin(refuses):
    for method, path in [("PUT", "/v1/admin/products/x"), ("GET", "/v1/admin/datasets"), ("POST", f"{BASE}/images?class=good"),
                         ("POST", f"{BASE}/move"), ("POST", f"{BASE}/delete"), ("POST", f"{BASE}/undo"),
                         ("GET", f"{BASE}/changes"), ("DELETE", f"{BASE}/changes")]:
        refuses.token, kept = None, refuses.token
        try:
            assert refuses(method, path).code == "unauthorized"
        finally:
            refuses.token = kept


def test_thumbnails(begin):
    daemon = begin()
    put(daemon, "train/good/a.png", made(1, size=(300, 200)))
    small = daemon("GET", f"{BASE}/train/good/a.png?width=60")
    assert (small.status, small.headers["Content-Type"]) == (200, "image/jpeg")
    assert small.body[:2] == b"\xff\xd8" and len(small.body) < 60 * 40 * 3
    again = daemon("GET", f"{BASE}/train/good/a.png?width=60", If_None_Match=small.headers["ETag"])
    assert again.status == 304
    assert daemon("GET", f"{BASE}/train/good/a.png", If_None_Match=small.headers["ETag"]).status == 200
    assert daemon("GET", f"{BASE}/train/good/a.png?width=5").code == "invalid_query"


# --- changes


def test_move_delete_and_undo(begin, roots):
    daemon = begin()
    images = {"train/good/a.png": made(1), "train/good/b.png": made(2), "test/hole/a.png": made(3)}
    for place, image in images.items():
        put(daemon, place, image)
    moved = change(daemon, "move", images=["train/good/a.png", "train/good/b.png", "train/good/none.png",
                                           "test/hole/a.png"], **{"class": "hole"})
    assert [(i["outcome"], i["to"]) for i in moved.json["items"]] == [
        ("done", "test/hole/a-2.png"), ("done", "test/hole/b.png"), ("gone", "test/hole/none.png"),
        ("already", "test/hole/a.png")]
    assert moved.json["done"] == 2
    assert in_set(roots) == ["test/hole/a-2.png", "test/hole/a.png", "test/hole/b.png"]
    deleted = change(daemon, "delete", images=["test/hole/a.png", "test/hole/a-2.png"])
    assert deleted.json["done"] == 2 and in_set(roots) == ["test/hole/b.png"]
    assert listing(daemon)["images"] == 1
    listed = daemon("GET", f"{BASE}/changes").json["items"]
    assert [(i["id"], i["action"], i["class"]) for i in listed] == [
        (deleted.json["change"], "delete", None), (moved.json["change"], "move", "hole")]
    back = undo(daemon, deleted)
    assert [(i["from"], i["to"], i["outcome"]) for i in back.json["items"]] == [
        (None, "test/hole/a.png", "done"), (None, "test/hole/a-2.png", "done")]
    assert undo(daemon, deleted).code == "not_found"
    assert undo(daemon, moved).json["done"] == 2
    assert in_set(roots) == sorted(images)
    for place, image in images.items():
        assert (roots / "first/carpet" / place).read_bytes() == image
    assert daemon("GET", f"{BASE}/changes").json["items"] == []
    again = change(daemon, "move", images=["train/good/a.png"], **{"class": "OK"})  # means good
    assert (again.json["change"], again.json["items"][0]["outcome"]) == (None, "already")


def test_undo_after_the_world_went_on(begin, roots):
    """Nothing is overwritten and no content comes twice, whatever happened between a change and its undoing."""
    daemon = begin()
    first, second, third = made(1), made(2), made(3)
    put(daemon, "train/good/a.png", first)
    put(daemon, "train/good/b.png", second)
    gone = change(daemon, "delete", images=["train/good/a.png", "train/good/b.png"])
    put(daemon, "train/good/b.png", first)  # the name of one with the content of the other
    back = undo(daemon, gone)
    assert [(i["outcome"], i["to"]) for i in back.json["items"]] == [("already", None), ("done", "train/good/b-2.png")]
    assert (roots / "first/carpet/train/good/b.png").read_bytes() == first
    assert (roots / "first/carpet/train/good/b-2.png").read_bytes() == second
    moved = change(daemon, "move", images=["train/good/b.png"], **{"class": "hole"})
    assert daemon("DELETE", f"{BASE}/test/hole/b.png").status == 204
    put(daemon, "train/good/b.png", third)
    assert undo(daemon, moved).json["items"][0]["outcome"] == "gone"
    assert (roots / "first/carpet/train/good/b.png").read_bytes() == third


def test_no_image_gets_the_mask_of_another(begin, roots):
    """A mask, or a file of boxes, belongs to a name: an image that leaves its place loses it, and nobody else gets it."""
    daemon = begin()
    put(daemon, "test/hole/a.png", made(1))
    put(daemon, "train/good/b.png", made(2))
    put(daemon, "train/good/c.png", made(5))
    for name in "a_mask.png", "b.png", "c.txt", "d.txt":
        (roots / "first/carpet/ground_truth/hole").mkdir(parents=True, exist_ok=True)
        (roots / "first/carpet/ground_truth/hole" / name).write_bytes(made(3))
    moved = change(daemon, "move", images=["test/hole/a.png"], **{"class": "stain"})
    assert add(daemon, made(4), "a.png", **{"class": "hole"}).json["image"]["name"] == "a-2.png"
    assert change(daemon, "move", images=["train/good/b.png"], **{"class": "hole"}).json["items"][0]["to"] == "test/hole/b-2.png"
    assert change(daemon, "move", images=["train/good/c.png"], **{"class": "hole"}).json["items"][0]["to"] == "test/hole/c-2.png"
    assert add(daemon, made(6), "d.png", **{"class": "hole"}).json["image"]["name"] == "d-2.png"
    assert undo(daemon, moved).json["items"][0]["to"] == "test/hole/a.png"  # and has its mask again


def test_a_change_that_a_crash_cut_off_can_be_undone(begin, roots):
    """As kill -9 leaves it after the first of two steps: the description is on the disk before any image moves."""
    daemon = begin()
    put(daemon, "train/good/a.png", made(1))
    put(daemon, "train/good/b.png", made(2))
    deleted = change(daemon, "delete", images=["train/good/a.png", "train/good/b.png"])
    trash = roots / "first/carpet/.trash" / deleted.json["change"]
    (roots / "first/carpet/train/good").mkdir(parents=True)
    os.rename(trash / "1", roots / "first/carpet/train/good/b.png")
    back = undo(daemon, deleted)
    assert [i["outcome"] for i in back.json["items"]] == ["done", "gone"]
    assert in_set(roots) == ["train/good/a.png", "train/good/b.png"]


def test_a_disk_without_room_changes_nothing(begin, roots):
    daemon = begin()
    put(daemon, "train/good/a.png", made(1))
    (roots / "first/carpet/.trash").write_bytes(b"")  # in the way of the folder, like a disk that refuses to write
    assert change(daemon, "delete", images=["train/good/a.png"]).status == 403
    assert in_set(roots) == ["train/good/a.png"]


def test_the_trash_is_emptied(begin, roots):
    daemon = begin()
    put(daemon, "train/good/a.png", made(1))
    deleted = change(daemon, "delete", images=["train/good/a.png"])
    assert len(list((roots / "first/carpet/.trash").iterdir())) == 1
    assert daemon("DELETE", f"{BASE}/changes").json == {"forgotten": 1}
    assert not list((roots / "first/carpet/.trash").iterdir())
    assert undo(daemon, deleted).code == "not_found"


def test_the_trash_is_emptied_by_age(begin, roots):
    old = roots / "first/carpet/.trash/0199c000-0000-7000-8000-000000000000"  # of 2025
    old.mkdir(parents=True)
    (old / "0").write_bytes(made(1))
    (roots / "first/carpet/train/good").mkdir(parents=True)
    (roots / "first/carpet/train/good/b.png").write_bytes(made(2))
    daemon = begin("storage.sweep_interval_s=1", "training.trash_days=1")
    new = change(daemon, "delete", images=["train/good/b.png"])
    eventually(lambda: not old.exists(), 90)
    assert undo(daemon, new).json["done"] == 1


@pytest.mark.parametrize("action,body", [
    ("move", {"images": ["train/good/a.png"]}),
    ("move", {"images": ["train/good/a.png"], "class": "../x"}),
    ("move", {"images": [], "class": "good"}),
    ("move", {"images": ["train/good/a.png"] * 501, "class": "good"}),
    ("move", {"images": ["train/good"], "class": "good"}),
    ("move", {"images": ["train/../../etc/passwd"], "class": "good"}),
    ("move", {"images": ["train/good/.hidden"], "class": "good"}),
    ("move", {"images": [7], "class": "good"}),
    ("delete", {"images": ["x" * 600]}),
    ("delete", {"images": ["train/good/a.png"], "class": "good"}),
    ("undo", {"change": "../.."}),
    ("undo", {}),
])
def test_changes_that_are_refused(refuses, action, body):
    assert change(refuses, action, **body).code == "invalid_parameter"


def test_images_that_share_their_name_and_are_long_keep_their_endings(begin, roots):
    daemon = begin()
    name = "ä" * 120 + ".png"
    for n, folder in enumerate(["train/good", "test/stain", "test/hole"]):
        (roots / "first/carpet" / folder).mkdir(parents=True)
        (roots / "first/carpet" / folder / name).write_bytes(made(n))
    moved = change(daemon, "move", images=[f"train/good/{name}", f"test/stain/{name}"], **{"class": "dent"})
    first, second = (i["to"].split("/")[2] for i in moved.json["items"])
    assert first == name and second == "1-" + "ä" * 95 + ".png"
    back = change(daemon, "move", images=[f"test/dent/{name}"], **{"class": "hole"})
    assert back.json["items"][0]["to"] == "test/hole/" + "ä" * 95 + "-2.png"
    assert listing(daemon)["images"] == 3


def test_the_good_ones_are_listed_whatever_their_folder_is_called(begin, roots):
    daemon = begin()
    for n, folder in enumerate(["train/good", "train/OK", "test/Good", "test/hole"]):
        (roots / "first/carpet" / folder).mkdir(parents=True)
        (roots / "first/carpet" / folder / "a.png").write_bytes(made(n))
    listed = ["test/Good/a.png", "train/OK/a.png", "train/good/a.png"]
    assert sorted(places(listing(daemon, **{"class": "good"}))) == listed
    assert places(listing(daemon, **{"class": "hole"})) == ["test/hole/a.png"]


def test_list_by_source(begin):
    daemon = begin()
    image = made(1)
    put(daemon, "train/good/a.png", made(2))
    put(daemon, f"train/good/{sha256(image)[:40]}.png", image)
    assert places(listing(daemon, source="inspection")) == [f"train/good/{sha256(image)[:40]}.png"]
    assert places(listing(daemon, source="file")) == ["train/good/a.png"]
    assert daemon("GET", f"{BASE}?source=moon").code == "invalid_query"
