"""A channel of somebody else's: built, checked, installed, declared and delivering with
nothing but what `make install` put into a tree of its own.

SPDX-License-Identifier: MIT
"""
import json
import os
import shutil
import subprocess

import pytest

import harness
from harness import BUILD, HOOKS, PREFIX, TOP, Reply, wait_until


def run(*command, **options):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True,
                          timeout=150, **options)
    assert done.returncode == 0, f"{command}:\n{done.stdout}{done.stderr}"
    return done.stdout


class Tree:
    """What `make install DESTDIR=root` left."""

    def __init__(self, root):
        self.root = root
        # What the tests' own make run is about must not reach this one.
        env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
        run("make", "-s", "-C", BUILD, "install", f"DESTDIR={root}", env=env)
        self.prefix = root / PREFIX.relative_to("/")
        self.bin = self.prefix / "bin" / "tocsin"
        self.plugins = self.prefix / "lib" / "tocsin"
        self.env = dict(env, PKG_CONFIG_PATH=str(self.prefix / "lib" / "pkgconfig"),
                        PKG_CONFIG_SYSROOT_DIR=str(root),
                        PATH=f"{self.bin.parent}:{os.environ['PATH']}")

    def flags(self):
        return run("pkg-config", "--cflags", "tocsin", env=self.env).split()


@pytest.fixture(scope="module")
def tree(base):
    root = base / "dest"
    root.mkdir(mode=0o755)
    return Tree(root)


@pytest.fixture(scope="module")
def ntfy(tree, base):
    """The example, built and installed from a folder of its own. What make said."""
    folder = base / "ntfy"
    shutil.copytree(TOP / "examples" / "ntfy", folder, ignore=shutil.ignore_patterns("*.so"))
    said = run("make", "-C", folder, "CFLAGS=-O2 -g -Wall -Wextra -Wpedantic -Werror",
               env=tree.env)
    checked = run(tree.bin, "plugin", "check", folder / "ntfy.so", env=tree.env)
    assert checked.rstrip().endswith(" 0 warnings, 0 failed"), checked
    # pkgconf puts the root before the plugin folder too, the older pkg-config does not.
    said_folder = run("pkg-config", "--variable=plugindir", "tocsin", env=tree.env).strip()
    staged = [] if said_folder.startswith(str(tree.root)) else [f"DESTDIR={tree.root}"]
    run("make", "-C", folder, "install", *staged, env=tree.env)
    assert (tree.plugins / "ntfy.so").exists()
    return said


def is_in_checkout(path):
    return str(path).startswith(f"{TOP}/")


def test_nothing_of_the_source_tree_is_used(tree, ntfy):
    words = [word[2:] if word[:2] in ("-I", "-L") else word for word in ntfy.split()]
    assert any(word.startswith(str(tree.root)) for word in words), ntfy
    assert not [word for word in words if is_in_checkout(word)], ntfy
    used = run("gcc", "-std=c11", *tree.flags(), "-M", "ntfy.c", cwd=tree.root.parent / "ntfy")
    assert str(tree.prefix / "include" / "tocsin" / "channel.h") in used
    assert not [path for path in used.split() if is_in_checkout(path)], used


def test_header_alone(tree):
    strict = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only"]
    for compiler, standard, language in [("gcc", "c11", "c"), ("g++", "c++17", "c++")]:
        if not shutil.which(compiler):
            pytest.skip(f"{compiler} is not installed")
        run(compiler, f"-std={standard}", *strict, *tree.flags(), "-x", language, "-",
            input="#include <tocsin/channel.h>\n")


def test_one_symbol(tree, ntfy):
    plugins = sorted(tree.plugins.glob("*.so"))
    assert len(plugins) >= 2
    for plugin in plugins:
        lines = run("nm", "-D", "--defined-only", plugin).splitlines()
        names = [line.split()[-1] for line in lines]
        assert [n for n in names if not n.startswith("__")] == ["tocsin_channel_v1"], plugin


CONF = """plugin_folder = "{plugins}";
retry = {{ schedule = [ "100ms", "100ms" ]; jitter_percent = 0; }};
channels = (
    {{ name = "push"; plugin = "ntfy.so"; server = "{server}"; token = "env:NTFY_TOKEN"; }},
    {{ name = "other-push"; plugin = "ntfy.so"; server = "http://127.0.0.1:9"; }}
);
"""


def test_delivers(tree, ntfy, make, receiver, monkeypatch):
    monkeypatch.setattr(harness, "BIN", tree.bin)
    # No guard.allow: the operator's own server may be on a private address.
    service = make(conf=CONF.format(plugins=tree.plugins, server=receiver.url("/")),
                   env={"NTFY_TOKEN": "tk_1234567890abcdef"}).start()
    receiver.script("/ops", Reply(503, headers={"Retry-After": "0"}), Reply(200))
    reply = service.call("POST", HOOKS, {
        "webhook_name": "phones", "event_types": ["alert.*"], "channels": [{
            "channel": "push", "configs": {
                "topics": ["alerts", "ops"], "priority": 4, "tags": ["warning", "+1"],
                "click": "https://example.com/alerts", "title_template": "{{subject}}",
                "message_template": "Grüße, {{metadata.name}}: {{event_type}}"}}]})
    assert reply.status_code == 201, reply.text
    event = service.publish("alert.triggered", subject="Disk\r\nX-Evil: 1",
                            metadata={"name": "Ada \"L\""})
    assert event["deliveries"] == 2
    arrival = receiver.wait("/alerts")[0]
    assert arrival.body.decode() == 'Grüße, Ada "L": alert.triggered'
    assert arrival.method == "POST"
    assert arrival.headers["Authorization"] == "Bearer tk_1234567890abcdef"
    assert arrival.headers["Title"].startswith("Disk") and "X-Evil" not in arrival.headers
    assert arrival.headers["Priority"] == "4" and arrival.headers["Tags"] == "warning,+1"
    assert arrival.headers["Click"] == "https://example.com/alerts"
    first, second = receiver.wait("/ops", 2)
    assert first.body == second.body
    wait_until(lambda: [d["state"] for d in service.deliveries(event_id=event["event_id"])]
               == ["delivered", "delivered"], "both delivered")
    refused = service.call("POST", HOOKS, {
        "webhook_name": "bad", "event_types": ["*"], "channels": [{
            "channel": "other-push", "configs": {"topics": ["a/b"]}}]})
    assert refused.status_code == 422
    assert refused.json()["detail"][0]["loc"][-2:] == ["configs", "topics"]
    assert "tk_1234567890" not in service.log_text()


def test_is_shown(tree, ntfy, make, receiver, monkeypatch):
    monkeypatch.setattr(harness, "BIN", tree.bin)
    service = make(conf=CONF.format(plugins=tree.plugins, server=receiver.url()),
                   env={"NTFY_TOKEN": "tk_1234567890abcdef"}).start()
    listed = service.admin("channels")
    assert [line.split("\t")[0] for line in listed.splitlines() if line and line[0] != " "] == \
        ["push", "other-push"]
    for words in ("ntfy 1.0", str(tree.plugins / "ntfy.so"), "schemes http,https",
                  "topics  list, each a text, 1 to 20 elements, required, target",
                  "token  text, 1 to 200 characters, secret", "priority  integer, 1 to 5"):
        assert words in listed, listed
    assert "tk_1234567890" not in listed
    api = service.call("GET", "/openapi.json").json()
    text = json.dumps(api)
    assert '"push"' in text and '"other-push"' in text
    assert "The message; what is beyond 4096 bytes is cut off." in text
