#!/usr/bin/env python3
"""Writes the seeds of fuzz_decode and fuzz_media, which are committed. Needs Pillow. Usage: make_corpus.py [FOLDER]"""
import pathlib
import struct
import sys
import zlib

from PIL import Image

ROOT = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent / "corpus")


def picture(side):
    return Image.frombytes("RGB", (side, side), bytes((x * 7 + y * 3 + c * 40) % 256 for y in range(side)
                                                      for x in range(side) for c in range(3)))


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width, height, depth, colour_type, interlace, raw, extra=b""):
    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, interlace)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + chunk(b"IDAT", zlib.compress(raw)) +
            chunk(b"IEND", b""))


decode = ROOT / "decode"
decode.mkdir(parents=True, exist_ok=True)
picture(24).save(decode / "baseline.jpg", quality=80)
picture(24).save(decode / "progressive.jpg", quality=80, progressive=True)
picture(17).convert("L").save(decode / "grey.jpg", quality=80)
picture(17).convert("CMYK").save(decode / "cmyk.jpg", quality=80)
picture(64).save(decode / "scaled.jpg", quality=50)
picture(20).save(decode / "rgb.png")
picture(20).convert("P").save(decode / "palette.png", transparency=3)
picture(20).convert("RGBA").save(decode / "rgba.png")
picture(20).convert("1").save(decode / "bits.png")
(decode / "grey16.png").write_bytes(png(3, 2, 16, 0, 0, b"\0abcdef\0ABCDEF", chunk(b"tRNS", b"ab")))
(decode / "interlaced.png").write_bytes(png(2, 2, 8, 0, 1, b"\0a\0b\0cd"))
(decode / "text.png").write_bytes(png(1, 1, 8, 2, 0, b"\0abc", chunk(b"zTXt", b"Title\0\0" + zlib.compress(b"x" * 500))))
(decode / "mono8.raw").write_bytes(bytes((0, 4, 3)) + bytes(range(12)))
(decode / "bgr8.raw").write_bytes(bytes((2, 2, 2)) + bytes(range(12)))

media = ROOT / "media"
media.mkdir(parents=True, exist_ok=True)
for name, text in {"jpeg": "image/jpeg", "png": 'IMAGE/PNG; q="a\\"b"', "raw": "image/x-raw;format=mono8;width=640;height=480",
                   "quoted": 'image/x-raw; height="2"; width=4294967295; line=7; Format="BGR8";;', "other": "text/plain"}.items():
    (media / name).write_text(text)
