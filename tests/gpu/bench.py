#!/usr/bin/env python3
"""What the device reaches, as ratios within one run: the half-precision matrix rate on random data; the forward pass beside it and
beside PyTorch; inspections end to end over the loopback; p99 at a fixed rate. An aim that is missed is said, and is no failure."""
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import common
import load
import network
import shim
import torch
import traffic
from daemon import Daemon, prepare

GFLOP = (sum(2 * i * o * 9 * side * side for i, o, side in
             [(3, 64, 224), (64, 64, 224), (64, 128, 112), (128, 128, 112), (128, 256, 56), (256, 256, 56), (256, 256, 56),
              (256, 512, 28), (512, 512, 28), (512, 512, 28)] + 3 * [(512, 512, 14)])) / 1e9
SIDE = 8192 if common.CUDA else 1024
AIMS = common.CUDA and not common.QUICK


def wait():
    if common.CUDA:
        torch.cuda.synchronize(network.TORCH_DEVICE)


def timed(work, rounds, warm=3):
    """-> median seconds"""
    for _ in range(warm):
        work()
    wait()
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        wait()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def matrix_rate():
    """-> TFLOP/s of a product of SIDE cubed, on random data"""
    kind = torch.float16 if common.CUDA else torch.float32
    a, b = (torch.randn(SIDE, SIDE, device=network.TORCH_DEVICE, dtype=torch.float32).to(kind) for _ in range(2))
    return 2 * SIDE ** 3 / timed(lambda: a @ b, 10) / 1e12


class Peer(torch.nn.Module):
    """The same network as a PyTorch user would serve it: half precision, channels last, cuDNN's search."""

    def __init__(self, trunk, tail):
        super().__init__()
        kind = torch.float16 if common.CUDA else torch.float32
        self.state = {n: t.to(network.TORCH_DEVICE, kind) for n, t in {**trunk, **tail}.items()}
        for name, tensor in self.state.items():
            if tensor.dim() == 4 and common.CUDA:
                self.state[name] = tensor.contiguous(memory_format=torch.channels_last)
        self.kind = kind

    def forward(self, pixels):
        x = pixels.to(network.TORCH_DEVICE, self.kind)
        x = x.contiguous(memory_format=torch.channels_last) if common.CUDA else x
        logits, cam = shim.reference_tail(self.state, shim.reference_trunk(self.state, x))
        return torch.softmax(logits.float(), 1)[:, 1].cpu(), cam.float().cpu()


def kernels(work, label):
    """Prints where the device's time goes in a call, by kernel. -> seconds of the device in one call"""
    if not common.CUDA:
        return None
    from torch.profiler import ProfilerActivity, profile
    calls = 5
    with profile(activities=[ProfilerActivity.CUDA]) as made:
        for _ in range(calls):
            work()
        wait()
    times = {}
    for event in made.events():
        if event.device_type == torch.autograd.DeviceType.CUDA:
            took, count = times.get(event.name, (0, 0))
            times[event.name] = took + event.time_range.elapsed_us(), count + 1
    total = sum(took for took, _count in times.values()) / calls / 1e6
    print(f"  {label}: the device works {total * 1e3:.2f} ms a call, by kernel:")
    for name, (took, count) in sorted(times.items(), key=lambda kind: -kind[1][0])[:14]:
        print(f"    {took / calls / 1e3:8.3f} ms {count / calls:5.1f} x  {name[:120]}")
    return total


def of_pixels(trunk, tail, n):
    pixels = network.pictures(n)
    return lambda: shim.score(trunk, [tail] * n, pixels)


def of_pictures(trunk, tail, n):
    """As the daemon scores: bytes, which the device transforms."""
    rgb = (network.pictures(n) * 255).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous()
    inputs = [shim.Transform(224, 224, False, 1 / 255, (0, 0, 0), (1, 1, 1))] * n
    return lambda: shim.score_pictures(trunk, [tail] * n, rgb, inputs)


