#!/usr/bin/env python3
"""What MQTT and Modbus cost an inspection, how soon the PLC sees a verdict, and the memory of each sink.

post    POSTs to two daemons in turns: one without a sink, one with an MQTT broker (mosquitto), a subscriber, and a PLC that
        reads its station every 10 ms and acknowledges each result. The daemons have the fake device, because a network's
        pass would drown the figure. A pause between two POSTs lets each daemon finish what follows the answer. Exit 1
        where the p99 grows by 0.2 ms or more.
coil    From the verdict to the moment when a PLC that asks every half millisecond has read it, with every core busy,
        because clients of other cameras post without pause (at nice 19; the PLC at a high priority, if that is allowed: in
        a plant both are other machines). The verdict's time is the answer's `received_at`, which is cut to
        milliseconds, plus its `total`: the figure includes the commit and the PLC's request, and is up to 1 ms too large.
        Once with the fake device and 8 clients (most messages), once with the real one and 2 (its passes fill the cores).
        Exit 1 at 5 ms or more.
memory  Resident memory of a daemon after 500 verdicts, without a sink and with each, in turns.

    plant.py --build build/release [--pairs 8000] [--parts 600] [--starts 5] [post] [coil] [memory]
"""
import argparse
import contextlib
import datetime
import http.server
import io
import json
import multiprocessing
import os
import pathlib
import random
import re
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

from daemon import Daemon, prepare, quantile

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "http"))
PAUSE_S, CYCLE_S, FAST_CYCLE_S = 0.004, 0.010, 0.0005


def picture(colour):
    import PIL.Image
    out = io.BytesIO()
    PIL.Image.new("RGB", (64, 64), colour).save(out, "PNG")
    return out.getvalue()


# --- clients that cost little: one socket, whole requests

