"""Every kind of bad input gets a status, a stable code and application/problem+json; nothing is stored, nothing leaks,
and the daemon works afterwards."""
import http.client
import json
import socket
import struct
import zlib

import pytest
from conftest import FAKE, Daemon, copy_state, count, eventually, picture

BODY_LIMIT = 1 << 20
JPEG, PNG = picture(noise=True, kind="JPEG"), picture(noise=True)
POST = "/v1/inspections?product=carpet"


@pytest.fixture(scope="module")
def daemon(template, tmp_path_factory):
    state = copy_state(template, tmp_path_factory.mktemp("bad") / "state")
    daemon = Daemon(state, f"limits.body_bytes={BODY_LIMIT}", "server.request_timeout_s=1", "limits.inflight=1")
    assert daemon.inspect(PNG).status == 200  # threads and files that the first inspection opens are there now
    yield daemon
    daemon.stop()


@pytest.fixture(autouse=True)
def well_afterwards(daemon):
    """Checks after each test: no new row, no slot in use, no descriptor more, and a good image is answered."""
    rows, open_files = count(daemon), daemon.descriptors()
    yield
    eventually(lambda: daemon.metric("in_flight") == 0)
    assert count(daemon) == rows
    assert daemon("GET", "/healthz").status == 200
    assert daemon.inspect(PNG).status == 200
    eventually(lambda: daemon.descriptors() <= open_files)


def refused(answer, status, code, *words):
    assert (answer.status, answer.code) == (status, code), answer.body
    for word in words:
        assert word in answer.json["detail"]
    assert answer.json["title"] and answer.json["type"]


@pytest.mark.parametrize("kind", ["text/plain", "image/gif", "application/json", "image/x-raw;format=rgb9;width=2;height=2"])
def test_wrong_type(daemon, kind):
    refused(daemon.inspect(PNG, kind=kind), 415, "unsupported_media_type")


def test_no_type(daemon):
    refused(daemon("POST", POST, PNG), 415, "unsupported_media_type")


def test_type_that_is_not_the_bodys(daemon):
    refused(daemon.inspect(PNG, kind="image/jpeg"), 422, "image_undecodable")


def test_empty_body(daemon):
    refused(daemon.inspect(b""), 400, "empty_body")


def test_empty_chunked_body(daemon):
    refused(daemon.inspect(iter(())), 400, "empty_body")


