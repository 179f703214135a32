"""What the running daemon answers against openapi.yaml: status, media type and schema of each operation's answers."""
import base64
import json
import pathlib
import re
import uuid

import jsonschema
import pytest
import yaml
from conftest import Daemon, add_version, copy_state, picture

pytestmark = pytest.mark.real_device
DOCUMENT = yaml.safe_load((pathlib.Path(__file__).parents[2] / "openapi.yaml").read_text())
RESOLVER = jsonschema.RefResolver("", DOCUMENT)
seen = set()


def follow(node):
    return RESOLVER.resolve(node["$ref"])[1] if "$ref" in node else node


def check_schema(schema, value):
    jsonschema.Draft202012Validator(schema, resolver=RESOLVER).validate(value)


class Contract:
    """A client whose every answer is held against the operation it names; a request outside the description fails."""

    def __init__(self, client, admin):
        self.client, self.admin = client, admin

    def __call__(self, method, template, status, body=None, admin=False, query="", kind=None, accept=None, **values):
        operation = DOCUMENT["paths"][template][method.lower()]
        path = template.format(**values) + (f"?{query}" if query else "")
        if isinstance(body, dict):
            body, kind = json.dumps(body), "application/json"
        headers = {name: value for name, value in [("Content_Type", kind), ("Accept", accept)] if value}
        answer = self.client(method, path, body, token=self.admin if admin else None, **headers)
        assert answer.status == status, answer.body
        responses = operation["responses"]
        response = follow(responses.get(str(status)) or responses[f"{status // 100}XX"])
        media = (answer.headers["Content-Type"] or "").partition(";")[0]
        if "content" in response:
            described = response["content"][media]
            if media.endswith("ndjson"):
                for line in answer.body.splitlines():
                    check_schema({"$ref": "#/components/schemas/Inspection"}, json.loads(line))
            elif media.endswith("json"):
                check_schema(described["schema"], answer.json)
        else:
            assert not answer.body
        for name in response.get("headers", {}):
            assert answer.headers[name] is not None, name
        seen.add((method, template))
        return answer


@pytest.fixture(scope="module")
def call(template, tmp_path_factory):
    folder = tmp_path_factory.mktemp("contract")
    copy_state(template, folder / "state")
    add_version(folder / "state", "carpet", "v2")  # v1 serves
    (folder / "datasets" / "tiny").mkdir(parents=True)
    daemon = Daemon(folder / "state", f"training.dataset_roots={folder / 'datasets'}",
                    "mqtt.url=mqtt://127.0.0.1:1", "watch.folder=/nowhere",  # neither is there
                    "training.trunk_url=http://127.0.0.1:1/vgg16.pth", "modbus.listen=127.0.0.1:0", "modbus.stations=1=c1")
    yield Contract(daemon, (folder / "state" / "admin.token").read_text().strip())
    daemon.stop()


IDS = {"id": "019ab7a0-4f2c-7c3e-9d0a-5b1f3c2d4e6f"}  # of nothing


