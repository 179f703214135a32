#!/usr/bin/env python3
"""Turns a PyTorch weight file into safetensors without executing anything found in it.

    convert_pth.py vgg16-397923af.pth vgg16.safetensors --sha256-prefix 397923af

Reads torch.save's old format (a sequence of pickles and raw storages: torchvision's vgg16-397923af.pth, with the tensors
and parameters of PyTorch 0.1), its zip format (since PyTorch 1.6), and state_dicts of torchvision's VGG16 or of the
notebook's CustomVGG. Keeps features.*, or
feature_extractor.* and classification_head.3.*; torchvision's own classifier (1000 ImageNet classes) stays out.

A pickle is a program. Here it is never run: pickletools.genops only reads its opcodes, and a small machine below
knows the few that a state_dict needs. It can name eight things (CALLABLES and STORAGES); a pickle that
names any other is refused with that name. Needs nothing but Python's standard library (3.8 or newer).
"""
import argparse
import collections
import hashlib
import io
import json
import os
import pickletools
import struct
import sys
import tempfile
import zipfile

# Storage class -> (safetensors' dtype, bytes per element)
STORAGES = {
    "torch FloatStorage": ("F32", 4),
    "torch HalfStorage": ("F16", 2),
    "torch BFloat16Storage": ("BF16", 2),
}
OLD_MAGIC = 0x1950A86A20F9469CFC6C
OLD_PROTOCOL = 1001
KEPT = ("features.", "feature_extractor.", "classification_head.3.")
BYTES_MAX = 4 << 30  # of a file: VGG16 has 0.55 GB


class Refused(Exception):
    """The file is not what this script reads; the text says why."""


class Storage:
    """Raw elements that tensors are views of."""

    def __init__(self, kind, key, elements):
        if kind not in STORAGES:
            raise Refused(f"storage {key!r} is of type {kind!r}, not one of {', '.join(STORAGES)}")
        self.dtype, self.item = STORAGES[kind]
        self.key = key
        self.elements = natural(elements, "a storage's size")
        self.data = None


class Tensor:
    """A view: offset, shape and strides in elements of a storage."""

    def __init__(self, storage, offset, shape, stride, *_hooks):
        if not isinstance(storage, Storage) or not isinstance(shape, tuple) or not isinstance(stride, tuple):
            raise Refused("a tensor that is not made of a storage, a shape and strides")
        if len(shape) != len(stride) or len(shape) > 8:
            raise Refused(f"a tensor of {len(shape)} dimensions with {len(stride)} strides")
        self.storage = storage
        self.offset = natural(offset, "a tensor's offset")
        self.shape = [natural(n, "a dimension") for n in shape]
        self.stride = [natural(n, "a stride") for n in stride]

    def contiguous(self):
        """The elements' bytes in row-major order."""
        expected, step = [], 1
        for n in reversed(self.shape):
            expected.insert(0, step)
            step *= n
        last = self.offset + sum((n - 1) * s for n, s in zip(self.shape, self.stride))
        if 0 not in self.shape and last >= self.storage.elements:
            raise Refused(f"a tensor of shape {self.shape} lies outside its storage")
        if any(s != e for s, e, n in zip(self.stride, expected, self.shape) if n != 1):
            raise Refused(f"a tensor of shape {self.shape} is not stored in row-major order (strides {self.stride})")
        item = self.storage.item
        return self.storage.data[self.offset * item:(self.offset + step) * item]


class Parameter:
    """A parameter as PyTorch wrote it before 0.4: made of its tensor, or empty and then given a state with the tensor."""

    def __init__(self, *arguments):
        self.tensor = arguments[0] if arguments else None

    def set_state(self, state):
        if self.tensor is not None:
            return  # flags and hooks
        if not isinstance(state, tuple) or not state:
            raise Refused("a parameter whose state is not that of PyTorch before 0.4")
        self.tensor = state[0]


def natural(value, what):
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << 48:
        raise Refused(f"{what} is {value!r}")
    return value


