#!/usr/bin/env python3
"""Devices as inspectd opens and uses them: names, absent devices, out of memory, memory that stays flat, threads, and a training
beside that changes nothing. On the CPU (rehearsal) what only a GPU has is passed over, and said."""
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import common
import network
import shim
import torch

PASSES = 30 if common.QUICK else 2000
SETTLED = PASSES // 10
TAILS = 3
NO_CUDA = "inspectd was built with libtorch .* for CPU only"

# Opens a device and prints its description, in a process that sees no GPU
ALONE = """
import sys
sys.path.insert(0, sys.argv[1])
import shim
try:
    print(shim.Device(name=sys.argv[2].encode()).description)
except shim.Failed as failed:
    print("refused", failed)
"""


def open_device(name=common.DEVICE, **more):
    return shim.Device(shim.AUTO if common.CUDA else shim.TORCH, name=name.encode(), **{"batch_max": common.BATCH_MAX, **more})


def resident_bytes():
    return int(pathlib.Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


def without_gpu(name):
    command = [sys.executable, "-c", ALONE, str(common.HERE.parent / "parity"), name]
    result = subprocess.run(command, capture_output=True, text=True, timeout=100, env={**os.environ, "CUDA_VISIBLE_DEVICES": ""})
    assert result.returncode == 0, result.stderr
    return result.stdout


class Names(unittest.TestCase):
    def refused(self, name):
        with self.assertRaises(shim.Failed) as caught:
            open_device(name)
        return str(caught.exception)

    def test_unknown_names_are_refused(self):
        for name in ("", "gpu", "cuda:", "cuda:-1", "cuda:0x", "CUDA"):
            self.assertRegex(self.refused(name), r"auto, cpu, cuda.* cuda:N")

    def test_a_number_that_is_not_there(self):
        said = self.refused("cuda:77")
        self.assertIn("cuda:77", said)
        self.assertRegex(said, r"this machine has \d+ CUDA device" if common.CUDA else NO_CUDA)

    def test_auto_takes_what_works(self):
        said = open_device("auto").description
        print("auto:", said)
        self.assertTrue(said.startswith("cuda:0 (" if common.CUDA else "cpu, "), said)
        if not common.CUDA:
            self.assertIn("auto: no CUDA: ", said)

    def test_no_gpu_is_visible(self):
        said = without_gpu("cuda")
        print("cuda without a GPU:", said.strip())
        self.assertRegex(said, "^refused .*device cuda cannot be used: ")
        said = without_gpu("auto")
        print("auto without a GPU:", said.strip())
        self.assertRegex(said, r"^cpu, .*\(auto: no CUDA: .+\)")


class Scoring(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.path = pathlib.Path(cls.folder.name)
        network.make(cls.path, TAILS)
        began = time.monotonic()
        cls.device = open_device()
        cls.trunk = cls.device.trunk(cls.path / "trunk")
        cls.tails = [cls.device.tail(cls.path / f"tail{i}") for i in range(TAILS)]
        common.figure("open, load and warm", round(time.monotonic() - began, 2), "s")
        cls.pixels = network.pictures(common.BATCH_MAX)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def score(self, n, first=0, device=None):
        trunk, tails = device or (self.trunk, self.tails)
        return shim.score(trunk, [tails[(first + i) % TAILS] for i in range(n)], self.pixels[:n].contiguous())

    def device_bytes(self):
        usage = shim.memory(self.device)
        return usage.allocated_bytes, usage.reserved_bytes

    def test_two_names_of_one_device(self):
        other = open_device("cuda:0" if common.CUDA else "auto")
        trunk = other.trunk(self.path / "trunk")
        tails = [other.tail(self.path / f"tail{i}") for i in range(TAILS)]
        limit = common.LIMIT[shim.precision(self.trunk)]
        probability, cam = network.errors(self.score(3, device=(trunk, tails)), self.score(3))
        self.assertLess(max(probability, cam), limit)
        shim.free(trunk, tails, other)

    def test_memory_stays_flat(self):
        """Over thousands of passes of changing sizes and products, on the device and in the process."""
        sizes = [1, 2, 3, 5, 8] if common.QUICK else [1, 2, 3, 4, 7, 8, 13, 16, 31, 32, 50, 64]
        marks = []
        began = time.monotonic()
        for i in range(PASSES):
            self.score(sizes[i % len(sizes)], first=i)
            if i >= SETTLED:
                marks.append((*self.device_bytes(), resident_bytes()))
        part = max(1, len(marks) // 5)
        first, last = ([max(m[k] for m in marks[part_]) for k in range(3)] for part_ in (slice(part), slice(-part, None)))
        print(f"{PASSES} passes in {time.monotonic() - began:.1f} s; allocated, reserved, resident MB: "
              f"{[round(v / 1e6, 1) for v in first]} -> {[round(v / 1e6, 1) for v in last]}")
        common.figure("device memory reserved", last[1])
        self.assertLessEqual(last[0], first[0])
        self.assertLessEqual(last[1], first[1])
        self.assertLess(last[2], first[2] * 1.02 + 4e6)

    def test_changing_models_leaves_nothing_behind(self):
        rounds, marks = (6 if common.QUICK else 60), []
        for _ in range(rounds):
            tail = self.device.tail(self.path / "tail0")
            shim.score(self.trunk, [tail], self.pixels[:1].contiguous())
            shim.lib.insp_tail_free(tail)
            marks.append((*self.device_bytes(), resident_bytes()))
        self.assertLessEqual(marks[-1][0], marks[1][0])
        self.assertLess(marks[-1][2], marks[rounds // 3][2] * 1.05 + 4e6)

    def test_threads_score_at_once(self):
        wanted, got = self.score(2), [[], []]

        def often(k):
            for _ in range(4):
                got[k].append(self.score(2))

        threads = [threading.Thread(target=often, args=(k,)) for k in range(2)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        limit = common.LIMIT[shim.precision(self.trunk)]
        for answers in got:
            self.assertEqual(len(answers), 4)
            for answer in answers:
                self.assertLess(max(network.errors(answer, wanted)), limit)

    def test_a_training_device_changes_nothing(self):
        """Determinism is asked for by the training's device; a scoring pass beside it answers the same, as fast as before."""
        wanted = self.score(4)
        training = open_device(deterministic=True)
        trunk = training.trunk(self.path / "trunk")
        got = self.score(4)
        self.assertTrue(torch.equal(wanted[0], got[0]) and torch.equal(wanted[1], got[1]))
        shim.free(trunk, [], training)

    @unittest.skipUnless(common.CUDA, "rehearsal: the CPU has no allocator of its own that could be limited")
    def test_out_of_memory_splits_the_batch(self):
        wanted = self.score(common.BATCH_MAX)
        torch.cuda.empty_cache()
        total, used = torch.cuda.get_device_properties(network.TORCH_DEVICE).total_memory, self.device_bytes()[1]
        small = open_device(batch_max=common.BATCH_MAX)
        try:
            torch.cuda.set_per_process_memory_fraction(min(1.0, (used + (700 << 20)) / total), network.TORCH_DEVICE)
            trunk, tails = small.trunk(self.path / "trunk"), [small.tail(self.path / f"tail{i}") for i in range(TAILS)]
            got = self.score(common.BATCH_MAX, device=(trunk, tails))
        finally:
            torch.cuda.set_per_process_memory_fraction(1.0, network.TORCH_DEVICE)
        self.assertLess(max(network.errors(got, wanted)), common.LIMIT[shim.precision(self.trunk)])
        shim.free(trunk, tails, small)

    @unittest.skipUnless(common.CUDA, "rehearsal: the CPU has no allocator of its own that could be limited")
    def test_no_memory_at_all_is_named(self):
        hog = []
        used = self.device_bytes()[1]
        total = torch.cuda.get_device_properties(network.TORCH_DEVICE).total_memory
        torch.cuda.set_per_process_memory_fraction(min(1.0, used / total), network.TORCH_DEVICE)
        try:
            with self.assertRaises(torch.cuda.OutOfMemoryError):
                while True:
                    hog.append(torch.empty(1 << 20, dtype=torch.uint8, device=network.TORCH_DEVICE))
            with self.assertRaises(shim.Failed) as caught:
                for i in range(20):  # a tail's weights are 14 MB at least: they do not fit
                    self.device.tail(self.path / "tail0")
        finally:
            torch.cuda.set_per_process_memory_fraction(1.0, network.TORCH_DEVICE)
            hog.clear()
            torch.cuda.empty_cache()
        print("without memory:", caught.exception)
        self.assertRegex(str(caught.exception), re.compile("memory", re.I))
        self.score(2)  # and afterwards it goes on


if __name__ == "__main__":
    unittest.main(verbosity=2)
