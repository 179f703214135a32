"""JPEG and PNG decoding against Pillow, and PNG of every colour type, depth and interlacing against the samples that went in."""
import io
import itertools
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

import insp_image


def picture(width, height, channels=3, seed=0):
    random = np.random.RandomState(seed)
    small = Image.fromarray(random.randint(0, 256, (9, 9, channels)).astype(np.uint8).squeeze(), None if channels != 4 else "CMYK")
    return small.resize((width, height), Image.BICUBIC)


def jpeg(image, **options):
    out = io.BytesIO()
    image.save(out, "JPEG", **options)
    return out.getvalue()


def largest(a, b):
    return int(np.abs(a.astype(int) - b.astype(int)).max())


@pytest.mark.parametrize("options", [dict(quality=90), dict(quality=60, subsampling=0), dict(quality=95, subsampling=2),
                                     dict(quality=80, progressive=True), dict(quality=90, optimize=True)])
@pytest.mark.parametrize("size", [(1, 1), (17, 33), (640, 480)])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_jpeg(options, size, channels):
    data = jpeg(picture(*size, channels), **options)
    theirs = Image.open(io.BytesIO(data)).convert("RGB")
    difference = largest(insp_image.decode(data), np.asarray(theirs))
    print(f"JPEG {size} {channels} channels {options}: largest difference {difference}")
    assert difference <= (1 if channels == 4 else 0)


