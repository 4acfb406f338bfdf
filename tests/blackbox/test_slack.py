"""Slack: both forms against receivers that answer as Slack's documentation says.

SPDX-License-Identifier: MIT
"""
import json
import time

import pytest

from harness import CHANNELS, HOOKS, LOOPBACK, QUICK, Receiver, Reply, Service, wait_until

TOKEN = "xoxb-1-s3cret"
POST = "/api/chat.postMessage"
RATE = 4


def declared(api):
    """Three looks of one plugin: without and with defaults, and one that is paced."""
    rows = f"""
    , {{ name = "slack"; plugin = "slack.so"; rate = 0; api_base = "{api}"; }}
    , {{ name = "slack-oncall"; plugin = "slack.so"; rate = 0; api_base = "{api}/";
        username = "On call"; icon_emoji = ":rotating_light:"; }}
    , {{ name = "slack-paced"; plugin = "slack.so"; rate = {RATE}; }}
);
"""
    return LOOPBACK + QUICK + CHANNELS.replace("\n);\n", rows)


@pytest.fixture(scope="module")
def slack():
    """Slack's side: the API and every hook."""
    one = Receiver()
    yield one
    one.close()


@pytest.fixture(scope="module")
def service(base, slack):
    one = Service(base / "slack", conf=declared(slack.url("/api")))
    one.start()
    yield one
    one.close()


def hook_add(service, configs, event_type, channel="slack", name="Ops", status=201):
    reply = service.call("POST", HOOKS, {
        "webhook_name": name, "event_types": [event_type],
        "channels": [{"channel": channel, "configs": configs}]})
    assert reply.status_code == status, reply.text
    return reply.json()


def attempts_of(shown):
    return shown["attempts"] if isinstance(shown["attempts"], list) else shown["attempt_records"]


def posted(channel="C042", ts="1712.23", **more):
    return Reply(200, json.dumps(dict(ok=True, channel=channel, ts=ts, **more)).encode())


def refused(error, status=200, **headers):
    return Reply(status, json.dumps({"ok": False, "error": error}).encode(), headers)


# --- what is sent ---

def test_default_message(service, slack):
    slack.script("/hook/default", Reply(200, b"ok"))
    hook_add(service, {"webhook_url": slack.url("/hook/default")}, "cluster.execution.failed",
             name="Ops & <co>")
    sent = service.publish("cluster.execution.failed", namespace_id="ns_1",
                           metadata={"collection_id": "col_9", "note": "<!channel> & \"more\"",
                                     "tries": 3}, data={"not": "shown"})
    arrival, = slack.wait("/hook/default")
    assert arrival.method == "POST"
    assert arrival.headers["Content-Type"] == "application/json"
    assert "Authorization" not in arrival.headers
    assert arrival.headers["User-Agent"].startswith("Tocsin/")
    body = arrival.event
    assert body["text"].splitlines()[0] == "Cluster execution failed"
    assert "channel" not in body and "username" not in body
    header, section, context = body["blocks"]
    assert header["text"]["text"] == "Cluster execution failed"
    assert [field["text"] for field in section["fields"]] == [
        "*Namespace*\nns_1", "*Collection id*\ncol_9",
        "*Note*\n&lt;!channel&gt; &amp; \"more\"", "*Tries*\n3"]
    line = context["elements"][0]["text"]
    assert line.startswith("Ops &amp; &lt;co&gt;") and sent["event_id"] in line
    assert "<!date^" in line and "`cluster.execution.failed`" in line
    shown = service.settled(sent["event_id"], "delivered")
    assert len(attempts_of(shown)) == 1
    assert "/hook/default" not in json.dumps(shown)


