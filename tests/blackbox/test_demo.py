"""./dev demo, as a person and as a script use it.

SPDX-License-Identifier: MIT
"""
import os
import pathlib
import shlex
import signal
import subprocess
import threading

import requests

from harness import PREFIX, TOP, free_port, wait_until

RUN = str(TOP / "tests" / "demo" / "run")


def demo(*args, **options):
    return subprocess.run([RUN, *args], env=dict(os.environ, TOCSIN_PREFIX=str(PREFIX)),
                          capture_output=True, text=True, timeout=60, **options)


def variables(folder):
    pairs = (line.split("=", 1) for line in (folder / "env").read_text().splitlines())
    return {name: shlex.split(value)[0] for name, value in pairs}


def is_running(pid):
    return pathlib.Path(f"/proc/{pid}").exists()


def test_background_and_stop(base):
    folders = [base / "demo1", base / "demo2"]
    pids = []
    try:
        for folder in folders:
            done = demo("--background", "--dir", str(folder), "--port", str(free_port()))
            assert done.returncode == 0, done.stderr
            env = variables(folder)
            assert set(env) == {"TOCSIN_URL", "TOCSIN_KEY", "TOCSIN_CONF", "TOCSIN_PID",
                                "TOCSIN_DB", "TOCSIN_LOG", "TOCSIN_BIN", "TOCSIN_ORG"}
            reply = requests.post(env["TOCSIN_URL"] + "/v1/events", json={"event_type": "a.b"},
                                  headers={"Authorization": "Bearer " + env["TOCSIN_KEY"]},
                                  timeout=10)
            assert reply.status_code == 202
            # Subcommands need no more than the configuration's name.
            listed = subprocess.run([env["TOCSIN_BIN"], "org", "list", "-c", env["TOCSIN_CONF"]],
                                    capture_output=True, text=True, timeout=30)
            assert listed.returncode == 0 and env["TOCSIN_ORG"] in listed.stdout
            pids += [line.split()[0] for line in (folder / "pids").read_text().splitlines()]
        assert len(pids) == 4 and all(is_running(pid) for pid in pids)
        again = demo("--background", "--dir", str(folders[0]))
        assert again.returncode == 1 and "--stop" in again.stderr
        taken = demo("--background", "--dir", str(base / "demo3"), "--port",
                     variables(folders[0])["TOCSIN_URL"].rsplit(":", 1)[1])
        assert taken.returncode == 1 and "--port" in taken.stderr
    finally:
        for folder in folders:
            assert demo("--stop", "--dir", str(folder)).returncode == 0
    assert not any(is_running(pid) for pid in pids)


def test_own_configuration(base):
    folder, conf = base / "demo-conf", base / "own.conf"
    conf.write_text("""guard = { allow = [ "127.0.0.0/8" ]; };
store = { path = "/nowhere/else.db"; };
log = { level = "info"; };
channels = ( { name = "webhook"; plugin = "http.so"; } );
""")
    done = demo("--background", "--dir", str(folder), "--port", str(free_port()), "--conf",
                str(conf))
    try:
        assert done.returncode == 0, done.stderr
        env = variables(folder)
        assert env["TOCSIN_CONF"] == str(conf)
        listed = subprocess.run([env["TOCSIN_BIN"], "key", "list", env["TOCSIN_ORG"], "-c",
                                 env["TOCSIN_CONF"]], capture_output=True, text=True, timeout=30)
        assert listed.returncode == 0 and "key_" in listed.stdout, listed.stderr
    finally:
        assert demo("--stop", "--dir", str(folder)).returncode == 0


def test_foreground_shows_a_verified_delivery(base):
    folder = base / "demo-front"
    process = subprocess.Popen([RUN, "--dir", str(folder), "--port", str(free_port())],
                               env=dict(os.environ, TOCSIN_PREFIX=str(PREFIX)), text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    lines = []
    reader = threading.Thread(target=lambda: lines.extend(process.stdout), daemon=True)
    reader.start()
    wait_until(lambda: any("Ctrl-C" in line for line in lines) or process.poll() is not None)
    pids = [line.split()[0] for line in (folder / "pids").read_text().splitlines()]
    process.send_signal(signal.SIGINT)
    process.wait(30)
    text = "".join(lines)
    assert "signature verified" in text and "curl" in text
    assert not any(is_running(pid) for pid in pids)
