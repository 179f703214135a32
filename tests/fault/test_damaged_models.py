"""Files of models that are damaged, moved or deleted while the daemon serves: models in memory continue to serve, and /readyz says so."""
import hashlib
import json
import os
import shutil
import signal
import subprocess
import threading

import pytest
from conftest import eventually, picture


@pytest.fixture
def daemon(start):
    daemon = start()
    daemon.token = (daemon.state / "admin.token").read_text().strip()
    return daemon


def folder(daemon, version="v1"):
    return daemon.state / "models" / "carpet" / version


def replace(path, content):
    """A new file in the old one's place: other copies of the state folder may share it by a hard link."""
    new = path.with_name(path.name + ".new")
    new.write_bytes(content)
    os.replace(new, path)


def add_version(daemon, version, bias="0"):
    """A second version, not activated."""
    active = (daemon.state / "models/carpet/active.json").read_bytes()
    subprocess.run([os.environ["INSP_MAKE_BUNDLE"], str(daemon.state), "carpet", version, bias], check=True)
    replace(daemon.state / "models/carpet/active.json", active)


def reload(daemon):
    before = daemon.log_text().count("models read again")
    daemon.process.send_signal(signal.SIGHUP)
    eventually(lambda: daemon.log_text().count("models read again") > before)


def reasons(daemon):
    answer = daemon("GET", "/readyz")
    assert answer.status == 200, answer.body
    return "\n".join(answer.json["reasons"])


def serving(daemon):
    (item,) = daemon("GET", "/v1/products").json["items"]
    return item["serving"]


def serves(daemon, version="v1"):
    answer = daemon.inspect(picture())
    assert answer.status == 200 and answer.json["model"] == version, answer.body


def test_damaged_weights_are_told_at_sighup(daemon):
    weights = folder(daemon) / "model.safetensors"
    whole = weights.read_bytes()
    for damaged in whole[:len(whole) // 2], whole[:-4] + b"\x00\x01\x02\x03", b"":
        replace(weights, damaged)
        reload(daemon)
        assert "files of v1 are damaged; it serves from memory until a restart" in reasons(daemon)
        assert "model.safetensors" in serving(daemon)["failure"] and serving(daemon)["ready"]
        serves(daemon)
    assert "files of a serving model are damaged" in daemon.log_text()
    replace(weights, whole)
    reload(daemon)
    assert reasons(daemon) == "" and serving(daemon)["failure"] is None


def test_a_damaged_trunk_is_told_at_sighup(daemon):
    (trunk,) = (daemon.state / "trunks").glob("*.safetensors")
    whole = trunk.read_bytes()
    replace(trunk, whole[:-8])
    reload(daemon)
    assert "the trunk's file is damaged; it serves from memory until a restart" in reasons(daemon)
    assert "the trunk's file is damaged" in daemon.log_text()
    serves(daemon)
    replace(trunk, whole)
    reload(daemon)
    assert reasons(daemon) == ""


@pytest.mark.parametrize("what", ["version", "product", "manifest", "active"])
def test_what_serves_goes_on_when_its_files_go(daemon, what, tmp_path):
    place = {"version": folder(daemon), "product": folder(daemon).parent, "manifest": folder(daemon) / "manifest.json",
             "active": folder(daemon).parent / "active.json"}[what]
    aside = tmp_path / "aside"
    shutil.move(place, aside)
    if what == "manifest":
        place.write_bytes(b"")
    reload(daemon)
    assert "product carpet: " in reasons(daemon) and "v1 still serves" in reasons(daemon)
    assert serving(daemon)["version"] == "v1" and serving(daemon)["failure"]
    serves(daemon)
    assert daemon("GET", "/v1/products/carpet").status == 200
    if what == "manifest":
        place.unlink()
    elif place.exists():
        shutil.rmtree(place)
    shutil.move(aside, place)
    reload(daemon)
    assert reasons(daemon) == ""
    serves(daemon)


def test_the_version_that_serves_is_not_deleted(daemon):
    """The active version cannot be loaded, so the one before serves on: without its files a restart would have none."""
    add_version(daemon, "v2")
    replace(folder(daemon, "v2") / "model.safetensors", b"damaged")
    replace(daemon.state / "models/carpet/active.json", json.dumps({"active": "v2", "history": ["v1"]}).encode())
    reload(daemon)
    serves(daemon)
    answer = daemon("DELETE", "/v1/admin/products/carpet/models/v1")
    assert (answer.status, answer.code) == (409, "conflict") and "v1 of product carpet serves" in answer.json["detail"]
    assert daemon("DELETE", "/v1/admin/products/carpet/models/v2").code == "conflict"  # the active one
    assert daemon("POST", "/v1/admin/products/carpet/models/v1/activate").status == 200
    assert daemon("DELETE", "/v1/admin/products/carpet/models/v2").status == 204
    serves(daemon)


def test_activate_says_what_serves(daemon):
    add_version(daemon, "v2")
    answer = daemon("POST", "/v1/admin/products/carpet/models/v2/activate")
    assert answer.status == 200
    assert answer.json == {"product": "carpet", "active": "v2", "serving": "v2"}
    serves(daemon, "v2")
    assert serving(daemon)["self_test"] == "drawn"  # make_bundle writes no golden samples
    assert "model without golden samples" in daemon.log_text()


@pytest.mark.slow
def test_activate_and_delete_at_once(daemon):
    """An answered activation leaves a model that a restart finds."""
    outcomes = set()
    for n in range(12):
        version = f"r{n}"
        add_version(daemon, version)
        answers = {}
        calls = {"activate": ("POST", f"/v1/admin/products/carpet/models/{version}/activate"),
                 "delete": ("DELETE", f"/v1/admin/products/carpet/models/{version}")}
        threads = [threading.Thread(target=lambda name=name: answers.update({name: daemon(*calls[name])}))
                   for name in (calls if n % 2 else reversed(list(calls)))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        activated, deleted = answers["activate"].status, answers["delete"].status
        outcomes.add((activated, deleted))
        assert (activated, deleted) in {(200, 409), (404, 204)}, (answers["activate"].body, answers["delete"].body)
        active = json.loads((daemon.state / "models/carpet/active.json").read_bytes())["active"]
        assert folder(daemon, active).is_dir()
        assert (active == version) == (activated == 200)
    serves(daemon, active)
    assert outcomes


@pytest.mark.real_device
def test_a_dead_network_does_not_serve(daemon):
    """All weights 0: every picture gets the same answer. Only the real device looks at the weights."""
    if os.environ.get("INSP_FAKE_DEVICE") == "1":
        pytest.skip("the fake device does not look at the weights")
    add_version(daemon, "dead")
    weights = folder(daemon, "dead") / "model.safetensors"
    content = weights.read_bytes()
    header = int.from_bytes(content[:8], "little") + 8
    dead = content[:header] + bytes(len(content) - header)
    replace(weights, dead)
    manifest = json.loads((folder(daemon, "dead") / "manifest.json").read_text())
    text = json.dumps(manifest).replace(hashlib.sha256(content).hexdigest(), hashlib.sha256(dead).hexdigest())
    replace(folder(daemon, "dead") / "manifest.json", text.encode())
    answer = daemon("POST", "/v1/admin/products/carpet/models/dead/activate")
    assert (answer.status, answer.code) == (409, "self_test_failed"), answer.body
    serves(daemon)
