"""Names that nobody resolves: a peer's name server hangs, and the daemon serves and stops all the same."""
import os
import pathlib

import pytest
from conftest import eventually, picture, sanitized


@pytest.mark.skipif(sanitized(), reason="a sanitizer's library must be the first that is preloaded")
def test_a_webhook_whose_name_server_hangs(start, tmp_path):
    asked, library = tmp_path / "asked", pathlib.Path(os.environ["INSPECTD"]).parent / "resolver_fake.so"
    daemon = start("webhook.url=http://hangs.example/hook",
                   env={"LD_PRELOAD": str(library), "RESOLVER_FAKE": str(asked)})
    assert daemon.inspect(picture()).status == 200
    eventually(asked.exists)
    assert daemon.inspect(picture()).status == 200
    assert daemon("GET", "/v1/sinks").json["items"][0]["waiting"] == 2
    daemon.stop()  # in time, which it is not if the loop waits for the resolver
