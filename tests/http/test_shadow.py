"""A version that runs beside the active one: opinions, disagreements, promotion by hand and by rule."""
import contextlib
import io
import json
import os
import re
import sqlite3
import subprocess
import threading

import PIL.Image
import pytest
from conftest import add_version, copy_state, eventually, picture, rewrite

JSON = {"Content_Type": "application/json"}


def make_version(state, version, bias):
    """A version of carpet whose answers lie `bias` beside those of v1, which stays active."""
    subprocess.run([os.environ["INSP_MAKE_BUNDLE"], str(state), "carpet", version, str(bias)], check=True)
    (state / "models/carpet/active.json").write_text(json.dumps({"active": "v1", "history": []}))


@pytest.fixture
def line(start, template, tmp_path):
    """line(version=bias, ...) -> a daemon with these versions beside v1, as the admin."""
    def begin(*options, state=None, env=None, wood=False, **versions):
        if state is None:
            state = copy_state(template, tmp_path / "state")
            for version, bias in versions.items():
                make_version(state, version, bias)
            if wood:  # another product, with the same versions
                for version in ("v1", *versions):
                    add_version(state, "wood", version)
        daemon = start(*options, state=state, env=env)
        daemon.token = (daemon.state / "admin.token").read_text().strip()
        return daemon
    return begin


def grey(level, shade=0):
    level = int(255 * (level - 0.1) / 0.8)
    return picture((level, level, level + shade % 3))


def post(daemon, *levels):
    return [daemon.inspect(grey(level, i), "product=carpet&camera=c1").json for i, level in enumerate(levels)]


def put(daemon, version, rule=None):
    return daemon("PUT", "/v1/admin/products/carpet/shadow", json.dumps({"version": version, "rule": rule}), **JSON)


def shadow(daemon):
    return daemon("GET", "/v1/products/carpet/shadow").json["shadow"]


def asked(daemon, image):
    """Posts a picture until the shadow has judged it: it is skipped while anything else, such as a self-test, waits for
    the device. The answer of the last post."""
    while True:
        before = shadow(daemon)["counts"]
        answer = daemon.inspect(image, "product=carpet&camera=c1").json
        after = eventually(lambda: (c := shadow(daemon)["counts"])["parts"] + c["skipped"] > before["parts"]
                           + before["skipped"] and c, 60)
        if after["parts"] > before["parts"]:
            return answer


def one_by_one(daemon, *levels):
    return [asked(daemon, grey(level, i))["id"] for i, level in enumerate(levels)]


def active(daemon):
    return daemon("GET", "/v1/products/carpet").json["active"]


def test_the_active_version_answers_and_disagreements_are_listed(line):
    daemon = line(v2=0.3)
    assert shadow(daemon) is None
    begun = put(daemon, "v2")
    assert begun.status == 200 and begun.json["shadow"]["running"] and begun.json["shadow"]["rule"] is None, begun.body
    ids = one_by_one(daemon, 0.2, 0.4, 0.6, 0.45)  # the shadow: 0.5, 0.7, 0.9, 0.75
    assert [daemon("GET", f"/v1/inspections/{one}").json["verdict"] for one in ids] == ["good", "good", "anomaly", "good"]
    found = shadow(daemon)
    assert {**found["counts"], "skipped": 0} == {"parts": 4, "agree": 1, "disagree": 3, "missed": 0, "rejected": 3, "skipped": 0,
                                                 "failed": 0, "lost": 0}
    assert [one["id"] for one in found["disagreements"]] == [ids[3], ids[1], ids[0]]
    newest = found["disagreements"][0]
    assert newest["active"] == "good" and newest["shadow"] == "anomaly" and newest["probability"] == pytest.approx(0.75, abs=0.05)
    assert daemon("GET", newest["href"]).json["id"] == ids[3]
    assert len(daemon("GET", "/v1/products/carpet/shadow?limit=1").json["shadow"]["disagreements"]) == 1
    assert daemon.metric("shadow_parts_total") == 4 and daemon.metric("shadow_disagreements_total") == 3
    assert daemon.metric("shadow_seconds_total") > 0 and daemon.metric("shadow_skipped_total") == found["counts"]["skipped"]
    assert daemon.metric("shadow_failed_total") == 0 and daemon.metric("shadow_lost_total") == 0
    [change] = daemon("GET", "/v1/admin/products/carpet/models/v2/changes").json["items"]
    assert change["field"] == "shadow" and change["to"] == "v2"


def test_a_suspect_picture_and_one_that_fails_are_not_compared(line):
    daemon = line(v2=0.3)
    put(daemon, "v2")
    out = io.BytesIO()
    PIL.Image.new("RGB", (64, 64), "black").save(out, "PNG")
    assert daemon.inspect(out.getvalue()).json["suspect"]
    assert daemon.inspect(b"no picture").status == 422
    one_by_one(daemon, 0.2)
    assert shadow(daemon)["counts"]["parts"] == 1


