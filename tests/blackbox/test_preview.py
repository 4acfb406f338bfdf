"""test_preview.py - what channels would send, shown without sending it.

SPDX-License-Identifier: MIT
"""
import json

from harness import HOOKS

PREVIEW = HOOKS + "preview"


def preview(service, status=200, **body):
    reply = service.call("POST", PREVIEW, body)
    assert reply.status_code == status, reply.text
    return reply.json()


def header(request, name):
    return [h["value"] for h in request["headers"] if h["name"].lower() == name]


def channel(url, **configs):
    return {"channel": "webhook", "configs": dict({"url": url}, **configs)}


def test_new_webhook(service, shared_receiver):
    """Nothing arrives, nothing is stored, and the body is what a delivery would carry."""
    url = shared_receiver.url("/preview")
    reply = preview(service, channels=[channel(url, headers={"Authorization": "Bearer t"})],
                    event={"event_type": "a.b", "data": {"n": 1}})
    one, = reply["results"]
    assert one["channel"] == "webhook" and one["targets"] == [url] and one["error"] is None
    request = one["request"]
    assert request["url"] == url and request["method"] == "POST" and not request["is_cut"]
    assert header(request, "content-type") == ["application/json"]
    assert header(request, "authorization") == ["****"]
    assert header(request, "webhook-signature")[0].startswith("v1,")
    body = json.loads(request["body"])
    assert body["event_type"] == "a.b" and body["data"] == {"n": 1}
    assert body["webhook_name"] == "Preview"
    assert not shared_receiver.at("/preview")
    listed = service.call("POST", HOOKS + "list", {}).json()["results"]
    assert all(w["webhook_name"] != "Preview" for w in listed)


def test_template(service):
    reply = preview(service, channels=[channel(
        "http://127.0.0.1:9/", payload_template={"size": "{{data.size}}", "t": "{event_type}!"})])
    assert json.loads(reply["results"][0]["request"]["body"]) == {
        "size": 1024, "t": "object.created!"}


def test_stored_webhook(service):
    """Over a stored one: its secrets are restored, what the body gives is changed."""
    hook = service.webhook("http://127.0.0.1:9/stored", name="stored")
    one, = preview(service, webhook_id=hook["webhook_id"])["results"]
    body = json.loads(one["request"]["body"])
    assert body["webhook_id"] == hook["webhook_id"] and body["webhook_name"] == "stored"
    one, = preview(service, webhook_id=hook["webhook_id"], webhook_name="new")["results"]
    assert json.loads(one["request"]["body"])["webhook_name"] == "new"
    again = service.call("GET", HOOKS + hook["webhook_id"]).json()
    assert again["webhook_name"] == "stored" and again["updated_at"] == hook["updated_at"]


def test_faults(service):
    """All at once, with the place of each."""
    reply = preview(service, 422, channels=[channel("http://127.0.0.1:9/",
                                                    payload_template={"a": "{{#x}}"})],
                    event={"event_type": "nodot", "more": 1})
    places = [fault["loc"] for fault in reply["detail"]]
    assert ["body", "channels", 0, "configs", "payload_template"] in places
    assert ["body", "event", "event_type"] in places
    assert ["body", "event", "more"] in places
    assert preview(service, 422)["detail"][0]["loc"] == ["body", "channels"]
    assert preview(service, 422, channels=[], webhook_name="")["detail"]
    preview(service, 404, webhook_id="wh_0000000000")
    preview(service, 404, webhook_id="")
    assert service.call("POST", PREVIEW, data=b"{").status_code == 422


def test_needs_manage(service):
    key = service.admin("key", "add", service.organization, "--scopes", "read,publish")
    assert service.call("POST", PREVIEW, {}, key=key).status_code == 403


def test_foreign_webhook(service):
    """Another organization's webhook answers like none."""
    hook = service.webhook("http://127.0.0.1:9/mine")
    other = service.admin("org", "add", "other")
    key = service.admin("key", "add", other, "--scopes", "manage")
    reply = service.call("POST", PREVIEW, {"webhook_id": hook["webhook_id"]}, key=key)
    assert reply.status_code == 404
