"""docs/security.md lists the memory that each kind of client can hold: its totals follow from the defaults, and a running
daemon stays within its figures."""
import contextlib
import pathlib
import re
import socket
import ssl
import subprocess

import pytest
from conftest import eventually, picture, resident_kib, sanitized

TOP = pathlib.Path(__file__).resolve().parents[2]
UNIT = {"KiB": 1, "MiB": 1024}
SLACK_KIB = 6 << 10  # memory that the allocator keeps
IMAGE = picture(noise=True)


def kib(text):
    number, unit = re.match(r"([\d.]+) ([KM]iB)", text).groups()
    return float(number) * UNIT[unit]


def rows():
    text = (TOP / "docs/security.md").read_text().split("## Memory of the daemon")[1].split("\n## ")[0]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    return {row[0]: row[1:] for row in cells[2:]}


def each(client):
    return kib(rows()[client][0])


def default(name):
    """A setting of config/inspectd.conf: a number, or KiB for a size."""
    section, key = name.split(".")
    text = (TOP / "config/inspectd.conf").read_text().split(f"[{section}]")[1].split("\n[")[0]
    value = re.search(rf"^#{key} = (\S+)$", text, re.M)[1]
    return int(value[:-1]) * {"K": 1, "M": 1024, "G": 1 << 20}[value[-1]] if value[-1] in "KMG" else int(value)


@pytest.mark.parametrize("client", rows())
def test_the_totals_follow_from_the_defaults(client):
    cost, number, total = rows()[client]
    if cost == "the answer":
        assert kib(total) == default("limits.answer_bytes")
        return
    setting = re.match(r"`(\w+\.\w+)` = (\d+)$", number)
    if setting:
        assert default(setting[1]) == int(setting[2])
    if "limits.body_bytes" in cost:
        assert kib(cost) == default("limits.body_bytes")
    count = int(setting[2] if setting else number)
    assert kib(total) == pytest.approx(kib(cost) * count)


@contextlib.contextmanager
def clients(daemon, number, send, receive_bytes=None, wrap=lambda s: s):
    with contextlib.ExitStack() as stack:
        for _ in range(number):
            plain = stack.enter_context(socket.socket())
            plain.settimeout(30)
            if receive_bytes:
                plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
            plain.connect((daemon.host, daemon.port))
            s = stack.enter_context(wrap(plain))
            s.sendall(send)
            if b"\r\n\r\n" in send and not send.startswith(b"POST"):
                assert s.recv(12) == b"HTTP/1.1 200"
        yield


def costs(daemon, number, *more, **options):
    """KiB of each of so many clients."""
    with clients(daemon, 4, *more, **options):  # memory that the first clients leave allocated
        pass
    eventually(lambda: daemon.metric("open_connections") <= 1)
    before = resident_kib(daemon)
    with clients(daemon, number, *more, **options):
        return max(0, resident_kib(daemon) - before - SLACK_KIB) / number


def get(path):
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()


@pytest.mark.skipif(sanitized(), reason="a sanitizer keeps what was freed")
def test_connections(start):
    daemon = start()
    assert costs(daemon, 200, b"") <= each("silent or idle connection")
    assert costs(daemon, 200, get("/healthz")) <= each("silent or idle connection")
    half_sent = b"GET /" + b"a" * 30000
    assert costs(daemon, 200, half_sent) <= each("silent or idle connection")


@pytest.mark.skipif(sanitized(), reason="a sanitizer keeps what was freed")
def test_connections_over_tls(start, tmp_path):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-days", "2", "-subj", "/CN=x", "-keyout", f"{tmp_path}/key", "-out", f"{tmp_path}/crt"], check=True,
                   capture_output=True)
    (tmp_path / "key").chmod(0o600)
    daemon = start(f"server.tls_certificate={tmp_path}/crt", f"server.tls_key={tmp_path}/key", wait_ready=False)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    daemon.connect = lambda: __import__("http.client").client.HTTPSConnection(daemon.host, daemon.port, context=context)
    daemon.wait_ready()
    assert costs(daemon, 150, get("/healthz"), wrap=context.wrap_socket) <= each("the same over TLS")


@pytest.mark.skipif(sanitized(), reason="a sanitizer keeps what was freed")
def test_uploads(start):
    """An upload costs what it has sent, not what it has declared."""
    daemon = start("server.request_timeout_s=60")
    sent = 256 << 10
    head = (f"POST /v1/inspections?product=carpet HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: image/png\r\n"
            f"Content-Length: {32 << 20}\r\n\r\n").encode()
    assert costs(daemon, 48, head + bytes(sent)) <= sent / 1024 + each("silent or idle connection")


@pytest.mark.skipif(sanitized(), reason="a sanitizer keeps what was freed")
def test_event_streams(start):
    daemon = start()
    assert costs(daemon, 90, get("/v1/events")) <= each("event stream, waiting list")


@pytest.mark.skipif(sanitized(), reason="a sanitizer keeps what was freed")
def test_waiting_lists(start):
    daemon, wait = start("limits.event_streams=120"), "/v1/inspections?after=01a20f9c-34e6-7000-8908-64a79671e629&wait_ms="
    daemon("GET", wait + "1")
    before = resident_kib(daemon)
    with contextlib.ExitStack() as stack:
        for _ in range(90):  # three quarters: no place is left for another
            s = stack.enter_context(socket.create_connection((daemon.host, daemon.port), timeout=30))
            s.sendall(get(wait + "60000"))
        eventually(lambda: daemon("GET", wait + "1").status == 503)
        assert resident_kib(daemon) - before - SLACK_KIB <= 90 * each("event stream, waiting list")


@pytest.mark.skipif(sanitized(), reason="a sanitizer keeps what was freed")
def test_readers_of_an_image(start):
    width, height = 4096, 7168
    daemon = start()
    made = daemon.inspect(bytes(range(256)) * (width * height // 256),
                          kind=f"image/x-raw;format=mono8;width={width};height={height}")
    assert made.status == 200
    assert costs(daemon, 100, get(made.json["image"]["href"]), receive_bytes=4096) <= each("reader of a posted image")


@pytest.mark.skipif(sanitized(), reason="a sanitizer keeps what was freed")
def test_answers_that_nobody_reads(start):
    """Heatmaps of a picture full of detail are large; together they keep to limits.answer_bytes, and inspections go on."""
    limit, readers = 8 << 20, 40
    daemon = start(f"limits.answer_bytes={limit}")
    made = daemon.inspect(picture(noise=True, size=(1600, 1200))).json
    path = made["heatmap"]["href"] + "?view=overlay"
    size = len(daemon("GET", path).body)
    before = resident_kib(daemon)
    with contextlib.ExitStack() as stack:
        answers = []
        for _ in range(readers):
            s = stack.enter_context(socket.socket())
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            s.settimeout(30)
            s.connect((daemon.host, daemon.port))
            s.sendall(get(path))
            answers.append(s.recv(12)[9:])
        assert answers.count(b"200") <= limit // size + 1 and answers.count(b"503") > 0
        assert resident_kib(daemon) - before < (limit + 4 * size >> 10) + (32 << 10)
        assert daemon.inspect(IMAGE).status == 200
