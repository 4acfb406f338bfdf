"""tour.py - the demo's tour: a webhook is made, an event published, its delivery shown.

Usage: tour.py DIR URL KEY, beside a running receiver.py DIR.
SPDX-License-Identifier: MIT
"""
import json
import pathlib
import sys
import time
import urllib.error
import urllib.request

FOLDER, URL, KEY = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
WAIT_S = 20


def call(method, path, body=None):
    request = urllib.request.Request(URL + path, method=method, headers={
        "Authorization": "Bearer " + KEY, "Content-Type": "application/json"})
    data = None if body is None else json.dumps(body).encode()
    try:
        with OPENER.open(request, data, timeout=10) as reply:
            return json.load(reply)
    except urllib.error.HTTPError as error:
        sys.exit(f"{method} {path}: {error.code} {error.read().decode()}")


def wait_for(find):
    until = time.monotonic() + WAIT_S
    while time.monotonic() < until:
        found = find()
        if found:
            return found
        time.sleep(0.02)
    sys.exit(f"nothing within {WAIT_S} s")


def receiver_port():
    path = FOLDER / "receiver.port"
    return path.exists() and path.read_text()


def arrival():
    lines = (FOLDER / "receiver.log").read_text().splitlines()
    return json.loads(lines[0]) if lines else None


target = f"http://127.0.0.1:{wait_for(receiver_port)}/tour"
webhook = call("POST", "/v1/organizations/webhooks/", {
    "webhook_name": "Tour", "event_types": ["tour.*"],
    "channels": [{"channel": "webhook", "configs": {"url": target}}]})
webhook_id = webhook["webhook_id"]
print(f"1. webhook {webhook_id} sends tour.* to {target}")

secret = call("GET", f"/v1/organizations/webhooks/{webhook_id}/secret")["secret"]
(FOLDER / "secrets").write_text(f"/tour {secret}\n")

started = time.monotonic()
event = call("POST", "/v1/events", {"event_type": "tour.started",
                                    "data": {"hello": "world", "n": 1.50}})
print(f"2. event {event['event_id']} stored, {event['deliveries']} delivery to make")

got = wait_for(arrival)
print(f"3. arrived {1000 * (time.monotonic() - started):.0f} ms after publishing: {got['verdict']}")
for name in ("webhook-id", "webhook-timestamp", "webhook-signature"):
    print(f"     {name}: {got['headers'].get(name)}")
print(f"     {got['body']}")


def delivered():
    rows = call("GET", f"/v1/deliveries?event_id={event['event_id']}")["results"]
    return rows[0] if rows and rows[0]["state"] == "delivered" else None


row = wait_for(delivered)
print(f"4. recorded: {row['delivery_id']} {row['state']} after {row['attempts']} attempt, "
      f"status {row['last_status_code']}")
sys.exit(0 if got["verdict"] == "signature verified" else 1)
