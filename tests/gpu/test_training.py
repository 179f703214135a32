#!/usr/bin/env python3
"""Thirty steps of training on the device under test against torch.optim.Adam on the same device; two runs of ours are equal bit
for bit, because a training's device is opened deterministic."""
import pathlib
import tempfile
import unittest

import common
import network
import shim
import torch
import training_recipe as recipe


class Training(unittest.TestCase):
    def test_fifteen_steps(self):
        device = shim.Device(shim.AUTO if common.CUDA else shim.TORCH, name=common.DEVICE.encode(), deterministic=True)
        with tempfile.TemporaryDirectory() as folder:
            buffers, view, state = recipe.initial_tail(pathlib.Path(folder) / "tail")
            features, labels, order = recipe.data()
            on = network.TORCH_DEVICE
            want = recipe.by_pytorch({n: t.to(on) for n, t in state.items()}, features.to(on), labels.to(on), order.to(on))
            first = recipe.by_shim(device, view, buffers, features, labels, order)
            buffers, view, _state = recipe.initial_tail(pathlib.Path(folder) / "tail")
            again = recipe.by_shim(device, view, buffers, features, labels, order)
        errors = [abs(a - b) / b for a, b in zip(first[0], want[0])]
        common.figure("largest relative error of a loss", max(errors))
        self.assertLess(max(errors), 2e-3 if common.CUDA else 1e-3)
        self.assertLess(want[0][-1], 0.7 * want[0][0])  # it did learn, or agreement proves little
        self.assertTrue(torch.equal(first[2] > 0.5, want[2].cpu() > 0.5))
        self.assertEqual(first[0], again[0])
        for name in first[4]:
            self.assertTrue(torch.equal(first[4][name], again[4][name]), f"two runs differ in {name}")


if __name__ == "__main__":
    unittest.main(verbosity=1)
