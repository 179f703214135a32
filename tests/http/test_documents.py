"""README.md and docs/: their commands run as they stand, their settings files are valid, their answers are as printed.

Each `sh` block of a document runs as one script in a folder with the files that the documents name. curl is led to the
test's daemon, trainings stop after one epoch, and ID, JOB, VERSION and TOKEN are set. A block that cannot run here has its
reason in NOT_RUN."""
import json
import os
import pathlib
import re
import subprocess
import sys

import pytest
import yaml
from conftest import eventually, picture

TOP = pathlib.Path(__file__).resolve().parents[2]
RUN = [TOP / "README.md", *sorted((TOP / "docs").glob("*.md"))]

# What the first command of a block begins with -> why the block does not run here.
NOT_RUN = {
    "./dev run": "installs packages, builds, and runs the tests that this one is part of",
    "./dev build": "installs packages, builds, and installs into the system as root",
    "./dev bench": "takes minutes, on a machine that does nothing else",
    "cmake --preset": "needs a libtorch for CUDA",
    "sudo systemctl": "needs systemd and root",
    "certbot": "needs systemd and root",
    "export GRAFANA_PASSWORD": "needs Docker and its registries",
    "arv-tool-0.8": "needs a camera; tests/http/test_grab.py has a fake one",
    "inspectd trunk fetch": "downloads 528 MB; tests/cli/test_fetch.py has a server",
    "python3 /usr/share/inspectd/convert_pth.py": "needs torchvision's weights; tests/parity/test_convert.py has the script",
    'curl -X PUT -H "Authorization: Bearer $TOKEN" -d "{\\"version': "needs a second version; tests/http/test_shadow.py has one",
    "inspectd model shadow ": "needs a second version; tests/cli/test_models.py has one",
    "inspectd train --product screws --mode add_good": "needs 20 good parts and one more; tests/http/test_good_only.py has them",
}
# Blocks for a daemon that does not run; it is started again afterwards.
STOPPED = ("mkdir damaged",)

INSPECTD = """#!/bin/sh
case $1 in
train | cross-validate) set -- "$@" --epochs 1 ;; # the figures do not matter here
esac
exec "$BINARY" "$@"
"""
CURL = """#!/bin/sh
set -- -sS --fail-with-body --max-time 30 --connect-to "127.0.0.1:8080:127.0.0.1:$PORT" "$@"
case " $* " in
*" -N "*) /usr/bin/curl "$@" | head -n 1 ;; # a stream: its first line is enough
*) exec /usr/bin/curl "$@" ;;
esac
"""


def blocks(document):
    """(language, text) of each fenced block."""
    return re.findall(r"^```(\w*)\n(.*?)^```$", document.read_text(), re.M | re.S)


def command(block):
    """The first line that is no comment."""
    return next(line for line in block.splitlines() if line and not line.startswith("#"))


def reason(block):
    return next((why for start, why in NOT_RUN.items() if command(block).startswith(start)), None)


def all_blocks(*languages):
    return [(document, text) for document in RUN for language, text in blocks(document) if language in languages]


def each_block(*languages):
    """As all_blocks, for pytest, which names a test by its document."""
    return [pytest.param(text, id=document.stem) for document, text in all_blocks(*languages)]


def with_commands(documents):
    return [document for document in documents if any(language == "sh" and not reason(block)
                                                      for language, block in blocks(document))]


def cross_validate(daemon):
    body = {"dataset": "carpet", "epochs": 1, "folds": 2, "max_missed": 0.5}
    job = daemon("POST", "/v1/admin/products/carpet/cross-validate", json.dumps(body)).json["id"]
    eventually(lambda: daemon("GET", f"/v1/jobs/{job}").json["state"] not in ("queued", "running"), 180)
    assert daemon("GET", f"/v1/jobs/{job}").json["state"] == "succeeded"
    return job


class Shell:
    """Runs blocks in `folder` against `daemon`."""

    def __init__(self, daemon, folder):
        self.daemon, self.folder = daemon, folder
        daemon.token = (daemon.state / "admin.token").read_text().strip()
        binary = os.environ["INSPECTD"]
        for data in ("sets/carpet", "screws"):
            subprocess.run([binary, "demo-data", str(folder / data), "--images", "20"], check=True, capture_output=True)
        for name, kind in (("part.jpg", "JPEG"), ("part.png", "PNG"), ("0001.jpg", "JPEG")):
            (folder / name).write_bytes(picture(kind=kind, noise=True))
        (folder / "frame.raw").write_bytes(bytes(640 * 480))
        (folder / "state").symlink_to(daemon.state)
        (folder / "bin").mkdir()
        for name, text in (("curl", CURL), ("inspectd", INSPECTD)):
            (folder / "bin" / name).write_text(text)
            (folder / "bin" / name).chmod(0o755)
        self.environment = {
            **os.environ, "PATH": f"{folder}/bin:/usr/bin:/bin", "PORT": str(daemon.port), "BINARY": binary,
            "STATE_DIRECTORY": str(daemon.state), "OMP_NUM_THREADS": "1", "TOKEN": daemon.token, "VERSION": "v1",
            "ID": daemon.inspect((folder / "part.png").read_bytes()).json["id"]}

    def prepare(self, document):
        """Makes what the variable JOB needs: a cross-validation whose advice keeps its promise."""
        if "$JOB" in document.read_text():
            self.environment["JOB"] = cross_validate(self.daemon)

    def __call__(self, block):
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", block], cwd=self.folder, env=self.environment,
                              capture_output=True, timeout=300, check=False)
        late = "deadline_ms" in block and b"deadline_exceeded" in done.stdout  # as the documents say
        assert done.returncode == 0 or late, f"{block}\n{done.stdout.decode(errors='replace')}\n{done.stderr.decode()}"
        return done.stdout


