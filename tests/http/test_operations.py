"""Metrics, page, products, statistics."""
import contextlib
import gzip
import re
import signal
import socket
import sqlite3
import uuid

import yaml
from conftest import picture


def test_metrics_count_inspections(start):
    daemon = start()
    for camera in range(70):
        assert daemon.inspect(picture(), f"product=carpet&camera=c{camera}").status == 200
    text = daemon("GET", "/metrics").body.decode()
    assert daemon.metric("inspections_total") == 70
    assert 'camera="other"' in text and 'camera="c69"' not in text
    stages = set(re.findall(r'stage_duration_seconds_count{stage="(\w+)"} 70\b', text))
    assert stages == {"receive", "wait", "decode", "queue", "inference", "store", "commit", "publish", "total"}
    assert daemon.metric("stage_duration_seconds_count") == len(stages) * 70  # every one of them, 70 times


def test_page_is_served_plain_gzipped_and_revalidated(shared):
    plain = shared("GET", "/")
    packed = shared("GET", "/", Accept_Encoding="gzip")
    assert gzip.decompress(packed.body) == plain.body
    assert "script-src 'self'" in plain.headers["Content-Security-Policy"]
    assert shared("GET", "/", If_None_Match=plain.headers["ETag"]).status == 304


def test_openapi_is_yaml(shared):
    assert yaml.safe_load(shared("GET", "/openapi.yaml").body)["openapi"] == "3.1.0"


def test_products_and_models(shared):
    assert [p["product"] for p in shared("GET", "/v1/products").json["items"]] == ["carpet"]
    assert shared("GET", "/v1/products/carpet").json["active"] == "v1"
    [model] = shared("GET", "/v1/products/carpet/models").json["items"]
    assert model["active"] is True and shared("GET", "/v1/products/carpet/models/v1").json == model
    assert shared("GET", "/v1/products/carpet/models/v2").code == "not_found"
    assert shared("GET", "/v1/products/wood").code == "unknown_product"


def test_statistics(start):
    daemon = start()
    for _ in range(3):
        daemon.inspect(picture())
    got = daemon("GET", "/v1/statistics?product=carpet&window=1h").json
    assert got["good"] + got["anomaly"] == 3 and got["latency_ms"]["p50"] > 0
    assert sum(b["good"] + b["anomaly"] for b in got["buckets"]) == 3
    assert daemon("GET", "/v1/statistics?window=1y").code == "invalid_query"


def test_a_stop_waits_for_requests_that_ask_for_jobs(start):
    """A stop frees nothing that a request in lane BACK still uses (the address sanitizer checks it)."""
    daemon = start("server.pool_threads=2")
    with contextlib.closing(sqlite3.connect(f"{daemon.state}/inspectd.sqlite3", timeout=30)) as db, db:
        db.executemany("INSERT INTO jobs (id, kind, product, state, progress, stage, params, created_us)"
                       " VALUES (?, 'train', 'carpet', 'succeeded', 1, 'succeeded', '{}', 1)",
                       [(str(uuid.uuid4()),) for _ in range(5000)])
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(socket.create_connection((daemon.host, daemon.port))) for _ in range(40)]
        for client in clients:
            client.sendall(b"GET /v1/jobs?limit=500 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert clients[0].recv(12) == b"HTTP/1.1 200"  # the others are being answered or wait
        daemon.process.send_signal(signal.SIGTERM)
        for client in clients[1:]:
            assert client.recv(12) in (b"HTTP/1.1 200", b"HTTP/1.1 503")
    assert daemon.process.wait(timeout=30) == 0, daemon.log_text()
