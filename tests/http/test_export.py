"""GET /v1/inspections as CSV and JSON lines: all rows, in the memory of a page, whatever the reader does."""
import contextlib
import csv
import io
import json
import signal
import socket

import pytest
import rows
from conftest import eventually, picture, resident_kib

CSV, LINES = "text/csv", "application/x-ndjson"


def export(client, query="", kind=CSV):
    answer = client("GET", f"/v1/inspections?{query}", Accept=kind)
    assert answer.status == 200, answer.body
    return answer


def table(answer):
    return list(csv.DictReader(io.StringIO(answer.body.decode(), newline="")))


@contextlib.contextmanager
def held(daemon, receive_bytes=4096):
    """An export whose client has asked and reads nothing."""
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        s.settimeout(30)
        s.connect((daemon.host, daemon.port))
        s.sendall(f"GET /v1/inspections HTTP/1.1\r\nHost: localhost\r\nAccept: {CSV}\r\n\r\n".encode())
        assert s.recv(12) == b"HTTP/1.1 200"
        yield s


@pytest.mark.sequential
def test_csv_and_lines_say_what_the_list_says(start):
    daemon = start()
    made = daemon.inspect(picture(noise=True), "product=carpet&camera=c1&part=%3D1%2B1").json
    daemon("PUT", f"/v1/inspections/{made['id']}/label", json.dumps({"label": "good", "note": 'a "b",\nc'}),
           Content_Type="application/json")
    listed = daemon("GET", "/v1/inspections").json["items"]
    answer = export(daemon, kind=LINES)
    assert [json.loads(line) for line in answer.body.splitlines()] == listed
    assert answer.headers["Content-Type"] == LINES and answer.headers["Vary"] == "Accept"
    answer = export(daemon)
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8; header=present"
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="inspections-2')
    assert answer.body.endswith(b"\r\n")
    [row] = table(answer)
    assert row["id"] == made["id"] and row["camera"] == "c1" and row["label"] == "good"
    assert row["part"] == "'=1+1"  # no spreadsheet runs it
    assert row["note"] == 'a "b",\nc'
    assert float(row["probability"]) == pytest.approx(made["probability"], abs=1e-6)


def test_all_rows_once_and_newest_first(start):
    daemon = start()
    ids = rows.fill(daemon.state, 2345)[::-1]
    assert [row["id"] for row in table(export(daemon))] == ids
    assert [json.loads(line)["id"] for line in export(daemon, kind=LINES).body.splitlines()] == ids
    for number in 1, 499, 500, 501, 2000, 2345, 9999:
        assert [row["id"] for row in table(export(daemon, f"limit={number}"))] == ids[:number]


@pytest.mark.sequential
def test_filters_cursor_and_nothing(start):
    daemon = start()
    ids = rows.fill(daemon.state, 1200)
    assert [row["id"] for row in table(export(daemon, "camera=c1&verdict=anomaly"))] == \
        [ids[i] for i in range(1199, -1, -1) if i % 3 == 1 and i % 10 == 0]
    page = daemon("GET", "/v1/inspections?camera=c2&limit=3").json
    rest = table(export(daemon, f"camera=c2&cursor={page['next']}"))
    assert [item["id"] for item in page["items"]] + [row["id"] for row in rest] == [ids[i] for i in range(1199, -1, -3)]
    header, nothing = export(daemon, "part=none").body.split(b"\r\n")
    assert header.startswith(b"id,received_at,product,") and nothing == b""
    assert export(daemon, "part=none", LINES).body == b""


@pytest.mark.sequential
def test_errors_are_problems_not_files(shared):
    for query, status in [("limit=0", 400), ("verdict=x", 400), ("cursor=x", 400), ("since=x", 400), ("nonsense=1", 400)]:
        assert shared("GET", f"/v1/inspections?{query}", Accept=CSV).status == status
    assert shared("GET", "/v1/inspections?limit=501").status == 400  # the bound of pages stays


