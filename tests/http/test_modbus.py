"""The Modbus/TCP server, with pymodbus as the PLC: handshake, heartbeats, faults and hostile clients. The map is docs/modbus.md's."""
import base64
import concurrent.futures
import contextlib
import json
import os
import re
import signal
import socket
import struct
import subprocess
import threading

import pytest
from conftest import FAKE, add_version, copy_state, eventually, picture
from pymodbus.client import ModbusTcpClient

pytestmark = pytest.mark.skipif(not FAKE, reason="the fake device chooses the verdict by the picture")
GOOD, ANOMALY = picture("black"), picture("white")
DISCRETES = ("heartbeat", "ready", "busy", "valid", "good", "reject", "review", "fault", "queue_high", "training")
ENABLE, TRIGGER, RESET, ACK, ERROR_ACK, BEAT = range(6)
NO_VERDICT, DEADLINE, LATE, OVERRUN, PRODUCT = range(1, 6)


class Plc:
    """A PLC of one station. pymodbus reconnects and repeats by itself, so a test must not let a request fail unseen."""

    def __init__(self, port, unit=1, address="127.0.0.1", host="127.0.0.1"):
        self.unit, self.address, self.host, self.port = unit, address, host, port
        self.client = ModbusTcpClient(host, port=port, timeout=30, source_address=(address, 0))
        assert self.client.connect()
        self.beats = False

    def done(self, answer):
        assert not answer.isError(), answer
        return answer

    def coil(self, number, value):
        self.done(self.client.write_coil(number, value, slave=self.unit))

    def pulse(self, number):
        self.coil(number, True)
        self.coil(number, False)

    def beat(self):
        self.beats = not self.beats
        self.coil(BEAT, self.beats)

    def enable(self):
        self.beats = not self.beats
        self.done(self.client.write_coils(0, [True, False, False, False, False, self.beats], slave=self.unit))
        return self

    def look(self):
        bits = self.done(self.client.read_discrete_inputs(0, count=len(DISCRETES), slave=self.unit)).bits
        seen = dict(zip(DISCRETES, bits))
        assert seen["reject"] != seen["good"] and (seen["valid"] or not seen["good"])
        return seen

    def inputs(self):
        return self.done(self.client.read_input_registers(0, count=50, slave=self.unit)).registers

    def write(self, at, *values):
        self.done(self.client.write_registers(at, list(values), slave=self.unit))

    def close(self):
        self.client.close()


@contextlib.contextmanager
def beating(plc):
    """Beats five times per second on a connection of its own, as a PLC's cyclic task does."""
    over, failed = threading.Event(), []
    heart = Plc(plc.port, plc.unit, plc.address, plc.host)
    heart.beats = plc.beats

    def run():
        try:
            while not over.wait(0.2):
                heart.beat()
        except Exception as error:  # told by the test's own thread
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        heart.close()
        assert not failed, failed


def text(registers):
    return struct.pack(f">{len(registers)}H", *registers).rstrip(b"\0").decode()


def port_of(daemon):
    return int(re.search(r"PLCs may connect .*port=(\d+)", daemon.log_text())[1])


@pytest.fixture
def line(start):
    """line(option...) -> a daemon with stations 1 (cam1) and 2 (cam2)."""
    def begin(*options, **more):
        # A minute for a heartbeat, because a machine under load may keep a test waiting for seconds.
        daemon = start("modbus.listen=127.0.0.1:0", "modbus.stations=1=cam1, 2=cam2", "modbus.heartbeat_s=60", *options, **more)
        daemon.port_modbus = port_of(daemon)
        return daemon
    return begin


