"""Requests that libmicrohttpd refuses before the daemon sees them get problems too, not the library's HTML: on plain
connections and over TLS, as the first request of a connection and as a later one."""
import http.client
import io
import json
import re
import socket
import ssl
import struct
import subprocess

import pytest
from conftest import REQUEST_S, Daemon, copy_state, eventually, picture

PNG = picture()
NEXT = b"GET /v1/products/smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"
FIRST = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Plain(Daemon):
    def open(self):
        return socket.create_connection((self.host, self.port), timeout=REQUEST_S)

    def answers(self, data):
        """Sends bytes and reads to the end of the stream: (response, body) of each answer."""
        with self.open() as s:
            s.sendall(data)
            return parse(read_all(s))


class Tls(Plain):
    def open(self):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context.wrap_socket(super().open(), suppress_ragged_eofs=False)  # an end without close_notify is an error


def read_all(s):
    got = b""
    while piece := s.recv(65536):
        got += piece
    return got


def parse(stream):
    found = []
    while stream:
        file = io.BytesIO(stream)
        file.close = lambda: None

        class Socket:
            def makefile(self, *_):
                return file
        response = http.client.HTTPResponse(Socket())
        response.begin()
        found.append((response, response.read()))
        stream = file.read()
    return found


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                    "/CN=x", "-keyout", folder / "key", "-out", folder / "crt"], check=True, capture_output=True)
    (folder / "key").chmod(0o600)
    return f"server.tls_certificate={folder}/crt", f"server.tls_key={folder}/key"


@pytest.fixture(scope="module", params=[Plain, Tls])
def begin(request, template, certificate, tmp_path_factory):
    """begin(option...) -> a daemon that speaks plain HTTP or TLS."""
    running = []

    def start(*options):
        state = copy_state(template, tmp_path_factory.mktemp("pages") / "state")
        tls = request.param is Tls
        running.append(request.param(state, *(certificate if tls else ()), *options, wait_ready=not tls))
        return running[-1]
    yield start
    for daemon in running:
        daemon.stop()


@pytest.fixture(scope="module")
def daemon(begin):
    return begin()


def post(*headers, body=b""):
    lines = [b"POST /v1/inspections?product=carpet HTTP/1.1", b"Content-Type: image/png", *headers, b"", b""]
    return b"\r\n".join(lines) + body


HOST = b"Host: localhost"
CHUNKED = b"Transfer-Encoding: chunked"

