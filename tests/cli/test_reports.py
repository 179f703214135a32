"""The three reports of the command line (table, JSON, page), and the limits of a page."""
import json
import os
import pathlib
import shutil
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from plate import near, plate  # noqa: E402
from report_page import Page  # noqa: E402

FAKE = os.environ.get("INSP_FAKE_DEVICE") == "1"
CUBES = pathlib.Path(__file__).resolve().parents[3] / "shared/data/cubes"


def run(cli, kind, data, *more):
    return cli(kind, "--product", "carpet", "--data", data, *more)


def test_cross_validation_in_every_form(trained, tmp_path):
    out = run(trained, "cross-validate", trained.data, "--epochs", 1, "--folds", 2, "--html", tmp_path / "r.html").stdout
    assert "compared with 9 masks" in out and "pixel AUROC" in out and "correct: hole" in out
    page = Page((tmp_path / "r.html").read_text())
    for text in ("Cross-validation of carpet", "ROC curve", "Confusion matrix", "Loss by epoch", "Folds", "Closest calls",
                 "Does the heatmap point at the defect?", "probability of an anomaly", "class weights"):
        assert text in page.text, text
    assert page.count["svg"] >= 4 and 1 <= len(page.sources) <= 64
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


def test_how_the_set_was_read(trained, tmp_path):
    data = tmp_path / "my set"
    shutil.copytree(trained.data, data)
    (data / "test/good").rename(data / "test/Good")
    (data / "test/@eaDir").mkdir()
    (data / "train/good/x\x1b[31m.tif").write_bytes(b"x")
    (data / "train/good/gone.png").symlink_to("/nonexistent/x.png")
    (data / "test/stain").rename(data / "test/dark stain")
    done = run(trained, "evaluate", data, "--html", tmp_path / "r.html")
    for text in ("Images read:", "test/Good  (good)", "test/dark stain  (dark stain)", "Passed over:", "test/@eaDir",
                 "broken links", "To check:", "test/Good counts as good", "correct: dark stain"):
        assert text in done.stdout, done.stdout
    assert "passed over: 1 broken links (train/good/gone.png)" in done.stderr
    assert "check: test/Good counts as good" in done.stderr
    assert "\x1b" not in done.stdout + done.stderr
    scan = json.loads(run(trained, "evaluate", data, "--json").stdout)["dataset"]["scan"]
    assert {entry["reason"] for entry in scan["passed_over"]} == {"system", "other_format", "broken_link"}
    assert "How the dataset was read" in Page((tmp_path / "r.html").read_text()).text


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


@pytest.mark.parametrize("mask", [0o022, 0o002, 0o077])
def test_files_that_the_user_names_have_the_mode_that_the_user_gives_files(trained, tmp_path, mask):
    before = os.umask(mask)
    try:
        run(trained, "evaluate", trained.data, "--html", tmp_path / "r.html")
        trained("predict", "--product", "carpet", next(trained.data.glob("test/hole/*.png")), "--heatmap",
                tmp_path / "h.png")
    finally:
        os.umask(before)
    assert [oct((tmp_path / name).stat().st_mode & 0o777) for name in ("r.html", "h.png")] == [oct(0o666 & ~mask)] * 2


