"""Sparkplug B against a real mosquitto, read by sparkplug-payload and compared with sparkplug-client (npm, as
tests/browser/package.json pins them)."""
import json
import pathlib
import shutil
import signal
import subprocess
import threading

import pytest
from broker import Broker
from conftest import START_S, eventually, picture

MODULES = pathlib.Path(__file__).parent.parent / "browser/node_modules"
pytestmark = pytest.mark.skipif(not shutil.which("node") or not (MODULES / "sparkplug-client").is_dir(),
                                reason="needs node and `npm ci` in tests/browser")
REBIRTH = {"timestamp": 1, "metrics": [{"name": "Node Control/Rebirth", "type": "Boolean", "value": True}]}
NAMES = ["Id", "Sequence", "Product", "Model", "Part", "Verdict", "Probability", "Threshold", "Late", "Total ms"]


class Host:
    """Keeps what the host reads, in its order."""

    def __init__(self, port):
        script = pathlib.Path(__file__).parent / "sparkplug_host.mjs"
        self.process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "node", str(script), str(port)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.got, self.ready, self.change = [], 0, threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()
        self.wait_ready(1)

    def _read(self):
        for line in self.process.stdout:
            with self.change:
                found = json.loads(line)
                if "ready" in found:
                    self.ready += 1
                else:
                    self.got.append(found)
                self.change.notify_all()

    def wait_ready(self, times):
        with self.change:
            assert self.change.wait_for(lambda: self.ready >= times, START_S)

    def wait(self, condition):
        """Waits until the condition is true of the messages; returns all."""
        with self.change:
            assert self.change.wait_for(lambda: condition(self.got), 120), self.got[-3:]
            return list(self.got)

    def wait_kinds(self, kind, count):
        return [each for each in self.wait(lambda got: len(of(got, kind)) >= count) if each["kind"] == kind]

    def order(self, **order):
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def of(messages, kind, device=None):
    return [each for each in messages if each.get("kind") == kind and device in (None, each.get("device"))]


def metrics(message):
    return {each["name"]: each for each in message["payload"]["metrics"]}


def value(message, name):
    return metrics(message)[name].get("value")


@pytest.fixture
def broker(tmp_path):
    made = Broker(tmp_path / "broker").start()
    yield made
    made.kill()


@pytest.fixture
def host(broker):
    made = Host(broker.port)
    yield made
    made.close()


def start_node(start, broker, *more, **options):
    return start(f"mqtt.url=mqtt://127.0.0.1:{broker.port}", "mqtt.sparkplug_group=plant 1", "mqtt.sparkplug_node=line3",
                 *more, **options)


def sink(daemon):
    return next(each for each in daemon("GET", "/v1/sinks").json["items"] if each["name"] == "sparkplug")


def post(daemon, **query):
    answer = daemon.inspect(picture(), query="&".join(["product=carpet", *(f"{k}={v}" for k, v in query.items())]))
    assert answer.status == 200, answer.body
    return answer.json


def check_numbers(messages):
    """The sequence numbers of the node's messages begin at 0 with each birth and grow by one."""
    expected = None
    for each in messages:
        if each["kind"] == "NDEATH":
            assert "seq" not in each["payload"]
            continue
        expected = 0 if each["kind"] == "NBIRTH" else (expected + 1) % 256
        assert each["payload"]["seq"] == expected, each
        assert each["qos"] == 0 and not each["retain"] and each["payload"]["timestamp"] > 1.7e12


