"""ctypes view of the C interface (core/compute/device.h, weights.h) for the parity tests, on torch tensors, and a
reader and writer of safetensors that shares nothing with the C one. The network's reference is PyTorch's own operators."""
import ctypes
import json
import os
import struct

import torch
import torch.nn.functional as F

TRUNK = [(0, 3, 64, 0), (2, 64, 64, 1), (5, 64, 128, 0), (7, 128, 128, 1), (10, 128, 256, 0), (12, 256, 256, 0),
         (14, 256, 256, 1), (17, 256, 512, 0), (19, 512, 512, 0), (21, 512, 512, 1)]
TAIL = [24, 26, 28]
AUTO, PACKED, TORCH = range(3)
DTYPES = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}

lib = ctypes.CDLL(os.environ["INSP_PARITY_LIB"])
Floats = ctypes.POINTER(ctypes.c_float)


class Error(ctypes.Structure):
    _fields_ = [("code", ctypes.c_int), ("detail", ctypes.c_char * 512)]


class DeviceConfig(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("threads", ctypes.c_uint), ("engine", ctypes.c_int),
                ("deterministic", ctypes.c_bool), ("batch_max", ctypes.c_size_t)]


class Usage(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("allocated_bytes", "reserved_bytes", "free_bytes", "total_bytes")]


class TrainerConfig(ctypes.Structure):
    _fields_ = [("class_weights", ctypes.c_float * 2), ("learning_rate", ctypes.c_float), ("beta1", ctypes.c_float),
                ("beta2", ctypes.c_float), ("epsilon", ctypes.c_float)]


class Transform(ctypes.Structure):
    _fields_ = [("width", ctypes.c_uint), ("height", ctypes.c_uint), ("bgr", ctypes.c_bool), ("scale", ctypes.c_float),
                ("mean", ctypes.c_float * 3), ("std", ctypes.c_float * 3)]


class Picture(ctypes.Structure):
    _fields_ = [("tail", ctypes.c_void_p), ("rgb", ctypes.c_void_p), ("input", ctypes.POINTER(Transform))]


class TrunkArrays(ctypes.Structure):
    _fields_ = [("weight", Floats * 10), ("bias", Floats * 10)]


class TailBuffers(ctypes.Structure):
    _fields_ = [("conv_weight", Floats * 3), ("conv_bias", Floats * 3), ("classifier_weight", Floats),
                ("classifier_bias", Floats)]


class TrunkWeights(ctypes.Structure):
    _fields_ = [("conv", (Floats * 2) * 10)]


class TailWeights(ctypes.Structure):
    _fields_ = [("conv", (Floats * 2) * 3), ("classifier_weight", Floats), ("classifier_bias", Floats)]


for structure, name in ((DeviceConfig, "insp_device_config"), (TrainerConfig, "insp_trainer_config"),
                        (Usage, "insp_device_usage"), (Transform, "insp_transform"), (Picture, "insp_picture")):
    assert ctypes.sizeof(structure) == ctypes.c_size_t.in_dll(lib, f"insp_parity_{name}").value, f"struct {name} has changed"

lib.insp_trunk_arrays_view.restype = TrunkWeights
lib.insp_tail_buffers_view.restype = TailWeights
lib.insp_tail_buffers_new.restype = ctypes.POINTER(TailBuffers)
lib.insp_device_describe.restype = lib.insp_trunk_precision.restype = ctypes.c_char_p
for name in ("insp_device_describe", "insp_trunk_precision", "insp_device_free", "insp_trunk_free", "insp_tail_free", "insp_trainer_free",
             "insp_trunk_arrays_free", "insp_tail_buffers_free", "insp_trunk_arrays_view", "insp_tail_buffers_view"):
    getattr(lib, name).argtypes = [ctypes.c_void_p]


class Failed(Exception):
    pass


def call(function, *arguments):
    error = Error()
    if getattr(lib, function)(*arguments, ctypes.byref(error)) < 0:
        raise Failed(f"{error.code}: {error.detail.decode()}")


def floats(tensor):
    """The tensor's memory, borrowed: the caller keeps the tensor in a variable during the call."""
    assert tensor.dtype == torch.float32 and tensor.is_contiguous() and tensor.device.type == "cpu"
    return ctypes.cast(tensor.data_ptr(), Floats)


