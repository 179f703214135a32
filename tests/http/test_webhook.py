"""The webhook against a real HTTP server: order, signature, receivers that fail or are slow, redirects, 410, TLS."""
import hashlib
import hmac
import http.server
import json
import os
import signal
import socket
import ssl
import subprocess
import threading
import time

import pytest
from broker import authority, certificate
from conftest import FAKE, START_S, add_version, copy_state, eventually, picture
from test_mqtt import inspections, sink, until, until_error

SECRET = b"very secret"


class Receiver:
    """Answers as `answer(number, path)` says: a status, or (status, location). `tls`: (certificate, key)."""

    def __init__(self, answer=lambda number, path: 204, address="127.0.0.1", tls=None, body_bytes=0):
        self.got, self.lock, receiver = [], threading.Lock(), self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with receiver.lock:
                    receiver.got.append((self.path, dict(self.headers), body))
                    number = len(receiver.got)
                status = receiver.answer(number, self.path)
                status, location = status if isinstance(status, tuple) else (status, None)
                self.send_response(status)
                if location:
                    self.send_header("Location", location)
                self.send_header("Content-Length", str(body_bytes))
                self.end_headers()
                try:
                    for _ in range(body_bytes >> 16):
                        self.wfile.write(bytes(1 << 16))
                except OSError:  # the client has seen enough
                    receiver.cut += 1
                    self.close_connection = True

            def log_message(self, *_):
                pass

        self.answer, self.scheme, self.cut = answer, "https" if tls else "http", 0
        self.server = http.server.ThreadingHTTPServer((address, 0), Handler)
        self.port = self.server.server_address[1]
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def url(self, path="/hook"):
        return f"{self.scheme}://127.0.0.1:{self.port}{path}"

    def ids(self):
        with self.lock:
            return [json.loads(body)["id"] for _, _, body in self.got]

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def receive():
    made = []

    def make(*args, **options):
        made.append(Receiver(*args, **options))
        return made[-1]

    yield make
    for each in made:
        each.close()


def send_test(daemon):
    """Presses the button of the test."""
    admin = (daemon.state / "admin.token").read_text().strip()
    return daemon("POST", "/v1/admin/sinks/webhook/test", token=admin)


def test_each_verdict_in_order_and_signed(start, receive, tmp_path):
    receiver, secret = receive(), tmp_path / "secret"
    secret.write_bytes(SECRET + b"\n")
    daemon = start(f"webhook.url={receiver.url('/hook?key=1')}", f"webhook.secret_file={secret}")
    ids = inspections(daemon, 20)
    eventually(lambda: len(receiver.got) == 20)
    assert receiver.ids() == ids
    path, headers, body = receiver.got[0]
    assert path == "/hook?key=1" and headers["Content-Type"] == "application/json"
    assert headers["X-Inspectd-Event"] == "inspection" and headers["User-Agent"].startswith("inspectd/")
    assert headers["X-Inspectd-Signature"] == "sha256=" + hmac.new(SECRET, body, hashlib.sha256).hexdigest()
    at = headers["X-Inspectd-Timestamp"]
    timed = hmac.new(SECRET, at.encode() + b"." + body, hashlib.sha256).hexdigest()
    assert headers["X-Inspectd-Timed-Signature"] == "sha256=" + timed and abs(time.time() - int(at)) < 600
    stored = daemon("GET", f"/v1/inspections/{ids[0]}").json
    assert json.loads(body) == {**stored, "seq": 1}
    eventually(lambda: sink(daemon)["delivered"] == 20)
    found = sink(daemon)
    assert found["state"] == "connected" and "key=1" not in found["target"]


def test_only_the_verdicts_that_are_wanted(start, receive):
    receiver = receive()
    daemon = start(f"webhook.url={receiver.url()}", "webhook.verdicts=anomaly")
    found = [daemon.inspect(picture(colour)).json for colour in ("black", "white", "black", "white", "black")]
    wanted = [one["id"] for one in found if one["verdict"] == "anomaly"]
    assert len(wanted) == 2 or not FAKE
    eventually(lambda: sink(daemon)["waiting"] == 0 and len(receiver.got) == len(wanted))
    assert receiver.ids() == wanted
    assert sink(daemon)["delivered"] == len(wanted) and sink(daemon)["lost"] == 0


