"""KServe v2 as its clients speak it: the bytes of Triton's HTTP client (JSON, then tensors with u32 lengths) and the JSON of
kserve's."""
import base64
import gzip
import json
import os
import pathlib
import re
import signal
import struct
import subprocess
import time

import pytest
import yaml
from conftest import FAKE, count, eventually, picture, sanitized, token

needs_fake = pytest.mark.skipif(not FAKE, reason="only the fake device lets a test choose verdict and time")
WHITE, BLACK = picture("white"), picture("black")
INFER = "/v2/models/carpet/infer"
TOP = pathlib.Path(__file__).resolve().parents[2]
HEADER = "Inference-Header-Content-Length"


def triton_bytes(images):
    """A BYTES tensor as tritonclient.utils.serialize_byte_tensor packs it."""
    return b"".join(struct.pack("<I", len(image)) + image for image in images)


def triton_request(tensor, shape, datatype="BYTES", outputs=None, **more):
    """Body and headers as tritonclient.http.InferenceServerClient.infer makes them: no Content-Type, and binary outputs
    unless the caller names the outputs."""
    head = {"inputs": [{"name": "image", "shape": shape, "datatype": datatype,
                        "parameters": {"binary_data_size": len(tensor)}}]}
    if "id" in more:
        head = {"id": more.pop("id"), **head}
    if outputs:
        head["outputs"] = outputs
    else:
        more["binary_data_output"] = True
    if more:
        head["parameters"] = more
    text = json.dumps(head, separators=(",", ":")).encode()  # as rapidjson does
    return text + tensor, {"Inference_Header_Content_Length": str(len(text))}


def triton_result(answer):
    """The outputs as tritonclient.http.InferResult reads them, and the JSON."""
    assert answer.status == 200, answer.body
    length = answer.headers[HEADER]
    head = json.loads(answer.body[:int(length)] if length else answer.body)
    rest, found = answer.body[int(length):] if length else b"", {}
    for output in head["outputs"]:
        size = output.get("parameters", {}).get("binary_data_size")
        if size is None:
            found[output["name"]] = output["data"]
            continue
        raw, rest = rest[:size], rest[size:]
        if output["datatype"] == "FP32":
            found[output["name"]] = list(struct.unpack(f"<{size // 4}f", raw))
        else:
            values = found[output["name"]] = []
            while raw:
                [length] = struct.unpack_from("<I", raw)
                values.append(raw[4:4 + length].decode())
                raw = raw[4 + length:]
    assert not rest
    return found, head


def triton(daemon, images, path=INFER, token=None, **more):
    body, headers = triton_request(triton_bytes(images), [len(images)], **more)
    return daemon("POST", path, body, token=token, **headers)


def in_flight(daemon, images):
    """The connection of a request whose images are being scored."""
    body, headers = triton_request(triton_bytes([WHITE] * images), [images])
    connection = daemon.connect()
    connection.request("POST", INFER, body, {name.replace("_", "-"): value for name, value in headers.items()})
    eventually(lambda: daemon.metric("in_flight") == images)
    return connection


def kserve_request(images, shape=None, parameters={"content_type": "base64"}, **more):
    """What kserve's InferRequest.to_rest and orjson make of an InferInput with base64 texts."""
    return json.dumps({"id": "4be4e82f", "model_name": "carpet", "inputs": [
        {"name": "image", "shape": shape or [len(images)], "datatype": "BYTES", "parameters": parameters,
         "data": [base64.b64encode(image).decode() for image in images]}], **more}, separators=(",", ":"))


def kserve(daemon, images, **more):
    return daemon("POST", INFER, kserve_request(images, **more))


def refused(answer, status, code):
    assert answer.headers["Content-Type"] == "application/json"
    assert set(answer.json) == {"error", "code"} and isinstance(answer.json["error"], str), answer.body
    assert (answer.status, answer.json["code"]) == (status, code), answer.body
    return answer.json["error"]


# --- health and descriptions ---


def test_health_has_what_both_clients_read(shared):
    assert shared("GET", "/v2/health/live").json == {"live": True}
    assert shared("GET", "/v2/health/ready").json == {"live": True, "ready": True}
    server = shared("GET", "/v2").json
    assert server["name"] == "inspectd" and server["extensions"] == ["binary_tensor_data"]


