"""HTTPS with a certificate made on the spot, and IPv6."""
import http.client
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess

import pytest
from conftest import REQUEST_S, eventually, picture


def make_certificate(folder, name):
    certificate, key = folder / f"{name}.crt", folder / f"{name}.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-days", "2", "-subj", f"/CN={name}", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                    "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    key.chmod(0o600)
    return certificate, key


@pytest.fixture(scope="module")
def pems(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pem")
    return {name: make_certificate(folder, name) for name in ("one", "two")}


def options(certificate, key):
    return f"server.tls_certificate={certificate}", f"server.tls_key={key}"


class Https:
    """A daemon that speaks TLS, asked with its certificate as the only one that is trusted."""

    def __init__(self, daemon, certificate):
        self.daemon, self.certificate = daemon, certificate
        self.context = ssl.create_default_context(cafile=certificate)

    def __call__(self, method, path, body=None, context=None, **headers):
        connection = http.client.HTTPSConnection(self.daemon.host, self.daemon.port, timeout=REQUEST_S,
                                                 context=context or self.context)
        connection.request(method, path, body, {k.replace("_", "-"): v for k, v in headers.items()})
        answer = connection.getresponse()
        answer.body = answer.read()
        return answer

    def ready(self):
        eventually(lambda: self("GET", "/readyz").status == 200)
        return self


@pytest.fixture
def https(start, pems):
    return Https(start(*options(*pems["one"]), wait_ready=False), pems["one"][0]).ready()


def test_an_inspection_over_tls(https):
    answer = https("POST", "/v1/inspections?product=carpet", picture(noise=True, size=(1200, 900)), Content_Type="image/png")
    assert answer.status == 200, answer.body
    assert https("GET", "/").status == 200
    done = subprocess.run(["curl", "-fsS", "--max-time", "20", "--cacert", https.certificate,
                           f"https://127.0.0.1:{https.daemon.port}/healthz"], capture_output=True, text=True)
    assert done.returncode == 0 and '"ok"' in done.stdout, done.stderr


def test_several_requests_on_one_connection(https):
    connection = http.client.HTTPSConnection(https.daemon.host, https.daemon.port, timeout=REQUEST_S, context=https.context)
    for _ in range(3):
        connection.request("POST", "/v1/inspections?product=carpet", picture(), {"Content-Type": "image/png"})
        answer = connection.getresponse()
        assert answer.status == 200 and answer.read()


def test_old_protocols_and_strangers_are_refused(https):
    with pytest.raises(ssl.SSLCertVerificationError):
        https("GET", "/healthz", context=ssl.create_default_context())
    for version, taken in (("-tls1", False), ("-tls1_1", False), ("-tls1_2", True), ("-tls1_3", True)):
        done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{https.daemon.port}", version, "-cipher",
                               "ALL:@SECLEVEL=0"], input="", capture_output=True, text=True, timeout=REQUEST_S)
        assert (done.returncode == 0) == taken, (version, done.stderr)


def suite(daemon, name):
    """The cipher suite of a TLS 1.2 handshake that offers this one only, or None."""
    done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{daemon.port}", "-tls1_2", "-cipher", f"{name}:@SECLEVEL=0"],
                          input="", capture_output=True, text=True, timeout=REQUEST_S)
    return re.search(r"Cipher is (\S+)", done.stdout)[1] if done.returncode == 0 else None


def test_tls_1_2_only_with_forward_secrecy_and_authenticated_encryption(start, tmp_path):
    certificate, key = tmp_path / "rsa.crt", tmp_path / "rsa.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=rsa", "-keyout", str(key),
                    "-out", str(certificate)], check=True, capture_output=True)
    daemon = start(*options(certificate, key), wait_ready=False)
    offered = subprocess.run(["openssl", "ciphers", "-tls1_2", "-s", "ALL:@SECLEVEL=0"], check=True, capture_output=True, text=True)
    names = [name for name in offered.stdout.strip().split(":") if "PSK" not in name and "SRP" not in name and "anon" not in name]
    taken = {name for name in names if suite(daemon, name)}
    assert taken == {"ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-RSA-CHACHA20-POLY1305"}


