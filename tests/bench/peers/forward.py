"""One forward pass in five ways, in turns: see README.md of tests/bench for the method."""
import pathlib
import subprocess
import sys
import time

import torch

import bench_forward
import network

HERE = pathlib.Path(__file__).resolve().parent
REST_S = 0.03       # between two passes: threads of the one before, which spin for a while, have gone to sleep
TOLERANCE = 1e-4    # of a map's largest value, and of a probability


class OnnxRuntime:
    """Runs onnxruntime.mjs; the time of a pass is measured in there."""

    def __init__(self, model, threads):
        self.process = subprocess.Popen(["node", HERE / "onnxruntime.mjs", model, str(threads)], cwd=HERE, text=True, bufsize=1,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        ready = self.process.stdout.readline().split()
        if ready[:1] != ["ready"]:
            raise SystemExit("ONNX Runtime does not start: is `npm ci --ignore-scripts` done in tests/bench/peers?")
        self.version = ready[1]

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        return self.process.stdout.readline().strip()

    def load(self, pixels, folder):
        path = folder / "pixels"
        path.write_bytes(pixels.numpy().tobytes())
        assert self.ask(f"load {path} {len(pixels)}") == "loaded"
        self.images, self.answers = len(pixels), folder / "answers"

    def time_ms(self, _pixels):
        return float(self.ask("run"))

    def __call__(self, pixels):
        self.ask("run")
        assert self.ask(f"answer {self.answers}") == "written"
        flat = torch.frombuffer(bytearray(self.answers.read_bytes()), dtype=torch.float32)
        return flat[:self.images], flat[self.images:].view(-1, 14, 14)

    def stop(self):
        self.process.stdin.close()
        self.process.wait(30)


def time_ms(run, pixels):
    if isinstance(run, OnnxRuntime):
        return run.time_ms(pixels)
    began = time.perf_counter()
    run(pixels)
    return 1e3 * (time.perf_counter() - began)


def difference(got, want):
    return max(float((got[0] - want[0]).abs().max()), float((got[1] - want[1]).abs().max() / want[1].abs().max()))


def measure(contestants, pixels, rounds):
    """-> name -> milliseconds an image, one figure a round"""
    names, times = list(contestants), {name: [] for name in contestants}
    for i in range(-2, rounds):  # two rounds before: packed weights, found algorithms, started threads
        for name in names[i % len(names):] + names[:i % len(names)]:
            time.sleep(REST_S)
            took = time_ms(contestants[name], pixels) / len(pixels)
            if i >= 0:
                times[name].append(took)
    return times


def run(state, library, threads, rounds, folder):
    """-> {"versions", "kernel", "batches": [{"batch", "ms", "difference"}]}"""
    torch.set_num_threads(threads)
    model, _manifest = network.load(state)
    network.export(model, folder / "network.onnx")
    runtime = OnnxRuntime(folder / "network.onnx", threads)
    ours = bench_forward.Ours(torch, library, model, threads, None)
    made = {"versions": {"PyTorch": torch.__version__, "ONNX Runtime": runtime.version, "Python": sys.version.split()[0]},
            "kernel": ours.kernel(), "batches": []}
    with torch.inference_mode():
        for batch, of_rounds in ((1, rounds), (8, max(5, rounds // 3))):
            pixels = torch.rand(batch, 3, 224, 224, generator=torch.Generator().manual_seed(batch))
            runtime.load(pixels, folder)
            frozen = torch.jit.optimize_for_inference(torch.jit.trace(model, pixels))
            contestants = {"inspectd": ours, "PyTorch eager": model, "optimize_for_inference": frozen, "ONNX Runtime": runtime}
            want = model(pixels)
            apart = {name: difference(contestant(pixels), want) for name, contestant in contestants.items()}
            worst = max(apart, key=apart.get)
            assert apart[worst] < TOLERANCE, f"{worst} answers something else: {apart}"
            made["batches"].append({"batch": batch, "ms": measure(contestants, pixels, of_rounds), "difference": apart})
    runtime.stop()
    return made
