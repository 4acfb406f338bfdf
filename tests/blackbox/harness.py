"""harness.py - a real tocsin behind a real lighttpd, and receivers to deliver to.

The installed tree is TOCSIN_PREFIX, its build folder TOCSIN_BUILD.
SPDX-License-Identifier: MIT
"""
import base64
import hashlib
import hmac
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests

PREFIX = pathlib.Path(os.environ.get("TOCSIN_PREFIX", "build/check/root")).resolve()
BUILD = pathlib.Path(os.environ.get("TOCSIN_BUILD", "build/check")).resolve()
TOP = pathlib.Path(__file__).resolve().parents[2]
BIN = PREFIX / "bin" / "tocsin"
PLUGINS = PREFIX / "lib" / "tocsin"
HOOKS = "/v1/organizations/webhooks/"
WAIT_S = 20

CHANNELS = """channels = (
    { name = "webhook"; plugin = "http.so"; },
    { name = "http"; plugin = "http.so"; }
);
"""
LOOPBACK = 'guard = { allow = [ "127.0.0.0/8", "::1/128" ]; };\n'
QUICK = """retry = { schedule = [ "100ms", "100ms", "100ms" ]; jitter_percent = 0; };
delivery = { timeout = "2s"; connect_timeout = "1s"; };
"""


def wait_until(find, what="it", seconds=WAIT_S):
    """The first true value of find(), asked again and again."""
    until = time.monotonic() + seconds
    while True:
        found = find()
        if found:
            return found
        if time.monotonic() > until:
            raise AssertionError(f"{what} did not happen within {seconds} s")
        time.sleep(0.005)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def signature_fits(secret, headers, body):
    """Standard Webhooks, by the book."""
    key = base64.b64decode(secret[len("whsec_"):])
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    wanted = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return wanted in headers["webhook-signature"].split()


class Arrival:
    def __init__(self, method, path, headers, body):
        self.method, self.path, self.headers, self.body = method, path, headers, body
        self.at = time.monotonic()

    @property
    def event(self):
        return json.loads(self.body)


class Reply:
    """What a receiver answers: hang True keeps the sender waiting; raw is sent as it is."""

    def __init__(self, status=200, body=b"", headers=None, delay=0, hang=False, raw=None):
        self.status, self.body, self.headers = status, body, headers or {}
        self.delay, self.hang, self.raw = delay, hang, raw


class Receiver:
    """An HTTP server that answers each path by its script, then 200, and remembers all."""

    def __init__(self):
        self.arrivals, self.scripts, self.lock = [], {}, threading.Lock()
        self.released = threading.Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                with receiver.lock:
                    receiver.arrivals.append(Arrival(self.command, self.path, self.headers, body))
                    script = receiver.scripts.get(self.path, [])
                    reply = script.pop(0) if len(script) > 1 else (script or [Reply()])[0]
                if reply.hang or reply.delay:
                    receiver.released.wait(60 if reply.hang else reply.delay)
                if reply.hang:
                    self.close_connection = True
                    return
                if reply.raw is not None:
                    self.wfile.write(reply.raw)
                    self.close_connection = True
                    return
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(reply.body)))
                self.end_headers()
                self.wfile.write(reply.body)

            do_POST = do_PUT = do_PATCH = do_GET = answer

            def log_message(self, *args):
                pass

            def handle(self):
                try:
                    super().handle()
                except OSError:
                    pass

        class Server(ThreadingHTTPServer):
            request_queue_size = 512
            daemon_threads = True

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def url(self, path="/"):
        return f"http://127.0.0.1:{self.port}{path}"

    def script(self, path, *replies):
        """Replies in order; the last one repeats."""
        with self.lock:
            self.scripts[path] = list(replies)

    def at(self, path):
        with self.lock:
            return [a for a in self.arrivals if a.path == path]

    def wait(self, path, count=1, seconds=WAIT_S):
        wait_until(lambda: len(self.at(path)) >= count, f"{count} arrivals at {path}", seconds)
        return self.at(path)

    def close(self):
        self.released.set()
        self.server.shutdown()
        self.server.server_close()


def tocsin(*args, conf=None, **options):
    """One run of the program, finished."""
    command = [str(BIN), *args]
    if conf is not None:
        command += ["-c", str(conf)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, **options)