def test_bot(service, slack):
    slack.script(POST, posted(message={"text": "x" * 9000}))
    hook = hook_add(service, {"bot_token": TOKEN, "channel_id": "C042"}, "bot.made")
    sent = service.publish("bot.made", data={"id": 1})
    shown = service.settled(sent["event_id"], "delivered")
    arrival = slack.at(POST)[-1]
    assert arrival.headers["Authorization"] == "Bearer " + TOKEN
    assert arrival.headers["Content-Type"] == "application/json; charset=utf-8"
    assert arrival.event["channel"] == "C042" and arrival.event["text"]
    assert attempts_of(shown)[0]["reason"] == "posted as ts 1712.23 in C042"
    assert shown["target"] == "C042"
    assert TOKEN not in json.dumps(hook) + json.dumps(shown) + service.log_text()


def test_blocks_template(service, slack):
    slack.script("/hook/blocks", Reply(200, b"ok"))
    hook_add(service, {
        "webhook_url": slack.url("/hook/blocks"),
        "text_template": "<!here> {{data.note}}",
        "blocks_template": json.dumps({"blocks": [
            {"type": "section", "text": {"type": "mrkdwn", "text": "{{data.note}}"}},
            {"type": "section", "fields": [{"type": "mrkdwn", "text": "{{data.count}}"},
                                           {"type": "mrkdwn", "text": "{{data.missing}}"}]},
            {"type": "actions", "elements": [
                {"type": "button", "text": {"type": "plain_text", "text": "Open"},
                 "url": "{{data.link}}"}]},
            "{{data.no_block}}"]})}, "blocks.made")
    service.publish("blocks.made", data={
        "note": "\"quoted\" \\ <!channel> & {{data.count}}", "count": 7,
        "link": "https://example.com/?a=1&b=2"})
    body = slack.wait("/hook/blocks")[0].event
    escaped = "\"quoted\" \\ &lt;!channel&gt; &amp; {{data.count}}"
    assert body["text"] == "<!here> " + escaped
    first, second, third = body["blocks"]
    assert first["text"] == {"type": "mrkdwn", "text": escaped}
    assert [f["text"] for f in second["fields"]] == ["7", "-"]
    assert third["elements"][0]["url"] == "https://example.com/?a=1&b=2"


def test_blocks_beyond_limits(service, slack):
    slack.script("/hook/long", Reply(200, b"ok"))
    hook_add(service, {
        "webhook_url": slack.url("/hook/long"),
        "blocks_template": [
            {"type": "header", "text": {"type": "plain_text", "text": "{{data.long}}"}},
            {"type": "section", "text": {"type": "mrkdwn", "text": "{{data.angles}}"}}]},
        "blocks.long")
    service.publish("blocks.long", data={"long": "ü" * 5000, "angles": "<" * 5000})
    header, section = slack.wait("/hook/long")[0].event["blocks"]
    assert header["text"]["text"] == "ü" * 149 + "…"
    assert section["text"]["text"] == "&lt;" * 749 + "…"


@pytest.mark.parametrize("template, reason", [
    ({"text": "no blocks"}, "without \"blocks\""),
    ([{"type": "divider"}] * 51, "51 blocks"),
], ids=["no blocks", "51 blocks"])
def test_blocks_that_slack_refuses(service, slack, template, reason):
    kind = "blocks" + str(len(template)) + ".refused"
    hook_add(service, {"webhook_url": slack.url("/hook/" + kind), "blocks_template": template},
             kind)
    sent = service.publish(kind)
    shown = service.settled(sent["event_id"], "failed")
    assert reason in attempts_of(shown)[-1]["reason"]
    assert slack.at("/hook/" + kind) == []


def test_two_declarations(service, slack):
    """Defaults are the declaration's; a webhook's own go before them."""
    for path, channel, configs in (("/hook/plain", "slack", {}),
                                   ("/hook/oncall", "slack-oncall", {}),
                                   ("/hook/own", "slack-oncall",
                                    {"username": "Me", "icon_url": "https://example.com/i.png"})):
        slack.script(path, Reply(200, b"ok"))
        hook_add(service, dict(configs, webhook_url=slack.url(path)), "look.made", channel)
    service.publish("look.made")
    plain = slack.wait("/hook/plain")[0].event
    oncall = slack.wait("/hook/oncall")[0].event
    own = slack.wait("/hook/own")[0].event
    assert "username" not in plain and "icon_emoji" not in plain
    assert (oncall["username"], oncall["icon_emoji"]) == ("On call", ":rotating_light:")
    assert (own["username"], own["icon_url"]) == ("Me", "https://example.com/i.png")
    assert "icon_emoji" not in own