def served(daemon):
    """The name in the certificate that a new connection gets."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection((daemon.host, daemon.port), timeout=REQUEST_S) as s, context.wrap_socket(s) as tls:
        der = tls.getpeercert(binary_form=True)
    done = subprocess.run(["openssl", "x509", "-inform", "DER", "-noout", "-subject"], input=der, capture_output=True, check=True)
    return done.stdout.decode().strip().split("=")[-1].strip()


def test_a_renewed_certificate_counts_from_sighup_on(start, pems, tmp_path):
    certificate, key = tmp_path / "live.crt", tmp_path / "live.key"

    def install(name, with_key=True):
        shutil.copy(pems[name][0], certificate)
        if with_key:
            shutil.copy(pems[name][1], key)

    install("one")
    daemon = start(*options(certificate, key), wait_ready=False)
    https = Https(daemon, pems["one"][0]).ready()
    assert served(daemon) == "one"
    old = http.client.HTTPSConnection(daemon.host, daemon.port, timeout=REQUEST_S, context=https.context)
    old.request("GET", "/healthz")
    assert old.getresponse().read()
    install("two")
    assert served(daemon) == "one"  # not before the signal
    daemon.process.send_signal(signal.SIGHUP)
    daemon.wait_line("TLS certificate subject=\"CN=two\"")
    assert served(daemon) == "two"
    old.request("GET", "/healthz")  # an open connection goes on
    assert old.getresponse().status == 200
    install("one", with_key=False)  # half of a renewal
    daemon.process.send_signal(signal.SIGHUP)
    line = daemon.wait_line("certificate not read again.*")[0]
    assert str(certificate) in line and served(daemon) == "two"
    install("one")
    daemon.process.send_signal(signal.SIGHUP)
    daemon.wait_line("TLS certificate subject=\"CN=one\"")
    assert served(daemon) == "one" and https("GET", "/healthz").status == 200


def test_hsts_only_where_it_is_asked_for_and_over_tls(start, pems):
    plain = start("server.hsts_s=86400", wait_ready=False)
    assert "Strict-Transport-Security" not in plain("GET", "/healthz").headers
    asked = start("server.hsts_s=86400", *options(*pems["one"]), wait_ready=False)
    assert Https(asked, pems["one"][0])("GET", "/healthz").headers["Strict-Transport-Security"] == "max-age=86400"
    quiet = start(*options(*pems["one"]), wait_ready=False)
    assert "Strict-Transport-Security" not in Https(quiet, pems["one"][0])("GET", "/healthz").headers


def test_a_certificate_that_is_not_valid_is_warned_about(start, tmp_path):
    certificate, key = tmp_path / "old.crt", tmp_path / "old.key"
    request = subprocess.run(["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                              "-subj", "/CN=old", "-keyout", str(key)], check=True, capture_output=True).stdout
    subprocess.run(["openssl", "x509", "-req", "-signkey", str(key), "-days", "-1", "-out", str(certificate)], input=request,
                   check=True, capture_output=True)
    daemon = start(*options(certificate, key), wait_ready=False)
    assert "not valid now" in daemon.log_text() and "CN=old" in daemon.log_text()


def test_plain_http_on_the_tls_port_is_refused_and_harms_nobody(https):
    for noise in (b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", b"\x00" * 64, b"\x16\x03\x01\xff\xff", b""):
        with socket.create_connection((https.daemon.host, https.daemon.port), timeout=REQUEST_S) as s:
            got = b""
            try:
                s.sendall(noise)
                s.shutdown(socket.SHUT_WR)
                while piece := s.recv(4096):
                    got += piece
            except OSError:  # it may have hung up already
                pass
        assert b"HTTP/1" not in got  # at most a TLS alert
    assert https("GET", "/healthz").status == 200
    eventually(lambda: b"inspectd_open_connections 1\n" in https("GET", "/metrics").body)


def serve(state, *settings):
    command = [os.environ["INSPECTD"], "serve", "-o", f"storage.state_dir={state}", "-o", "server.listen=127.0.0.1:0"]
    for setting in settings:
        command += ["-o", setting]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1, done.stderr
    return done.stderr


def test_files_that_do_not_fit_are_named(tmp_path, pems):
    (certificate, key), (other, _) = pems["one"], pems["two"]
    said = serve(tmp_path / "s", *options(other, key))
    assert str(other) in said and str(key) in said
    garbage = tmp_path / "garbage.pem"
    garbage.write_text("-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n")
    assert str(garbage) in serve(tmp_path / "s", *options(garbage, key))
    assert "missing.pem" in serve(tmp_path / "s", *options(tmp_path / "missing.pem", key))
    assert "server.tls_key" in serve(tmp_path / "s", f"server.tls_certificate={certificate}")


def test_a_key_that_all_may_read_is_warned_about(start, pems, tmp_path):
    certificate, key = pems["one"]
    loose = tmp_path / "loose.key"
    shutil.copy(key, loose)
    loose.chmod(0o644)
    daemon = start(*options(certificate, loose), wait_ready=False)
    assert str(loose) in daemon.log_text() and "chmod" in daemon.log_text()
    tight = start(*options(certificate, key), wait_ready=False)
    assert "chmod" not in tight.log_text()


@pytest.fixture
def six():
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError as error:
        pytest.skip(f"no IPv6 here: {error}")


def test_ipv6_loopback_is_open_and_any_address_is_not(six, start):
    daemon = start("server.listen=[::1]:0")
    assert daemon.host == "::1" and daemon.inspect(picture()).status == 200
    wide = start("server.listen=[::]:0", wait_ready=False)
    wide.host = "::1"
    eventually(lambda: wide("GET", "/readyz").status == 200)
    assert wide("GET", "/v1/inspections").status == 401
    secret = (wide.state / "admin.token").read_text().strip()
    assert wide("GET", "/v1/inspections", token=secret).status == 200
    wide.host = "127.0.0.1"  # [::] serves IPv4 too, under the same rule
    assert wide("GET", "/healthz").status == 200 and wide("GET", "/v1/inspections").status == 401
