"""A web page in the operator's browser, and clients of a reverse proxy, cannot make a daemon on loopback do anything
without a token. The requests are copies of those that browsers and proxies send."""
import http.client
import json
import re
import signal

import pytest
from conftest import count, eventually, picture, token

BOUNDARY = "----WebKitFormBoundary7MA4YWxk"
FORM = (f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="image"; filename="x.png"\r\nContent-Type: image/png\r\n\r\n'
        .encode() + picture() + f"\r\n--{BOUNDARY}--\r\n".encode())
POST = "/v1/inspections?product=carpet&camera=forged"


def send(daemon, method, path, body=None, headers=()):
    """Sends these headers and no others (no Host of http.client's own)."""
    connection = daemon.connect()
    connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
    headers = list(headers)
    if not any(name == "Host" for name, _ in headers):
        headers.insert(0, ("Host", f"localhost:{daemon.port}"))
    for name, value in headers:
        connection.putheader(name, value)
    if body is not None:
        connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body)
    response = connection.getresponse()
    answer = {"status": response.status, "headers": response.headers, "body": response.read()}
    answer["code"] = json.loads(answer["body"])["code"] if response.status >= 400 else None
    return answer


@pytest.fixture(scope="module")
def daemon(template, tmp_path_factory):
    import shutil

    from conftest import Daemon
    state = tmp_path_factory.mktemp("pages") / "state"
    shutil.copytree(template, state)
    daemon = Daemon(state, "server.origins=https://mes.plant.example")
    yield daemon
    daemon.stop()


def form(daemon, *more):
    return send(daemon, "POST", POST, FORM, [("Content-Type", f"multipart/form-data; boundary={BOUNDARY}"), *more])


