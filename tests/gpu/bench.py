#!/usr/bin/env python3
"""What the device reaches, as ratios within one run: the half-precision matrix rate on random data; the forward pass beside it and
beside PyTorch; inspections end to end over the loopback; p99 at a fixed rate. An aim that is missed is said, and is no failure."""
import pathlib
import statistics
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


def forward(rate):
    batch = common.BATCH_MAX
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder)
        trunk_state, tails = network.make(path, 1)
        device = shim.Device(shim.AUTO, name=common.DEVICE.encode(), threads=0, batch_max=batch)
        trunk, tail = device.trunk(path / "trunk"), device.tail(path / "tail0")
        print(f"  {device.description}; {shim.precision(trunk)}")
        for n in common.ladder(batch):
            pixels = network.pictures(n)
            seconds = timed(lambda: shim.score(trunk, [tail] * n, pixels), 5 if common.QUICK else 20)
            tflops = GFLOP * n / seconds / 1e3
            print(f"  batch {n:3}: {seconds / n * 1e3:8.3f} ms an image, {tflops:7.2f} TFLOP/s, {tflops / rate:5.1%} of the matrix rate")
            common.figure(f"forward at batch {n}, ms an image", seconds / n * 1e3)
        aim = "at least 0.6" if AIMS else None
        common.figure(f"forward at batch {n} / matrix rate", tflops / rate, "", aim, tflops >= 0.6 * rate)
        torch.backends.cudnn.benchmark = True
        peer = Peer(trunk_state, tails[0])
        with torch.inference_mode():
            theirs = timed(lambda: peer(pixels), 5 if common.QUICK else 20)
        torch.backends.cudnn.benchmark = False
        print(f"  PyTorch at batch {n}: {theirs / n * 1e3:.3f} ms an image; ratio {theirs / seconds:.2f}")
        common.figure(f"PyTorch / inspectd at batch {n}", theirs / seconds)
        shim.free(trunk, [tail], device)


def end_to_end():
    state = load.state_folder()
    prepare(common.inspectd(), state, images=60, options=[f"device.name={common.DEVICE}"])
    bodies = traffic.jpegs(16)
    print(f"  JPEGs of {traffic.WIDTH}x{traffic.HEIGHT}, {sum(map(len, bodies)) / len(bodies) / 1e3:.0f} kB each")
    daemon = Daemon(common.inspectd(), state, load.OPTIONS)
    try:
        clients, seconds = (8, 3) if common.QUICK else (256, 8)
        traffic.run(daemon.port, "carpet", bodies, clients, 1)
        s = traffic.run(daemon.port, "carpet", bodies, clients, seconds)
        traffic.tell(f"closed loop, {clients} clients", s)
        common.figure("inspections end to end", s["rate"], "/s", "at least 4000/s" if AIMS else None, s["rate"] >= 4000)
        rate = 1000 if AIMS else s["rate"] / 2
        s = traffic.run(daemon.port, "carpet", bodies, 128, seconds, rate)
        traffic.tell(f"open loop, {rate:.0f}/s", s)
        common.figure(f"p99 at {rate:.0f}/s", s["p99_ms"], "ms", "under 15 ms" if AIMS else None, s["p99_ms"] < 15)
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
