"""The pixel AUROC of core/judge/pixel_roc.c against sklearn.metrics.roc_auc_score over every pixel, with maps upsampled by
torch; and that the error bound it gives holds."""
import ctypes as c

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from shim import Error, lib


class Roc(c.Structure):
    _fields_ = [("low", c.c_double), ("step", c.c_double), ("outside", c.c_void_p), ("inside", c.c_void_p)]


class Image(c.Structure):
    _fields_ = [("width", c.c_uint32), ("height", c.c_uint32), ("posted_width", c.c_uint32),
                ("posted_height", c.c_uint32), ("rgb", c.c_void_p)]


def ours(maps, masks):
    roc, error = Roc(), Error()
    area, bound = c.c_double(), c.c_double()
    assert lib.insp_pixel_roc_init(c.byref(roc), c.c_double(min(m.min() for m in maps)),
                                   c.c_double(max(m.max() for m in maps)), c.byref(error)) == 0
    for heat, mask in zip(maps, masks):
        rgb = np.repeat(mask[:, :, None], 3, axis=2).copy()
        image = Image(mask.shape[1], mask.shape[0], 0, 0, rgb.ctypes.data)
        assert lib.insp_pixel_roc_add(c.byref(roc), c.c_void_p(heat.ctypes.data), c.byref(image), c.byref(error)) == 0
    lib.insp_pixel_roc_area.restype = lib.insp_pixel_roc_clear.restype = None
    lib.insp_pixel_roc_area(c.byref(roc), c.byref(area), c.byref(bound))
    lib.insp_pixel_roc_clear(c.byref(roc))
    return area.value, bound.value


def theirs(maps, masks):
    score = [torch.nn.functional.interpolate(torch.from_numpy(m).double()[None, None], mask.shape, mode="bilinear",
                                             align_corners=False).numpy().ravel() for m, mask in zip(maps, masks)]
    return roc_auc_score(np.concatenate([m.ravel() > 0 for m in masks]), np.concatenate(score))


def random_case(random, images, sharp):
    """Maps with a peak near the defect, and a mask of a disc; sizes from 20 to 400."""
    maps, masks = [], []
    for _ in range(images):
        height, width = random.randint(20, 400, 2)
        cy, cx = random.uniform(0.2, 0.8, 2)
        y, x = np.mgrid[0:14, 0:14] / 13.0
        heat = np.exp(-((y - cy) ** 2 + (x - cx) ** 2) * 30) * sharp + random.normal(0, 0.2, (14, 14))
        maps.append(np.ascontiguousarray(heat, np.float32))
        y, x = np.mgrid[0:height, 0:width]
        masks.append((((y / height - cy) ** 2 + (x / width - cx) ** 2) < 0.02).astype(np.uint8) * 255)
    return maps, masks


@pytest.mark.parametrize("sharp", [0.0, 0.3, 3.0])
def test_against_sklearn(sharp):
    random = np.random.RandomState(int(10 * sharp))
    worst = 0.0
    for _ in range(10):
        maps, masks = random_case(random, random.randint(1, 8), sharp)
        area, bound = ours(maps, masks)
        difference = abs(area - theirs(maps, masks))
        assert difference <= bound + 1e-12
        assert bound < 1e-4
        worst = max(worst, difference)
    print(f"10 sets, peak {sharp}: largest difference {worst:.1e}")
    assert worst < 1e-5


def test_one_hot_pixel_far_above_all_others_only_widens_the_bound():
    """The worst for a histogram: nearly all scores share few bins."""
    maps, masks = random_case(np.random.RandomState(5), 3, 1.0)
    maps[0][0, 0] = 1e4
    area, bound = ours(maps, masks)
    assert abs(area - theirs(maps, masks)) <= bound + 1e-12
    assert 1e-3 < bound < 0.5