def test_a_good_part_and_a_bad_one(line):
    daemon = line()
    plc = Plc(daemon.port_modbus)
    assert plc.look() | {"heartbeat": 0} == dict.fromkeys(DISCRETES, False) | {"heartbeat": 0, "reject": True}
    assert plc.enable().look()["ready"]
    with beating(plc):
        plc.write(2, 0x0001, 0x0002)
        good = daemon.inspect(GOOD, "product=carpet&camera=cam1&part=P-7").json
        seen = plc.look()  # at once: the result is presented before the answer is sent
        assert seen["valid"] and seen["good"] and not seen["fault"] and not seen["busy"]
        got = plc.inputs()
        assert got[0] == 1 and got[1] == 1 and got[4] == 0 and got[6:12] == [0, 1, 0, 0, 1, 2]
        assert got[2] == int(good["probability"] * 10000) and got[3] == int(good["threshold"] * 10000)
        assert text(got[12:28]) == "P-7" and text(got[28:46]) == good["id"]
        assert plc.look()["valid"]  # until it is acknowledged
        plc.coil(ACK, True)
        assert not plc.look()["valid"]
        plc.coil(ACK, False)
        bad = daemon.inspect(ANOMALY, "product=carpet&camera=cam1").json
        seen = plc.look()
        assert seen["valid"] and seen["reject"] and not seen["review"]
        got = plc.inputs()
        box = bad["heatmap"]["boxes"][0] if bad["heatmap"]["boxes"] else dict.fromkeys(("x", "y", "width", "height"), 0)
        assert got[0] == 2 and got[1] == 2 and got[6:10] == [0, 2, 0, 1]
        assert got[46:50] == [box["x"], box["y"], box["width"], box["height"]]
        plc.pulse(RESET)
        assert plc.inputs()[6:10] == [0, 0, 0, 0]
    other = Plc(daemon.port_modbus, 2)
    assert other.inputs()[0] == 0 and not other.look()["ready"]  # another station, whose PLC has not come
    plc.close()
    other.close()


def test_modbus_is_a_sink(line):
    daemon = line()

    def sink():
        [sink] = daemon("GET", "/v1/sinks").json["items"]
        return sink
    alone = sink()
    assert alone["name"] == "modbus" and alone["state"] == "waiting" and alone["listening"] and alone["clients"] == 0
    assert [(s["unit"], s["camera"], s["plc_alive"]) for s in alone["stations"]] == [(1, "cam1", False), (2, "cam2", False)]
    assert daemon.metric("sink_up") == 0
    plc = Plc(daemon.port_modbus).enable()
    for image in (GOOD, ANOMALY):
        daemon.inspect(image, "product=carpet&camera=cam1")
        plc.pulse(ACK)
    now = sink()
    first = now["stations"][0]
    assert now["state"] == "connected" and now["clients"] == 1 and now["delivered"] == 2 and now["last_error"] is None
    assert (first["plc_alive"], first["fault"], first["good"], first["reject"], first["overruns"]) == (True, False, 1, 1, 0)
    assert daemon.metric("sink_up") == 1 and daemon.metric("sink_delivered_total") == 2 and daemon.metric("sink_waiting") == 0
    with Raw(daemon.port_modbus) as raw:
        raw.socket.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert raw.ended()
    assert sink()["errors"] == 1 and "frame" in sink()["last_error"]["detail"]
    admin = (daemon.state / "admin.token").read_text().strip()
    assert daemon("POST", "/v1/admin/sinks/modbus/test", token=admin).code == "conflict"
    plc.close()
    eventually(lambda: sink()["state"] == "waiting")


def test_the_daemons_heartbeat_toggles_and_stops_with_it(line):
    daemon = line()
    plc = Plc(daemon.port_modbus)
    for _ in range(2):
        before = plc.look()["heartbeat"]
        eventually(lambda: plc.look()["heartbeat"] != before)
    daemon.stop(signal.SIGKILL)
    with pytest.raises(Exception):  # pymodbus raises or answers an error, as its release has it
        assert not plc.client.read_discrete_inputs(0, count=1, slave=1).isError()
    plc.close()
    again = line(state=daemon.state)
    plc = Plc(again.port_modbus)
    seen = plc.look()
    assert seen["reject"] and not seen["valid"] and not seen["ready"] and plc.inputs()[0] == 0  # nothing from before
    plc.close()