# --- what is made of the answers ---

@pytest.mark.parametrize("replies, state, attempts", [
    ([refused("internal_error"), posted()], "delivered", 2),
    ([refused("service_unavailable"), posted()], "delivered", 2),
    ([Reply(200, b"<html>"), posted()], "delivered", 2),
    ([Reply(503, b"down"), posted()], "delivered", 2),
    ([refused("channel_not_found")], "failed", 1),
    ([refused("invalid_auth")], "failed", 1),
    ([refused("never_heard_of")], "failed", 1),
], ids=["internal", "unavailable", "no json", "503", "no channel", "no auth", "unknown"])
def test_bot_answers(service, slack, replies, state, attempts, request):
    kind = request.node.name.split("[")[1][:-1].replace(" ", "") + ".bot"
    slack.script(POST, *replies)
    hook_add(service, {"bot_token": TOKEN, "channel_id": "C043"}, kind)
    sent = service.publish(kind)
    records = attempts_of(service.settled(sent["event_id"], state))
    assert len(records) == attempts
    answer = json.loads(replies[0].body) if replies[0].body.startswith(b"{") else {}
    assert answer.get("error", "") in records[0]["reason"] and records[0]["reason"]


@pytest.mark.parametrize("form", ["webhook", "bot"])
def test_rate_limited(service, slack, form):
    """Retry-After is honoured although the schedule would try again after 100 ms."""
    kind = f"limited.{form}"
    path = POST if form == "bot" else "/hook/limited"
    slack.script(path, *((refused("ratelimited", 429, **{"Retry-After": "1"}), posted())
                         if form == "bot" else
                         (Reply(429, b"rate_limited", {"Retry-After": "1"}), Reply(200, b"ok"))))
    before = len(slack.at(path))
    hook_add(service, {"bot_token": TOKEN, "channel_id": "C044"} if form == "bot" else
             {"webhook_url": slack.url(path)}, kind)
    sent = service.publish(kind)
    service.settled(sent["event_id"], "delivered")
    first, second = slack.at(path)[before:]
    assert second.at - first.at >= 0.95
    assert first.body == second.body


@pytest.mark.parametrize("reply", [
    Reply(404, b"no_service"), Reply(404, b"no_active_hooks"), Reply(410, b"channel_is_archived"),
], ids=lambda reply: reply.body.decode())
def test_revoked_disables(service, slack, reply):
    name = reply.body.decode()
    kind = name + ".hook"
    slack.script("/hook/" + name, reply)
    hook = hook_add(service, {"webhook_url": slack.url("/hook/" + name)}, kind)
    sent = service.publish(kind)
    shown = service.settled(sent["event_id"], "failed")
    assert len(attempts_of(shown)) == 1 and name in attempts_of(shown)[0]["reason"]

    def disabled():
        now = service.call("GET", HOOKS + hook["webhook_id"]).json()
        return now if now["channels"][0].get("status") == "disabled" else None
    wait_until(disabled, "the channel is disabled")


def test_channel_not_found(service, slack):
    slack.script("/hook/named", Reply(404, b"channel_not_found"))
    hook_add(service, {"webhook_url": slack.url("/hook/named"), "channel": "#ops"}, "named.hook")
    sent = service.publish("named.hook")
    shown = service.settled(sent["event_id"], "failed")
    assert slack.at("/hook/named")[0].event["channel"] == "#ops"
    reason = attempts_of(shown)[0]["reason"]
    assert "channel_not_found" in reason and "take \"channel\" out" in reason


def test_guard(make, slack):
    """tocsin.conf names the API's host, so it may be on loopback; a tenant's URL may not."""
    slack.script(POST, posted())
    one = make(conf=declared(slack.url("/api")).replace(LOOPBACK, "")).start()
    hook_add(one, {"bot_token": TOKEN, "channel_id": "C045"}, "guard.bot")
    one.settled(one.publish("guard.bot")["event_id"], "delivered")
    hook_add(one, {"webhook_url": slack.url("/hook/guarded")}, "guard.hook", status=422)
    assert slack.at("/hook/guarded") == []


