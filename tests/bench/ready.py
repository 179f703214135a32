#!/usr/bin/env python3
"""From the start of the daemon to its first and its last ready product, and the memory per product.

    ready.py --inspectd build/release/inspectd [--beside OTHER] [--state DIR] [--products 1,16,64] [--rounds 5]

Every product has a copy of the trained demo product's files under its own name (hard links, so the page cache has them once). The
daemon starts once per round; with --beside an other build of it starts before or after it, in turns, and the ratio within a
round is printed, too. Memory is the proportional set size when all products are ready.
"""
import argparse
import json
import os
import pathlib
import shutil
import statistics
import tempfile
import time

from daemon import Daemon, prepare


def link(source, target):
    (os.link if source.endswith(".safetensors") else shutil.copy2)(source, target)


def with_products(template, state, count):
    """A copy of the state folder with products p00... instead of carpet."""
    shutil.copytree(template, state, copy_function=link, ignore=shutil.ignore_patterns("inspectd.sqlite3*", "images", "datasets", "cache",
                                                                                     "carpet", "lock", "bench.log"))
    carpet = template / "models" / "carpet"
    version = json.loads((carpet / "active.json").read_text())["active"]
    for i in range(count):
        folder = state / "models" / f"p{i:02}"
        shutil.copytree(carpet / version, folder / version, copy_function=link)
        shutil.copy2(carpet / "active.json", folder)
        manifest = json.loads((folder / version / "manifest.json").read_text())
        manifest["product"] = folder.name
        (folder / version / "manifest.json").write_text(json.dumps(manifest))


def pss_mb(pid):
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:")) * 1.024e-3


def cpu_s(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def start(inspectd, state):
    """-> seconds to ready, seconds to the last product, memory in MB, processor seconds to the last product"""
    began = time.monotonic()
    daemon = Daemon(inspectd, state, ["device.name=cpu"])
    try:
        ready = time.monotonic() - began
        while True:
            models = json.loads(daemon.request("GET", "/readyz")[1])["models"]
            if all(model["ready"] for model in models.values()):
                pid, last = daemon.process.pid, time.monotonic() - began
                return ready, last, pss_mb(pid), cpu_s(pid)
            assert time.monotonic() - began < 600, models
            time.sleep(0.01)
    finally:
        daemon.stop()


def measure(contestants, template, count, rounds):
    """-> name -> [what start returns], one a round"""
    made, names = {name: [] for name in contestants}, list(contestants)
    for i in range(rounds):
        for name in names[i % len(names):] + names[:i % len(names)]:
            with tempfile.TemporaryDirectory() as folder:
                state = pathlib.Path(folder) / "state"
                with_products(template, state, count)
                made[name].append(start(contestants[name], state))
    return made


def text(values, digits):
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inspectd", required=True)
    parser.add_argument("--beside")
    parser.add_argument("--state")
    parser.add_argument("--products", default="1,16,64")
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    contestants = {"this": args.inspectd, **({"beside": args.beside} if args.beside else {})}
    with tempfile.TemporaryDirectory() as folder:
        template = pathlib.Path(args.state or folder)
        prepare(args.inspectd, template)
        least = None
        print(f"median (smallest to largest) of {args.rounds} starts; load of the machine {os.getloadavg()[0]:.1f}")
        for count in map(int, args.products.split(",")):
            made = measure(contestants, template, count, args.rounds)
            for name, starts in made.items():
                ready, last, memory, cpu = zip(*starts)
                print(f"{count:3} products, {name:6}: ready {text(ready, 2)} s, all ready {text(last, 2)} s, {text(memory, 0)} MB, "
                      f"{text(cpu, 2)} CPU s", flush=True)
            if args.beside:
                ratios = [[b / a for a, b in zip(x, y)] for x, y in zip(made["this"], made["beside"])]
                print(f"{count:3} products, beside / this: " + ", ".join(
                    f"{what} {text([r[k] for r in ratios], 2)}" for k, what in enumerate(("ready", "all ready", "memory", "CPU"))))
            memory = statistics.median(m for _r, _l, m, _c in made["this"])
            if least:
                print(f"{count:3} products: {(memory - least[1]) / (count - least[0]):.1f} MB for each one more")
            least = least or (count, memory)


if __name__ == "__main__":
    main()
