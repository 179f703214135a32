"""core/model/convert_pth.py on files that PyTorch itself wrote, and on hostile ones."""
import collections
import copyreg
import io
import os
import pickle
import struct
import subprocess
import sys

import pytest
import torch

import shim

SCRIPT = os.path.join(os.path.dirname(__file__), "../../core/model/convert_pth.py")
CONVS = [(0, 3, 64), (2, 64, 64), (5, 64, 128), (7, 128, 128), (10, 128, 256), (12, 256, 256), (14, 256, 256),
         (17, 256, 512), (19, 512, 512), (21, 512, 512), (24, 512, 512), (26, 512, 512), (28, 512, 512)]


def convert(source, target, *options):
    return subprocess.run([sys.executable, SCRIPT, str(source), str(target), *options], capture_output=True, text=True,
                          timeout=120)


def vgg(prefix, dtype=torch.float32):
    torch.manual_seed(3)
    state = collections.OrderedDict()
    for index, inputs, outputs in CONVS:
        state[f"{prefix}.{index}.weight"] = torch.randn(outputs, inputs, 3, 3).mul(0.02).to(dtype)
        state[f"{prefix}.{index}.bias"] = torch.randn(outputs).mul(0.02).to(dtype)
    return state


def torchvision_state(dtype=torch.float32):
    state = vgg("features", dtype)
    for index, inputs, outputs in [(0, 64, 16), (3, 16, 16), (6, 16, 10)]:  # narrow stand-ins for the 4096 wide layers
        state[f"classifier.{index}.weight"] = torch.randn(outputs, inputs).to(dtype)
        state[f"classifier.{index}.bias"] = torch.randn(outputs).to(dtype)
    state._metadata = collections.OrderedDict([("", {"version": 1})])
    return state


def notebook_state():
    state = vgg("feature_extractor")
    state["classification_head.3.weight"] = torch.randn(2, 512)
    state["classification_head.3.bias"] = torch.nn.Parameter(torch.randn(2))
    return state


def same(path, state):
    kept = {n: t for n, t in state.items() if not n.startswith("classifier.")}
    got = shim.read_safetensors(path)
    assert set(got) == set(kept)
    for name, tensor in kept.items():
        assert torch.equal(got[name], tensor.detach()), name


