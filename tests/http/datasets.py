"""Fixtures and helpers for the tests of datasets and of labels."""
import hashlib
import io
import random
import urllib.parse

import PIL.Image
import pytest
from conftest import Daemon, copy_state

BASE = "/v1/admin/products/carpet/dataset"


@pytest.fixture
def roots(tmp_path):
    (tmp_path / "first").mkdir()
    (tmp_path / "second").mkdir()
    return tmp_path


@pytest.fixture
def begin(start, roots):
    """begin(option...) -> a daemon whose client is admin; its dataset roots are roots/first and roots/second."""
    def run(*options, state=None):
        daemon = start(f"training.dataset_roots={roots}/first:{roots}/second", *options, state=state)
        daemon.token = (daemon.state / "admin.token").read_text().strip()
        return daemon
    return run


@pytest.fixture(scope="module")
def refuses(template, tmp_path_factory):
    """One daemon for all requests that are refused, since these change nothing."""
    folder = tmp_path_factory.mktemp("refuses")
    copy_state(template, folder / "state")
    (folder / "sets").mkdir()
    daemon = Daemon(folder / "state", f"training.dataset_roots={folder}/sets", "limits.body_bytes=1M")
    daemon.token = (folder / "state" / "admin.token").read_text().strip()
    daemon.sets = folder / "sets"
    yield daemon
    daemon.stop()


def made(seed, kind="PNG", size=(48, 32)):
    """A different picture for each seed; pictures of one size have about the same number of bytes."""
    out = io.BytesIO()
    PIL.Image.frombytes("RGB", size, random.Random(seed).randbytes(size[0] * size[1] * 3)).save(out, kind)
    return out.getvalue()


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def put(daemon, place, image, kind="image/png", base=BASE):
    return daemon("PUT", f"{base}/{place}", image, Content_Type=kind)


def listing(daemon, **query):
    answer = daemon("GET", f"{BASE}?{urllib.parse.urlencode(query)}")
    assert answer.status == 200, answer.body
    return answer.json


def places(listed):
    return [f"{i['split']}/{i['class']}/{i['name']}" for i in listed["items"]]


def files(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())
