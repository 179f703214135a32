"""`trunk fetch`: from a server with a file of torchvision's format to an installed trunk, and all that may go wrong."""
import collections
import hashlib
import http.server
import io
import json
import os
import pickle
import struct
import threading

import pytest

CONVS = [(0, 3, 64), (2, 64, 64), (5, 64, 128), (7, 128, 128), (10, 128, 256), (12, 256, 256), (14, 256, 256),
         (17, 256, 512), (19, 512, 512), (21, 512, 512)]
MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
SYSTEM = {"protocol_version": PROTOCOL, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}


class Name:
    """A global of a module that is not here."""

    def __init__(self, module, name):
        self.text = f"c{module}\n{name}\n".encode()


REBUILD, FLOATS = Name("torch._utils", "_rebuild_tensor"), Name("torch", "FloatStorage")
PARAMETER = Name("torch.nn.parameter", "Parameter")


class Pickler(pickle._Pickler):
    """Writes the opcodes of PyTorch 0.1 without PyTorch: a parameter is empty, and its state has the tensor in front."""

    def save(self, obj, *rest, **more):
        if isinstance(obj, Name):
            self.write(obj.text)
        elif isinstance(obj, Storage):
            self.save(("storage", FLOATS, obj.key, "cpu", obj.elements, None))
            self.write(pickle.BINPERSID)
        elif isinstance(obj, Tensor):
            self.save(PARAMETER)
            self.save(())
            self.write(pickle.NEWOBJ + pickle.MARK)
            self.save(REBUILD)
            self.save((obj.storage, 0, obj.shape, obj.stride))
            self.write(pickle.REDUCE)
            for value in None, collections.OrderedDict(), True, False:  # gradient, hooks, requires_grad, volatile
                self.save(value)
            self.write(pickle.TUPLE + pickle.BUILD)
        else:
            super().save(obj, *rest, **more)


class Storage:
    def __init__(self, key, elements):
        self.key, self.elements = key, elements


class Tensor:
    def __init__(self, key, shape):
        self.shape, self.stride, elements = shape, (), 1
        for n in reversed(shape):
            self.stride, elements = (elements, *self.stride), elements * n
        self.storage = Storage(key, elements)