def test_inspections(call):
    posts = "/v1/inspections"
    done = call("POST", posts, 200, picture(noise=True), query="product=carpet&camera=c1&part=7", kind="image/png").json
    for body, kind, query, status in [(b"", "image/png", "product=carpet", 400), (b"x", "text/plain", "product=carpet", 415),
                                      (b"x", "image/png", "product=carpet", 422), (b"x", "image/png", "product=wood", 404),
                                      (b"x", "image/png", "", 400)]:
        call("POST", posts, status, body, query=query, kind=kind)
    call("GET", posts, 200, query="product=carpet&limit=1&verdict=" + done["verdict"])
    call("GET", posts, 400, query="limit=0")
    for kind in "text/csv", "application/x-ndjson":
        assert call("GET", posts, 200, accept=kind).headers["Content-Type"].startswith(kind)
    one = {"id": done["id"]}
    call("GET", posts + "/{id}", 200, **one)
    call("GET", posts + "/{id}", 404, **IDS)
    call("GET", posts + "/{id}/image", 200, **one)
    call("GET", posts + "/{id}/image", 404, **IDS)
    call("GET", posts + "/{id}/image", 200, query="width=32", **one)
    call("GET", posts + "/{id}/image", 400, query="width=3", **one)
    for view in "threshold", "overlay", "raw":
        call("GET", posts + "/{id}/heatmap.png", 200, query=f"view={view}&threshold=0.2", **one)
    call("GET", posts + "/{id}/heatmap.png", 400, query="view=none", **one)
    call("GET", posts + "/{id}/heat", 200, **one)
    call("GET", posts + "/{id}/heat", 400, query="view=raw", **one)
    call("GET", posts + "/{id}/heat", 404, **IDS)
    label = {"label": "anomaly", "defect": "hole", "note": "seen"}
    assert call("PUT", posts + "/{id}/label", 200, label, **one).json["label"]["defect"] == "hole"
    call("PUT", posts + "/{id}/label", 422, {"label": "bad"}, **one)
    call("PUT", posts + "/{id}/label", 422, {"label": None, "note": "no"}, **one)
    assert call("PUT", posts + "/{id}/label", 200, {"label": None}, **one).json["label"] is None
    again = {"label": "anomaly", "defect": None, "note": None}
    assert call("PUT", posts + "/{id}/label", 200, again, **one).json["label"]["defect"] is None
    assert call("DELETE", posts + "/{id}/label", 200, **one).json["label"] is None
    assert call("DELETE", posts + "/{id}/label", 200, **one).json["label"] is None
    call("DELETE", posts + "/{id}/label", 404, **IDS)
    call("PUT", posts + "/{id}/label", 200, label, **one)
    call("PUT", posts + "/{id}/label", 404, {"label": "good"}, **IDS)
    call("PUT", posts + "/{id}/label", 400, "", **one)
    call("GET", "/v1/statistics", 200, query="product=carpet&window=1h")
    call("GET", "/v1/statistics", 200)
    call("GET", "/v1/statistics", 400, query="window=1")
    call("GET", "/v1/statistics/drift", 200, query="product=carpet&window=7d")
    call("GET", "/v1/statistics/drift", 400, query="window=1")


def test_products(call):
    call("GET", "/v1/products", 200)
    call("GET", "/v1/products/{product}", 200, product="carpet")
    call("GET", "/v1/products/{product}", 404, product="wood")
    # A version of each format that a manifest may have.
    manifest = add_version(call.client.state, "carpet", "tiled") / "manifest.json"
    written = json.loads(manifest.read_text())
    half, grid = [[0, 0], [0.5, 0], [0.5, 1], [0, 1]], {"columns": 4, "rows": 3}
    for expected, more in (1, {}), (2, {"regions": {"default": {"look": [half]}}}), (4, {"tiles": grid}):
        manifest.write_text(json.dumps({**written, **more, "format": expected}))
        tiled = call("GET", "/v1/products/{product}/models/{version}", 200, product="carpet", version="tiled").json
        assert (tiled["format"], tiled["tiles"]) == (expected, more.get("tiles"))
    call("GET", "/v1/products/{product}/models", 200, product="carpet")
    call("DELETE", "/v1/admin/products/{product}/models/{version}", 204, admin=True, product="carpet", version="tiled")
    call("GET", "/v1/products/{product}/models/{version}", 200, product="carpet", version="v1")
    call("GET", "/v1/products/{product}/models/{version}", 404, product="carpet", version="v9")


