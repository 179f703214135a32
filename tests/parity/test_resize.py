"""The resize against Pillow's resize(BILINEAR)."""
import numpy as np
import PIL
import pytest
from PIL import Image

import insp_image

SIZES = [(1, 1), (1, 7), (2, 2), (3, 224), (13, 14), (100, 100), (223, 225), (224, 224), (256, 256), (448, 448),
         (512, 512), (640, 480), (700, 33), (1024, 1024), (1000, 1500), (5000, 3)]
TARGETS = [(224, 224), (1, 1), (2, 3), (37, 211), (500, 300), (1024, 768)]


def difference(pixels, width, height):
    theirs = np.asarray(Image.fromarray(pixels).resize((width, height), Image.BILINEAR))
    ours = insp_image.resize(pixels, width, height)
    return int(np.abs(theirs.astype(int) - ours.astype(int)).max())


@pytest.mark.parametrize("target", TARGETS)
def test_noise(target):
    random = np.random.RandomState(target[0])
    largest = 0
    for width, height in SIZES:
        for top in (2, 256):  # black and white is the harshest; grey levels the most telling
            pixels = (random.randint(0, top, (height, width, 3)) * (255 if top == 2 else 1)).astype(np.uint8)
            largest = max(largest, difference(pixels, *target))
    print(f"resize to {target[0]} x {target[1]}: largest difference from Pillow {PIL.__version__}: {largest} levels")
    assert largest <= 1


def test_random_sizes():
    random = np.random.RandomState(1)
    largest, count = 0, 300
    for _ in range(count):
        width, height, to_width, to_height = (int(2 ** v) for v in random.uniform(0, 9.5, 4))
        pixels = random.randint(0, 256, (height, width, 3)).astype(np.uint8)
        largest = max(largest, difference(pixels, to_width, to_height))
    print(f"{count} random sizes: largest difference from Pillow {largest} levels")
    assert largest <= 1
