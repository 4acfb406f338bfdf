"""world.py - the real program behind a real lighttpd, with real receivers.

SPDX-License-Identifier: MIT
Each World lives in a folder of its own; Receiver answers as it is told and keeps
what it got. Waiting is for a condition with a deadline, never for time alone.
"""
import base64
import hashlib
import hmac
import http.server
import json
import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import threading
import time

import requests

TOP = pathlib.Path(__file__).resolve().parents[2]
PREFIX = os.environ.get("TOCSIN_PREFIX", "")
BINARY = os.environ.get("TOCSIN_BIN") or os.path.join(PREFIX, "bin", "tocsin")


def wait_for(condition, seconds=20, what="condition"):
    """The first true value of condition(); fails after so many seconds."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
        pause.wait(0.02)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Receiver:
    """An HTTP receiver. answer(request) gives (status, headers, body)."""

    def __init__(self, answer=None):
        self.requests = []
        self.answer = answer or (lambda request: (200, {}, b"ok"))
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def take(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                request = {"method": self.command, "path": self.path,
                           "headers": dict((k.lower(), v) for k, v in self.headers.items()),
                           "body": body}
                outer.requests.append(request)
                status, headers, reply = outer.answer(request)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(reply)))
                self.end_headers()
                self.wfile.write(reply)

            do_POST = do_PUT = do_PATCH = take

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def bodies(self):
        return [json.loads(r["body"]) for r in list(self.requests)]


def verify(secret, request):
    """Standard Webhooks: is one of the signatures right?"""
    key = base64.b64decode(secret[len("whsec_"):])
    headers = request["headers"]
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + request["body"]
    want = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return want in headers["webhook-signature"].split(" ")


CONF = """
guard = {{ allow = ( "127.0.0.0/8", "::1/128" ); }};
store = {{ path = "{dir}/tocsin.db"; }};
server = {{ socket = "unix:{dir}/tocsin.sock"; stop_timeout = "5s"; }};
channels = ( {{ name = "webhook"; plugin = "http.so"; }}, {{ name = "http"; plugin = "http.so"; }} );
{more}
"""

FAST = 'retry = { schedule = ( "100ms", "100ms", "100ms" ); jitter_percent = 0; };'


class World:
    def __init__(self, more=FAST, web=True):
        self.folder = tempfile.TemporaryDirectory(prefix="tocsin-test-")
        self.dir = self.folder.name
        self.conf = os.path.join(self.dir, "tocsin.conf")
        pathlib.Path(self.conf).write_text(CONF.format(dir=self.dir, more=more))
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = self.web = None
        self.start()
        if web:
            self.web_start()
        self.organization = self.run("org", "add", "test").strip()
        self.key = self.key_add("publish,read,manage")
        self.http = requests.Session()

    # --- processes -----------------------------------------------------------
    def start(self):
        self.log = open(os.path.join(self.dir, "tocsin.log"), "ab")
        self.process = subprocess.Popen([BINARY, "serve", "-c", self.conf], stderr=self.log,
                                        stdout=self.log, stdin=subprocess.DEVNULL)
        wait_for(self.is_up, what="tocsin serve\n" + self.log_text())

    def is_up(self):
        assert self.process.poll() is None, "tocsin ended:\n" + self.log_text()
        with socket.socket(socket.AF_UNIX) as s:
            return s.connect_ex(os.path.join(self.dir, "tocsin.sock")) == 0 and \
                os.path.exists(os.path.join(self.dir, "tocsin.db.ctl"))

    def log_text(self):
        return pathlib.Path(self.dir, "tocsin.log").read_text(errors="replace")

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        code = self.process.wait(30)
        self.log.close()
        return code

    def kill(self):
        return self.stop(signal.SIGKILL)

    def web_start(self):
        conf = os.path.join(self.dir, "lighttpd.conf")
        pathlib.Path(conf).write_text(f"""
server.modules = ("mod_fastcgi")
server.document-root = "{self.dir}"
server.bind = "127.0.0.1"
server.port = {self.port}
fastcgi.server = ("/" => (("socket" => "{self.dir}/tocsin.sock", "check-local" => "disable",
    "disable-time" => 0, "fix-root-scriptname" => "enable")))
""")
        self.web = subprocess.Popen(["lighttpd", "-D", "-f", conf], stdin=subprocess.DEVNULL,
                                    env={**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin"})

        def listens():
            with socket.socket() as s:
                return s.connect_ex(("127.0.0.1", self.port)) == 0
        wait_for(listens, what="lighttpd")

    def close(self):
        if self.process.poll() is None:
            self.stop()
        if self.web is not None:
            self.web.terminate()
            self.web.wait(10)
        self.folder.cleanup()

    def run(self, *words, check=True):
        done = subprocess.run([BINARY, *words, "-c", self.conf], capture_output=True, text=True,
                              timeout=60)
        if check:
            assert done.returncode == 0, done.stderr
            return done.stdout
        return done

    def audit(self):
        self.run("audit")

    # --- the API ---------------------------------------------------------------
    def key_add(self, scopes, *more):
        return self.run("key", "add", self.organization, "--scopes", scopes, *more).strip()

    def call(self, method, path, body=None, key=None, headers=None, **more):
        sent = {"Authorization": f"Bearer {key or self.key}", **(headers or {})}
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
            body = body.encode() if isinstance(body, str) else body
        return self.http.request(method, self.url + path, data=body, headers=sent, timeout=30,
                                 **more)

    def webhook(self, url, types=("*",), configs=None, **more):
        body = {"webhook_name": "test", "event_types": list(types), "channels": [
            {"channel": "webhook", "configs": {"url": url, **(configs or {})}}], **more}
        reply = self.call("POST", "/v1/organizations/webhooks/", body)
        assert reply.status_code == 201, reply.text
        return reply.json()

    def publish(self, event_type="order.created", headers=None, **members):
        reply = self.call("POST", "/v1/events", {"event_type": event_type, **members},
                          headers=headers)
        assert reply.status_code == 202, reply.text
        return reply.json()

    def deliveries(self, **query):
        reply = self.call("GET", "/v1/deliveries", params=query)
        assert reply.status_code == 200, reply.text
        return reply.json()["results"]

    def delivery_when(self, event_id, *states, seconds=20):
        """The event's one delivery once it is in one of these states."""
        def look():
            found = self.deliveries(event_id=event_id)
            return found and found[0]["state"] in states and found[0]
        return wait_for(look, seconds, f"{event_id} in {states}: {self.deliveries(event_id=event_id)}")
