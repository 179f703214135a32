"""The peer that a Python team would write: FastAPI, uvicorn, Pillow and PyTorch answer POST /v1/inspections with inspectd's JSON.

It is made as fast as such a service is made: weights through torch.jit.optimize_for_inference, decoding in Starlette's thread pool,
one pass at a time with all threads of the process (two at once would fight for the cores), no access log, uvloop and httptools.
It keeps nothing: inspectd stores image and record before it answers. Environment: PEER_STATE, a state folder; PEER_THREADS.
"""
import datetime
import hashlib
import io
import os
import threading
import time
import uuid

import numpy
import torch
from fastapi import FastAPI, Request, Response
from PIL import Image
from scipy import ndimage
from starlette.concurrency import run_in_threadpool

import network

torch.set_num_threads(int(os.environ["PEER_THREADS"]))
_network, MANIFEST = network.load(os.environ["PEER_STATE"])
MODEL, INPUT, HEAT = network.optimised(_network), MANIFEST["input"], MANIFEST["heatmap"]
del _network
MEAN, STD = (torch.tensor(INPUT[k], dtype=torch.float32).view(3, 1, 1) for k in ("mean", "std"))
assert INPUT["channel_order"] == "rgb" and HEAT["scale"] == "fixed" and MANIFEST["review"] is None
turn = threading.Lock()
app = FastAPI()


def decode(body):
    """-> image, pixels [1,3,224,224]"""
    image = Image.open(io.BytesIO(body)).convert("RGB")
    small = image.resize((INPUT["width"], INPUT["height"]), Image.BILINEAR)
    pixels = torch.from_numpy(numpy.array(small)).permute(2, 0, 1).to(torch.float32)
    return image, ((pixels * INPUT["scale"] - MEAN) / STD).unsqueeze(0)


def summarise(cam, width, height):
    """-> largest heat, share of the picture at or above the threshold, boxes"""
    heat = ((cam - HEAT["low"]) / (HEAT["high"] - HEAT["low"])).clamp(0, 1)
    heat = torch.nn.functional.interpolate(heat[None], (height, width), mode="bilinear", align_corners=False)[0, 0].numpy()
    labels, _count = ndimage.label(heat >= HEAT["threshold"], structure=numpy.ones((3, 3)))
    boxes = []
    for number, (rows, columns) in enumerate(ndimage.find_objects(labels), 1):
        inside = heat[rows, columns][labels[rows, columns] == number]
        boxes.append((inside.size, {"x": columns.start, "y": rows.start, "width": columns.stop - columns.start,
                                    "height": rows.stop - rows.start, "max": round(float(inside.max()), 4)}))
    boxes.sort(key=lambda item: -item[0])
    return float(heat.max()), float((labels > 0).mean()), [box for _size, box in boxes]


def inspect(body, media_type, product, camera, part):
    began = time.perf_counter()
    received = datetime.datetime.now(datetime.timezone.utc)
    image, pixels = decode(body)
    decoded = time.perf_counter()
    with turn, torch.inference_mode():
        passed = time.perf_counter()
        probability, cam = MODEL(pixels)
    scored = time.perf_counter()
    probability, name = float(probability), str(uuid.uuid4())
    largest, area, boxes = summarise(cam, *image.size)
    return {
        "id": name, "product": product, "model": MANIFEST["version"],
        "verdict": "anomaly" if probability >= MANIFEST["threshold"] else "good", "probability": probability,
        "threshold": MANIFEST["threshold"],
        "heatmap": {"href": f"/v1/inspections/{name}/heatmap.png", "threshold": HEAT["threshold"], "scale": "fixed", "max": largest,
                    "area": area, "boxes": boxes},
        "image": {"href": f"/v1/inspections/{name}/image", "width": image.width, "height": image.height,
                  "sha256": hashlib.sha256(body).hexdigest(), "media_type": media_type, "bytes": len(body), "kept": False},
        "suspect": False, "reasons": [], "camera": camera, "part": part,
        "received_at": received.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "timing_ms": {"decode": 1e3 * (decoded - began), "queue": 1e3 * (passed - decoded), "inference": 1e3 * (scored - passed),
                      "total": 1e3 * (time.perf_counter() - began)},
        "label": None,
    }


@app.get("/readyz")
def ready():
    return {"ready": True}


@app.post("/v1/inspections")
async def post(request: Request, product: str, camera: str | None = None, part: str | None = None):
    if product != MANIFEST["product"]:
        return Response(status_code=404)
    return await run_in_threadpool(inspect, await request.body(), request.headers.get("content-type"), product, camera, part)
