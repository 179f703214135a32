"""Boxes, area and maximum against an independent implementation: numpy upsampling and a flood fill over all pixels."""
import numpy as np
import pytest

import insp_image


def positions(side):
    at = np.maximum((np.arange(side) + 0.5) * (14.0 / side) - 0.5, 0)
    lower = np.minimum(at.astype(int), 13)
    return lower, np.minimum(lower + 1, 13), at - lower


def upsample(heat, width, height):
    """torch's interpolate(mode='bilinear', align_corners=False), in double"""
    heat = heat.astype(np.float64)
    y0, y1, fy = positions(height)
    x0, x1, fx = positions(width)
    rows = heat[y0] + fy[:, None] * (heat[y1] - heat[y0])
    return rows[:, x0] + fx * (rows[:, x1] - rows[:, x0])


def regions(hot):
    """8-connected flood fill, pixel by pixel -> [(ys, xs)]"""
    hot = np.pad(hot, 1)
    found, stride = [], hot.shape[1]
    flat = hot.ravel().tolist()
    around = [-stride - 1, -stride, -stride + 1, -1, 1, stride - 1, stride, stride + 1]
    for start in np.flatnonzero(hot).tolist():
        if not flat[start]:
            continue
        flat[start], stack, members = False, [start], []
        while stack:
            at = stack.pop()
            members.append(at)
            for step in around:
                if flat[at + step]:
                    flat[at + step] = False
                    stack.append(at + step)
        members = np.array(members)
        found.append((members // stride - 1, members % stride - 1))
    return found


def scaled(cam, per_image, low, high):
    if per_image:
        low, high = cam.min(), cam.max()
    low, high = np.float32(low), np.float32(high)
    return np.clip((cam - low) / (high - low), 0, 1).astype(np.float32)


def reference(cam, threshold, width, height, per_image, low, high):
    heat = upsample(scaled(cam, per_image, low, high), width, height)
    hot = heat >= np.float32(threshold)
    found = []
    for ys, xs in regions(hot):
        box = (xs.min(), ys.min(), xs.max() - xs.min() + 1, ys.max() - ys.min() + 1, np.float32(heat[ys, xs].max()))
        found.append((-len(ys), ys.min(), xs.min(), box))
    found.sort()
    return np.float32(heat.max()), np.float32(hot.sum() / hot.size), [f[3] for f in found]


def smooth_map(random):
    """What a network answers: few bumps over a low noise, in units of its own."""
    y, x = np.mgrid[0:14, 0:14]
    cam = random.normal(0, 0.3, (14, 14))
    for _ in range(random.randint(0, 4)):
        cam += random.uniform(1, 6) * np.exp(-((y - random.uniform(0, 14)) ** 2 + (x - random.uniform(0, 14)) ** 2) /
                                             random.uniform(0.5, 8))
    return cam.astype(np.float32)


SIZES = [(1, 1), (1, 9), (2, 3), (13, 13), (14, 14), (15, 200), (224, 224), (320, 240), (97, 301)]


def compare(cam, threshold, width, height, per_image=False, low=0.0, high=1.0):
    ours = insp_image.summarise(cam, threshold, width, height, per_image, low, high)
    theirs = reference(cam, threshold, width, height, per_image, low, high)
    kept = theirs[2][:insp_image.BOXES_MAX]
    assert ours[2] == kept
    assert ours[0] == theirs[0]
    assert ours[1] == theirs[1]
    return len(kept)


@pytest.mark.parametrize("size", SIZES)
def test_random_maps(size):
    random = np.random.RandomState(size[0] * 1000 + size[1])
    boxes = 0
    for i in range(30):
        threshold = (0.3, 0.5, 0.7, 0.95)[i % 4]
        boxes += compare(random.uniform(0, 1, (14, 14)).astype(np.float32), threshold, *size)
        boxes += compare(smooth_map(random), threshold, *size, per_image=bool(i % 2), low=-1, high=5)
    print(f"{size}: 60 maps, {boxes} boxes, all equal")


def test_large():
    random = np.random.RandomState(5)
    boxes = sum(compare(smooth_map(random), 0.7, 1024, 1024, per_image=bool(i % 2), low=0, high=4) for i in range(6))
    boxes += compare(random.uniform(0, 1, (14, 14)).astype(np.float32), 0.7, 1024, 1024)
    print(f"1024 x 1024: 7 maps, {boxes} boxes, all equal")


def test_plateaus():
    """Clamped maps have plateaus at exactly 0 and 1, where a threshold may lie on the value itself."""
    random = np.random.RandomState(6)
    for threshold in (1.0, 0.5):
        for size in SIZES:
            compare(random.randint(0, 3, (14, 14)).astype(np.float32) / 2, threshold, *size)


def test_upsampling_is_torchs():
    torch = pytest.importorskip("torch")
    random = np.random.RandomState(7)
    heat = random.uniform(0, 1, (14, 14)).astype(np.float32)
    worst = 0
    for width, height in SIZES:
        theirs = torch.nn.functional.interpolate(torch.from_numpy(heat)[None, None].double(), (height, width), mode="bilinear",
                                                 align_corners=False)[0, 0].numpy()
        worst = max(worst, np.abs(theirs - upsample(heat, width, height)).max())
    print(f"upsampling: largest difference from torch {worst:.1e}")
    assert worst < 1e-12
