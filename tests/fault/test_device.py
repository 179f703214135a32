"""A compute device that is lost while the daemon serves, as a card that fell off the bus: every later pass fails."""
import pytest

from conftest import FAKE, count, eventually, picture
from test_connections import Watchdog

pytestmark = pytest.mark.skipif(not FAKE, reason="only the fake device can be lost on purpose")
POSTS_MAX = 100


def test_a_lost_device_is_named_and_the_watchdog_starves(start, tmp_path):
    watchdog = Watchdog(tmp_path)
    daemon = start(env={**watchdog.env, "INSP_FAKE_DEVICE_LOST_AFTER": "30"})
    acknowledged = 0
    while (answer := daemon.inspect(picture("white"))).status == 200:
        acknowledged += 1
        assert acknowledged < POSTS_MAX
    assert (answer.status, answer.code) == (503, "device_unavailable")
    assert acknowledged > 0 and count(daemon) == acknowledged
    ready = eventually(lambda: (a := daemon("GET", "/readyz")).status == 503 and a.json)
    assert ready["detail"] == "the compute device failed"
    assert any("compute device failed" in reason for reason in ready["reasons"])
    assert daemon.metric("ready") == 0
    assert daemon("GET", "/healthz").status == 200
    watchdog.forget()
    assert not watchdog.fed_within(3)
