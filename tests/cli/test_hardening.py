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


def properties(path):
    """CET properties of each object of an archive, or of one object or program: [{"IBT", "SHSTK"}, ...]."""
    told = subprocess.run(["readelf", "-nW", path], capture_output=True, text=True, check=True)
    parts = re.split(r"^File: .*$", told.stdout, flags=re.M)[1:] or [told.stdout]
    return [set(re.findall(r"\b(IBT|SHSTK)\b", " ".join(re.findall(r"x86 feature: (.*)", part)))) for part in parts]


@pytest.mark.skipif(platform.machine() != "x86_64", reason="CET is a feature of x86")
def test_the_objects_and_the_binary_are_marked_for_cet():
    """docs/security.md: what of the binary is not marked, and which objects of the C library are the cause."""
    build = pathlib.Path(BINARY).parent
    archives = [path for path in build.rglob("libinsp_*.a") if "tests" not in path.relative_to(build).parts]
    assert len(archives) > 10
    for archive in archives:
        assert (marks := properties(archive)) and all(mark == {"IBT", "SHSTK"} for mark in marks), archive
    start_files = [tool("cc", f"-print-file-name={name}").strip() for name in ("Scrt1.o", "crti.o", "crtn.o")]
    fit = all("IBT" in mark for path in start_files for mark in properties(path))
    assert properties(BINARY) == [{"SHSTK", *(["IBT"] if fit else [])}]


@pytest.mark.parametrize("unit", ["inspectd.service.in", "inspectd-grab@.service.in"])
def test_the_unit_bounds_the_process(unit):
    settings = dict(line.split("=", 1) for line in (TOP / "systemd" / unit).read_text().splitlines()
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
