"""The webhook contract: what clients send, what comes back, what is refused.

SPDX-License-Identifier: MIT
"""
import re

import pytest

from harness import HOOKS

URL = "https://receiver.example/hook"
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


def body(**members):
    out = {"webhook_name": "w", "event_types": ["a.b"],
           "channels": [{"channel": "webhook", "configs": {"url": URL}}]}
    out.update(members)
    return out


@pytest.fixture
def hook(service):
    return service.call("POST", HOOKS, body()).json()


def faults(reply):
    assert reply.status_code == 422, reply.text
    for fault in reply.json()["detail"]:
        assert set(fault) >= {"loc", "msg", "type"}
    return [fault["loc"] for fault in reply.json()["detail"]]


def test_created(service):
    reply = service.call("POST", HOOKS, body(description="d"))
    assert reply.status_code == 201
    shown = reply.json()
    assert re.fullmatch(r"wh_[A-Za-z0-9]{10}", shown["webhook_id"])
    assert shown["is_active"] is True and shown["last_error"] is None
    assert shown["description"] == "d" and shown["event_types"] == ["a.b"]
    assert MOMENT.fullmatch(shown["created_at"]) and shown["created_at"] == shown["updated_at"]
    assert "internal_id" not in reply.text and "int_" not in reply.text
    configs = shown["channels"][0]["configs"]
    assert configs["url"] == URL and configs["timeout"] == 10.0 and configs["method"] == "POST"
    assert service.call("GET", HOOKS + shown["webhook_id"]).json() == shown


def test_both_slash_forms(service, hook):
    for path in (HOOKS + hook["webhook_id"], HOOKS + hook["webhook_id"] + "/"):
        assert service.call("GET", path).status_code == 200
    assert service.call("GET", HOOKS.rstrip("/")).status_code == 200
    assert service.call("POST", HOOKS.rstrip("/"), body()).status_code == 201


def test_name_counts_characters(service):
    assert service.call("POST", HOOKS, body(webhook_name="é" * 200)).status_code == 201
    for name in ("é" * 201, "", None, 5, "a\nb"):
        assert faults(service.call("POST", HOOKS, body(webhook_name=name))) == \
            [["body", "webhook_name"]]


def test_server_owned_fields_ignored(service):
    reply = service.call("POST", HOOKS, body(webhook_id=5, internal_id=None, created_at=[],
                                             updated_at={}, last_error="x"))
    assert reply.status_code == 201
    assert reply.json()["webhook_id"].startswith("wh_")


def test_all_faults_at_once(service):
    found = faults(service.call("POST", HOOKS, {
        "event_types": [], "is_active": "yes", "colour": 1,
        "channels": [{"channel": "webhook", "configs": {}}, {"channel": "pigeon", "configs": {}}]}))
    for loc in (["body", "webhook_name"], ["body", "event_types"], ["body", "is_active"],
                ["body", "colour"], ["body", "channels", 0, "configs", "url"],
                ["body", "channels", 1, "channel"]):
        assert loc in found


@pytest.mark.parametrize("configs, loc", [
    ({"url": 5}, ["url"]), ({"url": "ftp://x.example/"}, ["url"]),
    ({"url": "http://u:p@x.example/"}, ["url"]), ({"url": "http://x.example:0/"}, ["url"]),
    ({"url": "http://[fe80::1%25eth0]/"}, ["url"]), ({"url": "http://%31.example/"}, ["url"]),
    ({"url": "http://x.example/\r\nX: y"}, ["url"]), ({"url": "http://10.0.0.1/"}, ["url"]),
    ({"url": "http://169.254.169.254/latest"}, ["url"]), ({"url": "http://0x7f.1/"}, None),
    ({"url": URL, "timeout": 0}, ["timeout"]), ({"url": URL, "timeout": "5"}, ["timeout"]),
    ({"url": URL, "timeout": 61}, ["timeout"]), ({"url": URL, "method": "GET"}, ["method"]),
    ({"url": URL, "headers": {"X-A": "b\r\nC: d"}}, ["headers"]),
    ({"url": URL, "headers": {"Host": "x"}}, ["headers"]),
    ({"url": URL, "headers": {"webhook-id": "x"}}, ["headers"]),
    ({"url": URL, "headers": {"bad name": "x"}}, ["headers"]),
    ({"url": URL, "headers": []}, ["headers"]),
    ({"url": URL, "payload_template": "text"}, ["payload_template"]),
    ({"url": URL, "colour": 1}, ["colour"]),
])
def test_configs_refused(service, configs, loc):
    reply = service.call("POST", HOOKS, body(channels=[{"channel": "webhook", "configs": configs}]))
    if loc is None:  # a spelling of 127.0.0.1: allowed on loopback here, but normalised
        assert reply.status_code in (201, 422)
        return
    found = faults(reply)[0]
    assert found[:5] == ["body", "channels", 0, "configs"] + loc


