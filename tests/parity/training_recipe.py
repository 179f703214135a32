"""One training on synthetic features, by PyTorch and by the C interface: same initial weights, same batches. What
test_training.py and tests/gpu compare."""
import ctypes

import torch

import shim

STEPS, BATCH, IMAGES = 15, 3, 9


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
    loss_of = torch.nn.CrossEntropyLoss(weight=torch.tensor([1.0, 3.0], device=features.device))
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
    shim.call("insp_trainer_export", trainer, buffers)
    shim.lib.insp_trainer_free(trainer)
    tail, exported = ctypes.c_void_p(), shim.lib.insp_tail_buffers_view(buffers)
    shim.call("insp_tail_load", device.handle, ctypes.byref(exported), ctypes.byref(tail))
    probability, cam = shim.tail_score(tail, features)
    shim.lib.insp_tail_free(tail)
    return losses, correct, probability, cam, shim.tail_state(buffers)
