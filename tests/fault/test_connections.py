"""Crowds of connections: the daemon always accepts, and no client shuts the others out.

The attacker uses the address 127.0.0.2, which counts as another client than 127.0.0.1."""
import contextlib
import os
import resource
import signal
import socket
import ssl
import subprocess

import pytest
from conftest import copy_state, eventually, picture

IMAGE = picture(noise=True)
HALF_SENT = b"POST /v1/inspections?product=carpet HTTP/1.1\r\nHost: localhost\r\nContent-Ty"
LIMIT = 16
FEW = f"server.connections={LIMIT}"
GET = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
STREAM = b"GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n"
# At work for a minute: so long it may take for its first MiB, by 16 KiB a second.
UPLOAD = (b"POST /v1/inspections?product=carpet HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n"
          b"Content-Length: 9000000\r\n\r\n" + bytes(1 << 20))
OTHER = "127.0.0.2"


def opened(daemon, address="127.0.0.1"):
    return socket.create_connection((daemon.host, daemon.port), timeout=20, source_address=(address, 0))


@contextlib.contextmanager
def crowd(daemon, number, send=b"", address="127.0.0.1"):
    with contextlib.ExitStack() as stack:
        sockets = []
        for _ in range(number):
            s = stack.enter_context(opened(daemon, address))
            with contextlib.suppress(ConnectionError):
                s.sendall(send)
            sockets.append(s)
        yield sockets


def answered(daemon, timeout=5):
    try:
        with socket.create_connection((daemon.host, daemon.port), timeout=timeout) as s:
            s.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            return s.recv(100).startswith(b"HTTP/1.1 200 ")
    except OSError:
        return False


def refusals(daemon, reason, what="refused"):
    text = daemon("GET", "/metrics").body.decode()
    return int(text.split(f'inspectd_connections_{what}_total{{reason="{reason}"}} ')[1].split()[0])


# --- never deaf


@pytest.mark.parametrize("send", [b"", HALF_SENT], ids=["silent", "half-sent"])
@pytest.mark.parametrize("more", [0, 5])
def test_it_answers_after_a_crowd_of_its_limit_came_and_went(start, send, more):
    daemon = start(FEW)
    for _ in range(8):  # one in eight daemons survived this by luck
        with crowd(daemon, LIMIT + more, send):
            pass
        assert answered(daemon)


def test_it_answers_after_it_cut_a_crowd_itself(start):
    daemon = start(FEW, "server.request_timeout_s=1")
    with crowd(daemon, LIMIT) as sockets:
        for s in sockets:
            assert s.recv(1) == b""  # the daemon's own time-out
        assert answered(daemon)


def certificate(folder):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-days", "2", "-subj", "/CN=x", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", f"{folder}/key",
                    "-out", f"{folder}/crt"], check=True, capture_output=True)
    os.chmod(f"{folder}/key", 0o600)


def test_it_answers_after_half_handshakes(start, tmp_path):
    certificate(tmp_path)
    daemon = start(FEW, f"server.tls_certificate={tmp_path}/crt", f"server.tls_key={tmp_path}/key", wait_ready=False)
    trusted = ssl.create_default_context(cafile=f"{tmp_path}/crt")

    def over_tls():
        with opened(daemon) as plain, trusted.wrap_socket(plain, server_hostname="127.0.0.1") as s:
            s.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            return s.recv(100).startswith(b"HTTP/1.1 200 ")

    for hello in (b"", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"):
        for _ in range(4):
            with crowd(daemon, LIMIT, hello):
                pass
            assert over_tls()


@contextlib.contextmanager
def no_descriptors(daemon):
    """Lowers the limit of descriptors below the number of open ones."""
    hard = resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE)[1]
    resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE, (3, hard))
    yield
    resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE, (min(1024, hard), hard))


def test_it_answers_again_when_descriptors_are_back(start):
    daemon = start()
    idle = opened(daemon)
    idle.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert idle.recv(65536).startswith(b"HTTP/1.1 200 ")
    with no_descriptors(daemon):
        waiting = opened(daemon)
        waiting.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert idle.recv(1) == b""  # of no use, so it makes room
    with waiting, idle:
        assert waiting.recv(100).startswith(b"HTTP/1.1 200 ")  # nothing but the clock made the daemon look again
    assert refusals(daemon, "descriptors") > 0


class Watchdog:
    """systemd's side of the watchdog."""

    def __init__(self, folder):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(folder / "notify"))
        self.socket.settimeout(20)
        self.env = {"NOTIFY_SOCKET": str(folder / "notify"), "WATCHDOG_USEC": "1000000"}

    def fed_within(self, seconds):
        self.socket.settimeout(seconds)
        try:
            while b"WATCHDOG=1" not in self.socket.recv(4096):
                pass
            return True
        except TimeoutError:
            return False

    def forget(self):
        self.socket.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                self.socket.recv(4096)