def test_a_missed_heartbeat_drops_ready_and_the_result(line):
    daemon = line("modbus.heartbeat_s=3")
    plc = Plc(daemon.port_modbus).enable()

    def presented():
        plc.beat()
        plc.pulse(ERROR_ACK)
        assert daemon.inspect(GOOD, "product=carpet&camera=cam1").status == 200
        return plc.look()["good"]
    eventually(presented)
    eventually(lambda: not plc.look()["ready"])  # it does not beat: three seconds
    seen = plc.look()
    assert not seen["valid"] and seen["reject"] and daemon.metric("station_plc_alive") == 0
    assert daemon.inspect(GOOD, "product=carpet&camera=cam1").status == 200  # inspections go on
    assert not plc.look()["valid"]


    def ready():
        plc.beat()
        seen = plc.look()
        assert not seen["valid"]
        return seen["ready"]
    eventually(ready)
    plc.close()


def test_two_results_without_an_acknowledgement_reject_until_the_error_is_acknowledged(line):
    daemon = line()
    plc = Plc(daemon.port_modbus).enable()
    with beating(plc):
        for _ in range(2):
            daemon.inspect(GOOD, "product=carpet&camera=cam1")
        seen = plc.look()
        assert seen["fault"] and seen["reject"] and not seen["ready"] and plc.inputs()[4] == OVERRUN
        assert daemon.metric("station_overruns_total") == 1 and daemon.metric("station_fault") == 1
        plc.pulse(ACK)
        daemon.inspect(GOOD, "product=carpet&camera=cam1")
        assert plc.look()["reject"]
        plc.pulse(ERROR_ACK)
        assert plc.look()["ready"] and not plc.look()["fault"]
        daemon.inspect(GOOD, "product=carpet&camera=cam1")
        assert plc.look()["good"]
    plc.close()


def test_the_trigger_latches_the_part_and_its_fall_ends_the_result(line):
    daemon = line()
    plc = Plc(daemon.port_modbus).enable()
    with beating(plc):
        plc.write(2, 0, 77, *struct.unpack(">2H", b"T-77"))
        plc.coil(TRIGGER, True)
        assert plc.look()["busy"]
        plc.write(2, 0, 78)
        daemon.inspect(GOOD, "product=carpet&camera=cam1")
        assert plc.look()["good"] and not plc.look()["busy"]
        assert plc.inputs()[10:12] == [0, 77] and text(plc.inputs()[12:28]) == "T-77"
        plc.coil(TRIGGER, False)
        assert not plc.look()["valid"]
        plc.write(20, 1)  # ms; no picture comes
        plc.coil(TRIGGER, True)
        eventually(lambda: plc.look()["valid"])
        assert plc.look()["reject"] and plc.inputs()[4] == DEADLINE and plc.inputs()[10:12] == [0, 78]
    plc.close()


def test_failures_late_verdicts_and_other_products_are_rejects(line, template, tmp_path):
    state = copy_state(template, tmp_path / "state")
    add_version(state, "bottle", "v1")
    daemon = line("modbus.products=1=carpet, 2=bottle, 3=gone", "line.takt=bottle=1", state=state,
                  env={"INSP_FAKE_PASS_MS": "5"})
    plc = Plc(daemon.port_modbus).enable()

    def rejected(query, image=GOOD):
        answer = daemon.inspect(image, query)
        seen, got = plc.look(), plc.inputs()
        assert seen["valid"] and seen["reject"] and seen["fault"] and got[1] == 0
        plc.pulse(ACK)
        plc.pulse(ERROR_ACK)
        assert not plc.look()["fault"]
        return answer, got[4]

    with beating(plc):
        answer, error = rejected("product=carpet&camera=cam1", b"no picture")
        assert answer.status == 422 and error == NO_VERDICT
        answer, error = rejected("product=unknown&camera=cam1")
        assert answer.status == 404 and error == NO_VERDICT
        answer, error = rejected("product=carpet&camera=cam1", b"")
        assert answer.status == 400 and error == NO_VERDICT
        answer, error = rejected("product=bottle&camera=cam1")
        assert answer.json["late"] and error == LATE
        plc.write(0, 2)
        answer, error = rejected("product=carpet&camera=cam1")
        assert answer.json["verdict"] == "good" and error == PRODUCT
        plc.write(0, 1)
        daemon.inspect(GOOD, "product=carpet&camera=cam1")
        assert plc.look()["good"] and plc.look()["ready"]
        for index in (3, 4):  # a product without a model; an index without a product
            plc.write(0, index)
            assert not plc.look()["ready"]
    plc.close()