class Camera:
    def __init__(self, port, camera, body):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.request = (f"POST /v1/inspections?product=carpet&camera={camera} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                        f"Content-Type: image/png\r\nContent-Length: {len(body)}\r\n\r\n").encode() + body

    def post(self):
        """-> (when it was sent, when the answer was there, the answer's JSON as bytes)"""
        sent = time.monotonic()
        self.socket.sendall(self.request)
        data = self.socket.recv(65536)
        while True:
            head, split, body = data.partition(b"\r\n\r\n")
            if split and len(body) >= int(re.search(rb"(?i)content-length: (\d+)", head)[1]):
                break
            data += self.socket.recv(65536)
        took = time.monotonic()
        assert data.startswith(b"HTTP/1.1 200"), data
        return sent, took, body


class Plc:
    """Station 1: enables it, beats, and acknowledges what it reads."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.beat, self.acknowledge = False, False

    def ask(self, pdu):
        self.socket.sendall(struct.pack(">HHHB", 1, 0, len(pdu) + 1, 1) + pdu)
        answer = self.socket.recv(300)
        assert answer[7] == pdu[0], answer
        return answer[9:]

    def coils(self):
        self.beat = not self.beat
        bits = 1 | self.acknowledge << 3 | self.beat << 5
        self.ask(struct.pack(">BHHBB", 15, 0, 6, 1, bits))

    def valid(self):
        return bool(self.ask(struct.pack(">BHH", 2, 0, 10))[0] >> 3 & 1)

    def sequence(self):
        return struct.unpack(">H", self.ask(struct.pack(">BHH", 4, 0, 1)))[0]


def run_plc(port, cycle_s, seen, over):
    """Reads the station in each cycle; puts (sequence, when) for each result."""
    with contextlib.suppress(PermissionError):
        os.nice(-15)
    plc = Plc(port)
    plc.coils()
    seen.put(None)
    beaten = time.time()
    while not over.is_set():
        valid, now = plc.valid(), time.time()
        if valid:
            seen.put((plc.sequence(), now))
            plc.acknowledge = True
            plc.coils()
            plc.acknowledge = False
            plc.coils()
        elif now - beaten > 0.5:
            plc.coils()
            beaten = now
        time.sleep(cycle_s)


def run_load(port, number, body, over):
    os.nice(19)
    camera = Camera(port, f"other{number}", body)
    while not over.is_set():
        camera.post()


@contextlib.contextmanager
def process(target, *arguments):
    over = multiprocessing.Event()
    child = multiprocessing.Process(target=target, args=(*arguments, over), daemon=True)
    child.start()
    try:
        yield
    finally:
        over.set()
        child.join(10)
        child.kill()


@contextlib.contextmanager
def plc(daemon, cycle_s):
    seen = multiprocessing.Queue()
    port = int(re.search(r"PLCs may connect .*port=(\d+)", (daemon.state / "bench.log").read_text())[1])
    with process(run_plc, port, cycle_s, seen):
        seen.get(timeout=60)
        yield seen


@contextlib.contextmanager
def daemon(binary, folder, *options):
    running = Daemon(binary, folder, options)
    try:
        yield running
    finally:
        running.stop()


@contextlib.contextmanager
def broker(folder):
    from broker import Broker
    running = Broker(pathlib.Path(folder) / "broker").start()
    try:
        yield running
    finally:
        running.kill()


def fake_state(build, folder, name):
    state = pathlib.Path(folder) / name
    subprocess.run([build / "tests/http/make_bundle", state, "carpet"], check=True, stdout=subprocess.DEVNULL)
    return state


MODBUS = ("modbus.listen=127.0.0.1:0", "modbus.stations=1=c1")


def wait_sinks(running):
    for _ in range(600):
        items = json.loads(running.request("GET", "/v1/sinks")[1])["items"]
        if all(item["state"] in ("connected", "listening") or item["name"] == "modbus" for item in items):
            return
        time.sleep(0.1)
    raise RuntimeError(items)


# --- the three parts

def measure_post(build, folder, pairs):
    from broker import Subscriber
    body = picture("black")
    with broker(folder) as mqtt, daemon(build / "inspectd_fake", fake_state(build, folder, "plain")) as plain, daemon(
            build / "inspectd_fake", fake_state(build, folder, "plant"), f"mqtt.url=mqtt://127.0.0.1:{mqtt.port}", *MODBUS) as plant:
        live = Subscriber(mqtt.port, "+/+/result/#")
        wait_sinks(plant)
        cameras = [Camera(plain.port, "c1", body), Camera(plant.port, "c1", body)]
        took = [[], []]
        with plc(plant, CYCLE_S):
            for turn in range(pairs + 200):
                for side in ((0, 1) if turn % 2 else (1, 0)):
                    sent, there, _ = cameras[side].post()
                    if turn >= 200:  # the first ones warm both up
                        took[side].append(1e3 * (there - sent))
                    time.sleep(PAUSE_S)
        live.wait(lambda: len(live.got) >= pairs + 200)
        live.close()
    added = {}
    for name, q in (("p50", .5), ("p90", .9), ("p99", .99)):
        without, with_both = (quantile(side, q) for side in took)
        added[name] = with_both - without
        print(f"  {name}: {without:.3f} ms without, {with_both:.3f} ms with MQTT and Modbus: {added[name]:+.3f} ms")
    parts = [[quantile(side[at:at + pairs // 8], .99) for at in range(0, pairs // 8 * 8, pairs // 8)] for side in took]
    print("  p99 of eight parts of the run, added: " + ", ".join(f"{b - a:+.3f}" for a, b in zip(*parts)))
    return added["p99"] < 0.2


def wall(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def coil_times(running, parts, body, clients):
    load = picture("black")
    with contextlib.ExitStack() as stack:
        seen = stack.enter_context(plc(running, FAST_CYCLE_S))
        for number in range(clients):
            stack.enter_context(process(run_load, running.port, number, load))
        camera, times, answers = Camera(running.port, "c1", body), [], []
        time.sleep(1)  # until the load stands
        for _ in range(parts):
            sent, there, answer = camera.post()
            document = json.loads(answer)
            verdict = wall(document["received_at"]) + document["timing_ms"]["total"] / 1e3
            times.append(1e3 * (seen.get(timeout=60)[1] - verdict))
            answers.append(1e3 * (there - sent))
            time.sleep(random.uniform(0, 0.01))
    return times, answers


def measure_coil(build, folder, parts):
    well = True
    real = pathlib.Path(folder) / "real"
    real.mkdir(exist_ok=True)
    data = prepare(build / "inspectd", real, images=40)
    photo = sorted((data / "test" / "good").glob("*.png"))[0].read_bytes()
    for name, binary, state, body, count, clients in (
            ("fake device", build / "inspectd_fake", fake_state(build, folder, "coil"), picture("black"), parts, 8),
            ("real device", build / "inspectd", real, photo, max(50, parts // 4), 2)):
        with daemon(binary, state, *MODBUS) as running:
            times, answers = coil_times(running, count, body, clients)
        p99 = quantile(times, .99)
        print(f"  {name}: verdict to coil p50 {quantile(times, .5):.2f} ms, p99 {p99:.2f} ms, max {max(times):.2f} ms of {count} parts; "
              f"the POST meanwhile p50 {quantile(answers, .5):.1f} ms, p99 {quantile(answers, .99):.1f} ms")
        well &= p99 < 5
    return well


class Receiver(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


def resident_kb(process_id):
    return int(re.search(r"Rss:\s+(\d+)", pathlib.Path(f"/proc/{process_id}/smaps_rollup").read_text())[1])


def measure_memory(build, folder, starts):
    body = picture("black")
    hook = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=hook.serve_forever, daemon=True).start()
    (pathlib.Path(folder) / "watched").mkdir(exist_ok=True)
    with broker(folder) as mqtt:
        url = f"mqtt.url=mqtt://127.0.0.1:{mqtt.port}"
        sides = {"none": (), "MQTT": (url,), "MQTT and Sparkplug": (url, "mqtt.sparkplug_group=g"), "Modbus": MODBUS,
                 "webhook": (f"webhook.url=http://127.0.0.1:{hook.server_port}/",), "watched folder": (f"watch.folder={folder}/watched",)}
        found = {name: [] for name in sides}
        for turn in range(starts):
            for name, options in sides.items():
                with daemon(build / "inspectd_fake", fake_state(build, folder, f"m{turn}{name}"), *options) as running, contextlib.ExitStack() as more:
                    wait_sinks(running)
                    if name == "Modbus":
                        more.enter_context(plc(running, CYCLE_S))
                    camera = Camera(running.port, "c1", body)
                    for _ in range(500):
                        camera.post()
                    while any(item["waiting"] for item in json.loads(running.request("GET", "/v1/sinks")[1])["items"]):
                        time.sleep(0.05)
                    found[name].append(resident_kb(running.process.pid))
    hook.shutdown()
    base = quantile(found["none"], .5)
    for name, values in found.items():
        middle = quantile(values, .5)
        print(f"  {name:20} {middle / 1024:7.1f} MiB ({min(values) / 1024:.1f} to {max(values) / 1024:.1f})"
              + (f"   adds {(middle - base) / 1024:+.1f} MiB" if name != "none" else ""))
    return True


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--pairs", type=int, default=8000)
    parser.add_argument("--parts", type=int, default=600)
    parser.add_argument("--starts", type=int, default=5)
    parser.add_argument("part", nargs="*", choices=["post", "coil", "memory", []])
    arguments = parser.parse_args()
    build, well = arguments.build.resolve(), True
    parts = {"post": (measure_post, arguments.pairs), "coil": (measure_coil, arguments.parts), "memory": (measure_memory, arguments.starts)}
    for name in arguments.part or parts:
        print(f"{name}; load before: {os.getloadavg()[0]:.1f}", flush=True)
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            measure, count = parts[name]
            well &= measure(build, folder, count)
        print(f"  in {time.monotonic() - began:.0f} s", flush=True)
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
