#!/usr/bin/python3
"""Do promises hold? Scores of a set's images out of fold, divided 200 times at random into two halves: one half chooses the
threshold, the other one counts. Prints how often the promised share was exceeded among the images that did not choose.

    promises.py build/release/inspectd build/release/libinsp_parity.so [--set DIR] [--trunk FILE] [--splits 200]
                [--allowed 0.1] [cross-validate's options, as --epochs 5 --folds 2]

SET: /work/shared/data/cubes by default; a set that is not there is skipped with a message. A share of errors among a
finite number of images varies by itself: a promise counts as broken if so many errors are improbable (5 %) for the
promised share, by the binomial distribution. Exit 1 if a promise that was called kept is broken in more than 5 % of the
splits. Minutes: it trains every fold."""
import argparse
import collections
import ctypes as c
import json
import math
import pathlib
import random
import subprocess
import sys
import tempfile

parser = argparse.ArgumentParser()
parser.add_argument("inspectd")
parser.add_argument("library")
parser.add_argument("--set", type=pathlib.Path, default=pathlib.Path("/work/shared/data/cubes"))
parser.add_argument("--trunk")
parser.add_argument("--splits", type=int, default=200)
parser.add_argument("--allowed", type=float, default=0.1)
args, options = parser.parse_known_args()


class Error(c.Structure):
    _fields_ = [("code", c.c_int), ("detail", c.c_char * 4096)]


class Side(c.Structure):
    _fields_ = [("allowed", c.c_double), ("hits", c.c_uint64), ("of", c.c_uint64), ("at_most", c.c_double),
                ("kept", c.c_bool), ("needed", c.c_uint64)]


class Promise(c.Structure):
    _fields_ = [("threshold", c.c_float), ("missed", Side), ("rejected", Side), ("overlap", c.c_bool),
                ("low", c.c_float), ("high", c.c_float)]


lib = c.CDLL(args.library)


def promise_of(half):
    scores, labels = zip(*half)
    promise, error = Promise(), Error()
    if lib.insp_threshold_promise_of((c.c_float * len(scores))(*scores), (c.c_uint8 * len(labels))(*labels),
                                     c.c_size_t(len(scores)), c.c_double(args.allowed), c.c_double(args.allowed),
                                     c.byref(promise), c.byref(error)):
        sys.exit(error.detail.decode())
    return promise


def improbable(hits, of):
    """-> whether as many errors have a probability below 5 % where the promised share is the true one."""
    fewer = sum(math.comb(of, k) * args.allowed**k * (1 - args.allowed)**(of - k) for k in range(hits))
    return 1 - fewer < 0.05


def scores_of(state, mode):
    done = subprocess.run([args.inspectd, "cross-validate", "--product", "p", "--data", args.set, "--mode", mode, "--json",
                           "-o", f"storage.state_dir={state}", *options], stdout=subprocess.PIPE, check=False)
    if done.returncode:
        sys.exit(f"cross-validate --mode {mode} failed")
    report = json.loads(done.stdout)
    pooled, images = report["pooled"], []
    # The ROC curve has all scores but those between others of their class, whose order does not count.
    for (alarms, found, above), (alarms_next, found_next, threshold) in zip(report["roc"], report["roc"][1:]):
        above = 1.0 if above is None else above
        for label, share, of in ((0, alarms_next - alarms, pooled["specificity"]["of"]), (1, found_next - found, pooled["recall"]["of"])):
            count = round(share * of)
            images += [(above + (threshold - above) * (i + 1) / count, label) for i in range(count)]
    assert len(images) == pooled["images"], "the ROC curve has been thinned out"
    return images, pooled["roc_auc"]


def histogram(name, rates):
    print(f"{name}, of 100, beside the half that chose:")
    for rate, times in sorted(collections.Counter(math.floor(100 * rate) for rate in rates).items()):
        print(f"  {rate:3d}  {times:4d}  {'#' * math.ceil(60 * times / len(rates))}")


def simulate(images):
    random.seed(1)
    worst = 0.0
    kept = {"missed": [], "rejected": []}
    broken = {"missed": 0, "rejected": 0}
    good, bad = ([image for image in images if image[1] == label] for label in (0, 1))
    for _ in range(args.splits):
        random.shuffle(good)
        random.shuffle(bad)
        promise = promise_of(good[::2] + bad[::2])
        for key, rest, wrong in (("missed", bad[1::2], lambda score: score < promise.threshold),
                                 ("rejected", good[1::2], lambda score: score >= promise.threshold)):
            hits = sum(wrong(score) for score, _label in rest)
            if getattr(promise, key).kept:
                kept[key].append(hits / len(rest))
                broken[key] += improbable(hits, len(rest))
    for key, rates in kept.items():
        if not rates:
            print(f"{key}: kept in none of the {args.splits} splits (too few images, or classes that overlap)")
            continue
        histogram(f"{key} (promised: at most {args.allowed:.0%})", rates)
        within = sum(rate <= args.allowed for rate in rates) / len(rates)
        print(f"  called kept in {len(rates)} of {args.splits} splits; within the share itself in {within:.1%}; broken in "
              f"{broken[key] / len(rates):.1%}")
        worst = max(worst, broken[key] / len(rates))
    return worst


def main():
    if not args.set.is_dir():
        print(f"skipped: {args.set} is not there")
        return 0
    worst = 0.0
    with tempfile.TemporaryDirectory() as state:
        words = ["trunk", "import", args.trunk] if args.trunk else ["trunk", "bank", "--images", args.set / "train/good"]
        subprocess.run([args.inspectd, *words, "-o", f"storage.state_dir={state}"], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        for mode in ("supervised", "good_only"):
            images, area = scores_of(state, mode)
            print(f"\n{mode}: {len(images)} images out of fold, AUC {area:.4f}")
            worst = max(worst, simulate(images))
    return int(worst > 0.05)


sys.exit(main())
