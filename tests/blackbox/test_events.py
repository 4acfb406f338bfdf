"""Publishing: acceptance, idempotency, matching, bytes kept as they came.

SPDX-License-Identifier: MIT
"""
import sqlite3

import pytest

from harness import HOOKS


def test_accepted_and_shown(service):
    sent = service.publish("order.paid", subject="s", namespace_id="n", metadata={"a": 1},
                           data={"x": [1, 2]})
    assert set(sent) == {"event_id", "event_type", "deliveries", "duplicate"}
    assert sent["event_id"].startswith("evt_") and sent["duplicate"] is False
    shown = service.call("GET", "/v1/events/" + sent["event_id"]).json()
    assert shown["subject"] == "s" and shown["namespace_id"] == "n"
    assert shown["metadata"] == {"a": 1} and shown["data"] == {"x": [1, 2]}


def test_own_id(service):
    sent = service.publish("order.paid", event_id="order 17/ä.1")
    assert sent["event_id"] == "order 17/ä.1"
    shown = service.call("GET", "/v1/events/order%2017%2F%C3%A4.1")
    # An encoded slash is no path of ours; any other spelling finds it.
    assert shown.status_code in (200, 404)
    service.publish("order.paid", event_id="plain-1")
    assert service.call("GET", "/v1/events/plain-1").json()["event_id"] == "plain-1"


@pytest.mark.parametrize("pattern, types, others", [
    ("a.b", ["a.b"], ["a.b.c", "a.c"]),
    ("cluster.*", ["cluster.made", "cluster.made.now"], ["clusters.made"]),
    ("com.example.order.*", ["com.example.order.created"], ["com.example.orders.created"]),
    ("*", ["any.thing"], []),
])
def test_matching(make, receiver, pattern, types, others):
    service = make().start()
    service.webhook(receiver.url("/m"), [pattern])
    for event_type in types:
        assert service.publish(event_type)["deliveries"] == 1
    for event_type in others:
        assert service.publish(event_type)["deliveries"] == 0
    assert {a.event["event_type"] for a in receiver.wait("/m", len(types))} == set(types)


def test_bytes_kept(service, shared_receiver):
    service.webhook(shared_receiver.url("/bytes"), ["bytes.test"])
    data = b'{"z":1.50,"a":1e2,"big":12345678901234567890,"u":"\\u00e9\\/ \\ud83d\\ude00",' \
           b' "s" : [ 1 , 2 ],"\xc3\xa9":"\xe2\x82\xac"}'
    body = b'{"event_type":"bytes.test", "data": ' + data + b' }'
    assert service.call("POST", "/v1/events", data=body).status_code == 202
    arrival, = shared_receiver.wait("/bytes")
    assert b'"data":' + data + b"}" in arrival.body
    assert arrival.headers["Content-Type"] == "application/json"


def test_envelope_order(service, shared_receiver):
    hook = service.webhook(shared_receiver.url("/order"), ["order.test"], name="N")
    service.publish("order.test", event_id="e1", occurred_at="2026-01-02T03:04:05Z",
                    namespace_id="ns", subject="su", metadata={"m": 1}, cache_scope="cs", data=None)
    event = shared_receiver.wait("/order")[0].event
    assert list(event) == ["event_id", "event_type", "occurred_at", "webhook_id", "webhook_name",
                           "namespace_id", "subject", "metadata", "cache_scope", "data"]
    assert event["webhook_id"] == hook["webhook_id"] and event["data"] is None
    assert event["occurred_at"] == "2026-01-02T03:04:05.000000Z"


