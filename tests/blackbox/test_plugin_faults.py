"""test_plugin_faults.py - plugins that crash, hang and leak, and what is left standing.

SPDX-License-Identifier: MIT
"""
import re
import shutil
import subprocess

import pytest

from harness import BIN, BUILD, CHANNELS, HOOKS, LOOPBACK, QUICK, Reply, wait_until
from test_names import sanitized


def plugin_place(service, name):
    """A copy of a test's plugin that only we may write."""
    path = service.folder / f"{name}.so"
    shutil.copy(BUILD / "tests" / "plugins" / ".libs" / f"{name}.so", path)
    path.chmod(0o755)
    return path


def declare(service, declarations, extra=""):
    listed = CHANNELS.replace("\n);", ",\n    " + ",\n    ".join(declarations) + "\n);")
    service.conf.write_text(LOOPBACK + QUICK + listed + extra)


def hook_add(service, channel, configs, kind):
    reply = service.call("POST", HOOKS, {
        "webhook_name": channel, "event_types": [kind],
        "channels": [{"channel": channel, "configs": configs}]})
    assert reply.status_code == 201, reply.text
    return reply.json()


@pytest.fixture
def crashing(make):
    service = make()
    plugin = plugin_place(service, "crash_prepare")
    declare(service, [f'{{ name = "frail"; plugin = "{plugin}"; }}'])
    return service.start()


def died(service):
    return service.process.poll() is not None


@pytest.mark.skipif(sanitized(), reason="a sanitizer reports the crash, as it should")
def test_three_strikes(crashing, receiver):
    """Only the delivery inside the call is blamed; after three crashes it fails, the rest goes on."""
    service = crashing
    hook_add(service, "frail", {"url": receiver.url("/frail")}, "*")
    event = "crash-1"
    # The process may die between the commit and the answer.
    service.call("POST", "/v1/events", {"event_type": "plugin.crash", "event_id": event})
    for strike in range(1, 4):
        wait_until(lambda: died(service), f"crash {strike}")
        assert service.process.returncode < 0  # a signal
        last = service.log_text().strip().splitlines()[-1]
        assert re.search(r" error died of SIGSEGV inside plugin=stub channel=frail call=prepare",
                         last), last
        if strike < 3:
            service.launch()
    service.start()
    done = service.settled(event, "failed")
    assert "crashed on it three times" in done["last_error"]
    other = service.publish("plugin.fine")["event_id"]
    assert service.settled(other, "delivered")["attempts"]
    assert not died(service)


@pytest.mark.skipif(sanitized(), reason="a sanitizer reports the crash, as it should")
def test_kill_blames_nobody(crashing, receiver):
    service = crashing
    hook_add(service, "frail", {"url": receiver.url("/slow")}, "plugin.slow")
    receiver.script("/slow", Reply(hang=True))
    event = service.publish("plugin.slow")["event_id"]
    receiver.wait("/slow")
    for _ in range(4):
        service.kill()
        service.start()
        count = len(receiver.at("/slow"))
        receiver.wait("/slow", count)
    receiver.script("/slow", Reply())
    receiver.released.set()
    assert service.settled(event, "delivered")["state"] == "delivered"


@pytest.fixture
def delivering(make):
    """A channel that delivers by itself, with two threads of the slow lane."""
    def one(limit=None):
        service = make()
        plugin = plugin_place(service, "deliver")
        service.release = service.folder / "release"
        service.out = service.folder / "out"
        declare(service, [f'{{ name = "own"; plugin = "{plugin}"; '
                          f'release = "{service.release}"; }}'],
                'server = { threads = 4; };\n' if limit else "")
        conf = service.conf.read_text().replace(
            "delivery = {", "delivery = { lane_threads = 2; in_flight = 10;")
        service.conf.write_text(conf)
        return service
    return one


def lines(service):
    return service.out.read_text().splitlines() if service.out.exists() else []


