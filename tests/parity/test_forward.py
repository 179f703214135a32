"""insp_score against PyTorch on the same safetensors files, by both CPU engines. Error of a probability: |a - b| / b.
Error of a map: the largest |a - b| over the largest |b| of that image, because single values of a map may pass 0."""
import os
import subprocess
import sys

import pytest
import torch

import shim

LIMIT = 1e-3
KINDS = {"random": "noise", "filters": "weave"}  # the pictures that each network sees


def pixels_of(kind, n):
    generator = torch.Generator().manual_seed(n)
    if kind == "noise":
        return torch.rand(n, 3, 224, 224, generator=generator)
    y, x = torch.meshgrid(torch.arange(224.0), torch.arange(224.0), indexing="ij")
    weave = 0.5 + 0.2 * torch.sin(x / 3) * torch.sin(y / 4)  # a texture with a dark spot, different in each image
    images = weave.repeat(n, 3, 1, 1) * torch.tensor([1.0, 0.9, 0.7]).reshape(1, 3, 1, 1)
    for i in range(n):
        images[i, :, 30 * i + 10:30 * i + 40, 80:110] *= 0.3
    return images.contiguous()


def filters(trunk):
    """Weights like a trained network's: mostly small, some strong, with edge filters and identities among them."""
    edge = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]]) / 4
    for index, inputs, outputs, _pool in shim.TRUNK:
        weight = trunk[f"features.{index}.weight"]
        weight *= 0.5
        for k in range(outputs):
            weight[k, k % inputs] += edge if k % 3 == 0 else edge.t() if k % 3 == 1 else 0
            weight[k, k % inputs, 1, 1] += 1.0 if k % 3 == 2 else 0.0
    return trunk