# --- what is refused at once ---

@pytest.mark.parametrize("configs, field", [
    ({}, None),
    ({"webhook_url": "https://hooks.slack.com/x", "bot_token": TOKEN, "channel_id": "C1"}, None),
    ({"bot_token": TOKEN}, "channel_id"),
    ({"channel_id": "C1"}, "bot_token"),
    ({"bot_token": "x y", "channel_id": "C1"}, "bot_token"),
    ({"bot_token": TOKEN, "channel_id": "C1", "channel": "#x"}, "channel"),
    ({"webhook_url": "https://hooks.slack.com/x", "thread_ts": "yesterday"}, "thread_ts"),
    ({"webhook_url": "https://hooks.slack.com/x", "text_template": "{{#a}}"}, "text_template"),
    ({"webhook_url": "https://hooks.slack.com/x", "blocks_template": "{"}, "blocks_template"),
    ({"webhook_url": "https://hooks.slack.com/x", "blocks_template": [{"t": "{{"}]},
     "blocks_template"),
    ({"webhook_url": "ftp://hooks.slack.com/x"}, "webhook_url"),
])
def test_refused(service, configs, field):
    faults = hook_add(service, configs, "refused.hook", status=422)["detail"]
    assert TOKEN not in json.dumps(faults)
    if field is not None:
        assert ["body", "channels", 0, "configs", field] in [fault["loc"] for fault in faults]


def test_secrets_masked(service, slack):
    hook = hook_add(service, {"webhook_url": slack.url("/hook/s3cret-path")}, "masked.hook")
    again = service.call("GET", HOOKS + hook["webhook_id"]).text
    assert "s3cret-path" not in json.dumps(hook) + again


# --- one message a second ---

def test_paced_without_blocking_others(service, slack, receiver):
    """A paced channel takes its time; twenty deliveries elsewhere do not wait for it."""
    slack.script("/hook/paced", Reply(200, b"ok"))
    hook_add(service, {"webhook_url": slack.url("/hook/paced")}, "paced.made", "slack-paced")
    service.webhook(receiver.url("/free"), ["free.made"])
    started = time.monotonic()
    for _ in range(4):
        service.publish("paced.made")
    for _ in range(20):
        service.publish("free.made")
    free = receiver.wait("/free", 20)
    paced = slack.wait("/hook/paced", 4)
    gaps = [later.at - earlier.at for earlier, later in zip(paced, paced[1:])]
    assert min(gaps) >= 0.9 / RATE, gaps
    assert free[-1].at < paced[-1].at, (free[-1].at - started, paced[-1].at - started)


def test_equal_masks_are_told_apart(service, slack):
    """Two channels whose secrets look alike keep theirs when the list is changed."""
    kind = "masks.alike"
    first, second = ({"channel": "slack", "configs": {
        "webhook_url": slack.url(f"/hook/mask-{name}"), "text_template": f"for {name}"}}
        for name in "ab")
    reply = service.call("POST", HOOKS, {"webhook_name": "m", "event_types": [kind],
                                         "channels": [first, second]})
    assert reply.status_code == 201, reply.text
    hook = reply.json()
    shown = [{"channel": c["channel"], "configs": c["configs"]} for c in hook["channels"]]
    reply = service.call("PATCH", HOOKS + hook["webhook_id"], {"channels": shown[::-1]})
    assert reply.status_code == 200, reply.text
    service.publish(kind)
    for name in "ab":
        assert b"for " + name.encode() in slack.wait(f"/hook/mask-{name}")[0].body
    reply = service.call("PATCH", HOOKS + hook["webhook_id"], {"channels": shown[1:]})
    assert reply.status_code == 200, reply.text
    service.publish(kind)
    assert b"for b" in slack.wait("/hook/mask-b", 2)[1].body
    assert len(slack.at("/hook/mask-a")) == 1