def test_kserve_requests_reach_the_station(line):
    daemon = line()
    plc = Plc(daemon.port_modbus).enable()

    def infer(image):
        body = {"inputs": [{"name": "image", "shape": [1], "datatype": "BYTES", "parameters": {"content_type": "base64"},
                            "data": [base64.b64encode(image).decode()]}], "parameters": {"camera": "cam1", "part": "k"}}
        return daemon("POST", "/v2/models/carpet/infer", json.dumps(body).encode()).status

    with beating(plc):
        assert infer(GOOD) == 200
        assert plc.look()["good"] and text(plc.inputs()[12:28]) == "k"
        plc.pulse(ACK)
        assert infer(b"no picture") == 422
        eventually(lambda: plc.look()["valid"])  # presented when the request has ended
        assert plc.look()["reject"] and not plc.look()["busy"] and plc.inputs()[4] == NO_VERDICT
        plc.pulse(ACK)
        assert daemon("POST", "/v2/models/carpet/infer?camera=cam1", b"{").status == 400
        eventually(lambda: plc.look()["valid"])
        assert plc.look()["reject"] and plc.inputs()[0] == 3
    plc.close()


def test_a_missed_deadline_is_undecided(line):
    daemon = line(env={"INSP_FAKE_PASS_MS": "300"})
    plc = Plc(daemon.port_modbus).enable()
    with beating(plc):
        assert daemon.inspect(GOOD, "product=carpet&camera=cam1&deadline_ms=50").status == 504
        assert plc.look()["valid"] and plc.look()["reject"] and plc.inputs()[4] == DEADLINE
    plc.close()


def test_two_plcs_at_once(line):
    """Of one station: one writes, the other may read. Of two stations: each has its own."""
    daemon = line()
    first, second = Plc(daemon.port_modbus).enable(), Plc(daemon.port_modbus, address="127.0.0.2")
    third = Plc(daemon.port_modbus, 2, address="127.0.0.2").enable()
    with beating(first), beating(third):
        refused = second.client.write_coil(ENABLE, False, slave=1)
        assert refused.isError() and refused.exception_code == 6
        daemon.inspect(GOOD, "product=carpet&camera=cam1")
        daemon.inspect(ANOMALY, "product=carpet&camera=cam2")
        assert first.look()["good"] and second.look()["good"]
        assert third.look()["valid"] and third.look()["reject"]
        first.pulse(ACK)
        assert not second.look()["valid"] and third.look()["valid"]
    for plc in (first, second, third):
        plc.close()


def test_functions_and_addresses_that_are_not_offered(line):
    with Raw(line().port_modbus) as raw:
        assert raw.ask(bytes([1, 7])) == bytes([1, 0x87, 1])
        assert raw.ask(bytes([1, 43, 14, 1, 0])) == bytes([1, 0xab, 1])
        assert raw.ask(bytes([1, 2, 0, 0, 0, 11])) == bytes([1, 0x82, 2])
        assert raw.ask(bytes([1, 3, 0, 0, 0, 0])) == bytes([1, 0x83, 3])
        assert raw.ask(bytes([1, 5, 0, 0, 18, 52])) == bytes([1, 0x85, 3])
        assert raw.ask(bytes([99, 1, 0, 0, 0, 1])) == bytes([99, 0x81, 11])
        assert raw.ask(bytes([1, 1, 0, 0, 0, 6])) == bytes([1, 1, 1, 0])  # and the connection lives


def disconnected(daemon):
    page = daemon("GET", "/metrics").body.decode()
    return {reason: int(n) for reason, n in re.findall(r'^inspectd_modbus_disconnected_total{reason="(\w+)"} (\d+)$', page, re.M)}


