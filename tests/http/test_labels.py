"""Labelled inspections: import into the dataset, and feedback on a new model."""
import io
import json
import pathlib
import random
import threading
import urllib.parse

import jsonschema
import PIL.Image
import pytest
import yaml
from conftest import FAKE, eventually
from datasets import BASE, begin, files, listing, made, places, put, refuses, roots, sha256  # noqa: F401 (fixtures)

SECONDS = 240
RESOLVER = jsonschema.RefResolver("", yaml.safe_load((pathlib.Path(__file__).parents[2] / "openapi.yaml").read_text()))


# --- import into the dataset


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


@pytest.mark.sequential
def test_defects_as_people_name_them(begin, roots):
    daemon = begin()
    for n, defect in enumerate(("dark stain", "Späne")):
        inspected(daemon, made(50 + n), "anomaly", defect)
    assert counts(take(daemon)) == {"added": 2}
    assert {place.split("/")[1] for place in places(listing(daemon))} == {"dark stain", "Späne"}
    name = daemon.inspect(made(60)).json["id"]
    for defect in "good", "OK", "Ok", "@eaDir", ".x", "a/b", "a\nb", 65 * "a", "":
        word = json.dumps({"label": "anomaly", "defect": defect})
        assert daemon("PUT", f"/v1/inspections/{name}/label", word).code == "invalid_parameter", defect


@pytest.mark.sequential
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


@pytest.mark.sequential
def test_an_image_that_is_there_already_under_a_name_of_its_own(begin):
    daemon = begin()
    image = made(1)
    put(daemon, "test/good/mine.png", image)
    inspected(daemon, image, "good")
    taken = take(daemon)
    assert counts(taken) == {"duplicates": 1} and taken["items"][0]["place"] == "test/good/mine.png"


@pytest.mark.sequential
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


@pytest.mark.sequential
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
    # of two labels for the same bytes the latest counts, whichever part it belongs to
    second = inspected(daemon, image, "anomaly", "scratch")
    assert counts(take(daemon)) == {"duplicates": 1, "moved": 1}
    say(daemon, first["id"], "anomaly", "hole")
    assert counts(take(daemon)) == {"duplicates": 1, "moved": 1}
    assert second["id"] != first["id"]
    assert f"test/hole/{sha256(image)[:40]}.png" in files(roots / "first/carpet")


@pytest.mark.sequential
def test_copies_in_two_classes_become_one(begin, roots):
    daemon = begin()
    image = made(1)
    for folder in "train/good", "test/hole", "test/stain":
        (roots / "first/carpet" / folder).mkdir(parents=True)
        (roots / "first/carpet" / folder / "x.png").write_bytes(image)
    inspected(daemon, image, "anomaly", "hole")
    assert counts(take(daemon)) == {"moved": 1}
    assert files(roots / "first/carpet") == ["test/hole/x.png"]


@pytest.mark.sequential
def test_a_move_onto_a_name_that_is_taken(begin, roots):
    daemon = begin()
    put(daemon, "train/good/x.png", made(1))
    put(daemon, "test/hole/x.png", made(2))
    inspected(daemon, made(1), "anomaly", "hole")
    assert counts(take(daemon)) == {"moved": 1}
    assert files(roots / "first/carpet") == sorted(["test/hole/x.png", f"test/hole/{sha256(made(1))[:40]}.png"])


@pytest.mark.sequential
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


@pytest.mark.sequential
@pytest.mark.parametrize("body, name", [
    ({"colour": "red"}, "colour"), ({"since": "yesterday"}, "since"), ({"until": 3}, "until"), ({"labels": []}, "labels"),
    ({"labels": ["bad"]}, "labels"), ({"labels": "good"}, "labels"), ({"limit": 0}, "limit"), ({"limit": 1001}, "limit"),
    ({"cursor": "../x"}, "cursor"), ([], "must be")])
def test_bad_parameters_of_from_labels(refuses, body, name):
    answer = refuses("POST", BASE + "/from-labels", json.dumps(body))
    assert (answer.status, answer.code) == (422, "invalid_parameter")
    assert name in answer.json["detail"]
    assert refuses("POST", BASE + "/from-labels", "{").code == "malformed_request"


@pytest.mark.sequential
def test_images_that_retention_took(begin, roots):
    daemon = begin()
    kept, lost = inspected(daemon, made(1), "good"), inspected(daemon, made(2), "good")
    stored = list((daemon.state / "images").rglob(lost["id"] + ".png"))
    assert len(stored) == 1
    stored[0].unlink()
    taken = take(daemon)
    assert counts(taken) == {"added": 1, "gone": 1}
    assert {i["id"]: i["outcome"] for i in taken["items"]} == {kept["id"]: "added", lost["id"]: "gone"}
    put(daemon, "train/good/again.png", made(2))  # a client with the bytes may upload them again
    assert counts(take(daemon)) == {"duplicates": 2}


@pytest.mark.sequential
def test_no_room_for_labels(begin, roots):
    daemon = begin("storage.free_bytes_min=1000T")
    inspected(daemon, made(1), "anomaly")
    answer = daemon("POST", BASE + "/from-labels", "")
    assert (answer.status, answer.code) == (507, "storage_full")
    assert files(roots / "first") == []