@pytest.mark.parametrize("types", [["A B"], [""], ["a..b"], ["a.*.b"], [5], "a.b", [".a"], None, []])
def test_event_types_refused(service, types):
    assert faults(service.call("POST", HOOKS, body(event_types=types)))[0][:2] == \
        ["body", "event_types"]


def test_patch_is_partial(service, hook):
    path = HOOKS + hook["webhook_id"]
    shown = service.call("PATCH", path, {"webhook_name": "other"}).json()
    assert shown["webhook_name"] == "other" and shown["channels"] == hook["channels"]
    assert shown["updated_at"] == hook["updated_at"]
    shown = service.call("PATCH", path, {"event_types": ["c.d"]}).json()
    assert shown["updated_at"] > hook["updated_at"]
    again = service.call("PATCH", path, {"event_types": ["c.d"]}).json()
    assert again["updated_at"] == shown["updated_at"]
    assert service.call("PATCH", path, {}).json() == again


def test_put_needs_the_whole(service, hook):
    path = HOOKS + hook["webhook_id"]
    assert sorted(faults(service.call("PUT", path, {}))) == \
        [["body", "channels"], ["body", "event_types"], ["body", "webhook_name"]]
    service.call("PATCH", path, {"is_active": False})
    shown = service.call("PUT", path, body(webhook_name="new")).json()
    assert shown["webhook_name"] == "new" and shown["is_active"] is False


def test_delete_is_idempotent(service, hook):
    path = HOOKS + hook["webhook_id"]
    assert service.call("DELETE", path).status_code == 204
    assert service.call("DELETE", path).status_code == 204
    assert service.call("DELETE", HOOKS + "wh_0000000000").status_code == 204
    assert service.call("GET", path).status_code == 404
    assert service.call("PATCH", path, {}).status_code == 404


def test_lists(make):
    service = make().start()
    made = [service.call("POST", HOOKS, body(webhook_name=f"n{n}", event_types=types,
                                             is_active=n != 2)).json()["webhook_id"]
            for n, types in enumerate((["a.b"], ["a.*"], ["*"], ["c.d"]))]
    plain = service.call("GET", HOOKS).json()
    assert [w["webhook_id"] for w in plain] == made
    page = service.call("POST", HOOKS + "list?limit=3").json()
    assert [w["webhook_id"] for w in page["results"]] == made[:3] and page["total"] == 4
    rest = service.call("POST", HOOKS + "list?limit=3&cursor=" +
                        page["pagination"]["next_cursor"]).json()
    assert [w["webhook_id"] for w in rest["results"]] == made[3:]
    assert rest["pagination"]["next_cursor"] is None
    skipped = service.call("POST", HOOKS + "list?offset=1", {}).json()
    assert [w["webhook_id"] for w in skipped["results"]] == made[1:]
    for query, wanted in (({"event_type": "a.b"}, made[:3]), ({"is_active": False}, made[2:3]),
                          ({"event_type": "a.b", "is_active": True}, made[:2])):
        found = service.call("POST", HOOKS + "list", query).json()
        assert [w["webhook_id"] for w in found["results"]] == wanted
        assert found["total"] == len(wanted)


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=x", "offset=-1", "offset=10001",
                                   "cursor=nonsense", "include_total=perhaps"])
def test_list_query_refused(service, query):
    reply = service.call("POST", HOOKS + "list?" + query)
    assert faults(reply) == [["query", query.split("=")[0]]]


@pytest.mark.parametrize("event_type", ["", "a.*", "*", "a", "a..b", 5])
def test_list_filter_refused(service, event_type):
    reply = service.call("POST", HOOKS + "list", {"event_type": event_type})
    assert faults(reply) == [["body", "event_type"]]


def test_query_and_body_faults_at_once(service, hook):
    reply = service.call("POST", HOOKS + "list?limit=0&cursor=zz", {"is_active": 5})
    assert faults(reply) == [["query", "limit"], ["query", "cursor"], ["body", "is_active"]]
    assert faults(service.call("POST", HOOKS + "list?limit=0")) == [["query", "limit"]]
    path = HOOKS + hook["webhook_id"]
    reply = service.call("PATCH", path + "?held=q", {"is_active": 5, "webhook_name": "changed"})
    assert faults(reply) == [["query", "held"], ["body", "is_active"]]
    reply = service.call("PATCH", path + "?held=q", {"webhook_name": "changed"})
    assert faults(reply) == [["query", "held"]]
    assert service.call("GET", path).json() == hook
    assert service.call("PATCH", path + "?zz=1", {}).status_code == 200


