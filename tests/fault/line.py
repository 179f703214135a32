"""One camera that posts a photograph after another, and the crowds that read beside it."""
import contextlib
import http.client
import io
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

import PIL.Image

HERE = pathlib.Path(__file__).resolve().parent


def photograph(width, height, kind="JPEG", **more):
    """Noise at a low resolution, enlarged: compresses like a photograph."""
    small = PIL.Image.effect_noise((64, 64), 60).convert("RGB")
    out = io.BytesIO()
    small.resize((width, height), PIL.Image.Resampling.BICUBIC).save(out, kind, **more)
    return out.getvalue()


def add_versions(state, product, count):
    """Copies of the one bundle there is under other names; the weights are the same file."""
    folder = pathlib.Path(state) / "models" / product
    for i in range(2, count + 1):
        (folder / f"v{i}").mkdir()
        for path in (folder / "v1").iterdir():
            if path.name == "manifest.json":
                manifest = json.loads(path.read_text())
                (folder / f"v{i}" / path.name).write_text(json.dumps({**manifest, "version": f"v{i}"}))
            else:
                os.link(path, folder / f"v{i}" / path.name)


def quantile(values, q):
    values = sorted(values)
    return values[min(len(values) - 1, int(q * len(values)))]


def post(daemon, image, seconds, least=10, kind="image/jpeg"):
    """-> milliseconds of each answer: as many as fit, at least `least`, all with a verdict."""
    connection = http.client.HTTPConnection(daemon.host, daemon.port, timeout=60)
    took, end = [], time.monotonic() + seconds
    while time.monotonic() < end or len(took) < least:
        began = time.monotonic()
        connection.request("POST", "/v1/inspections?product=carpet&camera=honest&deadline_ms=60000", image, {"Content-Type": kind})
        answer = connection.getresponse()
        body = answer.read()
        assert answer.status == 200, body
        took.append((time.monotonic() - began) * 1e3)
    connection.close()
    return took


@contextlib.contextmanager
def readers(daemon, count, *paths):
    """`statuses` of the result holds the answers by status once the block has ended."""
    crowd = subprocess.Popen([sys.executable, HERE / "readers.py", daemon.host, str(daemon.port), str(count), *paths],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    crowd.statuses = None
    try:
        assert crowd.stdout.readline() == "reading\n"
        yield crowd
    finally:
        out, _ = crowd.communicate("")
        crowd.statuses = out.strip()
