#!/usr/bin/env python3
"""The notebook's cross-validation written plainly in PyTorch beside `inspectd cross-validate`: same images, same number
of folds, batch and epochs, same initial weights, same number of threads.

    cross_validation.py --inspectd build/release/inspectd [--data DIR] [--folds 5] [--epochs 10] [--plain-folds N]

The plain side is what the notebook does: every epoch opens, resizes and loads each image, runs the frozen trunk and the
tail, and steps Adam on the tail. The two sides take turns: ours whole, one fold of the plain side, and so on, so that
what else the machine does weighs on both. Ours starts each time without cached features. With --plain-folds N the plain
side runs N folds only and its time is scaled to all of them (folds cost the same); that is said in the output.

Exit 1 where ours is not at least 4 times faster. Run it with /usr/bin/python3 (Debian's torch, PIL, scikit-learn).
"""
import argparse
import json
import multiprocessing
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

AIM = 4.0
CONV_GFLOP = 2 * 512 * 512 * 9 * 14 * 14 / 1e9  # one of the tail's convolutions, one image, direct
STEP_GFLOP = 8 * CONV_GFLOP  # 3 forward, 3 weight gradients, 2 input gradients (the features need none)


def images_of(data):
    """-> [(path, type, label)] of an MVTec AD set."""
    items = [(path, path.parent.name, int(path.parent.name != "good"))
             for part in ("train", "test") for path in sorted((data / part).rglob("*"))
             if path.suffix.lower() in (".png", ".jpg", ".jpeg")]
    return sorted(items)


def read_safetensors(path, torch):
    import numpy
    raw = pathlib.Path(path).read_bytes()
    length = int.from_bytes(raw[:8], "little")
    entries = json.loads(raw[8:8 + length])
    entries.pop("__metadata__", None)
    tensors = {}
    for name, e in entries.items():
        assert e["dtype"] == "F32", e
        begin, end = (8 + length + o for o in e["data_offsets"])
        tensors[name] = torch.from_numpy(numpy.frombuffer(raw[begin:end], numpy.float32).reshape(e["shape"]).copy())
    return tensors


def notebook_model(torch, trunk_file):
    """CustomVGG: features[0..29], max pool, average pool, linear; blocks 1 to 4 frozen."""
    layers, channels = [], 3
    for out, pool in [(64, 0), (64, 1), (128, 0), (128, 1), (256, 0), (256, 0), (256, 1), (512, 0), (512, 0), (512, 1),
                      (512, 0), (512, 0), (512, 0)]:
        layers += [torch.nn.Conv2d(channels, out, 3, padding=1), torch.nn.ReLU(inplace=True)]
        if pool:
            layers.append(torch.nn.MaxPool2d(2))
        channels = out
    model = torch.nn.Module()
    model.features = torch.nn.Sequential(*layers)
    model.head = torch.nn.Sequential(torch.nn.MaxPool2d(2), torch.nn.AvgPool2d(7), torch.nn.Flatten(),
                                     torch.nn.Linear(512, 2))
    state = read_safetensors(trunk_file, torch)
    for name, parameter in model.features.named_parameters():
        if int(name.split(".")[0]) < 24:
            parameter.data.copy_(state["features." + name])
            parameter.requires_grad = False
        else:  # the identity and a little noise, as ours starts where the trunk has no tail of its own
            parameter.data.normal_(0, 0.002 if name.endswith("weight") else 1e-9)
            if name.endswith("weight"):
                parameter.data[range(512), range(512), 1, 1] += 1
    return model


class Plain:
    """One fold at a time, in a process of its own so that its OpenMP team sleeps while ours runs."""

    def __init__(self, args, trunk_file):
        self.here, there = multiprocessing.get_context("spawn").Pipe()
        self.process = multiprocessing.get_context("spawn").Process(target=plain_worker, args=(there, args, trunk_file), daemon=True)
        self.process.start()
        self.setup = self.here.recv()

    def fold(self, k):
        self.here.send(k)
        return self.here.recv()


def plain_worker(pipe, args, trunk_file):
    os.environ["OMP_NUM_THREADS"] = str(args.threads)
    import numpy
    import torch
    from PIL import Image
    from sklearn.model_selection import StratifiedKFold
    torch.set_num_threads(args.threads)
    torch.manual_seed(42)
    items = images_of(args.data)
    splits = list(StratifiedKFold(args.folds, shuffle=True, random_state=42).split(items, [t for _, t, _ in items]))

    class Images(torch.utils.data.Dataset):
        def __init__(self, members):
            self.members = members

        def __len__(self):
            return len(self.members)

        def __getitem__(self, i):
            path, _, label = items[self.members[i]]
            pixels = numpy.asarray(Image.open(path).convert("RGB").resize((224, 224), Image.BILINEAR), numpy.float32)
            return torch.from_numpy(pixels / 255).permute(2, 0, 1).contiguous(), label

    def fold(train, test):
        model = notebook_model(torch, trunk_file)
        loss_of = torch.nn.CrossEntropyLoss(weight=torch.tensor([1.0, 3.0]))
        optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=1e-4)
        loader = torch.utils.data.DataLoader(Images(train), batch_size=args.batch, shuffle=True, drop_last=True)
        for _ in range(args.epochs):
            for pixels, label in loader:
                optimizer.zero_grad()
                loss_of(model.head(model.features(pixels)), label).backward()
                optimizer.step()
        right = [[0, 0], [0, 0]]
        with torch.no_grad():
            for pixels, label in torch.utils.data.DataLoader(Images(test), batch_size=args.batch):
                said = torch.softmax(model.head(model.features(pixels)), 1)[:, 1] >= 0.5
                for s, l in zip(said.tolist(), label.tolist()):
                    right[l][int(s == bool(l))] += 1
        return sum(r[1] / max(1, sum(r)) for r in right) / 2

    pipe.send(torch.__version__)
    while True:
        k = pipe.recv()
        began = time.perf_counter()
        balanced = fold(*splits[k])
        pipe.send((time.perf_counter() - began, balanced))


