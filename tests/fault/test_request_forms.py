"""Requests that two readers may read differently, and forms that HTTP allows though hardly anybody sends them: bytes on a
socket, answers read to the end of the stream."""
import gzip
import http.client
import io
import json
import re

import pytest
from conftest import count, eventually, picture

PNG = picture()
NEXT = b"GET /v1/products/smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture(scope="module")
def daemon(template, tmp_path_factory):
    import shutil

    from conftest import Daemon
    state = tmp_path_factory.mktemp("forms") / "state"
    shutil.copytree(template, state)
    daemon = Daemon(state)
    yield daemon
    daemon.stop()


def head(answer):
    """Status, headers and body of the only answer in these bytes."""
    assert answer.startswith(b"HTTP/1.1 "), answer

    class Socket:
        def makefile(self, *_):
            return io.BytesIO(answer)
    response = http.client.HTTPResponse(Socket())
    response.begin()
    return response, response.read()


def refused(daemon, request, status, code, *words):
    """One problem, a closed connection, and no answer to the bytes after the request."""
    before = count(daemon)
    answer = daemon.raw(request)
    assert len(re.findall(rb"HTTP/1\.[01] \d\d\d", answer)) == 1, answer
    response, body = head(answer)
    problem = json.loads(body)
    assert (response.status, problem["code"]) == (status, code), (request[:200], problem)
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.headers["Connection"].lower() == "close"
    for word in words:
        assert word in problem["detail"]
    assert count(daemon) == before and b"smuggled" not in answer
    assert not any("smuggled" in line for line in daemon.lines)


def post(*headers, body=b""):
    lines = [b"POST /v1/inspections?product=carpet HTTP/1.1", b"Content-Type: image/png", *headers, b"", b""]
    return b"\r\n".join(lines) + body


HOST = b"Host: localhost"
CHUNKED = b"%x\r\n%s\r\n0\r\n\r\n" % (len(PNG), PNG)


