"""An event goes in, a signed delivery comes out, nothing is lost between.

SPDX-License-Identifier: MIT
"""
import random
import threading

import pytest

from world import Receiver, World, verify, wait_for

HOOKS = "/v1/organizations/webhooks"


@pytest.fixture(scope="module")
def world():
    w = World()
    yield w
    w.audit()
    w.close()


@pytest.fixture
def receiver():
    r = Receiver()
    yield r
    r.stop()


def test_delivered_signed_and_byte_exact(world, receiver):
    hook = world.webhook(receiver.url, ["exact.bytes"])
    secret = world.call("GET", f"{HOOKS}/{hook['webhook_id']}/secret").json()["secret"]
    data = '{"b" : 1.50, "a":"\\u00e9\\/", "n":12345678901234567890, "e":1E+2}'
    reply = world.call("POST", "/v1/events", '{"event_type":"exact.bytes","data":' + data + "}")
    assert reply.status_code == 202 and reply.json()["deliveries"] == 1
    request = wait_for(lambda: receiver.requests and receiver.requests[0])
    assert b'"data":' + data.encode() + b"}" in request["body"]
    assert request["headers"]["webhook-id"] == reply.json()["event_id"]
    assert verify(secret, request)
    done = world.delivery_when(reply.json()["event_id"], "delivered")
    assert done["attempts"] == 1 and done["last_status_code"] == 200
    attempts = world.call("GET", f"/v1/deliveries/{done['delivery_id']}").json()["attempts"]
    assert len(attempts) == 1 and isinstance(attempts[0], dict)


def test_rotated_secret_signs_with_both(world, receiver):
    hook = world.webhook(receiver.url, ["rotate.me"])
    path = f"{HOOKS}/{hook['webhook_id']}/secret"
    old = world.call("GET", path).json()["secret"]
    new = world.call("POST", path + "/rotate", {}).json()["secret"]
    assert old != new
    world.publish("rotate.me")
    request = wait_for(lambda: receiver.requests and receiver.requests[0])
    assert verify(old, request) and verify(new, request)


def test_matching(world, receiver):
    world.webhook(receiver.url + "/prefix", ["cluster.*"])
    world.webhook(receiver.url + "/exact", ["cluster.created"])
    paused = world.webhook(receiver.url + "/paused", ["cluster.*"], is_active=False)
    assert paused["is_active"] is False
    assert world.publish("cluster.created")["deliveries"] == 2
    assert world.publish("cluster.execution.done")["deliveries"] == 1
    assert world.publish("clusters.created")["deliveries"] == 0
    wait_for(lambda: len(receiver.requests) == 3)
    assert not [r for r in receiver.requests if r["path"] == "/paused"]


def test_idempotency(world, receiver):
    world.webhook(receiver.url, ["once.only"])
    key = {"Idempotency-Key": "k-1"}
    first = world.publish("once.only", key, data=1)
    again = world.publish("once.only", key, data=1)
    assert again["event_id"] == first["event_id"] and again["duplicate"] is True
    assert first["duplicate"] is False and again["deliveries"] == 1
    other = world.call("POST", "/v1/events", {"event_type": "once.only", "data": 2}, headers=key)
    assert other.status_code == 409
    mine = world.publish("once.only", event_id="mine.1")
    assert mine["event_id"] == "mine.1"
    assert world.publish("once.only", event_id="mine.1")["duplicate"] is True
    clash = world.call("POST", "/v1/events",
                       {"event_type": "once.only", "event_id": "mine.1", "data": 3})
    assert clash.status_code == 409
    assert world.call("GET", "/v1/events/mine.1").json()["event_id"] == "mine.1"
    world.delivery_when("mine.1", "delivered")
    assert len(receiver.requests) == 2


def test_batch_is_all_or_nothing(world, receiver):
    world.webhook(receiver.url, ["batch.item"])
    good = {"events": [{"event_type": "batch.item", "data": i} for i in range(20)]}
    reply = world.call("POST", "/v1/events/batch", good)
    assert reply.status_code == 202 and len(reply.json()["results"]) == 20
    wait_for(lambda: len(receiver.requests) == 20)
    bad = {"events": [{"event_type": "batch.item"}, {"event_type": 7}]}
    reply = world.call("POST", "/v1/events/batch", bad)
    assert reply.status_code == 422
    assert reply.json()["detail"][0]["loc"] == ["body", "events", 1, "event_type"]
    world.publish("batch.item", event_id="b-1", data=1)
    clash = {"events": [{"event_type": "batch.item", "event_id": "b-2"},
                        {"event_type": "batch.item", "event_id": "b-1", "data": 2}]}
    assert world.call("POST", "/v1/events/batch", clash).status_code == 409
    assert world.call("GET", "/v1/events/b-2").status_code == 404


def test_retried_until_delivered(world):
    answers = [500, 429, 200]
    r = Receiver(lambda request: (answers.pop(0) if answers else 200, {}, b"because"))
    hook = world.webhook(r.url, ["try.again"])
    event = world.publish("try.again")
    done = world.delivery_when(event["event_id"], "delivered")
    assert done["attempts"] == 3
    detail = world.call("GET", f"/v1/deliveries/{done['delivery_id']}").json()
    assert [a["status_code"] for a in detail["attempts"]] == [500, 429, 200]
    assert detail["attempts"][0]["reply_excerpt"] == "because"
    assert len({x["headers"]["webhook-id"] for x in r.requests}) == 1
    assert len({x["body"] for x in r.requests}) == 1
    shown = world.call("GET", f"{HOOKS}/{hook['webhook_id']}").json()
    assert shown["last_error"] is None
    r.stop()