def test_the_watchdog_is_fed_at_the_limit(start, tmp_path):
    watchdog = Watchdog(tmp_path)
    daemon = start(FEW, env=watchdog.env)
    with crowd(daemon, LIMIT, b"GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n") as sockets:
        for s in sockets:
            s.recv(1)
        watchdog.forget()
        for _ in range(4):
            assert watchdog.fed_within(5)


# --- no client shuts the others out


@pytest.mark.parametrize("send", [b"", HALF_SENT], ids=["silent", "half-sent"])
def test_connections_without_a_request_make_room(start, send):
    daemon = start(FEW)
    connection = daemon.connect()
    with crowd(daemon, LIMIT + 4, send, OTHER):
        for _ in range(20):
            assert daemon.inspect(IMAGE, connection=connection).status == 200
            assert answered(daemon)
    assert refusals(daemon, "connections", "displaced") > 0
    eventually(lambda: "connections are at a limit reason=connections" in daemon.log_text())
    assert daemon.log_text().count("connections are at a limit") <= 2


def test_an_address_has_a_share_of_the_connections(start):
    daemon = start(FEW, "server.connections_per_address=6")
    with crowd(daemon, 6, UPLOAD, OTHER):
        with opened(daemon, OTHER) as s:  # answered, and not reset because of the bytes that it sent
            s.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            answer = b"".join(iter(lambda: s.recv(65536), b""))
        assert answer.startswith(b"HTTP/1.1 503 ") and b"Retry-After: 1\r\n" in answer and b"queue_full" in answer
        assert b"connections_per_address" in answer
        assert answered(daemon)
    assert refusals(daemon, "address") == 1
    eventually(lambda: daemon.metric("in_flight") == 0)
    with crowd(daemon, 6, STREAM, OTHER) as sockets:
        assert [s.recv(12) for s in sockets].count(b"HTTP/1.1 200") == 3
    with crowd(daemon, 6, GET, OTHER) as sockets:
        assert all(s.recv(12) == b"HTTP/1.1 200" for s in sockets)


