#!/usr/bin/env python3
"""What MQTT and Modbus cost an inspection, how soon the PLC sees a verdict, and the memory of each sink.

post    POSTs to two daemons in turns: one without a sink, one with an MQTT broker (mosquitto), a subscriber, and a PLC that
        reads its station every 10 ms and acknowledges each result. The daemons have the fake device, because a network's
        pass would drown the figure. A pause between two POSTs lets each daemon finish what follows the answer. Exit 1
        where the p99 grows by 0.2 ms or more.
coil    From the verdict to the moment when a PLC that asks every half millisecond has read it, with every core busy,
        because cameras at nice 19 post without pause (PLC and measured camera run at a real-time priority, if that is
        allowed: in a plant all three are other machines). Once with the fake device and 8 cameras (most messages), once with
        the real one and 2 (its passes fill the cores), and without load, which is the share of the measuring itself. Times
        come from the inspection's row: the verdict from `received_us` and `total_us`, the commit from the log's
        `commit_ms`. Exit 1 at 5 ms or more from the verdict to the PLC.
memory  Resident memory of a daemon after 500 verdicts, without a sink and with each, in turns.

--before names another build, which `post` and `coil` measure in turns with --build, round by round.

    plant.py --build build/release [--before BUILD] [--rounds 3] [--pairs 2000] [--parts 300] [--starts 5] [post] [coil] [memory]
"""
import argparse
import contextlib
import http.server
import io
import json
import os
import pathlib
import random
import re
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
import uuid

from daemon import Daemon, prepare, quantile

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "http"))
PAUSE_S, CYCLE_S, FAST_CYCLE_S, WARM = 0.004, 0.010, 0.0005, 200


def picture(colour):
    import PIL.Image
    out = io.BytesIO()
    PIL.Image.new("RGB", (64, 64), colour).save(out, "PNG")
    return out.getvalue()


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


# --- clients in C (clients.c)

FIRST = 10  # real-time priority


def go_first():
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(FIRST))
    except PermissionError:
        with contextlib.suppress(PermissionError):
            os.nice(-15)