def test_models(call):
    base = "/v1/admin/products/{product}"
    model = {"product": "carpet", "version": "v1", "admin": True}
    call("POST", base + "/models/{version}/activate", 200, **model)
    call("POST", base + "/models/{version}/activate", 401, product="carpet", version="v1")
    call("POST", base + "/rollback", 409, product="carpet", admin=True)
    call("POST", base + "/models/{version}/rollback", 409, **model)
    assert call("PATCH", base + "/models/{version}", 200, {"threshold": 0.4}, **model).json["threshold"] == 0.4
    call("PATCH", base + "/models/{version}", 422, {"threshold": 2}, **model)
    band = {"low": 0.3, "high": 0.5}
    assert call("PATCH", base + "/models/{version}", 200, {"review": band}, **model).json["review"] == band
    images = base + "/models/{version}/images"
    call("GET", images, 404, **model)  # make_bundle keeps no list
    call("GET", images, 400, query="limit=0", **model)
    call("GET", images, 401, product="carpet", version="v1")
    changes = base + "/models/{version}/changes"
    assert call("GET", changes, 200, **model).json["items"][0]["field"] == "review"
    page = call("GET", changes, 200, query="limit=1", **model).json
    assert call("GET", changes, 200, query=f"limit=1&cursor={page['next']}", **model).json["items"][0]["to"] == 0.4
    call("GET", changes, 400, query="limit=0", **model)
    call("GET", changes, 404, product="carpet", version="v9", admin=True)
    call("GET", changes, 401, product="carpet", version="v1")
    call("DELETE", base + "/models/{version}", 409, **model)
    shadow, product = base + "/shadow", {"product": "carpet", "admin": True}
    rule = {"parts": 100, "max_disagreements": 1, "max_missed": 0}
    assert call("GET", "/v1/products/{product}/shadow", 200, product="carpet").json["shadow"] is None
    call("GET", "/v1/products/{product}/shadow", 404, product="wood")
    call("PUT", shadow, 422, {"version": "v2", "rule": {"parts": 0}}, **product)
    call("PUT", shadow, 409, {"version": "v1"}, **product)
    call("PUT", shadow, 401, {"version": "v2"}, product="carpet")
    assert call("PUT", shadow, 200, {"version": "v2", "rule": rule}, **product).json["shadow"]["rule"] == rule
    assert call("GET", "/v1/products/{product}/shadow", 200, query="limit=5", product="carpet").json["shadow"]["running"]
    call("GET", "/v1/products/{product}/shadow", 400, query="limit=0", product="carpet")
    call("DELETE", shadow, 204, **product)
    call("DELETE", shadow, 404, **product)
    call("POST", shadow + "/promote", 404, **product)
    call("PUT", shadow, 200, {"version": "v2"}, **product)
    assert call("POST", shadow + "/promote", 200, **product).json["active"] == "v2"
    call("POST", base + "/rollback", 200, **product)
    other = {**model, "version": "v2"}
    assert call("POST", base + "/models/{version}/activate", 200, **other).json["active"] == "v2"
    assert call("POST", base + "/models/{version}/rollback", 200, **other).json["active"] == "v1"
    call("DELETE", base + "/models/{version}", 204, **other)
    call("DELETE", base + "/models/{version}", 404, **other)


def test_jobs(call):
    base = "/v1/admin/products/{product}"
    for kind in "train", "cross-validate", "evaluate":
        call("POST", f"{base}/{kind}", 422, {"dataset": "tiny", "nonsense": 1}, product="carpet", admin=True)
        call("POST", f"{base}/{kind}", 401, {"dataset": "tiny"}, product="carpet")
        # An empty dataset: the job itself fails, with a code of the description.
        job = call("POST", f"{base}/{kind}", 202, {"dataset": "tiny"}, product="carpet", admin=True).json
        call("GET", "/v1/jobs/{id}", 200, id=job["id"])
    call("POST", f"{base}/train", 403, {"dataset": "../.."}, product="carpet", admin=True)
    call("GET", "/v1/jobs", 200)
    call("GET", "/v1/jobs", 400, query="cursor=x")
    call("GET", "/v1/jobs/{id}", 404, **IDS)
    call("GET", "/v1/jobs/{id}/report.html", 404, **IDS)
    call("DELETE", "/v1/admin/jobs/{id}", 404, admin=True, **IDS)
    call("DELETE", "/v1/admin/jobs/{id}", 401, **IDS)


