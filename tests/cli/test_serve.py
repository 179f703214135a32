"""The life of `inspectd serve` without a model: start, lock, signals, systemd's protocol, refusals."""
import contextlib
import json
import os
import pathlib
import re
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import urllib.error
import urllib.request

import pytest

START_S = STOP_S = 60


class Daemon:
    def __init__(self, process):
        self.process, self.log = process, ""

    def wait_for(self, pattern):
        """Reads the log until a line matches; fails when the daemon ends or is silent for too long."""
        while not (found := re.search(pattern, self.log)):
            assert select.select([self.process.stderr], [], [], START_S)[0], f"silent; so far:\n{self.log}"
            piece = os.read(self.process.stderr.fileno(), 65536).decode()
            assert piece, f"ended:\n{self.log}"
            self.log += piece
        return found

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        _, rest = self.process.communicate(timeout=STOP_S)
        self.log += rest.decode()
        return self.process.returncode


@contextlib.contextmanager
def serve(cli, *words, **popen):
    words = (*words, "-o", "server.listen=127.0.0.1:0")
    with subprocess.Popen(cli.arguments("serve", *words), stderr=subprocess.PIPE, **popen) as process:
        try:
            yield Daemon(process)
        finally:
            if process.poll() is None:
                process.kill()


def status(address, path):
    try:
        with urllib.request.urlopen(f"http://{address}{path}", timeout=30) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def test_an_empty_state_folder_is_served(cli):
    with serve(cli) as daemon:
        address = daemon.wait_for(r"listening address=(\S+)")[1]
        assert status(address, "/healthz") == 200
        assert status(address, "/readyz") == 503
        assert oct((cli.state / "admin.token").stat().st_mode)[-3:] == "600"
        assert oct(cli.state.stat().st_mode)[-3:] == "700"
        assert daemon.stop() == 0
        assert "no trunk is installed" in daemon.log and "stopped" in daemon.log


def test_the_first_trunk_and_model_need_no_restart(cli, tmp_path):
    data = tmp_path / "roots" / "carpet"
    data.parent.mkdir()
    cli("demo-data", data, "--images", 24, "--seed", 7)
    with serve(cli, "-o", f"training.dataset_roots={data.parent}") as daemon:
        address = daemon.wait_for(r"listening address=(\S+)")[1]
        cli("trunk", "bank", "--images", data, "--count", 4)
        assert status(address, "/readyz") == 503
        token = (cli.state / "admin.token").read_text().strip()
        train = urllib.request.Request(f"http://{address}/v1/admin/products/carpet/train", b'{"dataset":"carpet","epochs":1}',
                                       {"Authorization": f"Bearer {token}", "Content-Type": "application/json"})
        assert urllib.request.urlopen(train, timeout=30).status == 202
        daemon.wait_for("trunk loaded")
        daemon.wait_for("training activated product=carpet")
        daemon.wait_for("models read again products=1")
        assert status(address, "/readyz") == 200
        cli("train", "--product", "wood", "--data", data, "--epochs", 1)  # tells the daemon
        daemon.wait_for("models read again products=2")
        assert daemon.stop() == 0


def test_two_daemons_cannot_share_a_folder(cli):
    with serve(cli) as daemon:
        daemon.wait_for("listening")
        assert f"pid {daemon.process.pid}" in cli("serve", "-o", "server.listen=127.0.0.1:0", code=1).stderr
        assert daemon.stop(signal.SIGINT) == 0


def test_a_trained_model_becomes_ready_and_predict_runs_beside(trained):
    with serve(trained) as daemon:
        address = daemon.wait_for(r"ready address=(\S+)")[1]
        assert status(address, "/readyz") == 200
        trained("predict", "--product", "carpet", trained.data / "test/good/000.png")
        assert daemon.stop() == 0


