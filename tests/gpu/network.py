"""Networks and pictures for the GPU check, and PyTorch's answers in float32 on the device under test."""
import torch

import common
import shim

torch.backends.cuda.matmul.allow_tf32 = False
torch.backends.cudnn.allow_tf32 = False
TORCH_DEVICE = torch.device(common.DEVICE if ":" in common.DEVICE else "cuda:0") if common.CUDA else torch.device("cpu")


def pictures(n, seed=1):
    """Textures with a dark spot that differs from one to the next, and noise; float32 [n,3,224,224] of 0..1."""
    generator = torch.Generator().manual_seed(seed)
    y, x = torch.meshgrid(torch.arange(224.0), torch.arange(224.0), indexing="ij")
    weave = 0.5 + 0.2 * torch.sin(x / 3) * torch.sin(y / 4)
    images = weave.repeat(n, 3, 1, 1) * torch.tensor([1.0, 0.9, 0.7]).reshape(1, 3, 1, 1)
    images += 0.1 * torch.rand(n, 3, 224, 224, generator=generator)
    for i in range(n):
        images[i, :, 20 * (i % 8) + 10:20 * (i % 8) + 40, 15 * (i // 8 % 8) + 40:15 * (i // 8 % 8) + 75] *= 0.3
    return images.clamp(0, 1).contiguous()


def make(folder, tails=3):
    """Writes a trunk and tails as safetensors -> (trunk's state, tails' states). The tails' answers keep away from 0 and 1."""
    trunk, states = shim.random_trunk(1), [shim.random_tail(2 + i) for i in range(tails)]
    features = shim.reference_trunk(trunk, pictures(4))
    for state in states:
        logits, _cam = shim.reference_tail(state, features)
        spread = (logits[:, 1] - logits[:, 0]).abs().max()
        state["classifier.weight"] *= 2 / spread
        state["classifier.bias"] *= 2 / spread
    shim.write_safetensors(folder / "trunk", trunk)
    for i, state in enumerate(states):
        shim.write_safetensors(folder / f"tail{i}", state)
    return trunk, states


def on_device(state):
    return {name: tensor.to(TORCH_DEVICE) for name, tensor in state.items()}


def by_pytorch(trunk, tails, mix, pixels):
    """-> (probability [n], map [n,14,14]) in float32 on the device under test, in pieces of 8."""
    probability, cam = [], []
    with torch.no_grad():
        for at in range(0, len(pixels), 8):
            features = shim.reference_trunk(trunk, pixels[at:at + 8].to(TORCH_DEVICE))
            both = [shim.reference_tail(state, features) for state in tails]
            for i, t in enumerate(mix[at:at + 8]):
                probability.append(torch.softmax(both[t][0][i], 0)[1].cpu())
                cam.append(both[t][1][i].cpu())
    return torch.stack(probability), torch.stack(cam)


def errors(got, want):
    """-> (largest difference of a probability, of a map as a share of its largest magnitude)"""
    return ((got[0] - want[0]).abs().max().item(),
            ((got[1] - want[1]).abs().amax((1, 2)) / want[1].abs().amax((1, 2))).max().item())
