"""MQTT against a real mosquitto: topics, a broker that is away, dies, stands still or refuses, certificates, commands."""
import contextlib
import json
import signal
import socket
import sqlite3
import subprocess
import threading

import paho.mqtt.client
import paho.mqtt.packettypes
import paho.mqtt.properties
import pytest
from broker import Broker, Subscriber, authority, certificate
from conftest import START_S, add_version, copy_state, eventually, picture


@pytest.fixture
def broker(tmp_path):
    made = []

    def make(*more, start=True, **options):
        made.append(Broker(tmp_path / f"broker{len(made)}", *more, **options))
        return made[-1].start() if start else made[-1]

    yield make
    for each in made:
        each.kill()


@pytest.fixture
def subscribe():
    made = []

    def make(*args, **options):
        made.append(Subscriber(*args, **options))
        return made[-1]

    yield make
    for each in made:
        each.close()


def sink(daemon):
    return daemon("GET", "/v1/sinks").json["items"][0]


def until(daemon, state="connected"):
    return eventually(lambda: (found := sink(daemon))["state"] == state and found, START_S)


def until_error(daemon, text):
    """Waits for an error with `text`; the daemon stays ready all the while."""
    try:
        eventually(lambda: text in ((sink(daemon)["last_error"] or {}).get("detail") or ""), START_S)
    except AssertionError as error:
        raise AssertionError(f"{sink(daemon)}\n{daemon.log_text()[-2000:]}") from error
    assert daemon("GET", "/readyz").status == 200
    assert sink(daemon)["state"] != "connected"


def inspections(daemon, count, connection=None, **query):
    """Posts pictures one after another; their ids."""
    connection = connection or daemon.connect()
    image, ids = picture(), []
    text = "&".join(["product=carpet", *(f"{name}={value}" for name, value in query.items())])
    for _ in range(count):
        answer = daemon.inspect(image, query=text, connection=connection)
        assert answer.status == 200, answer.body
        ids.append(answer.json["id"])
    return ids


def url(broker):
    return f"mqtt.url=mqtt://127.0.0.1:{broker.port}"


def test_topics(start, broker, subscribe):
    server = broker()
    live = subscribe(server.port)
    daemon = start(url(server), "mqtt.prefix=acme/line 1", "mqtt.last=true")
    live.wait(lambda: any("/status" in topic for topic, *_ in live.got))
    ids = inspections(daemon, 2, camera="c/1%2B", part="p7")
    live.wait_results(ids)
    topics = {topic for topic, *_ in live.got}
    assert {"acme/line 1/status", "acme/line 1/result/carpet/c%2F1%2B", "acme/line 1/last/carpet/c%2F1%2B"} <= topics
    first, second = live.results()
    assert (first["seq"], second["seq"]) == (1, 2)
    stored = daemon("GET", f"/v1/inspections/{ids[0]}").json
    assert {**first, "seq": None} == {**stored, "seq": None}
    assert first["part"] == "p7" and first["camera"] == "c/1+"
    live.wait(lambda: any("/heartbeat" in topic for topic, *_ in live.got))
    live.wait(lambda: any("/model/" in topic for topic, *_ in live.got))
    assert live.of("/model/carpet")[0]["version"] == "v1"
    # What a subscriber gets that comes later: the retained ones, and no result.
    late = subscribe(server.port)
    late.wait(lambda: len({topic for topic, _, retained in late.got if retained}) >= 3)
    assert {topic for topic, _, retained in late.got if retained} == {
        "acme/line 1/status", "acme/line 1/model/carpet", "acme/line 1/last/carpet/c%2F1%2B"}
    birth = late.of("/status")[0]
    assert birth["state"] == "online" and birth["version"] and birth["since"]
    assert birth["products"] == [{"product": "carpet", "model": "v1", "threshold": 0.5}]
    daemon.stop()
    late.wait(lambda: any(topic.endswith("/status") and b"offline" in payload for topic, payload, _ in late.got))


