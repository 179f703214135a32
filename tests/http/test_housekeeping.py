"""How full the store is, as the running daemon's chores count it."""
from conftest import eventually, picture


def test_usage_is_counted(start):
    daemon = start()
    assert daemon.inspect(picture()).status == 200
    eventually(lambda: daemon.metric("store_inspections") == 1)
    assert daemon.metric("store_image_bytes") == len(picture())
    assert daemon.metric("store_free_bytes") > 0