class Client:
    """A process of clients.c; `ask` gives it a line and reads its next one."""

    program = ""  # of --build, also for the daemon of --before

    def __init__(self, *arguments, prepare=go_first):
        self.process = subprocess.Popen([Client.program, *map(str, arguments)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, bufsize=1, preexec_fn=prepare)

    def read(self):
        line = self.process.stdout.readline()
        assert line, "a client has ended"
        return line.split()

    def ask(self):
        self.process.stdin.write("\n")
        return self.read()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(10)


def plc(running, cycle_s):
    port = re.search(r"PLCs may connect .*port=(\d+)", (running.state / "bench.log").read_text())[1]
    client = Client("plc", port, int(1e6 * cycle_s))
    assert client.read() == ["ready"]
    return client


def poster(running, image):
    return Client("camera", running.port, "c1", image)


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

def spread(values, unit="ms", form="{:.2f}"):
    """The median of the rounds, and their range."""
    text = [form.format(value) for value in (quantile(values, .5), min(values), max(values))]
    return f"{text[0]} {unit} ({text[1]} to {text[2]})" if len(values) > 1 else f"{text[0]} {unit}"


def post_round(build, folder, name, pairs):
    """-> (times without sinks, times with), milliseconds"""
    from broker import Subscriber
    image = pathlib.Path(folder) / "black.png"
    image.write_bytes(picture("black"))
    with broker(folder) as mqtt, daemon(build / "inspectd_fake", fake_state(build, folder, f"plain{name}")) as plain, daemon(
            build / "inspectd_fake", fake_state(build, folder, f"plant{name}"), f"mqtt.url=mqtt://127.0.0.1:{mqtt.port}",
            *MODBUS) as plant:
        live = Subscriber(mqtt.port, "+/+/result/#")
        wait_sinks(plant)
        took = [[], []]
        with plc(plant, CYCLE_S), poster(plain, image) as one, poster(plant, image) as other:
            for turn in range(pairs + WARM):
                for side in ((0, 1) if turn % 2 else (1, 0)):
                    _, sent, answered = (one, other)[side].ask()
                    if turn >= WARM:
                        took[side].append((int(answered) - int(sent)) / 1e3)
                    time.sleep(PAUSE_S)
        live.wait(lambda: len(live.got) >= pairs + WARM)
        live.close()
    return took


def measure_post(builds, folder, pairs, rounds):
    took = {name: [] for name in builds}
    for number in range(rounds):
        for name, build in builds.items():
            took[name].append(post_round(build, folder, f"{name}{number}", pairs))
    for name, found in took.items():
        for label, q in (("p50", .5), ("p90", .9), ("p99", .99)):
            without, both = (quantile([t for turn in found for t in turn[side]], q) for side in (0, 1))
            added = [quantile(turn[1], q) - quantile(turn[0], q) for turn in found]
            print(f"  {name}: {label} {without:.3f} ms without, {both:.3f} ms with MQTT and Modbus: {both - without:+.3f} ms; "
                  f"rounds {spread(added, form='{:+.3f}')}")
    return both - without < 0.2  # of the last: builds end with the one that is judged


def read_rows(state):
    """id -> (verdict, commit) of camera c1, in microseconds of the wall clock"""
    commit = {m[1]: float(m[2]) for m in re.finditer(r" id=(\S+) .*commit_ms=(\S+)", (state / "bench.log").read_text())}
    with contextlib.closing(sqlite3.connect(state / "inspectd.sqlite3")) as database:
        rows = database.execute("SELECT lower(hex(id)), received_us, total_us FROM inspection WHERE camera = 'c1'").fetchall()
    ids = {str(uuid.UUID(row[0])): row[1] + row[2] for row in rows}
    return {id: (done, done + 1e3 * commit[id]) for id, done in ids.items() if id in commit}


def published(running):
    """-> inspections that were offered to the PLC within 2 ms of their commit, and all; (0, 0) of a build without the stage"""
    with urllib.request.urlopen(f"http://127.0.0.1:{running.port}/metrics") as answer:
        page = answer.read().decode()
    return [sum(map(int, re.findall(rf'inspectd_stage_duration_seconds_bucket{{stage="publish",le="{le}"}} (\d+)', page)))
            for le in ("0.002", r"\+Inf")]


def coil_round(binary, state, image, parts, clients):
    """-> a dict of lists of milliseconds, the answers a second that the load got, and the inspections (those within 2 ms
    of their commit, all) whose verdict the PLC could read"""
    light, seen, posts, load = state / "light.png", [], [], None
    light.write_bytes(picture("black"))
    with daemon(binary, state, *MODBUS) as running, plc(running, FAST_CYCLE_S) as reader, contextlib.ExitStack() as more:
        if clients:
            load = more.enter_context(Client("load", running.port, clients, light, prepare=lambda: os.nice(19)))
        camera = more.enter_context(poster(running, image))
        time.sleep(1)  # until the load stands
        answers, began = int(load.ask()[0]) if load else 0, time.monotonic()
        for _ in range(parts):
            posts.append(camera.ask())
            seen.append(reader.read())
            time.sleep(random.uniform(0, 0.01))
        rate = (int(load.ask()[0]) - answers) / (time.monotonic() - began) if load else 0
        written = published(running)
    rows, found = read_rows(state), {"verdict to coil": [], "commit": [], "commit to coil": [], "last request": [], "POST": []}
    for (id, asked, read), (_, sent, answered) in zip(seen, posts):
        verdict, commit = rows[id]
        found["verdict to coil"].append((int(read) - verdict) / 1e3)
        found["commit"].append((commit - verdict) / 1e3)
        found["commit to coil"].append((int(read) - commit) / 1e3)
        found["last request"].append((int(read) - int(asked)) / 1e3)
        found["POST"].append((int(answered) - int(sent)) / 1e3)
    return found, rate, written


def coil_cases(builds, folder, parts):
    """(name, build's name) -> the arguments of its rounds"""
    cases = {}
    small = pathlib.Path(folder) / "black.png"
    small.write_bytes(picture("black"))
    for name, build in builds.items():
        real = pathlib.Path(folder) / f"real{name}"
        real.mkdir()
        photo = sorted((prepare(build / "inspectd", real, images=40) / "test" / "good").glob("*.png"))[0]
        fake = build / "inspectd_fake", fake_state(build, folder, f"coil{name}"), small
        cases["no load, fake device", name] = *fake, parts, 0
        cases["8 cameras, fake device", name] = *fake, parts, 8
        cases["2 cameras, real device", name] = build / "inspectd", real, photo, max(30, parts // 4), 2
    return cases


def measure_coil(builds, folder, parts, rounds):
    cases, well = coil_cases(builds, folder, parts), True
    found = {key: [] for key in cases}
    for _ in range(rounds):
        for key, arguments in sorted(cases.items()):
            found[key].append(coil_round(*arguments))
    for (case, name), turns in sorted(found.items()):
        print(f"  {case}, {name}: " + (f"load {spread([turn[1] for turn in turns], 'a second', '{:.0f}')}" if turns[0][1] else ""))
        within, offered = (sum(turn[2][i] for turn in turns) for i in (0, 1))
        if offered:
            print(f"    readable by the PLC within 2 ms of the commit: {within} of {offered} inspections ({100 * within / offered:.2f} %)")
        for what in turns[0][0]:
            every = [t for turn in turns for t in turn[0][what]]
            print(f"    {what:15} p50 {spread([quantile(turn[0][what], .5) for turn in turns])}, p99 {quantile(every, .99):.2f}; rounds "
                  f"{spread([quantile(turn[0][what], .99) for turn in turns])}, max {max(every):.2f} of {len(every)}")
            well &= name != "build" or what != "verdict to coil" or quantile(every, .99) < 5
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


def measure_memory(builds, folder, starts, _):
    build = builds["build"]
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
    parser.add_argument("--before", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pairs", type=int, default=2000)
    parser.add_argument("--parts", type=int, default=300)
    parser.add_argument("--starts", type=int, default=5)
    parser.add_argument("part", nargs="*", choices=["post", "coil", "memory", []])
    arguments = parser.parse_args()
    builds = {"before": arguments.before, "build": arguments.build}
    builds = {name: build.resolve() for name, build in builds.items() if build}
    Client.program, well = builds["build"] / "tests/bench/bench_clients", True
    parts = {"post": (measure_post, arguments.pairs), "coil": (measure_coil, arguments.parts), "memory": (measure_memory, arguments.starts)}
    for name in arguments.part or parts:
        print(f"{name}; load before: {os.getloadavg()[0]:.1f}", flush=True)
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            measure, count = parts[name]
            well &= measure(builds, folder, count, arguments.rounds)
        print(f"  in {time.monotonic() - began:.0f} s", flush=True)
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
