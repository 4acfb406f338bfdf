"""Backups under load, cut short and put back; deliveries go on afterwards.

SPDX-License-Identifier: MIT
"""
import os
import subprocess
import threading

import requests

from harness import BIN, WAIT_S, Reply, wait_until


class Load:
    """Publishers that note what was answered 202."""

    def __init__(self, service, prefix, threads=3, size=200):
        self.service, self.prefix, self.accepted = service, prefix, []
        self.over, self.size = threading.Event(), size
        self.threads = [threading.Thread(target=self.publish, args=(number,))
                        for number in range(threads)]
        for thread in self.threads:
            thread.start()

    def publish(self, thread_number):
        session = requests.Session()
        session.trust_env = False
        head = {"Authorization": "Bearer " + self.service.key, "Content-Type": "application/json"}
        number = 0
        while not self.over.is_set():
            number += 1
            name = f"{self.prefix}-{thread_number}-{number}"
            try:
                reply = session.post(f"http://127.0.0.1:{self.service.port}/v1/events",
                                     headers=head, timeout=10,
                                     json={"event_type": "b.test", "event_id": name,
                                           "data": "x" * self.size})
            except requests.RequestException:
                continue
            if reply.status_code == 202:
                self.accepted.append(name)

    def wait(self, count):
        wait_until(lambda: len(self.accepted) >= count, f"{count} events", 60)

    def end(self):
        self.over.set()
        for thread in self.threads:
            thread.join()
        return self.accepted


def restore(service, path):
    return service.admin_run("restore", str(path))


def names_at(receiver, path):
    return [a.event["event_id"] for a in receiver.at(path)]


def test_backup_under_load_and_restore(make, receiver):
    service = make().start()
    receiver.script("/b", Reply(200))
    service.webhook(receiver.url("/b"), ["b.test"])
    path = service.folder / "backup.db"
    load = Load(service, "a")
    load.wait(100)
    before = list(load.accepted)
    assert str(path) in service.admin("backup", str(path))
    assert path.stat().st_mode & 0o777 == 0o600
    assert service.admin_run("backup", str(path)).returncode == 1, "it is there already"
    service.admin("backup", str(path), "--force")
    accepted = load.end()
    wait_until(lambda: set(names_at(receiver, "/b")) >= set(accepted), "deliveries")
    # A server holds the store: nothing is restored under it.
    refused = restore(service, path)
    assert refused.returncode == 1 and "in use" in refused.stderr
    after = service.publish("b.test", event_id="after-the-backup")
    receiver.wait("/b", len(accepted) + 1)
    assert service.stop() == 0
    done = restore(service, path)
    assert done.returncode == 0, done.stderr
    aside = [p for p in service.folder.iterdir() if ".before-restore-" in p.name]
    assert len(aside) == 1 and aside[0].name in done.stdout
    service.start()
    assert service.admin("audit") == "ok"
    for name in before:
        assert service.call("GET", f"/v1/events/{name}").status_code == 200
    assert service.call("GET", f"/v1/events/{after['event_id']}").status_code == 404
    # Deliveries go on, and nothing new has an id that something had before.
    seen = {a.headers["webhook-id"] for a in receiver.at("/b")}
    arrivals = len(receiver.at("/b"))
    for number in range(50):
        service.publish("b.test")
    wait_until(lambda: len({a.headers["webhook-id"] for a in receiver.at("/b")} - seen) == 50,
               "50 new ids")
    assert len(receiver.at("/b")) >= arrivals + 50
    assert service.admin("audit") == "ok"


def test_killed_during_backup(make, receiver):
    service = make().start()
    service.webhook(receiver.url("/k"), ["b.test"])
    path = service.folder / "backup.db"
    load = Load(service, "k", size=4000)
    load.wait(1200)
    for round_number in range(3):
        client = subprocess.Popen([str(BIN), "backup", str(path), *service.arguments()],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        part = service.folder / "backup.db.part"
        wait_until(lambda: part.exists() or client.poll() is not None, "the copy's beginning")
        service.kill()
        client.wait(WAIT_S)
        assert client.returncode == 1 or path.exists()
        if path.exists():
            os.unlink(path)  # it was quicker; that is no fault
        service.start()
    accepted = load.end()
    service.admin("backup", str(path))
    assert not part.exists()
    wait_until(lambda: set(names_at(receiver, "/k")) >= set(accepted), "deliveries", 60)
    assert service.admin("audit") == "ok"


def test_without_a_server(make, receiver):
    service = make().start()
    service.webhook(receiver.url("/w"), ["b.test"])
    service.publish("b.test", event_id="one")
    receiver.wait("/w")
    service.settled("one", "delivered")
    assert service.stop() == 0
    path = service.folder / "cold.db"
    service.admin("backup", str(path))
    assert service.admin_run("backup", str(path)).returncode == 1
    service.db.unlink()
    assert restore(service, path).returncode == 0
    service.start()
    assert service.call("GET", "/v1/events/one").status_code == 200
    assert service.admin("audit") == "ok"


def test_damaged_is_refused(make):
    service = make().start()
    assert service.stop() == 0
    path = service.folder / "backup.db"
    service.admin("backup", str(path))
    bytes_of_store = service.db.read_bytes()
    good = path.read_bytes()
    for bad in (b"", b"not a store at all", good[:len(good) // 2], good.replace(b"event", b"evemt")):
        path.write_bytes(bad)
        done = restore(service, path)
        assert done.returncode == 1 and "nothing was changed" in done.stderr
        assert service.db.read_bytes() == bytes_of_store
    log = service.folder / "backup.db-wal"
    path.write_bytes(good)
    log.write_bytes(b"x" * 100)
    assert restore(service, path).returncode == 1
    log.unlink()
    assert restore(service, path).returncode == 0
    service.start()
    assert service.admin("audit") == "ok"
