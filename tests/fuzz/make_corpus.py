#!/usr/bin/env python3
"""Writes the seeds of fuzz_decode, fuzz_media, fuzz_kserve, fuzz_modbus and fuzz_sparkplug, which are committed. Needs Pillow. Usage:
make_corpus.py [FOLDER]"""
import json
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


def restarts():
    """A grey JPEG of 24 x 8 pixels, a restart marker behind each of its three blocks, with stray bytes before the first."""
    segment = lambda code, data: b"\xff" + bytes([code]) + struct.pack(">H", len(data) + 2) + data
    table = lambda kind: bytes([kind, 0, 1] + [0] * 14 + [0])  # one code of two bits: 0, of zero bits or the end of a block
    block = b"\x0f"  # 00 00, filled with ones
    return (b"\xff\xd8" + segment(0xdb, b"\0" + bytes([16] * 64)) + segment(0xc0, b"\x08\0\x08\0\x18\1\1\x11\0") +
            segment(0xc4, table(0)) + segment(0xc4, table(0x10)) + segment(0xdd, b"\0\1") + segment(0xda, b"\1\1\0\0\x3f\0") +
            block + b"\0\x55\0" + b"\xff\xd0" + block + b"\xff\xd1" + block + b"\xff\xd9")


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
(decode / "grey12.png").write_bytes(png(3, 2, 16, 0, 0, b"\0\x0f\xff\1\2\3\4\0\5\6\7\x08\x09\x0a", chunk(b"sBIT", b"\x0c")))
(decode / "rgba16.png").write_bytes(png(2, 1, 16, 6, 0, b"\0" + b"\x03\xff\0\1\2\0\x03\xff" * 2))
(decode / "bgrx.png").write_bytes(png(2, 1, 8, 6, 0, b"\0abc\0def\0"))
exif = Image.Exif()
exif[0x0112] = 6
picture(24).crop((0, 0, 24, 9)).save(decode / "turned.jpg", quality=70, exif=exif)
picture(20).crop((0, 0, 20, 9)).save(decode / "turned.png", exif=exif)
(decode / "restarts.jpg").write_bytes(restarts())
(decode / "mono8.raw").write_bytes(bytes((0, 4, 3)) + bytes(range(12)))
(decode / "bgr8.raw").write_bytes(bytes((2, 2, 2)) + bytes(range(12)))

media = ROOT / "media"
media.mkdir(parents=True, exist_ok=True)
for name, text in {"jpeg": "image/jpeg", "png": 'IMAGE/PNG; q="a\\"b"', "raw": "image/x-raw;format=mono8;width=640;height=480",
                   "quoted": 'image/x-raw; height="2"; width=4294967295; line=7; Format="BGR8";;', "other": "text/plain"}.items():
    (media / name).write_text(text)


kserve = ROOT / "kserve"
kserve.mkdir(parents=True, exist_ok=True)
bytes_input = {"name": "image", "shape": [2], "datatype": "BYTES"}
pixels_input = {"name": "image", "shape": [1, 1, 2, 3], "datatype": "UINT8"}
tensor = b"\3\0\0\0abc\1\0\0\0d"
for name, head, raw in [
        ("bytes", {"inputs": [{**bytes_input, "parameters": {"binary_data_size": 12}}],
                   "parameters": {"binary_data_output": True, "timeout": 500000, "camera": "c1", "part": "p"}}, tensor),
        ("base64", {"id": "7", "inputs": [{**bytes_input, "parameters": {"content_type": "base64"}, "data": [["YWI="], ["Yw=="]]}],
                    "outputs": [{"name": "verdict", "parameters": {"binary_data": True}}, {"name": "heatmap"}]}, b""),
        ("pixels", {"inputs": [{**pixels_input, "data": [[[[1, 2, 3], [4, 55, 255]]]]}]}, b""),
        ("raw", {"inputs": [{**pixels_input, "parameters": {"binary_data_size": 6}}]}, b"abcdef")]:
    text = json.dumps(head, separators=(",", ":")).encode()
    (kserve / name).write_bytes(struct.pack("<H", len(text)) + text + raw)

modbus = ROOT / "modbus"
modbus.mkdir(parents=True, exist_ok=True)
ask = lambda draw, unit, pdu: bytes([draw]) + struct.pack(">HHHB", 7, 0, len(pdu) + 1, unit) + pdu
enable = ask(0, 1, b"\x0f\0\0\0\6\1\x21")
for name, data in {
        "reads": b"".join(ask(0, 1, bytes([function, 0, 0, 0, count])) for function, count in [(1, 6), (2, 10), (3, 21), (4, 50)]),
        "handshake": enable + ask(1, 1, b"\2\0\0\0\x0a") + ask(0, 1, b"\5\0\3\xff\0") + ask(0, 1, b"\5\0\3\0\0"),
        "trigger": enable + ask(0, 1, b"\x10\0\0\0\4\x08\0\1\0\0\0\1\0\2") + ask(0, 1, b"\6\0\x14\1\xf4") +
                   ask(0, 1, b"\5\0\1\xff\0") + ask(1, 1, b"\4\0\0\0\x32") + ask(0, 1, b"\5\0\1\0\0"),
        "refused": ask(0, 1, b"\x2b\x0e\1\0") + ask(0, 2, b"\1\0\0\0\6") + ask(0, 1, b"\x10\0\x15\0\1\2\0\1")}.items():
    (modbus / name).write_bytes(data)

sparkplug = ROOT / "sparkplug"
sparkplug.mkdir(parents=True, exist_ok=True)
field = lambda number, data: bytes([number << 3 | 2, len(data)]) + data
command = lambda name, *more: field(2, field(1, name) + b"\x18\1" + b"".join(more))
rebirth = command(b"Node Control/Rebirth", b"\x20\x0b", b"\x70\1")
for name, data in {
        "rebirth": b"\x08\xe8\7" + rebirth + b"\x18\0",
        "others": command(b"Node Control/Next Server", b"\x70\1") + command(b"f", b"\x65\0\0\x80\x3f") + command(b"d", b"\x69" + b"\0" * 8),
        "null": command(b"Node Control/Rebirth", b"\x38\1", b"\x70\1") + field(4, b"id") + field(5, b"body"),
        "group": rebirth + b"\x0b\x0c"}.items():
    (sparkplug / name).write_bytes(data)