def test_an_idle_connection_of_the_same_address_makes_room(start):
    daemon = start("server.connections_per_address=4")
    with crowd(daemon, 4, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n") as sockets:
        for s in sockets:
            assert s.recv(12) == b"HTTP/1.1 200"
        assert answered(daemon)
        open_ones = 0
        for s in sockets:
            s.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                while s.recv(65536):
                    pass
                continue
            open_ones += 1
        assert open_ones == 3
    assert refusals(daemon, "address", "displaced") >= 1


def test_a_connection_with_an_unread_request_is_not_idle(start):
    """New client and request arrive in the same turn of the daemon's loop, the client first."""
    daemon = start("server.connections_per_address=4")
    get = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with crowd(daemon, 4, get) as sockets:
        for s in sockets:
            assert s.recv(65536).startswith(b"HTTP/1.1 200 ")
        daemon.process.send_signal(signal.SIGSTOP)
        try:
            with opened(daemon) as newcomer:
                newcomer.sendall(get)
                sockets[0].sendall(get)  # idle for longest
                daemon.process.send_signal(signal.SIGCONT)
                assert sockets[0].recv(65536).startswith(b"HTTP/1.1 200 ")
                assert newcomer.recv(65536).startswith(b"HTTP/1.1 200 ")
        finally:
            daemon.process.send_signal(signal.SIGCONT)
    assert refusals(daemon, "address", "displaced") >= 1


def test_the_idle_connection_of_a_camera_outlasts_a_crowd_of_its_address(start):
    """Every other connection of the address has been idle for less time, and each newcomer needs a place."""
    daemon = start(FEW)
    camera = daemon.connect()
    assert daemon.inspect(IMAGE, connection=camera).status == 200
    own = camera.sock.getsockname()
    with crowd(daemon, LIMIT - 1, GET) as sockets:
        for s in sockets:
            assert s.recv(12) == b"HTTP/1.1 200"
        for _ in range(2 * LIMIT):
            assert answered(daemon)
        assert daemon.inspect(IMAGE, connection=camera).status == 200
        assert camera.sock.getsockname() == own  # http.client would connect again after a reset
    assert refusals(daemon, "connections", "displaced") > 0


def test_connections_that_inspected_are_no_shelter_for_a_crowd(start):
    """Otherwise one inspection on each connection would shut the rest of the address out."""
    daemon = start(FEW, "limits.inflight=4")
    with contextlib.ExitStack() as stack:
        for _ in range(LIMIT):
            stack.callback((connection := daemon.connect()).close)
            assert daemon.inspect(IMAGE, connection=connection).status == 200
        assert answered(daemon)


@pytest.mark.parametrize("options, address", [([FEW], "127.0.0.1"), (["server.connections_per_address=8"], OTHER)],
                         ids=["all", "address"])
def test_event_streams_leave_half_of_the_connections(start, options, address):
    """A stream never makes room, so the cameras of its address would be refused."""
    daemon = start(*options)
    half = 8 if options == [FEW] else 4
    with crowd(daemon, half, STREAM, address) as sockets:
        for s in sockets:
            assert s.recv(12) == b"HTTP/1.1 200"
        for _ in range(4):  # clients that come again and again; each waits a second for its refusal
            with opened(daemon, address) as s:
                s.sendall(STREAM)
                assert b"half of" in read_until(s, b"}")
        for _ in range(20):
            with opened(daemon, address) as s:
                s.sendall(b"POST /v1/inspections?product=carpet HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n"
                          b"Content-Length: %d\r\n\r\n" % len(IMAGE) + IMAGE)
                assert s.recv(12) == b"HTTP/1.1 200"
        assert daemon.metric("event_clients") == half


def test_a_flood_of_refusals_does_not_flood_the_log(start):
    """A line for each would hold up the loop as soon as the log's reader is slower than the crowd."""
    daemon = start("limits.inflight=1", "server.request_timeout_s=60")
    image = picture(noise=True, size=(1600, 1200))
    post = (b"POST /v1/inspections?product=carpet HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n"
            b"Content-Length: %d\r\n\r\n" % len(image))
    with crowd(daemon, 1, post + image[:-1]):  # it has sent so much that it keeps its slot for a minute
        eventually(lambda: daemon.metric("in_flight") == 1)
        for _ in range(600):
            with opened(daemon) as s:
                s.sendall(post)
                assert s.recv(12) == b"HTTP/1.1 503"

    def lines():
        return sum("code=queue_full" in line for line in daemon.lines)

    def left_out():
        return sum(int(line.rsplit("count=", 1)[1]) for line in daemon.lines if "left out of the log" in line)
    eventually(lambda: lines() + left_out() == 600)
    assert left_out() > 0
    assert refused_requests(daemon) >= 600  # metrics count each


def refused_requests(daemon):
    return float(daemon("GET", "/metrics").body.decode().split('inspectd_http_requests_total{status="5xx"} ')[1].split()[0])


def read_until(s, end):
    got = b""
    while end not in got and (piece := s.recv(65536)):
        got += piece
    return got


def test_all_connections_at_work(start):
    """No connection makes room: the new one gets its answer in time."""
    daemon = start(FEW)
    with crowd(daemon, LIMIT // 2, STREAM) as sockets, crowd(daemon, LIMIT // 2, UPLOAD):
        for s in sockets:
            assert s.recv(12) == b"HTTP/1.1 200"
        assert daemon.raw(GET).startswith(b"HTTP/1.1 503 ")
    eventually(lambda: answered(daemon))
    assert refusals(daemon, "connections") >= 1


# --- too few descriptors


def limited(monkeypatch, folder, number):
    """From here on daemons are started with so many open files allowed."""
    script = folder / "limited.sh"
    script.write_text(f'#!/bin/sh\nulimit -n {number}\nexec "{os.environ["INSPECTD"]}" "$@"\n')
    script.chmod(0o755)
    monkeypatch.setenv("INSPECTD", str(script))


def test_connections_are_lowered_to_what_descriptors_allow(start, monkeypatch, tmp_path):
    limited(monkeypatch, tmp_path, 300)
    daemon = start()
    limit = int(daemon.metric("open_connections_limit"))
    assert 4 <= limit < 100
    assert "server.connections lowered" in daemon.log_text()
    with crowd(daemon, 2 * limit, b"GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n") as sockets:
        got = [s.recv(12) for s in sockets]
        assert got.count(b"HTTP/1.1 200") == limit // 2 and got.count(b"HTTP/1.1 503") == 2 * limit - limit // 2
    assert answered(daemon)
    assert daemon.inspect(IMAGE).status == 200
    assert refusals(daemon, "descriptors") == 0


def test_far_too_few_descriptors_end_the_start(template, monkeypatch, tmp_path):
    limited(monkeypatch, tmp_path, 100)
    state = copy_state(template, tmp_path / "state")
    done = subprocess.run([os.environ["INSPECTD"], "serve", "-o", f"storage.state_dir={state}", "-o",
                           "server.listen=127.0.0.1:0"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "LimitNOFILE" in done.stderr
