"""`tocsin plugin check`: what it finds in plugins that break the contract, and that
those which keep it pass.

SPDX-License-Identifier: MIT
"""
import os
import re

import pytest

from harness import BUILD, PLUGINS, tocsin

TEST_PLUGINS = BUILD / "tests" / "plugins"
SHIPPED = {
    "http": [],
    "slack": [],
    "email": ["-s", "relay=smtp://127.0.0.1:2525", "-s", "from=tocsin@sender.example"],
    "sms": ["-s", "provider=kannel", "-s", "url=http://127.0.0.1:13013/cgi-bin/sendsms",
            "-s", "username=someone", "-s", "password=not-to-be-seen", "-s", "sender=Tocsin"],
}


def built(name):
    for path in (TEST_PLUGINS / ".libs" / f"{name}.so", TEST_PLUGINS / f"{name}.so"):
        if path.exists():
            return path
    pytest.skip(f"{name}.so is not built: make check builds it")


def check(path, *words):
    return tocsin("plugin", "check", str(path), *words)


def failures(done):
    return [line for line in done.stdout.splitlines() if line.startswith("FAIL")]


@pytest.mark.threads
@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_shipped(name):
    if not (PLUGINS / f"{name}.so").exists():
        pytest.skip(f"{name}.so is not installed")
    done = check(PLUGINS / f"{name}.so", *SHIPPED[name])
    assert done.returncode == 0 and not failures(done), done.stdout
    assert re.search(r", 0 failed$", done.stdout.rstrip())
    assert "not-to-be-seen" not in done.stdout + done.stderr


def test_found_by_name_in_the_plugin_folder(tmp_path):
    done = tocsin("plugin", "check", "http.so", cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    assert str(PLUGINS / "http.so") in done.stdout


def test_sound():
    done = check(built("guest_sound"))
    assert done.returncode == 0, done.stdout
    for topic in ("load", "tables", "settings", "configs", "prepare", "classify", "leaks",
                  "threads"):
        assert re.search(rf"^ok\s+{topic} ", done.stdout, re.M), topic


@pytest.mark.parametrize("name, words", [
    ("tells_secret", r"classify\(\) of status 200 .* shows a secret"),
    ("crashes", r"(signal 11|ended with \d+) .*inside classify\(\) of status 200 with a 4 KB body"),
    ("is_slow", r"prepare\(\) takes 1[0-9][0-9]\.[0-9] ms"),
    ("hangs", r"no return within 10 s from prepare\(\) for the event small"),
    ("exits", r"the process ended with 7 inside prepare\(\)"),
    ("leaks_files", r"prepare\(\) leaves files or sockets open"),
    ("breaks_lines", r'a header holds a line end: "X-Title'),
    ("breaks_json", r"the body is said to be JSON and is none"),
    ("is_silent", r"verdict 0 is none"),
])
def test_unsound(name, words):
    done = check(built(f"guest_{name}"))
    assert done.returncode == 1, done.stdout
    assert any(re.search(words, line) for line in failures(done)), done.stdout
    assert "hidden-Zk3Qx9vT" not in done.stdout  # the secret of the made-up configs


@pytest.mark.parametrize("name", ["leaks_memory", "forgets_state"])
def test_memory(name):
    # A sanitizer finds leaks its own way, at the end of the process.
    done = check(built(f"guest_{name}"))
    assert done.returncode == 1, done.stdout
    assert re.search(r"bytes are left allocated by|LeakSanitizer|the process ended with",
                     done.stdout + done.stderr), done.stdout


@pytest.mark.parametrize("name, word", [
    ("wrong_abi", "ABI"), ("bad_table", "offset"), ("no_symbol", "tocsin_channel_v1"),
    ("no_prepare", "prepare"),
])
def test_not_loadable(name, word):
    done = check(built(name))
    assert done.returncode == 1 and word in failures(done)[0]


def test_settings_are_asked_for():
    done = check(built("multi"))
    assert done.returncode == 1
    assert "gateway is missing" in done.stdout and "-s key=value" in done.stdout
    done = check(built("multi"), "-s", "gateway=http://127.0.0.1:9/forbidden")
    assert done.returncode == 1 and "this gateway is forbidden" in done.stdout
    done = check(built("multi"), "-s", "gatewey=x")
    assert "did you mean" in done.stdout
    done = check(built("multi"), "-s", "gateway=http://127.0.0.1:9/")
    assert done.returncode == 0, done.stdout


def test_given_configs(tmp_path):
    sound = built("guest_sound")
    done = check(sound, "--configs", '{"url": "http://127.0.0.1/x", "key": "k", "text": "{{a"}')
    assert done.returncode == 1
    assert "configs.text: " in failures(done)[0] and "column" in failures(done)[0]
    path = tmp_path / "configs.json"
    path.write_text('{"url": "http://127.0.0.1/x", "key": "a-real-secret"}')
    done = check(sound, "--configs", f"@{path}")
    assert done.returncode == 0 and "3 to try" in done.stdout, done.stdout
    done = check(built("guest_tells_secret"), "--configs", f"@{path}")
    assert done.returncode == 1 and "a-real-secret" not in done.stdout
    assert check(sound, "--configs", "@/nonexistent").returncode == 2


def test_compressed_json():
    """A body with a Content-Encoding is not read as the JSON it says to be."""
    done = check(PLUGINS / "http.so", "--configs",
                 '{"url": "https://receiver.example/", "gzip": "large"}')
    assert done.returncode == 0 and not failures(done), done.stdout


def test_delivering_by_itself(tmp_path):
    """deliver() is only called with --send."""
    out = tmp_path / "out"
    words = ["-s", f"release={tmp_path}/never", "--configs", '{"file": "%s"}' % out]
    done = check(built("deliver"), *words)
    assert done.returncode == 0 and "--send" in done.stdout, done.stdout
    assert not out.exists()
    done = check(built("deliver"), *words, "--send")
    assert done.returncode == 0 and out.exists(), done.stdout
    assert len(out.read_text().splitlines()) == 1


def test_usage():
    assert tocsin("plugin").returncode == 2
    assert tocsin("plugin", "check").returncode == 2
    assert tocsin("plugin", "look", "x.so").returncode == 2
    assert tocsin("plugin", "check", "x.so", "--nonsense").returncode == 2
    assert check("/nonexistent.so").returncode == 1
    assert os.path.exists(PLUGINS)
