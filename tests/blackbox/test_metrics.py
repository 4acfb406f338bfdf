"""Metrics, health and the log.

SPDX-License-Identifier: MIT
"""
import re

from harness import Reply, wait_until


def metrics(service):
    reply = service.call("GET", "/metrics", headers={"Authorization": None})
    assert reply.status_code == 200 and reply.headers["Content-Type"].startswith("text/plain")
    values = {}
    for line in reply.text.splitlines():
        if not line.startswith("#"):
            name, value = line.rsplit(" ", 1)
            values[name] = float(value)
    return values


def test_counted(service, shared_receiver):
    before = metrics(service)
    service.webhook(shared_receiver.url("/counted"), ["counted.test"])
    for number in range(10):
        service.publish("counted.test", data=number)
    shared_receiver.wait("/counted", 10)
    name = "tocsin_events_accepted_total"
    assert metrics(service)[name] - before[name] == 10
    wait_until(lambda: metrics(service)["tocsin_deliveries_delivered_total"]
               - before["tocsin_deliveries_delivered_total"] == 10, "delivered")
    wait_until(lambda: metrics(service)["tocsin_deliveries_waiting"] == 0, "nothing waits")


def test_connections_are_counted_down_too(service, shared_receiver):
    service.webhook("http://127.0.0.1:1/", ["refused.test"])
    before = metrics(service)["tocsin_connections"]
    for number in range(5):
        event = service.publish("refused.test", data=number)
        wait_until(lambda: service.call("GET", "/v1/deliveries?event_id=" + event["event_id"])
                   .json()["results"][0]["attempts"] >= 1, "an attempt")
    wait_until(lambda: metrics(service)["tocsin_connections"] <= before, "none left open")
    service.webhook(shared_receiver.url("/kept"), ["kept.test"])
    service.publish("kept.test")
    shared_receiver.wait("/kept")
    assert metrics(service)["tocsin_connections"] >= 1


def test_text_format(service):
    text = service.call("GET", "/metrics", headers={"Authorization": None}).text
    names = re.findall(r"^# TYPE (\S+) ", text, re.M)
    assert len(names) == len(set(names)) and all(n.startswith("tocsin_") for n in names)
    assert "_bucket{" in text and 'le="+Inf"' in text


def test_health(service):
    for path in ("/healthz", "/readyz"):
        assert service.call("GET", path, headers={"Authorization": None}).status_code == 200


def test_failing_receiver_is_told_of_and_so_is_its_recovery(make, receiver):
    service = make().start()
    receiver.script("/ill", *[Reply(500)] * 3, Reply(200))
    hook = service.webhook(receiver.url("/ill"), ["ill.test"], name='say "so"')
    service.settled(service.publish("ill.test")["event_id"], "delivered")
    wait_until(lambda: "recovered" in service.log_text(), "recovery in the log")
    lines = [line for line in service.log_text().splitlines() if hook["webhook_id"] in line]
    assert len([line for line in lines if " failing attempts=1 status=500 " in line]) == 1
    assert len([line for line in lines if " recovered attempts=3" in line]) == 1
    assert all('name="say \\"so\\"' in line for line in lines)


def test_log_has_no_secrets(service, shared_receiver):
    service.webhook(shared_receiver.url("/private-path?token=hush"), ["log.test"])
    service.publish("log.test", data="very-private-payload")
    shared_receiver.wait("/private-path?token=hush")
    text = service.log_text()
    for secret in (service.key, "hush", "very-private-payload", "int_"):
        assert secret not in text