@pytest.mark.parametrize("scale", [2, 4, 8])
def test_jpeg_scaled(scale):
    data = jpeg(picture(1001, 777), quality=90)
    image = Image.open(io.BytesIO(data))
    image.draft("RGB", (1001 // scale, 777 // scale))
    theirs = np.asarray(image)
    ours = insp_image.decode(data, target_side=-(-777 // scale) // 2)
    assert ours.shape == theirs.shape
    assert largest(ours, theirs) == 0


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def pack(samples, depth):
    """[rows, values] -> one byte string per row"""
    if depth == 16:
        return [row.astype(">u2").tobytes() for row in samples]
    bits = ((samples[..., None] >> np.arange(depth - 1, -1, -1)) & 1).reshape(len(samples), -1)
    return [np.packbits(row.astype(np.uint8)).tobytes() for row in bits]


ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def png(samples, depth, colour_type, interlace, extra=b""):
    """samples [h, w, channels] of 0 .. 2^depth - 1"""
    height, width, _ = samples.shape
    passes = [samples[y::dy, x::dx] for x, y, dx, dy in ADAM7] if interlace else [samples]
    raw = b"".join(b"\0" + row for p in passes if p.size for row in pack(p.reshape(len(p), -1), depth))
    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, interlace)
    body = zlib.compress(raw)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + chunk(b"IDAT", body[:9]) + chunk(b"IDAT", body[9:]) +
            chunk(b"IEND", b""))


def to8(samples, depth):
    return samples >> 8 if depth == 16 else samples * 255 // ((1 << depth) - 1)


def over_black(rgb, alpha):
    if not alpha.any():
        return rgb  # alpha that hides the whole picture is ignored
    return np.floor(rgb * alpha[..., None] / 255 + 0.5).astype(int)


KINDS = ([(0, d) for d in (1, 2, 4, 8, 16)] + [(2, d) for d in (8, 16)] + [(3, d) for d in (1, 2, 4, 8)] +
         [(t, d) for t in (4, 6) for d in (8, 16)])


@pytest.mark.parametrize("interlace", [0, 1])
@pytest.mark.parametrize("kind,transparent", [(k, t) for k in KINDS for t in (False, True) if not (t and k[0] in (4, 6))])
def test_png(kind, transparent, interlace):
    colour_type, depth = kind
    random = np.random.RandomState(depth)
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour_type]
    for width, height in [(1, 1), (3, 2), (16, 9), (33, 40)]:
        samples = random.randint(0, 1 << depth, (height, width, channels))
        extra, alpha = b"", np.full((height, width), 255)
        if colour_type == 3:
            palette = random.randint(0, 256, (1 << depth, 3)).astype(np.uint8)
            extra = chunk(b"PLTE", palette.tobytes())
            rgb = palette[samples[..., 0]].astype(int)
            if transparent:
                levels = random.randint(0, 256, (1 << depth) // 2).astype(np.uint8)  # the rest is opaque
                extra += chunk(b"tRNS", levels.tobytes())
                alpha = np.concatenate([levels, np.full((1 << depth) - len(levels), 255)])[samples[..., 0]]
        else:
            colours = 1 if colour_type in (0, 4) else 3
            rgb = np.broadcast_to(to8(samples[..., :colours], depth), (height, width, 3))
            if colour_type in (4, 6):
                alpha = to8(samples[..., -1], depth)
            if transparent:
                key = samples[0, 0, :colours]  # compared at full depth: 16-bit neighbours stay opaque
                if depth == 16 and width > 1:
                    samples[0, 1, :colours] = key ^ 1
                    rgb = np.broadcast_to(to8(samples[..., :colours], depth), (height, width, 3))
                extra = chunk(b"tRNS", key.astype(">u2").tobytes())
                alpha = np.where((samples[..., :colours] == key).all(-1), 0, 255)
        data = png(samples, depth, colour_type, interlace, extra)
        ours = insp_image.decode(data)
        assert largest(ours, over_black(rgb, alpha)) == 0, (width, height)
        # Left to the samples alone: 16 bits, which Pillow reads as integers where grey, and the transparent value of
        # grey below 8 bits, which Pillow compares unscaled.
        if alpha.any() and (depth == 8 or (depth < 8 and not (transparent and colour_type == 0))):
            layer = Image.open(io.BytesIO(data)).convert("RGBA")
            theirs = Image.alpha_composite(Image.new("RGBA", layer.size, (0, 0, 0, 255)), layer).convert("RGB")
            assert largest(ours, np.asarray(theirs)) <= 1


def test_png_of_pillow():
    for mode, size in itertools.product(("1", "L", "LA", "P", "RGB", "RGBA"), ((1, 1), (101, 67), (640, 480))):
        image = picture(*size).convert("RGB").convert(mode)
        out = io.BytesIO()
        image.save(out, "PNG")
        layer = Image.open(io.BytesIO(out.getvalue())).convert("RGB")
        assert largest(insp_image.decode(out.getvalue()), np.asarray(layer)) == 0, mode


@pytest.mark.parametrize("interlace", [0, 1])
@pytest.mark.parametrize("bits", [8, 10, 12, 14])
@pytest.mark.parametrize("colour_type", [0, 2, 4, 6])
def test_values_in_the_lower_end_of_16_bits(colour_type, bits, interlace):
    random = np.random.RandomState(bits)
    colours, channels = {0: (1, 1), 2: (3, 3), 4: (1, 2), 6: (3, 4)}[colour_type]
    for width, height in [(3, 2), (40, 33)]:
        samples = random.randint(0, 1 << bits, (height, width, channels))
        samples[0, 0, :colours] = (1 << bits) - 1
        if channels > colours:
            samples[..., -1] = (1 << bits) - 1
        sbit = chunk(b"sBIT", bytes([bits] * channels))
        expected = np.broadcast_to(samples[..., :colours] >> (bits - 8), (height, width, 3))
        for extra in (b"", sbit):
            assert largest(insp_image.decode(png(samples, 16, colour_type, interlace, extra)), expected) == 0
        scaled = samples << (16 - bits)  # as PNG wants it
        for extra in (b"", sbit):
            assert largest(insp_image.decode(png(scaled, 16, colour_type, interlace, extra)), expected) == 0


ORIENTED = [Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.ROTATE_180, Image.Transpose.FLIP_TOP_BOTTOM,
            Image.Transpose.TRANSPOSE, Image.Transpose.ROTATE_270, Image.Transpose.TRANSVERSE, Image.Transpose.ROTATE_90]


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation(orientation, kind):
    image, out = picture(70, 41), io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = orientation
    image.save(out, kind, exif=exif)
    stored = Image.open(io.BytesIO(out.getvalue()))
    theirs = stored.transpose(ORIENTED[orientation - 2]) if orientation > 1 else stored
    assert largest(insp_image.decode(out.getvalue()), np.asarray(theirs.convert("RGB"))) == 0


@pytest.mark.parametrize("chunks", [chunk(b"gAMA", struct.pack(">I", 100000)), chunk(b"sRGB", b"\2"),
                                    chunk(b"cHRM", struct.pack(">8I", *[31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000]))])
def test_colour_chunks_change_nothing(chunks):
    samples = np.random.RandomState(3).randint(0, 256, (9, 11, 3))
    assert largest(insp_image.decode(png(samples, 8, 2, 0, chunks)), samples) == 0
