"""core/image and core/heat/heatmap.h by ctypes, for the parity tests."""
import ctypes as c
import os

import numpy as np

LIB = c.CDLL(os.environ["INSP_PARITY_LIB"])


class Error(c.Structure):
    _fields_ = [("code", c.c_int), ("detail", c.c_char * 512)]


class MediaType(c.Structure):
    _fields_ = [("media", c.c_int), ("raw_format", c.c_int), ("raw_width", c.c_uint32), ("raw_height", c.c_uint32)]


class Limits(c.Structure):
    _fields_ = [("bytes", c.c_size_t), ("width", c.c_uint32), ("height", c.c_uint32), ("pixels", c.c_uint64),
                ("jpeg_stray_bytes", c.c_uint32), ("png16_bits", c.c_uint), ("budget", c.c_void_p),
                ("background", c.c_bool), ("wait_us", c.c_int64), ("cancelled", c.c_void_p), ("cancelled_arg", c.c_void_p),
                ("claim", c.c_void_p), ("kept_bytes", c.c_size_t)]


class Source(c.Structure):
    _fields_ = [("bits", c.c_uint8), ("bits_guessed", c.c_bool), ("alpha_ignored", c.c_bool), ("transparent", c.c_float),
                ("orientation", c.c_uint8), ("stray_bytes", c.c_uint32)]


class Claim(c.Structure):
    _fields_ = [("budget", c.c_void_p), ("background", c.c_bool), ("pixels", c.c_uint64), ("bytes", c.c_uint64)]


class Image(c.Structure):
    _fields_ = [("width", c.c_uint32), ("height", c.c_uint32), ("posted_width", c.c_uint32),
                ("posted_height", c.c_uint32), ("rgb", c.POINTER(c.c_uint8)), ("source", Source), ("claim", Claim)]


class HeatParams(c.Structure):
    _fields_ = [("scale", c.c_int), ("threshold", c.c_float), ("low", c.c_float), ("high", c.c_float),
                ("columns", c.c_uint16), ("rows", c.c_uint16)]


class Box(c.Structure):
    _fields_ = [("x", c.c_uint32), ("y", c.c_uint32), ("width", c.c_uint32), ("height", c.c_uint32), ("max", c.c_float)]


BOXES_MAX = 98


class Summary(c.Structure):
    _fields_ = [("max", c.c_float), ("area", c.c_float), ("box_count", c.c_size_t), ("box", Box * BOXES_MAX)]


def same_size(lib, structure, name):
    """parity.c has the size that C sees: a description here that is out of date would read other fields."""
    assert c.sizeof(structure) == c.c_size_t.in_dll(lib, f"insp_parity_{name}").value, f"struct {name} has changed"


for structure, name in ((Error, "insp_error"), (MediaType, "insp_media_type"), (Limits, "insp_image_limits"), (Image, "insp_image"),
                        (HeatParams, "insp_heat_params"), (Summary, "insp_heat_summary")):
    same_size(LIB, structure, name)

LIB.insp_image_limits_default.restype = Limits
LIB.insp_image_free.argtypes = [c.POINTER(Image)]
LIB.insp_image_free.restype = None
LIB.insp_image_decode.argtypes = [c.c_char_p, c.c_size_t, c.POINTER(MediaType), c.c_uint32, c.POINTER(Limits),
                                  c.POINTER(c.POINTER(Image)), c.POINTER(Error)]
LIB.insp_image_resize.argtypes = [c.POINTER(Image), c.c_uint32, c.c_uint32, c.POINTER(c.POINTER(Image)), c.POINTER(Error)]
LIB.insp_heat_summarise.argtypes = [c.POINTER(HeatParams), c.c_bool, c.POINTER(c.c_float), c.c_uint32, c.c_uint32,
                                    c.POINTER(Summary), c.POINTER(Error)]


def _take(pointer):
    image = pointer.contents
    pixels = np.ctypeslib.as_array(image.rgb, (image.height, image.width, 3)).copy()
    LIB.insp_image_free(pointer)
    return pixels


def decode(data, target_side=0):
    """bytes -> uint8 [h, w, 3]; raises ValueError with the detail."""
    error, image = Error(), c.POINTER(Image)()
    if LIB.insp_image_decode(data, len(data), MediaType(), target_side, LIB.insp_image_limits_default(), c.byref(image), error):
        raise ValueError(error.detail.decode())
    return _take(image)


def resize(pixels, width, height):
    """uint8 [h, w, 3] -> uint8 [height, width, 3]"""
    pixels = np.ascontiguousarray(pixels)
    h, w = pixels.shape[:2]
    source = Image(w, h, w, h, pixels.ctypes.data_as(c.POINTER(c.c_uint8)))
    error, image = Error(), c.POINTER(Image)()
    if LIB.insp_image_resize(source, width, height, c.byref(image), error):
        raise ValueError(error.detail.decode())
    return _take(image)


def summarise(cam, threshold, width, height, per_image=False, low=0.0, high=1.0, anomaly=True):
    """float32 [14, 14] -> (max, area, [(x, y, width, height, max)])"""
    cam = np.ascontiguousarray(cam, np.float32)
    result, error = Summary(), Error()
    if LIB.insp_heat_summarise(HeatParams(int(per_image), threshold, low, high), anomaly,
                               cam.ctypes.data_as(c.POINTER(c.c_float)), width, height, result, error):
        raise ValueError(error.detail.decode())
    boxes = [(b.x, b.y, b.width, b.height, b.max) for b in result.box[:result.box_count]]
    return result.max, result.area, boxes
