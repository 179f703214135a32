"""GET /v1/inspections?after=ID&wait_ms=N: the next result for clients that cannot follow events."""
import concurrent.futures
import contextlib
import json
import signal
import socket
import time

import pytest
import rows
from conftest import FAKE, eventually, picture

IMAGE = picture()
NOBODY = "019ab7a0-4f2c-7c3e-9d0a-5b1f3c2d4e6f"
needs_fake = pytest.mark.skipif(not FAKE, reason="only the fake device lets a test choose the verdict")


def post(daemon, query="product=carpet", image=IMAGE):
    return daemon.inspect(image, query).json["id"]


def ask(daemon, after, wait_ms=0, query=""):
    answer = daemon("GET", f"/v1/inspections?after={after}&wait_ms={wait_ms}{query}")
    assert answer.status == 200, answer.body
    assert answer.json["next"] is None
    return [item["id"] for item in answer.json["items"]]


def patient(daemon, after, wait_ms, query=""):
    """As ask, of a client that comes again while no place is free."""
    return eventually(lambda: (answer := daemon("GET", f"/v1/inspections?after={after}&wait_ms={wait_ms}{query}")).status == 200
                      and [item["id"] for item in answer.json["items"]])


@contextlib.contextmanager
def waiting(daemon, after, query="", count=1, ask=ask):
    """Requests that wait much longer than the caller takes to end their wait."""
    wait_ms = 20000
    with concurrent.futures.ThreadPoolExecutor(count) as threads:
        begun = time.monotonic()
        asked = [threads.submit(ask, daemon, after, wait_ms, query) for _ in range(count)]
        yield asked
        for one in asked:
            one.result()
        assert time.monotonic() - begun < wait_ms / 1000


@contextlib.contextmanager
def slow_upload(daemon):
    """An inspection that has its id; the caller sends the rest."""
    with socket.create_connection((daemon.host, daemon.port), timeout=60) as s:
        s.sendall(f"POST /v1/inspections?product=carpet HTTP/1.1\r\nHost: {daemon.host}\r\nContent-Type: image/png\r\n"
                  f"Connection: close\r\nContent-Length: {len(IMAGE)}\r\n\r\n".encode() + IMAGE[:100])
        eventually(lambda: daemon.metric("in_flight") == 1)

        def finish():
            s.sendall(IMAGE[100:])
            text = b""
            while piece := s.recv(65536):
                text += piece
            return json.loads(text.split(b"\r\n\r\n", 1)[1])["id"]

        yield finish


def test_answers_at_once_what_is_newer_oldest_first(start):
    daemon = start()
    made = [post(daemon) for _ in range(4)]
    assert ask(daemon, made[0], 20000) == made[1:]
    assert ask(daemon, made[0], 20000, "&limit=2") == made[1:3]
    assert ask(daemon, made[3]) == []
    assert ask(daemon, NOBODY, 20000) == made  # from long ago


def test_filters_count(start):
    daemon = start()
    first = post(daemon)
    wanted = [post(daemon, f"product=carpet&camera=c1&part=p{i}") for i in range(2)]
    post(daemon)
    assert ask(daemon, first, 20000, "&camera=c1") == wanted
    assert ask(daemon, first, 0, "&camera=c1&part=p1") == wanted[1:]
    assert ask(daemon, first, 0, "&product=carpet&verdict=review") == []


def test_waits_for_the_next_result(start):
    daemon = start()
    first = post(daemon)
    with waiting(daemon, first) as [asked]:
        assert not asked.done()
        made = post(daemon)
    assert asked.result() == [made]


def test_the_item_is_the_inspection(start):
    daemon = start()
    first = post(daemon)
    with concurrent.futures.ThreadPoolExecutor(1) as threads:
        asked = threads.submit(daemon, "GET", f"/v1/inspections?after={first}&wait_ms=20000")
        made = daemon.inspect(IMAGE, "product=carpet&camera=c1").json
        assert asked.result().json["items"] == [made]


def test_waits_for_one_that_its_filter_admits(start):
    daemon = start()
    first = post(daemon)
    with waiting(daemon, first, query="&camera=c2") as [asked]:
        other = post(daemon, "product=carpet&camera=c1")
        made = post(daemon, "product=carpet&camera=c2")
    assert asked.result() == [made]
    assert ask(daemon, first) == [other, made]


def test_the_wait_ends_with_an_empty_page(start):
    daemon = start()
    first = post(daemon)
    begin = time.monotonic()
    assert ask(daemon, first, 300) == []
    assert 0.3 <= time.monotonic() - begin < 5


def test_a_poller_misses_nothing_and_gets_nothing_twice(start):
    daemon = start()
    last, seen, made = post(daemon), [], []
    with concurrent.futures.ThreadPoolExecutor(4) as cameras:
        posts = [cameras.submit(post, daemon) for _ in range(60)]
        while len(seen) < 60:
            seen += ask(daemon, last, 20000, "&limit=7")
            last = seen[-1]
        made = [one.result() for one in posts]
    assert len(seen) == 60 and sorted(seen) == sorted(made)
    assert ask(daemon, last) == []


