"""POST of a picture, and its verdict, record, image and heatmaps."""
import io
import re
import socket
import time

import PIL.Image
import pytest
import rows
from conftest import FAKE, count, eventually, picture

needs_fake = pytest.mark.skipif(not FAKE, reason="only the fake shim lets a test choose verdict and time")


@needs_fake
def test_white_is_an_anomaly_and_black_is_good(shared):
    assert shared.inspect(picture("white")).json["verdict"] == "anomaly"
    assert shared.inspect(picture("black")).json["verdict"] == "good"


@pytest.mark.real_device
def test_the_probability_depends_on_the_picture(shared):
    """A network that ignores the image would pass most other tests."""
    pictures = [picture(colour) for colour in ("black", "white", "#808080", "red")]
    got = sorted(shared.inspect(body).json["probability"] for body in pictures)
    assert min(high - low for low, high in zip(got, got[1:])) > 0.01, got


@pytest.mark.real_device
def test_answer_has_the_fields_of_the_contract(shared):
    got = shared.inspect(picture(kind="JPEG"), "product=carpet&camera=c%C3%A41&part=p%201", "image/jpeg").json
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", got["id"])
    assert (got["product"], got["model"], got["camera"], got["part"]) == ("carpet", "v1", "cä1", "p 1")
    assert 0 <= got["probability"] <= 1 and got["threshold"] == 0.5
    assert (got["image"]["width"], got["image"]["height"]) == (320, 200)
    stages = {"receive", "wait", "decode", "queue", "inference", "store"}
    assert set(got["timing_ms"]) == stages | {"total"}
    assert sum(got["timing_ms"][stage] for stage in stages) == pytest.approx(got["timing_ms"]["total"], abs=1e-6)
    assert min(got["timing_ms"].values()) >= 0
    assert set(got["heatmap"]) >= {"href", "threshold", "max", "area", "boxes"}
    stored = shared("GET", f"/v1/inspections/{got['id']}").json
    assert stored == got


@pytest.mark.parametrize("kind,body", [
    ("image/x-raw;format=mono8;width=64;height=48", bytes(64 * 48)),
    ("image/x-raw;format=rgb8;width=64;height=48", bytes(64 * 48 * 3)),
    ("image/jpeg", picture(kind="JPEG")),
])
def test_each_media_type(shared, kind, body):
    assert shared.inspect(body, kind=kind).status == 200


def multipart(name, content, kind=None):
    head = f'--b0\r\nContent-Disposition: form-data; name="{name}"; filename="x"\r\n'
    head += f"Content-Type: {kind}\r\n" if kind else ""
    return head.encode() + b"\r\n" + content + b"\r\n--b0--\r\n"


@pytest.mark.parametrize("kind", [None, "image/png", "application/octet-stream"])
def test_multipart(shared, kind):
    sent = picture()
    got = shared.inspect(multipart("image", sent, kind), kind="multipart/form-data; boundary=b0").json
    assert shared("GET", got["image"]["href"]).body == sent


def test_image_comes_back_as_posted_and_is_revalidated(shared):
    sent = picture(noise=True)
    href = shared.inspect(sent).json["image"]["href"]
    first = shared("GET", href)
    assert first.body == sent and first.headers["Content-Type"] == "image/png"
    again = shared("GET", href, If_None_Match=first.headers["ETag"])
    assert (again.status, again.body) == (304, b"")


@pytest.mark.parametrize("view,mode", [("threshold", "RGBA"), ("overlay", "RGB"), ("raw", "RGB")])
def test_heatmap_views(shared, view, mode):
    href = shared.inspect(picture(noise=True)).json["heatmap"]["href"]
    got = shared("GET", f"{href}?view={view}&threshold=0.2")
    image = PIL.Image.open(io.BytesIO(got.body))
    assert (image.format, image.mode, image.size) == ("PNG", mode, (320, 200))
    assert shared("GET", f"{href}?view={view}&threshold=0.2", If_None_Match=got.headers["ETag"]).status == 304


