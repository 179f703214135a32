"""insp_trainer_* against torch.optim.Adam and torch.nn.CrossEntropyLoss(weight=[1, 3]): same initial weights, same
batches, loss by loss; and the same weights, probabilities and predictions at the end."""
import ctypes

import pytest
import torch

import shim

STEPS, BATCH, IMAGES = 30, 10, 50


def initial_tail(path):
    """DESIGN's starting point, written by C and read by this side: both start from the same bytes."""
    buffers = shim.lib.insp_tail_buffers_new()
    shim.lib.insp_tail_init_identity(buffers, ctypes.c_uint64(42), ctypes.c_float(1.0))
    shim.call("insp_tail_write", str(path).encode(), buffers)
    view = shim.lib.insp_tail_buffers_view(buffers)
    return buffers, view, shim.read_safetensors(path)


def data():
    """Sparse non-negative features, as the trunk's; an anomaly has one strong spot in some channels."""
    generator = torch.Generator().manual_seed(5)
    features = torch.relu(torch.randn(IMAGES, 512, 14, 14, generator=generator) - 1)
    labels = (torch.rand(IMAGES, generator=generator) < 0.3).to(torch.uint8)
    for i in torch.nonzero(labels).flatten().tolist():
        y, x = i % 11, i * 5 % 11
        features[i, 100:140, y:y + 3, x:x + 3] += 2
    order = torch.cat([torch.randperm(IMAGES, generator=generator) for _ in range(STEPS * BATCH // IMAGES)])
    return features, labels, order.reshape(STEPS, BATCH)


def by_pytorch(state, features, labels, order):
    state = {name: torch.nn.Parameter(tensor.clone()) for name, tensor in state.items()}
    optimiser = torch.optim.Adam(state.values(), lr=1e-4)
    loss_of = torch.nn.CrossEntropyLoss(weight=torch.tensor([1.0, 3.0]))
    losses, correct = [], []
    for batch in order:
        optimiser.zero_grad()
        logits, _cam = shim.reference_tail(state, features[batch])
        loss = loss_of(logits, labels[batch].long())
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
        correct.append((logits.argmax(1) == labels[batch]).sum().item())
    with torch.no_grad():
        logits, cam = shim.reference_tail(state, features)
    return losses, correct, torch.softmax(logits, 1)[:, 1], cam, {n: p.detach() for n, p in state.items()}


def by_shim(device, view, buffers, features, labels, order):
    trainer = ctypes.c_void_p()
    config = shim.TrainerConfig((1, 3), 1e-4, 0.9, 0.999, 1e-8)
    shim.call("insp_trainer_new", device.handle, ctypes.byref(view), ctypes.byref(config), ctypes.byref(trainer))
    losses, correct = [], []
    for batch in order:
        loss, right = ctypes.c_float(), ctypes.c_size_t()
        part, wanted = features[batch].contiguous(), labels[batch].contiguous()  # named: C borrows their memory
        shim.call("insp_trainer_step", trainer, shim.floats(part), ctypes.c_void_p(wanted.data_ptr()),
                  ctypes.c_size_t(BATCH), ctypes.byref(loss), ctypes.byref(right))
        losses.append(loss.value)
        correct.append(right.value)
    n = len(features)
    probability, cam = torch.empty(n), torch.empty(n, 14, 14)
    shim.call("insp_trainer_score", trainer, shim.floats(features), ctypes.c_size_t(n), shim.floats(probability),
              shim.floats(cam))
    shim.call("insp_trainer_export", trainer, buffers)
    shim.lib.insp_trainer_free(trainer)
    return losses, correct, probability, cam, shim.tail_state(buffers)


@pytest.fixture(scope="module")
def wanted(tmp_path_factory):
    """The data and PyTorch's training on them, once for both engines."""
    torch.set_num_threads(2)
    _buffers, _view, state = initial_tail(tmp_path_factory.mktemp("tail") / "tail")
    features, labels, order = data()
    return features, labels, order, by_pytorch(state, features, labels, order)


@pytest.mark.parametrize("engine", [shim.PACKED, shim.TORCH], ids=["packed", "torch"])
def test_thirty_steps(tmp_path, wanted, engine):
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
