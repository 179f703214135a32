"""Access: roles by route, open on loopback, tokens elsewhere."""
import signal
import stat

import pytest
from conftest import picture, token

ROUTES = {
    "POST": ("/v1/inspections?product=carpet", {"camera", "admin"}),
    "GET": ("/v1/inspections", {"viewer", "operator", "admin"}),
    "PUT": ("/v1/inspections/{id}/label", {"operator", "admin"}),
}


@pytest.fixture
def daemon(start):
    return start("server.listen=0.0.0.0:0")


def call(daemon, method, path, secret):
    if method == "POST":
        return daemon("POST", path, picture(), token=secret, Content_Type="image/png")
    return daemon(method, path, '{"label": "good"}' if method == "PUT" else None, token=secret)


def test_roles(daemon):
    secrets = {role: token(daemon, role, f"t-{role}") for role in ("camera", "viewer", "operator", "admin")}
    daemon.process.send_signal(signal.SIGHUP)
    daemon.wait_line("tokens read again count=5")
    made = call(daemon, "POST", ROUTES["POST"][0], secrets["admin"]).json
    for method, (path, allowed) in ROUTES.items():
        path = path.format(id=made["id"])
        assert call(daemon, method, path, None).code == "unauthorized"
        for role, secret in secrets.items():
            answer = call(daemon, method, path, secret)
            assert answer.status == (200 if role in allowed else 403), (method, role)
    assert daemon("GET", f"/v1/inspections/{made['id']}", token=secrets["viewer"]).json["label"]["by"] == "t-admin"


def test_unknown_token_and_challenge(daemon):
    answer = daemon("GET", "/v1/inspections", token="insp_" + "0" * 64)
    assert answer.code == "unauthorized" and answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_probes_and_page_are_open(daemon):
    for path in ("/healthz", "/readyz", "/openapi.yaml", "/", "/dashboard/app.js", "/dashboard/style.css"):
        assert daemon("GET", path).status == 200
    assert daemon("GET", "/metrics").status == 401


def test_first_start_writes_an_admin_token(daemon):
    path = daemon.state / "admin.token"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert daemon("GET", "/v1/inspections", token=path.read_text().strip()).status == 200


def test_loopback_is_open_and_the_configuration_can_open_more(shared, start):
    assert shared("GET", "/v1/inspections").status == 200
    assert start("server.listen=0.0.0.0:0", "server.open_access=true")("GET", "/v1/inspections").status == 200