@pytest.fixture
def shell(start, tmp_path):
    return Shell(start(f"training.dataset_roots={tmp_path}/sets"), tmp_path)


def run_all(shell, start, document):
    ran = []
    shell.prepare(document)
    for language, block in blocks(document):
        if language != "sh" or reason(block):
            continue
        if command(block).startswith(STOPPED):
            count = len(shell.daemon("GET", "/v1/inspections").json["items"])
            shell.daemon.stop()
            ran.append((block, shell(block)))
            shell.daemon = start(state=shell.daemon.state)
            shell.environment["PORT"] = str(shell.daemon.port)
            assert len(shell.daemon("GET", "/v1/inspections").json["items"]) == count > 0
        else:
            ran.append((block, shell(block)))
    return ran


@pytest.mark.real_device
def test_the_readme(shell, start):
    [(_, answer), *rest] = run_all(shell, start, TOP / "README.md")
    [(_, text)] = [(language, text) for language, text in blocks(TOP / "README.md") if language == "json"]
    answer, example = json.loads(answer), json.loads(text)
    assert answer.keys() == example.keys() and rest
    for part in ("heatmap", "image", "timing_ms"):
        assert answer[part].keys() == example[part].keys()
    assert "<html" in (shell.folder / "report.html").read_text()


@pytest.mark.parametrize("document", with_commands(RUN[1:]), ids=lambda path: path.stem)
def test_the_commands_of(document, start, tmp_path):
    shell = Shell(start(f"training.dataset_roots={tmp_path}/sets"), tmp_path)
    run_all(shell, start, document)
    for name in re.findall(r" -o ([a-z]+\.(?:png|jpg|html|csv)) ", document.read_text()):
        assert (tmp_path / name).stat().st_size > 100


def test_reasons_are_for_blocks_that_exist():
    starts = [command(block) for _, block in all_blocks("sh")]
    assert not [start for start in [*NOT_RUN, *STOPPED] if not any(first.startswith(start) for first in starts)]


def test_each_block_says_its_language():
    """So that no command hides in a block that nothing checks."""
    checked = {"sh", "json", "ini", "yaml", "python"}
    free = {"text", "nginx"}
    for document in RUN:
        for language, block in blocks(document):
            assert language in checked | free, f"{document.name}: ```{language}\n{block}"
            assert language in checked or not re.search(r"^(curl|inspectd|sudo|\./dev) ", block, re.M), block


@pytest.mark.parametrize("text", each_block("ini"))
def test_settings_are_valid(text, tmp_path):
    (tmp_path / "inspectd.conf").write_text(text)
    subprocess.run([os.environ["INSPECTD"], "check-config", "--config", str(tmp_path / "inspectd.conf")], check=True,
                   capture_output=True, env={**os.environ, "STATE_DIRECTORY": str(tmp_path)})


@pytest.mark.parametrize("text", each_block("json", "yaml"))
def test_examples_can_be_read(text):
    assert yaml.safe_load(text)  # JSON is YAML


@pytest.mark.parametrize("text", each_block("python"))
def test_programs_compile(text):
    compile(text, "block", "exec")


FOLLOWERS = [block for block in each_block("python") if "/v1/events" in block.values[0]]


@pytest.mark.parametrize("text", FOLLOWERS)
def test_programs_work(text, start, tmp_path):
    """A follower of events: it prints a line for the inspection that is posted after its stream is open."""
    daemon = start()
    text = text.replace("127.0.0.1:8080", f"127.0.0.1:{daemon.port}")
    with subprocess.Popen([sys.executable, "-c", text], stdout=subprocess.PIPE, text=True) as process:
        try:
            eventually(lambda: daemon.metric("event_clients") == 1)
            assert daemon.inspect(picture("white"), "product=carpet&part=A-1").status == 200
            assert process.stdout.readline().split()[0] == "A-1"
        finally:
            process.kill()


@pytest.mark.parametrize("name", ["Dockerfile", "Dockerfile.cuda"])
def test_commands_in_a_container_use_the_daemons_state_folder(name):
    """`docker exec` runs them without the options that the daemon has."""
    text = (TOP / "docker" / name).read_text()
    [folder] = re.findall(r"^ENV STATE_DIRECTORY=(\S+)$", text, re.M)
    assert f"\nVOLUME {folder}\n" in text and f'"storage.state_dir={folder}"' in text


def test_a_problem_is_as_printed(shared):
    [text] = [text for _, text in all_blocks("json") if '"code"' in text]
    answer = shared("GET", "/v1/inspections?limit=0")
    assert answer.json == json.loads(text) and answer.code == "invalid_query"