@pytest.fixture(scope="module", params=["random", "filters"])
def network(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    trunk = shim.random_trunk(1)
    trunk = filters(trunk) if request.param == "filters" else trunk
    tails = [shim.random_tail(2), shim.random_tail(3)]
    with torch.no_grad():
        features = shim.reference_trunk(trunk, pixels_of(KINDS[request.param], 4))
    for tail in tails:  # keep the softmax away from 0 and 1, where every network agrees
        with torch.no_grad():
            logits, _cam = shim.reference_tail(tail, features)
        spread = (logits[:, 1] - logits[:, 0]).abs().max()
        tail["classifier.weight"] *= 2 / spread
        tail["classifier.bias"] *= 2 / spread
    shim.write_safetensors(folder / "trunk", trunk)
    for i, tail in enumerate(tails):
        shim.write_safetensors(folder / f"tail{i}", tail)
    return folder, tails, features


def compare(label, probability, cam, want_probability, want_cam):
    error_p = ((probability - want_probability).abs() / want_probability).max().item()
    error_c = ((cam - want_cam).abs().amax((1, 2)) / want_cam.abs().amax((1, 2))).max().item()
    print(f"{label}: probability {error_p:.2e}, map {error_c:.2e}, probabilities "
          f"{want_probability.min().item():.3f}..{want_probability.max().item():.3f}")
    assert error_p < LIMIT and error_c < LIMIT


@pytest.fixture(scope="module")
def wanted(network):
    """Four pictures and PyTorch's results for both engines: pixels, features, and (logits, map) by each tail."""
    folder, tail_states, features = network
    with torch.no_grad():
        both = [shim.reference_tail(state, features) for state in tail_states]
    kind = KINDS[folder.name.rstrip("0123456789")]
    return kind, pixels_of(kind, 4), features, both


@pytest.mark.parametrize("engine", [shim.PACKED, shim.TORCH], ids=["packed", "torch"])
def test_mixed_batch(network, wanted, engine):
    folder = network[0]
    kind, pixels, features, both = wanted
    device = shim.Device(engine)
    trunk, tails = device.trunk(folder / "trunk"), [device.tail(folder / f"tail{i}") for i in range(2)]
    mix = [0, 1, 1, 0]
    probability, cam = shim.score(trunk, [tails[i] for i in mix], pixels)
    want_p = torch.stack([torch.softmax(both[t][0][i], 0)[1] for i, t in enumerate(mix)])
    want_c = torch.stack([both[t][1][i] for i, t in enumerate(mix)])
    compare(f"{folder.name} {kind}: {device.description}", probability, cam, want_p, want_c)

    got = shim.trunk_features(trunk, pixels)  # the two halves alone
    assert (got - features).abs().max() < LIMIT * features.abs().max()
    probability, cam = shim.tail_score(tails[1], features.contiguous())
    compare(f"{folder.name} {kind}: tail alone", probability, cam, torch.softmax(both[1][0], 1)[:, 1], both[1][1])


@pytest.mark.parametrize("engine", [shim.PACKED, shim.TORCH], ids=["packed", "torch"])
def test_taps(network, engine):
    """The taps of a scoring pass, of each pool on its own scale, against PyTorch's pools."""
    folder, pixels = network[0], pixels_of("weave", 2)
    with torch.no_grad():
        want = shim.reference_taps(shim.read_trunk(folder / "trunk"), pixels)
    device = shim.Device(engine)
    trunk, tail = device.trunk(folder / "trunk"), device.tail(folder / "tail0")
    _probability, _cam, got = shim.score_taps(trunk, [tail, tail], pixels)
    for channels in (slice(0, 64), slice(64, 192), slice(192, 448)):
        error = (got[..., channels] - want[..., channels]).abs().max() / want[..., channels].abs().max()
        print(f"{folder.name}: {device.description}: taps {channels.start}..{channels.stop}: {error:.1e}")
        assert error < LIMIT
    assert torch.equal(shim.trunk_taps(trunk, pixels), got)


@pytest.mark.parametrize("network", ["random"], indirect=True)  # one of them shows it
def test_more_than_a_chunk(network):
    """9 images, beyond what the CPU takes at once (CHUNK of packed.c and cpu.cpp); each gives what it gives alone."""
    folder = network[0]
    device = shim.Device(shim.TORCH)
    trunk, tails = device.trunk(folder / "trunk"), [device.tail(folder / f"tail{i}") for i in range(2)]
    pixels = pixels_of("noise", 9)
    mix = [i * 7 % 3 % 2 for i in range(9)]
    probability, cam = shim.score(trunk, [tails[i] for i in mix], pixels)
    for i in (0, 7, 8):
        alone, cam_alone = shim.score(trunk, [tails[mix[i]]], pixels[i:i + 1].contiguous())
        assert torch.allclose(probability[i], alone[0], rtol=1e-4)
        assert torch.allclose(cam[i], cam_alone[0], rtol=1e-3, atol=1e-3 * cam_alone.abs().max().item())


def test_reference_blas_is_refused():
    """Debian's alternative can change after the build: the device does not open then, and says what to install."""
    folder = "/usr/lib/x86_64-linux-gnu/blas"
    if not os.path.exists(folder + "/libblas.so.3"):
        pytest.skip("the reference BLAS is not installed (libblas3)")
    code = ("import ctypes, os; lib = ctypes.CDLL(os.environ['INSP_PARITY_LIB']);"
            "name = ctypes.c_char_p(b'cpu'); config = (ctypes.c_char * 64)(); error = (ctypes.c_char * 516)();"
            "ctypes.memmove(config, ctypes.byref(name), 8); device = ctypes.c_void_p();"
            "print(lib.insp_device_open(config, ctypes.byref(device), error), error[4:].split(b'\\0')[0].decode())")
    for path, code_wanted in [(folder, "-24"), ("", "0")]:
        result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120,
                                env={**os.environ, "LD_LIBRARY_PATH": path})
        assert result.stdout.split()[:1] == [code_wanted], result.stdout + result.stderr
        assert ("libopenblas0-openmp" in result.stdout) == (code_wanted != "0")