def test_trunks(call):
    call("GET", "/v1/admin/trunks", 200, admin=True)
    call("GET", "/v1/admin/trunks", 400, admin=True, query="x=1")
    call("GET", "/v1/admin/trunks", 401)
    for kind, body in ("bank", {"dataset": "tiny"}), ("fetch", {}):
        path = f"/v1/admin/trunks/{kind}"
        job = call("POST", path, 202, body, admin=True).json  # no images, no such server: they fail
        assert job["product"] is None
        call("GET", "/v1/jobs/{id}", 200, id=job["id"])
        call("POST", path, 422, {"epochs": 1}, admin=True)
        call("POST", path, 401, body)


def test_dataset_as_a_browser_fills_it(call):
    product = "/v1/admin/products/{product}"
    base = product + "/dataset"
    bottle = {"product": "bottle", "admin": True}
    call("GET", base + "/changes", 200, **bottle)
    call("DELETE", base + "/changes", 404, **bottle)
    call("PUT", product, 201, **bottle)
    call("PUT", product, 200, **bottle)
    call("PUT", product, 401, product="bottle")
    call("PUT", product, 400, query="x=1", **bottle)
    call("POST", base + "/images", 201, picture("red"), query="class=good&name=a", kind="image/png", **bottle)
    call("POST", base + "/images", 200, picture("red"), query="class=good&name=a", kind="image/png", **bottle)
    call("POST", base + "/images", 400, picture("red"), query="name=a", kind="image/png", **bottle)
    call("POST", base + "/images", 415, b"x", query="class=good", kind="text/plain", **bottle)
    call("POST", base + "/images", 422, b"x", query="class=good", kind="image/png", **bottle)
    call("GET", "/v1/admin/datasets", 200, admin=True)
    call("GET", "/v1/admin/datasets", 400, admin=True, query="x=1")
    call("GET", "/v1/admin/datasets", 401)
    one = {"split": "train", "class": "good", "name": "a.png", **bottle}
    call("GET", base + "/{split}/{class}/{name}", 200, query="width=16", **one)
    moved = call("POST", base + "/move", 200, {"images": ["train/good/a.png", "train/good/b.png"], "class": "hole"}, **bottle)
    call("POST", base + "/move", 422, {"images": [], "class": "hole"}, **bottle)
    call("GET", base + "/changes", 200, **bottle)
    call("POST", base + "/undo", 200, {"change": moved.json["change"]}, **bottle)
    call("POST", base + "/undo", 404, {"change": moved.json["change"]}, **bottle)
    call("POST", base + "/undo", 422, {"change": "x"}, **bottle)
    call("POST", base + "/delete", 200, {"images": ["train/good/a.png"]}, **bottle)
    call("POST", base + "/delete", 422, {"images": [1]}, **bottle)
    call("POST", base + "/delete", 404, {"images": ["train/good/a.png"]}, product="nothing", admin=True)
    call("GET", base + "/changes", 200, **bottle)
    call("DELETE", base + "/changes", 200, **bottle)