class Raw:
    """A connection that sends bytes as they are."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.socket.close()

    def receive(self, count):
        got = b""
        while len(got) < count and (piece := self.socket.recv(count - len(got))):
            got += piece
        return got

    def answer(self):
        head = self.receive(6)
        return self.receive(struct.unpack(">H", head[4:])[0]) if head else None

    def ask(self, pdu):
        self.socket.sendall(struct.pack(">HHH", 1, 0, len(pdu)) + pdu)
        return self.answer()

    def ended(self):
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            return True


def test_garbage_halves_and_floods_end_their_own_connection_only(line):
    daemon = line()
    plc = Plc(daemon.port_modbus).enable()
    read = bytes([1, 1, 0, 0, 0, 6])
    frame = struct.pack(">HHH", 1, 0, len(read)) + read
    with beating(plc):
        for garbage in (b"GET / HTTP/1.1\r\n\r\n", b"\0\1\0\0\0\1", b"\0\1\0\0\xff\xff", os.urandom(2) + b"\1" + os.urandom(600)):
            with Raw(daemon.port_modbus) as raw:
                raw.socket.sendall(garbage)
                assert raw.ended()
        assert daemon.metric("modbus_disconnected_total") == 4
        with Raw(daemon.port_modbus) as raw:  # byte by byte
            for byte in frame:
                raw.socket.sendall(bytes([byte]))
            assert raw.answer()[:3] == bytes([1, 1, 1])
        with Raw(daemon.port_modbus) as raw:  # a hundred at once, the last in two halves
            raw.socket.sendall(frame * 99 + frame[:5])
            for _ in range(99):
                assert raw.answer()[:3] == bytes([1, 1, 1])
            raw.socket.sendall(frame[5:])
            assert raw.answer()[:3] == bytes([1, 1, 1])
        with Raw(daemon.port_modbus) as raw:  # reads nothing; long answers, because the kernel may stall a flood of short ones
            raw.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
            inputs = bytes([1, 4, 0, 0, 0, 50])
            with contextlib.suppress(OSError):
                while True:
                    raw.socket.sendall((struct.pack(">HHH", 1, 0, len(inputs)) + inputs) * 40)
        eventually(lambda: disconnected(daemon)["unread"] == 1)
        assert plc.look()["ready"]
        assert daemon.inspect(GOOD, "product=carpet&camera=cam1").status == 200 and plc.look()["good"]
    plc.close()


def test_idle_connections_are_closed_and_full_ones_kept(line):
    daemon = line("modbus.connections=2", "modbus.idle_s=6")
    plc = Plc(daemon.port_modbus).enable()
    with Raw(daemon.port_modbus) as half:
        half.socket.sendall(b"\0\1\0\0\0")
        with Raw(daemon.port_modbus) as third:  # both others have been active within heartbeat_s
            assert third.ended()
        eventually(lambda: plc.look() and daemon.metric("modbus_connections") == 1, 60)  # `half` sends no complete request
        assert half.ended()
    assert disconnected(daemon) == {"frame": 0, "idle": 1, "unread": 0, "limit": 1, "address": 0}
    plc.close()


def test_a_silent_connection_makes_room(line):
    daemon = line("modbus.connections=2", "modbus.heartbeat_s=1")
    plc, frame = Plc(daemon.port_modbus), struct.pack(">HHH", 1, 0, 6) + bytes([1, 1, 0, 0, 0, 1])
    with Raw(daemon.port_modbus) as silent:
        silent.ask(frame[6:])

        def takes_a_newcomer():
            plc.look()
            with Raw(daemon.port_modbus) as newcomer, contextlib.suppress(ConnectionError):
                newcomer.socket.sendall(frame)
                return newcomer.answer()
        assert eventually(takes_a_newcomer, 60) == bytes([1, 1, 1, 0])
        assert silent.ended()
    plc.close()


def test_only_listed_addresses_may_connect(line):
    daemon = line("modbus.clients=127.0.0.2, 10.0.0.0/8")
    with Raw(daemon.port_modbus) as raw:
        assert raw.ended()
    plc = Plc(daemon.port_modbus, address="127.0.0.2")
    assert plc.look()["reject"]
    plc.close()


def test_a_taken_port_does_not_stop_the_daemon(start):
    with socket.create_server(("127.0.0.9", 0)) as taken:
        port = taken.getsockname()[1]
        daemon = start(f"modbus.listen=127.0.0.9:{port}", "modbus.stations=1=cam1")
        assert daemon("GET", "/readyz").status == 200 and daemon.metric("modbus_listening") == 0
        assert "modbus cannot listen" in daemon.log_text()
        [sink] = daemon("GET", "/v1/sinks").json["items"]
        assert not sink["listening"] and "address already in use" in sink["last_error"]["detail"]
    eventually(lambda: daemon.metric("modbus_listening") == 1, 60)
    plc = Plc(port, host="127.0.0.9")
    assert plc.look()["reject"]
    plc.close()


def test_a_reload_keeps_connections_and_results(line):
    daemon = line()
    plc = Plc(daemon.port_modbus).enable()
    with beating(plc):
        daemon.inspect(GOOD, "product=carpet&camera=cam1")
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait_line("tokens read again")
        assert plc.look()["good"] and plc.look()["ready"]
        plc.pulse(ACK)
        daemon.inspect(GOOD, "product=carpet&camera=cam1")
        assert plc.look()["good"] and daemon.metric("modbus_disconnected_total") == 0
    plc.close()


def test_a_stopping_daemon_is_not_ready(line):
    daemon = line("server.shutdown_grace_s=60")
    plc = Plc(daemon.port_modbus).enable()
    upload = daemon.connect()
    upload.putrequest("POST", "/v1/inspections?product=carpet&camera=cam1")
    upload.putheader("Content-Type", "image/png")
    upload.putheader("Content-Length", str(len(GOOD)))
    upload.endheaders(GOOD[:20])
    eventually(lambda: plc.look()["busy"])
    assert plc.look()["ready"]
    daemon.process.send_signal(signal.SIGTERM)  # it waits for the upload
    eventually(lambda: not plc.look()["ready"])
    upload.send(GOOD[20:])
    assert upload.getresponse().status == 200
    plc.close()
    assert daemon.process.wait(60) == 0


def test_many_cameras_and_plcs_keep_their_results_apart(line):
    """Two stations at once, each with a PLC that acknowledges: no result is lost, none is another's."""
    daemon = line()
    plcs = {1: Plc(daemon.port_modbus, 1).enable(), 2: Plc(daemon.port_modbus, 2).enable()}

    def run(unit):
        plc, pictures = plcs[unit], [GOOD, ANOMALY] * 20
        for n, image in enumerate(pictures):
            plc.beat()
            answer = daemon.inspect(image, f"product=carpet&camera=cam{unit}&part={unit}-{n}").json
            got = plc.inputs()
            assert plc.look()["good"] == (answer["verdict"] == "good")
            assert text(got[28:46]) == answer["id"] and text(got[12:28]) == f"{unit}-{n}" and got[0] == n + 1
            plc.pulse(ACK)

    with concurrent.futures.ThreadPoolExecutor() as pool:
        for one in [pool.submit(run, unit) for unit in plcs]:
            one.result()
    for plc in plcs.values():
        plc.close()


