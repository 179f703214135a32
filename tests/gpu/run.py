#!/usr/bin/env python3
"""Proves inspectd on a machine with a GPU, or rehearses that on the CPU. Start it by tests/gpu/run.sh or ./dev gpu-check.

It needs a C and C++ compiler, CUDA's driver and headers, a Python with PyTorch 2.x, and the folder that ./dev gpu-pack makes;
no network and none of inspectd's libraries. It goes on after a failed step. In the folder --out (default $OUT, else
build/gpu-check) it leaves gpu-check.json and gpu-check.log. Exit status: 0 all passed, 1 a step failed, 2 the machine lacks
something. README.md beside this file says how the files travel.
"""
import argparse
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

import ground

HERE = pathlib.Path(__file__).resolve().parent
# name, seconds at most, command after the Python, what it shows
STEPS = [
    ("device", 120, ["test_device.py"], "errors of opening, absent devices, out of memory, flat memory, two names, threads"),
    ("forward", 90, ["test_forward.py"], "forward and maps against PyTorch and the CPU's kernels at every batch size, mixed products"),
    ("training", 60, ["test_training.py"], "thirty steps of training against PyTorch on the same device"),
    ("jobs", 150, ["jobs.py"], "train, cross-validate, evaluate; verdicts equal those of the CPU"),
    ("load", 120, ["load.py"], "closed and open loop, training beside it, SIGTERM under load"),
    ("swaps", 120, ["../bench/swaps.py"], "200 changes of the serving model under load"),
    ("bench", 120, ["bench.py"], "matrix rate, forward, end to end, p99 at a fixed rate"),
]


class Log:
    def __init__(self, path):
        self.file = open(path, "w", buffering=1)

    def say(self, text):
        print(text, flush=True)
        self.file.write(text + "\n")


def run_logged(command, log, seconds, **more):
    """Output goes to the screen and the log. -> (return code or "timeout", seconds)"""
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                               start_new_session=True, **more)
    too_late = threading.Event()

    def stop():
        too_late.set()
        os.killpg(process.pid, signal.SIGKILL)

    timer = threading.Timer(seconds, stop)
    timer.start()
    for line in process.stdout:
        log.say("    " + line.rstrip("\n"))
    code = process.wait()
    timer.cancel()
    if too_late.is_set():
        log.say(f"    stopped after {seconds:.0f} s")
    return ("timeout" if too_late.is_set() else code), time.monotonic() - began


