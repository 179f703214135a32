#!/usr/bin/env python3
"""How much of a defect type is caught that the training has never seen? For each type of a set in MVTec AD's layout: train
without it, then judge it and the good images of test/good, which no training sees.

    left_out.py build/release/inspectd SET [--trunk FILE] [train's options, as --epochs 4]

Caught: the verdict is anomaly or review. Beside it stands the share that the trained models alone catch, without the
good-only model beside them. Trunk: the filter bank of SET/train/good unless a file is named. Minutes for each type."""
import argparse
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

AIM = 0.70

parser = argparse.ArgumentParser()
parser.add_argument("inspectd")
parser.add_argument("set", type=pathlib.Path)
parser.add_argument("--trunk")
args, options = parser.parse_known_args()


def main():
    types = sorted(folder.name for folder in (args.set / "test").iterdir() if folder.name != "good")
    caught = alone = count = stopped = good = 0
    with tempfile.TemporaryDirectory() as folder:
        base = pathlib.Path(folder)

        def run(*words):
            done = subprocess.run([args.inspectd, *map(str, words), "-o", f"storage.state_dir={base}/state"],
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
            if done.returncode:
                sys.exit(f"{' '.join(map(str, words))}: {done.stderr[-2000:]}")
            return done.stdout

        run("trunk", "import", args.trunk) if args.trunk else run("trunk", "bank", "--images", args.set / "train/good")
        print("| type left out | images | caught | without the good-only model | good parts stopped | decided by |")
        print("|---|---:|---:|---:|---:|---|")
        for left_out in types:
            train, judge = base / "train", base / "judge"
            shutil.copytree(args.set / "train/good", train / "train/good")
            for name in types:
                if name != left_out:
                    shutil.copytree(args.set / "test" / name, train / "test" / name)
            for name in (left_out, "good"):
                shutil.copytree(args.set / "test" / name, judge / "test" / name)
            trained = json.loads(run("train", "--product", left_out, "--data", train, "--json", *options))
            served = json.loads(run("evaluate", "--product", left_out, "--data", judge, "--json"))["served"]
            rate, passed = served["by_type"][left_out], served["passed"]
            recall = served["scores"]["supervised"]["recall"]
            taken = (trained.get("candidates") or {"taken": "tail"})["taken"]
            print(f"| {left_out} | {rate['of']} | {rate['value']:.0%} | {recall['value']:.0%} | {passed['of'] - passed['hits']} of "
                  f"{passed['of']} | {taken} |", flush=True)
            caught, alone, count = caught + rate["hits"], alone + recall["hits"], count + rate["of"]
            stopped, good = stopped + passed["of"] - passed["hits"], good + passed["of"]
            shutil.rmtree(train)
            shutil.rmtree(judge)
    print(f"\nOf {count} images of types left out {caught / count:.1%} are caught, {alone / count:.1%} without the good-only model; "
          f"{stopped} of {good} good parts are stopped. Aim: {AIM:.0%}.")
    sys.exit(caught < AIM * count)


main()