def test_it_survives_a_restart_and_a_crash(line):
    daemon = line(v2=0.3)
    put(daemon, "v2", {"parts": 1000, "max_disagreements": 5, "max_missed": 0})
    one_by_one(daemon, 0.2, 0.3)
    before = shadow(daemon)
    daemon.stop(9)
    again = line(state=daemon.state)
    eventually(lambda: shadow(again)["running"], 60)  # active versions are loaded first
    assert shadow(again) == before and before["running"]
    one_by_one(again, 0.3)
    assert shadow(again)["counts"]["parts"] == 3 and active(again) == "v1"
    before = shadow(again)["counts"]
    post(again, 0.3, 0.3)
    again.stop()  # what waits for the next group is counted first
    third = line(state=daemon.state)
    after = shadow(third)["counts"]
    assert after["parts"] + after["skipped"] == before["parts"] + before["skipped"] + 2


def test_promotion_by_hand_and_back_in_one_call_each(line):
    daemon = line(v2=0.3)
    put(daemon, "v2")
    one_by_one(daemon, 0.4)
    answer = daemon("POST", "/v1/admin/products/carpet/shadow/promote")
    assert answer.status == 200 and answer.json == {"product": "carpet", "active": "v2", "serving": "v2"}, answer.body
    assert post(daemon, 0.4)[0]["model"] == "v2"
    assert shadow(daemon) is None
    assert daemon("POST", "/v1/admin/products/carpet/shadow/promote").code == "not_found"
    assert daemon("POST", "/v1/admin/products/carpet/rollback").json["active"] == "v1"
    assert post(daemon, 0.4)[0]["model"] == "v1"
    assert shadow(daemon) is None  # it does not come back by itself


def test_a_rule_promotes_at_its_last_part_and_not_before(line):
    daemon = line(v2=0.3)
    put(daemon, "v2", {"parts": 3, "max_disagreements": 1, "max_missed": 0})
    one_by_one(daemon, 0.4, 0.1)
    assert active(daemon) == "v1"
    eventually(lambda: post(daemon, 0.1)[0]["model"] == "v2", 60)
    assert "a shadow became active by its rule" in daemon.log_text()
    changes = daemon("GET", "/v1/admin/products/carpet/models/v2/changes").json["items"]
    assert (changes[0]["who"], changes[0]["field"], changes[0]["to"]) == ("rule", "active", "v2")
    assert daemon("POST", "/v1/admin/products/carpet/rollback").json["active"] == "v1"


@pytest.mark.parametrize("bias, levels, rule", [
    (0.3, (0.4, 0.4), {"parts": 2, "max_disagreements": 1, "max_missed": 2}),
    (-0.3, (0.6, 0.2), {"parts": 2, "max_disagreements": 2, "max_missed": 0}),
], ids=["too many disagreements", "an anomaly missed"])
def test_a_rule_that_is_not_met_changes_nothing_for_ever(line, bias, levels, rule):
    daemon = line(v2=bias)
    put(daemon, "v2", rule)
    one_by_one(daemon, *levels)
    eventually(lambda: shadow(daemon)["outcome"] == "stays", 60)
    one_by_one(daemon, 0.1, 0.1, 0.1)
    assert active(daemon) == "v1" and shadow(daemon)["outcome"] == "stays"
    if bias < 0:
        assert shadow(daemon)["counts"]["missed"] == 1


def test_what_is_refused(line):
    daemon = line(v2=0.3, v3=0.2)
    assert put(daemon, "v1").code == "conflict" and put(daemon, "v9").code == "not_found"
    for body in ('{"version": "v2", "rule": {"parts": 0, "max_disagreements": 1, "max_missed": 0}}', "[]", "{", "{}",
                 '{"version": "v2", "rule": {"parts": 5}}', '{"version": "v2", "rules": null}', '{"version": "../v2"}',
                 '{"version": "v2", "rule": {"parts": 5, "max_disagreements": 1, "max_missed": 0, "x": 1}}'):
        answer = daemon("PUT", "/v1/admin/products/carpet/shadow", body, **JSON)
        assert answer.code == "invalid_parameter", (body, answer.body)
    assert daemon("PUT", "/v1/admin/products/wood/shadow", '{"version": "v2"}', **JSON).code == "not_found"
    assert daemon("DELETE", "/v1/admin/products/carpet/shadow").code == "not_found"
    [trunk] = (daemon.state / "trunks").glob("*.safetensors")
    os.link(trunk, trunk.with_name("0" * 64 + ".safetensors"))
    manifest = daemon.state / "models/carpet/v3/manifest.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "trunk": {"sha256": "0" * 64}}))
    other = put(daemon, "v3")
    assert other.code == "conflict" and "was trained on trunk" in other.json["detail"]
    assert put(daemon, "v2").status == 200
    assert daemon("DELETE", "/v1/admin/products/carpet/models/v2").code == "conflict"
    assert daemon("DELETE", "/v1/admin/products/carpet/shadow").status == 204
    assert daemon("DELETE", "/v1/admin/products/carpet/models/v2").status == 204


