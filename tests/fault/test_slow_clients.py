"""Clients that send slowly, leave in the middle, read slowly, or are refused: they hold a bounded amount of memory, the
others are served, and every refusal says why."""
import collections
import http.client
import json
import shutil
import socket
import subprocess
import threading
import time

import pytest
from conftest import eventually, picture, token

IMAGE = picture(noise=True)
LARGE = picture(noise=True, size=(1600, 1200))  # all but a byte of it earns an upload a minute of patience
POST = "/v1/inspections?product=carpet"
OTHER = "127.0.0.2"


def opened(daemon, address="127.0.0.1"):
    return socket.create_connection((daemon.host, daemon.port), timeout=20, source_address=(address, 0))


def head(length, path=POST, kind="image/png", **more):
    fields = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in more.items())
    return (f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n{fields}\r\n"
            ).encode()


# --- a refusal arrives, although the client still sends


REFUSALS = [("/v1/inspections?product=nosuch", "image/jpeg", 404), (POST, "text/plain", 415), (POST, "image/png", 503)]


@pytest.fixture
def full(start):
    """A daemon whose only slot is in use by an upload that has sent so much that it may take a minute for the last byte."""
    daemon = start("limits.inflight=1", "server.request_timeout_s=60")
    assert len(LARGE) > 60 << 14
    with opened(daemon) as s:
        s.sendall(head(len(LARGE)) + LARGE[:-1])
        eventually(lambda: daemon.metric("in_flight") == 1)
        yield daemon
        assert daemon.metric("in_flight") == 1 and daemon.metric("slow_uploads_displaced_total") == 0
        s.sendall(LARGE[-1:])
        assert s.recv(12) == b"HTTP/1.1 200"


@pytest.mark.parametrize("size", [100_000, 3_000_000, 20_000_000])
def test_http_client_gets_the_status_of_a_refused_upload(full, size):
    """Python's, Java's and others' clients read nothing before they have sent all."""
    body = bytes(size)
    for path, kind, status in REFUSALS:
        answer = full("POST", path, body, Content_Type=kind)
        assert answer.status == status and answer.headers["Connection"] == "close"
        assert ("Retry-After" in answer.headers) == (status == 503)


def test_http_client_gets_the_413(start):
    daemon = start("limits.body_bytes=1M")
    for size in (1_100_000, 5_000_000, 9_000_000):
        assert daemon.inspect(bytes(size)).code == "body_too_large"
    answer = daemon("POST", POST, iter([bytes(1 << 16)] * 256), Content_Type="image/png")  # 16 MB in chunks
    assert answer.code == "body_too_large"


NODE = """
for (const [path, type, size] of JSON.parse(process.argv[2])) {
  let what;
  try {
    const answer = await fetch(process.argv[1] + path, {method: "POST", headers: {"content-type": type},
                                                        body: new Uint8Array(size)});
    await answer.text();
    what = answer.status;
  } catch (error) { what = error.cause?.code ?? error.message; }
  console.log(what);
}
"""