def test_births_data_and_death(start, broker, host):
    daemon = start_node(start, broker)
    birth = host.wait_kinds("NBIRTH", 1)[0]
    assert birth["topic"] == "spBv1.0/plant 1/NBIRTH/line3"
    assert {name: each["type"] for name, each in metrics(birth).items()} == {
        "bdSeq": "Int64", "Node Control/Rebirth": "Boolean", "Properties/Software": "String",
        "Properties/Version": "String", "Ready": "Boolean"}
    assert value(birth, "Ready") is True and value(birth, "Node Control/Rebirth") is False
    first = post(daemon, camera="c/1%2B", part="p7")
    second = post(daemon, camera="c/1%2B")
    data = host.wait_kinds("DDATA", 2)
    born = host.wait_kinds("DBIRTH", 1)
    assert [each["topic"] for each in born] == ["spBv1.0/plant 1/DBIRTH/line3/c%2F1%2B"]
    assert list(metrics(born[0])) == [f"Inspection/{name}" for name in NAMES] == list(metrics(data[0]))
    for message, answer, place in ((data[0], first, 1), (data[1], second, 2)):
        stored = daemon("GET", f"/v1/inspections/{answer['id']}").json
        got = {name: value(message, f"Inspection/{name}") for name in NAMES}
        assert (got["Id"], got["Sequence"], got["Product"]) == (answer["id"], place, "carpet")
        assert (got["Verdict"], got["Model"], got["Late"]) == (stored["verdict"], "v1", False)
        assert got["Probability"] == pytest.approx(stored["probability"], abs=1e-6)
        assert got["Threshold"] == 0.5 and got["Total ms"] == pytest.approx(stored["timing_ms"]["total"], abs=0.01)
        assert not any(each.get("isHistorical") for each in metrics(message).values())
    assert value(data[0], "Inspection/Part") == "p7" and value(data[1], "Inspection/Part") is None
    daemon.stop()  # the node publishes its death before it disconnects
    death = host.wait_kinds("NDEATH", 1)[0]
    assert [each["name"] for each in death["payload"]["metrics"]] == ["bdSeq"]
    assert value(death, "bdSeq") == value(birth, "bdSeq") and death["qos"] == 1 and not death["retain"]
    check_numbers(host.got)


def test_a_daemon_that_is_killed(start, broker, host):
    daemon = start_node(start, broker)
    birth = host.wait_kinds("NBIRTH", 1)[0]
    daemon.stop(signal.SIGKILL)
    death = host.wait_kinds("NDEATH", 1)[0]  # its will
    assert value(death, "bdSeq") == value(birth, "bdSeq")
    start_node(start, broker, state=daemon.state)
    again = host.wait_kinds("NBIRTH", 2)[1]
    assert value(again, "bdSeq") == value(birth, "bdSeq") + 1  # the death of the one before cannot be taken for its own


def test_rebirth_on_request(start, broker, host):
    daemon = start_node(start, broker)
    host.wait_kinds("NBIRTH", 1)
    answers = [post(daemon, camera=camera) for camera in ("a", "b")]
    host.wait_kinds("DDATA", 2)
    topic = "spBv1.0/plant 1/NCMD/line3"
    host.order(topic=topic, payload={**REBIRTH, "metrics": [{**REBIRTH["metrics"][0], "value": False}]})
    host.order(topic=topic, hex="ffffffff")
    host.order(topic=topic, payload=REBIRTH)
    births = host.wait_kinds("NBIRTH", 2)
    assert value(births[0], "bdSeq") == value(births[1], "bdSeq")
    host.wait_kinds("DBIRTH", 4)
    reborn = of(host.got, "DBIRTH")[2:]  # with the last result of each
    assert [value(each, "Inspection/Id") for each in reborn] == [each["id"] for each in answers]
    post(daemon, camera="b")
    host.wait_kinds("DDATA", 3)
    assert len(of(host.got, "NBIRTH")) == 2  # one birth for one request
    assert "no message of Sparkplug B" in sink(daemon)["last_error"]["detail"]
    check_numbers([each for each in host.got if each["kind"] != "NCMD"])


def test_history_after_the_broker_was_away(start, broker, host):
    daemon = start_node(start, broker)
    host.wait_kinds("NBIRTH", 1)
    ids = [post(daemon, camera="a")["id"]]
    host.wait_kinds("DDATA", 1)
    eventually(lambda: sink(daemon)["waiting"] == 0)
    broker.kill()
    eventually(lambda: sink(daemon)["state"] != "connected", START_S)
    ids += [post(daemon, camera="a")["id"] for _ in range(3)]
    assert sink(daemon)["waiting"] == 3
    broker.start()
    eventually(lambda: sink(daemon)["state"] == "connected" and sink(daemon)["waiting"] == 0, 120)
    host.wait_ready(2)  # maybe later than the daemon: what a host has missed is not repeated, as QoS 0 means
    ids.append(post(daemon, camera="a")["id"])
    host.wait(lambda got: any(value(each, "Inspection/Id") == ids[-1] for each in of(got, "DDATA")))
    seen = {value(each, "Inspection/Id"): each for each in of(host.got, "DDATA")}
    assert [name for name in ids if name in seen] == list(seen)
    for name, each in seen.items():
        assert all(bool(one.get("isHistorical")) == (name in ids[1:4]) for one in metrics(each).values())
    eventually(lambda: sink(daemon)["delivered"] == 5)
    assert sink(daemon)["lost"] == 0


