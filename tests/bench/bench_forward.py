#!/usr/bin/env python3
"""Forward pass on the CPU: PyTorch eager, torch.jit.optimize_for_inference, and ours, in one run.

Usage: bench_forward.py [LIBRARY] [--threads N] [--rounds N] [--batches 1,8] [--kernel avx512|avx2|neon|generic]
LIBRARY is libinsp_parity.so (default: $INSP_PARITY_LIB, else build/release/libinsp_parity.so). Run it with
/usr/bin/python3, Debian's, which has torch.

All three compute VGG16 features[0..29] plus the head (probability and map) with the same random weights, the same
number of threads and the same OpenMP settings. Each round runs all three one after the other, in turning order, so
that what else the machine does weighs on all alike; ratios are taken within a round. The results are compared, too:
exit 1 where they differ by more than 1e-4, or where ours is not faster than optimize_for_inference.
"""
import argparse
import ctypes
import json
import os
import pathlib
import statistics
import sys
import time

# (in, out, side, pool after) of vgg16.h
TRUNK = [(3, 64, 224, 0), (64, 64, 224, 1), (64, 128, 112, 0), (128, 128, 112, 1), (128, 256, 56, 0),
         (256, 256, 56, 0), (256, 256, 56, 1), (256, 512, 28, 0), (512, 512, 28, 0), (512, 512, 28, 1)]
TAIL = [(512, 512, 14, 0)] * 3
TOLERANCE = 1e-4
GFLOP = sum(2 * i * o * 9 * side * side for i, o, side, _ in TRUNK + TAIL) / 1e9

FLOATS = ctypes.POINTER(ctypes.c_float)


class ConvWeights(ctypes.Structure):
    _fields_ = [("weight", FLOATS), ("bias", FLOATS)]


class TrunkWeights(ctypes.Structure):
    _fields_ = [("conv", ConvWeights * len(TRUNK))]


class TailWeights(ctypes.Structure):
    _fields_ = [("conv", ConvWeights * len(TAIL)), ("classifier_weight", FLOATS), ("classifier_bias", FLOATS)]


class Error(ctypes.Structure):
    _fields_ = [("code", ctypes.c_int), ("detail", ctypes.c_char * 512)]


def floats(tensor):
    assert tensor.is_contiguous() and tensor.dtype.is_floating_point and tensor.element_size() == 4
    return ctypes.cast(tensor.data_ptr(), FLOATS)


def network(torch):
    """VGG16's convolutions and the head, giving probability and map as DESIGN section 2 has them."""

    class Network(torch.nn.Module):
        def __init__(self):
            super().__init__()
            layers = []
            for channels_in, channels_out, _, pool in TRUNK + TAIL:
                conv = torch.nn.Conv2d(channels_in, channels_out, 3, padding=1)
                torch.nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
                torch.nn.init.normal_(conv.bias, std=0.05)
                layers += [conv, torch.nn.ReLU()]
                if pool:
                    layers.append(torch.nn.MaxPool2d(2))
            self.features = torch.nn.Sequential(*layers)
            self.classifier = torch.nn.Linear(512, 2)

        def forward(self, pixels):
            deep = self.features(pixels)
            pooled = torch.nn.functional.max_pool2d(deep, 2).mean((2, 3))
            probability = torch.softmax(self.classifier(pooled), 1)[:, 1]
            return probability, (deep * self.classifier.weight[1].view(1, -1, 1, 1)).sum(1)

    torch.manual_seed(1)
    return Network().eval()


