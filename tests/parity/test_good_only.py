"""The good-only model of core/good_only against numpy in double: samples, additive sums, fit, score; and the promise of a
threshold against the binomial distribution summed term by term."""
import ctypes as c
import math

import numpy as np
import pytest

from shim import Error, lib

SIDE, CHANNELS, DIMS, LANES = 28, 448, 100, 16
CELLS, PACKED = SIDE * SIDE, DIMS * (DIMS + 1) // 2
TAPS = ((0, 64), (64, 192), (192, 448))


class Sample(c.Structure):
    _fields_ = [("tap_sum", c.c_double * 3), ("tap_squares", c.c_double * 3), ("x", c.c_float * (CELLS * DIMS))]


class Promise(c.Structure):
    _fields_ = [("threshold", c.c_float), ("alpha", c.c_double), ("rank", c.c_size_t), ("more_needed", c.c_size_t)]


lib.insp_good_sums_new.restype = c.c_void_p
lib.insp_good_binomial_cdf.restype = c.c_double
for name in ("insp_good_sums_free", "insp_good_gauss_free"):
    getattr(lib, name).argtypes = [c.c_void_p]
    getattr(lib, name).restype = None
for name in ("insp_good_sample_make", "insp_good_sums_add", "insp_good_sums_subtract", "insp_good_score", "insp_good_channels"):
    getattr(lib, name).restype = None


def channels(seed=42):
    kept = (c.c_uint16 * DIMS)()
    lib.insp_good_channels(c.c_uint64(seed), kept)
    return kept


def pictures(count, seed):
    """Taps of good parts: each tap on its own scale, a pattern, and noise that channels and neighbours share."""
    random = np.random.RandomState(seed)
    scale = np.concatenate([np.full(64, 4.0), np.full(128, 1.0), np.full(256, 0.2)])
    pattern = np.random.RandomState(1).rand(SIDE, SIDE, CHANNELS) * 2
    mixing = np.random.RandomState(2).normal(0, 1, (30, CHANNELS))
    for _ in range(count):
        shared = random.normal(0, 0.3, (SIDE, SIDE, 30)) @ mixing / 5
        noise = random.normal(0, 0.1, (SIDE, SIDE, CHANNELS))
        yield np.ascontiguousarray(np.maximum(pattern + shared + noise, 0) * scale, np.float32)


def sample_of(taps, kept):
    sample = Sample()
    lib.insp_good_sample_make(taps.ctypes.data_as(c.c_void_p), kept, c.byref(sample))
    return sample