def forward(rate):
    batch = common.BATCH_MAX
    rounds = 5 if common.QUICK else 20
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder)
        trunk_state, tails = network.make(path, 1)
        device = shim.Device(shim.AUTO, name=common.DEVICE.encode(), threads=0, batch_max=batch)
        trunk, tail = device.trunk(path / "trunk"), device.tail(path / "tail0")
        print(f"  {device.description}; {shim.precision(trunk)}")
        for kind, make in (("pixels", of_pixels), ("pictures", of_pictures)):
            for n in common.ladder(batch):
                seconds = timed(make(trunk, tail, n), rounds)
                tflops = GFLOP * n / seconds / 1e3
                print(f"  {kind}, batch {n:3}: {seconds / n * 1e3:8.3f} ms an image, {tflops:7.2f} TFLOP/s, "
                      f"{tflops / rate:5.1%} of the matrix rate")
                common.figure(f"forward of {kind} at batch {n}, ms an image", seconds / n * 1e3)
        aim = "at least 0.6" if AIMS else None
        common.figure(f"forward at batch {n} / matrix rate", tflops / rate, "", aim, tflops >= 0.6 * rate)
        alone = kernels(make(trunk, tail, n), f"pictures, batch {n}")
        if alone:
            common.figure(f"the device's part at batch {n} / matrix rate", GFLOP * n / alone / 1e3 / rate)
        torch.backends.cudnn.benchmark = True
        peer = Peer(trunk_state, tails[0])
        pixels = network.pictures(n)
        with torch.inference_mode():
            theirs = timed(lambda: peer(pixels), rounds)
            ours = timed(of_pixels(trunk, tail, n), rounds)
            kernels(lambda: peer(pixels), f"PyTorch, batch {n}")
        torch.backends.cudnn.benchmark = False
        print(f"  PyTorch at batch {n}: {theirs / n * 1e3:.3f} ms an image, from pixels; ratio {theirs / ours:.2f}")
        common.figure(f"PyTorch / inspectd at batch {n}, both from pixels", theirs / ours)
        shim.free(trunk, [tail], device)


def tell_stages(daemon, label):
    """Medians of the last inspections' stages, as the daemon measured them."""
    items = json.loads(daemon.request("GET", "/v1/inspections?limit=200")[1])["items"]
    stages = {name: statistics.median(item["timing_ms"][name] for item in items) for name in items[0]["timing_ms"]}
    print(f"  {label}, median ms: " + ", ".join(f"{name} {ms:.2f}" for name, ms in stages.items()))


def processor_seconds(daemon):
    """By the daemon's threads: name -> seconds."""
    used, tick = {}, os.sysconf("SC_CLK_TCK")
    for task in pathlib.Path(f"/proc/{daemon.process.pid}/task").iterdir():
        fields = (task / "stat").read_text().rsplit(")", 1)[1].split()
        name = (task / "comm").read_text().strip().rstrip("0123456789-")
        used[name] = used.get(name, 0) + (int(fields[11]) + int(fields[12])) / tick
    return used


def end_to_end():
    state = load.state_folder()
    data = prepare(common.inspectd(), state, images=60, options=[f"device.name={common.DEVICE}"])
    subprocess.run([common.inspectd(), "train", "--product", "plain", "--data", data, "--mode", "supervised", "--candidates", "false",
                    "--threshold", "0.5", "--activate", "always", "-o", f"storage.state_dir={state}", "-o", f"device.name={common.DEVICE}"],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    bodies = traffic.jpegs(16)
    print(f"  JPEGs of {traffic.WIDTH}x{traffic.HEIGHT}, {sum(map(len, bodies)) / len(bodies) / 1e3:.0f} kB each")
    daemon = Daemon(common.inspectd(), state, load.OPTIONS)
    try:
        clients, seconds = (8, 3) if common.QUICK else (256, 8)
        for product, shows in (("carpet", "every model"), ("plain", "a tail alone")):
            traffic.run(daemon.port, product, bodies, clients, 1)
            before = processor_seconds(daemon)
            s = traffic.run(daemon.port, product, bodies, clients, seconds)
            traffic.tell(f"closed loop, {clients} clients, {shows}", s)
            tell_stages(daemon, shows)
            after = processor_seconds(daemon)
            print("  processor seconds by thread: " + ", ".join(f"{name} {after[name] - before.get(name, 0):.1f}" for name in after))
            common.figure(f"inspections end to end, {shows}", s["rate"], "/s", "at least 4000/s" if AIMS else None, s["rate"] >= 4000)
            rate = 1000 if AIMS else s["rate"] / 2
            s = traffic.run(daemon.port, product, bodies, 128, seconds, rate)
            traffic.tell(f"open loop, {rate:.0f}/s, {shows}", s)
            common.figure(f"p99 at {rate:.0f}/s, {shows}", s["p99_ms"], "ms", "under 15 ms" if AIMS else None, s["p99_ms"] < 15)
    finally:
        daemon.stop()


def main():
    rate = matrix_rate()
    print(f"  product of {SIDE} x {SIDE} x {SIDE}: {rate:.1f} TFLOP/s")
    common.figure("matrix rate", rate, "TFLOP/s")
    forward(rate)
    end_to_end()


if __name__ == "__main__":
    sys.exit(main())