@pytest.mark.skipif(not shutil.which("node"), reason="node is not installed")
def test_node_gets_the_status_of_a_refused_upload(start):
    daemon = start("limits.body_bytes=24M")
    calls = [(path, kind, size) for path, kind, _ in REFUSALS[:2] for size in (100_000, 3_000_000, 20_000_000) * 3]
    done = subprocess.run(["node", "--input-type=module", "-e", NODE, f"http://{daemon.host}:{daemon.port}",
                           json.dumps(calls)], capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == [str(s) for s in (404,) * 9 + (415,) * 9], done.stdout + done.stderr


def test_a_refused_client_that_sends_without_end_is_closed(start):
    daemon = start("limits.body_bytes=1M")
    sent, piece = 0, bytes(1 << 20)
    with opened(daemon) as s:
        s.sendall(head(1 << 40))
        with pytest.raises(ConnectionError):
            while sent < 100 << 20:
                sent += s.send(piece)
    assert sent < 30 << 20  # 1M + 8M, and the kernel's buffers
    eventually(lambda: daemon.metric("open_connections") <= 1)
    assert daemon.inspect(IMAGE).status == 200


# --- slots


@pytest.mark.parametrize("sent", [b"", IMAGE[:300]], ids=["headers", "300 bytes"])
def test_stalled_uploads_make_room(start, sent):
    daemon = start("limits.inflight=3", "server.request_timeout_s=60")  # of so few the share of one client is all
    sockets = [opened(daemon, OTHER) for _ in range(12)]
    for s in sockets:
        s.sendall(head(len(IMAGE)) + sent)
    eventually(lambda: daemon.metric("in_flight") == 3)
    eventually(lambda: daemon.inspect(IMAGE).status == 200, 20)  # a quarter of a second of patience
    assert all(daemon.inspect(IMAGE).status == 200 for _ in range(10))
    assert daemon.metric("slow_uploads_displaced_total") >= 1
    for s in sockets:
        s.close()
    eventually(lambda: daemon.metric("in_flight") == 0, 20)


def test_uploads_that_end_early_free_their_slots_at_once(start):
    """Headers, some bytes and the close in one go: libmicrohttpd does not see it."""
    daemon = start("limits.inflight=4", "server.request_timeout_s=60")
    for _ in range(4):
        with opened(daemon) as s:
            s.sendall(head(len(IMAGE)) + IMAGE[:300])
    eventually(lambda: daemon.metric("in_flight") == 0, 10)
    assert daemon.inspect(IMAGE).status == 200


def test_a_client_that_closes_its_side_too_early_is_told(start):
    """If the close comes with the last bytes; libmicrohttpd sees one that comes alone and answers nothing."""
    with opened(start()) as s:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)  # one segment has both
        s.sendall(head(len(IMAGE)) + IMAGE[:300])
        s.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: s.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 400 ") and b"malformed_request" in answer


def test_a_client_that_closes_its_side_later_has_its_connection_closed(start):
    daemon = start("limits.inflight=1", "server.request_timeout_s=60")
    with opened(daemon) as s:
        s.sendall(head(len(LARGE)) + LARGE[:-1])
        eventually(lambda: daemon.metric("in_flight") == 1)
        s.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: s.recv(65536), b""))
    assert answer == b"" or answer.startswith(b"HTTP/1.1 400 ")
    eventually(lambda: daemon.metric("in_flight") == 0)
    assert daemon.inspect(IMAGE).status == 200


def test_a_token_has_a_share_of_the_slots(start):
    daemon = start("limits.inflight=4", "server.request_timeout_s=60", env={"INSP_FAKE_PASS_MS": "1000"})
    one, two = token(daemon, "camera", "one"), token(daemon, "camera", "two")
    daemon.process.send_signal(1)  # SIGHUP: tokens are read again
    eventually(lambda: daemon("GET", "/v1/products", token=one).status != 401)
    sockets = [opened(daemon) for _ in range(4)]
    for s in sockets[:3]:
        s.sendall(head(len(LARGE), Authorization=f"Bearer {one}") + LARGE[:-1])
    eventually(lambda: daemon.metric("in_flight") == 3)
    answer = daemon.inspect(IMAGE, token=one)
    assert answer.code == "queue_full" and "token" in answer.json["detail"] and answer.headers["Retry-After"]
    assert daemon.inspect(IMAGE, token=two).status == 200
    for s in sockets:
        s.close()


def tokens(daemon, *names):
    made = [token(daemon, "camera", name) for name in names]
    daemon.process.send_signal(1)
    eventually(lambda: daemon("GET", "/v1/products", token=made[-1]).status != 401)
    return made