def test_a_form_on_a_foreign_page_stores_nothing(daemon):
    before = count(daemon)
    for more in ([("Origin", "https://evil.test"), ("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "navigate"),
                  ("Sec-Fetch-Dest", "document")],
                 [("Origin", "https://evil.test")],
                 [("Origin", "null")],
                 [("Origin", f"http://localhost:{daemon.port + 1}"), ("Sec-Fetch-Site", "same-site")],
                 [("Sec-Fetch-Site", "cross-site")]):
        assert form(daemon, *more)["code"] == "origin_not_allowed", more
    assert count(daemon) == before


def test_a_foreign_page_reads_nothing(daemon):
    image = daemon.inspect(picture()).json["image"]["href"]
    for path in ("/v1/inspections", image, "/v1/events", "/metrics"):
        for more in ([("Origin", "https://evil.test")],
                     [("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "no-cors"), ("Sec-Fetch-Dest", "image")],
                     [("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "iframe")]):
            answer = send(daemon, "GET", path, None, more)
            assert answer["code"] == "origin_not_allowed", (path, more)
            assert "Access-Control-Allow-Origin" not in answer["headers"]
    # a link in a wiki, followed by the user
    assert send(daemon, "GET", image, None, [("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "navigate"),
                                             ("Sec-Fetch-Dest", "document")])["status"] == 200


def test_a_rebound_name_reads_and_changes_nothing(daemon):
    made = daemon.inspect(picture()).json["id"]
    before = count(daemon)
    for host in ("evil.test", f"evil.test:{daemon.port}", "localhost.evil.test", "10.0.0.9", "2130706433", "127.0.0.1.nip.io"):
        page = [("Host", host), ("Origin", f"http://{host}"), ("Sec-Fetch-Site", "same-origin")]
        for method, path, body in (("GET", "/v1/inspections", None), ("GET", f"/v1/inspections/{made}/image", None),
                                   ("PUT", f"/v1/inspections/{made}/label", b'{"label": "good"}'), ("POST", POST, FORM),
                                   ("GET", "/", None), ("GET", "/openapi.yaml", None)):
            answer = send(daemon, method, path, body, page)
            assert (answer["status"], answer["code"]) == (403, "host_not_allowed"), (host, method, path)
            assert host in json.loads(answer["body"])["detail"] and "server.hosts" in json.loads(answer["body"])["detail"]
    assert count(daemon) == before
    assert daemon("GET", f"/v1/inspections/{made}").json["label"] is None


def test_names_that_are_the_daemons_own(daemon):
    for host in ("localhost", f"localhost:{daemon.port}", "LOCALHOST", "127.0.0.1", f"127.0.0.1:{daemon.port}", "[::1]",
                 "camera.localhost", "localhost:4711"):
        assert send(daemon, "GET", "/v1/inspections?limit=1", None, [("Host", host)])["status"] == 200, host
    for path in ("/healthz", "/readyz"):  # probes are asked by any name
        assert send(daemon, "GET", path, None, [("Host", "anything.example")])["status"] == 200


def test_the_own_page_works(daemon):
    own = [("Host", f"localhost:{daemon.port}"), ("Origin", f"http://localhost:{daemon.port}"), ("Sec-Fetch-Site", "same-origin")]
    made = daemon.inspect(picture()).json["id"]
    assert send(daemon, "PUT", f"/v1/inspections/{made}/label", b'{"label": "good"}', own)["status"] == 200
    assert send(daemon, "GET", "/v1/inspections", None, own)["status"] == 200


def test_a_token_passes_by_any_name_but_not_from_any_page(daemon):
    admin = (daemon.state / "admin.token").read_text().strip()
    bearer = ("Authorization", f"Bearer {admin}")
    assert send(daemon, "GET", "/v1/inspections", None, [("Host", "line3.plant.example"), bearer])["status"] == 200
    answer = form(daemon, ("Host", "line3.plant.example"), bearer)
    assert answer["status"] == 200
    assert form(daemon, bearer, ("Origin", "https://evil.test"))["code"] == "origin_not_allowed"


def test_a_listed_page_may(daemon):
    mes = ("Origin", "https://mes.plant.example")
    answer = form(daemon, mes, ("Sec-Fetch-Site", "cross-site"))
    assert answer["status"] == 200 and answer["headers"]["Access-Control-Allow-Origin"] == "https://mes.plant.example"
    assert "Origin" in answer["headers"].get_all("Vary")
    ask = [("Access-Control-Request-Method", "PUT"), ("Access-Control-Request-Headers", "authorization,content-type")]
    answer = send(daemon, "OPTIONS", "/v1/inspections", None, [mes, *ask])
    assert answer["status"] == 204 and "PUT" in answer["headers"]["Access-Control-Allow-Methods"]
    assert "Authorization" in answer["headers"]["Access-Control-Allow-Headers"]
    answer = send(daemon, "OPTIONS", "/v1/inspections", None, [("Origin", "https://evil.test"), *ask])
    assert answer["code"] == "origin_not_allowed" and "Access-Control-Allow-Origin" not in answer["headers"]
    # problems have the headers too, so that the page's script can read them
    answer = send(daemon, "GET", "/v1/inspections?limit=0", None, [mes])
    assert answer["code"] == "invalid_query" and answer["headers"]["Access-Control-Allow-Origin"]


def test_a_name_that_is_listed(start):
    daemon = start("server.listen=0.0.0.0:0", "server.open_access=always", "server.hosts=line3.plant.example, 10.1.2.3")
    for host in ("line3.plant.example:8080", "10.1.2.3", "127.0.0.1", "localhost"):
        assert send(daemon, "GET", "/v1/inspections", None, [("Host", host)])["status"] == 200, host
    assert send(daemon, "GET", "/v1/inspections", None, [("Host", "plant.example")])["code"] == "host_not_allowed"
    assert "without a token" in daemon.log_text()


@pytest.mark.parametrize("setting, access", [("never", "tokens"), ("auto", "open"), ("always", "open"), ("true", "open"), ("false", "open")])
def test_open_access_on_loopback(start, setting, access):
    daemon = start(f"server.open_access={setting}")
    assert f"access={access}" in daemon.log_text()
    assert daemon("GET", "/v1/inspections").status == (401 if access == "tokens" else 200)
    assert daemon("GET", "/healthz").status == 200
    assert daemon("POST", "/v1/admin/products/carpet/train", "{}").status == 401
    viewer = token(daemon, "viewer")
    daemon.process.send_signal(signal.SIGHUP)
    daemon.wait_line("tokens read again count=2")
    assert daemon("GET", "/v1/inspections", token=viewer).status == 200


# --- reverse proxies ---

FORWARDED = [("X-Forwarded-For", "203.0.113.9"), ("Forwarded", "for=203.0.113.9"), ("X-Real-IP", "203.0.113.9"),
             ("X-Forwarded-Host", "inspect.example"), ("X-Forwarded-For", "127.0.0.1"), ("Via", "1.1 proxy")]


def test_a_proxy_that_nobody_named_opens_nothing(start):
    daemon = start()
    assert re.search(r"WARNING|warning", daemon.log_text()) and "server.trusted_proxies" in daemon.log_text()  # at start
    for name_value in FORWARDED:
        answer = send(daemon, "GET", "/v1/inspections", None, [name_value])
        assert answer["status"] == 401 and "proxy" in json.loads(answer["body"])["detail"], name_value
        assert form(daemon, name_value)["code"] == "unauthorized"
    lines = [line for line in daemon.lines if "forwards requests (header" in line]
    assert len(lines) == 1 and "X-Forwarded-For" in lines[0]  # one warning only
    assert daemon("GET", "/v1/inspections").status == 200  # a program on this machine


def test_a_trusted_proxy(start):
    daemon = start("server.trusted_proxies=127.0.0.1, ::1")
    admin = (daemon.state / "admin.token").read_text().strip()
    assert daemon("GET", "/v1/inspections").status == 401  # it cannot be distinguished from the proxy
    for name_value in FORWARDED:
        assert send(daemon, "GET", "/v1/inspections", None, [name_value])["status"] == 401, name_value
    bearer = ("Authorization", f"Bearer {admin}")
    assert send(daemon, "GET", "/v1/inspections", None, [bearer, ("X-Forwarded-For", "127.0.0.1, 203.0.113.9")])["status"] == 200
    eventually(lambda: "client=203.0.113.9" in daemon.log_text())
    # the proxy's own page may call, whatever Host the proxy sends
    answer = form(daemon, bearer, ("Host", f"127.0.0.1:{daemon.port}"), ("X-Forwarded-Host", "inspect.example"),
                  ("Origin", "https://inspect.example"))
    assert answer["status"] == 200
    assert form(daemon, bearer, ("X-Forwarded-Host", "inspect.example"), ("Origin", "https://evil.test"))["status"] == 403


def test_a_client_cannot_make_itself_a_proxy(start):
    daemon = start("server.trusted_proxies=192.0.2.1")
    answer = send(daemon, "GET", "/v1/inspections", None, [("X-Forwarded-For", "127.0.0.1")])
    assert answer["status"] == 401 and "client=127" not in daemon.log_text()
