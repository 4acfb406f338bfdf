"""Delivery: signatures, retries for each outcome, holding, records.

SPDX-License-Identifier: MIT
"""
import socket
import time

import pytest

from harness import HOOKS, Reply, free_port, signature_fits, wait_until


def test_signed(service, shared_receiver):
    hook = service.webhook(shared_receiver.url("/signed"), ["signed.test"],
                           headers={"X-Mine": "yes"})
    sent = service.publish("signed.test", data={"text": "Grüße ✓ 🔔"})
    arrival, = shared_receiver.wait("/signed")
    assert arrival.headers["webhook-id"] == sent["event_id"]
    assert abs(int(arrival.headers["webhook-timestamp"]) - time.time()) < 60
    assert signature_fits(service.secret(hook["webhook_id"]), arrival.headers, arrival.body)
    assert arrival.headers["X-Mine"] == "yes"
    assert arrival.headers["User-Agent"].startswith("Tocsin/")


def test_id_unfit_for_a_header(service, shared_receiver):
    service.webhook(shared_receiver.url("/unfit"), ["unfit.test"])
    service.publish("unfit.test", event_id="a.b c")
    arrival, = shared_receiver.wait("/unfit")
    assert arrival.headers["webhook-id"].startswith("evt_")
    assert arrival.event["event_id"] == "a.b c"


def test_rotation_sends_both(service, shared_receiver):
    hook = service.webhook(shared_receiver.url("/rotated"), ["rotated.test"])
    path = f"{HOOKS}{hook['webhook_id']}/secret"
    old = service.secret(hook["webhook_id"])
    new = service.call("POST", path + "/rotate").json()["secret"]
    assert new != old and service.secret(hook["webhook_id"]) == new
    service.publish("rotated.test")
    arrival, = shared_receiver.wait("/rotated")
    assert len(arrival.headers["webhook-signature"].split()) == 2
    assert signature_fits(old, arrival.headers, arrival.body)
    assert signature_fits(new, arrival.headers, arrival.body)


def test_method_and_template(service, shared_receiver):
    service.webhook(shared_receiver.url("/put"), ["put.test"], method="PUT",
                    payload_template={"fixed": [1, 2.50]})
    service.publish("put.test")
    arrival, = shared_receiver.wait("/put")
    assert arrival.method == "PUT" and arrival.event == {"fixed": [1, 2.5]}