def test_programs_on_this_machine_without_a_token_leave_a_reserve(start):
    """They cannot be told apart, so they share the places of one address."""
    daemon = start("limits.inflight=4", "server.request_timeout_s=60")
    [one] = tokens(daemon, "one")
    sockets = [opened(daemon) for _ in range(5)]
    for s in sockets:
        s.sendall(head(len(LARGE)) + LARGE[:-1])
    eventually(lambda: daemon.metric("in_flight") == 3)
    refused = daemon.inspect(IMAGE)
    assert refused.code == "queue_full" and "this address" in refused.json["detail"] and refused.headers["Retry-After"]
    assert daemon.inspect(IMAGE, token=one).status == 200
    with opened(daemon, OTHER) as s:
        s.sendall(head(len(IMAGE)) + IMAGE)
        assert s.recv(12) == b"HTTP/1.1 200"
    for s in sockets:
        s.close()


def test_uploads_that_are_renewed_on_this_machine_make_room(start):
    """Each lives shorter than the second of patience that an upload off this machine has."""
    daemon = start("limits.inflight=4", "server.request_timeout_s=60")
    ending, posted = threading.Event(), threading.Event()

    def renew():
        kept = collections.deque()
        while not ending.is_set():
            s = opened(daemon)
            s.sendall(head(len(IMAGE)))
            kept.append((s, time.monotonic()))
            posted.set()
            while kept and (len(kept) > 12 or time.monotonic() - kept[0][1] > 0.7):
                kept.popleft()[0].close()
            ending.wait(0.05)
        for s, _ in kept:
            s.close()

    attacker = threading.Thread(target=renew)
    attacker.start()
    try:
        posted.wait()
        eventually(lambda: daemon.metric("in_flight") >= 3)
        for _ in range(5):
            eventually(lambda: daemon.inspect(IMAGE).status == 200)
        assert daemon.metric("slow_uploads_displaced_total") > 0
    finally:
        ending.set()
        attacker.join()


# --- behind a trusted proxy


PROXY = "server.trusted_proxies=127.0.0.1"


def test_a_client_behind_a_proxy_has_a_share_of_the_slots(start):
    daemon = start("limits.inflight=4", "server.request_timeout_s=60", PROXY)
    daemon.token = (daemon.state / "admin.token").read_text().strip()
    one, two, three = tokens(daemon, "one", "two", "three")
    sockets = [opened(daemon) for _ in range(3)]
    for s, (secret, client) in zip(sockets, [(one, "203.0.113.9"), (one, "203.0.113.9"), (two, "::ffff:203.0.113.9")]):
        s.sendall(head(len(LARGE), Authorization=f"Bearer {secret}", X_Forwarded_For=client) + LARGE[:-1])
    eventually(lambda: daemon.metric("in_flight") == 3)
    answer = daemon.inspect(IMAGE, token=three, X_Forwarded_For="203.0.113.9")
    assert answer.code == "queue_full" and "this address" in answer.json["detail"]
    assert daemon.inspect(IMAGE, token=three, X_Forwarded_For="203.0.113.10").status == 200
    assert daemon.inspect(IMAGE, token=three).status == 200  # a client that the proxy does not name is another one
    for s in sockets:
        s.close()


def test_a_trusted_proxy_may_have_all_connections(start):
    """server.connections_per_address is for clients; a proxy's connections are those of many."""
    daemon = start("server.connections_per_address=2", PROXY)
    sockets = [opened(daemon) for _ in range(6)]
    for s in sockets + sockets:  # again: none made room for another
        s.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert s.recv(65536).startswith(b"HTTP/1.1 200")
    for s in sockets:
        s.close()
    daemon.token = (daemon.state / "admin.token").read_text().strip()
    assert daemon.metric("connections_refused_total") == daemon.metric("connections_displaced_total") == 0


# --- event streams


