"""A deadline that passes, or a client that leaves, while a record is being stored: every record in the
database was answered, counted and published, and there is no other record."""
import contextlib
import io
import socket
import sqlite3
import time

import PIL.Image
from conftest import count, eventually, picture

IMAGE = picture()


@contextlib.contextmanager
def held_database(daemon):
    """The writer cannot commit inside the block."""
    database = sqlite3.connect(f"{daemon.state}/inspectd.sqlite3", timeout=30, isolation_level=None)
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        database.execute("ROLLBACK")
        database.close()


def half_post(daemon, query):
    s = socket.create_connection((daemon.host, daemon.port), timeout=20)
    s.sendall(f"POST /v1/inspections?product=carpet&{query} HTTP/1.1\r\nHost: {daemon.host}\r\nContent-Type: image/png\r\n"
              f"Content-Length: {len(IMAGE)}\r\n\r\n".encode() + IMAGE)
    return s


def events(daemon):
    """-> a socket on the event stream, and its first bytes were read"""
    s = socket.create_connection((daemon.host, daemon.port), timeout=20)
    s.sendall(f"GET /v1/events HTTP/1.1\r\nHost: {daemon.host}\r\n\r\n".encode())
    assert b"200" in s.recv(4096)
    return s


def being_stored(daemon):
    """The image file is written before the row, which waits for the database."""
    eventually(lambda: any((daemon.state / "images").rglob("*.png")))


def test_a_deadline_that_passes_while_the_record_is_stored(start):
    daemon = start()
    with events(daemon) as stream:
        with held_database(daemon):
            began = time.monotonic()
            client = half_post(daemon, "deadline_ms=400&camera=late")
            being_stored(daemon)
            eventually(lambda: time.monotonic() > began + 0.6)
        answer = client.recv(4096)
        client.close()
        assert answer.startswith(b"HTTP/1.1 200 "), answer
        assert count(daemon) == 1 and daemon.metric("inspections_total") == 1
        assert daemon.metric("deadline_misses_total") == 0
        got = b""
        while b"event: inspection" not in got:
            got += stream.recv(4096)


def test_a_client_that_leaves_while_its_record_is_stored(start):
    daemon = start()
    with events(daemon) as stream:
        with held_database(daemon):
            client = half_post(daemon, "camera=gone")
            being_stored(daemon)
            client.close()
            end = time.monotonic() + 0.3  # several sweeps for departed clients
            eventually(lambda: time.monotonic() > end)
        eventually(lambda: daemon.metric("inspections_total") == 1)
        assert count(daemon) == 1
        got = b""
        while b"event: inspection" not in got:
            got += stream.recv(4096)
    eventually(lambda: daemon.metric("in_flight") == 0)


def test_a_deadline_that_passes_while_the_answers_picture_is_rendered(start):
    daemon = start()
    out = io.BytesIO()
    PIL.Image.new("RGB", (4000, 4000), "white").save(out, "PNG")
    image = out.getvalue()
    began = time.monotonic()
    assert daemon.inspect(image, Accept="image/png").status == 200
    spent_ms = (time.monotonic() - began) * 1000
    answers = [daemon.inspect(image, f"product=carpet&deadline_ms={int(spent_ms * tenths / 10) + 1}", Accept="image/png")
               for tenths in range(1, 11)]  # from the decoder's time to that of the last row of the picture
    assert {a.status for a in answers} <= {200, 504} and any(a.status == 504 for a in answers)
    stored = 1 + sum(a.status == 200 for a in answers)
    eventually(lambda: daemon.metric("in_flight") == 0)
    assert count(daemon) == stored == daemon.metric("inspections_total")