def test_cursor_of_another_list(make):
    service = make().start()
    for _ in range(2):
        service.webhook(URL, ["a.b"])
    service.publish("a.b")
    cursors = [service.call(method, path + "?limit=1").json()["pagination"]["next_cursor"]
               for method, path in (("POST", HOOKS + "list"), ("GET", "/v1/deliveries"))]
    assert None not in cursors
    for cursor in reversed(cursors):
        there = service.call("POST", HOOKS + "list?cursor=" + cursor)
        here = service.call("GET", "/v1/deliveries?cursor=" + cursor)
        ours, foreign = (there, here) if cursor == cursors[0] else (here, there)
        assert len(ours.json()["results"]) == 1
        assert faults(foreign) == [["query", "cursor"]]


def test_deliveries_of_a_removed_webhook(make, receiver):
    service = make().start()
    hook = service.webhook(receiver.url("/gone"), ["a.b"])["webhook_id"]
    event = service.publish("a.b")["event_id"]
    service.settled(event, "delivered")
    assert service.call("DELETE", HOOKS + hook).status_code == 204
    assert service.call("GET", HOOKS + hook).status_code == 404
    assert [d["event_id"] for d in service.deliveries(webhook_id=hook)] == [event]
    assert service.deliveries(webhook_id=hook, event_id="unknown") == []
    other = service.admin("key", "add", service.admin("org", "add", "other"), "--scopes", "read")
    found = service.call("GET", "/v1/deliveries?webhook_id=" + hook, key=other)
    assert found.status_code == 200 and found.json()["results"] == []


def test_statuses(service, hook):
    def error(reply):
        text = reply.json()
        assert text["success"] is False and text["status"] == reply.status_code
        return reply.status_code, text["error"]["type"]
    path = HOOKS + hook["webhook_id"]
    reply = service.call("GET", path, headers={"Authorization": None})
    assert error(reply) == (401, "AuthenticationError")
    assert reply.headers["WWW-Authenticate"].startswith("Bearer")
    for header in ("Bearer sk_live_wrong", "Basic abc", "Bearer", service.key):
        reply = service.call("GET", path, headers={"Authorization": header})
        assert error(reply)[0] == 401
    reply = service.call("GET", path, headers={"Authorization": "bEARER " + service.key})
    assert reply.status_code == 200
    assert error(service.call("GET", "/v1/nothing")) == (404, "NotFoundError")
    assert error(service.call("GET", HOOKS + "wh_0000000000")) == (404, "NotFoundError")
    reply = service.call("POST", path, {})
    assert error(reply) == (405, "MethodNotAllowedError") and "PATCH" in reply.headers["Allow"]
    reply = service.call("POST", HOOKS, data=b"x=1",
                         headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert error(reply) == (415, "UnsupportedMediaTypeError")
    reply = service.call("POST", HOOKS, data=b'{"webhook_name":"' + b"x" * 300000 + b'"}')
    assert error(reply) == (413, "PayloadTooLargeError")


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b"[1]", b'{"webhook_name": 01}'])
def test_malformed_is_one_fault(service, data):
    assert faults(service.call("POST", HOOKS, data=data)) == [["body"]]


def test_channels_keep_their_pairing(service):
    first = {"channel": "webhook", "configs": {"url": URL + "/1"}}
    second = {"channel": "http", "configs": {"url": URL + "/2", "headers": {"X-K": "v"}}}
    made = service.call("POST", HOOKS, body(channels=[first, second])).json()
    shown = service.call("PATCH", HOOKS + made["webhook_id"],
                         {"channels": [made["channels"][1], made["channels"][0]]}).json()
    assert [c["configs"]["url"] for c in shown["channels"]] == [URL + "/2", URL + "/1"]
    assert shown["channels"][0]["configs"]["headers"] == {"X-K": "v"}


def test_secret(service, hook):
    secret = service.secret(hook["webhook_id"])
    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]+=*", secret)
    assert service.call("GET", HOOKS + "wh_0000000000/secret").status_code == 404
    assert secret not in service.call("GET", HOOKS + hook["webhook_id"]).text


def test_foreign_id_is_unknown(service, hook):
    other = service.admin("org", "add", "stranger")
    key = service.admin("key", "add", other, "--scopes", "publish,read,manage")
    path = HOOKS + hook["webhook_id"]
    for method in ("GET", "PATCH", "PUT"):
        sent = None if method == "GET" else body()
        assert service.call(method, path, sent, key=key).status_code == 404
    assert service.call("DELETE", path, key=key).status_code == 204
    assert service.call("GET", path).status_code == 200
    assert service.call("GET", HOOKS, key=key).json() == []
