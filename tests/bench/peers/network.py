"""The network of a state folder in plain PyTorch, from the same files that inspectd serves: trunk, active version, manifest."""
import json
import pathlib
import struct

import torch

# out channels of each convolution of VGG16, "M" for a pool; features.0 to features.29
LAYERS = [64, 64, "M", 128, 128, "M", 256, 256, 256, "M", 512, 512, 512, "M", 512, 512, 512]


class Network(torch.nn.Module):
    """pixels [n,3,224,224] -> probability of an anomaly [n], class activation map [n,14,14]"""

    def __init__(self):
        super().__init__()
        layers, channels = [], 3
        for out in LAYERS:
            if out == "M":
                layers.append(torch.nn.MaxPool2d(2))
            else:
                layers += [torch.nn.Conv2d(channels, out, 3, padding=1), torch.nn.ReLU()]
                channels = out
        self.features, self.classifier = torch.nn.Sequential(*layers), torch.nn.Linear(512, 2)

    def forward(self, pixels):
        deep = self.features(pixels)
        pooled = torch.nn.functional.max_pool2d(deep, 2).mean((2, 3))
        probability = torch.softmax(self.classifier(pooled), 1)[:, 1]
        return probability, (deep * self.classifier.weight[1].view(1, -1, 1, 1)).sum(1)


def read_safetensors(path):
    with open(path, "rb") as file:
        length, = struct.unpack("<Q", file.read(8))
        header, body = json.loads(file.read(length)), bytearray(file.read())
    header.pop("__metadata__", None)
    assert all(entry["dtype"] == "F32" for entry in header.values()), path
    return {name: torch.frombuffer(body[slice(*entry["data_offsets"])], dtype=torch.float32).reshape(entry["shape"]).clone()
            for name, entry in header.items()}


def load(state, product="carpet"):
    """-> (network, manifest) of the product's active version"""
    models = pathlib.Path(state) / "models" / product
    folder = models / json.loads((models / "active.json").read_text())["active"]
    manifest = json.loads((folder / "manifest.json").read_text())
    trunk = pathlib.Path(state) / "trunks" / f"{manifest['trunk']['sha256']}.safetensors"
    network = Network().eval()
    network.load_state_dict({**read_safetensors(trunk), **read_safetensors(folder / "model.safetensors")})
    return network, manifest


def optimised(network):
    """-> the network as torch.jit.optimize_for_inference leaves it: frozen, weights packed for oneDNN"""
    with torch.inference_mode():
        return torch.jit.optimize_for_inference(torch.jit.trace(network, torch.rand(1, 3, 224, 224)))


def export(network, path):
    """Writes the network as ONNX: any batch size, "pixels" -> "probability", "map"."""
    torch.onnx.export(network, torch.rand(2, 3, 224, 224), str(path), opset_version=13, input_names=["pixels"],
                      output_names=["probability", "map"], dynamic_axes={name: {0: "n"} for name in ("pixels", "probability", "map")})
