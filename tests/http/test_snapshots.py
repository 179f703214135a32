"""The images that a version was trained on: kept by the version, and shown wherever they are now."""
import hashlib
import json

from test_good_only import begin, good_part, serving, train  # noqa: F401 (fixture)


def images(daemon, version, **query):
    query = "&".join(f"{name}={value}" for name, value in {"dataset": "parts", "limit": 500, **query}.items())
    answer = daemon("GET", f"/v1/admin/products/part/models/{version}/images?{query}")
    assert answer.status == 200, answer.body
    return answer.json


def test_a_version_shows_its_images_after_they_moved(begin, tmp_path):
    daemon = begin(24, 12)
    version = train(daemon, mode="supervised")["result"]["version"]
    listed = images(daemon, version)
    assert (listed["version"], listed["images"], listed["next"], len(listed["items"])) == (version, 36, None, 36)
    part = tmp_path / "sets/parts"
    for item in listed["items"]:
        data = (part / item["place"]).read_bytes()
        assert (item["sha256"], item["bytes"]) == (hashlib.sha256(data).hexdigest(), len(data))
        assert item["class"] == item["place"].split("/")[1]
        assert item["class"] == "hole" or f"{item['now']['split']}/{item['now']['class']}/{item['now']['name']}" == item["place"]
    assert 0 < sum(item["held_out"] for item in listed["items"]) < 12  # a fifth of them

    (part / "train/good/003.png").rename(part / "test/hole/other.png")
    (part / "train/good/004.png").unlink()
    (part / "train/good/005.png").write_bytes(good_part(77))  # another picture under the old name
    now = {item["place"]: item["now"] for item in images(daemon, version)["items"]}
    moved = now["train/good/003.png"]
    assert (moved["class"], moved["name"]) == ("hole", "other.png")
    assert daemon("GET", moved["href"]).body == good_part(3)
    assert now["train/good/004.png"] is None and now["train/good/005.png"] is None

    page = images(daemon, version, limit=10)
    rest = images(daemon, version, limit=26, cursor=page["next"])
    assert (page["next"], rest["next"], rest["images"]) == ("10", None, 36)
    assert [i["place"] for i in page["items"] + rest["items"]] == [i["place"] for i in listed["items"]]


def test_the_list_grows_with_a_part_that_was_good_after_all_or_is_missing(begin):
    daemon = begin(24)
    first = train(daemon)["result"]["version"]
    assert len(images(daemon, first)["items"]) == 24 and not any(i["held_out"] for i in images(daemon, first)["items"])
    serving(daemon, first)
    found = daemon.inspect(good_part(45), "product=part").json
    daemon("PUT", f"/v1/inspections/{found['id']}/label", json.dumps({"label": "good"}), Content_Type="application/json")
    second = train(daemon, dataset=None, seed=None, mode="add_good")["result"]["version"]
    listed = images(daemon, second)["items"]
    assert (len(listed), listed[-1]["place"], listed[-1]["class"]) == (25, None, "good")
    assert listed[-1]["sha256"] == found["image"]["sha256"] and listed[-1]["now"] is None  # it is of the line

    (file,) = daemon.state.glob(f"models/part/{first}/dataset.json")  # damaged, and of an older daemon
    file.write_text('{"images": 7}')
    path = f"/v1/admin/products/part/models/{first}/images"
    assert daemon("GET", path).code == "model_invalid"
    file.unlink()
    assert daemon("GET", path).code == "not_found"