def test_only_the_products_that_are_wanted(start, receive, template, tmp_path):
    receiver, state = receive(), copy_state(template, tmp_path / "state")
    add_version(state, "bottle", "v1")
    daemon = start(f"webhook.url={receiver.url()}", "webhook.products=bottle, cup", state=state)
    ids = [daemon.inspect(picture(), query=f"product={name}").json["id"] for name in ("carpet", "bottle", "carpet")]
    eventually(lambda: sink(daemon)["waiting"] == 0 and len(receiver.got) == 1)
    assert receiver.ids() == [ids[1]]


def test_a_slow_receiver_delays_no_verdict_and_no_stop(start, receive):
    go_on = threading.Event()
    receiver = receive(lambda number, path: go_on.wait(START_S) and 204)
    daemon = start(f"webhook.url={receiver.url()}")
    ids = inspections(daemon, 1)
    eventually(lambda: len(receiver.got) == 1)
    ids += inspections(daemon, 20)  # answered, while the first call waits
    assert sink(daemon)["delivered"] == 0 and sink(daemon)["waiting"] == 21
    daemon.stop()
    go_on.set()
    daemon = start(f"webhook.url={receiver.url()}", state=daemon.state)
    eventually(lambda: sink(daemon)["delivered"] == 21)
    assert receiver.ids() == ids[:1] + ids  # the call that the stop cut was made again


def test_an_answer_without_end_is_cut(start, receive):
    receiver = receive(body_bytes=64 << 20)
    receiver.answer = lambda number, path: 200
    daemon = start(f"webhook.url={receiver.url()}")
    ids = inspections(daemon, 2)
    eventually(lambda: sink(daemon)["delivered"] == 2 and receiver.cut == 2)
    assert receiver.ids() == ids


def test_tls(start, receive, tmp_path):
    plant, other = authority(tmp_path, "plant"), authority(tmp_path, "other")
    receiver = receive(tls=certificate(tmp_path, "receiver", plant))
    goal = receive()
    daemon = start(f"webhook.url={receiver.url()}", f"webhook.ca_file={other[0]}")
    ids = inspections(daemon, 2)
    until_error(daemon, "ertificate")
    daemon.stop()
    unknown = start(f"webhook.url={receiver.url()}", state=daemon.state)  # the system's authorities
    until_error(unknown, "ertificate")
    unknown.stop()
    assert not receiver.got
    daemon = start(f"webhook.url={receiver.url()}", f"webhook.ca_file={plant[0]}", "webhook.private_redirects=yes",
                   state=daemon.state)
    eventually(lambda: sink(daemon)["delivered"] == 2)
    assert receiver.ids() == ids
    receiver.answer = lambda number, path: (307, goal.url())  # out of TLS: not followed
    assert "answers 307" in send_test(daemon).json["detail"] and not goal.got
    receiver.answer = lambda number, path: (307, receiver.url("/moved")) if path == "/hook" else 204
    assert send_test(daemon).status == 200


def test_a_certificate_of_another_name(start, receive, tmp_path):
    plant = authority(tmp_path, "plant")
    receiver = receive(tls=plant)  # its own, which names no address
    daemon = start(f"webhook.url={receiver.url()}", f"webhook.ca_file={plant[0]}")
    inspections(daemon, 1)
    until_error(daemon, "SSL")
    assert not receiver.got


@pytest.mark.parametrize("line, setting", [
    ("url = ftp://a/", "webhook.url"), ("url = http://a:99999/", "webhook.url"),
    ("verdicts = bad", "webhook.verdicts"), ("products = a/b", "webhook.products"),
    ("secret_file = /nowhere/secret", "webhook.secret_file"), ("secret_file = /tmp", "webhook.secret_file"),
    ("ca_file = /nowhere/ca", "webhook.ca_file"),
])
def test_check_config(tmp_path, line, setting):
    path = tmp_path / "inspectd.conf"
    path.write_text(f"[webhook]\n{line}\n")
    done = subprocess.run([os.environ["INSPECTD"], "check-config", "--config", str(path)], capture_output=True, text=True)
    assert done.returncode != 0 and setting in done.stderr and f"{path}:2" in done.stderr, done.stderr


