"""The webhook against a real HTTP server: order, signature, receivers that fail, redirects, 410, the secret."""
import hashlib
import hmac
import http.server
import json
import signal
import threading

import pytest
from conftest import START_S, eventually, picture
from test_mqtt import inspections, sink, until, until_error

SECRET = b"very secret"


class Receiver:
    """Answers as `answer(number, path)` says: a status, or (status, location)."""

    def __init__(self, answer=lambda number, path: 204, address="127.0.0.1"):
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
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.answer = answer
        self.server = http.server.ThreadingHTTPServer((address, 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def url(self, path="/hook"):
        return f"http://127.0.0.1:{self.port}{path}"

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
    stored = daemon("GET", f"/v1/inspections/{ids[0]}").json
    assert json.loads(body) == {**stored, "seq": 1}
    eventually(lambda: sink(daemon)["delivered"] == 20)
    found = sink(daemon)
    assert found["state"] == "connected" and "key=1" not in found["target"]


def test_only_the_verdicts_that_are_wanted(start, receive):
    receiver = receive()
    daemon = start(f"webhook.url={receiver.url()}", "webhook.verdicts=anomaly")
    post = lambda colour: daemon.inspect(picture(colour)).json["id"]
    ids = [post(colour) for colour in ("black", "white", "black", "white", "black")]
    eventually(lambda: sink(daemon)["waiting"] == 0 and len(receiver.got) == 2)
    assert receiver.ids() == [ids[1], ids[3]]
    assert sink(daemon)["delivered"] == 2 and sink(daemon)["lost"] == 0


def test_a_receiver_that_fails_gets_all_in_order_later(start, receive):
    receiver = receive(lambda number, path: 500 if number % 3 == 0 else 200)
    daemon = start(f"webhook.url={receiver.url()}")
    ids = inspections(daemon, 6)
    eventually(lambda: sink(daemon)["delivered"] == 6, START_S)
    first = list(dict.fromkeys(receiver.ids()))
    assert first == ids and len(receiver.got) > 6
    assert "answers 500" in sink(daemon)["last_error"]["detail"]


def test_a_receiver_that_is_away(start, receive):
    receiver = receive()
    receiver.close()
    daemon = start(f"webhook.url={receiver.url()}")
    ids = inspections(daemon, 50)
    until_error(daemon, "connect")
    daemon.stop(signal.SIGKILL)
    other = receive()
    daemon = start(f"webhook.url={other.url()}", state=daemon.state)
    eventually(lambda: sink(daemon)["delivered"] == 50, START_S)
    assert other.ids() == ids


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
    receiver = receive(lambda number, path: (307, goal.url("/moved")))
    daemon = start(f"webhook.url={receiver.url()}")
    inspections(daemon, 1)
    until_error(daemon, "private address")
    assert not goal.got
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
    admin = (daemon.state / "admin.token").read_text().strip()
    answer = daemon("POST", "/v1/admin/sinks/webhook/test", token=admin)
    assert answer.status == 200, answer.body
    _, headers, body = receiver.got[0]
    assert headers["X-Inspectd-Event"] == "test" and json.loads(body)["test"] is True
    assert sink(daemon)["delivered"] == 0
    receiver.answer = lambda number, path: 404
    assert daemon("POST", "/v1/admin/sinks/webhook/test", token=admin).code == "sink_away"
