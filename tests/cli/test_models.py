"""From a demo set to a verdict without the daemon: trunk, train, evaluate, predict, model."""
import array
import contextlib
import hashlib
import json
import os
import shutil
import sqlite3
import urllib.request

import pytest
from test_serve import serve

FAKE = os.environ.get("INSP_FAKE_DEVICE") == "1"


def versions(cli):
    return json.loads(cli("model", "list", "--json").stdout)


def test_demo_data_is_the_same_for_the_same_seed(cli, tmp_path):
    for name in ("a", "b"):
        cli("demo-data", tmp_path / name, "--images", 20, "--seed", 3)
    a, b = ({p.relative_to(tmp_path / n): p.read_bytes() for p in (tmp_path / n).rglob("*.png")} for n in "ab")
    assert a == b and len(a) >= 20


def test_demo_data_keeps_out_of_a_full_folder(cli, tmp_path):
    (tmp_path / "x").write_text("mine")
    cli("demo-data", tmp_path, code=1)
    assert os.listdir(tmp_path) == ["x"]


def test_without_a_trunk_train_says_how_to_get_one(cli, tmp_path):
    cli("demo-data", tmp_path / "d", "--images", 20)
    err = cli("train", "--product", "p", "--data", tmp_path / "d", code=1).stderr
    assert "inspectd trunk import" in err and "inspectd trunk bank" in err


def test_trunk_bank_installs_a_default_trunk(trained):
    (trunk,) = json.loads(trained("trunk", "list", "--json").stdout)
    assert trunk["default"] and trunk["origin"] == "bank"
    assert (trained.state / "trunks" / f"{trunk['sha256']}.safetensors").stat().st_size == trunk["bytes"]


def test_an_installed_trunk_can_be_imported_elsewhere(trained, cli):
    (trunk,) = json.loads(trained("trunk", "list", "--json").stdout)
    assert trunk["sha256"] in cli("trunk", "import", trained.state / "trunks" / f"{trunk['sha256']}.safetensors").stdout


def test_trunk_import_refuses_what_is_no_trunk(cli, tmp_path):
    (tmp_path / "t.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0{}      ")
    cli("trunk", "import", tmp_path / "t.safetensors", code=1)
    cli("trunk", "import", tmp_path / "missing", code=1)
    assert not (cli.state / "trunks").exists()


def test_train_writes_an_active_version(trained):
    (model,) = versions(trained)
    assert model["active"] and model["product"] == "carpet"
    assert (trained.state / "models/carpet" / model["version"] / "model.safetensors").exists()
    assert oct(trained.state.stat().st_mode)[-3:] == "700"


def test_train_report_as_json(trained):
    run = trained("train", "--product", "other", "--data", trained.data, "--epochs", 1, "--json", "--activate", "never")
    report = json.loads(run.stdout)
    assert report["product"] == "other" and report["activated"] is False
    assert report["trunk_runs"] == 0, "the features of the first training are in the cache"
    assert "no version of other is active" in trained("predict", "--product", "other", trained.data / "test/good/000.png",
                                                      code=1).stderr


@pytest.mark.real_device
def test_evaluate(trained):
    out = trained("evaluate", "--product", "carpet", "--data", trained.data).stdout
    assert "actual anomaly" in out and "balanced accuracy" in out


