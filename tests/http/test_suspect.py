"""Pictures whose content was lost on the way are never good, and the answer, the row, the events and the exports say why."""
import csv
import io
import json
import urllib.parse

import numpy as np
import PIL.Image
import PIL.ImageOps
import pytest


def photo(width=160, height=120, channels=3):
    """A made-up part: ramps, an edge, some noise."""
    y, x = np.mgrid[:height, :width]
    noise = np.random.RandomState(1).randint(0, 9, (height, width))
    levels = [40 + 150 * x // width + noise, 60 + 120 * y // height + noise, 90 + 60 * (x > width // 2) + noise]
    return np.stack(levels[:channels], -1).astype(np.uint8)


def png(pixels):
    out = io.BytesIO()
    PIL.Image.fromarray(pixels.squeeze()).save(out, "PNG")
    return out.getvalue()


GREY = photo(channels=1)[..., 0]
LOST = {
    "black": (np.zeros((120, 160, 3), np.uint8), {"black", "flat"}),
    "nearly black": (photo() // 16, {"black"}),
    "white": (np.full((120, 160, 3), 255, np.uint8), {"white", "flat", "saturated"}),
    "grey": (np.full((120, 160), 128, np.uint8), {"flat"}),
    "red": (np.tile(np.array([200, 30, 30], np.uint8), (120, 160, 1)), {"flat"}),
    "overexposed": (np.clip(photo().astype(int) * 3, 0, 255).astype(np.uint8), {"saturated"}),
    "12 bits in 16": (GREY.astype(np.uint16) << 4, {"bit_depth"}),
    "10 bits in 16": (GREY.astype(np.uint16) << 2, {"bit_depth"}),
    "alpha 0": (np.dstack([photo(), np.zeros((120, 160), np.uint8)]), {"alpha"}),
}


@pytest.mark.parametrize("name", LOST)
def test_lost_pictures_are_suspect(shared, name):
    pixels, reasons = LOST[name]
    got = shared.inspect(png(pixels)).json
    assert got["suspect"] is True
    assert set(got["reasons"]) == reasons, got["reasons"]
    assert got["verdict"] != "good"
    assert got["verdict"] == ("anomaly" if got["probability"] >= got["threshold"] else "review")
    row = shared("GET", f"/v1/inspections/{got['id']}").json
    assert (row["suspect"], row["reasons"], row["verdict"]) == (True, got["reasons"], got["verdict"])
    lines = shared("GET", "/v1/inspections?limit=1", Accept="application/x-ndjson").body.splitlines()
    assert json.loads(lines[0])["reasons"] == got["reasons"]
    header, first = (line.split(",") for line in
                     shared("GET", "/v1/inspections?limit=1", Accept="text/csv").body.decode().splitlines()[:2])
    column = lambda name: first[header.index(name) - len(header)]  # a part may have commas
    assert (column("suspect"), column("reasons")) == ("true", " ".join(got["reasons"]))


def test_the_same_picture(shared):
    """A camera's 12 bits and a BGRX frame give the probability of the picture itself."""
    plain = shared.inspect(png(GREY)).json
    assert plain["suspect"] is False and plain["reasons"] == []
    for bits in (10, 12, 14):
        assert shared.inspect(png(GREY.astype(np.uint16) << (bits - 8))).json["probability"] == plain["probability"]
    colour = shared.inspect(png(photo())).json
    assert colour["suspect"] is False
    assert shared.inspect(png(LOST["alpha 0"][0])).json["probability"] == colour["probability"]


def test_declared_bits(start):
    daemon = start("decode.png16_bits=12")
    assert daemon.inspect(png(GREY.astype(np.uint16) << 4)).json["suspect"] is False
    assert daemon.inspect(png(GREY.astype(np.uint16) << 8)).json["suspect"] is False  # in the upper end, as PNG wants it
    refused = daemon.inspect(png(GREY.astype(np.uint16) * 257))
    assert (refused.status, refused.code) == (422, "image_undecodable")


def turned(orientation, size=(120, 80)):
    image, out, exif = PIL.Image.fromarray(photo(*size)), io.BytesIO(), PIL.Image.Exif()
    exif[0x0112] = orientation
    image.save(out, "JPEG", quality=95, exif=exif)
    return out.getvalue()


@pytest.mark.parametrize("orientation,size", [(1, (120, 80)), (3, (120, 80)), (6, (80, 120)), (8, (80, 120))])
def test_one_orientation(shared, orientation, size):
    """Sides, thumbnail and overlay are upright; the posted bytes stay as they are."""
    posted = turned(orientation)
    got = shared.inspect(posted, kind="image/jpeg").json
    assert (got["image"]["width"], got["image"]["height"]) == size
    at = f"/v1/inspections/{got['id']}"
    assert shared("GET", at + "/image").body == posted
    upright = PIL.ImageOps.exif_transpose(PIL.Image.open(io.BytesIO(posted)))
    for path in ("/image?width=40", "/heatmap.png?view=overlay&width=40"):
        small = PIL.Image.open(io.BytesIO(shared("GET", at + path).body))
        assert small.size == (40, round(40 * size[1] / size[0]))
        assert "exif" not in small.info
    small = PIL.Image.open(io.BytesIO(shared("GET", at + "/image?width=40").body)).convert("RGB")
    expected = np.asarray(upright.resize(small.size, PIL.Image.BILINEAR), int)
    assert np.abs(np.asarray(small, int) - expected).mean() < 4


@pytest.mark.parametrize("part", ["Gehäuse 47 / links", "01095060001343521724123110ABC\x1d21XYZ", "[)>\x1e06\x1dP4711\x1e\x04"])
def test_names_that_people_and_scanners_use(shared, part):
    asked = urllib.parse.urlencode({"product": "carpet", "part": part, "camera": "Straße 3"})
    got = shared.inspect(png(GREY), query=asked).json
    assert (got["part"], got["camera"]) == (part, "Straße 3")
    found = shared("GET", "/v1/inspections?" + urllib.parse.urlencode({"part": part})).json["items"]
    assert got["id"] in [row["id"] for row in found] and {row["part"] for row in found} == {part}
    rows = shared("GET", "/v1/inspections?" + urllib.parse.urlencode({"part": part}), Accept="text/csv").body
    assert part in [row[4] for row in csv.reader(io.StringIO(rows.decode(), newline=""))]


def test_names_that_are_refused_say_what_is_allowed(shared):
    for query, word in (("product=carpet&part=a%0Ab", "GS, RS and EOT"), ("product=rug%20left", "A-Z a-z 0-9 . _ -")):
        refused = shared.inspect(png(GREY), query=query)
        assert (refused.status, refused.code) == (400, "invalid_query")
        assert word in refused.json["detail"]