def test_dataset(call):
    base = "/v1/admin/products/{product}/dataset"
    one = {"product": "carpet", "split": "train", "class": "good", "name": "a.png", "admin": True}
    image = base + "/{split}/{class}/{name}"
    call("GET", base, 200, product="carpet", admin=True)
    call("PUT", image, 201, picture("red"), kind="image/png", **one)
    call("PUT", image, 200, picture("green"), kind="image/png", **one)
    call("PUT", image, 409, picture("green"), kind="image/png", **{**one, "name": "b.png"})
    call("PUT", image, 415, b"x", kind="text/plain", **one)
    call("PUT", image, 422, b"x", kind="image/png", **one)
    call("PUT", image, 400, b"", kind="image/png", **one)
    call("GET", image, 200, **one)
    call("GET", image, 404, **{**one, "name": "b.png"})
    call("GET", image, 403, query="dataset=../x", **one)
    call("GET", image, 422, **{**one, "split": "all"})
    call("GET", base, 200, product="carpet", admin=True, query="split=train&class=good&limit=1")
    call("GET", base, 400, product="carpet", admin=True, query="split=all")
    call("GET", base, 401, product="carpet")
    done = call("POST", "/v1/inspections", 200, picture(noise=True), query="product=carpet", kind="image/png").json
    call("PUT", "/v1/inspections/{id}/label", 200, {"label": "good"}, id=done["id"])
    assert call("POST", base + "/from-labels", 200, {"limit": 10}, product="carpet", admin=True).json["added"] >= 1
    call("POST", base + "/from-labels", 422, {"limit": 0}, product="carpet", admin=True)
    call("DELETE", image, 204, **one)
    call("DELETE", image, 404, **one)


def test_events(call):
    connection = call.client.connect()
    connection.request("GET", "/v1/events")
    response = connection.getresponse()
    assert response.status == 200 and response.headers["Content-Type"].startswith("text/event-stream")
    call("POST", "/v1/inspections", 200, picture(), query="product=carpet", kind="image/png")
    while (line := response.readline().decode()) != "event: inspection\n":
        assert line, "the stream ended"
    check_schema({"$ref": "#/components/schemas/Inspection"}, json.loads(response.readline().decode().removeprefix("data: ")))
    connection.close()
    call("GET", "/v1/events", 400, query="last_event_id=x")
    seen.add(("GET", "/v1/events"))


def test_kserve(call):
    for path in "/v2", "/v2/health/live", "/v2/health/ready":
        call("GET", path, 200)
        call("GET", path, 400, query="x=1")
    input = {"name": "image", "shape": [1], "datatype": "BYTES", "parameters": {"content_type": "base64"},
             "data": [base64.b64encode(picture()).decode()]}
    model, other = {"product": "carpet", "version": "v1"}, {"product": "wood", "version": "v9"}
    for path in "/v2/models/{product}", "/v2/models/{product}/versions/{version}":
        for end in "", "/ready":
            call("GET", path + end, 200, **model)
            call("GET", path + end, 404, **other)
        call("POST", path + "/infer", 200, {"inputs": [input], "id": "7"}, query="camera=k&part=9", **model)
        binary = {"inputs": [input], "parameters": {"binary_data_output": True}}
        call("POST", path + "/infer", 200, binary, **model)
        call("POST", path + "/infer", 404, {"inputs": [input]}, **other)
        call("POST", path + "/infer", 422, {"inputs": []}, **model)
        call("POST", path + "/infer", 400, "{", kind="application/json", **model)


def test_sinks(call):
    sinks = call("GET", "/v1/sinks", 200).json["items"]
    assert [sink["name"] for sink in sinks] == ["mqtt", "modbus"]
    call("GET", "/v1/sinks", 400, query="x=1")
    call("POST", "/v1/admin/sinks/{name}/test", 502, admin=True, name="mqtt")
    call("POST", "/v1/admin/sinks/{name}/test", 404, admin=True, name="modem")
    call("POST", "/v1/admin/sinks/{name}/test", 409, admin=True, name="modbus")
    call("POST", "/v1/admin/sinks/{name}/test", 400, admin=True, query="x=1", name="mqtt")


