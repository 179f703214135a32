"""The three reports on the command line: table, JSON and page, and what a page may not do."""
import json
import os
import pathlib
import shutil
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from report_page import Page  # noqa: E402

FAKE = os.environ.get("INSP_FAKE_TORCH") == "1"


def run(cli, kind, data, *more):
    return cli(kind, "--product", "carpet", "--data", data, *more)


def test_cross_validation_in_every_form(trained, tmp_path):
    out = run(trained, "cross-validate", trained.data, "--epochs", 1, "--folds", 2, "--html", tmp_path / "r.html").stdout
    assert "against 9 masks" in out and "pixel AUROC" in out and "right for hole" in out
    page = Page((tmp_path / "r.html").read_text())
    for text in ("Cross-validation of carpet", "ROC curve", "Confusion matrix", "Loss by epoch", "Folds", "Closest calls",
                 "Does the heatmap point at the defect?", "probability of an anomaly", "class weights"):
        assert text in page.text, text
    assert page.count["svg"] >= 4 and 1 <= len(page.sources) <= 48
    assert len(page.source) < 1_500_000
    assert [p.name for p in tmp_path.iterdir()] == ["r.html"], "nothing is left beside it"


def test_json_says_what_the_table_says(trained, tmp_path):
    report = json.loads(run(trained, "evaluate", trained.data, "--json", "--html", tmp_path / "r.html").stdout)
    wrong = [image for image in report["images"] if image["wrong"]]
    assert len(wrong) == report["metrics"]["missed"] + report["metrics"]["false_alarms"]
    assert sum(report["histogram"]["good"]) + sum(report["histogram"]["anomaly"]) == report["dataset"]["images"] == 24
    assert report["localisation"]["images"] == 9 and 0 <= report["localisation"]["pixel_auroc"] <= 1
    out = run(trained, "evaluate", trained.data).stdout
    for image in wrong:
        assert f"{image['probability']:.4f}" in out and image["path"] in out
    Page((tmp_path / "r.html").read_text())


def test_training_report(trained, tmp_path):
    run(trained, "train", trained.data, "--epochs", 2, "--activate", "never", "--html", tmp_path / "r.html")
    page = Page((tmp_path / "r.html").read_text())
    assert "Training of carpet" in page.text and "not activated" in page.text and "Compared with version" in page.text


def test_hostile_names_and_masks(trained, tmp_path):
    data = tmp_path / "set"
    shutil.copytree(trained.data, data)
    names = ["<script>alert(1)</script>.png".replace("/", "\u2215"), "\x1b[31m&amp;\u202e.png", "a\"onload=x 'b.png"]
    for number, name in enumerate(names):
        (data / f"test/stain/{number:03}.png").rename(data / "test/stain" / name)
    (data / "ground_truth/hole/000_mask.png").write_bytes(b"no picture")
    (data / "ground_truth/hole/001_mask.png").unlink()
    (data / "ground_truth/hole/001_mask.png").symlink_to("/etc/hostname")
    done = run(trained, "evaluate", data, "--html", tmp_path / "r.html")
    assert "2 more masks could not be used" in done.stdout and "\x1b" not in done.stdout
    assert done.stderr.count("mask not used") == 2
    page = Page((tmp_path / "r.html").read_text())
    for name in names:
        assert name.replace("\x1b", "\ufffd") in page.text


def test_a_set_without_masks(trained, tmp_path):
    data = tmp_path / "set"
    shutil.copytree(trained.data, data)
    shutil.rmtree(data / "ground_truth")
    assert json.loads(run(trained, "evaluate", data, "--json").stdout)["localisation"] is None
    assert "masks" not in run(trained, "evaluate", data).stdout


@pytest.mark.parametrize("target", ["none/r.html", "", "folder"])
def test_a_page_that_cannot_be_written_is_told_first(trained, tmp_path, target):
    (tmp_path / "folder").mkdir()
    failed = trained("evaluate", "--product", "carpet", "--data", trained.data, "--html",
                     str(tmp_path / target) if target else "", code=1)
    assert "--html" in failed.stderr and failed.stdout == ""


CUBES = pathlib.Path("/work/shared/data/cubes")


@pytest.mark.skipif(FAKE, reason="the fake shim has no network whose verdicts could change")
def test_half_precision_features_change_no_verdict(trained, tmp_path):
    """One model judges the same images by features kept as float16 and as float32."""
    data, said = trained.data, []
    for half in ("true", "false"):
        state = tmp_path / half
        shutil.copytree(trained.state, state, ignore=shutil.ignore_patterns("cache"))
        cli = type(trained)(state)
        report = json.loads(run(cli, "evaluate", data, "--json", "-o", f"training.cache_half={half}").stdout)
        assert report["trunk_runs"] == 24
        said.append({image["path"]: image for image in report["images"]})
    half, whole = said
    assert half.keys() == whole.keys() and len(half) == 24
    assert all(half[path]["verdict"] == whole[path]["verdict"] for path in half)
    difference = max(abs(half[path]["probability"] - whole[path]["probability"]) for path in half)
    print(f"float16 against float32 features: largest difference of a probability {difference:.1e}")
    assert difference < 5e-3