def test_same_id_twice(service, shared_receiver):
    service.webhook(shared_receiver.url("/twice"), ["twice.test"])
    first = service.publish("twice.test", event_id="twice-1", data=1)
    again = service.publish("twice.test", event_id="twice-1", data=1)
    assert (again["duplicate"], again["deliveries"]) == (True, first["deliveries"])
    reply = service.call("POST", "/v1/events",
                         {"event_type": "twice.test", "event_id": "twice-1", "data": 2})
    assert reply.status_code == 409 and reply.json()["error"]["type"] == "ConflictError"
    service.publish("twice.test", event_id="twice-2", data=1)
    ids = [a.event["event_id"] for a in shared_receiver.wait("/twice", 2)]
    assert sorted(ids) == ["twice-1", "twice-2"]


def test_idempotency_key(service):
    head = {"Idempotency-Key": "key-1"}
    first = service.publish("key.test", data=1, headers=head)
    again = service.publish("key.test", data=1, headers=head)
    assert again["duplicate"] is True and again["event_id"] == first["event_id"]
    other = service.call("POST", "/v1/events", {"event_type": "key.test", "data": 2}, headers=head)
    assert other.status_code == 409


def test_batch(service, shared_receiver):
    service.webhook(shared_receiver.url("/batch"), ["batch.test"])
    events = [{"event_type": "batch.test", "data": n} for n in range(50)]
    reply = service.call("POST", "/v1/events/batch", {"events": events})
    assert reply.status_code == 202
    ids = [r["event_id"] for r in reply.json()["results"]]
    assert len(set(ids)) == 50
    got = {a.event["event_id"]: a.event["data"] for a in shared_receiver.wait("/batch", 50)}
    assert [got[i] for i in ids] == list(range(50))


def test_batch_all_or_nothing(service):
    events = [{"event_type": "none.test", "event_id": "none-1"}, {"event_type": "bad"}]
    reply = service.call("POST", "/v1/events/batch", {"events": events})
    assert reply.status_code == 422
    assert reply.json()["detail"][0]["loc"] == ["body", "events", 1, "event_type"]
    assert service.call("GET", "/v1/events/none-1").status_code == 404


def test_batch_conflict_names_index(service):
    service.publish("clash.test", event_id="clash-1", data=1)
    reply = service.call("POST", "/v1/events/batch", {"events": [
        {"event_type": "clash.test", "event_id": "clash-2"},
        {"event_type": "clash.test", "event_id": "clash-1", "data": 2}]})
    assert reply.status_code == 409 and "1" in reply.text
    assert service.call("GET", "/v1/events/clash-2").status_code == 404


@pytest.mark.parametrize("body, loc", [
    (b"{", ["body"]), (b"\xff", ["body"]), (b'{"event_type":"a.b",}', ["body"]),
    (b'{"event_type":"a.b","data":NaN}', ["body"]), (b"[]", ["body"]),
    (b"{}", ["body", "event_type"]), (b'{"event_type":1}', ["body", "event_type"]),
    (b'{"event_type":"nodot"}', ["body", "event_type"]),
    (b'{"event_type":"a..b"}', ["body", "event_type"]),
    (b'{"event_type":"webhook.disabled"}', ["body", "event_type"]),
    (b'{"event_type":"a.b","event_id":"evt_x"}', ["body", "event_id"]),
    (b'{"event_type":"a.b","event_id":""}', ["body", "event_id"]),
    (b'{"event_type":"a.b","occurred_at":"soon"}', ["body", "occurred_at"]),
    (b'{"event_type":"a.b","metadata":[]}', ["body", "metadata"]),
    (b'{"event_type":"a.b","extra":1}', ["body", "extra"]),
])
def test_refused(service, body, loc):
    reply = service.call("POST", "/v1/events", data=body)
    assert reply.status_code == 422, reply.text
    assert reply.json()["detail"][0]["loc"] == loc


def test_all_faults_at_once(service):
    reply = service.call("POST", "/v1/events", {"event_type": 1, "event_id": 2, "subject": 3})
    assert len(reply.json()["detail"]) == 3


