#!/usr/bin/env python3
"""train, cross-validate and evaluate on the device under test, for cubes or a demo set; then every image of the set predicted on it
and on the CPU: the same verdict, but for images whose probability is nearer to the threshold than the stated error."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

import common

LIMIT = common.LIMIT["bfloat16"] if common.CUDA else common.LIMIT["float32"]
EPOCHS, FOLDS = (1, 2) if common.QUICK else (10, 5)
PREDICTED = 40 if common.QUICK else 1000


def run(*arguments, device=common.DEVICE):
    """-> what the command printed"""
    command = [common.inspectd(), *map(str, arguments), "-o", f"storage.state_dir={STATE}", "-o", f"device.name={device}"]
    began = time.monotonic()
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=common.STEP_SECONDS)
    print(f"  {arguments[0]} on {device}: exit {done.returncode}, {time.monotonic() - began:.1f} s", flush=True)
    assert done.returncode == 0, arguments
    return done.stdout


def dataset():
    if os.environ.get("INSP_CUBES"):
        return pathlib.Path(os.environ["INSP_CUBES"])
    print("  no cubes in the pack: a demo set takes their place")
    folder = STATE / "demo"
    if not folder.exists():
        run("demo-data", folder, "--images", 160, device="cpu")
    return folder


def predict(images, device):
    """-> {file: (verdict, probability, threshold)}"""
    lines = run("predict", "--product", "set", "--json", *images, device=device).splitlines()
    return {r["file"]: (r["verdict"], r["probability"], r["threshold"]) for r in map(json.loads, lines)}


def same_verdicts(data):
    images = sorted(p for p in data.glob("test/*/*") if p.suffix.lower() in (".png", ".jpg", ".jpeg"))
    images = images[::max(1, len(images) // PREDICTED)]
    here, cpu = predict(images, common.DEVICE), predict(images, "cpu")
    worst, near, wrong = 0.0, 0, []
    for file, (verdict, probability, threshold) in cpu.items():
        worst = max(worst, abs(here[file][1] - probability))
        if here[file][0] != verdict:
            near += abs(probability - threshold) < LIMIT
            wrong += [file] if abs(probability - threshold) >= LIMIT else []
    print(f"  {len(cpu)} images: probabilities differ by {worst:.2e} at most; {near} verdicts differ within {LIMIT:g} of the threshold, "
          f"{len(wrong)} beyond it {wrong[:3]}")
    common.figure("largest difference of a probability from the CPU's", worst)
    assert len(cpu) == len(images) and not wrong and worst < LIMIT


def main():
    data = dataset()
    run("trunk", "bank", "--images", data / "train" / "good", device="cpu")
    report = json.loads(run("train", "--product", "set", "--data", data, "--recipe", "notebook", "--epochs", EPOCHS, "--activate",
                            "always", "--json"))
    common.figure("held-out balanced accuracy", report["metrics"]["balanced_accuracy"])
    assert report["activated"], report["reason"]
    # what training said of the held-out images is what a stored version says of them: figures and serving share their precision
    evaluated = json.loads(run("evaluate", "--product", "set", "--data", data, "--json"))
    common.figure("balanced accuracy of the whole set", evaluated["metrics"]["balanced_accuracy"])
    began = time.monotonic()
    shutil.rmtree(STATE / "cache", ignore_errors=True)
    crossed = json.loads(run("cross-validate", "--product", "set", "--data", data, "--folds", FOLDS, "--epochs", EPOCHS, "--json"))
    seconds = time.monotonic() - began
    wanted = common.CUDA and not common.QUICK and bool(os.environ.get("INSP_CUBES"))
    common.figure(f"cross-validation {FOLDS} x {EPOCHS} of {data.name}", round(seconds, 2), "s", "under 15 s" if wanted else None,
                  seconds < 15)
    common.figure("pooled balanced accuracy", crossed["pooled"]["balanced_accuracy"])
    same_verdicts(data)


STATE = pathlib.Path(os.environ["INSP_GPU_STATE"]) / "jobs"
if __name__ == "__main__":
    shutil.rmtree(STATE, ignore_errors=True)
    STATE.mkdir(parents=True)
    sys.exit(main())