def of_pointer(pointer, *shape):
    """A copy of C's floats."""
    count = 1
    for n in shape:
        count *= n
    address = ctypes.cast(pointer, ctypes.c_void_p).value
    return torch.frombuffer((ctypes.c_float * count).from_address(address), dtype=torch.float32).reshape(shape).clone()


class Device:
    def __init__(self, engine=AUTO, threads=2, name=b"cpu", deterministic=False, batch_max=0):
        self.handle = ctypes.c_void_p()
        config = DeviceConfig(name, threads, engine, deterministic, batch_max)
        call("insp_device_open", ctypes.byref(config), ctypes.byref(self.handle))
        self.description = lib.insp_device_describe(self.handle).decode()

    def trunk(self, path):
        arrays, handle = ctypes.c_void_p(), ctypes.c_void_p()
        call("insp_trunk_read", str(path).encode(), ctypes.byref(arrays))
        view = lib.insp_trunk_arrays_view(arrays)
        call("insp_trunk_load", self.handle, ctypes.byref(view), ctypes.byref(handle))
        lib.insp_trunk_arrays_free(arrays)
        return handle

    def tail(self, path):
        buffers, handle = ctypes.c_void_p(), ctypes.c_void_p()
        call("insp_tail_read", str(path).encode(), ctypes.byref(buffers))
        view = lib.insp_tail_buffers_view(buffers)
        call("insp_tail_load", self.handle, ctypes.byref(view), ctypes.byref(handle))
        lib.insp_tail_buffers_free(buffers)
        return handle


def memory(device):
    usage = Usage()
    call("insp_device_memory", device.handle, ctypes.byref(usage))
    return usage


def free(trunk, tails, device):
    lib.insp_trunk_free(trunk)
    for tail in tails:
        lib.insp_tail_free(tail)
    lib.insp_device_free(device.handle)


def precision(trunk):
    """The type that the convolutions compute in: float32, float16 or bfloat16."""
    return lib.insp_trunk_precision(trunk).decode()


def score(trunk, tails, pixels):
    n = len(pixels)
    probability, cam = torch.empty(n), torch.empty(n, 14, 14)
    handles = (ctypes.c_void_p * n)(*[t.value for t in tails])
    call("insp_score", trunk, handles, floats(pixels), ctypes.c_size_t(n), floats(probability), floats(cam))
    return probability, cam


def score_pictures(trunk, tails, rgb, inputs):
    """rgb: uint8 [n,224,224,3]; inputs: [n] Transform. As score() on the transformed pixels."""
    n = len(rgb)
    probability, cam = torch.empty(n), torch.empty(n, 14, 14)
    pictures = (Picture * n)(*[Picture(tails[i], rgb[i].data_ptr(), ctypes.pointer(inputs[i])) for i in range(n)])
    call("insp_score_pictures", trunk, pictures, ctypes.c_size_t(n), floats(probability), floats(cam))
    return probability, cam


def trunk_features(trunk, pixels):
    features = torch.empty(len(pixels), 512, 14, 14)
    call("insp_trunk_features", trunk, floats(pixels), ctypes.c_size_t(len(pixels)), floats(features))
    return features


def score_taps(trunk, tails, pixels):
    n = len(pixels)
    probability, cam, taps = torch.empty(n), torch.empty(n, 14, 14), torch.empty(n, 28, 28, 448)
    handles = (ctypes.c_void_p * n)(*[t.value for t in tails])
    call("insp_score_taps", trunk, handles, floats(pixels), ctypes.c_size_t(n), floats(probability), floats(cam), floats(taps))
    return probability, cam, taps


def trunk_taps(trunk, pixels):
    taps = torch.empty(len(pixels), 28, 28, 448)
    call("insp_trunk_taps", trunk, floats(pixels), ctypes.c_size_t(len(pixels)), None, floats(taps))
    return taps


def tail_score(tail, features):
    n = len(features)
    probability, cam = torch.empty(n), torch.empty(n, 14, 14)
    call("insp_tail_score", tail, floats(features), ctypes.c_size_t(n), floats(probability), floats(cam))
    return probability, cam


# --- the same in PyTorch ---

def reference_trunk(state, x):
    for index, _in, _out, pool in TRUNK:
        x = F.relu(F.conv2d(x, state[f"features.{index}.weight"], state[f"features.{index}.bias"], padding=1))
        x = F.max_pool2d(x, 2) if pool else x
    return x