@pytest.mark.parametrize("reply", [
    Reply(500), Reply(503), Reply(404), Reply(400), Reply(401), Reply(429), Reply(408),
    Reply(302, headers={"Location": "http://127.0.0.1:1/elsewhere"}),
    Reply(raw=b""), Reply(raw=b"SSH-2.0-server\r\n\r\n"),
    Reply(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"),
], ids=["500", "503", "404", "400", "401", "429", "408", "redirect", "closed", "no http", "cut"])
def test_retried(service, receiver, reply, request):
    kind = "retry" + request.node.name.split("[")[1][:-1].replace(" ", "") + ".test"
    path = "/" + kind
    receiver.script(path, reply, reply, Reply(200))
    service.webhook(receiver.url(path), [kind])
    sent = service.publish(kind)
    shown = service.settled(sent["event_id"], "delivered")
    # A reply cut short after its 2xx head may count as received.
    assert len(shown["attempts"]) if isinstance(shown["attempts"], list) else shown["attempts"]
    arrivals = receiver.at(path)
    assert len({a.headers["webhook-id"] for a in arrivals}) == 1
    assert len({a.body for a in arrivals}) == 1


def test_attempts_recorded(service, receiver):
    receiver.script("/record", Reply(500, b"first went wrong"), Reply(200, b"fine"))
    service.webhook(receiver.url("/record"), ["record.test"])
    sent = service.publish("record.test")
    shown = service.settled(sent["event_id"], "delivered")
    first, second = shown["attempts"] if isinstance(shown["attempts"], list) else \
        shown["attempt_records"]
    assert (first["number"], first["status_code"]) == (1, 500)
    assert first["reply_excerpt"] == "first went wrong" and first["reason"]
    assert (second["number"], second["status_code"]) == (2, 200)
    assert second["reply_excerpt"] is None
    assert set(first["timing"]) == {"dns_ms", "connect_ms", "tls_ms", "first_byte_ms", "total_ms"}
    assert first["started_at"].endswith("Z") and second["duration_ms"] >= 0


def test_fails_at_the_end(service, receiver):
    receiver.script("/never", Reply(500))
    hook = service.webhook(receiver.url("/never"), ["never.test"])
    sent = service.publish("never.test")
    service.settled(sent["event_id"], "failed")
    assert len(receiver.at("/never")) == 4  # the schedule's three pauses
    error = service.call("GET", HOOKS + hook["webhook_id"]).json()["last_error"]
    assert error["status_code"] == 500 and error["event_id"] == sent["event_id"]
    assert error["channel"] == "webhook" and error["message"] and error["occurred_at"]


def test_last_error_cleared(service, receiver):
    receiver.script("/clear", Reply(500), Reply(200))
    hook = service.webhook(receiver.url("/clear"), ["clear.test"])
    path = HOOKS + hook["webhook_id"]
    assert service.call("GET", path).json()["last_error"] is None
    sent = service.publish("clear.test")
    service.settled(sent["event_id"], "delivered")
    assert service.call("GET", path).json()["last_error"] is None


@pytest.mark.threads
def test_410_disables(service, receiver):
    receiver.script("/gone", Reply(410), Reply(200))
    hook = service.webhook(receiver.url("/gone"), ["gone.test"])
    path = HOOKS + hook["webhook_id"]
    sent = service.publish("gone.test")
    service.settled(sent["event_id"], "failed")
    shown = wait_until(lambda: [c for c in service.call("GET", path).json()["channels"]
                                if c["status"] == "disabled"], "disabled")
    assert shown[0]["disabled_reason"]
    wait_until(lambda: [line for line in service.log_text().splitlines() if hook["webhook_id"]
                        in line and " disabled reason=" in line], "a line in the log")
    # It goes on collecting; switching it on again sends what waited.
    later = service.publish("gone.test")
    assert later["deliveries"] == 1
    service.settled(later["event_id"], "held")
    assert service.call("PATCH", path, {"is_active": True}).status_code == 200
    service.settled(later["event_id"], "delivered")


@pytest.mark.threads
def test_timeout(service, receiver):
    receiver.script("/slow", Reply(hang=True), Reply(200))
    service.webhook(receiver.url("/slow"), ["slow.test"], timeout=1.0)
    sent = service.publish("slow.test")
    shown = service.settled(sent["event_id"], "delivered")
    first, second = receiver.at("/slow")
    assert 0.9 < second.at - first.at < 10
    assert shown["state"] == "delivered"


def test_nobody_listens(service):
    service.webhook(f"http://127.0.0.1:{free_port()}/x", ["refused.test"])
    sent = service.publish("refused.test")
    shown = service.settled(sent["event_id"], "failed")
    assert shown["last_status_code"] is None
    assert "/x" not in str(shown["last_error"])


def test_addresses_guarded(make):
    service = make(conf="""retry = { schedule = [ "100ms" ]; jitter_percent = 0; };
channels = ( { name = "webhook"; plugin = "http.so"; } );
""").start()
    reply = service.call("POST", HOOKS, {
        "webhook_name": "x", "event_types": ["*"],
        "channels": [{"channel": "webhook", "configs": {"url": "http://127.0.0.1:9/"}}]})
    assert reply.status_code == 422
    with socket.socket() as trap:
        trap.bind(("127.0.0.1", 0))
        trap.listen()
        trap.settimeout(0)
        service.webhook(f"http://localhost:{trap.getsockname()[1]}/", ["guard.test"])
        sent = service.publish("guard.test")
        service.settled(sent["event_id"], "failed")
        with pytest.raises(BlockingIOError):
            trap.accept()


SLOW = """guard = { allow = [ "127.0.0.0/8" ]; };
retry = { schedule = [ "1h" ]; };
channels = ( { name = "webhook"; plugin = "http.so"; } );
"""


@pytest.mark.threads
@pytest.mark.parametrize("query, end", [("", "delivered"), ("?held=send", "delivered"),
                                        ("?held=drop", "cancelled")])
def test_paused_holds_and_resumes(make, receiver, query, end):
    service = make(conf=SLOW).start()
    receiver.script("/hold", Reply(500))
    hook = service.webhook(receiver.url("/hold"), ["hold.test"])
    path = HOOKS + hook["webhook_id"]
    sent = service.publish("hold.test")
    wait_until(lambda: service.deliveries(event_id=sent["event_id"])[0]["attempts"] == 1, "tried")
    assert service.call("PATCH", path, {"is_active": False}).status_code == 200
    service.settled(sent["event_id"], "held")
    receiver.script("/hold", Reply(200))
    assert service.call("PATCH", path + query, {"is_active": True}).status_code == 200
    service.settled(sent["event_id"], end)
    assert service.admin("audit") == "ok"


def test_removed_webhook_cancels(make, receiver):
    service = make(conf=SLOW).start()
    receiver.script("/cancel", Reply(500))
    hook = service.webhook(receiver.url("/cancel"), ["cancel.test"])
    sent = service.publish("cancel.test")
    wait_until(lambda: service.deliveries(event_id=sent["event_id"])[0]["attempts"] == 1)
    assert service.call("DELETE", HOOKS + hook["webhook_id"]).status_code == 204
    service.settled(sent["event_id"], "cancelled")
    assert service.admin("audit") == "ok"


def test_retry_after(make, receiver):
    service = make().start()
    receiver.script("/after", Reply(429, headers={"Retry-After": "1"}), Reply(200))
    service.webhook(receiver.url("/after"), ["after.test"])
    service.publish("after.test")
    first, second = receiver.wait("/after", 2)
    assert second.at - first.at > 0.9


@pytest.mark.threads
def test_dead_receiver_beside_healthy(service, receiver):
    receiver.script("/dead", Reply(hang=True))
    service.webhook(receiver.url("/dead"), ["mixed.test"], timeout=5.0)
    service.webhook(receiver.url("/alive"), ["mixed.test"])
    started = time.monotonic()
    for number in range(200):
        service.publish("mixed.test", data=number)
    receiver.wait("/alive", 200)
    assert time.monotonic() - started < 15


def test_memory_is_bounded_whatever_waits(make, receiver):
    """Many dead receivers together leave room for one that lives."""
    service = make(conf="""guard = { allow = [ "127.0.0.0/8" ]; };
delivery = { in_memory = "512K"; };
channels = ( { name = "webhook"; plugin = "http.so"; } );
""").start()
    dead = f"http://127.0.0.1:{free_port()}/"
    for number in range(20):
        service.webhook(dead, ["flood.test"], name=f"dead {number}")
    service.webhook(receiver.url("/alive"), ["alive.test"])
    events = {"events": [{"event_type": "flood.test", "data": "x" * 200}] * 500}
    assert service.call("POST", "/v1/events/batch", events).status_code == 202

    def in_memory():
        text = service.call("GET", "/metrics", headers={"Authorization": None}).text
        return int([line.split()[1] for line in text.splitlines()
                    if line.startswith("tocsin_deliveries_in_memory ")][0])
    for number in range(50):
        sent = service.publish("alive.test", data=number)
        service.settled(sent["event_id"], "delivered")
        assert in_memory() < 3000
    assert service.admin("audit") == "ok"
