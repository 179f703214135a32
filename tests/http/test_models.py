"""Models: broken ones are named and never serve, good ones are swapped under load."""
import array
import hashlib
import io
import json
import math
import re
import signal

import PIL.Image
import pytest
from conftest import Daemon, add_version, copy_state, eventually, picture, rewrite
from test_jobs import begin, datasets, finished, submit  # noqa: F401 (begin and datasets are fixtures)

IMAGE = picture(noise=True)


@pytest.fixture
def admin(start):
    """admin(state) -> a daemon with its admin token in use."""
    def begin(state, **more):
        daemon = start(state=state, **more)
        daemon.token = (state / "admin.token").read_text().strip()
        return daemon
    return begin


@pytest.fixture(scope="module")
def refuses(template, tmp_path_factory):
    """One daemon with its admin token in use, for changes that are refused."""
    daemon = Daemon(copy_state(template, tmp_path_factory.mktemp("refuses") / "state"))
    daemon.token = (daemon.state / "admin.token").read_text().strip()
    yield daemon
    daemon.stop()


@pytest.fixture
def state(template, tmp_path):
    state = tmp_path / "own"
    copy_state(template, state)
    return state


def flip_a_weight(folder):
    data = bytearray((folder / "model.safetensors").read_bytes())
    data[-5] ^= 0x40
    rewrite(folder / "model.safetensors", data)


def shape_wrong(folder):
    """[2,512] said to be [512,2], and the hash in the manifest made to fit: only the shape is wrong."""
    path = folder / "model.safetensors"
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    head = json.loads(data[8:8 + length])
    head["classifier.weight"]["shape"].reverse()
    text = json.dumps(head, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    data = len(text).to_bytes(8, "little") + text + data[8 + length:]
    rewrite(path, data)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["weights"]["sha256"] = hashlib.sha256(data).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))


