"""Old events go by themselves, what waits stays; in short, but real time.

SPDX-License-Identifier: MIT
"""
import threading

import requests

from harness import Reply, wait_until

SHORT = 'retention = { max_age = "2s"; };\n'


def metric(service, name):
    text = service.call("GET", "/metrics").text
    return sum(float(line.split()[-1]) for line in text.splitlines()
               if line.startswith(f"tocsin_{name}"))


def test_old_events_go(make, receiver):
    service = make(extra=SHORT, user_options=["retry.schedule=60s"]).start()
    receiver.script("/down", Reply(503))
    service.webhook(receiver.url("/up"), ["up.test"])
    service.webhook(receiver.url("/down"), ["down.test"])
    waiting = service.publish("down.test", event_id="waits")
    names = [f"up-{number}" for number in range(150)]
    for name in names:
        service.publish("up.test", event_id=name)
    receiver.wait("/up", len(names))
    assert service.publish("up.test", event_id="up-7")["duplicate"] is True
    page = service.call("GET", "/v1/deliveries?limit=20").json()
    cursor = page["pagination"]["next_cursor"]
    wait_until(lambda: service.call("GET", "/v1/events/up-149").status_code == 404, "removal")
    wait_until(lambda: metric(service, "events_removed_total") == len(names), "all removed")
    # What waits is there, in every list, and an old cursor leads to it or to the end.
    assert service.call("GET", "/v1/events/waits").status_code == 200
    rows = service.deliveries()
    assert [row["event_id"] for row in rows] == [waiting["event_id"]]
    assert rows[0]["state"] == "due"
    assert [row["event_id"] for row in service.deliveries(event_id="waits")] == ["waits"]
    reply = service.call("GET", f"/v1/deliveries?limit=20&cursor={cursor}")
    assert reply.status_code == 200
    assert [row["event_id"] for row in reply.json()["results"]] == ["waits"]
    assert service.admin("audit") == "ok"
    # The id is free again, and its delivery is a new one.
    assert service.publish("up.test", event_id="up-7")["duplicate"] is False
    wait_until(lambda: len([a for a in receiver.at("/up") if a.event["event_id"] == "up-7"]) == 2,
               "the second delivery")
    assert service.admin("audit") == "ok"


def test_payloads_go_first(make, receiver):
    service = make(extra='retention = { payload_max_age = "1s"; };\n').start()
    service.webhook(receiver.url("/p"), ["*"])
    event = service.publish("up.test", data={"secret": 1}, metadata={"a": 1}, subject="s")
    path = f"/v1/events/{event['event_id']}"
    before = service.call("GET", path).json()
    assert before["data"] == {"secret": 1} and "payload_removed" not in before
    shown = wait_until(lambda: (lambda e: e if e.get("payload_removed") else None)(
        service.call("GET", path).json()), "the payload's end")
    assert shown["data"] is None and shown["metadata"] is None and shown["subject"] is None
    assert shown["event_type"] == "up.test" and shown["deliveries"] == 1
    assert [row["state"] for row in service.deliveries()] == ["delivered"]
    assert service.admin("audit") == "ok"


def test_size_is_kept_under_load(make, receiver):
    service = make(extra='retention = { max_bytes = "2M"; };\n').start()
    service.webhook(receiver.url("/s"), ["*"])
    accepted = []

    def publish():
        session = requests.Session()
        session.trust_env = False
        head = {"Authorization": "Bearer " + service.key, "Content-Type": "application/json"}
        while len(accepted) < 4000:
            reply = session.post(f"http://127.0.0.1:{service.port}/v1/events", headers=head,
                                 timeout=30, json={"event_type": "s.test", "data": "x" * 3000})
            assert reply.status_code == 202
            accepted.append(reply.json()["event_id"])

    threads = [threading.Thread(target=publish) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wait_until(lambda: {a.event["event_id"] for a in receiver.at("/s")} >= set(accepted),
               "every delivery", 60)
    wait_until(lambda: metric(service, "events_removed_total") > len(accepted) / 2, "removal", 60)
    assert service.admin("audit") == "ok"
    assert service.stop() == 0
    assert service.db.stat().st_size < 8 << 20, "4,000 events of 3 KB are 16 MB"
    service.start()
    assert service.admin("audit") == "ok"
