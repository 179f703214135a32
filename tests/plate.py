"""Draws photographs of 4096x3072 pixels for the tests and the bench of tiles."""
import numpy
import PIL.Image

WIDTH, HEIGHT, SCRATCH = 4096, 3072, 20


def box(image, side, axis):
    total = numpy.cumsum(numpy.concatenate([image.take(range(-side, 0), axis), image], axis), axis, dtype=numpy.float32)
    return (total.take(range(side, total.shape[axis]), axis) - total.take(range(total.shape[axis] - side), axis)) / side


def plate(number, scratch):
    """-> (picture, where its scratch begins or None): a brushed plate under uneven light with four rows of holes that lie a
    little otherwise each time."""
    random = numpy.random.default_rng(number)
    grey = box(random.standard_normal((HEIGHT, WIDTH), numpy.float32), 48, 1) * 60
    y, x = numpy.mgrid[0:HEIGHT, 0:WIDTH].astype(numpy.float32)
    grey += 140 + random.normal(0, 3) + 25 * numpy.cos((x - WIDTH / 2 + random.normal(0, 40)) / 1700) - y / 150
    left, top = random.integers(-6, 7, 2)
    for row in range(4):
        for column in range(6):
            cx, cy, r = 400 + 650 * column + left, 380 + 770 * row + top, 110
            part = numpy.s_[cy - r - 4:cy + r + 4, cx - r - 4:cx + r + 4]
            away = numpy.hypot(x[part] - cx, y[part] - cy)
            edge = numpy.clip((r - away) / 2 + 0.5, 0, 1)
            grey[part] = grey[part] * (1 - edge) + 35 * edge
    grey += random.normal(0, 2, grey.shape)
    rgb = numpy.clip(numpy.stack([grey, grey * 0.97, grey * 0.93], 2), 0, 255).astype(numpy.uint8)
    place = None
    if scratch:
        angle = random.uniform(0.5, 2.6)  # across the brush marks
        while True:
            sx, sy = random.integers(40, WIDTH - 40), random.integers(40, HEIGHT - 40)
            if min(abs(sx - 400 - 650 * c) + abs(sy - 380 - 770 * r) for c in range(6) for r in range(4)) > 260:
                break
        for step in numpy.arange(0, SCRATCH, 0.25):
            px, py = int(sx + step * numpy.cos(angle)), int(sy + step * numpy.sin(angle))
            rgb[py - 1:py + 2, px - 1:px + 2] = [60, 58, 56]
        place = (int(sx), int(sy))
    return PIL.Image.fromarray(rgb), place


def near(box, place):
    """Whether a box of an answer lies at the scratch."""
    return box["x"] - 60 <= place[0] <= box["x"] + box["width"] + 60 and box["y"] - 60 <= place[1] <= box["y"] + box["height"] + 60