def test_health_of_a_daemon_without_a_model(start, tmp_path):
    (tmp_path / "bare").mkdir()
    daemon = start(state=tmp_path / "bare", wait_ready=False)
    assert daemon("GET", "/v2/health/live").status == 200
    refused(daemon("GET", "/v2/health/ready"), 503, "not_ready")
    refused(daemon("GET", "/v2/models/carpet/ready"), 404, "unknown_product")


@pytest.mark.parametrize("version", ["", "/versions/v1"])
def test_model(shared, version):
    got = shared("GET", f"/v2/models/carpet{version}").json
    assert (got["name"], got["versions"]) == ("carpet", ["v1"]) and got["platform"]
    assert got["inputs"] == [{"name": "image", "datatype": "BYTES", "shape": [-1]}]
    assert [(o["name"], o["datatype"], o["shape"]) for o in got["outputs"]] == [
        ("probability", "FP32", [-1]), ("verdict", "BYTES", [-1]), ("heatmap", "FP32", [-1, 14, 14])]
    ready = shared("GET", f"/v2/models/carpet{version}/ready")
    assert (ready.status, ready.json) == (200, {"name": "carpet", "ready": True})


def test_unknown_models_and_paths_have_the_protocols_error(shared):
    refused(shared("GET", "/v2/models/wood"), 404, "unknown_product")
    refused(shared("GET", "/v2/models/wood/ready"), 404, "unknown_product")
    refused(shared("GET", "/v2/models/carpet/versions/v9"), 404, "not_found")
    refused(triton(shared, [WHITE], "/v2/models/carpet/versions/v9/infer"), 404, "not_found")
    refused(shared("GET", "/v2/repository/index"), 404, "not_found")
    refused(shared("GET", INFER), 405, "method_not_allowed")
    assert shared("GET", "/v2x").headers["Content-Type"] == "application/problem+json"


# --- Triton's client ---


@needs_fake
def test_triton_default_is_all_outputs_binary(shared):
    answer = triton(shared, [WHITE, BLACK, WHITE], id="42")
    assert answer.headers["Content-Type"] == "application/octet-stream"
    found, head = triton_result(answer)
    assert found["verdict"] == ["anomaly", "good", "anomaly"]
    assert [p > 0.5 for p in found["probability"]] == [True, False, True]
    assert len(found["heatmap"]) == 3 * 196 and all(0 <= value <= 1 for value in found["heatmap"])
    assert (head["model_name"], head["model_version"], head["id"]) == ("carpet", "v1", "42")
    assert [o["shape"] for o in head["outputs"]] == [[3], [3], [3, 14, 14]]
    assert all("data" not in o for o in head["outputs"])


def test_results_are_stored_like_any_inspection(shared):
    images = [picture(colour) for colour in ("white", "red", "blue")]
    found, head = triton_result(triton(shared, images, camera="kc", part="p-7"))
    ids = head["parameters"]["inspection_ids"].split(",")
    assert len(set(ids)) == 3
    for place, name in enumerate(ids):
        record = shared("GET", f"/v1/inspections/{name}").json
        assert record["verdict"] == found["verdict"][place]
        assert record["probability"] == pytest.approx(found["probability"][place], rel=1e-6)
        assert (record["camera"], record["part"], record["model"]) == ("kc", "p-7", "v1")
        assert shared("GET", record["image"]["href"]).body == images[place]
        rows = shared("GET", f"/v1/inspections/{name}/heat").json["heat"]
        assert found["heatmap"][196 * place:196 * (place + 1)] == pytest.approx(sum(rows, []), abs=1e-6)


def test_camera_and_part_in_the_query(shared):
    answer = triton(shared, [WHITE], INFER + "?camera=kq&part=a%20b")
    name = triton_result(answer)[1]["parameters"]["inspection_ids"]
    record = shared("GET", f"/v1/inspections/{name}").json
    assert (record["camera"], record["part"]) == ("kq", "a b")


