"""GET /v1/events: live events and resumed streams."""
import concurrent.futures
import contextlib
import json
import os
import signal
import socket
import subprocess
import time

import pytest
import rows
from conftest import FAKE, eventually, picture, resident_kib

# Against many events the real network is no better a witness, only minutes slower.
many = pytest.mark.skipif(not FAKE, reason="thousands of inspections: run with the fake device, in ./dev test's second part")
IMAGE = picture(noise=True)
SMALL = picture(size=(16, 16))


class Stream:
    """Reads server-sent events from a socket; the time limit is the socket's."""

    def __init__(self, daemon, last_id=None, receive_bytes=None):
        self.socket = socket.socket()
        self.socket.settimeout(60)
        if receive_bytes:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.socket.connect((daemon.host, daemon.port))
        resume = f"Last-Event-ID: {last_id}\r\n" if last_id else ""
        self.socket.sendall(f"GET /v1/events HTTP/1.1\r\nHost: localhost\r\n{resume}\r\n".encode())
        self.file = self.socket.makefile("rb")
        self.head = self._until(b"\r\n")
        assert self.head[0].startswith(b"HTTP/1.1 200"), self.head
        self.events = self._events()  # one for all calls of take, because it holds a part of the next event

    def _until(self, end):
        lines = []
        while (line := self.file.readline()) not in (end, b""):
            lines.append(line.strip())
        return lines

    def _body(self):
        """Lines of the body; the chunks' own size lines stand between them."""
        while size := self.file.readline():
            length = int(size, 16)
            if not length:
                return
            yield self.file.read(length)
            self.file.readline()

    def _events(self):
        text = b""
        for piece in self._body():
            text += piece
            while b"\n\n" in text:
                block, text = text.split(b"\n\n", 1)
                fields = dict(line.split(b": ", 1) for line in block.split(b"\n") if line and line[:1] != b":")
                if fields:
                    yield fields[b"id"].decode(), fields[b"event"].decode(), json.loads(fields[b"data"])

    def take(self, number, kind="inspection"):
        got = []
        for event in self.events:
            got += [event] if event[1] == kind else []
            if len(got) == number:
                break
        return got

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()


def ids(events):
    return [event[0] for event in events]


def post(daemon, number):
    return [daemon.inspect(IMAGE).json["id"] for _ in range(number)]


def test_inspection_event_is_the_inspection(shared):
    with Stream(shared) as stream:
        assert b"Content-Type: text/event-stream" in stream.head
        made = shared.inspect(IMAGE).json
        [(name, kind, data)] = stream.take(1)
    assert name == made["id"] and kind == "inspection"
    assert data == made  # to the last digit: one text for both


def test_resumes_from_the_ring(shared):
    made = post(shared, 4)
    with Stream(shared, made[0]) as stream:
        assert ids(stream.take(3)) == made[1:]


def test_resumes_from_the_store_after_a_restart(start):
    daemon = start()
    made = post(daemon, 4)
    daemon.stop()
    again = start(state=daemon.state)
    with Stream(again, made[0]) as stream:
        assert ids(stream.take(3)) == made[1:]  # from the store
        more = post(again, 1)
        assert ids(stream.take(1)) == more  # and live events after it, none twice


def test_resumes_after_a_restart_behind_an_event_that_is_no_inspection(start):
    """A client whose last event was a model's or a job's misses no inspection that began earlier and ended later."""
    daemon = start()
    daemon.token = (daemon.state / "admin.token").read_text().strip()
    early = post(daemon, 1)
    with Stream(daemon) as stream, socket.create_connection((daemon.host, daemon.port), timeout=60) as slow:
        slow.sendall(f"POST /v1/inspections?product=carpet HTTP/1.1\r\nHost: {daemon.host}\r\nContent-Type: image/png\r\n"
                     f"Connection: close\r\nContent-Length: {len(IMAGE)}\r\n\r\n".encode() + IMAGE[:100])
        eventually(lambda: daemon.metric("in_flight") == 1)  # it has its id
        version = daemon("GET", "/v1/products/carpet").json["active"]
        change = json.dumps({"threshold": 0.6})
        path = f"/v1/admin/products/carpet/models/{version}"
        assert daemon("PATCH", path, change, Content_Type="application/json").status == 200
        [(last_id, _, _)] = stream.take(1, "model")
        slow.sendall(IMAGE[100:])
        overtaken = ids(stream.take(1))
    assert early[0] < overtaken[0] < last_id
    daemon.stop()
    again = start(state=daemon.state)
    with Stream(again, last_id) as stream:
        more = post(again, 3)
        got = ids(stream.take(3))
    assert got == early + overtaken + more[:1]


def test_resumes_after_an_inspection_that_another_overtook(start):
    """A replay is in the order of ids: a client that it left at the slower one still needs the faster one."""
    daemon = start()
    with Stream(daemon) as stream, socket.create_connection((daemon.host, daemon.port), timeout=60) as slow:
        slow.sendall(f"POST /v1/inspections?product=carpet HTTP/1.1\r\nHost: {daemon.host}\r\nContent-Type: image/png\r\n"
                     f"Connection: close\r\nContent-Length: {len(IMAGE)}\r\n\r\n".encode() + IMAGE[:100])
        eventually(lambda: daemon.metric("in_flight") == 1)  # it has its id
        faster = post(daemon, 1)
        slow.sendall(IMAGE[100:])
        overtaken, overtaking = sorted(ids(stream.take(2)))
    assert [overtaking] == faster
    with Stream(daemon, overtaken) as stream:
        more = post(daemon, 1)
        assert ids(stream.take(2)) == faster + more