@pytest.mark.parametrize("new_format", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_torchvision(tmp_path, new_format, dtype):
    source, target = tmp_path / "vgg.pth", tmp_path / "vgg.safetensors"
    state = torchvision_state(dtype)
    torch.save(state, source, _use_new_zipfile_serialization=new_format)
    result = convert(source, target)
    assert result.returncode == 0, result.stderr
    same(target, state)
    trunk = shim.read_trunk(target)  # and the daemon's own reader takes it
    assert torch.equal(trunk["features.21.weight"], state["features.21.weight"].float())


@pytest.mark.parametrize("new_format", [False, True])
def test_notebook(tmp_path, new_format):
    source, target = tmp_path / "model.pth", tmp_path / "model.safetensors"
    state = notebook_state()
    torch.save(state, source, _use_new_zipfile_serialization=new_format)
    result = convert(source, target)
    assert result.returncode == 0, result.stderr
    same(target, state)
    tail = shim.read_tail(target)
    assert torch.equal(tail["classifier.bias"], state["classification_head.3.bias"].detach())


class OldTensor:
    """Pickled as PyTorch 0.1 did: a function of four arguments, without hooks."""

    def __init__(self, storage, tensor):
        self.arguments = storage, 0, tuple(tensor.shape), tensor.stride()

    def __reduce_ex__(self, _protocol):
        return torch._utils._rebuild_tensor, self.arguments


class OldParameter:
    """Pickled as PyTorch 0.1 did: an empty parameter, then its state; later on its tensor, then the rest of its state."""
    __class__ = torch.nn.Parameter  # the pickler compares it

    def __init__(self, tensor, later):
        self.tensor, self.later = tensor, later

    def __reduce_ex__(self, _protocol):
        if self.later:
            return torch.nn.Parameter, (self.tensor,), (True, False, collections.OrderedDict())
        state = self.tensor, None, collections.OrderedDict(), True, False  # data, grad, hooks, requires_grad, volatile
        return copyreg.__newobj__, (torch.nn.Parameter,), state


class OldStorage:
    def __init__(self, key, elements):
        self.key, self.elements = key, elements


class OldPickler(pickle._Pickler):
    def persistent_id(self, obj):
        if type(obj) is OldStorage:
            return "storage", torch.FloatStorage, obj.key, "cpu", obj.elements, None
        return None


def save_as_0_1(state, path, parameters):
    """torch.save of PyTorch 0.1, by which torchvision's vgg16-397923af.pth was written."""
    out, storages, old = io.BytesIO(), {}, collections.OrderedDict()
    for name, tensor in state.items():
        storage = OldStorage(str(94000000000000 + len(storages)), tensor.numel())
        storages[storage.key] = tensor
        old[name] = OldTensor(storage, tensor)
        if parameters:
            old[name] = OldParameter(old[name], parameters == "later")
    system = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
    for part in 0x1950A86A20F9469CFC6C, 1001, system, old, sorted(storages):
        OldPickler(out, 2).dump(part)
    for key in sorted(storages):
        out.write(struct.pack("<q", storages[key].numel()) + storages[key].numpy().tobytes())
    path.write_bytes(out.getvalue())


@pytest.mark.parametrize("parameters", [None, "first", "later"])
def test_the_format_of_pytorch_0_1(tmp_path, parameters):
    source, target = tmp_path / "vgg.pth", tmp_path / "vgg.safetensors"
    state = torchvision_state()
    save_as_0_1(state, source, parameters)
    for name, tensor in torch.load(source).items():  # PyTorch itself reads it, so it is no invention
        assert torch.equal(tensor, state[name]) and isinstance(tensor, torch.nn.Parameter) == bool(parameters)
    result = convert(source, target)
    assert result.returncode == 0, result.stderr
    same(target, state)


def test_hash(tmp_path):
    source, target = tmp_path / "m.pth", tmp_path / "m.safetensors"
    torch.save({"features.0.bias": torch.zeros(4)}, source, _use_new_zipfile_serialization=False)
    right = subprocess.run(["sha256sum", source], capture_output=True, text=True, check=True).stdout[:8]
    assert convert(source, target, "--sha256-prefix", "397923af").returncode == 1
    assert not target.exists()
    result = convert(source, target, "--sha256-prefix", right)
    assert result.returncode == 0 and right in result.stdout


class Attack:
    def __init__(self, flag):
        self.flag = str(flag)

    def __reduce__(self):
        return os.system, (f"touch {self.flag}",)


@pytest.mark.parametrize("new_format", [False, True])
def test_attack_is_refused_and_not_executed(tmp_path, new_format):
    source, target, flag = tmp_path / "evil.pth", tmp_path / "evil.safetensors", tmp_path / "executed"
    state = {"features.0.bias": torch.zeros(4), "features.0.weight": Attack(flag)}
    torch.save(state, source, _use_new_zipfile_serialization=new_format)
    result = convert(source, target)
    assert result.returncode == 1 and "posix.system" in result.stderr, result.stderr
    assert not target.exists() and not flag.exists()
    torch.load(source)  # the same file does execute in PyTorch: the attack is a real one
    assert flag.exists()


@pytest.mark.parametrize("protocol", range(6))
def test_attack_by_every_protocol(tmp_path, protocol):
    source, flag = tmp_path / "evil.pth", tmp_path / "executed"
    source.write_bytes(pickle.dumps(Attack(flag), protocol))
    result = convert(source, tmp_path / "out")
    assert result.returncode == 1 and "Traceback" not in result.stderr, result.stderr
    assert not flag.exists()


def test_truncated_and_corrupt(tmp_path):
    source, target = tmp_path / "m.pth", tmp_path / "m.safetensors"
    for new_format in (False, True):
        torch.save({"features.0.bias": torch.arange(64.0)}, source, _use_new_zipfile_serialization=new_format)
        whole = source.read_bytes()
        for part in range(16):
            source.write_bytes(whole[:len(whole) * part // 16])
            result = convert(source, target)
            assert result.returncode == 1 and "Traceback" not in result.stderr, (part, result.stderr)
        assert not target.exists()


def test_view_outside_its_storage(tmp_path):
    source = tmp_path / "m.pth"
    torch.save({"features.0.bias": torch.zeros(1000)}, source, _use_new_zipfile_serialization=False)
    data = source.read_bytes()
    shape = b"M" + struct.pack("<H", 1000)
    assert data.count(shape) == 2  # the storage's elements, then the shape
    at = data.rindex(shape)
    source.write_bytes(data[:at] + b"M" + struct.pack("<H", 2000) + data[at + 3:])
    result = convert(source, tmp_path / "out")
    assert result.returncode == 1 and "outside its storage" in result.stderr, result.stderr


def test_other_contents(tmp_path):
    source = tmp_path / "m.pth"
    for content, why in [({"a": torch.zeros(1)}, "no tensor is named"), ([1, 2], "no state_dict"),
                         ({"features.0.bias": torch.zeros(2, dtype=torch.int64)}, "LongStorage"),
                         ({"features.0.weight": torch.zeros(2, 3).t()}, "row-major"),
                         ({"features.0.bias": "text"}, "is no tensor")]:
        torch.save(content, source, _use_new_zipfile_serialization=False)
        result = convert(source, tmp_path / "out")
        assert result.returncode == 1 and why in result.stderr, (why, result.stderr)