def test_a_token_has_a_share_of_the_event_streams(start):
    daemon = start("limits.event_streams=8")
    one, two = token(daemon, "viewer", "one"), token(daemon, "viewer", "two")
    daemon.process.send_signal(1)
    eventually(lambda: daemon("GET", "/v1/products", token=two).status != 401)

    def follow(secret):
        s = opened(daemon)
        s.sendall(f"GET /v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {secret}\r\n\r\n".encode())
        status = s.recv(12)[9:12]
        (kept if status == b"200" else refused).append(s)
        return status

    kept, refused = [], []
    assert [follow(one) for _ in range(8)] == [b"200"] * 6 + [b"503"] * 2
    assert [follow(two) for _ in range(3)] == [b"200"] * 2 + [b"503"]
    assert daemon.inspect(IMAGE).status == 200
    for s in kept + refused:
        s.close()
    eventually(lambda: daemon.metric("event_clients") == 0, 10)  # and not at the next heartbeat


FOLLOW = b"GET /v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


def test_a_client_that_asks_again_at_once_for_a_refused_stream_waits_a_second_each_time(start):
    daemon = start("limits.event_streams=1")
    first = daemon.inspect(IMAGE).json["id"]
    with opened(daemon) as taken:
        taken.sendall(FOLLOW)
        assert taken.recv(12) == b"HTTP/1.1 200"
        connection = daemon.connect()
        for path in ("/v1/events", f"/v1/inspections?after={first}&wait_ms=60000"):
            for _ in range(2):
                begin = time.monotonic()
                answer = daemon("GET", path, connection=connection)
                assert (answer.status, answer.json["code"], answer.headers["Retry-After"]) == (503, "queue_full", "1")
                assert time.monotonic() - begin >= 1


def test_clients_whose_refusal_is_still_to_come_give_way_and_do_not_delay_the_stop(start):
    daemon = start("limits.event_streams=1", "server.connections=16", "server.request_timeout_s=60")
    with opened(daemon) as taken:
        taken.sendall(FOLLOW)
        assert taken.recv(12) == b"HTTP/1.1 200"
        camera = daemon.connect()
        assert daemon.inspect(IMAGE, connection=camera).status == 200
        for _ in range(3):  # each crowd takes the place of the one before
            crowd = [opened(daemon) for _ in range(14)]
            for s in crowd:
                s.sendall(FOLLOW)
            assert daemon.inspect(IMAGE, connection=camera).status == 200
            assert daemon.inspect(IMAGE).status == 200  # on a new connection, beside all of them
        begin = time.monotonic()
        assert daemon.stop() == 0
        assert time.monotonic() - begin < 30 and all(closes(s) for s in crowd)


def closes(s):
    """Whether the daemon ends the connection, with or without an answer."""
    try:
        while s.recv(65536):
            pass
    except ConnectionError:
        pass
    s.close()
    return True


# --- readers


def test_an_image_that_is_sent_from_its_file_is_the_same(start):
    daemon = start()
    made = daemon.inspect(IMAGE).json
    connection = daemon.connect()
    for _ in range(3):  # on one connection, which continues after a file
        answer = daemon("GET", made["image"]["href"], connection=connection)
        assert answer.body == IMAGE and answer.headers["Content-Type"] == "image/png"
    head_only = daemon("HEAD", made["image"]["href"], connection=connection)
    assert head_only.headers["Content-Length"] == str(len(IMAGE)) and head_only.body == b""
    assert daemon("GET", "/healthz", connection=connection).status == 200


# --- connections that stay open


def test_a_client_is_told_how_long_an_idle_connection_lives(start):
    daemon = start("server.request_timeout_s=1")
    connection = daemon.connect()
    answer = daemon("GET", "/healthz", connection=connection)
    assert answer.headers["Keep-Alive"] == "timeout=1" and answer.headers["Connection"].lower() == "keep-alive"
    begin = time.monotonic()
    assert connection.sock.recv(1) == b""
    assert time.monotonic() - begin > 1  # longer than Keep-Alive says: a request that is sent in time is not cut off