def test_a_receiver_that_fails_gets_all_in_order_later(start, receive):
    receiver = receive(lambda number, path: 500 if number % 3 == 0 else 200)
    daemon = start(f"webhook.url={receiver.url()}")
    ids = inspections(daemon, 6)
    eventually(lambda: sink(daemon)["delivered"] == 6, START_S)
    first = list(dict.fromkeys(receiver.ids()))
    assert first == ids and len(receiver.got) > 6
    assert "answers 500" in sink(daemon)["last_error"]["detail"]


def test_a_receiver_that_is_away(start, receive):
    with socket.socket() as closed:  # bound and never listening: nobody else gets the port
        closed.bind(("127.0.0.1", 0))
        daemon = start(f"webhook.url=http://127.0.0.1:{closed.getsockname()[1]}/")
        ids = inspections(daemon, 50)
        until_error(daemon, "connect")
        daemon.stop(signal.SIGKILL)
    receiver = receive()
    daemon = start(f"webhook.url={receiver.url()}", state=daemon.state)
    eventually(lambda: sink(daemon)["delivered"] == 50, START_S)
    assert receiver.ids() == ids


def test_gone_switches_it_off_until_the_next_start(start, receive):
    receiver = receive(lambda number, path: 410)
    daemon = start(f"webhook.url={receiver.url()}")
    inspections(daemon, 3)
    until(daemon, "off")
    inspections(daemon, 2)
    daemon.stop()
    assert len(receiver.got) == 1
    receiver.answer = lambda number, path: 200
    daemon = start(f"webhook.url={receiver.url()}", state=daemon.state)
    eventually(lambda: sink(daemon)["delivered"] == 5)


def test_redirects_to_private_addresses(start, receive):
    goal = receive()
    moved = lambda number, path: (307, goal.url("/moved"))
    receiver = receive(moved)
    daemon = start(f"webhook.url={receiver.url()}")
    inspections(daemon, 1)
    until_error(daemon, "private address")
    for host in ("127.0.0.1", "[::ffff:127.0.0.1]", "[::1]", "localhost", "0.0.0.0", "2130706433"):
        receiver.answer = lambda number, path: (308, f"http://{host}:{goal.port}/")
        assert "private address" in send_test(daemon).json["detail"], host
    assert not goal.got
    receiver.answer = moved
    allowed = start(f"webhook.url={receiver.url()}", "webhook.private_redirects=yes")
    ids = inspections(allowed, 2)
    eventually(lambda: sink(allowed)["delivered"] == 2)
    assert goal.ids() == ids and goal.got[0][0] == "/moved"


def test_redirects_without_end_and_of_another_kind(start, receive):
    receiver = receive()
    receiver.answer = lambda number, path: (308, receiver.url(f"/{number}"))
    daemon = start(f"webhook.url={receiver.url()}", "webhook.private_redirects=yes")
    inspections(daemon, 1)
    until_error(daemon, "answers 308")
    receiver.answer = lambda number, path: (302, receiver.url("/get"))
    until_error(daemon, "answers 302")
    assert not any(path == "/get" for path, *_ in receiver.got)


def test_the_secret_is_read_again(start, receive, tmp_path):
    receiver, secret = receive(), tmp_path / "secret"
    daemon = start(f"webhook.url={receiver.url()}", f"webhook.secret_file={secret}")
    inspections(daemon, 1)
    until_error(daemon, "secret")
    assert not receiver.got
    secret.write_bytes(SECRET)
    eventually(lambda: sink(daemon)["delivered"] == 1, START_S)


def test_test_message(start, receive):
    receiver = receive()
    daemon = start(f"webhook.url={receiver.url()}")
    answer = send_test(daemon)
    assert answer.status == 200, answer.body
    _, headers, body = receiver.got[0]
    assert headers["X-Inspectd-Event"] == "test" and json.loads(body)["test"] is True
    assert sink(daemon)["delivered"] == 0
    receiver.answer = lambda number, path: 404
    assert send_test(daemon).code == "sink_away"