PAGES = {
    "HTTP/2.0": (b"GET /healthz HTTP/2.0\r\nHost: localhost\r\n\r\n", 505, "http_version_not_supported"),
    "HTTP/2 preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "http_version_not_supported"),
    "HTTP/0.9": (b"GET /healthz HTTP/0.9\r\nHost: localhost\r\n\r\n", 505, "http_version_not_supported"),
    "no third word": (b"GET /healthz\r\n\r\n", 400, "malformed_request"),
    "no version": (b"GET /healthz HTTP/1\r\nHost: localhost\r\n\r\n", 400, "malformed_request"),
    "no colon": (b"GET /healthz HTTP/1.1\r\nNoColon\r\nHost: localhost\r\n\r\n", 400, "malformed_request"),
    "no colon in the last line": (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nNoColon\r\n\r\n", 400, "malformed_request"),
    "chunk size": (post(HOST, CHUNKED, body=b"zz\r\nabc\r\n0\r\n\r\n"), 400, "malformed_request"),
    "end of a chunk": (post(HOST, CHUNKED, body=b"3\r\nabcdef\r\n0\r\n\r\n"), 400, "malformed_request"),
    "chunk beyond 64 bits": (post(HOST, CHUNKED, body=b"fffffffffffffffff\r\nabc"), 413, "body_too_large"),
    "trailer": (post(HOST, CHUNKED, body=b"3\r\nabc\r\n0\r\nNoColon\r\n\r\n"), 400, "malformed_request"),
    "long target": (b"GET /" + 70000 * b"a" + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", 414, "target_too_long"),
    "long header": (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: " + 70000 * b"a" + b"\r\n\r\n", 431, "headers_too_large"),
    "long cookie": (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nCookie: " + 50000 * b"a" + b"\r\n\r\n", 431, "headers_too_large"),
    "many headers": (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n" + 2000 * (b"X: " + 40 * b"a" + b"\r\n") + b"\r\n", 431,
                     "headers_too_large"),
    "length of letters": (post(HOST, b"Content-Length: x"), 400, "malformed_request"),
    "negative length": (post(HOST, b"Content-Length: -1"), 400, "malformed_request"),
    "length beyond 64 bits": (post(HOST, b"Content-Length: 99999999999999999999999"), 413, "body_too_large"),
}


@pytest.mark.parametrize("before", [0, 2], ids=["first", "third"])
@pytest.mark.parametrize("request_bytes, status, code", PAGES.values(), ids=PAGES)
def test_each_page_is_a_problem(daemon, request_bytes, status, code, before):
    answers = daemon.answers(before * FIRST + request_bytes + NEXT)
    assert [response.status for response, _ in answers] == before * [200] + [status]
    response, body = answers[-1]
    problem = json.loads(body)
    assert (problem["status"], problem["code"]) == (status, code) and problem["detail"] and problem["title"]
    assert response.headers.get_all("Content-Type") == ["application/problem+json"]
    assert response.headers.get_all("X-Content-Type-Options") == ["nosniff"]
    assert response.headers.get_all("Connection") == ["close"]
    eventually(lambda: any(f"code={code}" in line for line in daemon.lines))
    assert not any("smuggled" in line for line in daemon.lines)


def test_one_word_gets_no_answer(daemon):
    """The library closes such a connection without queueing a page."""
    assert daemon.answers(b"HELLO\r\n\r\n" + NEXT) == []


def test_the_page_arrives_although_the_client_still_sends(daemon):
    """Without a lingering close the unread bytes would cause a reset, which destroys the answer on its way."""
    for request, status in ((b"GET /" + (1 << 20) * b"a", 414), (b"GET /healthz HTTP/1.1\r\nX: " + (1 << 20) * b"a", 431),
                            (post(HOST, CHUNKED, body=b"zz\r\n" + (1 << 20) * b"a"), 400)):
        assert [response.status for response, _ in daemon.answers(request)] == [status]


def test_a_page_behind_the_refusal_of_the_daemon_does_not_replace_it(daemon):
    """The body of a refused GET is discarded; a malformed chunk in it is found after the refusal."""
    request = b"GET /v1/nosuch HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc"
    (response, body), = daemon.answers(request)
    assert (response.status, json.loads(body)["code"]) == (404, "not_found")


def test_connections_beside_it_are_served(daemon):
    """The page belongs to the connection of its request, of many of which some have just ended."""
    half = post(HOST, b"Content-Length: 5")[:-4]
    bad = post(HOST, b"Content-Length: x", body=NEXT)
    for _ in range(4):
        others = [daemon.open() for _ in range(6)]
        for s, sent in zip(others, [b"", b"GET", half, FIRST, b"NoColon\r\n\r\n", half]):
            if sent:
                s.sendall(sent)
        others[-1].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset
        for s in others[1:]:
            s.close()
        assert [response.status for response, _ in daemon.answers(bad)] == [400]
        others[0].close()
    with daemon.open() as s:
        s.sendall(half)
        assert [response.status for response, _ in daemon.answers(bad)] == [400]
        s.sendall(b"\r\nConnection: close\r\n\r\nabcde")
        (response, body), = parse(read_all(s))
        assert json.loads(body)["code"] == "image_undecodable"


def test_pages_are_counted_and_leave_nothing_behind(daemon):
    def state():
        (response, body), = daemon.answers(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        text = body.decode()
        return [float(re.search(rf"^inspectd_{name} (\S+)$", text, re.M)[1])
                for name in (r'http_requests_total\{status="4xx"\}', r'http_requests_total\{status="5xx"\}', "in_flight", "open_connections")]
    before = state()
    for _ in range(4):
        daemon.answers(b"GET /healthz HTTP/1\r\n\r\n")
        daemon.answers(b"GET /healthz HTTP/2.0\r\n\r\n")
        daemon.answers(post(HOST, CHUNKED, body=b"zz\r\nabc"))
    eventually(lambda: state() == [before[0] + 8, before[1] + 4, 0, 1])


def test_direct_answers_arrive_over_tls_too(begin):
    """Answers of the daemon that libmicrohttpd cannot send: to a stalled upload, and in the middle of a body."""
    daemon = begin("server.request_timeout_s=1", "limits.body_bytes=1M")
    with daemon.open() as s:
        s.sendall(post(HOST, b"Content-Length: %d" % len(PNG), body=PNG[:10]))
        (response, body), = parse(read_all(s))
    assert (response.status, json.loads(body)["code"]) == (408, "request_timeout")
    piece = b"%x\r\n%s\r\n" % (1 << 20, bytes(1 << 20))
    with daemon.open() as s:
        s.sendall(post(HOST, CHUNKED))
        for _ in range(12):
            s.sendall(piece)
        (response, body), = parse(read_all(s))
    assert (response.status, json.loads(body)["code"]) == (413, "body_too_large")
