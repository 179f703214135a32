"""What keeps a memory error or a runaway in bounds: flags of the binary, limits of the unit and of the containers."""
import pathlib
import platform
import re
import subprocess

import pytest
import yaml

from conftest import BINARY

TOP = pathlib.Path(__file__).resolve().parents[2]


def tool(*words):
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def test_the_binary_is_hardened():
    told = tool("readelf", "-lWd", BINARY)
    assert re.search(r"GNU_STACK\s.*\bRW\b", told) and "GNU_RELRO" in told
    assert re.search(r"Flags: NOW PIE", told)  # full RELRO: the table of functions is read-only once it runs


def test_the_compilers_checks_are_in():
    if re.search(r"__[at]san_init", symbols := tool("nm", "-D", BINARY)):
        pytest.skip("a sanitizer has its own")
    assert "__stack_chk_fail" in symbols
    if ".debug_info" not in tool("readelf", "-SW", BINARY):  # only an optimised build is fortified
        assert re.search(r"__\w+_chk", symbols)
    if platform.machine() == "x86_64":
        assert "endbr64" in tool("objdump", "-d", "--disassemble=main", BINARY)  # -fcf-protection


def test_the_unit_bounds_the_process():
    settings = dict(line.split("=", 1) for line in (TOP / "systemd/inspectd.service.in").read_text().splitlines()
                    if re.match(r"[A-Z]\w+=", line))
    assert settings["MemoryMax"] and settings["TasksMax"] and settings["NoNewPrivileges"] == "yes"
    assert settings["CapabilityBoundingSet"] == "" and settings["ProtectSystem"] == "strict"


def test_the_containers_are_bounded():
    services = yaml.safe_load((TOP / "docker/compose.yaml").read_text())["services"]
    for name, service in services.items():
        assert service["mem_limit"] and service["pids_limit"], name
        assert service["read_only"] and service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert all("size=" in mount for mount in service.get("tmpfs", [])), name
