"""Starts the real daemon for a bench: a state folder with a trained demo product, a free port, readiness awaited."""
import http.client
import json
import os
import pathlib
import re
import subprocess
import time


class Daemon:
    """inspectd on a free loopback port; `options` are further -o section.key=value."""

    def __init__(self, inspectd, state, options=()):
        self.inspectd, self.state = str(inspectd), pathlib.Path(state)
        self.options = [w for o in ("server.listen=127.0.0.1:0", f"storage.state_dir={state}",
                                    f"training.dataset_roots={state}/datasets", *options) for w in ("-o", o)]
        self.log = open(self.state / "bench.log", "w+")
        self.process = subprocess.Popen([self.inspectd, "serve", *self.options], stderr=self.log)
        self.port = self._wait_port()
        self._wait_ready()

    def _wait_port(self, limit_s=60):
        end = time.monotonic() + limit_s
        while time.monotonic() < end:
            found = re.search(r"address=\S*?:(\d+)", (self.state / "bench.log").read_text())
            if found:
                return int(found.group(1))
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise RuntimeError("inspectd did not start:\n" + (self.state / "bench.log").read_text())

    def _wait_ready(self, limit_s=120):
        end = time.monotonic() + limit_s
        while time.monotonic() < end:
            status, body = self.request("GET", "/readyz")
            if status == 200:
                return
            time.sleep(0.05)
        raise RuntimeError(f"inspectd did not become ready: {body!r}")

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)

    def request(self, method, path, body=None, headers=None, connection=None):
        c = connection or self.connect()
        c.request(method, path, body=body, headers=headers or {})
        answer = c.getresponse()
        data = answer.read()
        if connection is None:
            c.close()
        return answer.status, data

    def admin(self, method, path, document=None):
        token = (self.state / "admin.token").read_text().split()[0]
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        status, data = self.request(method, path, json.dumps(document) if document is not None else None, headers)
        return status, json.loads(data) if data else None

    def memory_bytes(self):
        return int(pathlib.Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def stop(self):
        self.process.terminate()
        code = self.process.wait(60)
        self.log.close()
        return code


def prepare(inspectd, state, images=60, options=(), train=()):
    """A state folder with a filter-bank trunk and the trained demo product `carpet`; made once, then reused. `options` are
    further -o section.key=value, `train` further options of the training."""
    state = pathlib.Path(state)
    data = state / "datasets" / "carpet"
    options = [w for o in (f"storage.state_dir={state}", *options) for w in ("-o", o)]
    if not (state / "models" / "carpet" / "active.json").exists():
        data.parent.mkdir(parents=True, exist_ok=True)
        if not data.exists():
            subprocess.run([inspectd, "demo-data", data, "--images", str(images), *options], check=True, stderr=subprocess.DEVNULL)
        subprocess.run([inspectd, "trunk", "bank", "--images", data / "train" / "good", *options], check=True, stderr=subprocess.DEVNULL)
        subprocess.run([inspectd, "train", "--product", "carpet", "--data", data, *train, *options], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return data


def quantile(values, q):
    values = sorted(values)
    return values[min(len(values) - 1, int(q * len(values)))] if values else float("nan")