def values(sample):
    """-> [784,100]"""
    return np.frombuffer(sample.x, np.float32).reshape(CELLS // LANES, DIMS, LANES).transpose(0, 2, 1).reshape(CELLS, DIMS)


def neighbourhood(x, weight):
    """3x3 weighted mean of [28,28,...] over the neighbours that exist."""
    total, share = np.zeros_like(x), np.zeros(x.shape[:2] + (1,) * (x.ndim - 2))
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            to = (slice(max(0, -dy), SIDE - max(0, dy)), slice(max(0, -dx), SIDE - max(0, dx)))
            at = (slice(max(0, dy), SIDE + min(0, dy)), slice(max(0, dx), SIDE + min(0, dx)))
            total[to] += weight(dy, dx) * x[at]
            share[to] += weight(dy, dx)
    return total / share


def ours(good, tested, kept):
    sums, gauss, error = c.c_void_p(lib.insp_good_sums_new()), c.c_void_p(), Error()
    for taps in good:
        lib.insp_good_sums_add(sums, c.byref(sample_of(taps, kept)))
    assert lib.insp_good_fit(sums, kept, c.byref(gauss), c.byref(error)) == 0, error.detail
    maps, scores = [], []
    for taps in tested:
        heat, score = np.empty(CELLS, np.float32), c.c_float()
        lib.insp_good_score(gauss, c.byref(sample_of(taps, kept)), None, heat.ctypes.data_as(c.c_void_p), c.byref(score))
        maps.append(heat.reshape(SIDE, SIDE))
        scores.append(score.value)
    lib.insp_good_gauss_free(gauss)
    lib.insp_good_sums_free(sums)
    return np.array(maps), np.array(scores)


def theirs(good, tested, kept):
    """PaDiM with numpy: cov() and inv() of each cell, all images at once, in double."""
    def deviation(begin, end):  # image by image: all of them in double would take a third of a GiB
        sums = np.array([(image[..., begin:end].sum(dtype=float), np.square(image[..., begin:end], dtype=float).sum())
                         for image in good]).sum(0) / (len(good) * CELLS * (end - begin))
        return math.sqrt(sums[1] - sums[0] ** 2)

    scale = np.concatenate([np.full(end - begin, deviation(begin, end)) for begin, end in TAPS])
    kept = np.array(kept)

    def reduce(image):
        return neighbourhood((image / scale)[..., kept], lambda dy, dx: 1).reshape(CELLS, DIMS)

    x = np.array([reduce(image) for image in good])
    covariance = np.array([np.cov(x[:, cell].T) for cell in range(CELLS)])
    t = np.mean([np.trace(s) / DIMS for s in covariance])
    if len(good) < DIMS:
        covariance = 0.7 * covariance + 0.3 * covariance.mean(0)
    inverse = np.linalg.inv(covariance + 0.01 * t * np.eye(DIMS))
    maps = []
    for image in tested:
        away = reduce(image) - x.mean(0)
        distance = np.sqrt(np.einsum("pi,pij,pj->p", away, inverse, away)).reshape(SIDE, SIDE)
        maps.append(neighbourhood(distance, lambda dy, dx: math.exp(-(dy * dy + dx * dx) / 2)))
    return np.array(maps), np.array([m.max() for m in maps])


def test_sample():
    kept = channels()
    taps, = pictures(1, 3)
    want = neighbourhood(taps.astype(np.float64)[..., np.array(kept)], lambda dy, dx: 1).reshape(CELLS, DIMS)
    assert np.abs(values(sample_of(taps, kept)) - want).max() < 1e-5 * np.abs(want).max()


@pytest.mark.parametrize("count", [25, 130])
def test_maps_and_scores(count):
    kept = channels()
    good, tested = list(pictures(count, 5)), list(pictures(3, 6))
    tested[1][10:13, 7:9] *= 1.5  # a defect
    maps, scores = ours(good, tested, kept)
    want_maps, want_scores = theirs(good, tested, kept)
    error = np.abs(maps - want_maps).max() / want_maps.max()
    print(f"{count} good images: largest difference of a map {error:.1e}, scores {scores.round(2)}")
    assert error < 1e-4
    assert np.abs(scores / want_scores - 1).max() < 1e-4
    assert np.unravel_index(maps[1].argmax(), maps[1].shape) == np.unravel_index(want_maps[1].argmax(), maps[1].shape)


def test_an_image_that_is_taken_out_again_leaves_the_model_as_it_was():
    kept = channels()
    good, (extra, tested) = list(pictures(30, 7)), list(pictures(2, 8))
    want, _scores = ours(good, [tested], kept)
    sums, gauss, error = c.c_void_p(lib.insp_good_sums_new()), c.c_void_p(), Error()
    for taps in [extra, *good]:
        lib.insp_good_sums_add(sums, c.byref(sample_of(taps, kept)))
    lib.insp_good_sums_subtract(sums, c.byref(sample_of(extra, kept)))
    assert lib.insp_good_fit(sums, kept, c.byref(gauss), c.byref(error)) == 0, error.detail
    heat, score = np.empty(CELLS, np.float32), c.c_float()
    lib.insp_good_score(gauss, c.byref(sample_of(tested, kept)), None, heat.ctypes.data_as(c.c_void_p), c.byref(score))
    assert np.allclose(heat.reshape(SIDE, SIDE), want[0], rtol=1e-5)
    lib.insp_good_gauss_free(gauss)
    lib.insp_good_sums_free(sums)


def binomial_cdf(k, n, p):
    return sum(math.comb(n, i) * p ** i * (1 - p) ** (n - i) for i in range(k + 1))


@pytest.mark.parametrize("n, alpha", [(20, 0.05), (58, 0.05), (59, 0.05), (222, 0.05), (299, 0.01), (700, 0.02)])
def test_promise(n, alpha):
    scores, promise, error = np.arange(1, n + 1, dtype=np.float32), Promise(), Error()
    assert lib.insp_good_promise_of(scores.ctypes.data_as(c.c_void_p), c.c_size_t(n), c.c_double(alpha), c.byref(promise),
                                    c.byref(error)) == 0
    ranks = [k for k in range(1, n + 1) if binomial_cdf(n - k, n, alpha) <= 0.05]
    assert promise.rank == (ranks[0] if ranks else n)
    assert promise.alpha == pytest.approx(alpha if ranks else 1 - 0.05 ** (1 / n), rel=1e-12)
    more = 0
    while binomial_cdf(0, n + more, alpha) > 0.05:
        more += 1
    assert promise.more_needed == more
    for k in (0, 1, 5):
        assert lib.insp_good_binomial_cdf(c.c_size_t(k), c.c_size_t(n), c.c_double(alpha)) == pytest.approx(
            binomial_cdf(k, n, alpha), rel=1e-9)
