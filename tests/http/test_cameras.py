"""Cameras that have a grabber, which the test plays: reports, triggers over HTTP and Modbus, and the alarm of a silent camera.
tests/http/test_grab.py has the real one."""
import concurrent.futures
import http.client
import json
import signal
import threading
import uuid

import pytest
from conftest import FAKE, eventually, picture, token
from test_modbus import ACK, ENABLE, ERROR_ACK, TRIGGER, Plc, beating, port_of, text

pytestmark = pytest.mark.skipif(not FAKE, reason="the fake device chooses the verdict by the picture")
CAMERA = 6  # error code


class Grabber:
    """Reports by itself once it runs: fires what comes (or says why not), and posts a picture of each trigger."""

    def __init__(self, daemon, camera="cam1", **report):
        self.daemon, self.camera, self.fired, self.results, self.after = daemon, camera, [], [], 0
        self.fault, self.posts = None, True
        self.report = {"session": str(uuid.uuid4()), "product": "carpet", "trigger": "software", "state": "connected", **report}
        self.over, self.thread = threading.Event(), None

    def say(self, wait_ms=0, **more):
        body = {**self.report, "after": self.after, "results": self.results, "wait_ms": wait_ms, **more}
        answer = self.daemon("POST", f"/v1/cameras/{self.camera}/grabber", json.dumps(body), Content_Type="application/json")
        if answer.status == 200:
            self.results = []
        return answer

    def take(self, triggers):
        for trigger in triggers:
            self.after = trigger["sequence"]
            self.fired.append(trigger["part"])
            self.results.append({"sequence": trigger["sequence"], **({"error": self.fault} if self.fault else {})})
            if self.posts and not self.fault:
                part = f"&part={trigger['part']}" if trigger["part"] else ""
                assert self.daemon.inspect(picture("black"), f"product=carpet&camera={self.camera}{part}").status == 200

    def run(self):
        while not self.over.is_set():
            answer = self.say(1000)
            assert answer.status == 200, answer.body
            self.take(answer.json["triggers"])
        self.say(ends=True)

    def __enter__(self):
        self.say()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()
        return self

    def __exit__(self, *error):
        self.over.set()
        self.thread.join()


def trigger(daemon, camera="cam1", query=""):
    return daemon("POST", f"/v1/cameras/{camera}/trigger{query}")


def camera(daemon):
    [one] = daemon("GET", "/v1/cameras").json["items"]
    return one


def test_a_trigger_reaches_the_grabber_and_answers_when_the_camera_was_fired(start):
    daemon = start()
    assert trigger(daemon).code == "camera_away"
    with Grabber(daemon) as grabber:
        answer = trigger(daemon, query="?part=P-7")
        assert answer.status == 200 and answer.json["part"] == "P-7" and answer.json["camera"] == "cam1"
        assert grabber.fired == ["P-7"]
        second = trigger(daemon)
        assert second.json["part"] is None and second.json["sequence"] > answer.json["sequence"]
        [item] = daemon("GET", "/v1/inspections?part=P-7").json["items"]
        assert item["camera"] == "cam1" and item["verdict"] == "good"
        grabber.fault = "the camera does not answer"
        failed = trigger(daemon)
        assert failed.code == "camera_away" and "the camera does not answer" in failed.json["detail"]
        seen = camera(daemon)
        assert (seen["triggers_fired"], seen["triggers_failed"], seen["state"]) == (2, 1, "connected")
        assert daemon.metric("camera_triggers_fired_total") == 2 and daemon.metric("camera_up") == 1
    assert daemon("GET", "/v1/cameras").json["items"] == []  # it said farewell
    assert trigger(daemon).code == "camera_away"


def test_many_triggers_at_once_are_each_fired_once(start):
    daemon = start()
    with Grabber(daemon) as grabber, concurrent.futures.ThreadPoolExecutor(8) as pool:
        grabber.posts = False
        answers = list(pool.map(lambda n: trigger(daemon, query=f"?part={n}"), range(40)))
    assert len(set(grabber.fired)) == len(grabber.fired)
    answered = {a.json["part"] for a in answers if a.status == 200}
    # On a machine under load a trigger may come too late for its part: then it is refused.
    assert answered and answered <= set(grabber.fired) and {a.status for a in answers} <= {200, 503}


