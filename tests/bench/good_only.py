#!/usr/bin/python3
"""Good-only models on a set in MVTec AD's layout: how well they rank without a defect seen, whether thresholds keep their
promise on good images that the model has not seen, and what a verdict costs.

    good_only.py build/release/libinsp_parity.so STATE/trunks/HASH.safetensors SET [--splits 20] [--alpha 0.05]

Fits to SET/train/good; test/good and test/<defect> are judged. --splits draws as many random splits of all good images and
counts the false alarms among the images that were held out."""
import argparse
import collections
import ctypes as c
import os
import pathlib
import statistics
import sys
import tempfile
import time

parser = argparse.ArgumentParser()
parser.add_argument("library")
parser.add_argument("trunk")
parser.add_argument("set", type=pathlib.Path)
parser.add_argument("--splits", type=int, default=20)
parser.add_argument("--alpha", type=float, default=0.05)
parser.add_argument("--seed", type=int, default=42)
args = parser.parse_args()
os.environ["INSP_PARITY_LIB"] = args.library
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "parity"))

import numpy as np  # noqa: E402
import torch  # noqa: E402

import insp_image  # noqa: E402
import shim  # noqa: E402
from test_good_only import CELLS, Promise, channels, sample_of  # noqa: E402

lib = shim.lib
lib.insp_good_sample_values.restype = lib.insp_good_sums_merge.restype = lib.insp_good_sums_split.restype = None
lib.insp_good_score_kernel.restype = c.c_char_p
FOLDS = 5


def taps_of(trunk, path):
    image = insp_image.resize(insp_image.decode(path.read_bytes(), 224), 224, 224)
    pixels = torch.from_numpy(image.astype(np.float32).transpose(2, 0, 1)[None] / 255).contiguous()
    return shim.trunk_taps(trunk, pixels)[0].numpy()


def samples_of(trunk, folder, kept):
    return [sample_of(taps_of(trunk, path), kept) for path in sorted(folder.iterdir())]


class Sums:
    def __init__(self, samples=()):
        self.handle = c.c_void_p(lib.insp_good_sums_new())
        for sample in samples:
            lib.insp_good_sums_add(self.handle, c.byref(sample))

    def __del__(self):
        lib.insp_good_sums_free(self.handle)


class Gauss:
    def __init__(self, sums, kept):
        self.handle, error = c.c_void_p(), shim.Error()
        if lib.insp_good_fit(sums.handle, kept, c.byref(self.handle), c.byref(error)):
            sys.exit(error.detail.decode())

    def __del__(self):
        lib.insp_good_gauss_free(self.handle)

    def score(self, sample):
        heat, score = np.empty(CELLS, np.float32), c.c_float()
        lib.insp_good_score(self.handle, c.byref(sample), None, heat.ctypes.data_as(c.c_void_p), c.byref(score))
        return score.value


def out_of_fold(samples, sums, kept, random):
    """Each image by a model of the other folds: the whole less a fold."""
    order, scores = random.permutation(len(samples)), np.empty(len(samples))
    for fold in range(FOLDS):
        held = order[fold::FOLDS]
        part = Sums(samples[i] for i in held)
        lib.insp_good_sums_split(sums.handle, part.handle)
        gauss = Gauss(sums, kept)
        lib.insp_good_sums_merge(sums.handle, part.handle)
        for i in held:
            scores[i] = gauss.score(samples[i])
    return scores


def promise_of(scores):
    ordered, promise, error = np.sort(scores).astype(np.float32), Promise(), shim.Error()
    assert lib.insp_good_promise_of(ordered.ctypes.data_as(c.c_void_p), c.c_size_t(len(ordered)), c.c_double(args.alpha),
                                    c.byref(promise), c.byref(error)) == 0, error.detail
    return promise


def area(good, bad):
    good, bad = np.array(good)[:, None], np.array(bad)[None]
    return ((good < bad) + 0.5 * (good == bad)).mean()


def best_ms(work, rounds=15):
    times = []
    for _ in range(rounds):
        begin = time.perf_counter()
        work()
        times.append((time.perf_counter() - begin) * 1e3)
    return f"{min(times):.2f} least, {statistics.median(times):.2f} median"