def test_history_is_flagged(start, broker, tmp_path):
    """Here the daemon is the one that comes later, so that the host sees all."""
    daemon = start_node(start, broker)
    eventually(lambda: sink(daemon)["state"] == "connected", START_S)
    broker.kill()
    eventually(lambda: sink(daemon)["state"] != "connected", START_S)
    ids = [post(daemon, camera=camera)["id"] for camera in ("a", "b", "a")]
    daemon.stop(signal.SIGKILL)  # nothing of it is in memory
    broker.start()
    host = Host(broker.port)
    daemon = start_node(start, broker, state=daemon.state)
    host.wait_kinds("DDATA", 3)
    ids.append(post(daemon, camera="b")["id"])
    data = host.wait_kinds("DDATA", 4)
    assert [value(each, "Inspection/Id") for each in data] == ids
    assert [all(one.get("isHistorical") for one in metrics(each).values()) for each in data] == [True] * 3 + [False]
    acquired = [metrics(each)["Inspection/Id"]["timestamp"] for each in data]
    assert acquired == sorted(acquired) and acquired[0] < data[0]["payload"]["timestamp"]
    assert all(one.get("isNull") or one.get("value") is None for one in metrics(of(host.got, "DBIRTH")[0]).values())
    host.close()


def test_more_cameras_than_devices(start, broker, host):
    daemon = start_node(start, broker)
    host.wait_kinds("NBIRTH", 1)
    for number in range(66):
        post(daemon, camera=f"c{number}")
    for _ in range(134):
        post(daemon, camera="c2")
    host.wait_kinds("DDATA", 200)
    assert [each["device"] for each in of(host.got, "DDEATH")] == ["c0", "c1"]  # those that were silent for longest
    assert len(of(host.got, "DBIRTH")) == 66
    check_numbers(host.got)
    assert [each["payload"]["seq"] for each in host.got].count(0) == 2  # 255 is followed by 0


def test_sink_in_api_metrics_and_test(start, broker, host):
    daemon = start_node(start, broker)
    admin = (daemon.state / "admin.token").read_text().strip()
    host.wait_kinds("NBIRTH", 1)
    post(daemon)
    eventually(lambda: sink(daemon)["delivered"] == 1)
    assert sink(daemon)["state"] == "connected" and sink(daemon)["target"] == f"mqtt://127.0.0.1:{broker.port}"
    assert "inspectd_sink_delivered_total{sink=\"sparkplug\"} 1" in daemon("GET", "/metrics").body.decode()
    answer = daemon("POST", "/v1/admin/sinks/sparkplug/test", token=admin)
    assert answer.status == 200, answer.body
    assert value(host.wait_kinds("NDATA", 1)[0], "Ready") is True
    broker.kill()
    eventually(lambda: sink(daemon)["state"] == "waiting", START_S)
    assert daemon("POST", "/v1/admin/sinks/sparkplug/test", token=admin).code == "sink_away"
    assert daemon("GET", "/readyz").status == 200


def test_the_form_of_messages_is_that_of_sparkplug_client(start, broker, host):
    """An edge node of another make sends the same kinds on the same topics with the same fields."""
    daemon = start_node(start, broker)
    host.wait_kinds("NBIRTH", 1)
    post(daemon, camera="d")
    host.wait_kinds("DDATA", 1)
    daemon.stop()
    ours = host.wait(lambda got: of(got, "NDEATH"))
    host.order(edge={"groupId": "plant 1", "edgeNode": "other", "deviceId": "d"})
    theirs = host.wait(lambda got: len(of(got, "NDEATH")) == 2)[len(ours):]

    def forms(messages):
        return {each["kind"]: (each["topic"].replace("other", "line3"), each["retain"], set(each["payload"]),
                               set(each["payload"]["metrics"][0]) - {"timestamp"}) for each in messages
                if each["kind"] != "DDEATH"}

    assert forms(ours) == forms(theirs)
