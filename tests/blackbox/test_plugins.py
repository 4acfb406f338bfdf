"""Plugins: what is refused, and why, before anything runs.

SPDX-License-Identifier: MIT
"""
import os
import shutil

import pytest

from harness import BUILD, HOOKS, PLUGINS, tocsin

TEST_PLUGINS = BUILD / "tests" / "plugins"


def built(name):
    for path in (TEST_PLUGINS / ".libs" / f"{name}.so", TEST_PLUGINS / f"{name}.so"):
        if path.exists():
            return path
    pytest.skip(f"{name}.so is not built: make check builds it")


@pytest.fixture
def folder(base):
    path = base / f"plugins{len(list(base.iterdir()))}"
    path.mkdir(mode=0o755)
    return path


def check(folder, plugin, where=None):
    conf = folder / "tocsin.conf"
    conf.write_text(f'plugin_folder = "{where or folder}";\n'
                    f'channels = ( {{ name = "c"; plugin = "{plugin}"; }} );\n')
    return tocsin("check", conf=conf)


def copy(folder, name):
    path = folder / f"{name}.so"
    shutil.copy(built(name), path)
    path.chmod(0o644)
    return path


@pytest.mark.parametrize("name, words", [
    ("wrong_abi", ["ABI"]), ("wrong_size", ["size"]), ("no_symbol", ["tocsin_channel_v1"]),
    ("no_prepare", ["prepare"]), ("own_curl", ["libcurl"]), ("gnutls_bound", ["gnutls"]),
    ("bad_table", []),
])
def test_refused(folder, name, words):
    path = copy(folder, name)
    if name == "gnutls_bound":
        shutil.copy(TEST_PLUGINS / "libcurl-gnutls.so.4", folder)
    done = check(folder, path.name)
    assert done.returncode == 1
    assert path.name in done.stderr
    for word in words:
        assert word.lower() in done.stderr.lower()


def test_missing(folder):
    done = check(folder, "nosuch.so")
    assert done.returncode == 1 and "nosuch.so" in done.stderr


def test_writable_by_others(folder):
    path = folder / "http.so"
    shutil.copy(PLUGINS / "http.so", path)
    path.chmod(0o666)
    done = check(folder, "http.so")
    assert done.returncode == 1 and "writ" in done.stderr
    path.chmod(0o644)
    assert check(folder, "http.so").returncode == 0


def test_folder_writable_by_others(folder):
    inner = folder / "open"
    inner.mkdir()
    shutil.copy(PLUGINS / "http.so", inner)
    inner.chmod(0o777)
    done = check(folder, "http.so", where=inner)
    assert done.returncode == 1 and "writ" in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_owned_by_another(folder):
    path = folder / "http.so"
    shutil.copy(PLUGINS / "http.so", path)
    os.chown(path, 12345, 12345)
    assert check(folder, "http.so").returncode == 1


def test_not_even_elf(folder):
    (folder / "http.so").write_text("hello")
    assert check(folder, "http.so").returncode == 1


def test_targets_fan_out(make, receiver):
    """A foreign plugin that lists targets: one delivery each, each with its own fate."""
    service = make(conf=f"""retry = {{ schedule = [ "100ms" ]; jitter_percent = 0; }};
guard = {{ allow = [ "127.0.0.0/8" ]; }};
channels = ( {{ name = "many"; plugin = "{built("multi")}";
    gateway = "{receiver.url("/gateway")}"; }} );
""").start()
    reply = service.call("POST", HOOKS, {
        "webhook_name": "m", "event_types": ["many.test"], "channels": [{"channel": "many", "configs": {
            "phone_numbers": ["+4930123456", "+4930123457", "+4930123456"], "token": "hush-hush"}}]})
    assert reply.status_code == 201, reply.text
    assert "hush-hush" not in reply.text
    assert service.publish("many.test")["deliveries"] == 2
    bodies = [a.event["to"] for a in receiver.wait("/gateway", 2)]
    assert sorted(bodies) == ["+4930123456", "+4930123457"]
    assert "many" in service.call("GET", "/openapi.json").text
    reply = service.call("POST", HOOKS, {
        "webhook_name": "m", "event_types": ["many.test"], "channels": [{"channel": "many",
        "configs": {"phone_numbers": ["+4930123456", "12"]}}]})
    assert reply.json()["detail"][0]["loc"] == ["body", "channels", 0, "configs", "phone_numbers", 1]
