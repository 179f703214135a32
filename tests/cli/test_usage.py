"""Help, errors and exit codes."""
import subprocess

import pytest

from conftest import BINARY

COMMANDS = ["serve", "check-config", "demo-data", "train", "cross-validate", "evaluate", "predict", "trunk fetch", "trunk import",
            "trunk bank", "trunk list", "model list", "model activate", "model rollback", "model shadow", "token add", "token list",
            "token revoke", "version"]


def raw(*words):
    return subprocess.run([BINARY, *words], capture_output=True, text=True, timeout=60, check=False)


def test_overview_lists_every_command():
    run = raw("--help")
    assert run.returncode == 0
    for command in COMMANDS:
        assert f"  {command} " in run.stdout


def test_no_command_is_wrong_use():
    assert raw().returncode == 2


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_each_command(command):
    run = raw(*command.split(), "--help")
    assert run.returncode == 0 and run.stderr == ""
    assert run.stdout.startswith(f"Usage: inspectd {command}")


def test_serve_help_teaches_the_settings():
    out = raw("serve", "--help").stdout
    assert "limits.inflight=64  (1 to 4096 inspections)" in out


def test_train_help_shows_the_defaults_of_the_code():
    out = raw("train", "--help").stdout
    assert "(default 0.0001)" in out and "(default 1.0,3.0)" in out and "(default if_better)" in out


@pytest.mark.parametrize("words, expected", [
    (["trian"], "did you mean train?"),
    (["trunk"], "trunk bank"),
    (["trunk", "improt"], "trunk import"),
    (["train", "--epocs", "3"], "did you mean --epochs?"),
    (["train", "--product", "p"], "--product and --data"),
    (["train", "--product", "../x", "--data", "/d"], "1 to 64"),
    (["train", "--product", "p", "--data", "/d", "--epochs", "5000"], "1 to 1000"),
    (["train", "--product", "p", "--data", "/d", "--class-weights", "1"], "class_weights"),
    (["train", "--product", "p", "--data", "/d", "--activate", "maybe"], "if_better"),
    (["train", "--product", "p", "--data", "/d", "--input", "x"], "imagenet"),
    (["predict", "a.png"], "--product"),
    (["predict", "--product", "p", "a.png", "b.png", "--heatmap", "h.png"], "one image"),
    (["model", "activate", "v1"], "--product is required"),
    (["model", "rollback"], "--product is required"),
    (["token", "add", "x", "king"], "camera, viewer, operator or admin"),
    (["demo-data"], "missing"),
    (["demo-data", "/tmp/x", "--images", "3"], "20 to"),
    (["version", "extra"], "unexpected argument"),
    (["check-config", "-o", "limits.inflight=0"], "1 to 4096"),
    (["check-config", "-o", "nonsense"], "section.key=value"),
    (["check-config", "--print", "--print-defaults"], "exclusive"),
])
def test_wrong_use(words, expected):
    run = raw(*words)
    assert run.returncode == 2 and expected in run.stderr, run.stderr


def test_check_config(cli, tmp_path):
    assert "valid" in cli("check-config").stdout
    file = tmp_path / "inspectd.conf"
    file.write_text("[limits]\n\ninflihgt = 5\n")
    run = raw("check-config", "--config", str(file))
    assert run.returncode == 1
    assert f"{file}:3: unknown setting limits.inflihgt; did you mean limits.inflight?" in run.stderr
    for line, value in ((3, "url = mqtt://broker:x"), (3, "prefix = a/+"), (4, "username = u\npassword_file = /nothing"),
                        (3, "sparkplug_group = g"), (4, "url = mqtt://b\nsparkplug_group = a/b"),
                        (4, "url = mqtt://b\nsparkplug_node = STATE")):
        file.write_text(f"\n[mqtt]\n{value}\n")
        run = raw("check-config", "--config", str(file))
        assert run.returncode != 0 and f"{file}:{line}: mqtt." in run.stderr, run.stderr
    file.write_text(raw("check-config", "--print-defaults").stdout)
    assert raw("check-config", "--config", str(file)).returncode == 0
    printed = raw("check-config", "--config", str(file), "-o", "limits.inflight=3", "--print").stdout
    assert "\ninflight = 3\n" in printed


def test_version(cli):
    out = cli("version").stdout
    assert out.startswith("inspectd ") and "libtorch" in out


def test_standard_output_that_is_full_is_a_failure(cli):
    with open("/dev/full", "w", encoding="ascii") as full:
        run = subprocess.run(cli.arguments("check-config", "--print"), stdout=full, stderr=subprocess.PIPE, timeout=60,
                             check=False)
    assert run.returncode == 1