# What a pickle may call, with arguments checked by the machine's own classes: never the real things.
CALLABLES = {
    "collections OrderedDict": lambda *items: collections.OrderedDict(*items),
    "torch._utils _rebuild_tensor": Tensor,  # before 0.4
    "torch._utils _rebuild_tensor_v2": Tensor,
    "torch.nn.parameter Parameter": Parameter,
    "torch._utils _rebuild_parameter": lambda tensor, *_rest: tensor,
}


class Named:
    """A name that the pickle pushed: a key of CALLABLES or STORAGES."""

    def __init__(self, name):
        if name not in CALLABLES and name not in STORAGES:
            raise Refused(f"the file asks for \"{name.replace(' ', '.')}\"; only a state_dict's parts are allowed")
        self.name = name


MARK = object()


class Machine:
    """Walks one pickle's opcodes. `load_storage(persistent id)` answers for storages."""

    def __init__(self, load_storage):
        self.load_storage = load_storage
        self.stack = []
        self.memo = {}

    def run(self, stream):
        """Consumes one pickle from the stream and returns its value."""
        for opcode, argument, _position in pickletools.genops(stream):
            step = getattr(self, "do_" + opcode.name.lower(), None)
            if opcode.name in CONSTANTS:
                self.stack.append(argument)
            elif opcode.name == "STOP":
                return self.pop()
            elif step:
                step(argument)
            elif opcode.name not in IGNORED:
                raise Refused(f"pickle opcode {opcode.name} does not belong in a state_dict")
        raise Refused("a pickle without an end")

    def pop(self):
        if not self.stack or self.stack[-1] is MARK:
            raise Refused("a pickle takes more from its stack than it put there")
        return self.stack.pop()

    def pop_mark(self):
        items = []
        while self.stack and self.stack[-1] is not MARK:
            items.insert(0, self.stack.pop())
        if not self.stack:
            raise Refused("a pickle without the mark it refers to")
        self.stack.pop()
        return items

    def do_mark(self, _argument):
        self.stack.append(MARK)

    def do_none(self, _argument):
        self.stack.append(None)

    def do_newtrue(self, _argument):
        self.stack.append(True)

    def do_newfalse(self, _argument):
        self.stack.append(False)

    def do_empty_tuple(self, _argument):
        self.stack.append(())

    def do_empty_list(self, _argument):
        self.stack.append([])

    def do_empty_dict(self, _argument):
        self.stack.append({})

    def do_tuple(self, _argument):
        self.stack.append(tuple(self.pop_mark()))

    def do_tuple1(self, _argument):
        self.stack.append((self.pop(),))

    def do_tuple2(self, _argument):
        b, a = self.pop(), self.pop()
        self.stack.append((a, b))

    def do_tuple3(self, _argument):
        c, b, a = self.pop(), self.pop(), self.pop()
        self.stack.append((a, b, c))

    def do_append(self, _argument):
        self.extend([self.pop()])

    def do_appends(self, _argument):
        self.extend(self.pop_mark())

    def extend(self, items):
        target = self.pop()
        if not isinstance(target, list):
            raise Refused("a pickle appends to what is no list")
        target.extend(items)
        self.stack.append(target)

    def do_setitem(self, _argument):
        value, key = self.pop(), self.pop()
        self.update([key, value])

    def do_setitems(self, _argument):
        self.update(self.pop_mark())

    def update(self, items):
        target = self.pop()
        if not isinstance(target, dict) or len(items) % 2:
            raise Refused("a pickle sets items of what is no dictionary")
        for key, value in zip(items[::2], items[1::2]):
            if not isinstance(key, (str, int)):
                raise Refused("a dictionary key that is neither text nor a number")
            target[key] = value
        self.stack.append(target)

    def do_binput(self, argument):
        self.memo[argument] = self.peek()

    do_put = do_long_binput = do_binput

    def do_memoize(self, _argument):
        self.memo[len(self.memo)] = self.peek()

    def peek(self):
        value = self.pop()
        self.stack.append(value)
        return value

    def do_binget(self, argument):
        if argument not in self.memo:
            raise Refused("a pickle refers to what it has not memorised")
        self.stack.append(self.memo[argument])

    do_get = do_long_binget = do_binget

    def do_global(self, argument):
        self.stack.append(Named(argument))

    def do_stack_global(self, _argument):
        name, module = self.pop(), self.pop()
        self.stack.append(Named(f"{module} {name}"))

    def do_reduce(self, _argument):
        arguments, function = self.pop(), self.pop()
        if not isinstance(function, Named) or function.name not in CALLABLES or not isinstance(arguments, tuple):
            raise Refused("a pickle calls what cannot be called")
        try:
            self.stack.append(CALLABLES[function.name](*arguments))
        except (TypeError, ValueError) as problem:
            raise Refused(f"{function.name.replace(' ', '.')}: {problem}") from problem

    def do_newobj(self, _argument):
        arguments, kind = self.pop(), self.pop()
        if not isinstance(kind, Named) or CALLABLES.get(kind.name) is not Parameter or not isinstance(arguments, tuple):
            raise Refused("a pickle makes an object that does not belong in a state_dict")
        self.stack.append(Parameter(*arguments))

    def do_build(self, _argument):
        """Attributes of a state_dict (its _metadata) or of a tensor are read and dropped; a parameter gets its state."""
        state, target = self.pop(), self.peek()
        if isinstance(target, Parameter):
            target.set_state(state)

    def do_binpersid(self, _argument):
        self.stack.append(self.load_storage(self.pop()))