def test_inspections_go_on_while_labels_are_taken(begin):
    daemon = begin()
    for n in range(30):
        inspected(daemon, made(n), "good")
    taken = []
    thread = threading.Thread(target=lambda: taken.append(take(daemon)))
    thread.start()
    answers = [daemon.inspect(made(1000 + n)).status for n in range(20)]
    thread.join()
    assert answers == [200] * 20 and counts(taken[0]) == {"added": 30}


# --- feedback on a new model


def shade(level, number):
    """Grey pictures of one level, each with different pixels."""
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
    """A daemon that judged every part an anomaly, and labels of people: 6 good and 6 defective parts, imported into the
    dataset, and three that came later."""
    daemon = begin()
    assert daemon("PATCH", "/v1/admin/products/carpet/models/v1", '{"threshold": 0}').status == 200
    daemon.ids = {}
    for n in range(6):
        daemon.ids[f"good{n}"] = inspected(daemon, shade(10, n), "good")["id"]
        daemon.ids[f"hole{n}"] = inspected(daemon, shade(245, n), "anomaly", "hole")["id"]
    assert counts(take(daemon)) == {"added": 12}
    daemon.ids["later"] = inspected(daemon, shade(10, 100), "good")["id"]
    daemon.ids["bright"] = inspected(daemon, shade(245, 100), "good")["id"]
    daemon.ids["right"] = inspected(daemon, shade(245, 101), "anomaly")["id"]
    return daemon


@pytest.mark.sequential
def test_a_candidate_is_held_against_the_labels(labelled):
    result = run_job(labelled, "train", activate="never")["result"]
    feedback, unseen = result["feedback"], result["feedback"]["unseen"]
    assert (feedback["labelled"], feedback["left_out"], feedback["unreadable"]) == (15, 0, 0)
    assert (feedback["missed_before"], feedback["false_alarms_before"]) == (0, 8)
    assert feedback["now_right"] + feedback["still_wrong"] == 8
    assert feedback["trunk_runs"] == 3  # the dataset's are in the cache
    trained_on = 12 - result["held_out"]
    assert unseen["labelled"] == 15 - trained_on
    by_id = {item["id"]: item for item in feedback["items"]}
    for item in feedback["items"]:
        assert item["verdict_now"] == ("anomaly" if item["probability_now"] >= 0.5 else "good")
        assert item["verdict_before"] == "anomaly" and item["model"] == "v1"
    for name in "later", "bright":
        assert by_id[labelled.ids[name]]["in_training"] is False
    assert sum(item["in_training"] for item in feedback["items"]) <= trained_on
    wrong = [item["verdict_now"] != item["label"] for item in feedback["items"]]
    assert wrong == sorted(wrong, reverse=True)
    if FAKE:  # it always distinguishes dark from bright
        assert (feedback["now_right"], feedback["still_wrong"], feedback["newly_wrong"]) == (7, 1, 0)
        assert feedback["items"][0]["id"] == labelled.ids["bright"]
        assert labelled.ids["right"] not in by_id
        assert by_id[labelled.ids["good3"]]["verdict_now"] == "good"


@pytest.mark.sequential
def test_the_last_word_is_what_counts_in_feedback(labelled):
    for n in range(6):
        say(labelled, labelled.ids[f"good{n}"], "anomaly", "odd")
    feedback = run_job(labelled, "train", activate="never")["result"]["feedback"]
    assert feedback["false_alarms_before"] == 2 and feedback["labelled"] == 15


@pytest.mark.sequential
def test_an_evaluation_has_it_too(labelled):
    version = run_job(labelled, "train", activate="never")["result"]["version"]
    result = run_job(labelled, "evaluate", version=version)["result"]
    assert result["version"] == version
    assert result["feedback"]["labelled"] == 15 and result["feedback"]["unseen"] is None
    assert {item["in_training"] for item in result["feedback"]["items"]} == {None}
    assert result["feedback"]["trunk_runs"] == 0


@pytest.mark.sequential
def test_images_that_went_meanwhile_do_not_fail_the_training(labelled):
    for name in "later", "right":
        for file in (labelled.state / "images").rglob(labelled.ids[name] + ".png"):
            file.unlink()
    done = run_job(labelled, "train", activate="never")
    assert (done["result"]["feedback"]["labelled"], done["result"]["feedback"]["unreadable"]) == (13, 2)


@pytest.mark.sequential
def test_without_labels_there_is_no_feedback(begin, roots):
    daemon = begin()
    for n in range(8):
        put(daemon, f"train/good/{n}.png", shade(10, n))
        put(daemon, f"test/hole/{n}.png", shade(245, n))
    assert run_job(daemon, "train", activate="never")["result"]["feedback"] is None


@pytest.mark.sequential
def test_raw_frames_in_feedback(begin):
    daemon = begin()
    kind = "image/x-raw;format=mono8;width=64;height=64"
    for n in range(6):
        inspected(daemon, bytes([10]) * (64 * 64 - 1) + bytes([n]), "good", kind=kind)
        inspected(daemon, bytes([245]) * (64 * 64 - 1) + bytes([n]), "anomaly", "hole", kind=kind)
    assert counts(take(daemon)) == {"added": 12}
    result = run_job(daemon, "train", activate="never")["result"]
    assert (result["feedback"]["labelled"], result["feedback"]["unreadable"]) == (12, 0)
    assert result["feedback"]["unseen"]["labelled"] == result["held_out"]  # known by the name that the PNG has


@pytest.mark.sequential
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