def test_fails_after_the_schedule_and_says_so(world):
    r = Receiver(lambda request: (503, {}, b""))
    hook = world.webhook(r.url, ["never.works"])
    event = world.publish("never.works")
    done = world.delivery_when(event["event_id"], "failed")
    assert done["attempts"] == 4
    shown = world.call("GET", f"{HOOKS}/{hook['webhook_id']}").json()
    assert shown["last_error"]["status_code"] == 503
    assert shown["last_error"]["event_id"] == event["event_id"]
    r.stop()


def test_410_disables(world):
    r = Receiver(lambda request: (410, {}, b"gone"))
    hook = world.webhook(r.url, ["gone.away"])
    event = world.publish("gone.away")
    assert world.delivery_when(event["event_id"], "failed")["last_status_code"] == 410
    def disabled():
        shown = world.call("GET", f"{HOOKS}/{hook['webhook_id']}").json()
        return shown["channels"][0]["status"] == "disabled" and shown
    shown = wait_for(disabled)
    assert shown["is_active"] is False and shown["disabled_reason"]
    later = world.publish("gone.away")
    assert world.delivery_when(later["event_id"], "held")
    r.stop()


def test_paused_work_is_held_and_released(world):
    up = threading.Event()
    r = Receiver(lambda request: (200 if up.is_set() else 500, {}, b""))
    hook = world.webhook(r.url, ["hold.it"])
    path = f"{HOOKS}/{hook['webhook_id']}"
    event = world.publish("hold.it")
    wait_for(lambda: r.requests)
    assert world.call("PATCH", path, {"is_active": False}).status_code == 200
    world.delivery_when(event["event_id"], "held")
    up.set()
    assert world.call("PATCH", path, {"is_active": True}).status_code == 200
    world.delivery_when(event["event_id"], "delivered")
    r.stop()


def test_removed_webhook_cancels(world):
    r = Receiver(lambda request: (500, {}, b""))
    hook = world.webhook(r.url, ["remove.me"])
    event = world.publish("remove.me")
    wait_for(lambda: r.requests)
    for _ in range(2):
        assert world.call("DELETE", f"{HOOKS}/{hook['webhook_id']}").status_code == 204
    world.delivery_when(event["event_id"], "cancelled", "failed")
    r.stop()


def test_timeout_and_refused_address(world):
    hang = threading.Event()
    r = Receiver(lambda request: (hang.wait(30), (200, {}, b""))[1])
    world.webhook(r.url, ["slow.one"], {"timeout": 1})
    event = world.publish("slow.one")
    def timed_out():
        found = world.deliveries(event_id=event["event_id"])[0]
        return found["attempts"] >= 1 and found
    assert "timed out" in wait_for(timed_out)["last_error"]
    hang.set()
    reply = world.call("POST", HOOKS + "/", {
        "webhook_name": "inside", "event_types": ["*"],
        "channels": [{"channel": "webhook", "configs": {"url": "http://10.0.0.1/"}}]})
    assert reply.status_code == 422
    assert reply.json()["detail"][0]["loc"] == ["body", "channels", 0, "configs", "url"]
    r.stop()


def test_scopes_and_revocation(world):
    publisher = world.key_add("publish")
    assert world.call("GET", HOOKS + "/", key=publisher).status_code == 403
    assert world.call("POST", "/v1/events", {"event_type": "a.b"}, key=publisher).status_code == 202
    world.run("key", "revoke", publisher)
    reply = world.call("POST", "/v1/events", {"event_type": "a.b"}, key=publisher)
    assert reply.status_code == 401 and reply.headers["WWW-Authenticate"] == "Bearer"
    assert reply.json()["error"]["type"] == "AuthenticationError"


def test_tenants_do_not_see_each_other(world, receiver):
    hook = world.webhook(receiver.url, ["mine.only"])
    event = world.publish("mine.only")
    delivery = world.delivery_when(event["event_id"], "delivered")
    other = world.run("org", "add", "other").strip()
    key = world.run("key", "add", other, "--scopes", "publish,read,manage").strip()
    for path in (f"{HOOKS}/{hook['webhook_id']}", f"/v1/events/{event['event_id']}",
                 f"/v1/deliveries/{delivery['delivery_id']}"):
        assert world.call("GET", path, key=key).status_code == 404
    assert world.call("DELETE", f"{HOOKS}/{hook['webhook_id']}", key=key).status_code == 204
    assert world.call("GET", f"{HOOKS}/{hook['webhook_id']}").status_code == 200


def test_a_second_server_refuses(world):
    done = world.run("serve", check=False)
    assert done.returncode == 1 and "in use" in done.stderr


def test_kill_rounds_lose_nothing():
    """kill -9 at seeded points under load: all that was accepted arrives."""
    rng = random.Random(7)
    world, r = World(), Receiver()
    world.webhook(r.url, ["crash.test"])
    accepted, number = set(), 0
    for _ in range(20):
        limit = rng.randrange(5, 40)
        killer = threading.Timer(rng.uniform(0.02, 0.2), world.process.kill)
        killer.start()
        for _ in range(limit):
            number += 1
            try:
                reply = world.call("POST", "/v1/events",
                                   {"event_type": "crash.test", "data": number})
            except OSError:
                continue
            if reply.status_code == 202:
                accepted.add(number)
        killer.join()
        world.process.wait(30)
        world.start()
    assert accepted
    # lighttpd looks for a lost backend again only after a moment.
    wait_for(lambda: world.call("GET", "/healthz").status_code == 200)
    def lost():
        return accepted - {b["data"] for b in r.bodies()}
    wait_for(lambda: not lost(), 60, "all accepted events")
    wait_for(lambda: not world.deliveries(state="due"), 60, "an empty queue")
    world.audit()
    assert world.stop() == 0
    world.close()
    r.stop()
