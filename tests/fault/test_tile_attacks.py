"""The largest pictures that are accepted, on the largest grid: memory stays bounded, others are served, and what a picture has
claimed of the budget of the decoders comes back, however it ends."""
import contextlib
import json
import re
import resource
import threading
import time

import pytest
from conftest import FAKE, add_version, copy_state, eventually, picture, sanitized
from line import photograph

# The passes of the real network take as long as the rest, and others wait for those of a picture.
pytestmark = pytest.mark.skipif(not FAKE, reason="times and limits are those of the fake device")
SIDE, TILES, CROWD = 8000, 64, 6  # limits.image_pixels, INSP_TILES_MAX
MIB = 1 << 20
BUDGET = 512 * MIB
SLACK = 200 * MIB  # bodies in flight, stored copies, the memory of passes and what the allocator keeps
SMALL = picture("black")


@pytest.fixture
def tiled(start, template, tmp_path):
    """tiled(option...) -> a daemon with the template's product, and `tiled`, whose version has the largest grid."""
    def run(*options, **more):
        state = copy_state(template, tmp_path / "tiled")
        path = add_version(state, "tiled", "v1") / "manifest.json"
        grid = {"format": 4, "tiles": {"columns": 8, "rows": 8}}
        path.write_text(json.dumps({**json.loads(path.read_text()), **grid}))
        return start(*options, state=state, **more)
    return run


def post(daemon, body, kind, answers, **query):
    words = "".join(f"&{name}={value}" for name, value in query.items())
    answers.append(daemon.inspect(body, "product=tiled" + words, kind=kind, connection=patient(daemon)))


def patient(daemon):
    connection = daemon.connect()
    connection.timeout = 300
    return connection


def status_bytes(daemon, name):
    with open(f"/proc/{daemon.process.pid}/status") as file:
        return next(int(line.split()[1]) << 10 for line in file if line.startswith(name))


def returned(daemon):
    """Waits until no picture holds a share of the budget: an answer is sent before its memory is freed."""
    eventually(lambda: daemon.metric("decode_bytes") == daemon.metric("decode_pixels") == 0)


@pytest.mark.slow  # draws two pictures of 64 megapixels and posts eight: a minute
def test_the_largest_pictures_on_the_largest_grid(tiled):
    daemon = tiled(f"limits.decode_bytes={BUDGET}", "limits.body_bytes=256M", "limits.deadline_ms=0")
    bodies = [(photograph(SIDE, SIDE, quality=50), "image/jpeg"), (photograph(SIDE, SIDE, "PNG", compress_level=1), "image/png")]
    alone = []
    for body, kind in bodies:
        began = time.monotonic()
        post(daemon, body, kind, alone)
        alone.append(time.monotonic() - began)
        found = alone[-2]
        assert found.status == 200 and daemon("GET", f"/v1/inspections/{found.json['id']}/heat").json["columns"] == 98, found.body
    slow = max(alone[1], alone[3])
    answers, waits = [], []
    crowd = [threading.Thread(target=post, args=(daemon, *bodies[i % 2], answers), kwargs={"camera": i})
             for i in range(CROWD)]
    for thread in crowd:
        thread.start()
    while any(thread.is_alive() for thread in crowd):
        began = time.monotonic()
        assert daemon("GET", "/healthz").status == 200
        middle = time.monotonic()
        assert daemon.inspect(SMALL).status == 200
        waits.append((middle - began, time.monotonic() - middle))
    assert [answer.status for answer in answers] == [200] * CROWD, [answer.body[:300] for answer in answers if answer.status != 200]
    peak = status_bytes(daemon, "VmHWM")
    loop, line = (max(wait[i] for wait in waits) for i in range(2))
    print(f"one {slow:.2f} s; beside {CROWD}: {len(waits)} others, /healthz {loop:.3f} s and an inspection {line:.3f} s at most; "
          f"peak {peak / MIB:.0f} MiB")
    assert len(waits) >= 20
    # A loop that decoded, cut or scored would be away for as long as one picture takes.
    assert max(loop, line) < slow / 2, (loop, line, slow)
    assert sanitized() or peak <= BUDGET + SLACK + CROWD * max(len(body) for body, _ in bodies), peak / MIB
    returned(daemon)


def test_a_picture_that_finds_no_room_is_told_so_and_holds_nothing(tiled):
    """Others hold the budget for longer than it may wait."""
    daemon = tiled(f"limits.decode_bytes={16 * MIB}", "limits.decode_pixels=1000000", env={"INSP_FAKE_PASS_MS": "400"})
    body, answers = photograph(1800, 1200), []
    first = threading.Thread(target=post, args=(daemon, body, "image/jpeg", answers), kwargs={"deadline_ms": 60000})
    first.start()
    eventually(lambda: daemon.metric("decode_bytes") >= TILES * 224 * 224 * 3)  # kept while its tiles are scored
    refused = []
    post(daemon, body, "image/jpeg", refused, deadline_ms=300)
    assert (refused[0].status, refused[0].code) == (504, "deadline_exceeded"), refused[0].body
    first.join()
    assert answers[0].status == 200, answers[0].body
    returned(daemon)
    post(daemon, body, "image/jpeg", answers, deadline_ms=60000)
    assert answers[1].status == 200, answers[1].body


@contextlib.contextmanager
def address_space(daemon, bytes_more):
    """The daemon may map so many bytes more than it has now."""
    before = resource.prlimit(daemon.process.pid, resource.RLIMIT_AS)
    resource.prlimit(daemon.process.pid, resource.RLIMIT_AS, (status_bytes(daemon, "VmSize") + bytes_more, before[1]))
    try:
        yield
    finally:
        resource.prlimit(daemon.process.pid, resource.RLIMIT_AS, before)


@pytest.mark.skipif(sanitized(), reason="a sanitizer maps terabytes")
def test_an_allocation_that_fails_midway_is_told_and_holds_nothing(tiled):
    """The limit grows until a picture passes."""
    # Each allocation of more than 64 KiB is mapped, so freed memory does not serve it.
    daemon = tiled(env={"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_ARENA_MAX": "1"})
    body, details, answers = photograph(1800, 1200), set(), []
    post(daemon, body, "image/jpeg", answers)
    assert answers.pop().status == 200
    for more in range(0, 64 * MIB, MIB):
        with address_space(daemon, more):
            post(daemon, body, "image/jpeg", answers)
        if answers[-1].status == 200:
            break
        assert (answers[-1].status, answers[-1].code) == (503, "out_of_memory"), answers[-1].body
        details.add(re.sub(r"[0-9]+", "N", answers[-1].json["detail"]))
        returned(daemon)
    assert answers[-1].status == 200 and len(answers) > 1, [answer.body for answer in answers[-2:]]
    print(sorted(details))
    assert any("tiles" in detail for detail in details), details  # which come after the picture, for which the claim was made
    returned(daemon)
