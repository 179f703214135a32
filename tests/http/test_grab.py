"""`inspectd grab` with Aravis' fake GigE Vision camera on the loopback: each frame gets a verdict or is a counted refusal."""
import contextlib
import fcntl
import http.server
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import types
import urllib.parse

import pytest
from conftest import FAKE, Daemon, copy_state, eventually, token
from test_modbus import TRIGGER, Plc, beating, port_of, text

CAMERA = "arv-fake-gv-camera-0.8"
SMALL = "Width=128 Height=128"  # few packets, so that a machine under load loses none
PATIENCE_S = 120

lacking = (not (pathlib.Path(os.environ["INSPECTD"]).parent / "inspectd-grab").exists() and
           "this build has no inspectd-grab (Debian: libaravis-dev libusb-1.0-0-dev)" or
           not shutil.which(CAMERA) and f"there is no {CAMERA} (Debian: aravis-tools)")
aravis = pytest.mark.skipif(bool(lacking), reason=str(lacking))
pytestmark = pytest.mark.skipif(not FAKE, reason="the fake device answers at once")


def owns_port(process):
    """Whether the process has bound 127.0.0.1:3956, the port of GigE Vision's control protocol."""
    with open("/proc/net/udp") as table:
        inodes = {f"socket:[{row.split()[9]}]" for row in table if row.split()[1] == "0100007F:0F74"}
    try:
        return any(os.readlink(fd) in inodes for fd in pathlib.Path(f"/proc/{process.pid}/fd").iterdir())
    except OSError:  # closed, or ended, meanwhile
        return False