@pytest.mark.parametrize("headers", [
    [HOST, b"Content-Length: %d" % len(PNG), b"Content-Length: 3"],
    [HOST, b"Content-Length: 3", b"content-length: %d" % len(PNG)],
    [HOST, b"Content-Length: %d" % len(PNG), b"Content-Length: %d" % len(PNG)],
    [HOST, b"Content-Length: %d" % len(PNG), b"Transfer-Encoding: chunked"],
    [HOST, b"Transfer-Encoding: chunked", b"Content-Length: 3"],
    [HOST, b"Transfer-Encoding: gzip"],
    [HOST, b"Transfer-Encoding: gzip, chunked"],
    [HOST, b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity"],
    [HOST, b"Transfer-Encoding: xchunked"],
    [HOST, b"Transfer-Encoding : chunked", b"Content-Length: %d" % len(PNG)],
    [HOST, b"Content-Length: %d" % len(PNG), b"Content-Length : 3"],
    [HOST, b"Content-Length: %d" % len(PNG), b"X-Folded: a", b" b"],
    [HOST, b"Content-: %d" % len(PNG), b" Length"],
    [HOST, b"Content-Length: %d" % len(PNG), b"X-Bare: a\rContent-Length: 3"],
    [HOST, b"Content-Length: %d" % len(PNG), b"X\x01: a"],
    [HOST, b"Content-Length: %d" % len(PNG), b"Authorization: Bearer a", b"Authorization: Bearer b"],
    [HOST, b"Content-Length: %d" % len(PNG), b"Content-Type: image/jpeg"],
    [b"Content-Length: %d" % len(PNG)],
    [HOST, b"Host: evil.test", b"Content-Length: %d" % len(PNG)],
    [HOST, HOST, b"Content-Length: %d" % len(PNG)],
    [b"Host: local host", b"Content-Length: %d" % len(PNG)],
    [b"Host: localhost/x", b"Content-Length: %d" % len(PNG)],
], ids=lambda headers: b"|".join(headers).decode("latin-1").encode("unicode_escape").decode())
def test_doubtful_framing_is_refused_and_the_connection_closed(daemon, headers):
    refused(daemon, post(*headers, body=(CHUNKED if any(b"chunked" in h for h in headers) else PNG) + NEXT), 400,
            "malformed_request")


@pytest.mark.parametrize("length", [b"-1", b"+5", b"0x10", b"1 2", b"1,1", b"x", b"", b"99999999999999999999999"])
def test_a_length_that_is_none(daemon, length):
    """libmicrohttpd refuses these before the daemon sees the request (test_error_pages.py)."""
    status, code = (413, "body_too_large") if length.startswith(b"9") else (400, "malformed_request")
    refused(daemon, post(HOST, b"Content-Length: " + length, body=NEXT), status, code, "Content-Length")
    whole = post(HOST, b"Content-Length: %d" % len(PNG), body=PNG)  # and behind a request that is in order
    answer = daemon.raw(whole + post(HOST, b"Content-Length: " + length, body=NEXT))
    assert re.findall(rb"HTTP/1\.1 (\d\d\d)", answer) == [b"200", b"%d" % status]
    assert answer.count(b"application/problem+json") == 1


@pytest.mark.parametrize("size", [b"zz", b"-1", b"fffffffffffffffff", b"3 ", b"0x3"])
def test_chunk_sizes_that_are_none(daemon, size):
    answer = daemon.raw(post(HOST, b"Transfer-Encoding: chunked", body=size + b"\r\nabc\r\n0\r\n\r\n" + NEXT))
    assert b"smuggled" not in answer and answer.count(b"HTTP/1.1 ") <= 1
    assert not any("smuggled" in line for line in daemon.lines)


def test_a_whole_pipeline_is_answered(daemon):
    """The checks close nothing that is in order."""
    request = post(HOST, b"Content-Length: %d" % len(PNG), body=PNG)
    chunked = post(HOST, b"Transfer-Encoding: chunked", body=CHUNKED)
    last = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    answer = daemon.raw(request + chunked + request + last)
    assert re.findall(rb"HTTP/1\.1 (\d\d\d)", answer) == [b"200"] * 4


def get(target, *headers, version=b"HTTP/1.1", method=b"GET"):
    return b"\r\n".join([b"%s %s %s" % (method, target, version), *headers, b"Connection: close", b"", b""])


def test_target_forms(daemon):
    address = f"127.0.0.1:{daemon.port}".encode()
    for target in (b"http://localhost/healthz", b"http://%s/healthz" % address, b"HTTP://localhost:1/healthz", b"https://localhost/healthz"):
        response, body = head(daemon.raw(get(target, HOST)))
        assert response.status == 200 and b'"ok"' in body, target
    response, body = head(daemon.raw(get(b"http://localhost/v1/inspections?limit=1", HOST)))
    assert response.status == 200 and len(json.loads(body)["items"]) <= 1
    # the target's name counts, not Host's
    response, body = head(daemon.raw(get(b"http://evil.test/v1/inspections", HOST)))
    assert (response.status, json.loads(body)["code"]) == (403, "host_not_allowed")
    response, _ = head(daemon.raw(get(b"http://localhost/v1/inspections", b"Host: evil.test")))
    assert response.status == 200
    response, body = head(daemon.raw(get(b"*", HOST, method=b"OPTIONS")))
    assert response.status == 204 and "POST" in response.headers["Allow"] and body == b""
    for target in (b"*", b"healthz", b"localhost:80", b"ftp://localhost/", b"http:///healthz"):
        refused(daemon, get(target, HOST), 400, "malformed_request", "target")
    for version, status in ((b"HTTP/1.0", 200), (b"HTTP/1.1", 400)):
        response, _ = head(daemon.raw(get(b"/healthz", version=version)))
        assert response.status == status


def test_too_long(daemon):
    refused(daemon, get(b"/" + b"a" * 9000, HOST), 414, "target_too_long", "8192")
    refused(daemon, get(b"/v1/inspections?cursor=" + b"a" * 20000, HOST), 414, "target_too_long")
    refused(daemon, get(b"/healthz", HOST, *[b"X-Long-%d: %s" % (i, b"a" * 1000) for i in range(40)]), 431,
            "headers_too_large", "32768")
    refused(daemon, get(b"/healthz", HOST, b"X-Long: " + b"a" * 40000), 431, "headers_too_large")
    response, _ = head(daemon.raw(get(b"/healthz", HOST, b"Cookie: " + b"a" * 8000)))
    assert response.status == 200
    response, body = head(daemon.raw(get(b"/" + b"a" * 2000, HOST)))
    assert response.status == 404 and json.loads(body)["code"] == "not_found"  # long, and just no route


def test_more_parameters_than_there_is_room_for(daemon):
    """libmicrohttpd 0.9 closes without an answer if it has no room for them."""
    for number in (60, 500, 4000):
        response, body = head(daemon.raw(get(b"/v1/inspections?" + b"&".join(b"a%d" % i for i in range(number)), HOST)))
        assert response.status == 400 and json.loads(body)["code"] == "invalid_query"


def test_content_codings(daemon):
    for kind, body in (("image/png", PNG), ("multipart/form-data; boundary=b", PNG)):
        answer = daemon.inspect(gzip.compress(body), kind=kind, Content_Encoding="gzip")
        assert answer.status == 415 and answer.code == "unsupported_media_type" and "gzip" in answer.json["detail"]
        assert answer.headers["Accept-Encoding"] == "identity"
    assert daemon.inspect(PNG, Content_Encoding="identity").status == 200
    made = daemon.inspect(PNG).json["id"]
    answer = daemon("PUT", f"/v1/inspections/{made}/label", gzip.compress(b'{"label": "good"}'), Content_Encoding="x-gzip")
    assert answer.status == 415 and "x-gzip" in answer.json["detail"]
    assert daemon("GET", "/v1/inspections?limit=1", Content_Encoding="gzip").status == 200  # says nothing without a body


@pytest.mark.parametrize("accept, kind", [
    ("image/png", "image/png"), ("image/png;q=0", "application/json"), ("image/png;q=0.1, application/json;q=0.5", "application/json"),
    ("application/json;q=0.4, image/png;q=0.5", "image/png"), ("*/*", "application/json"), ("image/*", "image/png"),
    ("text/html," * 40 + "image/png", "image/png"), ("", "application/json")])
def test_weights_of_accept(daemon, accept, kind):
    answer = daemon.inspect(PNG, Accept=accept)
    assert answer.status == 200 and answer.headers["Content-Type"] == kind


def test_multipart_as_dotnet_and_others_write_it(daemon):
    def form(disposition, kind='multipart/form-data; boundary="b-1"'):
        body = b"--b-1\r\nContent-Type: image/png\r\n" + disposition + b"\r\n\r\n" + PNG + b"\r\n--b-1--\r\n"
        return daemon.inspect(body, kind=kind)
    for disposition in (b"Content-Disposition: form-data; name=image; filename=part.png; filename*=utf-8''part.png",
                        b"content-disposition:form-data;name=\"image\"", b"Content-Disposition: form-data; NAME = image",
                        b"Content-Disposition: form-data; filename=\"a\\\"; name=x; \\\".png\"; name=\"image\""):
        assert form(disposition).status == 200, disposition
    assert form(b"Content-Disposition: form-data; name=\"image\"", "Multipart/Form-Data ; BOUNDARY=b-1").status == 200
    answer = form(b"Content-Disposition: form-data; name=image\r\nContent-Transfer-Encoding: base64")
    assert answer.status == 415 and "base64" in answer.json["detail"]


def test_null_is_absent(daemon):
    made = daemon.inspect(PNG).json["id"]
    answer = daemon("PUT", f"/v1/inspections/{made}/label", '{"label": "anomaly", "defect": null, "note": null}')
    assert answer.status == 200 and answer.json["label"]["defect"] is None, answer.body
    admin = (daemon.state / "admin.token").read_text().strip()
    with_null = daemon("POST", "/v1/admin/products/carpet/train", '{"dataset": "nothing-there", "epochs": null, "activate": null}', token=admin)
    without = daemon("POST", "/v1/admin/products/carpet/train", '{"dataset": "nothing-there"}', token=admin)
    assert (with_null.status, with_null.body) == (without.status, without.body) or with_null.status == without.status == 202


def test_log_fields_are_not_forged(daemon):
    daemon.raw(get(b"/x%20status=200%20token=admin%20total_ms=1", HOST))
    daemon.raw(get("/y\u202e\u0085%e2%80%ae%c2%85%ff%22".encode(), HOST))
    eventually(lambda: any("path=/y" in line for line in daemon.lines))
    line = next(line for line in daemon.lines if "path=/x" in line)
    assert "path=/x%20status=200%20token=admin%20total_ms=1 status=404" in line and line.count(" status=") == 1
    line = next(line for line in daemon.lines if "path=/y" in line)
    assert line.isascii() and re.search(r"path=/y[%0-9A-F]+ status=404", line)


def test_answers_do_not_name_the_servers_folders(daemon):
    """A damaged bundle and a missing image: viewers see the cause, but no folder of the server."""
    made = daemon.inspect(PNG).json["id"]
    for image in (daemon.state / "images").rglob(f"{made}*"):
        image.unlink()
        image.mkdir()
    answer = daemon("GET", f"/v1/inspections/{made}/image")
    assert answer.status >= 400 and str(daemon.state) not in answer.body.decode()
    manifest = next((daemon.state / "models" / "carpet").glob("*/manifest.json"))
    kept = manifest.read_bytes()
    try:
        manifest.write_bytes(b"{")
        daemon.process.send_signal(1)
        eventually(lambda: daemon("GET", "/readyz").json["reasons"])
        for path in ("/readyz", "/v1/products", "/v1/products/carpet/models", f"/v1/products/carpet/models/{manifest.parent.name}"):
            body = daemon("GET", path).body.decode()
            assert str(daemon.state) not in body and ("<state>" in body or path == "/v1/products"), path
        admin = (daemon.state / "admin.token").read_text().strip()
        assert str(daemon.state) in daemon("GET", f"/v1/products/carpet/models/{manifest.parent.name}", token=admin).body.decode()
    finally:
        manifest.write_bytes(kept)
        daemon.process.send_signal(1)
        eventually(lambda: not daemon("GET", "/readyz").json["reasons"])