CONSTANTS = {
    "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT", "STRING", "BINSTRING",
    "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "BINBYTES", "SHORT_BINBYTES"
}
IGNORED = {"PROTO", "FRAME"}


def storage_of(persistent_id, known):
    """('storage', type, key, device, elements[, view]) -> the one Storage of that key."""
    if not isinstance(persistent_id, tuple) or len(persistent_id) < 5 or persistent_id[0] != "storage":
        raise Refused("a persistent id that is no storage")
    kind, key, elements = persistent_id[1], persistent_id[2], persistent_id[4]
    if len(persistent_id) > 5 and persistent_id[5] is not None:
        raise Refused(f"storage {key!r} is a view of another one (PyTorch before 0.4)")
    if not isinstance(kind, Named) or not isinstance(key, str):
        raise Refused("a storage without type and key")
    if key not in known:
        known[key] = Storage(kind.name, key, elements)
    return known[key]


def no_storage(_persistent_id):
    raise Refused("a storage outside of the state_dict")


def take(stream, count, what):
    data = stream.read(count)
    if len(data) != count:
        raise Refused(f"the file ends within {what}")
    return data


def read_old(data):
    """magic, protocol, system info, state_dict, storage keys: five pickles; then per key: elements (int64) and bytes."""
    stream = io.BytesIO(data)
    if Machine(no_storage).run(stream) != OLD_MAGIC or Machine(no_storage).run(stream) != OLD_PROTOCOL:
        raise Refused("neither torch.save's old format nor its zip format")
    system = Machine(no_storage).run(stream)
    if not isinstance(system, dict) or system.get("little_endian") is not True:
        raise Refused("written on a big-endian machine")
    storages = {}
    state = Machine(lambda persistent_id: storage_of(persistent_id, storages)).run(stream)
    keys = Machine(no_storage).run(stream)
    if not isinstance(keys, list) or sorted(map(str, keys)) != sorted(storages):
        raise Refused("the list of storages does not match the tensors")
    for key in keys:
        storage = storages[key]
        elements, = struct.unpack("<q", take(stream, 8, f"storage {key}"))
        if elements != storage.elements:
            raise Refused(f"storage {key} has {elements} elements, announced were {storage.elements}")
        storage.data = take(stream, elements * storage.item, f"storage {key}")
    return state


