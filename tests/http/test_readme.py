"""README.md's curl lines, run as they stand: only the address, ids and a version are filled in."""
import json
import os
import pathlib
import re
import subprocess

import pytest
from conftest import REQUEST_S, eventually, picture

pytestmark = pytest.mark.real_device
README = (pathlib.Path(__file__).resolve().parents[2] / "README.md").read_text()
WRAPPER = '#!/bin/sh\nexec /usr/bin/curl -sS --fail-with-body --max-time 30 "$@"\n'  # quiet, and errors are errors


def commands():
    """The curl lines of all shell blocks, with what is continued by a backslash."""
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.M | re.S)
    lines = "\n".join(text for language, text in blocks if language in ("", "sh")).replace("\\\n", " ").splitlines()
    return [" ".join(line.split()) for line in lines if line.startswith("curl ")]


def example():
    return json.loads(re.search(r"^```json\n(.*?)^```$", README, re.M | re.S)[1])


@pytest.fixture
def shell(start, tmp_path):
    """shell(command) -> what it prints, in a folder that holds the files that the README names."""
    subprocess.run([os.environ["INSPECTD"], "demo-data", str(tmp_path / "sets/carpet"), "--images", "20"], check=True,
                   capture_output=True)
    daemon = start(f"training.dataset_roots={tmp_path}/sets")
    for name, kind in (("part.jpg", "JPEG"), ("part.png", "PNG"), ("0001.jpg", "JPEG")):
        (tmp_path / name).write_bytes(picture(kind=kind, noise=True))
    (tmp_path / "frame.raw").write_bytes(bytes(640 * 480))
    (tmp_path / "state").symlink_to(daemon.state)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/curl").write_text(WRAPPER)
    (tmp_path / "bin/curl").chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}/bin:/usr/bin:/bin"}

    def run(command):
        text = command.replace("127.0.0.1:8080", f"127.0.0.1:{daemon.port}")
        process = subprocess.Popen(["sh", "-c", f"TOKEN=$(cat state/admin.token)\nexec {text}"], cwd=tmp_path,
                                   env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if " -N " in command:  # a stream: its first line is enough
            line = process.stdout.readline()
            process.kill()
            process.communicate()
            return line
        out, err = process.communicate(timeout=2 * REQUEST_S)
        late = "deadline_ms" in command and b"deadline_exceeded" in out  # as the README says
        assert process.returncode == 0 or late, f"{command}\n{out.decode(errors='replace')}{err.decode()}"
        return out

    run.folder, run.daemon = tmp_path, daemon
    daemon.token = (daemon.state / "admin.token").read_text().strip()
    return run


def wait_for_job(daemon, job):
    ended = lambda: daemon("GET", f"/v1/jobs/{job}").json["state"] not in ("queued", "running")
    eventually(ended, 180)
    assert daemon("GET", f"/v1/jobs/{job}").json["state"] == "succeeded"


def cross_validation(daemon):
    """A finished one, for the line that takes a threshold from it."""
    body = json.dumps({"dataset": "carpet", "epochs": 1, "folds": 2, "max_missed": 0.5})
    job = daemon("POST", "/v1/admin/products/carpet/cross-validate", body).json["id"]
    wait_for_job(daemon, job)
    return job


def test_every_curl_line_works(shell):
    lines = commands()
    assert len(lines) >= 15 and not [line for line in lines if "..." in line]
    ids, printed, daemon = {}, {}, shell.daemon
    for line in lines:
        if '"JOB"' in line:
            line = line.replace("JOB", cross_validation(daemon))
        line = line.replace("/models/VERSION", "/models/v1")
        if "report.html" in line:
            wait_for_job(daemon, ids["jobs"])
        for kind in ("inspections", "jobs"):
            line = line.replace(f"/{kind}/ID", f"/{kind}/{ids.get(kind)}")
        printed[line] = out = shell(line)
        if out.startswith(b"{") and "id" in (answer := json.loads(out)):
            ids["jobs" if "state" in answer else "inspections"] = answer["id"]
    first = json.loads(printed[lines[0]])
    assert first.keys() == example().keys()
    for part in ("heatmap", "image", "timing_ms"):
        assert first[part].keys() == example()[part].keys()
    for name in ("heat.png", "image.png", "small.jpg", "report.html"):
        assert (shell.folder / name).stat().st_size > 100
    assert list(shell.folder.glob("*.csv"))
    stream = [out for line, out in printed.items() if " -N " in line]
    assert len(stream) == 1 and stream[0]