@pytest.mark.parametrize("sixteenth", range(1, 16))
@pytest.mark.parametrize("kind, image", [("image/jpeg", JPEG), ("image/png", PNG)], ids=["jpeg", "png"])
def test_truncated(daemon, kind, image, sixteenth):
    refused(daemon.inspect(image[:len(image) * sixteenth // 16], kind=kind), 422, "image_undecodable")


def png_chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def huge_png():
    head = png_chunk(b"IHDR", struct.pack(">IIBBBBB", 10000, 10000, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + png_chunk(b"IDAT", zlib.compress(bytes(1 << 20)) + bytes(900))


def huge_jpeg():
    image = bytearray(picture(size=(16, 16), kind="JPEG"))
    frame = image.index(b"\xff\xc0")
    image[frame + 5:frame + 9] = struct.pack(">HH", 10000, 10000)
    return bytes(image) + bytes(2048 - len(image))


@pytest.mark.parametrize("kind, image", [("image/png", huge_png()), ("image/jpeg", huge_jpeg())], ids=["png", "jpeg"])
def test_hundred_megapixels_in_two_kilobytes(daemon, kind, image):
    assert len(image) <= 2 << 10
    before = daemon.metric("process_resident_memory_bytes")
    refused(daemon.inspect(image, kind=kind), 422, "image_too_large", "10000")
    assert daemon.metric("process_resident_memory_bytes") < before + (50 << 20)


def test_zero_sized(daemon):
    refused(daemon.inspect(b"", kind="image/x-raw;format=mono8;width=0;height=4"), 415, "unsupported_media_type")


@pytest.mark.parametrize("more", [-1, 1])
def test_raw_of_the_wrong_length(daemon, more):
    refused(daemon.inspect(bytes(16 * 16 * 3 + more), kind="image/x-raw;format=rgb8;width=16;height=16"), 422,
            "image_undecodable")


def test_too_large_by_content_length_before_the_body(daemon):
    # Only the headers are sent: the answer does not wait for a body that would be refused.
    head = f"POST {POST} HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\nContent-Length: {BODY_LIMIT + 1}\r\n\r\n"
    with socket.create_connection((daemon.host, daemon.port), timeout=5) as s:
        s.sendall(head.encode())
        response = http.client.HTTPResponse(s)
        response.begin()
        assert response.status == 413
        assert json.loads(response.read())["code"] == "body_too_large"


def test_too_large_chunked(daemon):
    refused(daemon.inspect(iter([bytes(1 << 16)] * 17)), 413, "body_too_large")


def test_unknown_product(daemon):
    refused(daemon.inspect(PNG, "product=nothing"), 404, "unknown_product", "nothing")


@pytest.mark.parametrize("query, word", [
    ("", "product"), ("product=", "product"), ("product=a/b", "product"), ("product=carpet&product=carpet", "twice"),
    ("product=carpet&deadline_ms=0", "deadline_ms"), ("product=carpet&deadline_ms=-5", "deadline_ms"),
    ("product=carpet&deadline_ms=1e3", "deadline_ms"), ("product=carpet&deadline_ms=99999999999999999999", "deadline_ms"),
    ("product=carpet&camera=%0a", "camera"), ("product=carpet&camera=%ff", "camera"), ("product=carpet&camera=", "camera"),
    ("product=carpet&part=" + "x" * 1000, "part"), ("product=carpet&colour=red", "colour")])
def test_bad_query_of_a_post(daemon, query, word):
    refused(daemon.inspect(PNG, query), 400, "invalid_query", word)


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "limit=ten", "verdict=bad", "label=maybe", "since=yesterday",
                                   "until=2026-13-01T00:00:00Z", "cursor=x", "cursor=%00", "product=..%2f..", "order=up"])
def test_bad_query_of_the_list(daemon, query):
    refused(daemon("GET", f"/v1/inspections?{query}"), 400, "invalid_query", query.split("=")[0])


@pytest.mark.parametrize("number", [17, 500, 5000])
def test_more_arguments_than_any_call_has(daemon, number):
    """libmicrohttpd has 32 KB for them and closes without an answer."""
    refused(daemon("GET", "/v1/inspections?" + "&".join(f"a{i}" for i in range(number))), 400, "invalid_query", "16")
    refused(daemon("GET", "/v1/inspections?limit=2&" + "&" * number + "order=up"), 400, "invalid_query")


def test_unknown_inspection(daemon):
    for path in ("", "/image", "/heatmap.png"):
        for name in ("0190b6f2-0000-7000-8000-000000000000", "x"):
            refused(daemon("GET", f"/v1/inspections/{name}{path}"), 404, "not_found")


@pytest.mark.parametrize("body", [b"", b"--b\r\n", b"--b\r\nContent-Disposition: form-data; name=\"image\"\r\n\r\nhalf",
                                  b"--b\r\nContent-Disposition: form-data; name=\"other\"\r\n\r\nx\r\n--b--\r\n"])
def test_broken_multipart(daemon, body):
    refused(daemon.inspect(body, kind="multipart/form-data; boundary=b"), 400,
            "malformed_request" if body else "empty_body")


def test_multipart_without_boundary(daemon):
    refused(daemon.inspect(b"x", kind="multipart/form-data"), 400, "malformed_request")


def test_bytes_that_are_no_http(daemon):
    answer = daemon.raw(b"\x16\x03\x01 hello\r\n\r\n")
    assert answer == b"" or answer.startswith(b"HTTP/1.1 4")


def unfinished(daemon, length):
    s = socket.create_connection((daemon.host, daemon.port), timeout=20)
    s.sendall(f"POST {POST} HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\nContent-Length: {length}\r\n\r\n".encode())
    return s


def test_client_that_stops_sending(daemon):
    with unfinished(daemon, len(PNG)) as s:
        s.sendall(PNG[:len(PNG) // 2])
        assert daemon.inspect(PNG).code == "queue_full"  # it holds the only slot
        response = http.client.HTTPResponse(s)
        response.begin()
        assert response.status == 408
        assert response.headers["Content-Type"] == "application/problem+json"
        assert json.loads(response.read())["code"] == "request_timeout"


def test_client_that_stops_in_the_headers(daemon):
    assert daemon.raw(b"POST /v1/inspections HTTP/1.1\r\nHost:") == b""


def test_client_that_says_nothing(daemon):
    assert daemon.raw(b"") == b""


def test_client_that_leaves_while_it_sends(daemon):
    unfinished(daemon, len(PNG)).close()
    eventually(lambda: daemon.metric("in_flight") == 0)


def test_client_that_leaves_while_its_image_is_scored(start):
    daemon = start(env={"INSP_FAKE_PASS_MS": "1000"})
    passes = daemon.metric("passes_total")
    with unfinished(daemon, len(PNG)) as s:
        s.sendall(PNG)
        eventually(lambda: daemon.metric("batch_images") == 1 or not FAKE and daemon.metric("passes_total") > passes)
        # A reset, as from a camera that was switched off.
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    eventually(lambda: daemon.metric("in_flight") == 0)
    if FAKE:
        assert daemon.metric("batch_images") == 1  # the place was free before the pass was over
        eventually(lambda: daemon.metric("batch_images") == 0)
        assert daemon.inspect(PNG).status == 200  # scored after it: the first one is decided by now
        assert count(daemon) == 1
    else:  # its pass may be over before the client leaves; then the inspection may be stored
        assert count(daemon) <= 1


def test_connection_goes_on_after_a_refusal(daemon):
    connection = daemon.connect()
    refused(daemon.inspect(PNG[:100], connection=connection), 422, "image_undecodable")
    local = connection.sock.getsockname()
    refused(daemon("GET", "/v1/inspections?limit=0", connection=connection), 400, "invalid_query")
    assert daemon("GET", "/healthz", connection=connection).status == 200
    assert connection.sock.getsockname() == local
    connection.close()