def reference_taps(state, x):
    """The outputs of pools 1 to 3, each mean-pooled to 28x28 -> [n,28,28,448]"""
    taps = []
    for index, _in, _out, pool in TRUNK[:7]:
        x = F.relu(F.conv2d(x, state[f"features.{index}.weight"], state[f"features.{index}.bias"], padding=1))
        if pool:
            x = F.max_pool2d(x, 2)
            taps.append(F.adaptive_avg_pool2d(x, 28))
    return torch.cat(taps, 1).permute(0, 2, 3, 1).contiguous()


def reference_tail(state, x):
    """-> logits [n,2], map [n,14,14]"""
    for index in TAIL:
        x = F.relu(F.conv2d(x, state[f"features.{index}.weight"], state[f"features.{index}.bias"], padding=1))
    pooled = F.avg_pool2d(F.max_pool2d(x, 2), 7).flatten(1)
    cam = torch.einsum("k,nkyx->nyx", state["classifier.weight"][1], x)
    return F.linear(pooled, state["classifier.weight"], state["classifier.bias"]), cam


# --- weights ---

def random_trunk(seed):
    """He initialisation: activations keep their size through the layers."""
    generator = torch.Generator().manual_seed(seed)
    state = {}
    for index, inputs, outputs, _pool in TRUNK:
        state[f"features.{index}.weight"] = torch.randn(outputs, inputs, 3, 3, generator=generator) * (2 / 9 / inputs) ** 0.5
        state[f"features.{index}.bias"] = torch.randn(outputs, generator=generator) * 0.05
    return state


def random_tail(seed):
    generator = torch.Generator().manual_seed(seed)
    state = {}
    for index in TAIL:
        state[f"features.{index}.weight"] = torch.randn(512, 512, 3, 3, generator=generator) * (2 / 9 / 512) ** 0.5
        state[f"features.{index}.bias"] = torch.randn(512, generator=generator) * 0.05
    state["classifier.weight"] = torch.randn(2, 512, generator=generator) * 512 ** -0.5
    state["classifier.bias"] = torch.randn(2, generator=generator) * 0.05
    return state


def write_safetensors(path, state):
    header, body, offset = {}, [], 0
    for name, tensor in state.items():
        tensor = tensor.contiguous()
        data = ctypes.string_at(tensor.data_ptr(), tensor.numel() * tensor.element_size())
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [offset, offset + len(data)]}
        body.append(data)
        offset += len(data)
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(body))


def read_safetensors(path):
    with open(path, "rb") as file:
        length, = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        body = bytearray(file.read())
    return {
        name: torch.frombuffer(body[slice(*entry["data_offsets"])], dtype=DTYPES[entry["dtype"]]).reshape(entry["shape"])
        for name, entry in header.items() if name != "__metadata__"
    }


def read_trunk(path):
    """By the C reader -> torchvision's names."""
    arrays = ctypes.POINTER(TrunkArrays)()
    call("insp_trunk_read", str(path).encode(), ctypes.byref(arrays))
    state = {}
    for i, (index, inputs, outputs, _pool) in enumerate(TRUNK):
        state[f"features.{index}.weight"] = of_pointer(arrays.contents.weight[i], outputs, inputs, 3, 3)
        state[f"features.{index}.bias"] = of_pointer(arrays.contents.bias[i], outputs)
    lib.insp_trunk_arrays_free(arrays)
    return state


def tail_state(buffers):
    state = {}
    for i, index in enumerate(TAIL):
        state[f"features.{index}.weight"] = of_pointer(buffers.contents.conv_weight[i], 512, 512, 3, 3)
        state[f"features.{index}.bias"] = of_pointer(buffers.contents.conv_bias[i], 512)
    state["classifier.weight"] = of_pointer(buffers.contents.classifier_weight, 2, 512)
    state["classifier.bias"] = of_pointer(buffers.contents.classifier_bias, 2)
    return state


def read_tail(path):
    buffers = ctypes.POINTER(TailBuffers)()
    call("insp_tail_read", str(path).encode(), ctypes.byref(buffers))
    state = tail_state(buffers)
    lib.insp_tail_buffers_free(buffers)
    return state