def read_zip(data):
    """<name>/data.pkl and one stored member <name>/data/<key> per storage."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        pickles = [n for n in archive.namelist() if n.count("/") == 1 and n.endswith("/data.pkl")]
        if len(pickles) != 1:
            raise Refused("the zip file holds no data.pkl of torch.save (TorchScript files cannot be read)")
        if sum(info.file_size for info in archive.infolist()) > 2 * len(data) + (1 << 20):
            raise Refused("the zip file is compressed; torch.save does not do that")
        folder = pickles[0][:-len("data.pkl")]
        if folder + "byteorder" in archive.namelist() and archive.read(folder + "byteorder") != b"little":
            raise Refused("written on a big-endian machine")
        storages = {}
        state = Machine(lambda i: storage_of(i, storages)).run(io.BytesIO(archive.read(pickles[0])))
        for key, storage in storages.items():
            try:
                storage.data = archive.read(f"{folder}data/{key}")
            except KeyError:
                raise Refused(f"storage {key} is missing in the zip file") from None
            if len(storage.data) != storage.elements * storage.item:
                raise Refused(f"storage {key} has {len(storage.data)} bytes for {storage.elements} elements")
    return state


def kept_tensors(state):
    if not isinstance(state, dict):
        raise Refused("the file holds no state_dict (a whole pickled model? save model.state_dict() instead)")
    if isinstance(state.get("state_dict"), dict):  # a training checkpoint around it
        state = state["state_dict"]
    tensors = {n: t.tensor if isinstance(t, Parameter) else t
               for n, t in state.items() if isinstance(n, str) and n.startswith(KEPT)}
    for name, tensor in tensors.items():
        if not isinstance(tensor, Tensor):
            raise Refused(f"{name} is no tensor")
    if not tensors:
        raise Refused("no tensor is named features.*, feature_extractor.* or classification_head.3.*")
    return tensors


def safetensors_bytes(tensors):
    header, body, offset = {"__metadata__": {"format": "pt"}}, [], 0
    for name, tensor in tensors.items():
        data = tensor.contiguous()
        header[name] = {
            "dtype": tensor.storage.dtype, "shape": tensor.shape, "data_offsets": [offset, offset + len(data)]
        }
        body.append(data)
        offset += len(data)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + b"".join(body)


def write_whole(path, data):
    """Whole or not at all: a temporary file in the same folder, then rename."""
    handle, temporary = tempfile.mkstemp(dir=os.path.dirname(os.path.abspath(path)), prefix=".convert-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.rename(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def convert(source, target, sha256_prefix):
    if os.path.getsize(source) > BYTES_MAX:
        raise Refused(f"larger than {BYTES_MAX} bytes")
    with open(source, "rb") as file:
        data = file.read()
    digest = hashlib.sha256(data).hexdigest()
    print(f"{source}: sha256 {digest}")
    if not digest.startswith(sha256_prefix.lower()):
        raise Refused(f"its sha256 does not begin with {sha256_prefix}")
    try:
        state = read_zip(data) if data[:4] == b"PK\3\4" else read_old(data)
    except (ValueError, struct.error, zipfile.BadZipFile, NotImplementedError, RecursionError) as problem:
        raise Refused(f"not a whole PyTorch file: {problem}") from problem
    tensors = kept_tensors(state)
    write_whole(target, safetensors_bytes(tensors))
    print(f"{target}: {len(tensors)} tensors")


def main():
    parser = argparse.ArgumentParser(description="PyTorch state_dict (.pth) -> safetensors, without executing it")
    parser.add_argument("source", help="the .pth file")
    parser.add_argument("target", help="the .safetensors file to write")
    parser.add_argument("--sha256-prefix", default="", metavar="HEX",
                        help="refuse a file whose sha256 does not begin with this (397923af for torchvision's VGG16)")
    arguments = parser.parse_args()
    try:
        convert(arguments.source, arguments.target, arguments.sha256_prefix)
    except (Refused, OSError) as problem:
        print(f"convert_pth.py: {arguments.source}: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