def test_cameras(call):
    grabber, trigger = "/v1/cameras/{camera}/grabber", "/v1/cameras/{camera}/trigger"
    report = {"session": str(uuid.uuid4()), "product": "carpet", "trigger": "line", "state": "connected"}
    call("POST", trigger, 503, camera="cam9")
    call("POST", trigger, 400, query="x=1", camera="cam9")
    call("POST", grabber, 200, report, camera="cam9")
    call("POST", grabber, 409, {**report, "session": str(uuid.uuid4())}, camera="cam9")
    call("POST", grabber, 422, {}, camera="cam9")
    call("POST", grabber, 422, {**report, "state": "asleep"}, camera="cam9")
    call("POST", grabber, 400, "{", kind="application/json", camera="cam9")
    call("POST", trigger, 409, camera="cam9")  # its trigger is not the software's
    [camera] = call("GET", "/v1/cameras", 200).json["items"]
    assert camera["name"] == "cam9" and camera["trigger"] == "line"
    call("GET", "/v1/cameras", 400, query="x=1")
    call("POST", grabber, 200, {**report, "ends": True}, camera="cam9")
    assert call("GET", "/v1/cameras", 200).json["items"] == []


def test_regions(call):
    regions, product = "/v1/admin/products/{product}/regions", {"product": "carpet", "admin": True}
    left = {"look": [[[0, 0], [0.5, 0], [0.5, 1], [0, 1]]]}
    call("GET", "/v1/products/{product}/regions", 404, product="wood")
    call("PUT", regions, 401, left, product="carpet")
    call("PUT", regions, 422, {"look": [[[0, 0], [1, 0]]]}, **product)
    call("PUT", regions, 400, left, query="camera=", **product)
    assert call("PUT", regions, 200, left, query="camera=top", **product).json["retrain"]
    assert call("GET", "/v1/products/{product}/regions", 200, product="carpet").json["regions"]["cameras"]["top"]
    call("GET", "/v1/products/{product}/regions", 400, query="camera=top", product="carpet")
    call("DELETE", regions, 404, **product)
    assert not call("DELETE", regions, 200, query="camera=top", **product).json["retrain"]


def test_sources(call):
    [source] = call("GET", "/v1/sources", 200).json["items"]
    assert source["name"] == "folder"
    call("GET", "/v1/sources", 400, query="x=1")


def test_operations(call):
    for path in "/healthz", "/readyz", "/metrics", "/openapi.yaml", "/":
        call("GET", path, 200)
    for file in "app.js", "style.css", "icon.svg":
        call("GET", "/dashboard/{file}", 200, file=file)


def test_the_document_has_the_version_of_the_daemon(call):
    described = [DOCUMENT["info"]["version"]]
    for path in "/healthz", "/v2":
        described.append(DOCUMENT["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["example"]["version"])
        assert described == len(described) * [call("GET", path, 200).json["version"]]


def test_every_operation_was_driven():
    described = {(method.upper(), path) for path, item in DOCUMENT["paths"].items() for method in item
                 if method != "parameters"}
    assert described == seen


def examples(node, where=""):
    """Each example that stands beside a schema, its references followed."""
    if isinstance(node, dict):
        if "schema" in node and "example" in node:
            yield where, node["schema"], node["example"]
        for name, value in node.get("examples", {}).items() if "schema" in node else ():
            yield f"{where}/{name}", node["schema"], follow(value)["value"]
        for key, value in node.items():
            yield from examples(value, f"{where}/{key}")
    elif isinstance(node, list):
        for i, value in enumerate(node):
            yield from examples(value, f"{where}/{i}")


@pytest.mark.parametrize("where, schema, value", examples(DOCUMENT))
def test_examples_fit_their_schemas(where, schema, value):
    check_schema(schema, value)


def test_schemas_are_json_schema():
    for name, schema in DOCUMENT["components"]["schemas"].items():
        jsonschema.Draft202012Validator.check_schema(schema)
        assert re.fullmatch("[A-Z][A-Za-z0-9]*", name)


def test_no_text_became_a_key():
    """`{description: a, b}` is YAML for a description "a" and a key "b": text with a comma wants quotes."""
    def keys(node):
        if isinstance(node, dict):
            for key, value in node.items():
                if key not in ("example", "examples"):
                    yield str(key)
                    yield from keys(value)
        elif isinstance(node, list):
            for value in node:
                yield from keys(value)
    assert [key for key in keys(DOCUMENT) if " " in key] == []
