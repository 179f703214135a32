"""A real mosquitto on a free port, and a subscriber that keeps what it gets."""
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import threading

import paho.mqtt.client
from conftest import START_S, eventually

MOSQUITTO = shutil.which("mosquitto") or "/usr/sbin/mosquitto"


def free_port():
    """A port that the system does not hand out by itself: a broker that is down must find it free again."""
    while True:
        port = random.randrange(20000, 32000)
        try:
            with socket.create_server(("127.0.0.1", port)):
                return port
        except OSError:
            pass


class Broker:
    """`more` are lines of its configuration for the daemon's listener."""

    def __init__(self, folder, *more, anonymous=True):
        self.folder, self.port, self.process = pathlib.Path(folder), free_port(), None
        self.folder.mkdir(exist_ok=True)
        self.config = self.folder / "mosquitto.conf"
        self.config.write_text("\n".join([
            "user root", "persistence false", f"log_dest file {self.folder}/mosquitto.log", "max_inflight_messages 0",
            "max_queued_messages 0", f"listener {self.port} 127.0.0.1", f"allow_anonymous {str(anonymous).lower()}",
            *more]) + "\n")

    def start(self):
        self.process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", MOSQUITTO, "-c", str(self.config)],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        eventually(self.answers, START_S)
        return self

    def answers(self):
        assert self.process.poll() is None, (self.folder / "mosquitto.log").read_text()
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
        except OSError:
            return False
        return True

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait()


class Subscriber:
    """Collects (topic, payload, retained) of a filter, in their order."""

    def __init__(self, port, topics="#", user=None, password=None):
        api = getattr(paho.mqtt.client, "CallbackAPIVersion", None)  # since paho 2
        self.client = paho.mqtt.client.Client(**({"callback_api_version": api.VERSION1} if api else {}))
        self.got, self.ready, self.change = [], threading.Event(), threading.Condition()
        self.client.on_message = self._take
        self.client.on_subscribe = lambda *_: self.ready.set()
        self.gone = threading.Event()
        self.client.on_disconnect = lambda *_: self.gone.set()
        if user:
            self.client.username_pw_set(user, password)
        self.client.connect("127.0.0.1", port)
        self.client.subscribe(topics, 0)
        self.client.loop_start()
        assert self.ready.wait(START_S)

    def _take(self, _client, _data, message):
        with self.change:
            self.got.append((message.topic, message.payload, message.retain))
            self.change.notify_all()

    def wait(self, condition, timeout=120):
        with self.change:
            assert self.change.wait_for(condition, timeout), f"{len(self.got)} messages, the last: {self.got[-3:]}"

    def of(self, part):
        """The JSON of all messages whose topic has `part`, in their order."""
        with self.change:
            return [json.loads(payload) for topic, payload, _ in self.got if part in topic and payload]

    def results(self):
        return self.of("/result/")

    def wait_results(self, ids, timeout=120):
        """Waits until every id has come, and checks their order: the first time that each was seen."""
        seen = {}

        def all_there():
            for topic, payload, _ in self.got[seen.get("", 0):]:
                if "/result/" in topic:
                    seen.setdefault(json.loads(payload)["id"], len(seen))
            seen[""] = len(self.got)
            return len(seen) - 1 >= len(ids)

        self.wait(all_there, timeout)
        first_seen = [name for name in seen if name]
        assert first_seen == list(ids)

    def close_after_broker(self):
        """Reads what a broker that died has sent to the end."""
        assert self.gone.wait(START_S)
        self.client.loop_stop()

    def close(self):
        self.client.disconnect()
        self.client.loop_stop()


def authority(folder, name):
    """Makes a certificate authority: (certificate, key)."""
    return certificate(folder, name, None)


def certificate(folder, name, signer):
    """Makes a certificate for localhost, signed by (certificate, key) of an authority; an authority without one."""
    folder = pathlib.Path(folder)
    crt, key = folder / f"{name}.crt", folder / f"{name}.key"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
               "-subj", f"/CN={name}", "-keyout", str(key), "-out", str(crt)]
    if signer:
        command += ["-CA", str(signer[0]), "-CAkey", str(signer[1]), "-addext", "basicConstraints=critical,CA:FALSE",
                    "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run(command, check=True, capture_output=True)
    os.chmod(key, 0o644)
    return crt, key