@pytest.mark.real_device
def test_predict(trained, tmp_path):
    image = sorted((trained.data / "test/hole").glob("*.png"))[0]
    before = sorted(os.listdir(trained.state))
    out = trained("predict", "--product", "carpet", image, "--json", "--heatmap", tmp_path / "h.png").stdout
    answer = json.loads(out)
    assert answer["verdict"] == ("anomaly" if answer["probability"] >= answer["threshold"] else "good")
    assert answer["heatmap"]["threshold"] == 0.7
    assert (tmp_path / "h.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert sorted(os.listdir(trained.state)) == before, "predict writes nothing into the state folder"
    again = json.loads(trained("predict", "--product", "carpet", image, "--json").stdout)
    assert again["probability"] == answer["probability"]


def test_predict_goes_on_after_a_bad_file(trained, tmp_path):
    bad = tmp_path / "bad.png"
    good = trained.data / "test/good/000.png"
    bad.write_bytes(good.read_bytes()[:200])
    run = trained("predict", "--product", "carpet", bad, good, code=1)
    assert str(bad) in run.stderr and str(good) in run.stdout
    assert "only carpet" in trained("predict", "--product", "carpte", good, code=1).stderr


def test_model_list_as_a_table(trained):
    head, *rows = trained("model", "list").stdout.splitlines()
    assert head.split()[:2] == ["product", "version"] and len(rows) == len(versions(trained))
    [active] = [row.split() for row in rows if row.startswith("carpet") and "active" in row]
    [manifest] = [m for m in versions(trained) if m["active"] and m["product"] == "carpet"]
    assert active[:3] == ["carpet", manifest["version"], "active"]
    assert float(active[3]) == pytest.approx(100 * manifest["metrics"]["balanced_accuracy"], abs=0.06)
    assert float(active[5]) == pytest.approx(manifest["threshold"], abs=5e-4)
    assert active[6:8] == ["training", "-"]  # source; no review band
    assert manifest["trunk"]["sha256"].startswith(active[8]) and active[9] == manifest["created"]
    carpets = [row for row in rows if row.startswith("carpet ")]
    assert trained("model", "list", "--product", "carpet").stdout.splitlines() == [head, *carpets]
    unknown = trained("model", "list", "--product", "wood", code=1)
    assert unknown.stdout == "" and "no product wood" in unknown.stderr


def test_activate_and_rollback(trained, tmp_path):
    cli = type(trained)(tmp_path / "state")
    shutil.copytree(trained.state, cli.state)
    first = next(m["version"] for m in versions(cli) if m["active"])
    cli("train", "--product", "carpet", "--data", trained.data, "--epochs", 1, "--seed", 2, "--activate", "never")
    second = next(m["version"] for m in versions(cli) if m["product"] == "carpet" and not m["active"])
    cli("model", "activate", "--product", "carpet", second)
    assert [m["version"] for m in versions(cli) if m["active"]] == [second]
    assert first in cli("model", "rollback", "--product", "carpet").stdout
    cli("model", "rollback", "--product", "carpet", code=1)
    cli("model", "activate", "--product", "carpet", "nonesuch", code=1)
    with contextlib.closing(sqlite3.connect(cli.state / "inspectd.sqlite3")) as store:  # the audit table
        rows = store.execute("SELECT who, version, field, old, new FROM model_change WHERE product = 'carpet' ORDER BY id")
        assert list(rows)[-2:] == [("cli", second, "active", f'"{first}"', f'"{second}"'),
                                   ("cli", first, "active", f'"{second}"', f'"{first}"')]


def test_a_shadow_begins_is_shown_ends_and_is_promoted(trained, tmp_path):
    cli = type(trained)(tmp_path / "state")
    shutil.copytree(trained.state, cli.state)
    first = next(m["version"] for m in versions(cli) if m["active"] and m["product"] == "carpet")
    shutil.copytree(cli.state / "models/carpet" / first, cli.state / "models/carpet/v2")
    path = cli.state / "models/carpet/v2/manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "version": "v2"}))
    shadow = lambda *words, **more: cli("model", "shadow", "--product", "carpet", *words, **more)
    assert shadow().stdout == "carpet has no shadow\n"
    for words in (["--promote"], ["--end"]):
        assert "carpet has no shadow" in shadow(*words, code=1).stderr
    assert "is the active version" in shadow(first, code=1).stderr and "nonesuch" in shadow("nonesuch", code=1).stderr
    for wrong in (["v2", "--end"], ["--promote", "--end"], ["--parts", 5], ["v2", "--max-missed", 1]):
        shadow(*wrong, code=2)
    assert shadow("v2", "--parts", 2000, "--max-disagreements", 4).stdout == "carpet v2 runs as the shadow\n"
    found = json.loads(shadow("--json").stdout)["shadow"]
    assert found["version"] == "v2" and found["by"] == "cli" and found["outcome"] is None and found["counts"]["parts"] == 0
    assert found["rule"] == {"parts": 2000, "max_disagreements": 4, "max_missed": 0}
    text = shadow().stdout
    assert "0 parts compared" in text and "after 2000 parts with at most 4 disagreements" in text
    assert shadow("--end").stdout == "carpet v2 is no longer the shadow\n" and "no shadow" in shadow().stdout
    shadow("v2")
    file = cli.state / "models/carpet/shadow.json"
    whole = file.read_text()
    for damaged in (path, cli.state / "models/carpet" / first / "manifest.json"):  # an end is needed most then
        manifest = damaged.read_text()
        damaged.write_text("{")
        file.write_text(whole)
        assert shadow("--end").stdout == "carpet v2 is no longer the shadow\n" and not file.exists()
        damaged.write_text(manifest)
    file.write_text("{")
    assert shadow("--end").stdout == "carpet has no shadow any more\n" and not file.exists()
    assert "no product" in cli("model", "shadow", "--product", "a/b", "--end", code=1).stderr
    shadow("v2")
    assert shadow("--promote").stdout == "carpet v2 is active\n" and "no shadow" in shadow().stdout
    assert [m["version"] for m in versions(cli) if m["active"] and m["product"] == "carpet"] == ["v2"]


def test_a_spoilt_version_is_not_activated(trained, tmp_path):
    shutil.copytree(trained.state, tmp_path / "state")
    cli = type(trained)(tmp_path / "state")
    cli("train", "--product", "carpet", "--data", trained.data, "--epochs", 1, "--seed", 2, "--activate", "never")
    [spoilt] = [m["version"] for m in versions(cli) if m["product"] == "carpet" and not m["active"]]
    folder = cli.state / "models" / "carpet" / spoilt
    manifest = json.loads((folder / "manifest.json").read_text())
    weights = bytearray((folder / "model.safetensors").read_bytes())
    length = int.from_bytes(weights[:8], "little")
    begin, end = json.loads(weights[8:8 + length])["classifier.bias"]["data_offsets"]
    bias = array.array("f", weights[8 + length + begin:8 + length + end])
    bias[1] += 2
    weights[8 + length + begin:8 + length + end] = bias.tobytes()
    (folder / "model.safetensors").write_bytes(weights)
    manifest["weights"]["sha256"] = hashlib.sha256(weights).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert "golden sample" in cli("model", "activate", "--product", "carpet", spoilt, code=1).stderr
    assert spoilt not in [m["version"] for m in versions(cli) if m["active"]]


@pytest.mark.real_device
@pytest.mark.skipif(FAKE, reason="the fake shim does not compute")
def test_same_seed_same_model(trained, tmp_path):
    cli = type(trained)(tmp_path / "again")
    shutil.copytree(trained.state / "trunks", cli.state / "trunks")
    cli("train", "--product", "carpet", "--data", trained.data, "--epochs", 1, "--activate", "always")
    first = next(m["version"] for m in versions(trained) if m["active"])
    [again] = cli.state.glob("models/carpet/*/model.safetensors")
    assert (trained.state / "models/carpet" / first / "model.safetensors").read_bytes() == again.read_bytes()


def test_train_says_what_it_makes_of_labels(trained, tmp_path):
    """Parts that the daemon inspected and people labelled: the training's report has a line on them."""
    cli = type(trained)(tmp_path / "state")
    shutil.copytree(trained.state, cli.state)
    parts = sorted((trained.data / "test/hole").glob("*.png"))[:2] + sorted((trained.data / "train/good").glob("*.png"))[:1]
    with serve(cli) as daemon:
        address = "http://" + daemon.wait_for(r"listening address=(\S+)")[1]

        def ask(method, path, body, kind):
            request = urllib.request.Request(address + path, body, {"Content-Type": kind}, method=method)
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)

        for part, label in zip(parts, ("anomaly", "good", "good")):
            done = ask("POST", "/v1/inspections?product=carpet", part.read_bytes(), "image/png")
            ask("PUT", f"/v1/inspections/{done['id']}/label", json.dumps({"label": label}).encode(), "application/json")
    train = ("train", "--product", "carpet", "--data", trained.data, "--epochs", 1, "--activate", "never")
    feedback = json.loads(cli(*train, "--json").stdout)["feedback"]
    assert (feedback["labelled"], feedback["unreadable"], feedback["trunk_runs"]) == (3, 0, 0)
    assert f"Among 3 labelled inspections were {feedback['missed_before']} misses" in cli(*train).stdout
    assert json.loads(trained(*train, "--json").stdout)["feedback"] is None