def test_will_of_a_daemon_that_dies(start, broker, subscribe):
    server = broker()
    live = subscribe(server.port, "+/+/status")
    daemon = start(url(server))
    until(daemon)
    daemon.stop(signal.SIGKILL)
    live.wait(lambda: any(b"offline" in payload for _, payload, _ in live.got))
    assert [message["state"] for message in live.of("status")] == ["online", "offline"]


def test_sink_in_api_metrics_and_test(start, broker):
    server = broker()
    daemon = start(url(server))
    admin = (daemon.state / "admin.token").read_text().strip()
    until(daemon)
    inspections(daemon, 3)
    eventually(lambda: sink(daemon)["delivered"] == 3)
    assert sink(daemon)["target"] == f"mqtt://127.0.0.1:{server.port}"
    assert (sink(daemon)["waiting"], sink(daemon)["lost"], sink(daemon)["oldest"]) == (0, 0, None)
    assert daemon.metric("sink_up") == 1 and daemon.metric("sink_delivered_total") == 3
    answer = daemon("POST", "/v1/admin/sinks/mqtt/test", token=admin)
    assert answer.status == 200 and answer.json["took_ms"] > 0, answer.body
    assert daemon("POST", "/v1/admin/sinks/modem/test", token=admin).code == "not_found"
    assert daemon("POST", "/v1/admin/sinks/mqtt/test").status == 401
    server.kill()
    until(daemon, "waiting")
    assert daemon("POST", "/v1/admin/sinks/mqtt/test", token=admin).code == "sink_away"
    assert daemon.metric("sink_up") == 0 and daemon.metric("sink_errors_total") >= 1


def test_without_a_sink(shared):
    assert shared("GET", "/v1/sinks").json == {"items": []}


def guarded(broker, tmp_path):
    """A broker that does not let the daemon in before admit() is called."""
    passwords = tmp_path / "passwords"
    add_password(passwords, "test", "t", create=True)
    server = broker(f"password_file {passwords}", anonymous=False, start=False)

    def admit():
        add_password(passwords, "line", "secret")
        server.signal(signal.SIGHUP)

    def shut_out():
        subprocess.run(["mosquitto_passwd", "-D", str(passwords), "line"], check=True)

    return server, admit, shut_out


def add_password(path, user, password, create=False):
    subprocess.run(["mosquitto_passwd", "-b", *(["-c"] if create else []), str(path), user, password], check=True)


def test_a_thousand_verdicts_while_the_broker_is_away(start, broker, subscribe, tmp_path):
    server, admit, _ = guarded(broker, tmp_path)
    (tmp_path / "secret").write_text("secret\n")
    options = url(server), "mqtt.username=line", f"mqtt.password_file={tmp_path}/secret"
    daemon = start(*options)
    until_error(daemon, "Connection refused")
    ids = inspections(daemon, 600)
    waits = sink(daemon)
    assert waits["waiting"] == 600 and waits["oldest"]
    assert daemon.metric("sink_waiting") == 600 and daemon.metric("sink_lag_seconds") > 0
    daemon.stop(signal.SIGKILL)  # nothing of it is in memory
    daemon = start(*options, state=daemon.state)
    ids += inspections(daemon, 400)
    assert sink(daemon)["waiting"] == 1000
    server.start()
    live = subscribe(server.port, "+/+/result/#", "test", "t")
    admit()
    live.wait_results(ids)
    eventually(lambda: sink(daemon)["waiting"] == 0)
    assert [message["seq"] for message in live.results()] == list(range(1, 1001))
    assert sink(daemon)["delivered"] == 1000 and sink(daemon)["lost"] == 0