def costs(device, trunk, gauss, kept, picture):
    with tempfile.TemporaryDirectory() as folder:
        shim.write_safetensors(folder + "/tail", shim.random_tail(1))
        tail = device.tail(folder + "/tail")
    pixels, taps = torch.rand(1, 3, 224, 224), taps_of(trunk, picture)
    sample, pointer = sample_of(taps, kept), taps.ctypes.data_as(c.c_void_p)
    print(f"ms of a pass: {best_ms(lambda: shim.score(trunk, [tail], pixels))}")
    print(f"ms of a pass with taps: {best_ms(lambda: shim.score_taps(trunk, [tail], pixels))}")
    print(f"ms of the trunk's taps alone: {best_ms(lambda: shim.trunk_taps(trunk, pixels))}")
    print(f"ms of reducing taps to a sample: "
          f"{best_ms(lambda: lib.insp_good_sample_values(pointer, kept, c.byref(sample)), 50)}")
    print(f"ms of a score ({lib.insp_good_score_kernel().decode()}): {best_ms(lambda: gauss.score(sample), 50)}")


def simulate(samples, defects, kept):
    """How often does the threshold of one part reject images of the other, and how well do both rank?"""
    alarms, kept_promises, areas, found = collections.Counter(), 0, [], []
    bad = [sample for part in defects.values() for sample in part]
    for split in range(args.splits):
        random = np.random.RandomState(1000 + split)
        order = random.permutation(len(samples))
        held = len(samples) // 5
        fitted, others = [samples[i] for i in order[held:]], [samples[i] for i in order[:held]]
        sums = Sums(fitted)
        promise = promise_of(out_of_fold(fitted, sums, kept, random))
        gauss = Gauss(sums, kept)
        good_scores, bad_scores = [[gauss.score(sample) for sample in part] for part in (others, bad)]
        count = sum(score >= promise.threshold for score in good_scores)
        alarms[count] += 1
        kept_promises += count <= promise.alpha * held
        areas.append(area(good_scores, bad_scores))
        found.append(np.mean([score >= promise.threshold for score in bad_scores]))
    print(f"{args.splits} random splits of all {len(samples)} good images, {held} held out of each: AUC mean {np.mean(areas):.4f}, "
          f"{min(areas):.4f} to {max(areas):.4f}; defects found {np.mean(found):.1%}; false alarms "
          + ", ".join(f"{count}: {times}x" for count, times in sorted(alarms.items()))
          + f"; at most {promise.alpha:.1%} of the held-out ones rejected in {kept_promises}")


def main():
    kept = channels(args.seed)
    device = shim.Device(threads=1)
    trunk = device.trunk(args.trunk)
    good = samples_of(trunk, args.set / "train/good", kept)
    held = samples_of(trunk, args.set / "test/good", kept)
    defects = {folder.name: samples_of(trunk, folder, kept) for folder in sorted((args.set / "test").iterdir())
               if folder.name != "good"}
    begin = time.perf_counter()
    sums = Sums(good)
    gauss = Gauss(sums, kept)
    fitted = time.perf_counter()
    scores = out_of_fold(good, sums, kept, np.random.RandomState(args.seed))
    print(f"{device.description}; {len(good)} good images: fit {fitted - begin:.2f} s, {FOLDS} folds "
          f"{time.perf_counter() - fitted:.2f} s")
    promise = promise_of(scores)
    print(f"threshold {promise.threshold:.3f} (score {promise.rank} of {len(good)}): at most {promise.alpha:.1%} of good parts "
          f"rejected, with 95 % confidence; {promise.more_needed} more images needed for {args.alpha:.1%}")
    good_scores = [gauss.score(sample) for sample in held]
    print(f"held-out good: {sum(s >= promise.threshold for s in good_scores)} of {len(held)} rejected; scores "
          f"{np.percentile(good_scores, [0, 50, 100]).round(2)}")
    for name, samples in defects.items():
        bad = [gauss.score(sample) for sample in samples]
        print(f"{name}: AUC {area(good_scores, bad):.4f}, {sum(s >= promise.threshold for s in bad)} of {len(bad)} found; scores "
              f"{np.percentile(bad, [0, 50, 100]).round(2)}")
    costs(device, trunk, gauss, kept, next((args.set / "train/good").iterdir()))
    if args.splits:
        simulate(good + held, defects, kept)


main()
