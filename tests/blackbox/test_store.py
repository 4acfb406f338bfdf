"""A store that is read-only, full or locked, or no store at all.

SPDX-License-Identifier: MIT
"""
import os
import sqlite3
import subprocess

import pytest

from harness import wait_until

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")


@pytest.fixture
def small(base):
    """A tmpfs of 3 MiB."""
    path = base / "small"
    path.mkdir(exist_ok=True)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(path)],
                          capture_output=True)
    if done.returncode != 0:
        pytest.skip("no tmpfs can be mounted here")
    yield path
    subprocess.run(["umount", "-l", str(path)], check=True)


def test_not_a_store(make):
    service = make()
    service.db.write_text("hello, this is not a database at all\n" * 100)
    service.launch()
    assert service.process.wait(20) == 1
    assert str(service.db) in service.log_text()
    assert service.db.read_text().startswith("hello")


def test_folder_missing(make):
    service = make()
    service.options[1] = f"store.path={service.folder}/nowhere/t.db"
    service.launch()
    assert service.process.wait(20) == 1
    assert "nowhere" in service.log_text()


@root_only
def test_read_only(make, small):
    service = make()
    service.db = small / "t.db"
    service.options[1] = f"store.path={service.db}"
    service.start()
    assert service.stop() == 0
    subprocess.run(["mount", "-o", "remount,ro", str(small)], check=True)
    service.launch()
    assert service.process.wait(20) == 1
    assert str(small) in service.log_text()


@root_only
def test_full(make, small, receiver):
    service = make()
    service.db = small / "t.db"
    service.options[1] = f"store.path={service.db}"
    service.start()
    service.webhook(receiver.url("/full"), ["full.test"])
    accepted, refused = [], None
    for number in range(2000):
        reply = service.call("POST", "/v1/events", {"event_type": "full.test", "event_id": f"f-{number}",
                                                    "data": "x" * 4000})
        if reply.status_code != 202:
            refused = reply
            break
        accepted.append(f"f-{number}")
    assert refused is not None and refused.status_code == 503, "the disk never filled"
    assert refused.json()["error"]["type"] == "UnavailableError"
    assert service.process.poll() is None
    # Space again: it goes on by itself, and nothing accepted is lost.
    subprocess.run(["mount", "-o", "remount,size=64m", str(small)], check=True)
    wait_until(lambda: service.call("POST", "/v1/events", {"event_type": "full.test"}).status_code
               == 202, "accepting again")
    wait_until(lambda: set(accepted) <= {a.event["event_id"] for a in receiver.at("/full")},
               "every accepted event", 60)
    wait_until(lambda: not service.deliveries(state="due"), "nothing waits", 60)
    assert service.admin("audit") == "ok"


def test_locked_by_another_program(make):
    service = make(user_options=["store.busy_timeout=200ms"]).start()
    other = sqlite3.connect(service.db, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    reply = service.call("POST", "/v1/events", {"event_type": "locked.test"})
    assert reply.status_code == 503
    other.execute("ROLLBACK")
    other.close()
    wait_until(lambda: service.call("POST", "/v1/events", {"event_type": "locked.test"}).status_code
               == 202, "accepting again")