def weights(shapes=None):
    """The bytes of a file as torchvision's, with the trunk's tensors alone. Element i of tensor t is t + i % 7."""
    state, out = collections.OrderedDict(), io.BytesIO()
    for index, inputs, outputs in CONVS:
        state[f"features.{index}.weight"] = Tensor(f"{len(state)}", (outputs, inputs, 3, 3))
        state[f"features.{index}.bias"] = Tensor(f"{len(state)}", (outputs,))
    state.update(shapes or {})
    for part in MAGIC, PROTOCOL, SYSTEM, state, [tensor.storage.key for tensor in state.values()]:
        Pickler(out, 2).dump(part)
    for t, tensor in enumerate(state.values()):
        n = tensor.storage.elements
        pattern = struct.pack("<7f", *(t + i for i in range(7)))
        out.write(struct.pack("<q", n) + (pattern * (n // 7 + 1))[:4 * n])
    return out.getvalue()


@pytest.fixture(scope="module")
def whole():
    return weights()


class Site:
    """A server on this machine. `ranges`: it continues downloads; `answer`: (status, type, bytes) instead of the file."""

    def __init__(self, data):
        self.data, self.ranges, self.answer, self.asked = data, True, None, []
        site = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                site.asked.append(self.headers.get("Range"))
                first = int(self.headers["Range"][6:].rstrip("-")) if site.ranges and self.headers.get("Range") else 0
                status, kind, body = site.answer or (206 if first else 200, "application/octet-stream", site.data[first:])
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                if status == 206:
                    self.send_header("Content-Range", f"bytes {first}-{len(site.data) - 1}/{len(site.data)}")
                self.end_headers()
                try:
                    self.wfile.write(body)
                except ConnectionError:
                    pass

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/vgg16.pth"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def site(whole):
    made = Site(whole)
    yield made
    made.server.shutdown()
    made.server.server_close()


def digest(data):
    return hashlib.sha256(data).hexdigest()


def trunks(cli):
    return json.loads(cli("trunk", "list", "--json").stdout)


def installed(cli):
    """The arrays of the only trunk."""
    (trunk,) = trunks(cli)
    assert trunk["default"]
    data = (cli.state / "trunks" / f"{trunk['sha256']}.safetensors").read_bytes()
    size, = struct.unpack("<Q", data[:8])
    header = json.loads(data[8:8 + size])
    return {name: data[8 + size + entry["data_offsets"][0]:8 + size + entry["data_offsets"][1]]
            for name, entry in header.items() if name != "__metadata__"}


def check(arrays):
    assert len(arrays) == 2 * len(CONVS)
    for t, (index, inputs, outputs) in enumerate(CONVS):
        for part, name, n in (0, "weight", 9 * inputs * outputs), (1, "bias", outputs):
            got = struct.unpack("<7f", arrays[f"features.{index}.{name}"][:28])
            assert got == tuple(2 * t + part + i for i in range(7)), name
            assert len(arrays[f"features.{index}.{name}"]) == 4 * n


def nothing(cli, rest=False):
    assert trunks(cli) == []
    assert bool(list((cli.state / "cache").glob("*.part"))) == rest


def test_a_fetched_file_is_verified_converted_and_installed(cli, site, whole):
    run = cli("trunk", "fetch", "--url", site.url, "--sha256", digest(whole))
    assert "is installed and is the default" in run.stdout and "--input imagenet" in run.stderr
    check(installed(cli))
    assert site.asked == [None] and not list((cli.state / "cache").glob("*.part"))


@pytest.mark.parametrize("ranges, asked", [(True, ["bytes=1000-"]), (False, ["bytes=1000-", None])])
def test_a_download_is_continued_or_begun_anew(cli, site, whole, ranges, asked):
    site.ranges = ranges
    part = cli.state / "cache" / f"{digest(whole)}.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(whole[:1000])
    cli("trunk", "fetch", "--url", site.url, "--sha256", digest(whole))
    assert site.asked == asked
    check(installed(cli))


def test_a_connection_that_breaks_off_leaves_what_came(cli, site, whole):
    class Cut(bytes):
        def __len__(self):  # announces more than it has
            return super().__len__() + 1000
    site.answer = 200, "application/octet-stream", Cut(whole[:5000])
    err = cli("trunk", "fetch", "--url", site.url, "--sha256", digest(whole), code=1).stderr
    assert "the next attempt continues" in err
    nothing(cli, rest=True)
    site.answer = None
    cli("trunk", "fetch", "--url", site.url, "--sha256", digest(whole))
    assert site.asked[1] == "bytes=5000-"
    check(installed(cli))


def test_another_file_is_not_installed_and_both_hashes_are_named(cli, site, whole):
    site.data = whole[:-4] + b"\0\0\0\0"
    err = cli("trunk", "fetch", "--url", site.url, "--sha256", digest(whole), code=1).stderr
    assert digest(whole) in err and digest(site.data) in err and "nothing is installed" in err
    nothing(cli)


@pytest.mark.parametrize("answer, says", [
    ((200, "text/html; charset=utf-8", b"<html>Please log in</html>"), "a web page (text/html)"),
    ((404, "text/plain", b"no"), "answers with status 404"),
    ((503, "text/html", b"<html>busy</html>"), "answers with status 503"),
])
def test_a_server_that_has_no_such_file(cli, site, whole, answer, says):
    site.answer = answer
    assert says in cli("trunk", "fetch", "--url", site.url, "--sha256", digest(whole), code=1).stderr
    nothing(cli, rest=True)
    assert [path.stat().st_size for path in (cli.state / "cache").glob("*.part")] == [0]


def test_a_copy_carried_by_hand_needs_no_network(cli, tmp_path, whole):
    copy = tmp_path / "vgg16.pth"
    copy.write_bytes(whole)
    err = cli("trunk", "fetch", "--file", copy, code=1).stderr  # it is not the published one
    assert "397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0" in err and digest(whole) in err
    cli("trunk", "fetch", "--file", copy, "--sha256", digest(whole))
    check(installed(cli))
    assert copy.read_bytes() == whole


class Attack:
    def __reduce__(self):
        return os.system, ("touch executed",)


def damaged(whole):
    yield "cut within its pickles", whole[:300]
    yield "cut within its storages", whole[:-1]
    yield "another number", b"\x80\x02\x8a\x0a" + bytes(10) + whole[14:]
    yield "a program", pickle.dumps(Attack(), 2)
    yield "text", b"hello"
    yield "a shape that is not VGG16's", weights({"features.0.bias": Tensor("1", (65,))})
    yield "not finite", whole[:-4] + struct.pack("<f", float("nan"))


def test_a_damaged_or_hostile_file_of_the_right_hash_is_refused_and_not_executed(cli, tmp_path, whole, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, data in damaged(whole):
        (tmp_path / "bad.pth").write_bytes(data)
        err = cli("trunk", "fetch", "--file", tmp_path / "bad.pth", "--sha256", digest(data), code=1).stderr
        assert "bad.pth" in err and "inspectd: trunk fetch" in err, (name, err)
    assert not (tmp_path / "executed").exists() and trunks(cli) == []


def test_wrong_use(cli):
    assert "64 hexadecimal digits" in cli("trunk", "fetch", "--sha256", "397923af", code=2).stderr
