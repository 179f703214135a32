#!/usr/bin/env python3
"""What do tiles find that the whole picture hides? Draws photographs of 4096x3072 pixels of a brushed plate with holes, some
with a scratch of 20 pixels, trains a good-only model on good ones for each grid, and judges others.

    tiles.py build/release/inspectd [--good 24] [--judged 12] [--grids 1x1,4x3,8x6] [--places 2x2] [--keep DIR]

Prints a row for each grid: area under the ROC curve and recall on judged parts, milliseconds of an inspection, and the peak
of the memory. --places GRID also trains one model for each place of a grid, on pictures cut beforehand, to compare with the
one model that all tiles share. Minutes."""
import argparse
import json
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

import PIL.Image

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from plate import HEIGHT, WIDTH, near, plate  # noqa: E402

parser = argparse.ArgumentParser()
parser.add_argument("inspectd")
parser.add_argument("--good", type=int, default=24)
parser.add_argument("--judged", type=int, default=12)
parser.add_argument("--grids", default="1x1,4x3,8x6")
parser.add_argument("--places")
parser.add_argument("--keep", type=pathlib.Path)
args = parser.parse_args()


def run(state, *words):
    done = subprocess.run([args.inspectd, *map(str, words), "-o", f"storage.state_dir={state}"], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, words))}: {done.stderr[-2000:]}")
    return done.stdout


def area(good, bad):
    return sum((b > g) + (b == g) / 2 for g in good for b in bad) / (len(good) * len(bad))


def main():
    with tempfile.TemporaryDirectory() as folder:
        base = args.keep or pathlib.Path(folder)
        state, data, judged = base / "state", base / "data", base / "judged"
        (data / "train/good").mkdir(parents=True, exist_ok=True)
        judged.mkdir(exist_ok=True)
        places = {}
        for i in range(args.good + 2 * args.judged):
            bad = i >= args.good + args.judged
            path = data / f"train/good/{i:03}.jpg" if i < args.good else judged / f"{'bad' if bad else 'good'}-{i:03}.jpg"
            image, place = plate(i, bad)
            places[path.name] = place
            image.save(path, quality=93)
        run(state, "trunk", "bank", "--images", data / "train/good")
        print("| tiles | area | recall | good rejected | scratch in a box | training s | decode ms | inference ms | peak MB |")
        print("|---|---:|---:|---:|---:|---:|---:|---:|---:|", flush=True)
        for grid in args.grids.split(","):
            began = time.monotonic()
            run(state, "train", "--product", f"p{grid}", "--data", data, "--mode", "good_only", "--tiles", grid, "--activate",
                "always")
            training = time.monotonic() - began
            answers = [json.loads(line) for line in run(state, "predict", "--product", f"p{grid}", "--json",
                                                        *sorted(judged.iterdir())).splitlines()]
            name = [pathlib.Path(a["file"]).name for a in answers]
            scores = {kind: [a["good_only"]["score"] for a, n in zip(answers, name) if n.startswith(kind)] for kind in ("good", "bad")}
            found = [a["verdict"] == "anomaly" for a, n in zip(answers, name) if n.startswith("bad")]
            hit = [any(near(b, places[n]) for b in a["heatmap"]["boxes"]) for a, n in zip(answers, name) if n.startswith("bad")]
            stopped = sum(a["verdict"] != "good" for a, n in zip(answers, name) if n.startswith("good"))
            ms = {key: sorted(a["timing_ms"][key] for a in answers)[len(answers) // 2] for key in ("decode", "inference")}
            peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
            print(f"| {grid} | {area(scores['good'], scores['bad']):.3f} | {sum(found)} of {len(found)} | {stopped} of "
                  f"{len(scores['good'])} | {sum(hit)} of {len(hit)} | {training:.0f} | {ms['decode']:.0f} | "
                  f"{ms['inference']:.0f} | {peak} |", flush=True)
            first = judged / f"bad-{args.good + args.judged:03}.jpg"
            if args.keep:
                run(state, "predict", "--product", f"p{grid}", "--heatmap", base / f"heat-{grid}.png", first)
        if args.places:
            by_place(base, state, data, judged)


def by_place(base, state, data, judged):
    """One model for each place of a grid; the worst of its scores, each in units of its own threshold."""
    columns, rows = map(int, args.places.split("x"))
    worst = {}
    for tile in range(columns * rows):
        c, r = tile % columns, tile // columns
        frame = [round(WIDTH * 12 * c / (12 * columns + 2)), round(HEIGHT * 12 * r / (12 * rows + 2)),
                 round(WIDTH * (12 * c + 14) / (12 * columns + 2)), round(HEIGHT * (12 * r + 14) / (12 * rows + 2))]
        for source, target in ((data / "train/good", base / f"place-{tile}/train/good"), (judged, base / f"judged-{tile}")):
            target.mkdir(parents=True)
            for path in source.iterdir():
                PIL.Image.open(path).crop(frame).save(target / f"{path.stem}.png", compress_level=1)
        run(state, "train", "--product", f"place{tile}", "--data", base / f"place-{tile}", "--mode", "good_only", "--activate", "always")
        for line in run(state, "predict", "--product", f"place{tile}", "--json", *sorted((base / f"judged-{tile}").iterdir())).splitlines():
            answer = json.loads(line)
            name = pathlib.Path(answer["file"]).name
            share = answer["good_only"]["score"] / answer["good_only"]["threshold"]
            worst[name] = max(worst.get(name, 0), share)
    good, bad = ([share for name, share in worst.items() if name.startswith(kind)] for kind in ("good", "bad"))
    print(f"one model for each of {args.places} places: area {area(good, bad):.3f}, recall {sum(b >= 1 for b in bad)} of {len(bad)}, "
          f"good rejected {sum(g >= 1 for g in good)} of {len(good)}")


main()
