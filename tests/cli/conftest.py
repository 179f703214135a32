"""Runs the binary that INSPECTD names, with a new state folder and only the settings of the test."""
import os
import pathlib
import subprocess

import pytest

BINARY = os.environ["INSPECTD"]
LIMIT_S = 300


class Cli:
    def __init__(self, state):
        self.state = state

    def arguments(self, *words):
        return [BINARY, *map(str, words), "--config", "/dev/null", "-o", f"storage.state_dir={self.state}",
                "-o", "device.name=cpu", "-o", "device.threads=2"]

    def __call__(self, *words, code=0):
        """Runs a command; asserts its exit code and that errors have the one form."""
        run = subprocess.run(self.arguments(*words), capture_output=True, text=True, timeout=LIMIT_S, check=False)
        assert run.returncode == code, f"{words}: exit {run.returncode}\n{run.stdout}\n{run.stderr}"
        if code:
            assert "inspectd: " in run.stderr
        return run


@pytest.fixture
def cli(tmp_path):
    return Cli(tmp_path / "state")


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """A state folder with a demo set, a filter-bank trunk and one trained version of product `carpet`."""
    folder = tmp_path_factory.mktemp("trained")
    cli = Cli(folder / "state")
    cli.data = pathlib.Path(folder / "carpet")
    cli("demo-data", cli.data, "--images", 24, "--seed", 7)
    cli("trunk", "bank", "--images", cli.data, "--count", 4)
    cli("train", "--product", "carpet", "--data", cli.data, "--epochs", 1, "--activate", "always")
    return cli
