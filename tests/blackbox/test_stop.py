"""Stopping in order, restarting under load, one server a store.

SPDX-License-Identifier: MIT
"""
import signal
import subprocess
import threading
import time

import pytest
import requests

from harness import BIN, Reply, wait_until


@pytest.mark.threads
def test_stop_finishes_what_runs(make, receiver):
    service = make().start()
    receiver.script("/slow", Reply(200, delay=0.5))
    service.webhook(receiver.url("/slow"), ["stop.test"])
    sent = service.publish("stop.test")
    receiver.wait("/slow")
    assert service.stop() == 0
    assert "stopped" in service.log_text()
    service.start()
    service.settled(sent["event_id"], "delivered")
    assert len(receiver.at("/slow")) == 1
    assert service.admin("audit") == "ok"


@pytest.mark.threads
def test_stop_hands_back_what_hangs(make, receiver):
    service = make(extra='server = { stop_timeout = "300ms"; };\n').start()
    receiver.script("/hang", Reply(hang=True), Reply(200))
    service.webhook(receiver.url("/hang"), ["hang.test"], timeout=30.0)
    sent = service.publish("hang.test")
    receiver.wait("/hang")
    started = time.monotonic()
    assert service.stop() == 0
    assert time.monotonic() - started < 5
    service.start()
    service.settled(sent["event_id"], "delivered")


def test_sigint_too(make):
    service = make().start()
    service.process.send_signal(signal.SIGINT)
    assert service.process.wait(20) == 0
    assert not service.socket.exists()


def test_second_server_refuses(make):
    service = make().start()
    # Another socket: it is the store that must be refused.
    other = subprocess.run(
        [str(BIN), "serve", *service.arguments(), "-o",
         f"server.socket=unix:{service.folder}/other.sock"],
        capture_output=True, text=True, timeout=20, stdin=subprocess.DEVNULL)
    assert other.returncode == 1
    assert str(service.db) in other.stderr
    assert service.publish()["duplicate"] is False


def test_living_socket_is_not_stolen(make, base):
    service, other = make().start(), make()
    other.options[0] = f"server.socket=unix:{service.socket}"
    other.launch()
    assert other.process.wait(20) == 1
    assert str(service.socket) in other.log_text()
    service.publish()


def test_stale_socket_is_replaced(make):
    service = make().start()
    service.kill()
    assert service.socket.exists()
    service.start()

    def works():
        return service.call("GET", "/healthz").status_code == 200
    wait_until(works, "the web server's second try")


@pytest.mark.threads
def test_restart_under_load(make, receiver):
    """The listening socket outlives the process: no request fails."""
    service = make(held=True).start()
    service.webhook(receiver.url("/load"), ["load.test"])
    failed, accepted, done = [], [], threading.Event()

    def publish(prefix):
        session = requests.Session()
        session.trust_env = False
        head = {"Authorization": "Bearer " + service.key, "Content-Type": "application/json"}
        while not done.is_set():
            name = f"{prefix}-{time.monotonic_ns()}"
            reply = session.post(f"http://127.0.0.1:{service.port}/v1/events", timeout=30,
                                 headers=head, json={"event_type": "load.test", "event_id": name})
            (accepted if reply.status_code == 202 else failed).append(name)

    threads = [threading.Thread(target=publish, args=(p,)) for p in range(8)]
    for thread in threads:
        thread.start()
    for _ in range(3):
        wanted = len(accepted) + 200
        wait_until(lambda: len(accepted) >= wanted, "load")
        assert service.stop() == 0
        service.start()
    done.set()
    for thread in threads:
        thread.join()
    assert failed == []
    wait_until(lambda: set(accepted) <= {a.event["event_id"] for a in receiver.at("/load")},
               "every accepted event", 60)


def test_systemd_socket(make):
    """LISTEN_FDS: the socket is taken from descriptor 3."""
    service = make(held=True)
    script = 'exec 3<&0 0</dev/null; LISTEN_PID=$$ LISTEN_FDS=1 exec "$@"'
    with open(service.log, "ab") as log:
        service.process = subprocess.Popen(
            ["/bin/sh", "-c", script, "sh", str(BIN), "serve", *service.arguments()],
            stdin=service.held.fileno(), stdout=log, stderr=log)
    service.ready_before = 0
    wait_until(service.is_ready, "ready")
    assert "socket=systemd" in service.log_text()
    service.web_start()
    assert service.call("GET", "/healthz", key="x").status_code == 200