def test_a_trigger_that_the_grabber_does_not_fetch_or_confirm_fails(start):
    daemon = start()
    grabber = Grabber(daemon)
    grabber.say()  # attached, but it does not wait
    late = trigger(daemon)
    assert late.code == "camera_away" and "fetch" in late.json["detail"]
    with concurrent.futures.ThreadPoolExecutor() as pool:
        def handed_over_twice():
            grabber.say()
            asked = pool.submit(trigger, daemon)
            answer = grabber.say(4000).json["triggers"]
            again = grabber.say(0).json["triggers"]  # it says that it has got none: the answer was lost
            return asked if len(answer) == 1 and again == answer else None  # else the machine was slow: its part has gone
        asked = eventually(handed_over_twice, 60)
        assert asked.result().code == "camera_away"  # it never says that it was fired
    eventually(lambda: camera(daemon)["triggers_failed"] >= 2)


def test_a_camera_that_does_not_wait_for_software_is_not_triggered(start):
    daemon = start()
    for mode in "free", "line":
        Grabber(daemon, camera=mode, trigger=mode).say()
        assert trigger(daemon, camera=mode).code == "conflict"
    away = Grabber(daemon, camera="away", state="connecting", detail="no such camera")
    away.say()
    answer = trigger(daemon, camera="away")
    assert answer.code == "camera_away" and "no such camera" in answer.json["detail"]


def test_one_grabber_for_each_camera(start):
    daemon = start()
    first, second = Grabber(daemon), Grabber(daemon)
    assert first.say().status == 200 and second.say().code == "conflict"
    assert first.say(ends=True).status == 200 and second.say().status == 200


def test_a_silent_camera_is_reported(start):
    daemon = start()
    grabber = Grabber(daemon, frames=7, verdicts=5, refused=2)
    grabber.say()
    assert not camera(daemon)["silent"] and daemon.metric("camera_silent") == 0
    assert daemon.metric("camera_frames_total") == 7 and daemon.metric("camera_refused_total") == 2
    grabber.say(state="silent", detail="no frame for 5 s")
    assert camera(daemon)["silent"] and daemon.metric("camera_silent") == 1 and daemon.metric("camera_up") == 0
    grabber.say(state="connecting", detail="it is opened again")
    assert camera(daemon)["silent"]  # until it is connected
    eventually(lambda: 'camera silent camera=cam1 detail="no frame for 5 s"' in daemon.log_text())
    grabber.say()
    assert not camera(daemon)["silent"]
    eventually(lambda: "no longer silent camera=cam1" in daemon.log_text())
    eventually(lambda: camera(daemon)["state"] == "away" and camera(daemon)["silent"], 60)  # killed, for example
    eventually(lambda: "its grabber has gone" in daemon.log_text())
    assert Grabber(daemon).say().status == 200 and not camera(daemon)["silent"]


def test_a_report_that_waits_ends_with_the_daemon_and_with_its_client(start):
    daemon = start()
    grabber = Grabber(daemon)
    left = daemon.connect()
    body = json.dumps({**grabber.report, "wait_ms": 4000})
    left.request("POST", "/v1/cameras/cam1/grabber", body, {"Content-Type": "application/json"})
    with concurrent.futures.ThreadPoolExecutor() as pool:
        grabber.say()  # of the same session: it takes the place of the one that waits
        assert json.loads(left.getresponse().read()) == {"triggers": []}
        left.close()
        gone = daemon.connect()
        gone.request("POST", "/v1/cameras/cam1/grabber", body, {"Content-Type": "application/json"})
        gone.sock.shutdown(2)
        gone.close()
        assert trigger(daemon).code == "camera_away"
        waits = pool.submit(grabber.say, 4000)
        eventually(lambda: camera(daemon)["state"] == "connected")
        daemon.process.send_signal(signal.SIGTERM)
        try:
            answer = waits.result()
            assert answer.status == 200 or answer.code == "shutting_down"
        except (http.client.HTTPException, OSError):
            pass  # the port had closed before the report came
    assert daemon.process.wait(60) == 0