class Ours:
    def __init__(self, torch, path, model, threads, kernel):
        self.torch, self.library = torch, ctypes.CDLL(str(path))
        self.library.insp_cpu_kernel.restype = ctypes.c_char_p
        self.library.insp_cpu_force_kernel.restype = ctypes.c_bool
        if kernel and not self.library.insp_cpu_force_kernel(kernel.encode()):
            sys.exit(f"this processor has no {kernel}")
        self.error = Error()
        self.trunk, self.tail, self.workspace = (ctypes.c_void_p() for _ in range(3))
        convs = [m for m in model.features if isinstance(m, torch.nn.Conv2d)]
        views = [ConvWeights(floats(c.weight), floats(c.bias)) for c in convs]
        trunk = TrunkWeights((ConvWeights * len(TRUNK))(*views[:len(TRUNK)]))
        tail = TailWeights((ConvWeights * len(TAIL))(*views[len(TRUNK):]), floats(model.classifier.weight),
                           floats(model.classifier.bias))
        started = time.perf_counter()
        self.call("insp_cpu_trunk_new", ctypes.byref(trunk), ctypes.byref(self.trunk))
        self.call("insp_cpu_tail_new", ctypes.byref(tail), ctypes.byref(self.tail))
        self.load_ms = (time.perf_counter() - started) * 1e3
        self.call("insp_cpu_workspace_new", ctypes.c_uint(threads), ctypes.byref(self.workspace))

    def call(self, name, *args):
        if getattr(self.library, name)(*args, ctypes.byref(self.error)):
            sys.exit(f"{name}: {self.error.detail.decode()}")

    def kernel(self):
        return self.library.insp_cpu_kernel().decode()

    def __call__(self, pixels):
        n = ctypes.c_size_t(len(pixels))
        features = self.torch.empty(len(pixels), 512, 14, 14)
        probability, cam = self.torch.empty(len(pixels)), self.torch.empty(len(pixels), 14, 14)
        self.call("insp_cpu_trunk_run", self.trunk, self.workspace, floats(pixels), n, floats(features), None)
        self.call("insp_cpu_tail_run", self.tail, self.workspace, floats(features), n, floats(probability),
                  floats(cam))
        return probability, cam


def largest_difference(torch, got, want):
    return max(float((g - w).abs().max() / w.abs().max()) for g, w in zip(got, want))


def spread(values):
    return {"min": min(values), "median": statistics.median(values), "max": max(values)}


def measure(contestants, pixels, rounds):
    """-> name -> milliseconds per image, one figure a round."""
    times = {name: [] for name in contestants}
    names = list(contestants)
    for run in contestants.values():  # packs weights, starts threads, finds the algorithms
        run(pixels)
        run(pixels)
    for i in range(rounds):
        for name in names[i % len(names):] + names[:i % len(names)]:
            started = time.perf_counter()
            contestants[name](pixels)
            times[name].append((time.perf_counter() - started) * 1e3 / len(pixels))
    return times


def report(times, batch):
    print(f"batch {batch}: milliseconds per image (min, median, max), effective GFLOP/s of the median")
    for name, values in times.items():
        s = spread(values)
        print(f"  {name:24} {s['min']:8.2f} {s['median']:8.2f} {s['max']:8.2f} {GFLOP / s['median'] * 1e3:8.0f}")
    ratios = {}
    for name in times:
        if name != "inspectd":
            ratios[name] = spread([theirs / ours for theirs, ours in zip(times[name], times["inspectd"])])
            r = ratios[name]
            print(f"  {name} / inspectd: {r['min']:.2f} {r['median']:.2f} {r['max']:.2f}")
    return {"batch": batch, "ms_per_image": {n: spread(v) for n, v in times.items()}, "ratios": ratios}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    root = pathlib.Path(__file__).resolve().parents[2]
    parser.add_argument("library", nargs="?",
                        default=os.environ.get("INSP_PARITY_LIB", root / "build/release/libinsp_parity.so"))
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--rounds", type=int, default=15, help="at batch 1; larger batches take fewer, 5 at least")
    parser.add_argument("--batches", default="1,8")
    parser.add_argument("--kernel")
    parser.add_argument("--json", help="write the figures here")
    return parser.parse_args()


def main():
    args = arguments()
    os.environ["OMP_NUM_THREADS"] = str(args.threads)  # before torch starts libgomp
    import torch
    torch.set_num_threads(args.threads)
    model = network(torch)
    ours = Ours(torch, args.library, model, args.threads, args.kernel)
    failed, results = False, []
    print(f"PyTorch {torch.__version__}, {args.threads} threads, kernels {ours.kernel()}, "
          f"weights packed in {ours.load_ms:.0f} ms")
    with torch.inference_mode():
        for batch in map(int, args.batches.split(",")):
            pixels = torch.rand(batch, 3, 224, 224, generator=torch.Generator().manual_seed(batch))
            frozen = torch.jit.optimize_for_inference(torch.jit.trace(model, pixels))
            contestants = {"PyTorch eager": model, "optimize_for_inference": frozen, "inspectd": ours}
            difference = largest_difference(torch, ours(pixels), model(pixels))
            results.append(report(measure(contestants, pixels, max(5, args.rounds // batch)), batch))
            results[-1]["difference"] = difference
            print(f"  largest difference from PyTorch eager, relative to the largest value: {difference:.1e}")
            slower = results[-1]["ratios"]["optimize_for_inference"]["median"] < 1
            failed = failed or not difference < TOLERANCE or slower
    if args.json:
        pathlib.Path(args.json).write_text(json.dumps(results, indent=1))
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