@pytest.fixture(scope="module")
def alone():
    """The port of the control protocol is fixed: one camera at a time on this machine."""
    with open(pathlib.Path(tempfile.gettempdir()) / "inspectd-fake-camera.lock", "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture
def camera(alone):
    """camera() -> a running fake camera, which sends 25 frames per second while somebody takes them."""
    running = []

    def begin():
        process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", CAMERA, "-i", "127.0.0.1"], stdout=subprocess.DEVNULL)
        running.append(process)
        eventually(lambda: process.poll() is None and owns_port(process), PATIENCE_S)
        return process

    yield begin
    for process in running:
        process.kill()
        process.wait()


class Grab:
    def __init__(self, daemon, *options, name="cam1", features=SMALL, product="carpet"):
        command = ["setpriv", "--pdeathsig", "KILL", os.environ["INSPECTD"], "grab", "--camera", "127.0.0.1", "--name", name,
                   "--product", product, "--url", f"http://127.0.0.1:{daemon.port}", "--features", features, *options]
        self.daemon, self.name, self.lines = daemon, name, []
        quiet = {"ASAN_OPTIONS": "detect_leaks=0"}  # GLib keeps its types to the end
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, **quiet})
        self.thread = threading.Thread(target=lambda: self.lines.extend(self.process.stderr), daemon=True)
        self.thread.start()

    def log(self):
        return "".join(self.lines)

    def state(self):
        """As the daemon knows it; {} before its first report."""
        return next((c for c in self.daemon("GET", "/v1/cameras").json["items"] if c["name"] == self.name), {})

    def wait_frames(self, count):
        eventually(lambda: self.state().get("verdicts", 0) >= count, PATIENCE_S)

    def stop(self):
        """Its counts at the end; each frame must have an end."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(PATIENCE_S) == 0, self.log()
        self.thread.join()
        [line] = re.findall(r"counts at the end camera=\S+ (.*)", self.log())
        counts = {name: int(value) for name, value in re.findall(r"(\S+)=(\d+)", line)}
        counts["verdicts"] = counts["good"] + counts["anomaly"] + counts["review"]
        assert counts["frames"] == counts["verdicts"] + counts["refused"] and counts["in_hand"] == 0, line
        reasons = ("lost", "incomplete", "format", "untriggered", "behind", "daemon", "away", "unanswered", "stopped")
        assert counts["refused"] == sum(counts[name] for name in reasons)
        assert counts["daemon"] == sum(value for name, value in counts.items() if name.startswith("code."))
        return counts


def stored(daemon, name="cam1"):
    samples = re.findall(rf'^inspectd_inspections_total{{[^}}]*camera="{name}"[^}}]*}} (\d+)$', daemon("GET", "/metrics").body.decode(), re.M)
    return sum(map(int, samples))


def kept(daemon, name="cam1"):
    """All stored inspections of the camera, also those before a restart of the daemon."""
    lines = daemon("GET", f"/v1/inspections?camera={name}", Accept="application/x-ndjson").body.splitlines()
    return len(lines)


@aravis
def test_frames_get_verdicts_in_all_formats(start, camera):
    daemon = start()
    camera()
    for pixels, form in (("Mono8", "mono8"), ("BayerRG8", "rgb8"), ("BayerGB8", "rgb8"), ("RGB8", "rgb8")):
        grab = Grab(daemon, name=pixels, features=f"{SMALL} PixelFormat={pixels}")
        grab.wait_frames(3)
        assert grab.state()["state"] == "connected" and grab.state()["trigger"] == "free"
        counts = grab.stop()
        assert counts["verdicts"] == stored(daemon, pixels) >= 3
        item = daemon("GET", f"/v1/inspections?camera={pixels}&limit=1").json["items"][0]
        assert item["image"]["media_type"] == f"image/x-raw;format={form};width=128;height=128"
        assert re.fullmatch(r"\d+-\d+", item["part"])  # the grabber's count and the camera's number
    assert daemon("GET", "/v1/cameras").json["items"] == []  # each has said farewell


@aravis
def test_a_software_trigger_takes_one_picture(start, camera, tmp_path):
    daemon = start("server.open_access=never")
    secret = token(daemon, "camera")
    daemon.wait_line("tokens read again")
    (tmp_path / "token").write_text(secret + "\n")
    daemon.token = (daemon.state / "admin.token").read_text().strip()
    camera()
    grab = Grab(daemon, "--trigger", "software", "--token-file", str(tmp_path / "token"))
    eventually(lambda: grab.state().get("state") == "connected", PATIENCE_S)
    for part in "A-1", "A-2", "A-3":
        answer = daemon("POST", f"/v1/cameras/cam1/trigger?part={part}", token=secret)
        assert answer.status == 200, answer.body
        eventually(lambda: daemon("GET", f"/v1/inspections?part={part}").json["items"], PATIENCE_S)
    counts = grab.stop()
    assert counts["verdicts"] == 3 == stored(daemon)
    assert daemon("POST", "/v1/cameras/cam1/trigger").code == "camera_away"


@aravis
def test_the_plcs_trigger_takes_a_picture(start, camera):
    daemon = start("modbus.listen=127.0.0.1:0", "modbus.stations=1=cam1", "modbus.heartbeat_s=60")
    camera()
    grab = Grab(daemon, "--trigger", "software")
    eventually(lambda: grab.state().get("state") == "connected", PATIENCE_S)
    plc = Plc(port_of(daemon)).enable()
    with beating(plc):
        for part in b"P1", b"P2":
            plc.write(4, int.from_bytes(part, "big"), 0)
            plc.coil(TRIGGER, True)
            eventually(lambda: plc.look()["valid"], PATIENCE_S)
            got = plc.inputs()
            assert got[1] in (1, 2, 3) and got[4] == 0 and text(got[12:28]) == part.decode()
            plc.coil(TRIGGER, False)
    plc.close()
    assert grab.stop()["verdicts"] == 2


@aravis
def test_the_camera_is_opened_again(start, camera):
    daemon = start()
    first = camera()
    grab = Grab(daemon)
    grab.wait_frames(3)
    first.kill()
    first.wait()
    eventually(lambda: grab.state()["silent"], PATIENCE_S)
    assert grab.state()["state"] == "silent" and daemon.metric("camera_silent") == 1
    eventually(lambda: "camera silent" in daemon.log_text())
    before = grab.state()["verdicts"]
    camera()
    grab.wait_frames(before + 3)
    eventually(lambda: not grab.state()["silent"])
    eventually(lambda: "no longer silent" in daemon.log_text() and "the camera was lost" in grab.log())
    assert grab.stop()["verdicts"] == stored(daemon)


@aravis
def test_the_daemon_is_killed_and_comes_back(template, tmp_path, camera):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        listen = f"server.listen=127.0.0.1:{free.getsockname()[1]}"
    state = copy_state(template, tmp_path / "state")
    daemon = Daemon(state, listen)
    camera()
    grab = Grab(daemon)
    for _ in range(2):
        before = grab.state().get("verdicts", 0)
        grab.wait_frames(before + 3)
        daemon.stop(signal.SIGKILL)
        eventually(lambda: "code=away" in grab.log(), PATIENCE_S)
        grab.lines.clear()
        grab.daemon = daemon = Daemon(state, listen)
    grab.wait_frames(grab.state().get("verdicts", 0) + 3)
    counts = grab.stop()
    assert counts["away"] > 0 and counts["verdicts"] <= kept(daemon) <= counts["verdicts"] + counts["unanswered"]
    daemon.stop()


@aravis
def test_a_daemon_that_is_too_slow_gets_no_old_frames(start, camera):
    daemon = start(env={"INSP_FAKE_PASS_MS": "200"})
    camera()
    grab = Grab(daemon, "--posters", "1", "--queue", "1")
    eventually(lambda: grab.state().get("refused", 0) >= 5 and grab.state()["verdicts"] >= 2, PATIENCE_S)
    counts = grab.stop()
    assert counts["behind"] >= 5 and counts["verdicts"] == stored(daemon)


@aravis
def test_a_trigger_whose_frame_is_thrown_away_fails(start, camera):
    daemon = start(env={"INSP_FAKE_PASS_MS": "1500"})
    camera()
    grab = Grab(daemon, "--trigger", "software", "--queue", "1")
    eventually(lambda: grab.state().get("state") == "connected", PATIENCE_S)
    answers = []

    def thrown_away():
        answers.append(daemon("POST", "/v1/cameras/cam1/trigger"))
        return answers[-1].status == 503 and "too many wait" in answers[-1].json["detail"]

    eventually(thrown_away, PATIENCE_S)
    counts = grab.stop()
    fired = [answer.status for answer in answers].count(200)
    assert counts["behind"] >= 1 and 0 < fired <= counts["verdicts"] == stored(daemon)  # each answer 200 has its inspection


@contextlib.contextmanager
def fake_daemon():
    """Takes each report. Answers each post of a frame but the second, whose connection it closes. Yields its port and the parts
    of the frames that it got."""
    parts = []

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            answer = b'{"triggers": [], "verdict": "good"}'
            if "/v1/inspections" in self.path:
                parts.append(urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)["part"][0])
                self.close_connection = len(parts) == 2
            if not self.close_connection:
                self.send_response(200)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

        def log_message(self, *line):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=[0.05])
        thread.start()
        try:
            yield server.server_port, parts
        finally:
            server.shutdown()
            thread.join()


@aravis
def test_no_frame_is_posted_twice(camera):
    camera()
    with fake_daemon() as (port, parts):
        grab = Grab(types.SimpleNamespace(port=port), "--posters", "1")
        eventually(lambda: len(parts) >= 5, PATIENCE_S)
        counts = grab.stop()
        assert len(set(parts)) == len(parts) == counts["good"] + 1 and counts["unanswered"] == 1


@aravis
def test_refusals_of_the_daemon_are_counted_by_their_code(start, camera):
    daemon = start()
    camera()
    grab = Grab(daemon, product="unheard")
    eventually(lambda: grab.state().get("refused", 0) >= 3, PATIENCE_S)
    counts = grab.stop()
    assert counts["code.unknown_product"] == counts["daemon"] >= 3 and counts["verdicts"] == 0
    assert 'code=unknown_product detail="' in grab.log()


@aravis
def test_a_pixel_format_that_cannot_be_posted_is_named(start, camera):
    daemon = start()
    camera()
    grab = Grab(daemon, features="PixelFormat=Mono16")
    assert grab.process.wait(PATIENCE_S) == 1
    grab.thread.join()
    assert re.search(r"^inspectd: grab: the camera sends Mono16, and only Mono8, BayerRG8, .* can be posted", grab.log(), re.M), grab.log()
    seen = grab.state()  # it has not said farewell: the alarm stays
    assert seen["silent"] and "the camera sends Mono16" in seen["detail"] and daemon.metric("camera_silent") == 1


@aravis
@pytest.mark.slow
def test_twenty_five_frames_a_second_for_ten_minutes(start, camera):
    """INSP_GRAB_SECONDS: another time. Each frame is accounted for, and the daemon has stored each verdict."""
    seconds = int(os.environ.get("INSP_GRAB_SECONDS", "600"))
    daemon = start()
    camera()
    grab = Grab(daemon, features="Width=256 Height=256")
    grab.wait_frames(1)
    over = threading.Event()
    over.wait(seconds)
    counts = grab.stop()
    print(f"{seconds} s: {counts}")
    assert counts["verdicts"] == stored(daemon) and counts["unanswered"] == counts["away"] == counts["daemon"] == 0
    assert counts["frames"] >= 24 * seconds


def test_a_build_without_aravis_says_so(tmp_path):
    binary = shutil.copy(os.environ["INSPECTD"], tmp_path / "inspectd")
    done = subprocess.run([binary, "grab", "--camera", "c", "--product", "carpet"], capture_output=True, text=True)
    assert done.returncode == 1 and "built without Aravis" in done.stderr and "install libaravis-dev" in done.stderr


@pytest.mark.parametrize("options, told", [
    ([], "--camera and --product are needed"),
    (["--camera", "c", "--product", "../x"], "is no name of a product"),
    (["--camera", "c", "--product", "p", "--trigger", "hardware"], "it must be free, line or software"),
    (["--camera", "c", "--product", "p", "--url", "127.0.0.1:8080"], "--url must be http://"),
    (["--camera", "c", "--product", "p", "--interval", "0"], "--interval is \"0\""),
])
def test_wrong_usage(options, told):
    done = subprocess.run([os.environ["INSPECTD"], "grab", *options], capture_output=True, text=True)
    assert done.returncode == 2 and told in done.stderr