def ours(args, state):
    """-> (seconds of the whole process, its report); nothing is cached before."""
    shutil.rmtree(state / "cache", ignore_errors=True)
    command = [args.inspectd, "cross-validate", "--product", "bench", "--data", args.data, "--folds", str(args.folds),
               "--epochs", str(args.epochs), "--batch", str(args.batch), "--json", "-o", f"storage.state_dir={state}",
               "-o", f"device.threads={args.threads}", "-o", "device.name=cpu"]
    began = time.perf_counter()
    out = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    return time.perf_counter() - began, json.loads(out)


def gemm_rate(threads):
    """GFLOP/s of a large float32 product, this machine's practical ceiling for direct arithmetic."""
    code = ("import time,torch;torch.set_num_threads(%d);a=torch.rand(2048,2048);b=torch.rand(2048,2048);a@b\n"
            "t=[]\n"
            "for _ in range(12):\n  s=time.perf_counter();a@b;t.append(time.perf_counter()-s)\n"
            "print(2*2048**3/sorted(t)[len(t)//2]/1e9)" % threads)
    return float(subprocess.run(["/usr/bin/python3", "-c", code], check=True, stdout=subprocess.PIPE,
                                env={**os.environ, "OMP_NUM_THREADS": str(threads)}).stdout)


def tell_stages(report, whole, args, gemm):
    seconds = report["seconds"]
    other = whole - sum(seconds.values())
    print("  share of each stage: " + ", ".join(f"{n} {s:.1f} s ({100 * s / whole:.0f} %)" for n, s in
                                               [*seconds.items(), ("start, packing and the rest", other)]))
    steps = sum((report["dataset"]["images"] - fold["held_out"]) // args.batch * len(fold["epochs"]) for fold in report["folds"])
    rate = steps * args.batch * STEP_GFLOP / seconds["training"]
    print(f"  training step: {seconds['training'] / steps * 1e3:.1f} ms for {args.batch} images, {rate:.0f} GFLOP/s of direct "
          f"convolution; a 2048^3 matrix product reaches {gemm:.0f} GFLOP/s here: {rate / gemm:.2f} x")


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    root = pathlib.Path(__file__).resolve().parents[2]
    parser.add_argument("--inspectd", default=root / "build/release/inspectd")
    parser.add_argument("--data", type=pathlib.Path, help="a set in MVTec AD layout (default ../shared/data/cubes, else a demo set)")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--batch", type=int, default=10)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--plain-folds", type=int, help="folds that the plain side really runs (default: all)")
    parser.add_argument("--ours-only", action="store_true", help="no plain side: stages and the training step only")
    parser.add_argument("--rounds", type=int, default=3, help="with --ours-only")
    args = parser.parse_args()
    args.inspectd = pathlib.Path(args.inspectd).resolve()
    cubes = root.parent / "shared/data/cubes"
    if args.data is None and cubes.is_dir():
        args.data = cubes
    args.plain_folds = min(args.plain_folds or args.folds, args.folds)
    return args


def main():
    args = parse()
    with tempfile.TemporaryDirectory() as scratch:
        state = pathlib.Path(scratch, "state")
        state.mkdir()
        if args.data is None:
            args.data = pathlib.Path(scratch, "carpet")
            subprocess.run([args.inspectd, "demo-data", args.data, "--images", "188"], check=True, stderr=subprocess.DEVNULL)
        args.data = args.data.resolve()
        subprocess.run([args.inspectd, "trunk", "bank", "--images", args.data / "train" / "good", "-o", f"storage.state_dir={state}"],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        trunk = next((state / "trunks").glob("*.safetensors"))
        print(f"{args.data.name}: {len(images_of(args.data))} images, {args.folds} folds x {args.epochs} epochs, batch {args.batch}, "
              f"{args.threads} threads; load before: {os.getloadavg()[0]:.1f}", flush=True)
        gemm = gemm_rate(args.threads)
        mine, plain = [], []
        worker = None if args.ours_only else Plain(args, trunk)
        rounds = args.plain_folds if worker else args.rounds
        for k in range(rounds):
            seconds, report = ours(args, state)
            mine.append(seconds)
            print(f"  inspectd, all folds: {seconds:8.1f} s, pooled balanced accuracy {report['pooled']['balanced_accuracy']:.4f}, "
                  f"trunk runs {report['trunk_runs']}", flush=True)
            tell_stages(report, seconds, args, gemm)
            if worker:
                plain.append(worker.fold(k))
                print(f"  PyTorch {worker.setup}, fold {k + 1}: {plain[-1][0]:8.1f} s, balanced accuracy {plain[-1][1]:.4f}, "
                      f"ratio {plain[-1][0] * args.folds / seconds:.2f}", flush=True)
        print(f"  inspectd {min(mine):.1f} / {statistics.median(mine):.1f} / {max(mine):.1f} s (min, median, max)")
        if not worker:
            return 0
        ratios = [p * args.folds / m for (p, _), m in zip(plain, mine)]
        whole = sum(p for p, _ in plain) * args.folds / args.plain_folds
        scaled = "" if args.plain_folds == args.folds else f" (scaled from {args.plain_folds} of {args.folds} folds)"
        print(f"  PyTorch {whole:.1f} s{scaled}; ratio {min(ratios):.2f} / {statistics.median(ratios):.2f} / {max(ratios):.2f}")
        return int(statistics.median(ratios) < AIM)


if __name__ == "__main__":
    sys.exit(main())
