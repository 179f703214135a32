"""A job's process that crashes, is killed or hangs: the job fails, and nothing else."""
import json
import os
import pathlib
import resource
import signal
import subprocess

import pytest
from conftest import eventually, picture

SECONDS = 120
ENDED = {"succeeded", "failed", "cancelled"}


@pytest.fixture(scope="module")
def datasets(tmp_path_factory):
    root = tmp_path_factory.mktemp("datasets")
    subprocess.run([os.environ["INSPECTD"], "demo-data", str(root / "woven"), "--images", "20"], check=True,
                   capture_output=True)
    for place, colour in ("train/good", "black"), ("test/hole", "white"):  # field/two_image_set
        (root / "two" / place).mkdir(parents=True)
        (root / "two" / place / "000.png").write_bytes(picture(colour, (64, 64)))
    return root


@pytest.fixture
def daemon(start, datasets):
    daemon = start(f"training.dataset_roots={datasets}", env={"INSP_FAKE_PASS_MS": "10"})
    daemon.token = (daemon.state / "admin.token").read_text().strip()
    return daemon


def submit(daemon, kind="train", **parameters):
    body = json.dumps({"dataset": "woven", "seed": 1, **parameters})
    answer = daemon("POST", f"/v1/admin/products/carpet/{kind}", body, Content_Type="application/json")
    assert answer.status == 202, answer.body
    return answer.headers["Location"]


def job(daemon, location):
    return daemon("GET", location).json


def finished(daemon, location):
    eventually(lambda: job(daemon, location)["state"] in ENDED, SECONDS)
    return job(daemon, location)


def children(pid):
    found = []
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = stat.read_text().rsplit(")", 1)[1].split()[:2]
        except OSError:  # gone meanwhile
            continue
        if int(parent) == pid and state != "Z":
            found.append(int(stat.parent.name))
    return found


def running(daemon):
    """A job that runs for as long as anybody cares -> its place and its process."""
    location = submit(daemon, "cross-validate", epochs=1000, folds=5, batch=1)
    eventually(lambda: job(daemon, location)["progress"] > 0, SECONDS)
    (child,) = children(daemon.process.pid)
    return location, child


def well(daemon):
    assert daemon.process.poll() is None, daemon.log_text()
    assert daemon("GET", "/readyz").status == 200
    assert daemon.inspect(picture()).status == 200


@pytest.mark.parametrize("number, name", [(signal.SIGSEGV, "Segmentation fault"), (signal.SIGABRT, "Aborted"),
                                          (signal.SIGKILL, "Killed")])
def test_a_job_that_dies_takes_nothing_with_it(daemon, number, name):
    location, child = running(daemon)
    os.kill(child, number)
    done = finished(daemon, location)
    assert done["state"] == "failed" and done["error"]["code"] == "job_crashed", done
    assert done["result"] is None
    if "code" not in done["error"]["detail"]:  # a sanitizer ends a crash by an exit code
        assert f"signal {int(number)} ({name})" in done["error"]["detail"]
    well(daemon)
    assert not children(daemon.process.pid), "no zombie and no process is left"
    after = finished(daemon, submit(daemon, epochs=1, activate="never"))
    assert after["state"] == "succeeded", after
    well(daemon)


def test_a_job_that_dies_while_it_writes_a_model_leaves_nothing_of_it(daemon):
    location = submit(daemon, epochs=40, batch=1, activate="never")
    eventually(lambda: job(daemon, location)["stage"].startswith("epoch"), SECONDS)
    (child,) = children(daemon.process.pid)
    resource.prlimit(child, resource.RLIMIT_CORE, (0, 0))
    resource.prlimit(child, resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))  # in the middle of the weights
    done = finished(daemon, location)
    assert done["state"] == "failed" and "File size limit exceeded" in done["error"]["detail"], done
    models = daemon.state / "models" / "carpet"
    assert sorted(path.name for path in models.iterdir()) == ["active.json", "v1"]
    well(daemon)


@pytest.mark.slow
def test_a_job_that_hangs_can_be_cancelled(daemon):
    location, child = running(daemon)
    os.kill(child, signal.SIGSTOP)
    assert daemon("DELETE", f"/v1/admin{location[3:]}").status == 202
    assert finished(daemon, location)["state"] == "cancelled"
    assert not children(daemon.process.pid)
    well(daemon)


@pytest.mark.slow
def test_a_job_that_hangs_does_not_keep_the_daemon_from_stopping(daemon):
    _, child = running(daemon)
    os.kill(child, signal.SIGSTOP)
    daemon.stop()
    assert not pathlib.Path(f"/proc/{child}").exists()


def test_a_job_ends_with_a_daemon_that_is_killed(daemon):
    _, child = running(daemon)
    daemon.process.kill()
    daemon.process.wait(timeout=10)
    eventually(lambda: not pathlib.Path(f"/proc/{child}").exists())


def test_signals_of_the_terminal_and_of_systemd_do_not_decide_about_a_job(daemon):
    """Ctrl-C and systemctl stop reach both processes: only the daemon's answer to them counts."""
    location, child = running(daemon)
    for number in signal.SIGINT, signal.SIGTERM, signal.SIGHUP:
        os.kill(child, number)
    before = job(daemon, location)["progress"]
    eventually(lambda: job(daemon, location)["progress"] > before)
    assert job(daemon, location)["state"] == "running"
    assert os.getpgid(child) == child
    assert daemon("DELETE", f"/v1/admin{location[3:]}").status == 202
    assert finished(daemon, location)["state"] == "cancelled"


def test_the_least_important_process_of_the_machine(daemon):
    _, child = running(daemon)
    assert pathlib.Path(f"/proc/{child}/oom_score_adj").read_text().strip() == "1000"
    assert os.getpriority(os.PRIO_PROCESS, child) == 19
    assert os.sched_getscheduler(child) == os.SCHED_BATCH
    names = [os.readlink(fd) for fd in pathlib.Path(f"/proc/{child}/fd").iterdir()]
    assert not [name for name in names if "sqlite" in name or name.endswith("/lock")], names
    assert len([name for name in names if name.startswith("socket:")]) <= 2, names  # the conversation; perhaps stderr


@pytest.mark.parametrize("kind", ["train", "cross-validate"])
def test_two_images_are_no_dataset(daemon, kind):
    done = finished(daemon, submit(daemon, kind, dataset="two"))
    assert done["state"] == "failed" and done["error"]["code"] == "dataset_invalid", done
    assert "good" in done["error"]["detail"] and "need" in done["error"]["detail"]
    well(daemon)


def test_two_images_are_no_dataset_on_the_command_line(daemon, datasets):
    for command in "train", "cross-validate":
        done = subprocess.run([os.environ["INSPECTD"], command, "--product", "carpet", "--data", str(datasets / "two"),
                               "-o", f"storage.state_dir={daemon.state}"], capture_output=True, text=True)
        assert done.returncode == 1, done
        assert "need" in done.stderr and "good" in done.stderr


def test_nobody_starts_the_command_by_hand():
    done = subprocess.run([os.environ["INSPECTD"], "job"], capture_output=True, text=True)
    assert done.returncode == 2 and "only the daemon" in done.stderr