def test_last_event_id_that_is_none(shared):
    answer = shared("GET", "/v1/events", Last_Event_ID="yesterday")
    assert (answer.status, answer.code) == (400, "invalid_query")


def test_client_that_leaves_frees_its_place(start):
    daemon = start()
    eventually(lambda: daemon.metric("open_connections") == 1)  # the one that asks
    streams = [Stream(daemon) for _ in range(3)]
    assert daemon.metric("open_connections") >= 4
    for stream in streams:
        stream.__exit__()
    post(daemon, 1)  # sending it shows that the client has left
    eventually(lambda: daemon.metric("open_connections") == 1)


def test_ends_when_the_daemon_stops(start):
    daemon = start()
    with Stream(daemon) as stream:
        daemon.process.send_signal(signal.SIGTERM)
        assert list(stream.events) == []  # the stream ends properly, with its last chunk
    assert daemon.process.wait(timeout=20) == 0


def post_many(daemon, number):
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: daemon.inspect(SMALL), range(number)))
    assert all(answer.status == 200 for answer in answers)
    return {answer.json["id"] for answer in answers}


def test_two_hundred_clients_cost_little_and_miss_nothing(start):
    daemon = start("limits.event_streams=270", "server.connections=512")  # 202 for one address; 256 in all
    post(daemon, 5)
    before = resident_kib(daemon)
    with contextlib.ExitStack() as stack:
        streams = [stack.enter_context(Stream(daemon)) for _ in range(200)]
        assert daemon.metric("open_connections") >= 201
        made = post(daemon, 20)
        for stream in streams:
            assert sorted(ids(stream.take(20))) == sorted(made)
        assert resident_kib(daemon) - before < 200 * 64
    post(daemon, 1)
    eventually(lambda: daemon.metric("open_connections") == 1)


@many
@pytest.mark.sequential
def test_a_reader_that_is_too_slow_is_dropped_and_comes_back(start):
    daemon = start("server.request_timeout_s=600")  # not the timeout is tested here
    with Stream(daemon, receive_bytes=4096) as slow:
        made = post_many(daemon, 1500)  # the ring holds 1024, the kernel about 200
        before = resident_kib(daemon)
        got = list(slow.events)  # to the end of the stream, which came
    assert 0 < len(got) < 1024
    eventually(lambda: "event client dropped" in daemon.log_text())  # a thread of the test reads the log, and lags
    seen = ids(got)
    while len(set(seen)) < 1500:  # a replay has at most 500 and then ends; inspections that overtook another may come twice
        with Stream(daemon, seen[-1]) as again:
            for event in again.events:
                seen.append(event[0])
                if len(set(seen)) == 1500:
                    break
    assert set(seen) == made and len(seen) < 1500 + 500
    assert resident_kib(daemon) - before < 16 << 10


@many
@pytest.mark.sequential
def test_a_reader_that_stalls_is_closed(start):
    daemon = start("server.request_timeout_s=1")
    with Stream(daemon, receive_bytes=4096):
        post_many(daemon, 400)  # more than the kernel holds for it
        eventually(lambda: daemon.metric("open_connections") == 1)


def test_a_jobs_epochs_and_log_come_as_they_happen(start, tmp_path):
    subprocess.run([os.environ["INSPECTD"], "demo-data", str(tmp_path / "woven"), "--images", "20"], check=True, capture_output=True)
    (tmp_path / "woven/train/good/notes.txt").write_text("no image")  # gives a log line
    daemon = start(f"training.dataset_roots={tmp_path}")
    daemon.token = (daemon.state / "admin.token").read_text().strip()
    with Stream(daemon) as stream:
        body = json.dumps({"dataset": "woven", "epochs": 2, "folds": 2})
        assert daemon("POST", "/v1/admin/products/carpet/cross-validate", body, Content_Type="application/json").status == 202
        briefs = []
        while not briefs or briefs[-1]["state"] in ("queued", "running"):
            briefs += [data for _, _, data in stream.take(1, "job")]
    assert briefs[-1]["state"] == "succeeded"
    assert [(e["fold"], e["epoch"]) for b in briefs for e in b["epochs"]] == [(1, 1), (1, 2), (2, 1), (2, 2)]
    assert any("passed over: 1 files that are not images" in line["text"] for b in briefs for line in b["log"])
    assert any(b["eta_s"] is not None for b in briefs)
    assert [b["progress"] for b in briefs] == sorted(b["progress"] for b in briefs)


def test_a_replay_goes_on_where_a_second_had_more_than_it_takes(start):
    daemon = start()
    now = int(time.time() * 1000) - 60_000
    made = rows.fill(daemon.state, 1200, now, lambda i: {"received_us": now * 1000})  # all ended at once
    with Stream(daemon, made[600]) as stream:
        first = ids(stream.take(1200))  # to the end of the stream: there was more
    with Stream(daemon, first[-1]) as stream:
        second = ids(stream.take(1199))
    assert first == made[:600] + made[601:1101]
    assert second == made[:1100] + made[1101:]
