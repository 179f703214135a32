"""Images, thumbnails and heatmaps: sizes, caching, conditional requests."""
import concurrent.futures
import io
import shutil

import PIL.Image
import pytest
from conftest import picture


def opened(answer):
    assert answer.status == 200, answer.body
    return PIL.Image.open(io.BytesIO(answer.body))


def kept(daemon):
    return sorted(str(path.relative_to(daemon.state / "cache" / "thumbnails"))
                  for path in (daemon.state / "cache" / "thumbnails").rglob("*") if path.is_file())


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_thumbnail_is_made_once(start, kind):
    daemon = start()
    item = daemon.inspect(picture(noise=True, size=(640, 400), kind=kind), kind=f"image/{kind.lower()}").json
    first = daemon("GET", item["image"]["href"] + "?width=160")
    assert (opened(first).format, opened(first).size) == ("JPEG", (160, 100))
    assert first.headers["Content-Type"] == "image/jpeg" and first.headers["Cache-Control"] == "private, max-age=31536000, immutable"
    assert kept(daemon) == [f"{item['id']}/160.jpg"]
    file = daemon.state / "cache" / "thumbnails" / item["id"] / "160.jpg"
    assert file.read_bytes() == first.body
    made = file.stat().st_mtime_ns
    assert daemon("GET", item["image"]["href"] + "?width=160").body == first.body
    assert file.stat().st_mtime_ns == made


def test_it_never_grows(shared):
    jpeg = picture(noise=True, size=(100, 60), kind="JPEG")
    href = shared.inspect(jpeg, kind="image/jpeg").json["image"]["href"]
    assert shared("GET", href + "?width=2048").body == jpeg  # the posted bytes: nothing to gain
    href = shared.inspect(picture(size=(100, 60))).json["image"]["href"]
    for width in 100, 101, 2048:
        assert opened(shared("GET", f"{href}?width={width}")).size == (100, 60)
    raw = shared.inspect(bytes(64 * 48), kind="image/x-raw;format=mono8;width=64;height=48").json["image"]["href"]
    assert opened(shared("GET", raw + "?width=64")).size == (64, 48)  # a frame that browsers cannot show becomes a JPEG


@pytest.mark.parametrize("width", ["15", "2049", "0", "-1", "x", "", "1e3", "99999999999999999999"])
def test_widths_out_of_range(shared, width):
    item = shared.inspect(picture()).json
    for href in item["image"]["href"], item["heatmap"]["href"]:
        answer = shared("GET", f"{href}?width={width}")
        assert (answer.status, answer.code) == (400, "invalid_query") and "width" in answer.json["detail"]


@pytest.mark.parametrize("view", ["threshold", "overlay", "raw"])
def test_heatmaps_in_small(shared, view):
    href = shared.inspect(picture(noise=True)).json["heatmap"]["href"] + f"?view={view}"
    assert opened(shared("GET", href + "&width=64")).size == (64, 40)
    assert opened(shared("GET", href + "&width=2000")).size == (320, 200)
    tags = {shared("GET", href + more).headers["ETag"] for more in ("", "&width=64", "&width=65", "&threshold=0.1")}
    assert len(tags) == 4


@pytest.mark.parametrize("path", ["image", "image?width=32", "heatmap.png", "heatmap.png?view=overlay&width=32"])
def test_conditional_requests(shared, path):
    href = f"/v1/inspections/{shared.inspect(picture(noise=True)).json['id']}/{path}"
    tag = shared("GET", href).headers["ETag"]
    assert tag.startswith('"') and tag.endswith('"')
    for value in tag, f"W/{tag}", f'"other", {tag}', f'"a,b",W/"x" , {tag},"y"', "*":
        answer = shared("GET", href, If_None_Match=value)
        assert (answer.status, answer.body) == (304, b""), value
        assert answer.headers["ETag"] == tag and answer.headers["Cache-Control"].startswith("private")
    for value in '"other"', tag.strip('"'), tag[:-2] + '"', "", "**", f'"{tag[1:3]}"':
        assert shared("GET", href, If_None_Match=value).status == 200, value
    assert shared("HEAD", href, If_None_Match=tag).status == 304


def test_many_at_once_for_the_same(start):
    daemon = start()
    href = daemon.inspect(picture(noise=True, size=(1500, 1000))).json["image"]["href"]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        bodies = set(pool.map(lambda _: daemon("GET", href + "?width=300").body, range(24)))
    assert len(bodies) == 1 and PIL.Image.open(io.BytesIO(bodies.pop())).size == (300, 200)
    assert len(kept(daemon)) == 1


def test_without_room_it_is_served_all_the_same(start):
    daemon = start("storage.thumbnail_bytes_max=0")
    href = daemon.inspect(picture()).json["image"]["href"]
    assert opened(daemon("GET", href + "?width=32")).size == (32, 20)
    assert not (daemon.state / "cache" / "thumbnails").exists()
    again = start()
    href = again.inspect(picture()).json["image"]["href"]
    (again.state / "cache").mkdir(exist_ok=True)
    (again.state / "cache" / "thumbnails").write_text("a file where the folder should be")
    assert opened(again("GET", href + "?width=32")).size == (32, 20)


def test_gone_with_its_image(start):
    daemon = start()
    item = daemon.inspect(picture()).json
    assert daemon("GET", item["image"]["href"] + "?width=32").status == 200
    shutil.rmtree(daemon.state / "images")
    shutil.rmtree(daemon.state / "cache" / "thumbnails")
    for query in "", "?width=32":
        answer = daemon("GET", item["image"]["href"] + query)
        assert (answer.status, answer.code) == (410, "gone")