def killed_under_load(start, broker, tmp_path, count, kills, cameras):
    """Kills the broker again and again while cameras post. A subscriber is there before the daemon may connect, so that it
    sees every message that a broker has taken. Returns the daemon, the ids of each camera and all subscribers' messages."""
    server, admit, shut_out = guarded(broker, tmp_path)
    secret = tmp_path / "secret"
    secret.write_text("secret\n")
    daemon = start(url(server), "mqtt.username=line", f"mqtt.password_file={secret}")
    ids, got = [[] for _ in range(cameras)], []

    def camera(number):
        connection = daemon.connect()
        while len(ids[number]) < count // cameras:
            ids[number] += inspections(daemon, 1, connection=connection, camera=f"c{number}")

    threads = [threading.Thread(target=camera, args=(number,)) for number in range(cameras)]
    for thread in threads:
        thread.start()
    for turn in range(kills + 1):
        server.start()
        live = Subscriber(server.port, "+/+/result/#", "test", "t")
        admit()
        if turn < kills:  # until some of this turn have come
            live.wait(lambda: len(live.got) >= count // (kills + 1) // 2 or sum(map(len, ids)) >= count, 300)
            shut_out()
            server.kill()
            live.close_after_broker()
        else:
            for thread in threads:
                thread.join()
            eventually(lambda: sink(daemon)["waiting"] == 0, 300)
            last = sum(map(len, ids))
            if all(message["seq"] < last for message in got):  # else an earlier broker has taken all
                live.wait(lambda: live.got and json.loads(live.got[-1][1])["seq"] == last)
            live.close()
        got += live.results()
    return daemon, ids, got


def check_delivery(daemon, ids, got):
    """All are there; the first sight of each is in the order of `seq`, and of each camera; repeats have their id."""
    first = {}
    for message in got:
        first.setdefault(message["id"], message)
    assert set(first) == {each for camera in ids for each in camera}
    seqs = [message["seq"] for message in first.values()]
    assert seqs == list(range(1, len(seqs) + 1))
    for number, camera in enumerate(ids):
        assert [name for name, message in first.items() if message["camera"] == f"c{number}"] == camera
    assert all(message["seq"] == first[message["id"]]["seq"] for message in got)
    found = sink(daemon)
    assert found["lost"] == 0 and found["delivered"] == len(first)
    print(f"{len(first)} verdicts: none lost, none out of order, {len(got) - len(first)} repeats told by their id")


def test_a_broker_that_is_killed_under_load(start, broker, tmp_path):
    daemon, ids, got = killed_under_load(start, broker, tmp_path, count=300, kills=3, cameras=3)
    check_delivery(daemon, ids, got)


@pytest.mark.slow
def test_ten_thousand_verdicts_and_twenty_kills(start, broker, tmp_path):
    daemon, ids, got = killed_under_load(start, broker, tmp_path, count=10000, kills=20, cameras=4)
    check_delivery(daemon, ids, got)


def test_a_broker_that_stands_still(start, broker, subscribe):
    server = broker()
    daemon = start(url(server))
    live = subscribe(server.port, "+/+/result/#")
    until(daemon)
    ids = inspections(daemon, 10)
    live.wait_results(ids)
    server.signal(signal.SIGSTOP)
    ids += inspections(daemon, 200)  # each is answered
    assert sink(daemon)["waiting"] > 0
    server.signal(signal.SIGCONT)
    live.wait_results(ids)
    eventually(lambda: sink(daemon)["waiting"] == 0)


def test_wrong_password(start, broker, tmp_path):
    server, admit, _ = guarded(broker, tmp_path)
    admit_after = tmp_path / "secret"
    admit_after.write_text("wrong\n")
    add_password(tmp_path / "passwords", "line", "secret")
    server.start()
    daemon = start(url(server), "mqtt.username=line", f"mqtt.password_file={admit_after}")
    until_error(daemon, "the broker refuses the client")
    inspections(daemon, 1)
    admit_after.write_text("secret\n")  # the next attempt reads it again
    until(daemon)
    eventually(lambda: sink(daemon)["delivered"] == 1)


@contextlib.contextmanager
def fake_old_broker(port):
    """In front of a broker on `port`: refuses MQTT 5 as brokers of 3.1.1 do. Its port."""
    listening, versions = socket.create_server(("127.0.0.1", 0)), []

    def pass_on(one, other):
        with contextlib.suppress(OSError):
            while data := one.recv(65536):
                other.sendall(data)
        for end in (one, other):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def serve():
        with contextlib.suppress(OSError):
            while True:
                client, _ = listening.accept()
                first = client.recv(65536)  # CONNECT: 0x10, its length, "MQTT" with its length, the version
                versions.append(first[first.index(b"MQTT") + 4])
                if versions[-1] == 5:
                    client.sendall(b"\x20\x02\x00\x01")
                    client.close()
                    continue
                server = socket.create_connection(("127.0.0.1", port))
                server.sendall(first)
                for ends in ((client, server), (server, client)):
                    threading.Thread(target=pass_on, args=ends, daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield listening.getsockname()[1], versions
    finally:
        listening.close()


def test_a_broker_that_does_not_know_mqtt_5(start, broker, subscribe):
    server = broker()
    live = subscribe(server.port, "+/+/result/#")
    with fake_old_broker(server.port) as (port, versions):
        daemon = start(f"mqtt.url=mqtt://127.0.0.1:{port}", "mqtt.sparkplug_group=g")
        eventually(lambda: all(item["state"] == "connected" for item in daemon("GET", "/v1/sinks").json["items"]), START_S)
        ids = inspections(daemon, 3)
        live.wait_results(ids)
        eventually(lambda: [item["delivered"] for item in daemon("GET", "/v1/sinks").json["items"]] == [3, 3])
        assert set(versions) == {4, 5}
        daemon.stop()


def test_unreadable_password(start, broker, tmp_path):
    daemon = start(url(broker()), "mqtt.username=line", f"mqtt.password_file={tmp_path}/missing")
    until_error(daemon, "missing")


def test_tls_and_client_certificates(start, broker, tmp_path):
    ours, other = authority(tmp_path, "ours"), authority(tmp_path, "other")
    server_cert = certificate(tmp_path, "server", ours)
    client, stranger = certificate(tmp_path, "client", ours), certificate(tmp_path, "stranger", other)
    server = broker(f"cafile {ours[0]}", f"certfile {server_cert[0]}", f"keyfile {server_cert[1]}",
                    "require_certificate true")
    where = f"mqtt.url=mqtts://localhost:{server.port}"
    wrong_ca = start(where, f"mqtt.ca_file={other[0]}", f"mqtt.certificate={client[0]}", f"mqtt.key={client[1]}")
    until_error(wrong_ca, "certificate verify failed")
    wrong_client = start(where, f"mqtt.ca_file={ours[0]}", f"mqtt.certificate={stranger[0]}", f"mqtt.key={stranger[1]}")
    eventually(lambda: sink(wrong_client)["errors"] >= 2, START_S)  # in TLS 1.3 the refusal comes late, in many forms
    right = start(where, f"mqtt.ca_file={ours[0]}", f"mqtt.certificate={client[0]}", f"mqtt.key={client[1]}")
    until(right)
    inspections(right, 2)
    eventually(lambda: sink(right)["delivered"] == 2)
    assert sink(wrong_client)["errors"] >= 1 and sink(wrong_client)["state"] != "connected"


def test_a_right_that_is_missing(start, broker, tmp_path):
    rights = tmp_path / "acl"
    rights.write_text("topic write inspectd/+/status\n")
    server = broker(f"acl_file {rights}")
    daemon = start(url(server))
    inspections(daemon, 2)
    eventually(lambda: sink(daemon)["errors"] >= 2, START_S)  # mosquitto 2.0.11 also ends the connection
    assert sink(daemon)["delivered"] == 0 and sink(daemon)["lost"] == 0
    rights.write_text("topic readwrite #\n")
    server.signal(signal.SIGHUP)
    eventually(lambda: sink(daemon)["delivered"] == 2, 120)


def test_a_message_larger_than_the_broker_takes(start, broker):
    daemon = start(url(broker("max_packet_size 600")))
    inspections(daemon, 2)
    eventually(lambda: sink(daemon)["lost"] == 2, START_S)
    assert daemon.metric("sink_lost_total") == 2


def test_a_camera_that_no_topic_can_name_is_skipped(start, broker):
    """An earlier version stored a noncharacter, which libmosquitto refuses: it must not stop the results behind it."""
    server = broker(start=False)
    options = url(server), "mqtt.sparkplug_group=plant"
    daemon = start(*options)
    assert daemon.inspect(picture(), query="product=carpet&camera=%EF%BF%BE").code == "invalid_query"
    ids = inspections(daemon, 3, camera="c1")
    daemon.stop()
    with contextlib.closing(sqlite3.connect(daemon.state / "inspectd.sqlite3", timeout=30)) as database, database:
        key = "(SELECT key FROM inspection ORDER BY key LIMIT 1 OFFSET 1)"
        assert database.execute(f"UPDATE inspection SET camera = ? WHERE key = {key}", ("c\ufffe",)).rowcount == 1
    server.start()
    daemon = start(*options, state=daemon.state)
    counts = lambda: [(each["name"], each["delivered"], each["lost"], each["waiting"]) for each in daemon("GET", "/v1/sinks").json["items"]]
    eventually(lambda: counts() == [("mqtt", 2, 1, 0), ("sparkplug", 2, 1, 0)], START_S)
    assert len(ids) == 3 and "does not take this message" in json.dumps(daemon("GET", "/v1/sinks").json)


class Caller:
    """Sends commands by MQTT 5 and reads their answers."""

    def __init__(self, port):
        api = getattr(paho.mqtt.client, "CallbackAPIVersion", None)
        self.client = paho.mqtt.client.Client(protocol=paho.mqtt.client.MQTTv5,
                                              **({"callback_api_version": api.VERSION1} if api else {}))
        self.answers, self.ready = [], threading.Event()
        self.client.on_message = lambda _client, _data, message: self.answers.append(
            (message.properties.CorrelationData, json.loads(message.payload)))
        self.client.on_subscribe = lambda *_: self.ready.set()
        self.client.connect("127.0.0.1", port)
        self.client.subscribe("answers", 1)
        self.client.loop_start()
        assert self.ready.wait(START_S)

    def __call__(self, topic, payload, retain=False):
        number = str(len(self.answers)).encode()
        properties = paho.mqtt.properties.Properties(paho.mqtt.packettypes.PacketTypes.PUBLISH)
        properties.ResponseTopic, properties.CorrelationData = "answers", number
        self.client.publish(topic, payload, qos=1, retain=retain, properties=properties)
        eventually(lambda: self.answers and self.answers[-1][0] == number)
        return self.answers[-1][1]


def test_commands(start, broker, subscribe, template, tmp_path):
    server, state = broker(), copy_state(template, tmp_path / "state")
    add_version(state, "carpet", "v2")  # v1 serves
    daemon = start(url(server), "mqtt.commands=on", "mqtt.prefix=p", state=state)
    until(daemon)
    ids = inspections(daemon, 1)
    call = Caller(server.port)
    live = subscribe(server.port, "p/model/#")
    assert call("p/command/label", json.dumps({"id": ids[0], "label": "anomaly", "defect": "hole"})) == {"ok": True}
    label = daemon("GET", f"/v1/inspections/{ids[0]}").json["label"]
    assert (label["label"], label["defect"], label["by"]) == ("anomaly", "hole", "mqtt")
    assert call("p/command/activate", json.dumps({"product": "carpet", "version": "v2"})) == {"ok": True}
    live.wait(lambda: any(b'"who":"mqtt"' in payload for _, payload, _ in live.got))
    assert live.of("/model/carpet")[-1]["version"] == "v2" and live.of("/model/carpet")[-1]["at"]
    assert call("p/command/activate", json.dumps({"product": "carpet", "version": "v9"}))["code"] == "not_found"
    assert call("p/command/activate", json.dumps({"product": "../x", "version": "v1"}))["ok"] is False
    assert call("p/command/label", "no json")["code"] == "malformed_request"
    assert call("p/command/label", json.dumps({"id": "x"}))["ok"] is False
    assert call("p/command/reboot", "{}")["code"] == "not_found"
    assert call("p/command/label", b"x" * 100000)["code"] == "body_too_large"
    # The broker drops it (Maximum Packet Size of MQTT 5), so the daemon never holds it: the next one is answered.
    call.client.publish("p/command/label", b"x" * (2 << 20), qos=1).wait_for_publish(START_S)
    assert call("p/command/reboot", "{}")["code"] == "not_found"
    assert daemon.log_text().count("a command by MQTT failed name=label code=body_too_large") == 1
    call.client.publish("p/command/label", "{}", qos=1, retain=True)
    daemon.stop()
    daemon = start(url(server), "mqtt.commands=on", "mqtt.prefix=p", state=daemon.state)
    daemon.wait_line("ignored a command by MQTT reason=retained")
    call.client.disconnect()
    call.client.loop_stop()


def test_results_and_heartbeats_expire(start, broker):
    """A broker keeps a result for an absent subscriber for a week, and a heartbeat for ten seconds."""
    server, got = broker(), {}
    call = Caller(server.port)
    call.client.on_message = lambda _client, _data, message: got.setdefault(
        message.topic.split("/")[1], getattr(message.properties, "MessageExpiryInterval", None))
    call.client.subscribe("p/#", 1)
    daemon = start(url(server), "mqtt.prefix=p")
    eventually(lambda: "status" in got, START_S)  # then the subscription stands
    inspections(daemon, 1)
    eventually(lambda: {"result", "heartbeat"} <= set(got), START_S)
    assert 7 * 86400 - 60 <= got["result"] <= 7 * 86400 and 0 < got["heartbeat"] <= 10 and got["status"] is None
    call.client.disconnect()
    call.client.loop_stop()


def test_no_commands_unless_they_are_on(start, broker, subscribe):
    server = broker()
    daemon = start(url(server), "mqtt.prefix=p")
    until(daemon)
    ids = inspections(daemon, 1)
    call = subscribe(server.port)
    call.client.publish("p/command/label", json.dumps({"id": ids[0], "label": "good"}), qos=1).wait_for_publish()
    inspections(daemon, 1)
    eventually(lambda: sink(daemon)["delivered"] == 2)  # later than the command
    assert daemon("GET", f"/v1/inspections/{ids[0]}").json["label"] is None


def test_alarm_comes_and_goes(start, broker, subscribe):
    server = broker()
    live = subscribe(server.port, "+/+/alarm/#")
    daemon = start(url(server))
    until(daemon)
    database = daemon.state / "inspectd.sqlite3"
    database.rename(daemon.state / "away")
    live.wait(lambda: any(topic.endswith("/alarm/storage") and payload for topic, payload, _ in live.got))
    assert live.of("/alarm/storage")[-1]["code"] == "storage"
    (daemon.state / "away").rename(database)
    live.wait(lambda: [payload for topic, payload, _ in live.got if topic.endswith("/alarm/storage")][-1] == b"")
    report = {"session": "019ab7a0-4f2c-7c3e-9d0a-5b1f3c2d4e6f", "product": "carpet", "trigger": "line", "state": "silent"}
    daemon("POST", "/v1/cameras/cam7/grabber", json.dumps(report), Content_Type="application/json")
    live.wait(lambda: any(topic.endswith("/alarm/camera_silent") and payload for topic, payload, _ in live.got))
    assert live.of("/alarm/camera_silent")[-1]["detail"] == "cam7"
    daemon("POST", "/v1/cameras/cam7/grabber", json.dumps({**report, "ends": True}), Content_Type="application/json")
    live.wait(lambda: [payload for topic, payload, _ in live.got if topic.endswith("/alarm/camera_silent")][-1] == b"")