class Check:
    def __init__(self, args, torch):
        self.args, self.torch = args, torch
        self.end = time.monotonic() + 60 * args.minutes
        self.out, self.work = pathlib.Path(args.out).resolve(), pathlib.Path(args.work).resolve()
        self.out.mkdir(parents=True, exist_ok=True)
        self.work.mkdir(parents=True, exist_ok=True)
        self.log = Log(self.out / "gpu-check.log")
        self.results = {"device": args.device, "rehearsal": args.device == "cpu", "torch": torch.__version__,
                        "cuda": torch.version.cuda, "machine": ground.card(torch, args.device), "steps": []}

    def left(self):
        return self.end - time.monotonic()

    def add(self, name, state, seconds=0.0, figures=None, reason=""):
        self.results["steps"].append({"name": name, "state": state, "seconds": round(seconds, 1), "reason": reason,
                                      "figures": figures or {}})
        self.save()

    def save(self):
        path = self.out / "gpu-check.json"
        path.write_text(json.dumps(self.results, indent=1) + "\n")

    def build(self):
        """-> True where the daemon and the tests were built."""
        began = time.monotonic()
        usr = ground.unpack(pathlib.Path(self.args.pack).resolve(), self.work)
        self.env = ground.environment(usr)
        tools = {"cmake": ground.cmake(usr, self.env), "ninja": ground.ninja(usr, self.env)}
        self.build_folder = self.work / "build"
        self.log.say(f"cmake {tools['cmake']}, ninja {tools['ninja']}")
        command = ground.configure_command(tools, usr, self.build_folder, pathlib.Path(self.args.pack).resolve(),
                                           self.args.device, self.torch)
        code, _ = run_logged(command, self.log, max(30, self.left()), env=self.env)
        if code == 0:
            jobs = len(os.sched_getaffinity(0))
            targets = [] if self.args.build == "all" else ["--target", "inspectd", "insp_parity", "test_device"]
            code, _ = run_logged([tools["cmake"], "--build", str(self.build_folder), "-j", str(jobs), *targets], self.log,
                                 max(30, self.left()), env=self.env)
        self.add("build", "passed" if code == 0 else "failed", time.monotonic() - began, reason="" if code == 0 else f"exit {code}")
        return code == 0

    def step_environment(self, name, scratch, limit):
        cubes = pathlib.Path(self.args.pack).resolve() / "cubes"
        return {**self.env, "INSP_GPU_DEVICE": self.args.device, "INSP_GPU_QUICK": "1" if self.args.quick else "0",
                "INSPECTD": str(self.build_folder / "inspectd"), "INSP_PARITY_LIB": str(self.build_folder / "libinsp_parity.so"),
                "INSP_GPU_STEP_SECONDS": str(limit), "INSP_GPU_FIGURES": str(scratch / f"{name}.json"),
                "INSP_GPU_STATE": str(self.work / "state"),
                "INSP_CUBES": str(cubes) if cubes.is_dir() else "", "TMPDIR": str(scratch), "OMP_WAIT_POLICY": "passive"}

    def arguments(self, name, command):
        command = [sys.executable, "-B", "-u", str(HERE / command[0]), *command[1:]]
        if name == "swaps":
            command += ["--inspectd", str(self.build_folder / "inspectd"), "--device", self.args.device, "--settle", "3",
                        "--swaps", "40" if self.args.quick else "200"]
        return command

    def step(self, name, seconds, command):
        if self.left() < 5:
            self.add(name, "not run", reason=f"the {self.args.minutes} minutes were used up")
            return
        with tempfile.TemporaryDirectory(dir=self.work) as scratch:
            scratch = pathlib.Path(scratch)
            limit = min(seconds * (30 if self.args.device == "cpu" else 1), self.left())
            code, took = run_logged(self.arguments(name, command), self.log, limit, cwd=HERE,
                                    env=self.step_environment(name, scratch, limit))
            figures = scratch / f"{name}.json"
            self.add(name, "passed" if code == 0 else "failed", took, json.loads(figures.read_text()) if figures.exists() else None,
                     "" if code == 0 else "took too long" if code == "timeout" else f"exit {code}")

    def table(self):
        self.log.say(f"\n{self.results['machine']}; PyTorch {self.results['torch']}, device {self.args.device}")
        for step in self.results["steps"]:
            self.log.say(f"  {step['state']:8} {step['seconds']:7.1f} s  {step['name']:9} {step['reason']}")
        aims = [(s["name"], n, f) for s in self.results["steps"] for n, f in s["figures"].items() if isinstance(f, dict) and "aim" in f]
        for name, figure, f in aims:
            self.log.say(f"  {'met' if f['met'] else 'MISSED':8} {name}: {figure} {f['value']:.4g} {f['unit']} (aim {f['aim']})")
        failed = [s["name"] for s in self.results["steps"] if s["state"] != "passed"]
        self.log.say(f"{'all passed' if not failed else 'not passed: ' + ', '.join(failed)}; "
                     f"{self.out / 'gpu-check.json'}, {self.out / 'gpu-check.log'}")
        return failed


def arguments():
    parser = argparse.ArgumentParser(prog="run.sh", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
                                     epilog="steps: build (always), " + "; ".join(f"{n} ({t})" for n, _, _, t in STEPS))
    parser.add_argument("steps", nargs="*", metavar="step", help="only these (default: all)")
    parser.add_argument("--device", default="cuda", help="cuda, cuda:N, or cpu for the rehearsal (default cuda)")
    parser.add_argument("--pack", default=str(ground.ROOT / "build/gpu-pack"), help="the folder that ./dev gpu-pack made")
    parser.add_argument("--out", default=os.environ.get("OUT", str(ground.ROOT / "build/gpu-check")), help="where results go")
    parser.add_argument("--work", default=str(ground.ROOT / "build/gpu-work"), help="where to build and to keep state")
    parser.add_argument("--minutes", type=float, default=8, help="steps that would begin later are not run (default 8)")
    parser.add_argument("--quick", action="store_true", help="small sizes and counts; implied by --device cpu")
    parser.add_argument("--full", action="store_true", help="the full sizes, on the CPU too")
    parser.add_argument("--build", choices=["all", "needed"], default="all", help="needed: no other tests than the check's own")
    parser.add_argument("--fresh", action="store_true", help="remove what an earlier check built and kept")
    args = parser.parse_args()
    unknown = set(args.steps) - {name for name, *_ in STEPS}
    if unknown:
        parser.error(f"unknown step {', '.join(sorted(unknown))}")
    args.quick = (args.quick or args.device == "cpu") and not args.full
    return args


def main():
    args = arguments()
    import torch
    try:
        ground.check(args.device, torch)
        ground.loopback_up()
        if args.fresh:
            shutil.rmtree(args.work, ignore_errors=True)
        check = Check(args, torch)
        check.log.say(f"{check.results['machine']}; PyTorch {torch.__version__}, CUDA {torch.version.cuda}")
        built = check.build()
    except ground.Lacking as lacking:
        print(f"gpu-check: {lacking}", file=sys.stderr)
        return 2
    for name, seconds, command, shows in STEPS if built else []:
        if not args.steps or name in args.steps:
            check.log.say(f"\n== {name}: {shows}")
            check.step(name, seconds, command)
    return 1 if check.table() else 0


if __name__ == "__main__":
    sys.exit(main())
