"""Puts inspections straight into a state folder's database, beside the daemon: the only way to have 100 000 in a second.
The rows have no image and no map, and the statistics do not count them."""
import contextlib
import sqlite3
import time
import uuid


def key_of(number, ms):
    """An id (UUIDv7) and its sortable key, as core/store/id_key.c has them; number counts within the millisecond."""
    value = ms << 80 | 7 << 76 | (number & 0xfff) << 64 | 2 << 62 | number & 0xffffffff
    blob = value.to_bytes(16, "big")
    random = (blob[8] & 0x3f) << 3 | blob[9] >> 5
    return str(uuid.UUID(bytes=blob)), blob, ms << 21 | (number & 0xfff) << 9 | random


def fill(state, count, start_ms=None, vary=lambda i: {}):
    """`count` rows, a millisecond apart and in the past; vary(i) -> columns of row i. Answers the ids, oldest first."""
    start_ms = start_ms or int(time.time() * 1000) - count - 60_000
    ids, rows = [], []
    for i in range(count):
        name, blob, key = key_of(i, start_ms + i)
        row = dict(key=key, id=blob, product="carpet", model="v1", camera=f"c{i % 3}", part=f"p{i}", anomaly=int(i % 10 == 0),
                   probability=i % 10 / 10, threshold=0.5, heat_max=0.5, heat_area=0, heat_threshold=0.7, heat_low=0,
                   heat_high=1, heat_per_image=0, boxes="[]", width=64, height=48, sha256="00", media_type="image/png",
                   extension="png", image_bytes=1, image_kept=0, received_us=(start_ms + i) * 1000, decode_us=1, queue_us=1,
                   inference_us=1, store_us=1, total_us=4)
        row.update(vary(i))
        ids.append(name)
        rows.append(row)
    with contextlib.closing(sqlite3.connect(f"{state}/inspectd.sqlite3", timeout=30)) as db, db:
        names = list(rows[0]) if rows else []
        db.executemany(f"INSERT INTO inspection ({', '.join(names)}) VALUES ({', '.join(':' + n for n in names)})", rows)
    return ids
