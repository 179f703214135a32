#!/usr/bin/env python3
"""inspectd beside what else one would use: the forward pass beside eager PyTorch, torch.jit.optimize_for_inference and ONNX
Runtime, the served rate beside FastAPI + uvicorn + PyTorch + Pillow. Same weights, threads and machine, in turns.

    ./dev bench peers              # or: peers.py --build build/release [--quick] [--out FOLDER]

Prints Markdown; leaves peers.md and peers.json in --out (default build/bench). The method is in README.md of tests/bench.
"""
import argparse
import datetime
import json
import os
import pathlib
import platform
import re
import statistics
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "build/bench")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--state", type=pathlib.Path, help="a state folder with a product carpet; default: one is made")
    parser.add_argument("--only", choices=["forward", "served"])
    parser.add_argument("--rounds", type=int, default=21, help="of the forward pass at batch 1; a third at batch 8")
    parser.add_argument("--served-rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=8, help="of each level of load")
    parser.add_argument("--quick", action="store_true", help="few rounds: shows that it works, no more")
    args = parser.parse_args()
    if args.quick:
        args.rounds, args.served_rounds, args.seconds = 3, 1, 3
    return args


def say(text):
    print(text, file=sys.stderr, flush=True)


class Busy:
    """What the cores did for others while the bench ran."""

    def __init__(self):
        self.began, self.others = time.monotonic(), self.jiffies() - self.own()

    @staticmethod
    def jiffies():
        user, nice, system, _idle, _wait, irq, soft = map(int, pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:8])
        return (user + nice + system + irq + soft) / os.sysconf("SC_CLK_TCK")

    @staticmethod
    def own():
        t = os.times()
        return t.user + t.system + t.children_user + t.children_system

    def share(self):
        """Call it when all children have ended."""
        used = self.jiffies() - self.own() - self.others
        return max(0.0, used / (time.monotonic() - self.began) / os.cpu_count())


def spread(values):
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def text(values, digits=1):
    s = spread(values)
    return f"{s['median']:.{digits}f} ({s['min']:.{digits}f} to {s['max']:.{digits}f})"


def forward_table(made):
    lines = [f"Forward pass (VGG16, GAP head, probability and map), kernels {made['kernel']}. Milliseconds an image, and how many times as "
             "long as inspectd, per round: median (smallest to largest).", "",
             "| batch | engine | ms an image | / inspectd | largest difference from eager |", "|---|---|---|---|---|"]
    for batch in made["batches"]:
        for name, times in batch["ms"].items():
            ratios = [theirs / ours for theirs, ours in zip(times, batch["ms"]["inspectd"])]
            lines.append(f"| {batch['batch']} | {name} | {text(times)} | {text(ratios, 2)} | {batch['difference'][name]:.1e} |")
    return lines


def served_table(made):
    rounds = made["rounds"]
    names, levels = list(rounds[0]), list(rounds[0]["inspectd"])
    lines = [f"Served over the loopback, JPEGs of 640x480 ({made['image_kb']:.0f} kB). Closed loop: so many clients, each waits for its answer. "
             "Open loop: arrivals by schedule at a share of the service's own closed-loop rate; latency counts from the scheduled time. "
             f"Median (smallest to largest) of {len(rounds)} rounds of {made['seconds']:g} s.", "",
             "| load | service | images/s | p50 ms | p99 ms | CPU ms an image | memory MB |", "|---|---|---|---|---|---|---|"]
    for level in levels:
        for name in names:
            cells = [text([r[name][level][key] for r in rounds], digits)
                     for key, digits in (("rate", 1), ("p50_ms", 0), ("p99_ms", 0), ("cpu_ms", 1), ("memory_mb", 0))]
            lines.append(f"| {level} | {name} | {' | '.join(cells)} |")
    lines += ["", "| inspectd beside | images/s, 16 clients | CPU an image, 16 clients | memory |", "|---|---|---|---|"]
    for name in names[1:]:
        pairs = [(r["inspectd"]["closed, 16"], r[name]["closed, 16"]) for r in rounds]
        lines.append(f"| {name} | x {text([a['rate'] / b['rate'] for a, b in pairs], 2)} | x {text([a['cpu_ms'] / b['cpu_ms'] for a, b in pairs], 2)} "
                     f"| x {text([a['memory_mb'] / b['memory_mb'] for a, b in pairs], 2)} |")
    return lines


def processor():
    model = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    return model[1] if model else platform.machine()


def main():
    args = arguments()
    os.environ["OMP_NUM_THREADS"] = str(args.threads)  # before torch starts libgomp
    os.environ["INSP_PARITY_LIB"] = str(args.build.resolve() / "libinsp_parity.so")
    sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parents[1] / "gpu")]
    import daemon
    import forward
    import served
    inspectd = args.build.resolve() / "inspectd"
    made = {"date": datetime.date.today().isoformat(), "processor": processor(), "cores": len(os.sched_getaffinity(0)),
            "threads": args.threads, "command": "./dev bench peers" + (" --quick" if args.quick else ""), "load_before": os.getloadavg()[0]}
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        state = args.state or folder / "state"
        say("a demo product is trained, unless there is one")
        daemon.prepare(inspectd, state, train=("--candidates", "false"))  # the peers have the network, and no regression
        busy = Busy()
        if args.only != "served":
            say("forward passes")
            made["forward"] = forward.run(state, args.build / "libinsp_parity.so", args.threads, args.rounds, folder)
        if args.only != "forward":
            made["served"] = served.run(inspectd, state, args.threads, args.served_rounds, args.seconds, say)
        made["others"] = busy.share()
    lines = [f"{made['processor']}, {made['cores']} cores, {made['threads']} threads, {made['date']}, `{made['command']}`; other programs took "
             f"{made['others']:.0%} of the cores meanwhile.", ""]
    for part, table in (("forward", forward_table), ("served", served_table)):
        lines += table(made[part]) + [""] if part in made else []
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "peers.json").write_text(json.dumps(made, indent=1) + "\n")
    (args.out / "peers.md").write_text("\n".join(lines))
    print("\n".join(lines))
    say(f"{args.out}/peers.md, peers.json")


if __name__ == "__main__":
    main()