@pytest.mark.sequential
@pytest.mark.parametrize("accept, kind", [
    ("text/csv", "text/csv"), ("TEXT/CSV", "text/csv"), ("text/*", "text/csv"), ("application/x-ndjson;q=0.2", LINES),
    ("application/json;q=0.5, text/csv;q=0.9", "text/csv"), ("text/csv;q=0", "application/json"),
    ("*/*", "application/json"), ("image/webp", "application/json"), ("text/html, */*;q=0.8", "application/json")])
def test_accept(shared, accept, kind):
    answer = shared("GET", "/v1/inspections?limit=1", Accept=accept)
    assert answer.status == 200 and answer.headers["Content-Type"].partition(";")[0] == kind


@pytest.mark.sequential
def test_head(shared):
    answer = shared("HEAD", "/v1/inspections", Accept=CSV)
    assert answer.status == 200 and answer.headers["Content-Type"].startswith("text/csv") and not answer.body
    assert shared("GET", "/v1/inspections", Accept=CSV).status == 200


@pytest.mark.sequential
def test_many_rows_in_flat_memory(start):
    daemon = start()
    rows.fill(daemon.state, 60_000)
    assert export(daemon, "limit=20000").body.count(b"\n") == 20_001  # page caches and arenas are there now
    before = resident_kib(daemon)
    with contextlib.closing(daemon.connect()) as connection:
        connection.request("GET", "/v1/inspections", headers={"Accept": LINES})
        response, lines, most, peak = connection.getresponse(), 0, 0, before
        while piece := response.read(1 << 20):
            lines += piece.count(b"\n")
            most += len(piece)
            peak = max(peak, resident_kib(daemon))
    assert lines == 60_000 and most > 30 << 20
    assert peak - before < 16 << 10, f"{peak - before} KiB more for an export of {most >> 10} KiB"


def test_a_client_that_does_not_read_costs_a_place_only(start):
    daemon = start("limits.exports=1")
    rows.fill(daemon.state, 30_000)
    for _ in range(5):  # arenas and page caches are there now
        daemon.inspect(picture(noise=True))
        export(daemon, "limit=5000", LINES)
    before = resident_kib(daemon)
    with held(daemon):
        answer = daemon("GET", "/v1/inspections", Accept=LINES)
        assert (answer.status, answer.code) == (503, "queue_full") and int(answer.headers["Retry-After"]) > 0
        assert daemon("GET", "/v1/inspections").status == 200  # pages are no exports
        assert all(daemon.inspect(picture(noise=True)).status == 200 for _ in range(5))
        assert resident_kib(daemon) - before < 16 << 10
    eventually(lambda: daemon("GET", "/v1/inspections?limit=1", Accept=CSV).status == 200)  # it left: the place is free


def test_a_client_that_stalls_is_cut(start):
    daemon = start("limits.exports=1", "server.request_timeout_s=1")
    rows.fill(daemon.state, 60_000)
    with held(daemon) as s:
        eventually(lambda: daemon("GET", "/v1/inspections?limit=1", Accept=CSV).status == 200, 60)
        with contextlib.suppress(ConnectionResetError):
            while s.recv(1 << 20):
                pass


def test_clients_that_leave_free_their_places(start):
    daemon = start("limits.exports=2")
    rows.fill(daemon.state, 20_000)
    for _ in range(30):
        with contextlib.suppress(ConnectionResetError), held(daemon) as s:
            s.recv(100_000)
        eventually(lambda: daemon("GET", "/v1/inspections?limit=1", Accept=CSV).status == 200)
    eventually(lambda: daemon.metric("open_connections") == 1)  # the one that asks


def test_a_stop_does_not_wait_for_an_export(start):
    daemon = start()
    rows.fill(daemon.state, 60_000)
    with held(daemon):
        daemon.process.send_signal(signal.SIGTERM)
        assert daemon.process.wait(timeout=10) == 0
    assert "grace time is over" not in daemon.log_text()


def test_rows_that_come_meanwhile_stay_out(start):
    daemon = start()
    ids = rows.fill(daemon.state, 5000)
    connection = daemon.connect()
    connection.request("GET", "/v1/inspections", headers={"Accept": LINES})
    response = connection.getresponse()
    first = response.readline()
    daemon.inspect(picture())
    assert [json.loads(line)["id"] for line in [first, *response]] == ids[::-1]
    connection.close()
