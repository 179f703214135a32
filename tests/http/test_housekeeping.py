"""The usage of the store as the running daemon counts it, and retention."""
import datetime
import pathlib
import sqlite3
import uuid

from conftest import FAKE, eventually, picture

DAY_MS = 86400000
GOOD, BAD = picture("black"), picture("white")  # the fake device's; others judge as they like


def test_usage_is_counted(start):
    daemon = start("storage.sweep_interval_s=1")
    assert daemon.inspect(picture()).status == 200
    eventually(lambda: daemon.metric("store_inspections") == 1)
    assert daemon.metric("store_image_bytes") == len(picture())
    assert daemon.metric("store_free_bytes") > 0


def day_folder(ms):
    return datetime.datetime.fromtimestamp(ms / 1000, datetime.timezone.utc).strftime("%Y-%m-%d")


def make_older(state, old_id, days):
    """Turns a stopped daemon's inspection into one from `days` ago: id, key, time and place of its image."""
    old = uuid.UUID(old_id)
    ms = (old.int >> 80) - days * DAY_MS
    new = uuid.UUID(int=ms << 80 | old.int & (1 << 80) - 1)
    with sqlite3.connect(state / "inspectd.sqlite3") as db:
        [(key, extension)] = db.execute("SELECT key, extension FROM inspection WHERE id = ?", (old.bytes,))
        older = key - (days * DAY_MS << 21)
        db.execute("UPDATE inspection SET key = ?, id = ?, received_us = received_us - ? WHERE key = ?",
                   (older, new.bytes, days * DAY_MS * 1000, key))
        db.execute("UPDATE map SET key = ? WHERE key = ?", (older, key))
    folder = state / "images" / day_folder(ms)
    folder.mkdir(exist_ok=True)
    [image] = (state / "images").glob(f"*/{old_id}.{extension.lstrip('.')}")
    image.rename(folder / image.name.replace(old_id, str(new)))
    return str(new)


def images(state):
    return {path.stem for path in pathlib.Path(state).glob("images/*/*")}


def test_what_is_too_old_goes_with_its_row(start):
    daemon = start()
    verdicts, keep = {}, {"good": 30, "anomaly": 365}
    posted = [(days, daemon.inspect(body).json) for days in (0, 40, 400) for body in (GOOD, BAD)]
    daemon.stop()
    for days, answer in posted:
        verdicts[make_older(daemon.state, answer["id"], days) if days else answer["id"]] = days, answer["verdict"]
    assert images(daemon.state) == verdicts.keys()
    stay = {i for i, (days, verdict) in verdicts.items() if days < keep[verdict]}
    assert len(stay) == 3 or not FAKE

    keep = "storage.keep_good_days=30", "storage.keep_anomaly_days=365"
    daemon = start(*keep, state=daemon.state)
    assert len(daemon("GET", "/v1/inspections").json["items"]) == 6  # nothing goes before the first sweep
    daemon.stop()
    daemon = start("storage.sweep_interval_s=1", *keep, state=daemon.state)
    eventually(lambda: images(daemon.state) == stay)
    listed = {item["id"] for item in daemon("GET", "/v1/inspections").json["items"]}
    assert listed == stay
    for one in verdicts:
        for place in ("", "/image", "/image?width=160", "/heatmap.png"):
            answer = daemon("GET", f"/v1/inspections/{one}{place}")
            assert answer.status == 200 if one in stay else answer.code == "not_found", (one, place)
    eventually(lambda: daemon.metric("store_inspections") == len(stay) == daemon.metric("store_images"))
    daemon.wait_line(rf"retention removed rows={6 - len(stay)} images={6 - len(stay)}")


def test_too_many_bytes_take_images_and_leave_rows(start):
    pieces = [picture(noise=True) for _ in range(2)]
    limit = int(2.5 * len(GOOD) + 2.5 * len(BAD) + sum(map(len, pieces)))
    daemon = start()
    rows = [daemon.inspect(body).json for body in 4 * [GOOD] + 4 * [BAD] + pieces]
    small = [daemon("GET", f"/v1/inspections/{row['id']}/image?width=160").status for row in rows]
    assert set(small) == {200}
    daemon.stop()
    daemon = start("storage.sweep_interval_s=1", f"storage.image_bytes_max={limit}", state=daemon.state)
    eventually(lambda: len(images(daemon.state)) < len(rows))
    eventually(lambda: daemon.metric("store_image_bytes") <= limit)
    kept = images(daemon.state)
    assert len(kept) >= 5 and rows[-1]["id"] in kept
    if FAKE:  # good ones first, the oldest first
        assert [row["id"] in kept for row in rows[:4]] == sorted(row["id"] in kept for row in rows[:4])
        assert all(row["id"] in kept for row in rows if row["verdict"] == "anomaly")
    assert len(daemon("GET", "/v1/inspections").json["items"]) == len(rows)
    for row in rows:
        path, stays = f"/v1/inspections/{row['id']}", row["id"] in kept
        assert daemon("GET", path).json["image"]["kept"] is stays
        for place in ("/image", "/image?width=160"):
            answer = daemon("GET", path + place)
            assert answer.status == 200 if stays else (answer.status, answer.code) == (410, "gone")
        assert daemon("GET", f"{path}/heatmap.png?view=raw").status == 200  # drawn from the map, which stays
        overlay = daemon("GET", f"{path}/heatmap.png?view=overlay")
        assert overlay.status == 200 if stays else overlay.code == "gone"  # it needs the picture
