"""What the steps of the GPU check share: the device under test, sizes, limits of error, figures for the report."""
import json
import os
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "parity"), str(HERE.parent / "bench")]

DEVICE = os.environ.get("INSP_GPU_DEVICE", "cuda")
QUICK = os.environ.get("INSP_GPU_QUICK") == "1"
CUDA = DEVICE != "cpu"
BATCH_MAX = 8 if QUICK else 64
STEP_SECONDS = float(os.environ.get("INSP_GPU_STEP_SECONDS", 1000))  # until run.py ends the step

# The stated error of a scoring pass against float32, by the type that its convolutions compute in: of a probability absolutely,
# of a map as a share of its largest value. docs/performance.md quotes them.
LIMIT = {"float32": 1e-3, "float16": 1e-2, "bfloat16": 6e-2}

_figures = {}


def figure(name, value, unit="", aim=None, met=None):
    """Keeps a figure for gpu-check.json; with an aim (text) also whether it is met."""
    _figures[name] = value if aim is None else {"value": value, "unit": unit, "aim": aim, "met": bool(met)}
    print(f"figure {name}: {value} {unit}{'' if aim is None else f' (aim {aim}: ' + ('met' if met else 'MISSED') + ')'}", flush=True)
    path = os.environ.get("INSP_GPU_FIGURES")
    if path:
        pathlib.Path(path).write_text(json.dumps(_figures))


def ladder(most):
    """The batch sizes that are served: 1, 2, 4, ... and the largest."""
    sizes = [1]
    while sizes[-1] * 2 <= most:
        sizes.append(sizes[-1] * 2)
    return sizes if sizes[-1] == most else sizes + [most]


def options():
    """Of every inspectd command: the device under test."""
    return ["-o", f"device.name={DEVICE}"]


def inspectd():
    return os.environ["INSPECTD"]
