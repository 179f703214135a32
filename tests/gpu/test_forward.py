#!/usr/bin/env python3
"""The forward pass on the device under test against PyTorch in float32 on the same device, and against the packed kernels of the
CPU: at every batch size that is served, at sizes between them, with the tails of three products mixed."""
import pathlib
import tempfile
import unittest

import common
import network
import shim
import torch

TAILS = 3


class Forward(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        path = pathlib.Path(cls.folder.name)
        trunk, tails = network.make(path, TAILS)
        cls.trunk_state, cls.tail_states = network.on_device(trunk), [network.on_device(t) for t in tails]
        engine = shim.AUTO if common.CUDA else shim.TORCH
        cls.device = shim.Device(engine, name=common.DEVICE.encode(), batch_max=common.BATCH_MAX)
        cls.packed = shim.Device(shim.PACKED, name=b"cpu")
        cls.trunk, cls.trunk_cpu = cls.device.trunk(path / "trunk"), cls.packed.trunk(path / "trunk")
        cls.tails = [cls.device.tail(path / f"tail{i}") for i in range(TAILS)]
        cls.tails_cpu = [cls.packed.tail(path / f"tail{i}") for i in range(TAILS)]
        cls.precision = shim.precision(cls.trunk)
        cls.limit = common.LIMIT[cls.precision]
        print(f"{cls.device.description}; convolutions in {cls.precision}; limit {cls.limit:g}")

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def check(self, label, got, want):
        probability, cam = network.errors(got, want)
        print(f"  {label:34} probability {probability:.2e}, map {cam:.2e}")
        self.assertLess(probability, self.limit)
        self.assertLess(cam, self.limit)
        return max(probability, cam)

    def test_every_size(self):
        sizes = common.ladder(common.BATCH_MAX)
        sizes += [n for n in (3, 7, 50) if n < common.BATCH_MAX]
        worst = {"PyTorch": 0.0, "packed": 0.0}
        for n in sizes:
            pixels, mix = network.pictures(n, seed=n), [i * 7 % 5 % TAILS for i in range(n)]
            got = shim.score(self.trunk, [self.tails[t] for t in mix], pixels)
            want = network.by_pytorch(self.trunk_state, self.tail_states, mix, pixels)
            worst["PyTorch"] = max(worst["PyTorch"], self.check(f"batch {n}: PyTorch, same device", got, want))
            if n <= 16:
                cpu = shim.score(self.trunk_cpu, [self.tails_cpu[t] for t in mix], pixels)
                worst["packed"] = max(worst["packed"], self.check(f"batch {n}: packed kernels", got, cpu))
        for name, error in worst.items():
            common.figure(f"largest error against {name} ({self.precision})", error)

    def test_padding_changes_nothing(self):
        """An image scored among 3 gives what it gives among 4, where 3 is padded to."""
        pixels = network.pictures(4)
        three = shim.score(self.trunk, [self.tails[0]] * 3, pixels[:3].contiguous())
        four = shim.score(self.trunk, [self.tails[0]] * 4, pixels)
        self.check("3 of 4", three, (four[0][:3], four[1][:3]))

    def test_pictures(self):
        """Bytes that the device transforms, as the daemon posts them: channel order, scale, mean and deviation by image."""
        notebook = shim.Transform(224, 224, False, 1 / 255, (0, 0, 0), (1, 1, 1))
        imagenet = shim.Transform(224, 224, True, 1 / 255, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
        for n in (1, 3, common.BATCH_MAX):
            rgb = (network.pictures(n, seed=9) * 255).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous()
            inputs = [imagenet if i % 3 == 1 else notebook for i in range(n)]
            pixels = rgb.permute(0, 3, 1, 2).float() / 255
            for i in range(1, n, 3):
                mean, std = (torch.tensor(list(v)).reshape(3, 1, 1) for v in (imagenet.mean, imagenet.std))
                pixels[i] = (pixels[i].flip(0) - mean) / std
            tails = [self.tails[i % TAILS] for i in range(n)]
            got = shim.score_pictures(self.trunk, tails, rgb, inputs)
            self.check(f"batch {n}: pictures, pixels", got, shim.score(self.trunk, tails, pixels.contiguous()))

    def test_the_halves_alone(self):
        pixels = network.pictures(5)
        features = shim.trunk_features(self.trunk, pixels)
        got = shim.tail_score(self.tails[1], features)
        want = network.by_pytorch(self.trunk_state, self.tail_states, [1] * 5, pixels)
        self.check("features, then the tail", got, want)


if __name__ == "__main__":
    unittest.main(verbosity=1)
