"""Two services under the same load, in turns: inspectd and app.py. See README.md of tests/bench for the method."""
import http.client
import json
import os
import pathlib
import socket
import subprocess
import time

import traffic
from daemon import Daemon

HERE = pathlib.Path(__file__).resolve().parent
traffic.TIMEOUT_S = 600  # a service that is slow is measured, not given up
CLOSED, OPEN, OPEN_CLIENTS = (1, 4, 16), (0.5, 0.9), 64
TICKS = os.sysconf("SC_CLK_TCK")


def family(pid):
    """-> pid and the processes that it started"""
    parents = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except (OSError, IndexError):
                continue
    found = [pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found


class Service:
    """A running service: pid and port."""

    def cpu_s(self):
        total = 0
        for pid in family(self.pid):
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            total += int(fields[11]) + int(fields[12])
        return total / TICKS

    def memory_mb(self):
        """Proportional set size: pages that processes share count once."""
        text = [pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in family(self.pid)]
        return sum(int(line.split()[1]) for one in text for line in one.splitlines() if line.startswith("Pss:")) * 1.024e-3

    def ask(self, body):
        """-> probability"""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        connection.request("POST", "/v1/inspections?product=carpet", body, {"Content-Type": "image/jpeg"})
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        assert answer.status == 200, data
        return json.loads(data)["probability"]


class Inspectd(Service):
    def __init__(self, inspectd, state, threads):
        self.daemon = Daemon(inspectd, state, [f"device.threads={threads}", "device.name=cpu", "limits.deadline_ms=60000",
                                               "limits.inflight=128", "server.connections=256"])
        self.pid, self.port = self.daemon.process.pid, self.daemon.port

    def stop(self):
        self.daemon.stop()


class FastApi(Service):
    def __init__(self, state, processes, threads):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        environment = {**os.environ, "PEER_STATE": str(state), "PEER_THREADS": str(threads), "OMP_NUM_THREADS": str(threads)}
        self.process = subprocess.Popen(["/usr/bin/python3", "-m", "uvicorn", "app:app", "--port", str(self.port), "--workers",
                                         str(processes), "--log-level", "warning", "--no-access-log"], cwd=HERE, env=environment)
        self.pid, end = self.process.pid, time.monotonic() + 180
        while True:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=5):
                    break
            except OSError:
                assert time.monotonic() < end and self.process.poll() is None, "uvicorn does not start"
                time.sleep(0.1)
        while len(family(self.pid)) < processes:  # several workers listen on one socket
            time.sleep(0.1)

    def stop(self):
        self.process.terminate()
        self.process.wait(60)


def load(service, bodies, clients, seconds, rate=None):
    """-> figures of one level"""
    before = service.cpu_s()
    s = traffic.run(service.port, "carpet", bodies, clients, seconds, rate)
    assert s["count"] and not s["failed"], f"{type(service).__name__}: {s}"
    return {"clients": clients, "asked": rate, "rate": s["rate"], "p50_ms": s["p50_ms"], "p99_ms": s["p99_ms"], "count": s["count"],
            "cpu_ms": 1e3 * (service.cpu_s() - before) / s["count"], "memory_mb": service.memory_mb()}


def one_round(services, bodies, seconds, number):
    """Every level with every service, one service after the other -> name -> level -> figures"""
    names, made = list(services), {name: {} for name in services}
    order = names[number % len(names):] + names[:number % len(names)]
    for clients in CLOSED:
        for name in order:
            made[name][f"closed, {clients}"] = load(services[name], bodies, clients, seconds)
    for share in OPEN:
        for name in order:
            most = max(figures["rate"] for level, figures in made[name].items() if level.startswith("closed"))
            made[name][f"open, {share:.0%}"] = load(services[name], bodies, OPEN_CLIENTS, seconds, share * most)
    return made


def run(inspectd, state, threads, rounds, seconds, say):
    """-> {"image_kb", "rounds": [name -> level -> figures]}"""
    bodies = traffic.jpegs(16)
    services, rows = {}, []
    try:
        services["inspectd"] = Inspectd(inspectd, state, threads)
        services["FastAPI + PyTorch"] = FastApi(state, 1, threads)
        if threads > 1:
            services[f"FastAPI + PyTorch, {threads} processes"] = FastApi(state, threads, 1)
        for name, service in services.items():
            apart = max(abs(service.ask(body) - services["inspectd"].ask(body)) for body in bodies)
            assert apart < 1e-3, f"{name} answers something else: {apart}"
            load(service, bodies, 4, 2)  # all workers have loaded and warmed up
        for number in range(rounds):
            say(f"served: round {number + 1} of {rounds}")
            rows.append(one_round(services, bodies, seconds, number))
    finally:
        for service in services.values():
            service.stop()
    return {"image_kb": sum(map(len, bodies)) / len(bodies) / 1e3, "seconds": seconds, "rounds": rows}