def test_a_new_token_works_at_once(cli):
    with serve(cli) as daemon:
        daemon.wait_for("listening")
        run = cli("token", "add", "line-3", "camera")
        assert re.fullmatch(r"insp_[0-9a-f]{64}\n", run.stdout)
        assert f"pid {daemon.process.pid}" in run.stderr
        daemon.wait_for("reading tokens and models again")
        assert "line-3" in cli("token", "list").stdout
        [admin, camera] = json.loads(cli("token", "list", "--json").stdout)
        assert (admin["role"], camera["name"], camera["role"]) == ("admin", "line-3", "camera")
        assert camera.keys() == {"name", "role", "created"}  # no secret, no hash
        assert run.stdout.strip() not in (cli.state / "tokens.json").read_text()
        cli("token", "add", "line-3", "camera", code=1)
        cli("token", "revoke", "line-3")
        cli("token", "revoke", "line-3", code=1)
        assert daemon.stop() == 0


@pytest.fixture
def notified(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        path = tmp_path / "notify"
        supervisor.bind(str(path))
        supervisor.settimeout(START_S)
        yield supervisor, {**os.environ, "NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "500000"}


def told(supervisor, expected):
    while expected not in (message := supervisor.recv(4096).decode()):
        pass
    return message


def test_systemd_is_told(cli, notified):
    supervisor, environment = notified
    with serve(cli, env=environment) as daemon:
        told(supervisor, "READY=1")
        told(supervisor, "WATCHDOG=1")
        daemon.process.send_signal(signal.SIGHUP)
        told(supervisor, "RELOADING=1")
        told(supervisor, "READY=1")
        assert daemon.stop() == 0
        told(supervisor, "STOPPING=1")


def test_socket_activation(cli, tmp_path):
    """systemd's way: the socket is descriptor 3 and LISTEN_PID is the pid of the program that is executed."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = "%s:%d" % listener.getsockname()
        launcher = 'exec 3<&$1; shift; exec env LISTEN_FDS=1 LISTEN_PID=$$ "$@"'
        command = ["bash", "-c", launcher, "launcher", str(listener.fileno()), *cli.arguments("serve")]
        with subprocess.Popen(command, stderr=subprocess.PIPE, pass_fds=[listener.fileno()]) as process:
            daemon = Daemon(process)
            daemon.wait_for("listening")
            assert status(address, "/healthz") == 200
            assert daemon.stop() == 0


def test_a_port_in_use(cli):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert str(port) in cli("serve", "-o", f"server.listen=127.0.0.1:{port}", code=1).stderr


@pytest.fixture
def open_folder():
    """A folder that every user may enter. Not below pytest's: each pytest that starts beside this one closes that to others."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        yield pathlib.Path(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody else")
def test_a_state_folder_without_permission(cli, open_folder):
    binary, *words = type(cli)(open_folder / "state").arguments("serve")
    (open_folder / "state").mkdir(mode=0o700)
    copy = shutil.copy(binary, open_folder)  # the tree may lie in a folder that only root may enter
    run = subprocess.run([copy, *words], capture_output=True, text=True, timeout=60, user=65534, check=False)
    assert run.returncode == 1 and "Permission denied" in run.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody else")
def test_root_writes_as_the_owner_of_the_state_folder(cli, open_folder):
    cli = type(cli)(open_folder / "state")
    cli.state.mkdir(mode=0o700)
    os.chown(cli.state, 65534, 65534)
    assert "the owner of" in cli("token", "add", "line-3", "camera").stderr
    assert {entry.stat().st_uid for entry in cli.state.iterdir()} == {65534}


def test_cuda_that_is_absent_is_refused(cli):
    if os.path.exists("/dev/nvidiactl"):
        pytest.skip("this machine has a CUDA device")
    run = subprocess.run([*cli.arguments("serve"), "-o", "device.name=cuda"], capture_output=True, text=True, timeout=60,
                         check=False)
    assert run.returncode == 1 and "cuda" in run.stderr.lower()
