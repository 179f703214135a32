"""Starts the real daemon for tests: a state folder made in a second, port 0, the address read from the log.

INSPECTD          path of the binary           INSP_MAKE_BUNDLE  path of make_bundle
INSP_FAKE_DEVICE  1: it has the fake device    INSP_TEMPLATE     state folder that make_bundle made (optional)
INSPECTD_URL      attach the shared daemon's tests to a running one
"""
import functools
import http.client
import inspect
import io
import json
import os
import pathlib
import queue
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
import urllib.parse

import PIL.Image
import pytest

FAKE = os.environ.get("INSP_FAKE_DEVICE") == "1"
START_S, REQUEST_S, STOP_S = 60, 30, 40


class Answer:
    def __init__(self, response, body):
        self.status, self.headers, self.body = response.status, response.headers, body

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        assert self.headers["Content-Type"] == "application/problem+json", self.body
        assert self.json["status"] == self.status
        return self.json["code"]


def eventually(condition, timeout=REQUEST_S):
    """Asks until the answer is true and gives it back; fails when it stays false."""
    end, pause = time.monotonic() + timeout, threading.Event()
    while not (value := condition()):
        assert time.monotonic() < end, "did not become true in time: " + inspect.getsource(condition).strip()
        pause.wait(0.01)
    return value


class Client:
    """One request per connection unless `connection` is given."""

    def __init__(self, url):
        parts = urllib.parse.urlsplit(url)
        self.host, self.port = parts.hostname, parts.port
        self.token = None

    def connect(self):
        return http.client.HTTPConnection(self.host, self.port, timeout=REQUEST_S)

    def __call__(self, method, path, body=None, connection=None, token=None, **headers):
        connection = connection or self.connect()
        send = {name.replace("_", "-"): value for name, value in headers.items()}
        if token or self.token:
            send["Authorization"] = f"Bearer {token or self.token}"
        connection.request(method, path, body=body, headers=send)
        response = connection.getresponse()
        return Answer(response, response.read())

    def inspect(self, image, query="product=carpet", kind="image/png", **more):
        return self("POST", f"/v1/inspections?{query}", image, Content_Type=kind, **more)

    def raw(self, data, half_close=False):
        """Sends bytes as they are and reads to the end of the stream."""
        with socket.create_connection((self.host, self.port), timeout=REQUEST_S) as s:
            s.sendall(data)
            if half_close:
                s.shutdown(socket.SHUT_WR)
            got = b""
            try:
                while piece := s.recv(65536):
                    got += piece
            except ConnectionResetError:
                pass
            return got

    def metric(self, name):
        """Sum of a metric's samples; None if the page does not have it."""
        text = self("GET", "/metrics").body.decode()
        found = re.findall(rf"^(?:inspectd_)?{name}(?:{{.*}})? (\S+)$", text, re.M)
        return sum(map(float, found)) if found or f"# TYPE inspectd_{name} " in text else None


class Daemon(Client):
    """A process of our own; `lines` collects its log."""

    def __init__(self, state, *options, env=None, wait_ready=True):
        self.state, self.lines, self.log = state, [], queue.Queue()
        settings = {"storage.state_dir": state, "server.listen": "127.0.0.1:0", "storage.free_bytes_min": 0,
                    "server.event_ping_s": 1, "device.threads": 1}
        settings.update(option.split("=", 1) for option in options)
        command = ["setpriv", "--pdeathsig", "KILL", os.environ["INSPECTD"], "serve"]  # it does not outlive its test
        for name, value in settings.items():
            command += ["-o", f"{name}={value}"]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, errors="replace",
                                        env={**os.environ, "OMP_NUM_THREADS": "1", **(env or {})})
        threading.Thread(target=self._read, daemon=True).start()
        super().__init__("http://" + self.wait_line(r"listening address=(\S+)")[1])
        if wait_ready:
            self.wait_ready()

    def _read(self):
        for line in self.process.stderr:
            self.lines.append(line)
            self.log.put(line)
        self.log.put(None)

    def wait_line(self, pattern, timeout=START_S):
        end = time.monotonic() + timeout
        while True:
            line = self.log.get(timeout=max(0.01, end - time.monotonic()))
            assert line is not None, f"the daemon ended early, {self.process.wait()}:\n" + "".join(self.lines)
            if found := re.search(pattern, line):
                return found

    def wait_ready(self):
        """Until every product is loaded, also those that the daemon loads while it serves."""
        eventually(lambda: (answer := self("GET", "/readyz")).status == 200 and
                   not any("being loaded" in (model["failure"] or "") for model in answer.json["models"].values()), START_S)

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def log_text(self):
        return "".join(self.lines)

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        code = self.process.wait(timeout=STOP_S)
        assert number == signal.SIGKILL or code == 0, "".join(self.lines)
        assert "ERROR: AddressSanitizer" not in "".join(self.lines)
        return code