def test_an_inspection_that_another_overtook_comes_after_it(start):
    daemon = start()
    first = post(daemon)
    with slow_upload(daemon) as finish:
        faster = post(daemon)
        assert ask(daemon, first, 20000) == [faster]
        slower = finish()
    assert slower < faster
    assert ask(daemon, faster, 20000) == [slower]
    assert ask(daemon, slower) == []  # neither again


def test_after_a_restart(start):
    daemon = start()
    first = post(daemon)
    with slow_upload(daemon) as finish:
        faster = post(daemon)
        slower = finish()
    later = post(daemon)
    daemon.stop()
    again = start(state=daemon.state)
    assert ask(again, faster, 20000)[-2:] == [slower, later]
    assert ask(again, later) == []
    more = [post(again), post(again)]
    assert ask(again, first) == [slower, faster, later, *more]
    assert ask(again, first, 0, "&limit=2") == [slower, faster]
    assert ask(again, more[0], 20000) == more[1:]


def test_rows_older_than_the_ring(start):
    """The store has the results from before the start, the ring those since, and pages go from one to the other."""
    daemon = start()
    daemon.stop()
    old = sorted(rows.fill(daemon.state, 30))
    again = start(state=daemon.state)
    new = [post(again) for _ in range(3)]
    seen, last = [], "00000000-0000-7000-8000-000000000000"
    while page := ask(again, last, 0, "&limit=7"):
        seen += [name for name in page if name not in seen]
        last = page[-1]
    assert seen == old + new


def test_a_result_that_ends_while_the_page_is_read_hides_none(start):
    """It is in the store when the page is read, and the results before it in the ring follow all the same."""
    daemon = start()
    daemon.stop()
    old = sorted(rows.fill(daemon.state, 500))
    again = start("server.background_threads=2", state=daemon.state)
    ring, after = [post(again) for _ in range(3)], old[-3]
    lists = [again.connect() for _ in range(48)]
    reader = again.connect()
    for _ in range(10):
        for connection in lists:
            connection.request("GET", "/v1/inspections?limit=500")
        eventually(lambda: again.metric('lane_queued{lane="back"}') >= 40)
        reader.request("GET", f"/v1/inspections?after={after}&limit=3")
        assert again("GET", "/healthz").status == 200  # and the reader's request waits in the lane
        late = post(again)
        page = [item["id"] for item in json.loads(reader.getresponse().read())["items"]]
        for connection in lists:
            assert connection.getresponse().read()
        if late in page:
            break
        ring.append(late)
    else:
        pytest.fail("no result came while a page waited for its turn")
    seen = page
    while page := ask(again, seen[-1], 0, "&limit=3"):
        seen += page
    assert set(ring) <= set(seen) and late in seen


def test_many_wait_and_each_gets_it(start):
    daemon = start("limits.event_streams=16")
    first = post(daemon)
    with waiting(daemon, first, count=12, ask=patient) as asked:  # a client's share
        eventually(lambda: daemon("GET", f"/v1/inspections?after={first}&wait_ms=1").status == 503)
        made = post(daemon)
    assert [one.result() for one in asked] == [[made]] * 12
    assert ask(daemon, made, 10) == []  # the places are free again


def test_a_client_that_leaves_frees_its_place(start):
    daemon = start("limits.event_streams=1")
    first = post(daemon)
    s = socket.create_connection((daemon.host, daemon.port), timeout=60)
    s.sendall(f"GET /v1/inspections?after={first}&wait_ms=60000 HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    eventually(lambda: daemon("GET", f"/v1/inspections?after={first}&wait_ms=1").status == 503)
    s.close()
    eventually(lambda: daemon("GET", f"/v1/inspections?after={first}&wait_ms=1").status == 200, 5)


def test_a_stop_answers_those_who_wait(start):
    daemon = start()
    first = post(daemon)
    connection = daemon.connect()
    connection.request("GET", f"/v1/inspections?after={first}&wait_ms=60000")
    assert daemon("GET", "/healthz").status == 200
    begin = time.monotonic()
    daemon.process.send_signal(signal.SIGTERM)
    response = connection.getresponse()
    assert (response.status, json.loads(response.read())["code"]) == (503, "shutting_down")
    assert daemon.process.wait(timeout=40) == 0 and time.monotonic() - begin < 8


@pytest.mark.parametrize("query", ["after=x", "wait_ms=5", f"after={NOBODY}&wait_ms=60001", f"after={NOBODY}&wait_ms=-1",
                                   f"after={NOBODY}&cursor=x", f"after={NOBODY}&limit=0", f"after={NOBODY}&limit=501"])
def test_wrong_queries(shared, query):
    assert shared("GET", f"/v1/inspections?{query}").code == "invalid_query"


@needs_fake
def test_waiting_holds_no_thread(start):
    daemon = start("server.background_threads=2")
    first = post(daemon)
    with waiting(daemon, first, count=8) as asked:
        assert daemon("GET", f"/v1/inspections/{first}").status == 200
        made = post(daemon)
    assert [one.result() for one in asked] == [[made]] * 8
