"""Killed at any moment: every accepted event is delivered after the restart.

SPDX-License-Identifier: MIT
"""
import random
import threading

import requests

from harness import Reply, wait_until

ROUNDS, SEED, PUBLISHERS = 20, 20261124, 4


def publish_until_dead(service, accepted, prefix, dead):
    """Publish, noting what was answered 202, until told."""
    session = requests.Session()
    session.trust_env = False
    head = {"Authorization": "Bearer " + service.key, "Content-Type": "application/json"}
    number = 0
    while not dead.is_set():
        number += 1
        name = f"{prefix}-{number}"
        try:
            reply = session.post(f"http://127.0.0.1:{service.port}/v1/events", timeout=10,
                                 headers=head, json={"event_type": "crash.test", "event_id": name})
        except requests.RequestException:
            continue
        if reply.status_code == 202:
            accepted.append(name)


def test_kill_rounds(make, receiver):
    rng = random.Random(SEED)
    # The web server goes on trying: the socket outlives the process.
    service = make(held=True).start()
    receiver.script("/crash", Reply(200))
    service.webhook(receiver.url("/crash"), ["crash.test"])
    accepted = []
    for round_number in range(ROUNDS):
        dead = threading.Event()
        publishers = [threading.Thread(target=publish_until_dead,
                                       args=(service, accepted, f"r{round_number}p{p}", dead))
                      for p in range(PUBLISHERS)]
        for publisher in publishers:
            publisher.start()
        wanted = len(accepted) + rng.randrange(1, 60)
        wait_until(lambda: len(accepted) >= wanted, "load")
        dead.set()
        service.kill()
        service.start()
        for publisher in publishers:
            publisher.join()
    wait_until(lambda: set(accepted) <= {a.event["event_id"] for a in receiver.at("/crash")},
               "every accepted event", 60)
    wait_until(lambda: not service.deliveries(state="due"), "nothing waits", 60)
    assert service.admin("audit") == "ok"
