"""Crowds of readers beside one camera: the line goes first, whatever they read.

The device is the fake one and takes PASS_MS, so that an idle answer has a known length and cores are free for the line.
INSP_FIGURES=1 prints the figures."""
import os
import socket

import pytest
from conftest import eventually
from line import add_versions, photograph, post, quantile, readers
from rows import fill

PASS_MS, SECONDS = 30, 4
PHOTO, LARGE = photograph(640, 480), photograph(8000, 8000, quality=50)
# What one pass, the clients' own processes and a busy test machine may add to twice the idle p99.
SLACK_MS = 150


@pytest.fixture
def daemon(start):
    daemon = start("storage.thumbnail_bytes_max=0", env={"INSP_FAKE_PASS_MS": str(PASS_MS)}, wait_ready=False)
    add_versions(daemon.state, "carpet", 30)
    daemon.wait_ready()
    daemon.small = daemon.inspect(PHOTO, kind="image/jpeg").json["id"]
    daemon.large = daemon.inspect(LARGE, kind="image/jpeg").json["id"]
    return daemon


CROWDS = {
    "lists of 30 versions": (8, lambda d: ["/v1/products/carpet/models"]),
    "overlays": (32, lambda d: [f"/v1/inspections/{d.small}/heatmap.png?view=overlay"]),
    "8000x8000 pictures": (8, lambda d: [f"/v1/inspections/{d.large}/heatmap.png?view=overlay"]),
    "thumbnails": (8, lambda d: [f"/v1/inspections/{d.large}/image?width=320"]),
    "all of them": (24, lambda d: [path for _, paths in list(CROWDS.values())[:-1] for path in paths(d)]),
}


def tell(name, took):
    if os.environ.get("INSP_FIGURES"):
        print(f"{name:22} n {len(took):3} p50 {quantile(took, .5):7.1f} p99 {quantile(took, .99):7.1f} max {max(took):7.1f} ms")


@pytest.mark.slow
@pytest.mark.parametrize("crowd", CROWDS)
def test_the_line_goes_first(daemon, crowd):
    count, paths = CROWDS[crowd]
    idle = post(daemon, PHOTO, SECONDS)
    with readers(daemon, count, *paths(daemon)) as reading:
        eventually(lambda: daemon.metric('lane_running{lane="back"}') >= 1)
        beside = post(daemon, PHOTO, SECONDS)
    tell("idle", idle), tell(crowd, beside)
    assert quantile(beside, .99) <= 2 * quantile(idle, .99) + SLACK_MS, reading.statuses


def test_readers_beyond_the_queue_are_refused_and_the_line_is_not(start):
    """Two slow pictures run, two may wait; the next gets 503, and a list still has its threads."""
    daemon = start("limits.background_queue=1", "server.background_threads=2", "storage.thumbnail_bytes_max=0")
    large = daemon.inspect(LARGE, kind="image/jpeg").json["id"]
    with readers(daemon, 8, f"/v1/inspections/{large}/heatmap.png?view=overlay") as reading:
        eventually(lambda: daemon.metric("lane_refused_total") > 0)
        assert daemon("GET", "/v1/products").status == 200
        assert daemon.inspect(PHOTO, kind="image/jpeg").status == 200
        refused = eventually(lambda: next((a for a in [daemon("GET", f"/v1/inspections/{large}/heatmap.png?view=overlay")]
                                           if a.status == 503), None))
        assert refused.code == "queue_full" and int(refused.headers["Retry-After"]) >= 1


def test_a_stop_does_not_wait_for_pictures_in_the_queue(start):
    daemon = start("server.shutdown_grace_s=1", "server.background_threads=2", "storage.thumbnail_bytes_max=0")
    large = daemon.inspect(LARGE, kind="image/jpeg").json["id"]
    with readers(daemon, 32, f"/v1/inspections/{large}/heatmap.png?view=overlay"):
        eventually(lambda: daemon.metric("lane_queued") >= 20)
        daemon.stop()  # each takes seconds: all of them would take longer than it waits


def test_pictures_for_readers_that_left_are_given_up(start):
    """One picture at a time is drawn, and the others wait: none of them is drawn to its end for nobody."""
    daemon = start("server.background_threads=2", "storage.thumbnail_bytes_max=0")
    large = daemon.inspect(LARGE, kind="image/jpeg").json["id"]
    with readers(daemon, 12, f"/v1/inspections/{large}/heatmap.png?view=overlay"):
        eventually(lambda: daemon.metric("lane_queued") >= 8)
    drawn = daemon.log_text().count("heatmap.png status=200")
    eventually(lambda: daemon.log_text().count("code=cancelled") >= 8)
    eventually(lambda: daemon.metric('lane_running{lane="back"}') == 0)
    assert daemon.log_text().count("heatmap.png status=200") <= drawn + 1  # that may end before the daemon looks


READS = {
    "events": "GET /v1/events HTTP/1.1\r\nLast-Event-ID: {}",
    "waiting list": "GET /v1/inspections?after={}&limit=500 HTTP/1.1",
    "list": "GET /v1/inspections?limit=500 HTTP/1.1",
}


@pytest.mark.parametrize("read", READS)
def test_rows_for_readers_that_left_are_not_read(start, read):
    """A crowd asks for 500 rows each and leaves: most of them wait for a thread when the daemon notices."""
    daemon = start("server.background_threads=2")
    first = fill(daemon.state, 2000)[0]
    request = f"{READS[read].format(first)}\r\nHost: localhost\r\n\r\n".encode()
    sockets = [socket.create_connection((daemon.host, daemon.port), timeout=60) for _ in range(90)]
    for s in sockets:
        s.sendall(request)
    for s in sockets:
        s.close()
    path = request.split()[1].split(b"?")[0].decode()
    eventually(lambda: sum(f"path={path} " in line for line in daemon.lines) >= 90, 120)
    cancelled = [line for line in daemon.lines if f"path={path} " in line and "code=cancelled" in line]
    assert len(cancelled) >= 10
    assert daemon.inspect(PHOTO, kind="image/jpeg").status == 200