def link_or_copy(source, target):
    try:
        os.link(source, target)
    except OSError:  # on another file system
        shutil.copy2(source, target)


def copy_state(source, target):
    """Copies a folder that no daemon uses. Weights become hard links, since tests never write into them: see rewrite."""
    shutil.copytree(source, target, copy_function=lambda source, target: (
        link_or_copy if source.endswith(".safetensors") else shutil.copy2)(source, target))
    return target


def add_version(state, product, version):
    """A version with the weights of carpet v1 and its own manifest; the active one if the product has no other."""
    models = state / "models"
    if not (models / product).exists():
        (models / product).mkdir()
        (models / product / "active.json").write_text(json.dumps({"active": version, "history": []}))
    folder = copy_state(models / "carpet" / "v1", models / product / version)
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, "product": product, "version": version}))
    return folder


def rewrite(path, data):
    """Replaces a file that may be a hard link into the template: the template's keeps its content."""
    path.unlink()
    path.write_bytes(data)


@pytest.fixture(scope="session")
def template(tmp_path_factory):
    state = pathlib.Path(os.environ.get("INSP_TEMPLATE") or tmp_path_factory.mktemp("template") / "state")
    if not state.exists():
        subprocess.run([os.environ["INSP_MAKE_BUNDLE"], str(state), "carpet"], check=True)
    weights = {path: path.stat() for path in state.rglob("*.safetensors")}
    yield state
    assert not (state / "lock").exists(), f"a test ran a daemon in {state} while others copy it: use copy_state"
    for path, before in weights.items():
        now = path.stat()  # another file: another ctest has made the template anew
        assert now.st_ino != before.st_ino or now.st_mtime_ns == before.st_mtime_ns, f"a test wrote into {path}: use rewrite"


@pytest.fixture
def start(template, tmp_path):
    """start(option..., env=) -> Daemon on a fresh copy of the state folder (or on state=)."""
    running = []

    def begin(*options, state=None, **more):
        if state is None:
            state = tmp_path / f"state{len(running)}"
            copy_state(template, state)
        running.append(Daemon(state, *options, **more))
        return running[-1]

    yield begin
    for daemon in running:
        if daemon.process.poll() is None:
            daemon.stop()


@pytest.fixture(scope="session")
def shared(template, tmp_path_factory):
    """One daemon for tests that do not disturb one another."""
    if url := os.environ.get("INSPECTD_URL"):
        yield Client(url)
        return
    state = copy_state(template, tmp_path_factory.mktemp("shared") / "state")
    daemon = Daemon(state, "limits.body_bytes=4M")
    yield daemon
    daemon.stop()


def picture(colour="white", size=(320, 200), kind="PNG", noise=False):
    """`colour` with a ramp from top to bottom in it: a picture of one colour alone is suspect (flat, black, white)."""
    if noise:
        image = PIL.Image.effect_noise(size, 80).convert("RGB")
    else:
        ramp = PIL.Image.linear_gradient("L").resize(size).convert("RGB")
        image = PIL.Image.blend(PIL.Image.new("RGB", size, colour), ramp, 0.2)
    out = io.BytesIO()
    image.save(out, kind)
    return out.getvalue()


def token(daemon, role, name=None):
    done = subprocess.run([os.environ["INSPECTD"], "token", "add", name or role, role, "-o",
                           f"storage.state_dir={daemon.state}"], check=True, capture_output=True, text=True)
    return re.search(r"insp_[0-9a-f]{64}", done.stdout)[0]


def count(client):
    return len(client("GET", "/v1/inspections?limit=500").json["items"])


@functools.cache
def sanitized():
    binary = pathlib.Path(os.environ["INSPECTD"]).read_bytes()
    return b"__asan_init" in binary or b"__tsan_init" in binary


def resident_kib(daemon):
    """Always 0 under a sanitizer, which keeps freed memory for a while, so the size of the process means nothing."""
    if sanitized():
        return 0
    with open(f"/proc/{daemon.process.pid}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))