def some(data, number, target):
    """A set of about `number` images of another one, half of them good."""
    files = sorted(path for path in data.rglob("*") if path.suffix in (".png", ".jpg") and "ground_truth" not in path.parts)
    for good in True, False:
        those = [path for path in files if ("good" in path.parts) is good]
        for path in those[::max(1, len(those) // (number // 2))][:number // 2]:
            place = target / path.relative_to(data)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, place)
    return target


@pytest.mark.real_device
@pytest.mark.skipif(FAKE, reason="the fake shim has no network whose verdicts could change")
@pytest.mark.parametrize("photographs", [0, 40, pytest.param(9999, marks=pytest.mark.slow)])
def test_half_precision_features_change_no_verdict(trained, tmp_path, photographs):
    """One model judges the same images by features kept as float16 and as float32: of the demo set, and real ones."""
    if photographs and not CUBES.is_dir():
        pytest.skip(f"no photographs in {CUBES}")
    data = some(CUBES, photographs, tmp_path / "photographs") if photographs else trained.data
    first = type(trained)(tmp_path / "first")
    shutil.copytree(trained.state, first.state)
    if photographs:  # few epochs, so that many images are near the threshold
        first("train", "--product", "carpet", "--data", data, "--epochs", 2, "--activate", "always")
    said = []
    for half in ("true", "false"):
        state = tmp_path / half
        shutil.copytree(first.state, state, ignore=shutil.ignore_patterns("cache"))
        report = json.loads(run(type(trained)(state), "evaluate", data, "--json", "-o",
                                f"training.cache_half={half}").stdout)
        assert report["trunk_runs"] == report["dataset"]["images"]
        said.append(({image["path"] for image in report["images"] if image["wrong"]},
                     {image["path"]: image["probability"] for image in report["images"]}, report["metrics"]["confusion"]))
    half, whole = said
    # The list of wrong verdicts is complete: if it is equal, every verdict is.
    assert half[0] == whole[0] and half[2] == whole[2]
    both = half[1].keys() & whole[1].keys()
    assert len(both) >= 20
    difference = max(abs(half[1][path] - whole[1][path]) for path in both)
    print(f"float16 against float32 features, {len(both)} images nearest to the threshold: probabilities differ by at most "
          f"{difference:.1e}; {len(half[0])} wrong verdicts, the same ones")
    assert difference < 5e-3


@pytest.mark.real_device
def test_held_out_good_parts_stay_cold(cli, tmp_path):
    """DESIGN section 2: at most 5 % of held-out good images may show anything above the heatmap's threshold.

    The page of the same report has the figures and pictures of a real network."""
    if FAKE:
        pytest.skip("the fake network learns nothing")
    data = tmp_path / "carpet"
    cli("demo-data", data, "--images", 60, "--seed", 4)
    cli("trunk", "bank", "--images", data, "--count", 16)
    report = json.loads(run(cli, "cross-validate", data, "--folds", 2, "--epochs", 3, "--json", "--html",
                            tmp_path / "r.html").stdout)
    shown, pooled = report["good_shown"], report["pooled"]
    assert shown["of"] == pooled["confusion"]["actual_good"]["predicted_good"] + pooled["false_alarms"]
    assert shown["value"] <= 0.05, shown
    assert pooled["balanced_accuracy"] >= 0.85, pooled["summary"]
    page = Page((tmp_path / "r.html").read_text())
    assert f"{report['localisation']['pixel_auroc']:.4f}" in page.text and 1 <= len(page.sources) <= 64


def test_regions_of_a_training_are_kept_and_bad_ones_are_refused_before_it_begins(trained, tmp_path):
    file = tmp_path / "regions.json"
    for text, words in (('{"ignore": [[[0,0],[1,0],[1,1],[0,1]]]}', "covers nothing"), ("{", "is not JSON"),
                        ('{"cameras": {"top": {"look": [[[0,0],[1,1],[1,0],[0,1]]]}}}', "camera top: look[0]: it crosses itself")):
        file.write_text(text)
        assert words in cli_error(trained, "train", file)
    assert "No such file" in cli_error(trained, "train", tmp_path / "none.json")
    assert not (trained.state / "regions/carpet.json").exists()
    file.write_text('{"look": [[[0,0],[0.5,0],[0.5,1],[0,1]]]}')
    run(trained, "cross-validate", trained.data, "--epochs", 1, "--folds", 2, "--regions", file)
    assert not (trained.state / "regions/carpet.json").exists(), "a cross-validation keeps nothing"
    trained("train", "--product", "carpet", "--data", tmp_path, "--regions", file, code=1)
    assert not (trained.state / "regions/carpet.json").exists(), "a training that fails keeps nothing"
    report = json.loads(run(trained, "train", trained.data, "--epochs", 1, "--activate", "never", "--json", "--regions",
                            file).stdout)
    manifest = json.loads((trained.state / "models/carpet" / report["version"] / "manifest.json").read_text())
    assert manifest["regions"]["default"]["look"] == [[[0, 0], [0.5, 0], [0.5, 1], [0, 1]]]
    assert json.loads((trained.state / "regions/carpet.json").read_text()) == manifest["regions"]
    (trained.state / "regions/carpet.json").write_text("damaged")
    run(trained, "evaluate", trained.data)  # with the regions of its version: the product's are not read
    (trained.state / "regions/carpet.json").unlink()  # other tests train with whole pictures
    trained("evaluate", "--product", "carpet", "--data", trained.data, "--regions", file, code=2)


def cli_error(cli, kind, file):
    return cli(kind, "--product", "carpet", "--data", cli.data, "--regions", file, code=1).stderr


@pytest.mark.slow  # 1,300 passes: two minutes of two cores
@pytest.mark.real_device
def test_tiles_find_a_scratch_of_20_pixels_on_4096x3072(cli, tmp_path):
    """Which the whole picture hides."""
    if FAKE:
        pytest.skip("the fake network sees no scratch")
    good, of_each = 20, 3
    data, judged, places = tmp_path / "plates", tmp_path / "judged", {}
    (data / "train/good").mkdir(parents=True)
    judged.mkdir()
    for i in range(good + 2 * of_each):
        bad = i >= good + of_each
        path = data / f"train/good/{i:02}.jpg" if i < good else judged / f"{'bad' if bad else 'good'}-{i:02}.jpg"
        image, places[path.name] = plate(i, bad)
        image.save(path, quality=93)
    cli("trunk", "bank", "--images", data / "train/good", "--count", 8)
    found = {}
    for grid in "1x1", "8x6":
        product = f"plate-{grid}"
        cli("train", "--product", product, "--data", data, "--mode", "good_only", "--tiles", grid, "--activate", "always")
        lines = cli("predict", "--product", product, "--json", *sorted(judged.iterdir())).stdout.splitlines()
        answers = {pathlib.Path(answer["file"]).name: answer for answer in map(json.loads, lines)}
        assert len(answers) == 2 * of_each
        found[grid] = {name for name, answer in answers.items() if answer["verdict"] == "anomaly"}
        print(grid, sorted(found[grid]), [f"{name} {a['good_only']['score']:.2f}" for name, a in sorted(answers.items())])
    bad = {name for name in answers if name.startswith("bad")}
    assert found["8x6"] == bad, "every scratch is found, and no good part is rejected"
    assert all(any(near(box, places[name]) for box in answers[name]["heatmap"]["boxes"]) for name in bad)
    assert not bad <= found["1x1"], "the whole picture shows every scratch: this test proves nothing about tiles"