def test_tokens(start):
    daemon = start("server.open_access=never")
    report = json.dumps({**Grabber(daemon).report, "trigger": "line"})
    for role, can_report, can_trigger, can_list in (("camera", 200, 409, 403), ("operator", 403, 409, 200), ("viewer", 403, 403, 200)):
        secret = token(daemon, role)
        daemon.wait_line("tokens read again")
        assert daemon("POST", "/v1/cameras/c/grabber", report, token=secret, Content_Type="application/json").status == can_report
        # 503: on a machine under load its report may be more than five seconds old.
        assert daemon("POST", "/v1/cameras/c/trigger", token=secret).status in ((409, 503) if can_trigger == 409 else (can_trigger,))
        assert daemon("GET", "/v1/cameras", token=secret).status == can_list


def test_the_plcs_trigger_fires_the_camera(start):
    daemon = start("modbus.listen=127.0.0.1:0", "modbus.stations=1=cam1, 2=cam2", "modbus.heartbeat_s=60")
    plc = Plc(port_of(daemon)).enable()
    with beating(plc):
        plc.coil(TRIGGER, True)  # no grabber: the PLC fires the camera by wire
        assert not plc.look()["valid"] and plc.look()["busy"]
        plc.coil(TRIGGER, False)
        with Grabber(daemon) as grabber:
            plc.write(4, int.from_bytes(b"P7", "big"), 0)
            plc.coil(TRIGGER, True)
            eventually(lambda: plc.look()["good"])
            assert text(plc.inputs()[12:28]) == "P7" and grabber.fired == ["P7"]
            plc.coil(TRIGGER, False)
            plc.coil(TRIGGER, True)
            eventually(lambda: plc.look()["good"] and plc.inputs()[0] == 2)
            plc.coil(TRIGGER, False)
            plc.coil(ENABLE, False)
            plc.coil(TRIGGER, True)  # not enabled: nothing is fired
            plc.coil(TRIGGER, False)
            plc.coil(ENABLE, True)
            grabber.fault = "the camera does not answer"
            plc.coil(TRIGGER, True)
            eventually(lambda: plc.look()["valid"])
            assert plc.look()["reject"] and plc.look()["fault"] and plc.inputs()[4] == CAMERA
            assert len(grabber.fired) == 3
            plc.coil(TRIGGER, False)
            plc.pulse(ACK)
        away = Grabber(daemon, state="connecting", detail="unplugged")
        away.say()
        plc.coil(TRIGGER, True)
        seen = plc.look()  # at once
        assert seen["valid"] and seen["reject"] and plc.inputs()[4] == CAMERA
        plc.pulse(ACK)
        plc.pulse(ERROR_ACK)
        assert away.say().status == 200 and plc.look()["ready"] and not plc.look()["fault"]
        assert away.say(state="silent").status == 200  # no part can be inspected: the PLC learns it before one comes
        assert not plc.look()["ready"] and plc.look()["fault"]
    plc.close()


def test_a_late_failure_is_no_result_of_the_next_part(start):
    daemon = start("modbus.listen=127.0.0.1:0", "modbus.stations=1=cam1", "modbus.heartbeat_s=60")
    grabber = Grabber(daemon)
    grabber.say()
    plc = Plc(port_of(daemon)).enable()
    with beating(plc):
        plc.write(4, int.from_bytes(b"P1", "big"), 0)
        plc.coil(TRIGGER, True)
        first = grabber.say().json["triggers"]
        plc.coil(TRIGGER, False)  # P1 has gone
        plc.write(4, int.from_bytes(b"P2", "big"), 0)
        plc.coil(TRIGGER, True)
        for late in first:  # none: the machine was slow, and it was given up earlier
            grabber.after = late["sequence"]
            grabber.results.append({"sequence": late["sequence"], "error": "no frame came within 2 s"})
        grabber.posts = False
        grabber.take(grabber.say().json["triggers"])
        grabber.say()
        for part in grabber.fired:
            assert daemon.inspect(picture("black"), f"product=carpet&camera=cam1&part={part}").status == 200
        eventually(lambda: plc.look()["valid"])
        got = plc.inputs()
        assert text(got[12:28]) == "P2" and (got[4] == 0 and plc.look()["good"] or got[4] == CAMERA and not grabber.fired)
    plc.close()
