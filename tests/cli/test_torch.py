"""libtorch is loaded by a device that computes with it, and by nothing else."""
import pathlib
import shutil

import pytest

import conftest
from test_serve import serve

pytestmark = pytest.mark.real_device


def libraries(cli, engine):
    """-> the names of the files that a daemon has mapped when it listens"""
    with serve(cli, "-o", f"device.cpu_engine={engine}") as daemon:
        daemon.wait_for("listening address=")
        text = pathlib.Path(f"/proc/{daemon.process.pid}/maps").read_text()
        assert daemon.stop() == 0
    return {pathlib.Path(line.split()[-1]).name for line in text.splitlines() if "/" in line}


def test_packed_kernels_load_no_libtorch(cli):
    assert not [name for name in libraries(cli, "packed") if "torch" in name]


def test_libtorch_is_loaded_from_the_module(cli):
    names = libraries(cli, "torch")
    assert "inspectd-torch.so" in names and [name for name in names if name.startswith("libtorch_cpu.so")]


def test_a_module_that_is_missing_or_broken_is_named(cli, tmp_path, monkeypatch):
    program = shutil.copy(conftest.BINARY, tmp_path / "inspectd")
    monkeypatch.setattr(conftest, "BINARY", program)
    error = cli("serve", "-o", "device.cpu_engine=torch", code=1).stderr
    assert "inspectd-torch.so is missing" in error and "lib/inspectd" in error
    (tmp_path / "inspectd-torch.so").write_text("no library")
    error = cli("serve", "-o", "device.cpu_engine=torch", code=1).stderr
    assert "libtorch cannot be loaded" in error and "inspectd-torch.so" in error
    assert not [name for name in libraries(cli, "packed") if "torch" in name]