def test_query_and_body_faults_at_once(service):
    def locs(reply):
        assert reply.status_code == 422, reply.text
        return [fault["loc"] for fault in reply.json()["detail"]]
    assert locs(service.call("GET", "/v1/deliveries?limit=0&cursor=zz&state=q&zz=1")) == [
        ["query", "limit"], ["query", "cursor"], ["query", "state"], ["query", "zz"]]
    for path, event in (("", {"event_type": 1}), ("/batch", {"events": [{"event_type": 1}]})):
        found = locs(service.call("POST", f"/v1/events{path}?zz=1", event))
        assert found[0] == ["query", "zz"] and found[1][-1] == "event_type"
    sound = {"event_type": "a.b", "event_id": "query-1"}
    assert locs(service.call("POST", "/v1/events?zz=1", sound)) == [["query", "zz"]]
    assert service.call("GET", "/v1/events/query-1").status_code == 404


def test_batch_is_no_way_around_the_cap(service):
    events = [{"event_type": "a.b", "event_id": "around-1"},
              {"event_type": "a.b", "data": "x" * (256 * 1024)}]
    reply = service.call("POST", "/v1/events/batch", {"events": events})
    assert reply.status_code == 422, reply.text
    fault, = reply.json()["detail"]
    assert fault["loc"] == ["body", "events", 1] and fault["type"] == "too_long"
    assert str(256 * 1024) in fault["msg"]
    assert service.call("GET", "/v1/events/around-1").status_code == 404


def test_log_says_why_503(make):
    service = make(user_options=["store.busy_timeout=100ms"]).start()
    other = sqlite3.connect(service.db, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    for _ in range(3):
        assert service.call("POST", "/v1/events", {"event_type": "a.b"}).status_code == 503
    other.execute("ROLLBACK")
    other.close()
    lines = [line for line in service.log_text().splitlines() if "api status=503" in line]
    assert lines and all("another program locks it" in line for line in lines)


def test_sizes(service):
    big = b'{"event_type":"a.b","data":"' + b"x" * (256 * 1024) + b'"}'
    assert service.call("POST", "/v1/events", data=big).status_code == 413
    fits = b'{"event_type":"a.b","data":"' + b"x" * (250 * 1024) + b'"}'
    assert service.call("POST", "/v1/events", data=fits).status_code == 202
    deep = b'{"event_type":"a.b","data":' + b"[" * 80 + b"]" * 80 + b"}"
    assert service.call("POST", "/v1/events", data=deep).status_code == 422


def test_paused_gets_nothing(service, shared_receiver):
    hook = service.webhook(shared_receiver.url("/paused"), ["paused.test"])
    service.call("PATCH", HOOKS + hook["webhook_id"], {"is_active": False})
    assert service.publish("paused.test")["deliveries"] == 0


def test_scopes(service):
    publisher = service.admin("key", "add", service.organization, "--scopes", "publish")
    reader = service.admin("key", "add", service.organization, "--scopes", "read", "--test")
    assert publisher.startswith("sk_live_") and reader.startswith("sk_test_")
    event = {"event_type": "scope.test"}
    assert service.call("POST", "/v1/events", event, key=publisher).status_code == 202
    assert service.call("POST", "/v1/events", event, key=reader).status_code == 403
    assert service.call("GET", "/v1/deliveries", key=publisher).status_code == 403
    assert service.call("GET", "/v1/deliveries", key=reader).status_code == 200
    assert service.call("POST", HOOKS, {}, key=reader).status_code == 403


def test_foreign_organization(service):
    other = service.admin("org", "add", "other")
    key = service.admin("key", "add", other, "--scopes", "publish,read,manage")
    event = service.publish("foreign.test", event_id="mine-1")
    assert service.call("GET", "/v1/events/mine-1", key=key).status_code == 404
    # Ids of producers are scoped by organization.
    reply = service.call("POST", "/v1/events", {"event_type": "foreign.test", "event_id": "mine-1",
                                                "data": 9}, key=key)
    assert reply.status_code == 202 and reply.json()["duplicate"] is False
    assert event["duplicate"] is False
