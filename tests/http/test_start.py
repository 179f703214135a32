"""Starts that fail name the cause and the solution; starts without a model serve the probes."""
import contextlib
import os
import socket
import sqlite3
import subprocess

import pytest


def serve(*options):
    return subprocess.run([os.environ["INSPECTD"], "serve", *options], capture_output=True, text=True, timeout=60)


def setting(name, value):
    return "-o", f"{name}={value}"


def test_empty_state_serves_the_probes(start, tmp_path):
    daemon = start(state=tmp_path / "empty", wait_ready=False)
    assert daemon("GET", "/healthz").status == 200
    ready = daemon("GET", "/readyz")
    assert (ready.status, ready.code) == (503, "not_ready")
    assert ready.headers["Retry-After"] and len(ready.json["reasons"]) >= 1
    assert daemon.inspect(b"x").code == "unknown_product"


def test_port_in_use(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        done = serve(*setting("server.listen", address), *setting("storage.state_dir", tmp_path / "s"))
    assert done.returncode == 1 and address in done.stderr and "in use" in done.stderr


def test_state_folder_that_cannot_be_written():
    # Nobody can make a folder in /proc, not even root.
    done = serve(*setting("server.listen", "127.0.0.1:0"), *setting("storage.state_dir", "/proc/inspectd"))
    assert done.returncode == 1 and "/proc/inspectd" in done.stderr


def test_database_that_cannot_be_written(start):
    """As on a full disk: a job that a crash interrupted cannot be marked."""
    daemon = start()
    daemon.stop()
    with contextlib.closing(sqlite3.connect(daemon.state / "inspectd.sqlite3")) as db, db:
        db.execute("INSERT INTO jobs (id, kind, product, state, progress, stage, params, created_us)"
                   " VALUES ('x', 'train', 'carpet', 'running', 0, '', '{}', 1)")
        db.execute("CREATE TRIGGER full BEFORE UPDATE ON jobs BEGIN SELECT raise(ABORT, 'the disk is full'); END")
    done = serve(*setting("server.listen", "127.0.0.1:0"), *setting("storage.state_dir", daemon.state))
    assert done.returncode == 1 and "the disk is full" in done.stderr and "ERROR: " not in done.stderr


def test_unknown_key_is_named_with_its_line(tmp_path):
    path = tmp_path / "inspectd.conf"
    path.write_text("[server]\nlisten = 127.0.0.1:0\nlistne = 1\n")
    done = serve("--config", str(path))
    assert done.returncode in (1, 2) and "listne" in done.stderr and f"{path}:3" in done.stderr


@pytest.mark.parametrize("option", ["limits.inflight=0", "limits.colour=1", "limits.inflight", "device.name=cuda:99"])
def test_bad_setting(tmp_path, option):
    done = serve(*setting("storage.state_dir", tmp_path / "s"), *setting("server.listen", "127.0.0.1:0"), "-o", option)
    assert done.returncode in (1, 2)
    assert option.split("=")[0] in done.stderr or "cuda:99" in done.stderr


def test_second_daemon_on_one_state_folder(start):
    daemon = start()
    done = serve(*setting("server.listen", "127.0.0.1:0"), *setting("storage.state_dir", daemon.state))
    assert done.returncode == 1 and str(daemon.process.pid) in done.stderr
    assert daemon("GET", "/readyz").status == 200


def test_unknown_path_and_method(shared):
    assert shared("GET", "/v1/nothing").code == "not_found"
    answer = shared("DELETE", "/v1/inspections")
    assert (answer.status, answer.code) == (405, "method_not_allowed")
    assert set(answer.headers["Allow"].split(", ")) == {"POST", "GET", "HEAD"}
    assert shared("HEAD", "/v1/inspections").body == b""