def test_damage_of_the_shadow_concerns_no_verdict(line):
    daemon = line(v2=0.3)
    put(daemon, "v2")
    daemon.stop()
    weights = daemon.state / "models/carpet/v2/model.safetensors"
    rewrite(weights, weights.read_bytes()[:-100])
    again = line(state=daemon.state)
    assert post(again, 0.4)[0]["model"] == "v1"
    found = eventually(lambda: "model.safetensors" in (one := shadow(again))["failure"] and one, 60)
    assert not found["running"]
    again.stop()
    (daemon.state / "models/carpet/shadow.json").write_text("{")
    third = line(state=daemon.state)
    assert post(third, 0.4)[0]["model"] == "v1" and "shadow.json" in third.log_text()
    assert third("DELETE", "/v1/admin/products/carpet/shadow").status in (204, 404)


def test_a_busy_line_answers_as_ever(line):
    """Shadows that the line has no time for are skipped: tests/unit/test_engine.c decides when. None is lost."""
    daemon = line("limits.batch=1", v2=0.3, env={"INSP_FAKE_PASS_MS": "20"})
    put(daemon, "v2")
    got = []
    crowd = [threading.Thread(target=lambda i=i: got.append(daemon.inspect(grey(0.3, i)).json["verdict"])) for i in range(12)]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join()
    assert got == ["good"] * 12
    eventually(lambda: (c := shadow(daemon)["counts"])["parts"] + c["skipped"] == 12, 60)


def test_parts_wait_for_a_disk_that_fails_and_a_rule_knows_of_those_that_are_lost(line):
    daemon = line(v2=0.3, wood=True)
    put(daemon, "v2", {"parts": 2, "max_disagreements": 3, "max_missed": 0})
    wood = lambda method, path, body=None: daemon(method, f"/v1/{path}products/wood/shadow", body, **JSON)
    assert wood("PUT", "admin/", '{"version": "v2"}').status == 200
    one_by_one(daemon, 0.1)
    with contextlib.closing(sqlite3.connect(daemon.state / "inspectd.sqlite3", timeout=60, isolation_level=None)) as db:
        db.execute("CREATE TRIGGER fails BEFORE UPDATE ON shadow BEGIN SELECT RAISE(ABORT, 'by the test'); END")
        image, connection = grey(0.1), daemon.connect()
        for _ in range(300):  # 256 of them wait
            assert daemon.inspect(image, "product=carpet&camera=c1", connection=connection).json["verdict"] == "good"
        eventually(lambda: daemon.metric("shadow_lost_total") >= 300 - 256, 60)
        assert "answers of a shadow are not counted" in daemon.log_text()
        assert shadow(daemon)["counts"]["parts"] == 1
        for _ in range(3):  # no room is left
            assert daemon.inspect(image, "product=wood&camera=c1", connection=connection).json["verdict"] == "good"
        eventually(lambda: daemon.metric("shadow_lost_total") >= 303 - 256, 60)
        db.execute("DROP TRIGGER fails")
    keys = ("parts", "skipped", "lost")
    found = eventually(lambda: sum((one := shadow(daemon))["counts"][k] for k in keys) >= 301 and one, 60)
    assert found["counts"]["lost"] >= 300 - 256 and found["counts"]["agree"] == found["counts"]["parts"] >= 2
    assert eventually(lambda: shadow(daemon)["outcome"], 60) == "stays" and active(daemon) == "v1"
    # Lost parts are counted though no further part of their run comes.
    eventually(lambda: sum(wood("GET", "").json["shadow"]["counts"][k] for k in keys) == 3, 60)
    with contextlib.closing(sqlite3.connect(daemon.state / "inspectd.sqlite3", timeout=60, isolation_level=None)) as db:
        db.execute("CREATE TRIGGER fails BEFORE UPDATE ON shadow BEGIN SELECT RAISE(ABORT, 'by the test'); END")
    for _ in range(2):
        daemon.inspect(image, "product=carpet&camera=c1")
    daemon.stop()
    eventually(lambda: re.search(r"parts of a shadow are not counted, .* product=carpet version=v2 parts=2\n", daemon.log_text()), 60)


@pytest.mark.real_device
def test_both_answers_are_bit_for_bit_those_of_serving_alone(line):
    """A probability is printed with as many digits as tell it from every other float."""
    daemon = line(v2=0.7)
    for version, threshold in (("v1", 1), ("v2", 0)):  # they disagree about every part, so that each is listed
        path = f"/v1/admin/products/carpet/models/{version}"
        assert daemon("PATCH", path, json.dumps({"threshold": threshold}), **JSON).status == 200
    pictures = [picture(noise=True, size=(200 + 20 * i, 160)) for i in range(3)]
    ask = lambda: [daemon.inspect(one).json for one in pictures]
    alone = [one["probability"] for one in ask()]
    put(daemon, "v2")
    beside = [asked(daemon, one)["probability"] for one in pictures]
    assert beside == alone
    answers = [one["probability"] for one in reversed(shadow(daemon)["disagreements"])]
    assert daemon("POST", "/v1/admin/products/carpet/shadow/promote").status == 200
    assert answers == [one["probability"] for one in ask()] and answers != alone
