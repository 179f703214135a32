#!/usr/bin/env python3
"""Milliseconds of each stage of an inspection of a 1024x1024 JPEG, one client after another.

    stages.py --inspectd build/release/inspectd [--state DIR] [--count 50]

The image is a demo picture enlarged to 1024x1024 and saved at quality 90. Minimum, median and maximum over `count`.
"""
import argparse
import io
import json
import pathlib
import statistics
import tempfile

from PIL import Image

from daemon import Daemon, prepare


def picture(path):
    out = io.BytesIO()
    Image.open(path).convert("RGB").resize((1024, 1024), Image.BICUBIC).save(out, "JPEG", quality=90)
    return out.getvalue()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inspectd", required=True)
    parser.add_argument("--state")
    parser.add_argument("--count", type=int, default=50)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        state = pathlib.Path(args.state or scratch)
        data = prepare(args.inspectd, state)
        body = picture(sorted((data / "test" / "good").glob("*"))[0])
        daemon = Daemon(args.inspectd, state)
        connection, rows = daemon.connect(), []
        for _ in range(args.count + 3):
            status, answer = daemon.request("POST", "/v1/inspections?product=carpet", body, {"Content-Type": "image/jpeg"}, connection)
            assert status == 200, answer
            rows.append(json.loads(answer)["timing_ms"])
        rows = rows[3:]
        print(f"1024x1024 JPEG of {len(body)} bytes, {len(rows)} inspections, ms: min median max")
        for stage in rows[0]:
            values = [r[stage] for r in rows]
            print(f"  {stage:10} {min(values):8.2f} {statistics.median(values):8.2f} {max(values):8.2f}")
        daemon.stop()


if __name__ == "__main__":
    main()
