"""What a restart must not lose or let in: ids after a clock that was set back, a second daemon on the same state folder."""
import os
import pathlib
import struct
import subprocess

import pytest
from conftest import picture, sanitized

GOOD = picture("black")


@pytest.fixture
def clock(tmp_path):
    """clock(seconds) -> environment of a daemon whose wall clock is so much ahead."""
    if sanitized():
        pytest.skip("a sanitizer's library must be the first that is preloaded")

    def ahead(seconds):
        file = tmp_path / f"clock{seconds}"
        file.write_bytes(struct.pack("q", seconds * 1000000))
        return {"LD_PRELOAD": str(pathlib.Path(os.environ["INSPECTD"]).parent / "clock_fake.so"), "CLOCK_FAKE": str(file)}
    return ahead


def replayed(daemon, last_id, count):
    connection = daemon.connect()
    connection.request("GET", "/v1/events", headers={"Last-Event-ID": last_id})
    response, ids = connection.getresponse(), []
    assert response.status == 200
    while len(ids) < count:
        line = response.fp.readline().decode()
        assert line
        if line.startswith("id: "):
            ids.append(line[4:].strip())
    connection.close()
    return ids


def test_ids_go_on_after_a_clock_that_was_set_back(start, clock):
    daemon = start(env=clock(3 * 3600))
    first = [daemon.inspect(GOOD).json["id"] for _ in range(5)]
    daemon.stop()
    daemon = start(state=daemon.state, env=clock(0))
    answers = [daemon.inspect(GOOD).json for _ in range(10)]
    later = [answer["id"] for answer in answers]
    assert first + later == sorted(first + later)
    listed = daemon("GET", "/v1/inspections").json["items"]
    assert [item["id"] for item in listed] == (first + later)[::-1]
    assert replayed(daemon, first[0], 14) == first[1:] + later
    # the filter by time uses the clock's time, though their ids are ahead of it
    until = daemon("GET", f"/v1/inspections?since={answers[0]['received_at']}&until={answers[-1]['received_at']}").json
    assert {item["id"] for item in until["items"]} >= set(later[1:-1])
    assert not {item["id"] for item in until["items"]} & set(first)


def test_a_second_daemon_after_the_lock_file_was_removed(start):
    daemon = start()
    (daemon.state / "lock").unlink()
    second = subprocess.run([os.environ["INSPECTD"], "serve", "-o", f"storage.state_dir={daemon.state}", "-o",
                             "server.listen=127.0.0.1:0"], capture_output=True, text=True, timeout=60)
    assert second.returncode == 1 and "in use by another inspectd" in second.stderr
    assert daemon.inspect(GOOD).status == 200