@pytest.mark.threads
def test_deliver(delivering):
    service = delivering().start()
    hook_add(service, "own", {"file": str(service.out)}, "*")
    done = service.settled(service.publish("plugin.fine")["event_id"], "delivered")
    assert done["attempts"][0]["reason"] == "attempt 1 of own"
    assert done["last_status_code"] == 7
    refused = service.settled(service.publish("plugin.refuse")["event_id"], "failed")
    assert refused["last_error"] == "attempt 1 of own"
    assert len(lines(service)) == 1


@pytest.mark.threads
def test_hang(delivering, receiver):
    """A call that does not come back is given up; other channels never notice."""
    service = delivering().start()
    hook_add(service, "own", {"file": str(service.out)}, "plugin.*")
    service.webhook(receiver.url("/fine"), ["http.*"])
    hung = service.publish("plugin.hang")["event_id"]
    for number in range(20):
        service.publish("http.event", event_id=f"e{number}")
    receiver.wait("/fine", 20)

    def first_try():
        rows = service.deliveries(event_id=hung)
        reply = service.call("GET", f"/v1/deliveries/{rows[0]['delivery_id']}").json()
        return reply["attempts"] or None
    tried = wait_until(first_try, "given up")
    assert "did not come back in time" in tried[0]["reason"]
    assert tried[0]["outcome"] == "retry"
    assert "plugin=deliver channel=own did not come back in time" in service.log_text()
    service.release.write_text("")
    assert service.settled(hung, "delivered")
    fine = service.publish("plugin.fine")["event_id"]
    assert service.settled(fine, "delivered")
    assert service.stop() == 0


def test_stop_while_hanging(delivering):
    """A stop does not wait for ever for a plugin, and what it had is still there."""
    service = delivering()
    service.conf.write_text(service.conf.read_text().replace('release = "', 'timeout = "60s"; release = "')
                            + 'server = { stop_timeout = "200ms"; };\n')
    service.start()
    hook_add(service, "own", {"file": str(service.out)}, "plugin.*")
    event = service.publish("plugin.hang")["event_id"]
    wait_until(lambda: service.deliveries(event_id=event)[0]["state"] == "sending", "sending")
    assert service.stop() == 0
    assert "while a plugin had not come back" in service.log_text()
    service.release.write_text("")
    service.start()
    assert service.settled(event, "delivered")


@pytest.mark.skipif(sanitized(), reason="a sanitizer needs more descriptors than this allows")
def test_leak(delivering):
    """Before descriptors run out the process ends in order, says why, and loses nothing."""
    service = delivering(limit=True)
    # Without descriptors deliveries fail for a while: they must have tries left.
    service.conf.write_text(service.conf.read_text().replace(
        '[ "100ms", "100ms", "100ms" ]', "[ " + ", ".join(['"200ms"'] * 30) + " ]"))
    limited = service.folder / "limited"
    limited.write_text(f"#!/bin/sh\nexec prlimit --nofile=160:160 {BIN} \"$@\"\n")
    limited.chmod(0o755)
    service.start()
    hook_add(service, "own", {"file": str(service.out)}, "plugin.*")
    assert service.stop() == 0

    with open(service.log, "ab") as log:
        service.ready_before = service.log_text().count(" ready ")
        service.process = subprocess.Popen([str(limited), "serve", *service.arguments()],
                                           stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    wait_until(service.is_ready, "ready")
    sent = []
    while not died(service) and len(sent) < 400:
        reply = service.call("POST", "/v1/events", {"event_type": "plugin.leak"})
        if reply.status_code != 202:
            break
        sent.append(reply.json()["event_id"])
    wait_until(lambda: died(service), "the end")
    assert service.process.returncode == 1
    text = service.log_text()
    assert re.search(r"descriptors are nearly used up.* plugins=.*deliver", text), text[-2000:]
    service.start()
    for event in sent:
        service.settled(event, "delivered")
    assert {line.split()[0] for line in lines(service)} >= set(sent)