def test_heat_is_the_map_as_numbers(shared):
    made = shared.inspect(picture(noise=True)).json
    answer = shared("GET", f"/v1/inspections/{made['id']}/heat")
    got, heatmap = answer.json, made["heatmap"]
    assert (got["id"], got["scale"], got["threshold"]) == (made["id"], heatmap["scale"], heatmap["threshold"])
    assert (got["width"], got["height"]) == (made["image"]["width"], made["image"]["height"])
    assert [len(row) for row in got["heat"]] == [14] * 14
    numbers = [value for row in got["heat"] for value in row]
    assert all(0 <= value <= 1 for value in numbers)
    pixels = PIL.Image.new("F", (14, 14))
    pixels.putdata(numbers)
    pixels = list(pixels.resize((got["width"], got["height"]), PIL.Image.Resampling.BILINEAR).getdata())
    assert max(pixels) == pytest.approx(heatmap["max"], abs=1e-4)
    hot = sum(value >= got["threshold"] for value in pixels) / len(pixels)
    assert hot == pytest.approx(heatmap["area"], abs=2e-3)
    again = shared("GET", f"/v1/inspections/{made['id']}/heat", If_None_Match=answer.headers["ETag"])
    assert (again.status, again.body) == (304, b"")
    assert answer.headers.get_all("Cache-Control") == ["private, max-age=31536000, immutable"]


def test_row_without_a_map_has_no_heat(start):
    daemon = start()
    [name] = rows.fill(daemon.state, 1)
    for path in "heat", "heatmap.png", "heatmap.png?view=raw":
        answer = daemon("GET", f"/v1/inspections/{name}/{path}")
        assert (answer.status, answer.code) == (404, "not_found")


def test_accept_png_answers_the_heatmap(shared):
    got = shared.inspect(picture(), Accept="image/png")
    assert PIL.Image.open(io.BytesIO(got.body)).size == (320, 200)
    stored = shared("GET", f"/v1/inspections/{got.headers['Inspection-Id']}").json
    assert stored["verdict"] == got.headers["Inspection-Verdict"]
    assert float(got.headers["Inspection-Probability"]) == stored["probability"]  # never rounded across the threshold


def test_pages_walk_the_list_newest_first(start):
    daemon = start()
    ids = [daemon.inspect(picture(), f"product=carpet&part=p{i}").json["id"] for i in range(5)]
    seen, path = [], "/v1/inspections?limit=2"
    while path:
        page = daemon("GET", path).json
        seen += [item["id"] for item in page["items"]]
        path = page["next"] and f"/v1/inspections?limit=2&cursor={page['next']}"
    assert seen == ids[::-1]
    assert [i["part"] for i in daemon("GET", "/v1/inspections?part=p3").json["items"]] == ["p3"]
    cursor = daemon("GET", "/v1/inspections?limit=2").json["next"]
    assert daemon("GET", f"/v1/inspections?limit=2&part=p3&cursor={cursor}").code == "invalid_query"


def test_label(shared):
    item = shared.inspect(picture()).json
    path = f"/v1/inspections/{item['id']}/label"
    got = shared("PUT", path, '{"label": "anomaly", "defect": "hole", "note": "left edge"}').json
    assert got["label"]["label"] == "anomaly" and got["label"]["defect"] == "hole"
    assert shared("PUT", path, '{"label": "fine"}').code == "invalid_parameter"
    assert shared("PUT", path, '{"label": "good", "defect": "hole"}').code == "invalid_parameter"
    assert shared("PUT", path, '{"label": "anomaly", "defect": "good"}').code == "invalid_parameter"
    assert shared("PUT", path, "{").code == "malformed_request"
    assert shared("PUT", path).code == "empty_body"
    missing = "/v1/inspections/01a20f8b-6a8d-7000-820b-092b4143d590/label"
    assert shared("PUT", missing, '{"label": "good"}').code == "not_found"


def test_a_label_is_withdrawn(shared):
    item = shared.inspect(picture()).json
    path = f"/v1/inspections/{item['id']}"
    assert shared("PUT", f"{path}/label", '{"label": "good"}').json["label"]["label"] == "good"
    assert shared("PUT", f"{path}/label", '{"label": null}').json["label"] is None
    assert shared("GET", path).json["label"] is None
    assert shared("PUT", f"{path}/label", '{"label": null, "defect": "hole"}').code == "invalid_parameter"


@needs_fake
def test_client_that_leaves_frees_its_slot_and_nothing_is_stored(start):
    daemon = start("limits.inflight=1", env={"INSP_FAKE_PASS_MS": "4000"})
    body = picture()
    with socket.create_connection((daemon.host, daemon.port)) as s:
        s.sendall(b"POST /v1/inspections?product=carpet HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n"
                  b"Content-Length: %d\r\n\r\n" % len(body) + body)
        eventually(lambda: daemon.metric("in_flight") == 1)
    begin = time.monotonic()
    eventually(lambda: daemon.metric("in_flight") == 0)
    assert time.monotonic() - begin < 3.5  # not at the end of the pass
    assert daemon.inspect(picture()).status == 200
    assert count(daemon) == 1
