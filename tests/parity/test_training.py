"""insp_trainer_* against torch.optim.Adam and torch.nn.CrossEntropyLoss(weight=[1, 3]): same initial weights, same
batches, loss by loss; and the same weights, probabilities and predictions at the end."""
import pytest
import torch

import shim
from training_recipe import STEPS, by_pytorch, by_shim, data, initial_tail


@pytest.fixture(scope="module")
def wanted(tmp_path_factory):
    """The data and PyTorch's training on them, once for both engines."""
    torch.set_num_threads(2)
    _buffers, _view, state = initial_tail(tmp_path_factory.mktemp("tail") / "tail")
    features, labels, order = data()
    return features, labels, order, by_pytorch(state, features, labels, order)


@pytest.mark.parametrize("engine", [shim.PACKED, shim.TORCH], ids=["packed", "torch"])
def test_fifteen_steps(tmp_path, wanted, engine):
    features, labels, order, want = wanted
    buffers, view, state = initial_tail(tmp_path / "tail")
    got = by_shim(shim.Device(engine), view, buffers, features, labels, order)

    errors = [abs(a - b) / b for a, b in zip(got[0], want[0])]
    moved = max((want[4][n] - state[n]).abs().max().item() for n in state)
    apart = max((want[4][n] - got[4][n]).abs().max().item() for n in state)
    print(f"loss {want[0][0]:.4f} -> {want[0][-1]:.4f} in {STEPS} steps; largest relative error of a loss {max(errors):.2e}, "
          f"of a probability {((got[2] - want[2]).abs() / want[2]).max():.2e}; weights moved by {moved:.2e}, apart {apart:.2e}")
    assert max(errors) < 1e-3
    assert want[0][-1] < 0.7 * want[0][0]  # it did learn, or agreement proves little
    assert got[1] == want[1]
    assert torch.equal(got[2] > 0.5, want[2] > 0.5)
    assert ((got[2] - want[2]).abs() / want[2]).max() < 1e-2
    assert (got[3] - want[3]).abs().max() < 1e-2 * want[3].abs().max()
