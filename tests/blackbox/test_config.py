"""Configuration: faults with their place, check, settings, secrets, administration.

SPDX-License-Identifier: MIT
"""
import socket

import pytest

from harness import BIN, CHANNELS, PLUGINS, TOP, tocsin, wait_until


@pytest.fixture
def check(tmp_path):
    def one(text):
        path = tmp_path / "tocsin.conf"
        path.write_text(text)
        return tocsin("check", conf=path)
    return one


def test_shipped_file():
    done = tocsin("check", conf=TOP / "conf" / "tocsin.conf")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("tocsin.conf: ok\n")


def test_all_faults_at_once(check):
    done = check('delivery = {\n  in_flight = 0;\n  tiemout = "10s";\n  timeout = 10;\n};\n'
                 + CHANNELS)
    assert done.returncode == 1 and done.stdout == ""
    lines = done.stderr.splitlines()
    assert any(":2:" in l and "delivery.in_flight" in l and "100000" in l for l in lines)
    assert any(":3:" in l and "tiemout" in l and "timeout" in l for l in lines)
    assert any(":4:" in l and "delivery.timeout" in l for l in lines)


@pytest.mark.parametrize("text, words", [
    ("delivery = {", ["tocsin.conf:"]),
    ("nosuch = 1;\n" + CHANNELS, [":1:", "nosuch"]),
    ('store = { path = 5; };\n' + CHANNELS, [":1:", "store.path"]),
    ('retry = { schedule = [ "soon" ]; };\n' + CHANNELS, [":1:", "retry.schedule", "soon"]),
    ('guard = { allow = [ "10.0.0.0/99" ]; };\n' + CHANNELS, [":1:", "guard.allow"]),
    ('server = { socket = "pigeon:x"; };\n' + CHANNELS, [":1:", "server.socket"]),
    ('channels = ( { name = "a"; } );', [":1:", "plugin"]),
    ('channels = ( { name = "a"; plugin = "http.so"; }, { name = "a"; plugin = "http.so"; } );',
     ["a"]),
    ('channels = ( { name = "a"; plugin = "http.so"; colour = "red"; } );', ["colour"]),
])
def test_fault(check, text, words):
    done = check(text)
    assert done.returncode == 1
    for word in words:
        assert word in done.stderr


def test_missing_file():
    done = tocsin("check", conf="/nowhere/tocsin.conf")
    assert done.returncode == 1 and "/nowhere/tocsin.conf" in done.stderr


def test_include(tmp_path):
    (tmp_path / "part.conf").write_text("\ndelivery = { in_flight = -1; };\n")
    conf = tmp_path / "tocsin.conf"
    conf.write_text('@include "part.conf"\n' + CHANNELS)
    done = tocsin("check", conf=conf)
    assert done.returncode == 1 and "part.conf:2:" in done.stderr


def test_serve_refuses_faults(make):
    service = make(conf="nosuch = 1;\n" + CHANNELS).launch()
    assert service.process.wait(20) == 1
    assert "nosuch" in service.log_text() and not service.db.exists()


def test_settings_and_overrides(tmp_path):
    text = tocsin("settings").stdout
    for key in ("server.socket", "store.path", "delivery.in_flight", "retry.schedule"):
        assert key in text
    conf = tmp_path / "tocsin.conf"
    conf.write_text(CHANNELS)
    assert tocsin("check", "-o", "delivery.in_flight=5", conf=conf).returncode == 0
    done = tocsin("check", "-o", "delivery.in_flight=none", conf=conf)
    assert done.returncode == 1 and "delivery.in_flight" in done.stderr
    assert tocsin("check", "-o", "nosuch.key=1", conf=conf).returncode == 1


def test_channels_listed(tmp_path):
    conf = tmp_path / "tocsin.conf"
    conf.write_text(CHANNELS)
    text = tocsin("channels", conf=conf).stdout
    lines = [line for line in text.splitlines() if line and not line.startswith(" ")]
    assert [l.split("\t")[0] for l in lines] == ["webhook", "http"]
    assert str(PLUGINS) in lines[0]
    assert "\n    url  http or https URL, required, target\n" in text
    assert "\n  settings, in tocsin.conf" in text and "schemes http,https" in text


def test_usage():
    assert tocsin("nonsense").returncode == 2
    assert "tocsin" in tocsin("version").stdout
    assert tocsin("help").returncode == 0


def test_administration_on_a_closed_store(make):
    service = make()
    organization = service.admin("org", "add", "Früh & Söhne")
    assert organization.startswith("org_")
    key = service.admin("key", "add", organization, "--scopes", "publish", "--test")
    assert key.startswith("sk_test_") and len(key) >= 8 + 27
    assert organization in service.admin("org", "list")
    assert key not in service.admin("key", "list", organization)
    assert key.encode() not in service.db.read_bytes()
    service.key = key
    service.start()
    assert service.publish()["event_id"]


@pytest.mark.threads
def test_revoked_at_once(make):
    service = make().start()
    key = service.admin("key", "add", service.organization, "--scopes", "read")
    assert service.call("GET", "/v1/deliveries", key=key).status_code == 200
    service.admin("key", "revoke", key)
    wait_until(lambda: service.call("GET", "/v1/deliveries", key=key).status_code == 401,
               "revocation", 1)
    assert service.admin_run("key", "revoke", key).returncode == 1
    assert key not in service.log_text()


def test_administration_refusals(make):
    service = make().start()
    assert service.admin_run("key", "add", "org_nosuchorg0", "--scopes", "read").returncode == 1
    assert service.admin_run("key", "add", service.organization, "--scopes", "all").returncode == 2
    assert service.admin_run("key", "add", service.organization).returncode == 2
    assert service.admin_run("org", "nonsense").returncode == 2
    listed = service.admin_run("key", "list", "org_nope")
    assert listed.returncode == 1 and "no organization org_nope" in listed.stderr


def test_control_socket_is_private(make):
    service = make().start()
    assert (service.folder / "t.db.ctl").stat().st_mode & 0o777 == 0o600


@pytest.mark.threads
def test_silent_peers_delay_nobody(make):
    """More of them than the server keeps; half of them have said half of something."""
    service = make().start()
    peers = []
    for number in range(100):
        peers.append(socket.socket(socket.AF_UNIX))
        peers[-1].connect(str(service.folder / "t.db.ctl"))
        if number % 2:
            peers[-1].sendall(b"org")
    assert service.organization in service.admin("org", "list")
    # Served one after the other, all of them would be gone before the reply.
    peers[-1].setblocking(False)
    with pytest.raises(BlockingIOError):
        peers[-1].recv(1)
    for peer in peers:
        peer.settimeout(20)
        try:
            assert peer.recv(1) == b""
        except ConnectionResetError:
            pass
        peer.close()
    assert service.organization in service.admin("org", "list")


def test_long_store_path(make):
    service = make()
    folder = service.folder / ("x" * 100)
    folder.mkdir()
    service.db = folder / "t.db"
    service.options[1] = f"store.path={service.db}"
    service.start()
    assert service.admin("org", "list")
    assert BIN.exists()
