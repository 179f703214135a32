"""Cameras for the GPU check: processes that post JPEGs over kept connections, in a closed loop (as many clients, each waits for
its answer) or an open one (arrivals by a schedule; a late answer puts nothing off, and its lateness counts)."""
import ctypes
import json
import multiprocessing
import os
import random
import socket
import sys
import threading
import time

WIDTH, HEIGHT = 640, 480
TIMEOUT_S = 90  # above the daemon's own deadline
context = multiprocessing.get_context("fork")  # a worker touches sockets only


def jpegs(count, seed=1):
    """Different textured pictures of 640x480, encoded by inspectd's own library (quality 85)."""
    lib = ctypes.CDLL(os.environ["INSP_PARITY_LIB"])
    lib.free = ctypes.CDLL(None).free
    lib.free.argtypes = [ctypes.c_void_p]
    draw, made = random.Random(seed), []
    for k in range(count):
        noise = bytes(draw.getrandbits(5) for _ in range(WIDTH))
        rows = []
        for y in range(HEIGHT):
            light = 90 + 60 * ((y // (6 + k % 5)) % 2)
            row = bytearray(3 * WIDTH)
            row[0::3] = bytes(light + n for n in noise)
            row[1::3] = bytes(light + (x // 9 % 2) * 40 for x in range(WIDTH))
            row[2::3] = bytes((light + x // 8) & 255 for x in range(WIDTH))
            rows.append(bytes(row))
            noise = noise[7:] + noise[:7]
        rgb, out, size, error = b"".join(rows), ctypes.c_void_p(), ctypes.c_size_t(), ctypes.create_string_buffer(1024)
        code = lib.insp_image_encode_jpeg(rgb, WIDTH, HEIGHT, 85, ctypes.byref(out), ctypes.byref(size), error)
        assert code == 0, error.raw
        made.append(ctypes.string_at(out, size.value))
        lib.free(out)
    return made


class Connection:
    def __init__(self, port):
        self.port, self.socket = port, None

    def post(self, product, body):
        """-> (status, seconds, probability or None); status 0: the connection broke."""
        began = time.monotonic()
        try:
            if not self.socket:
                self.socket = socket.create_connection(("127.0.0.1", self.port), timeout=TIMEOUT_S)
                self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            head = (f"POST /v1/inspections?product={product} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n"
                    f"Content-Type: image/jpeg\r\nContent-Length: {len(body)}\r\n\r\n").encode()
            self.socket.sendall(head + body)
            status, data = self.answer()
        except (OSError, ValueError):
            self.close()
            return 0, time.monotonic() - began, None
        probability = json.loads(data)["probability"] if status == 200 else None
        return status, time.monotonic() - began, probability

    def answer(self):
        data = b""
        while (end := data.find(b"\r\n\r\n")) < 0:
            part = self.socket.recv(65536)
            if not part:
                raise ValueError("closed")
            data += part
        head = data[:end].decode().lower()
        status = int(head.split(" ", 2)[1])
        length = int(head.split("content-length:")[1].split("\r\n")[0])
        body = data[end + 4:]
        while len(body) < length:
            part = self.socket.recv(65536)
            if not part:
                raise ValueError("closed")
            body += part
        if "connection: close" in head:
            self.close()
        return status, body

    def close(self):
        if self.socket:
            self.socket.close()
        self.socket = None


def _closed(port, product, body, stop, results):
    connection = Connection(port)
    i = random.randrange(len(body))
    while not stop.is_set():
        status, took, _p = connection.post(product, body[i % len(body)])
        results.append((status, took, time.monotonic()))
        i += 1
    connection.close()


def _open(port, product, body, start, rate, first, step, stop, results):
    connection, i = Connection(port), first
    while not stop.is_set():
        due = start + i / rate
        if stop.wait(max(0.0, due - time.monotonic())):
            break
        status, _took, _p = connection.post(product, body[i % len(body)])
        results.append((status, time.monotonic() - due, time.monotonic()))
        i += step
    connection.close()


def _worker(pipe, port, product, bodies, threads, open_loop):
    """One process of clients. Starts when told the time, stops when told, sends [(status, seconds, time of the answer)]."""
    stop, results = threading.Event(), [[] for _ in range(threads)]
    pipe.send("ready")
    start = pipe.recv()
    team = []
    for t in range(threads):
        if open_loop:
            rate, first, step = open_loop
            arguments = (port, product, bodies, start, rate, first + t * step[0], step[0] * step[1], stop, results[t])
            team.append(threading.Thread(target=_open, args=arguments))
        else:
            team.append(threading.Thread(target=_closed, args=(port, product, bodies, stop, results[t])))
    time.sleep(max(0.0, start - time.monotonic()))
    for t in team:
        t.start()
    pipe.recv()
    stop.set()
    for t in team:
        t.join()
    pipe.send([r for part in results for r in part])


class Traffic:
    """Clients that run between start() and stop(). rate: an open loop of that many a second; None: a closed loop."""

    def __init__(self, port, product, bodies, clients, rate=None):
        processes = min(clients, max(1, min(8, len(os.sched_getaffinity(0)) // 2)))
        per = -(-clients // processes)
        self.workers = []
        for k in range(processes):
            here, there = context.Pipe()
            open_loop = (rate, k, (processes, per)) if rate else None
            process = context.Process(target=_worker, args=(there, port, product, bodies, per, open_loop), daemon=True)
            process.start()
            self.workers.append((process, here))
        for _process, pipe in self.workers:
            assert pipe.recv() == "ready"

    def start(self):
        self.began = time.monotonic() + 0.2
        for _process, pipe in self.workers:
            pipe.send(self.began)
        time.sleep(0.2)

    def stop(self):
        """-> [(status, seconds, seconds from the start to the answer)], also of requests that are answered after this call"""
        for _process, pipe in self.workers:
            pipe.send("stop")
        self.seconds = time.monotonic() - self.began
        results = [(status, took, at - self.began) for _process, pipe in self.workers for status, took, at in pipe.recv()]
        for process, _pipe in self.workers:
            process.join()
        return results


def run(port, product, bodies, clients, seconds, rate=None):
    """-> summary of `seconds` of traffic; of an open loop also in_time, the share of its arrivals that were answered within a
    second."""
    traffic = Traffic(port, product, bodies, clients, rate)
    traffic.start()
    time.sleep(seconds)
    results = traffic.stop()
    made = summary(results, traffic.seconds)
    if rate:
        made["in_time"] = sum(status == 200 and took < 1 for status, took, _at in results) / max(1, int(rate * traffic.seconds))
    return made


def summary(results, seconds):
    """rate: of answers within `seconds`; the other figures are of all answers."""
    good = sorted(took for status, took, _at in results if status == 200)
    in_seconds = sum(status == 200 and at <= seconds for status, _took, at in results)

    def at(q):
        return 1e3 * good[min(len(good) - 1, int(q * len(good)))] if good else float("nan")

    failed = {}
    for status, _took, _at in results:
        if status != 200:
            failed[status] = failed.get(status, 0) + 1
    return {"count": len(good), "rate": in_seconds / seconds, "p50_ms": at(.5), "p99_ms": at(.99), "max_ms": at(1), "failed": failed}


def tell(label, s):
    print(f"  {label:34} {s['rate']:8.1f}/s   p50 {s['p50_ms']:8.2f} ms   p99 {s['p99_ms']:8.2f} ms   max {s['max_ms']:8.2f} ms   "
          f"n {s['count']}   failed {s['failed'] or 0}", flush=True)


if __name__ == "__main__":
    sys.exit("traffic.py is a part of load.py and bench.py")