class Service:
    """tocsin serve + lighttpd in a folder of their own."""

    def __init__(self, folder, conf=None, extra="", env=None, held=False, user_options=()):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.socket, self.db = self.folder / "t.sock", self.folder / "t.db"
        self.conf, self.log = self.folder / "tocsin.conf", self.folder / "tocsin.log"
        self.conf.write_text((LOOPBACK + QUICK + CHANNELS if conf is None else conf) + extra)
        self.env = dict(os.environ, **(env or {}))
        self.options = [f"server.socket=unix:{self.socket}", f"store.path={self.db}",
                        *user_options]
        self.process = self.web = self.held = self.key = None
        self.port = None
        self.session = requests.Session()
        self.session.trust_env = False
        if held:
            self.held = socket.socket(socket.AF_UNIX)
            self.held.bind(str(self.socket))
            self.held.listen(4096)

    # --- processes ---

    def arguments(self):
        out = ["-c", str(self.conf)]
        for option in self.options:
            out += ["-o", option]
        return out

    def launch(self):
        """Start tocsin; does not wait."""
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [str(BIN), "serve", *self.arguments()], env=self.env, stdout=log, stderr=log,
                stdin=self.held.fileno() if self.held else subprocess.DEVNULL)
        return self

    def is_ready(self):
        if self.process.poll() is not None:
            raise AssertionError(f"tocsin ended with {self.process.returncode}:\n{self.log_text()}")
        return self.log_text().count(" ready ") > self.ready_before

    def start(self):
        self.ready_before = self.log_text().count(" ready ")
        self.launch()
        wait_until(self.is_ready, "ready")
        if self.web is None:
            self.web_start()
        if self.key is None:
            self.organization = self.admin("org", "add", "test")
            self.key = self.admin("key", "add", self.organization, "--scopes",
                                  "publish,read,manage")
        return self

    def web_start(self):
        self.port = free_port()
        conf = self.folder / "lighttpd.conf"
        conf.write_text(f"""server.modules = ("mod_fastcgi")
server.bind = "127.0.0.1"
server.port = {self.port}
server.document-root = "{self.folder}"
server.errorlog = "{self.folder}/lighttpd.log"
server.max-keep-alive-requests = 100000
fastcgi.server = ("/" => (("socket" => "{self.socket}", "check-local" => "disable",
    "fix-root-scriptname" => "enable")))
""")
        lighttpd = shutil.which("lighttpd", path=os.environ["PATH"] + ":/usr/sbin:/sbin")
        self.web = subprocess.Popen([lighttpd, "-D", "-f", str(conf)], stdin=subprocess.DEVNULL)

        def listens():
            with socket.socket() as s:
                return s.connect_ex(("127.0.0.1", self.port)) == 0
        wait_until(listens, "lighttpd")

    def stop(self, seconds=WAIT_S):
        """SIGTERM; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)

    def kill(self):
        self.process.kill()
        self.process.wait(WAIT_S)

    def close(self):
        for process in (self.process, self.web):
            if process is not None and process.poll() is None:
                process.terminate()
                try:
                    process.wait(WAIT_S)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait(WAIT_S)
        if self.held:
            self.held.close()
        self.session.close()
        # A sanitizer's report fails the test even when the program went on.
        text = self.log_text()
        assert "Sanitizer" not in text and "runtime error" not in text, text[-8000:]

    def log_text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    # --- use ---

    def admin_run(self, *words):
        return subprocess.run([str(BIN), *words, *self.arguments()], capture_output=True,
                              text=True, timeout=60, env=self.env)

    def admin(self, *words):
        done = self.admin_run(*words)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def call(self, method, path, body=None, key=None, headers=None, data=None):
        head = {"Authorization": "Bearer " + (key or self.key)}
        if body is not None:
            data = json.dumps(body).encode()
        if data is not None:
            head["Content-Type"] = "application/json"
        head.update(headers or {})
        head = {k: v for k, v in head.items() if v is not None}
        return self.session.request(method, f"http://127.0.0.1:{self.port}{path}", data=data,
                                    headers=head, timeout=30)

    def webhook(self, url, types=("*",), name="hook", **configs):
        reply = self.call("POST", HOOKS, {
            "webhook_name": name, "event_types": list(types),
            "channels": [{"channel": "webhook", "configs": dict({"url": url}, **configs)}]})
        assert reply.status_code == 201, reply.text
        return reply.json()

    def publish(self, event_type="test.made", status=202, headers=None, **members):
        reply = self.call("POST", "/v1/events", dict({"event_type": event_type}, **members),
                          headers=headers)
        assert reply.status_code == status, reply.text
        return reply.json()

    def deliveries(self, **query):
        text = "&".join(f"{k}={v}" for k, v in query.items())
        reply = self.call("GET", "/v1/deliveries" + ("?" + text if text else ""))
        assert reply.status_code == 200, reply.text
        return reply.json()["results"]

    def settled(self, event_id, state, seconds=WAIT_S):
        """Its only delivery, with attempts, once in that state."""
        def find():
            rows = self.deliveries(event_id=event_id)
            return rows if rows and rows[0]["state"] == state else None
        row = wait_until(find, f"{event_id} {state}", seconds)[0]
        reply = self.call("GET", f"/v1/deliveries/{row['delivery_id']}")
        assert reply.status_code == 200, reply.text
        return reply.json()

    def secret(self, webhook_id):
        return self.call("GET", f"{HOOKS}{webhook_id}/secret").json()["secret"]