@pytest.mark.parametrize("settings, line, reason", [
    ("listen = 1502", 2, "modbus.listen is \"1502\"; it must be an address and a port"),
    ("listen = 127.0.0.1:1502\nstations = 1=cam1, 300=cam2", 3, "modbus.stations has the number \"300\"; it must be 1 to 247"),
    ("stations = 1=cam1, 2=cam1", 2, "modbus.stations has the camera \"cam1\" twice"),
    ("products = 1=../x", 2, "modbus.products has \"../x\", which is no name of a product"),
    ("clients = 10.0.0.0/40", 2, "modbus.clients has a wrong entry: \"10.0.0.0/40\" is not an address"),
])
def test_check_config_names_line_and_reason(tmp_path, settings, line, reason):
    path = tmp_path / "inspectd.conf"
    path.write_text(f"[modbus]\n{settings}\n")
    done = subprocess.run([os.environ["INSPECTD"], "check-config", "--config", str(path)], capture_output=True, text=True)
    assert done.returncode != 0 and f"{path}:{line}: {reason}" in done.stderr, done.stderr


def test_listening_without_stations_is_refused():
    done = subprocess.run([os.environ["INSPECTD"], "check-config", "-o", "modbus.listen=127.0.0.1:1502", "-o",
                           "storage.state_dir=/tmp/x"], capture_output=True, text=True)
    assert done.returncode != 0 and "modbus.stations is empty" in done.stderr
