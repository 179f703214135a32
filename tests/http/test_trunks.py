"""Trunks over HTTP: the jobs that build and fetch one, and a daemon that began without any."""
import json
import pathlib
import sys

from conftest import eventually
from datasets import BASE, begin, made, put, roots  # noqa: F401 (fixtures)

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "cli"))
from test_fetch import Site, digest, weights  # noqa: E402


def job(daemon, path, body=None):
    """Starts a job and waits for its end."""
    answer = daemon("POST", f"/v1/admin/trunks/{path}", json.dumps(body or {}))
    assert answer.status == 202, answer.body
    return eventually(lambda: (found := daemon("GET", answer.headers["Location"]).json)["finished_at"] and found, 120)


def trunks(daemon):
    return daemon("GET", "/v1/admin/trunks").json["items"]


def test_a_trunk_is_built_from_a_dataset_and_is_the_default(begin):
    daemon = begin()
    assert job(daemon, "bank", {"dataset": "carpet"} if put(daemon, "test/hole/a.png", made(1)) else {})["error"]["code"] == \
        "dataset_invalid"  # no good image
    for n in range(3):
        put(daemon, f"train/good/{n}.png", made(10 + n))
    before = trunks(daemon)
    done = job(daemon, "bank", {"dataset": "carpet"})
    assert (done["state"], done["product"], done["result"]["origin"]) == ("succeeded", None, "bank")
    built = done["result"]["trunk"]
    assert daemon("GET", f"/v1/jobs/{done['id']}/report.html").code == "conflict"
    ended = 'inspectd_jobs_total{kind="trunk-bank",state="%s"} 1'
    # The loop counts a job after its end can be read.
    eventually(lambda: all(ended % state in daemon("GET", "/metrics").body.decode() for state in ("succeeded", "failed")))
    assert [(t["sha256"], t["origin"]) for t in trunks(daemon) if t["default"]] == [(built, "bank")]
    assert [t["sha256"] for t in trunks(daemon) if t["loaded"]] == [t["sha256"] for t in before if t["loaded"]]


def test_the_recommended_trunk_is_fetched_by_a_job(begin):
    whole = weights()
    site = Site(whole)
    try:
        daemon = begin(f"training.trunk_url={site.url}", f"training.trunk_sha256={digest(whole)}")
        assert daemon("GET", "/v1/admin/trunks").json["source"] == site.url
        site.data = whole[:-4] + b"\0\0\0\1"  # a proxy has changed it
        failed = job(daemon, "fetch")
        assert failed["error"]["code"] == "model_invalid"
        assert digest(whole) in failed["error"]["detail"] and digest(site.data) in failed["error"]["detail"]
        site.answer = 200, "text/html", b"<html>Please log in</html>"
        assert "web page" in job(daemon, "fetch")["error"]["detail"]
        assert not any(t["origin"] for t in trunks(daemon))
        site.answer, site.data = None, whole
        done = job(daemon, "fetch")
        assert (done["state"], done["result"]["origin"]) == ("succeeded", "fetched"), done["error"]
        assert [t["origin"] for t in trunks(daemon) if t["default"]] == ["fetched"]
        assert daemon("POST", "/v1/admin/trunks/fetch", json.dumps({"url": "http://127.0.0.1:1/"})).code == "invalid_parameter"
    finally:
        site.server.shutdown()
        site.server.server_close()