def test_outputs_by_name_in_their_order_each_in_its_form(shared):
    wanted = [{"name": "verdict", "parameters": {"binary_data": False}}, {"name": "probability", "parameters": {"binary_data": True}}]
    answer = triton(shared, [WHITE], outputs=wanted)
    found, head = triton_result(answer)
    assert [o["name"] for o in head["outputs"]] == ["verdict", "probability"]
    assert head["outputs"][0]["data"] == found["verdict"] and head["outputs"][1]["parameters"] == {"binary_data_size": 4}
    # the request's default, overridden for one output
    wanted = [{"name": "probability"}, {"name": "heatmap", "parameters": {"binary_data": False}}]
    body, headers = triton_request(triton_bytes([WHITE]), [1, 1], outputs=wanted, binary_data_output=True)
    found, head = triton_result(shared("POST", INFER, body, **headers))
    assert head["outputs"][0]["parameters"] == {"binary_data_size": 4} and len(head["outputs"][1]["data"]) == 196
    # nothing binary: plain JSON, without the header
    answer = triton(shared, [WHITE], outputs=[{"name": "verdict"}])
    assert HEADER not in answer.headers and answer.headers["Content-Type"] == "application/json"


def test_a_tensor_of_pixels(shared):
    pixels = bytes(range(256)) * (2 * 48 * 64 * 3 // 256)
    body, headers = triton_request(pixels, [2, 48, 64, 3], "UINT8", [{"name": "verdict"}])
    found, head = triton_result(shared("POST", INFER, body, **headers))
    for place, name in enumerate(head["parameters"]["inspection_ids"].split(",")):
        record = shared("GET", f"/v1/inspections/{name}").json
        assert record["image"]["media_type"] == "image/x-raw;format=rgb8;width=64;height=48"
        assert shared("GET", record["image"]["href"]).body == pixels[place * 9216:(place + 1) * 9216]


# --- kserve's client ---


@needs_fake
def test_kserve_json(shared):
    answer = kserve(shared, [WHITE, BLACK])
    assert answer.headers["Content-Type"] == "application/json" and HEADER not in answer.headers
    found, head = triton_result(answer)
    assert (head["id"], found["verdict"]) == ("4be4e82f", ["anomaly", "good"])
    assert len(found["heatmap"]) == 2 * 196 and len(found["probability"]) == 2


@needs_fake
def test_kserve_binary(shared):
    """InferInput.set_data_from_numpy and to_rest: the header in lower case, and JSON outputs."""
    body, headers = triton_request(triton_bytes([WHITE]), [1], outputs=[{"name": "verdict"}], id="7")
    headers = {name.lower(): value for name, value in headers.items()}
    found, head = triton_result(shared("POST", INFER, body, Content_Type="application/octet-stream", **headers))
    assert (head["id"], found) == ("7", {"verdict": ["anomaly"]})


def test_json_strings_are_images_only_as_base64(shared):
    assert "base64" in refused(kserve(shared, [WHITE], parameters={}), 422, "invalid_parameter")
    assert "base64" in refused(kserve(shared, [WHITE], parameters={"content_type": "str"}), 422, "invalid_parameter")
    assert kserve(shared, [WHITE], shape=[1, 1]).status == 200
    escaped = kserve_request([WHITE]).replace("/", "\\/").replace("+", "\\u002B")
    assert shared("POST", INFER, escaped).status == 200  # as some writers of JSON do


def test_json_pixels_flat_and_nested(shared):
    flat = [i % 256 for i in range(32 * 40 * 3)]
    nested = [[[flat[(y * 40 + x) * 3:(y * 40 + x) * 3 + 3] for x in range(40)] for y in range(32)]]
    stored = []
    for data in flat, nested:
        body = json.dumps({"inputs": [{"name": "image", "shape": [1, 32, 40, 3], "datatype": "UINT8", "data": data}]})
        head = triton_result(shared("POST", INFER, body))[1]
        record = shared("GET", "/v1/inspections/" + head["parameters"]["inspection_ids"]).json
        stored.append(shared("GET", record["image"]["href"]).body)
    assert stored == [bytes(flat)] * 2


# --- refusals ---

ONE = {"name": "image", "shape": [1], "datatype": "BYTES"}


@pytest.mark.parametrize("head,tensor,status,code", [
    ("{", b"", 400, "malformed_request"),
    ("[]", b"", 400, "malformed_request"),
    ({}, b"", 422, "invalid_parameter"),
    ({"inputs": [{**ONE, "name": "x"}]}, b"", 422, "invalid_parameter"),
    ({"inputs": [ONE, ONE]}, b"", 422, "invalid_parameter"),
    ({"inputs": [{**ONE, "data": ["eA=="]}, {**ONE, "data": ["eA=="]}]}, b"", 422, "invalid_parameter"),
    ({"inputs": [ONE]}, b"", 422, "invalid_parameter"),
    ({"inputs": [ONE]}, b"x", 400, "malformed_request"),
    ({"inputs": [{**ONE, "parameters": {"binary_data_size": 6}}]}, b"\1\0\0\0x", 400, "malformed_request"),
    ({"inputs": [{**ONE, "parameters": {"binary_data_size": 5}}]}, b"\2\0\0\0x", 400, "malformed_request"),
    ({"inputs": [{**ONE, "parameters": {"binary_data_size": 6}}]}, b"\1\0\0\0xy", 400, "malformed_request"),
    ({"inputs": [{**ONE, "parameters": {"binary_data_size": 5}}]}, b"\1\0\0\0x", 422, "image_undecodable"),
    ({"inputs": [{**ONE, "parameters": {"binary_data_size": 4}}]}, b"\0\0\0\0", 422, "image_undecodable"),
    ({"inputs": [{**ONE, "shape": [2], "parameters": {"binary_data_size": 5}}]}, b"\1\0\0\0x", 422, "invalid_parameter"),
    ({"inputs": [{**ONE, "shape": [1, 2], "parameters": {"binary_data_size": 5}}]}, b"\1\0\0\0x", 422, "invalid_parameter"),
    ({"inputs": [{**ONE, "shape": [0], "parameters": {"binary_data_size": 0}}]}, b"", 422, "invalid_parameter"),
    ({"inputs": [{**ONE, "shape": [-1], "parameters": {"binary_data_size": 0}}]}, b"", 422, "invalid_parameter"),
    ({"inputs": [{**ONE, "datatype": "FP32", "parameters": {"binary_data_size": 4}}]}, b"\0\0\0\0", 422, "invalid_parameter"),
    ({"inputs": [{**ONE, "datatype": "UINT8", "shape": [1, 2147483647, 2147483647, 3], "parameters": {"binary_data_size": 4}}]},
     b"\0\0\0\0", 422, "invalid_parameter"),
    ({"inputs": [{**ONE, "datatype": "UINT8", "shape": [1, 1, 1, 3], "data": [1, 2, 256]}]}, b"", 422, "invalid_parameter"),
    ({"inputs": [{**ONE, "datatype": "UINT8", "shape": [1, 1, 1, 3], "data": [1, 2]}]}, b"", 422, "invalid_parameter"),
    ({"inputs": [{**ONE, "data": ["%"], "parameters": {"content_type": "base64"}}]}, b"", 422, "invalid_parameter"),
    ({"inputs": [{**ONE, "data": ["eA==", "eA=="], "parameters": {"content_type": "base64"}}]}, b"", 422, "invalid_parameter"),
    ({"inputs": [{**ONE, "data": "eA==", "parameters": {"content_type": "base64"}}]}, b"", 400, "malformed_request"),
    ({"inputs": [{**ONE, "parameters": {"shared_memory_region": "r"}}]}, b"", 422, "invalid_parameter"),
    ({"inputs": [{**ONE, "data": ["eA=="]}], "outputs": [{"name": "logits"}]}, b"", 422, "invalid_parameter"),
    ({"inputs": [{**ONE, "data": ["eA=="]}], "parameters": {"timeout": -1}}, b"", 422, "invalid_parameter"),
    ({"inputs": [{**ONE, "data": ["eA=="]}], "parameters": {"camera": "a\tb"}}, b"", 422, "invalid_parameter"),
    ({"inputs": [ONE], "padding": "x" * 70000}, b"", 413, "body_too_large"),
])
def test_wrong_requests_get_the_protocols_error(shared, head, tensor, status, code):
    text = head if isinstance(head, str) else json.dumps(head)
    before = shared.metric("inspections_total")
    refused(shared("POST", INFER, text.encode() + tensor, Inference_Header_Content_Length=str(len(text))), status, code)
    assert shared.metric("inspections_total") == before and shared.metric("in_flight") == 0


@pytest.mark.parametrize("length", ["x", "-1", "1e3", "99999999999999999999", "4000"])
def test_wrong_header_length(shared, length):
    refused(shared("POST", INFER, b"{}", Inference_Header_Content_Length=length), 400, "malformed_request")


def test_codings_are_refused_before_the_body(shared):
    body, headers = triton_request(triton_bytes([WHITE]), [1])
    for coding in "gzip", "deflate":
        answer = shared("POST", INFER, gzip.compress(body), Content_Encoding=coding, **headers)
        assert "without a coding" in refused(answer, 415, "unsupported_media_type")


def test_bodies_beyond_the_limit(shared):
    refused(triton(shared, [bytes(5 << 20)]), 413, "body_too_large")
    refused(shared("POST", INFER, b""), 400, "empty_body")


def test_more_images_than_a_batch(start):
    daemon = start("limits.batch=2")
    assert "limits.batch" in refused(triton(daemon, [WHITE] * 3), 422, "invalid_parameter")
    assert triton(daemon, [WHITE] * 2).status == 200 and count(daemon) == 2


def test_tokens(start):
    daemon = start("server.open_access=never")
    camera, viewer = token(daemon, "camera"), token(daemon, "viewer")
    daemon.process.send_signal(signal.SIGHUP)
    daemon.wait_line("tokens read again count=3")
    assert daemon("GET", "/v2/models/carpet", token=camera).status == 200
    assert daemon("GET", "/v2/models/carpet", token=viewer).status == 200
    assert daemon("GET", "/v2/health/ready").status == 200 and daemon("GET", "/v2").status == 200
    refused(daemon("GET", "/v2/models/carpet"), 401, "unauthorized")
    refused(triton(daemon, [WHITE]), 401, "unauthorized")
    refused(triton(daemon, [WHITE], token=viewer), 403, "forbidden")
    assert triton(daemon, [WHITE], token=camera).status == 200


# --- several images, time and places ---


def test_one_bad_image_among_good_ones_is_named(shared):
    text = refused(triton(shared, [WHITE, b"no image", BLACK]), 422, "image_undecodable")
    assert text.startswith("image 2 of 3: ")
    eventually(lambda: shared.metric("in_flight") == 0)


@needs_fake
def test_images_of_a_request_share_passes(start):
    daemon = start(env={"INSP_FAKE_PASS_MS": "200"})
    begin = time.monotonic()
    assert triton(daemon, [WHITE] * 8).status == 200
    assert time.monotonic() - begin < 1.2  # eight passes take 1.6 s
    assert count(daemon) == 8


@needs_fake
def test_timeout_is_the_deadline_and_stores_nothing(start):
    daemon = start(env={"INSP_FAKE_PASS_MS": "2500"})
    begin = time.monotonic()
    answer = triton(daemon, [WHITE, BLACK], timeout=300000)
    assert "undecided" in refused(answer, 504, "deadline_exceeded") and time.monotonic() - begin < 2
    assert daemon.metric("deadline_misses_total") == 1
    eventually(lambda: daemon.metric("in_flight") == 0)
    assert count(daemon) == 0


@needs_fake
def test_each_image_takes_a_place(start):
    daemon = start("limits.inflight=4", env={"INSP_FAKE_PASS_MS": "2000"})
    connection = in_flight(daemon, 3)  # a client's share of four
    answer = triton(daemon, [WHITE])
    refused(answer, 503, "queue_full")
    assert int(answer.headers["Retry-After"]) >= 1
    response = connection.getresponse()
    assert response.status == 200 and response.read()
    eventually(lambda: daemon.metric("in_flight") == 0)
    assert count(daemon) == 3


@needs_fake
def test_client_that_leaves_frees_all_its_places(start):
    daemon = start(env={"INSP_FAKE_PASS_MS": "2500"})
    connection = in_flight(daemon, 4)
    begin = time.monotonic()
    connection.close()
    eventually(lambda: daemon.metric("in_flight") == 0)
    assert time.monotonic() - begin < 2  # not at the end of the pass
    assert count(daemon) == 0


@needs_fake
def test_stop_answers_what_waits(start):
    daemon = start("server.shutdown_grace_s=1", env={"INSP_FAKE_PASS_MS": "2500"})
    connection = in_flight(daemon, 2)
    daemon.process.terminate()
    response = connection.getresponse()
    assert (response.status, json.loads(response.read())["code"]) == (503, "shutting_down")
    assert daemon.process.wait(timeout=40) == 0


def test_answers_survive_a_kill(start):
    daemon = start()
    ids = triton_result(triton(daemon, [WHITE, BLACK]))[1]["parameters"]["inspection_ids"].split(",")
    daemon.stop(9)
    again = start(state=daemon.state)
    assert all(again("GET", f"/v1/inspections/{name}").status == 200 for name in ids)


def test_the_manifest_fits_the_daemon(shared):
    runtime, service = yaml.safe_load_all((TOP / "docker/serving-runtime.yaml").read_text())
    assert (runtime["apiVersion"], runtime["kind"]) == ("serving.kserve.io/v1alpha1", "ServingRuntime")
    assert (service["apiVersion"], service["kind"]) == ("serving.kserve.io/v1beta1", "InferenceService")
    [container] = runtime["spec"]["containers"]
    assert container["name"] == "kserve-container" and runtime["spec"]["protocolVersions"] == ["v2"]
    model = service["spec"]["predictor"]["model"]
    assert (model["runtime"], model["protocolVersion"]) == (runtime["metadata"]["name"], "v2")
    assert model["modelFormat"]["name"] in [each["name"] for each in runtime["spec"]["supportedModelFormats"]]
    [port] = [each["containerPort"] for each in container["ports"]]
    for probe in "startupProbe", "readinessProbe", "livenessProbe":
        get = container[probe]["httpGet"]
        assert get["port"] == port
        assert shared("GET", get["path"]).status == 200
    # The arguments are the image's, and the daemon knows them.
    file = (TOP / "docker/Dockerfile").read_text()
    assert container["args"] == json.loads(re.search(r"^CMD (\[.*)", file, re.M)[1])
    options = dict(option.split("=") for option in container["args"] if "=" in option)
    assert options["server.listen"] == f"0.0.0.0:{port}" and f"EXPOSE {port}" in file
    [mount] = container["volumeMounts"]
    [volume] = runtime["spec"]["volumes"]
    assert mount["name"] == volume["name"] and options["storage.state_dir"] == mount["mountPath"]
    assert f"VOLUME {mount['mountPath']}" in file
    assert f"useradd -r -u {container['securityContext']['runAsUser']} " in file
    assert service["spec"]["predictor"]["securityContext"]["fsGroup"] == container["securityContext"]["runAsUser"]
    words = [word.replace("/etc/inspectd/inspectd.conf", str(TOP / "config/inspectd.conf")) for word in container["args"][1:]]
    checked = subprocess.run([os.environ["INSPECTD"], "check-config", *words], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize("filler", [b"[],", b"0,", b'"",', b"{},"])
def test_a_hostile_tensor_costs_no_more_than_its_text(start, filler):
    """A JSON tree of these values would take tens of times the memory of the text."""
    daemon = start()

    def peak_kib():
        text = pathlib.Path(f"/proc/{daemon.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+)", text)[1])

    assert triton(daemon, [WHITE]).status == 200
    before, size = peak_kib(), 24 << 20
    data = b"[" + (filler * (size // len(filler)))[:-1] + b"]"
    body = b'{"inputs":[{"name":"image","datatype":"UINT8","shape":[1,1,1,3],"data":' + data + b"}]}"
    refused(daemon("POST", INFER, body), 422, "invalid_parameter")
    if not sanitized():
        assert peak_kib() - before < 2 * len(body) / 1024  # docs/security.md: the body, and twice as much while it is split
