"""Bounded work: refusals before the body is read, deadlines, a stop under load, and the state after a kill."""
import concurrent.futures
import http.client
import json
import signal
import socket
import sqlite3
import time

import pytest
from conftest import FAKE, count, eventually, picture

IMAGE = picture(noise=True)
SLOW = {"INSP_FAKE_PASS_MS": "300"}  # only the fake device reads it
needs_fake = pytest.mark.skipif(not FAKE, reason="only the fake device lets a test choose how long a pass takes")


def headers_only(daemon):
    s = socket.create_connection((daemon.host, daemon.port), timeout=20)
    s.sendall(f"POST /v1/inspections?product=carpet HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n"
              f"Content-Length: {len(IMAGE)}\r\nExpect: 100-continue\r\n\r\n".encode())
    return s


def answer_of(s):
    response = http.client.HTTPResponse(s)
    response.begin()  # passes over a 100
    return response.status, response.headers, json.loads(response.read())


def test_queue_full_before_the_body_is_read(start):
    daemon = start("limits.inflight=2")
    with headers_only(daemon) as first, headers_only(daemon) as second:
        for s in (first, second):  # what has come earns an upload the time for the rest
            s.sendall(IMAGE[:-1])
        eventually(lambda: daemon.metric("in_flight") == 2)
        with headers_only(daemon) as third:
            status, headers, problem = answer_of(third)
        assert (status, problem["code"]) == (503, "queue_full")
        assert headers["Content-Type"] == "application/problem+json" and int(headers["Retry-After"]) >= 1
        assert daemon("GET", "/healthz").status == 200 and daemon("GET", "/readyz").status == 200
        for s in (first, second):  # requests with a slot are served
            s.sendall(IMAGE[-1:])
            assert answer_of(s)[0] == 200
    assert count(daemon) == 2
    assert daemon.inspect(IMAGE).status == 200


def test_deadline(start):
    daemon = start(env=SLOW)
    answer = daemon.inspect(IMAGE, "product=carpet&deadline_ms=1")
    assert (answer.status, answer.code) == (504, "deadline_exceeded")
    assert "undecided" in answer.json["detail"] or "deadline" in answer.json["detail"]
    assert daemon.metric("deadline_misses_total") == 1
    eventually(lambda: daemon.metric("in_flight") == 0)
    assert count(daemon) == 0


@needs_fake
def test_deadline_during_the_pass(start):
    daemon = start("limits.deadline_ms=200", env={"INSP_FAKE_PASS_MS": "3000"})
    begin = time.monotonic()
    assert daemon.inspect(IMAGE).code == "deadline_exceeded"
    assert time.monotonic() - begin < 2.8  # not at the end of the pass
    assert daemon.metric("batch_images") == 1
    eventually(lambda: daemon.metric("batch_images") == 0)
    assert daemon.metric("deadline_misses_total") == 1
    assert daemon.inspect(IMAGE, "product=carpet&deadline_ms=20000").status == 200  # stored after the first, if that was stored
    assert count(daemon) == 1


def post_all(daemon, number):
    """-> status of each post, None if the daemon had ended."""
    def one(_):
        try:
            return daemon.inspect(IMAGE)
        except (ConnectionError, http.client.HTTPException):
            return None
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        return list(pool.map(one, range(number)))


def test_load_above_the_limit_is_served_or_refused(start):
    daemon = start("limits.inflight=2", env={"INSP_FAKE_PASS_MS": "20"})
    answers = post_all(daemon, 40)
    served = [a for a in answers if a.status == 200]
    assert {a.code for a in answers if a.status != 200} <= {"queue_full"}
    assert served and len({a.json["id"] for a in served}) == len(served) == count(daemon)


def test_graceful_stop_under_load(start):
    daemon = start("server.shutdown_grace_s=20", env=SLOW)
    with concurrent.futures.ThreadPoolExecutor(1) as pool, headers_only(daemon) as idle:
        running = pool.submit(post_all, daemon, 8)
        eventually(lambda: daemon.metric("in_flight") >= 2)
        idle.sendall(IMAGE)
        daemon.process.send_signal(signal.SIGTERM)
        answers = running.result(timeout=30)
        assert answer_of(idle)[0] == 200  # it was accepted before the stop
    for answer in answers:
        assert answer is None or answer.status == 200 or answer.code == "shutting_down"
    assert daemon.process.wait(timeout=30) == 0
    answered = {a.json["id"] for a in answers if a and a.status == 200}
    assert len(answered) >= 2  # the requests that were in flight
    with sqlite3.connect(daemon.state / "inspectd.sqlite3") as database:
        [(rows,)] = database.execute("SELECT count(*) FROM inspection")
    assert rows >= len(answered) + 1


@needs_fake
def test_a_stop_ends_what_takes_longer_than_the_grace(start):
    daemon = start("server.shutdown_grace_s=0", env={"INSP_FAKE_PASS_MS": "1500"})
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        running = pool.submit(daemon.inspect, IMAGE)
        eventually(lambda: daemon.metric("in_flight") == 1)
        daemon.stop()
        assert running.result(timeout=30).code == "shutting_down"


def test_answered_means_stored_even_when_killed(start):
    daemon = start(env={"INSP_FAKE_PASS_MS": "10"})
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        running = pool.submit(post_all, daemon, 60)
        eventually(lambda: daemon.metric("inspections_total") >= 10)
        daemon.process.kill()
        answered = [a.json for a in running.result(timeout=30) if a and a.status == 200]
    daemon.process.wait(timeout=10)
    assert len(answered) >= 10
    again = start(state=daemon.state)
    for made in answered:
        stored = again("GET", f"/v1/inspections/{made['id']}")
        assert stored.status == 200
        assert stored.json == made
        assert again("GET", f"/v1/inspections/{made['id']}/image").body == IMAGE
        assert again("GET", f"/v1/inspections/{made['id']}/heatmap.png").body[:4] == b"\x89PNG"