def cut_manifest(folder):
    text = (folder / "manifest.json").read_text()
    (folder / "manifest.json").write_text(text[:len(text) // 2])


@pytest.mark.sequential  # fifteen models, each proved: minutes under the thread sanitizer
def test_many_products_are_loaded_while_the_daemon_serves(admin, state):
    """The start waits for the first ones. Until a later one is loaded, its images get 503; then it serves like the others.
    A shadow is loaded last."""
    for i in range(14):
        add_version(state, f"p{i:02}", "v1")
    flip_a_weight(add_version(state, "carpet", "v2"))
    (state / "models/carpet/shadow.json").write_text(json.dumps(
        {"version": "v2", "since": "2026-11-28T00:00:00.000Z", "by": "cli", "rule": None}))
    daemon = admin(state, wait_ready=False)
    assert daemon("GET", "/readyz").status == 200
    asked = daemon.inspect(IMAGE, "product=p13")
    assert asked.status == 200 or (asked.status, asked.code) == (503, "not_ready"), asked.json
    assert daemon.inspect(IMAGE).status == 200
    eventually(lambda: all(model["ready"] for model in daemon("GET", "/readyz").json["models"].values()), 180)
    assert daemon.inspect(IMAGE, "product=p13").status == 200
    assert daemon("GET", "/readyz").json["reasons"] == []
    eventually(lambda: "shadow not loaded product=carpet version=v2" in daemon.log_text(), 60)
    assert daemon.log_text().index("listening address") < daemon.log_text().index("shadow not loaded")
    loaded = [int(n) for n in re.findall(r"models .* products=15 loaded=(\d+) pending=", daemon.log_text())]
    assert sum(loaded) == 15 and 1 <= loaded[0] <= 8 and all(n <= 4 for n in loaded[1:]), loaded


# The thread sanitizer knows closedir but not opendir, so it took the number of a socket closed by the loop for shared.
@pytest.mark.sequential
def test_a_daemon_that_still_loads_stops(admin, state):
    for i in range(14):
        add_version(state, f"p{i:02}", "v1")
    assert admin(state).stop() == 0


def test_versions_that_cannot_be_loaded_hold_up_no_other_one(admin, state):
    """Neither active ones nor shadows, whatever their names: each is tried once, and again only when somebody asks."""
    def shadow_of(product):
        (state / "models" / product / "shadow.json").write_text(json.dumps(
            {"version": "v2", "since": "2026-11-28T00:00:00.000Z", "by": "cli", "rule": None}))

    add_version(state, "carpet", "v2")
    shadow_of("carpet")
    for i in range(8):  # as many as a start tries; a later reading tries four
        for version in ("v1", "v2"):
            rewrite(add_version(state, f"a{i}", version) / "model.safetensors", b"damaged")
        shadow_of(f"a{i}")
    daemon = admin(state, wait_ready=False)
    tried = lambda: [daemon.log_text().count(f"{kind} not loaded product=a") for kind in ("model", "shadow")]
    readings = lambda: re.findall(r"models read again products=9 loaded=\d+ pending=(\d+)", daemon.log_text())
    eventually(lambda: daemon("GET", "/readyz").json["models"]["carpet"]["ready"], 60)
    eventually(lambda: readings()[-1:] == ["0"], 60)
    assert daemon("GET", "/v1/products/carpet/shadow").json["shadow"]["running"]
    assert tried() == [8, 8] and len(readings()) <= 5
    assert "model.safetensors" in daemon.inspect(IMAGE, "product=a7").json["detail"]
    daemon.process.send_signal(signal.SIGHUP)
    eventually(lambda: tried() == [16, 16] and readings()[-1:] == ["0"], 60)
    assert daemon.inspect(IMAGE).status == 200


@pytest.mark.parametrize("damage, word", [(flip_a_weight, "sha256"), (shape_wrong, "classifier.weight"),
                                          (cut_manifest, "manifest.json")])
def test_damaged_model_is_named_and_others_serve(admin, state, damage, word):
    add_version(state, "wood", "v1")
    damage(state / "models" / "wood" / "v1")
    daemon = admin(state)
    ready = daemon("GET", "/readyz")
    assert ready.status == 200
    [reason] = [r for r in ready.json["reasons"] if "wood" in r]
    assert word in reason
    assert daemon.inspect(IMAGE).status == 200
    answer = daemon.inspect(IMAGE, "product=wood")
    assert (answer.status, answer.code) == (503, "not_ready")
    assert "wood" in answer.json["detail"]
    listed = daemon("GET", "/v1/products/wood")
    assert listed.status == 200 and not listed.json["serving"]["ready"]


@pytest.mark.sequential
def test_only_model_damaged_is_not_ready(start, state):
    flip_a_weight(state / "models" / "carpet" / "v1")
    daemon = start(state=state, wait_ready=False)
    answer = daemon("GET", "/readyz")
    assert (answer.status, answer.code) == (503, "not_ready")
    assert any("carpet" in reason for reason in answer.json["reasons"])
    assert daemon("GET", "/healthz").status == 200


def serving(daemon):
    return daemon.inspect(IMAGE).json["model"]


def model_call(daemon, method, path, body=None):
    return daemon(method, f"/v1/admin/products/carpet{path}", None if body is None else json.dumps(body),
                  Content_Type="application/json")


def reasons(daemon):
    answer = daemon("GET", "/readyz")
    assert answer.status == 200
    return answer.json["reasons"]


def test_a_failed_reload_is_told_until_one_goes_well(start, state):
    add_version(state, "carpet", "v2")
    daemon = start("device.selftest_interval_s=1", state=state)
    flip_a_weight(state / "models/carpet/v2")
    (state / "models/carpet/active.json").write_text('{"active": "v2", "history": ["v1"]}')
    assert reasons(daemon) == []
    daemon.process.send_signal(signal.SIGHUP)
    daemon.wait_line("model not loaded product=carpet")
    daemon.wait_line("models read again")
    # The old version serves and passes its self-tests, which must not wipe the reason away.
    tests = daemon.metric("passes_total")
    eventually(lambda: daemon.metric("passes_total") >= tests + 2)
    [reason] = reasons(daemon)
    assert "carpet" in reason and "v1 still serves" in reason and "sha256" in reason.lower()
    assert daemon("GET", "/readyz").json["models"]["carpet"] == {
        "version": "v1", "ready": True, "self_test": "drawn",
        "failure": daemon("GET", "/v1/products/carpet").json["serving"]["failure"]}
    assert daemon.metric("model_reload_failed") == 1 and daemon.metric("model_ready") == 1
    assert daemon.inspect(IMAGE).json["model"] == "v1"
    # Back to the version that serves anyway: nothing is loaded, and nothing is wrong any more.
    (state / "models/carpet/active.json").write_text('{"active": "v1", "history": []}')
    daemon.process.send_signal(signal.SIGHUP)
    eventually(lambda: reasons(daemon) == [])
    assert daemon.metric("model_reload_failed") == 0


def test_a_registry_that_cannot_be_read_again_is_told(start, state):
    daemon = start(state=state)
    (state / "models").rename(state / "gone")
    (state / "models").write_text("no folder")
    daemon.process.send_signal(signal.SIGHUP)
    daemon.wait_line("models not read again")
    assert any("could not be read again" in reason for reason in reasons(daemon))
    assert daemon.inspect(IMAGE).status == 200
    (state / "models").unlink()
    (state / "gone").rename(state / "models")
    daemon.process.send_signal(signal.SIGHUP)
    eventually(lambda: reasons(daemon) == [])


def regression(folder, name, bias):
    """Writes a logistic regression that gives each picture the same probability; returns its entry of the manifest."""
    header = json.dumps({"weight": {"dtype": "F32", "shape": [2880], "data_offsets": [0, 11520]},
                         "bias": {"dtype": "F32", "shape": [1], "data_offsets": [11520, 11524]}}).encode()
    header += b" " * (-len(header) % 8)
    data = len(header).to_bytes(8, "little") + header + array.array("f", [0] * 2880 + [bias]).tobytes()
    (folder / "logistic.safetensors").write_bytes(data)
    return {"file": "logistic.safetensors", "sha256": hashlib.sha256(data).hexdigest(), "use": name}


def test_a_bundle_replaced_on_disk_is_loaded_anew(start, state):
    daemon, folder = start(state=state), state / "models/carpet/v1"
    manifest = json.loads((folder / "manifest.json").read_text())
    image = PIL.Image.new("L", (224, 224))
    image.paste(255, (0, 0, 112, 224))
    half = io.BytesIO()
    image.save(half, "PNG")
    left, right = ({"look": [[[x, 0], [x + 0.5, 0], [x + 0.5, 1], [x, 1]]]} for x in (0, 0.5))

    def answer(**change):
        """The probability of a picture whose left half is white, once the changed bundle of the same name is read."""
        (folder / "manifest.json").write_text(json.dumps(manifest | change))
        readings = daemon.log_text().count("models read again")
        daemon.process.send_signal(signal.SIGHUP)
        eventually(lambda: daemon.log_text().count("models read again") > readings)
        made = daemon.inspect(half.getvalue()).json
        assert made["model"] == "v1" and reasons(daemon) == []
        return made["probability"]

    plain = answer()
    assert 0.01 < plain < 0.99
    hot, cold, averaged = (1 / (1 + math.exp(-logit)) for logit in (2, -2, math.log(plain / (1 - plain)) / 2 - 1))
    assert answer(logistic=regression(folder, "alone", 2)) == pytest.approx(hot, abs=1e-5)
    assert answer(logistic=regression(folder, "alone", -2)) == pytest.approx(cold, abs=1e-5)
    assert answer(logistic=regression(folder, "averaged", -2)) == pytest.approx(averaged, abs=1e-4)
    assert answer() == pytest.approx(plain, abs=1e-5)
    whole, one, other = plain, answer(format=2, regions=left), answer(format=2, regions=right)
    assert min(abs(whole - one), abs(whole - other), abs(one - other)) > 1e-4
    assert answer() == pytest.approx(plain, abs=1e-5)


def test_activate_and_rollback(admin, state):
    add_version(state, "carpet", "v2")
    daemon = admin(state)
    first = serving(daemon)
    answer = model_call(daemon, "POST", "/models/v2/activate")
    assert answer.status == 200 and answer.json == {"product": "carpet", "active": "v2", "serving": "v2"}
    assert serving(daemon) == "v2"
    assert model_call(daemon, "POST", "/rollback").status == 200
    assert serving(daemon) == first
    answer = model_call(daemon, "POST", "/models/v9/activate")
    assert answer.status == 404 and serving(daemon) == first


def test_activating_a_damaged_version_changes_nothing(admin, state):
    add_version(state, "carpet", "v2")
    daemon = admin(state)
    before = serving(daemon)
    flip_a_weight(state / "models" / "carpet" / "v2")
    answer = model_call(daemon, "POST", "/models/v2/activate")
    assert answer.status >= 400 and answer.code == "model_invalid"
    assert serving(daemon) == before and daemon("GET", "/readyz").status == 200


def spoil(folder):
    """Weights with other answers and a matching hash: only the golden samples can detect them."""
    path, manifest = folder / "model.safetensors", json.loads((folder / "manifest.json").read_text())
    data = bytearray(path.read_bytes())
    length = int.from_bytes(data[:8], "little")
    entries = json.loads(data[8:8 + length])

    def change(name, how):
        begin, end = (8 + length + offset for offset in entries[name]["data_offsets"])
        values = array.array("f", data[begin:end])
        how(values)
        data[begin:end] = values.tobytes()

    def turn(weight):  # of class anomaly: hot becomes cold, also where the probability is saturated
        weight[512:] = array.array("f", [-w for w in weight[512:]])

    def shift(bias):  # the fake device uses it
        bias[1] += 0.3

    change("classifier.weight", turn)
    change("classifier.bias", shift)
    rewrite(path, data)
    manifest["weights"]["sha256"] = hashlib.sha256(data).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.sequential
@pytest.mark.real_device
def test_a_spoilt_version_never_serves(begin):
    daemon = begin()
    done = finished(daemon, submit(daemon, epochs=1, activate="never").headers["Location"])
    version, before = done["result"]["version"], serving(daemon)
    folder = daemon.state / "models" / "carpet" / version
    assert len(list(folder.glob("golden-*.png"))) >= 2 and (folder / "golden.json").exists()
    assert model_call(daemon, "POST", f"/models/{version}/activate").status == 200  # as it was made it serves
    assert daemon.inspect(IMAGE).json["model"] == version
    assert model_call(daemon, "POST", "/rollback").status == 200
    spoil(folder)
    answer = model_call(daemon, "POST", f"/models/{version}/activate")
    assert (answer.status, answer.code) == (409, "self_test_failed") and "golden sample" in answer.json["detail"]
    assert serving(daemon) == before and daemon("GET", "/v1/products/carpet").json["active"] == before
    # Changed by hand without the daemon: a reload keeps the old version, a start has no older one and says so.
    active = folder.parent / "active.json"
    kept = active.read_text()
    active.write_text(json.dumps({"active": version, "history": [before]}))
    daemon.process.send_signal(signal.SIGHUP)
    daemon.wait_line("model not loaded product=carpet code=self_test_failed")
    daemon.wait_line("models read again")
    assert serving(daemon) == before
    daemon.stop()
    again = begin(state=daemon.state, wait_ready=False)
    assert again("GET", "/readyz").status == 503 and "golden sample" in again("GET", "/readyz").json["reasons"][0]
    assert again.inspect(IMAGE).code == "not_ready"
    active.write_text(kept)
    again.process.send_signal(signal.SIGHUP)
    eventually(lambda: again("GET", "/readyz").status == 200)
    assert serving(again) == before


@pytest.mark.sequential
def test_a_rollback_to_a_spoilt_version_is_refused(begin):
    daemon = begin()
    versions = [finished(daemon, submit(daemon, epochs=1, activate="always").headers["Location"])["result"]["version"]
                for _ in range(2)]
    spoil(daemon.state / "models" / "carpet" / versions[0])
    answer = model_call(daemon, "POST", "/rollback")
    assert (answer.status, answer.code) == (409, "self_test_failed")
    assert serving(daemon) == versions[1]


@pytest.mark.sequential
def test_damaged_golden_samples_are_named(begin):
    daemon = begin()
    done = finished(daemon, submit(daemon, epochs=1, activate="never").headers["Location"])
    version = done["result"]["version"]
    (daemon.state / "models" / "carpet" / version / "golden-2.png").write_bytes(b"x")
    answer = model_call(daemon, "POST", f"/models/{version}/activate")
    assert answer.code == "model_invalid" and "golden-2.png" in answer.json["detail"]


@pytest.mark.sequential
def test_if_better_is_the_default_and_says_what_it_compared(begin):
    daemon = begin()
    first = finished(daemon, submit(daemon, epochs=1).headers["Location"])
    assert first["params"]["activate"] == "if_better"
    second = finished(daemon, submit(daemon, epochs=1).headers["Location"])["result"]
    assert not second["activated"] and "the active model's" in second["reason"]  # the same again is not better
    assert "balanced accuracy on the same held-out images is" in second["reason"]
    assert second["previous"]["metrics"]["balanced_accuracy"] is not None


@pytest.mark.sequential
def test_thresholds_change_without_a_restart(admin, state):
    daemon = admin(state)
    for threshold, verdict in ((0, "anomaly"), (1, "good")):
        answer = model_call(daemon, "PATCH", "/models/v1", {"threshold": threshold})
        assert answer.status == 200 and answer.json["threshold"] == threshold
        made = daemon.inspect(IMAGE).json
        assert made["verdict"] == verdict and made["threshold"] == threshold


GREY = picture("#808080")  # the fake device answers 0.5, any other something in between


@pytest.mark.sequential
def test_review_band(admin, state):
    daemon = admin(state)
    probability = daemon.inspect(GREY).json["probability"]
    low, high = max(0, probability - 0.1), min(1, probability + 0.1)
    answer = model_call(daemon, "PATCH", "/models/v1",
                        {"threshold": probability, "review": {"low": low, "high": high}})
    assert answer.status == 200 and answer.json["review"]["high"] == pytest.approx(high)
    made = daemon.inspect(GREY)
    assert made.json["verdict"] == made.headers["Inspection-Verdict"] == "review"
    png = daemon.inspect(GREY, Accept="image/png")
    assert png.status == 200 and png.headers["Inspection-Verdict"] == "review"
    assert [i["id"] for i in daemon("GET", "/v1/inspections?verdict=review&product=carpet").json["items"]] == \
        [png.headers["Inspection-Id"], made.json["id"]]
    one = daemon("GET", f"/v1/inspections/{made.json['id']}").json
    assert one["verdict"] == "review"
    statistics = daemon("GET", "/v1/statistics?product=carpet").json
    assert statistics["review"] == 2 and statistics["good"] + statistics["anomaly"] == 1
    assert statistics["anomaly_rate"] == pytest.approx(statistics["anomaly"] / 3)
    assert 'verdict="review"} 2' in daemon("GET", "/metrics").body.decode()
    assert model_call(daemon, "PATCH", "/models/v1", {"review": None}).json["review"] is None
    assert daemon.inspect(GREY).json["verdict"] == "anomaly"  # at the threshold


@pytest.mark.sequential
@pytest.mark.parametrize("review", [{"low": 0.6, "high": 0.9}, {"low": 0.2, "high": 0.4}, {"low": 0.5, "high": 0.5},
                                    {"low": 0.4}, {"low": 0.4, "high": 0.6, "x": 1}, {"low": "a", "high": 1}, 3, []])
def test_bad_review_band(refuses, review):
    answer = model_call(refuses, "PATCH", "/models/v1", {"review": review})
    assert (answer.status, answer.code) == (422, "invalid_parameter") and "review" in answer.json["detail"]
    assert refuses("GET", "/v1/products/carpet/models/v1").json["review"] is None


@pytest.mark.sequential
@pytest.mark.parametrize("body", [{}, {"threshold": 2}, {"threshold": "high"}, {"colour": 1}, []])
def test_bad_change(refuses, body):
    answer = model_call(refuses, "PATCH", "/models/v1", body)
    assert (answer.status, answer.code) == (422, "invalid_parameter")
    assert refuses.inspect(IMAGE).status == 200


@pytest.mark.sequential
def test_delete(admin, state):
    add_version(state, "carpet", "v2")
    daemon = admin(state)
    active = daemon("GET", "/v1/products/carpet").json["active"]
    other = "v1" if active == "v2" else "v2"
    assert model_call(daemon, "DELETE", f"/models/{active}").code == "conflict"
    assert model_call(daemon, "DELETE", f"/models/{other}").status == 204
    assert not (state / "models" / "carpet" / other).exists()
    assert model_call(daemon, "DELETE", f"/models/{other}").status == 404


@pytest.mark.sequential
def test_models_need_an_admin(start):
    daemon = start()
    assert daemon("POST", "/v1/admin/products/carpet/rollback").code == "unauthorized"
