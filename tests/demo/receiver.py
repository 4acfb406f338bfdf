"""receiver.py - the demo's receiver: checks each delivery's signature and says so.

Usage: receiver.py DIR. Listens on a free port of loopback (written to
DIR/receiver.port); secrets are read from DIR/secrets, one "path secret" a line.
SPDX-License-Identifier: MIT
"""
import base64
import hashlib
import hmac
import json
import pathlib
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOLERANCE_S = 300
FOLDER = pathlib.Path(sys.argv[1])


def secret_of(path):
    for line in (FOLDER / "secrets").read_text().splitlines():
        known_path, secret = line.split()
        if known_path == path:
            return secret
    return None


def verdict(path, headers, body):
    """Standard Webhooks: HMAC-SHA256 over id.timestamp.body, as the sender's own docs say."""
    try:
        secret = secret_of(path)
    except OSError:
        secret = None
    if secret is None:
        return "signature not checked: no secret known for " + path
    message_id, timestamp = headers["webhook-id"], headers["webhook-timestamp"]
    if abs(time.time() - int(timestamp)) > TOLERANCE_S:
        return "signature WRONG: too old"
    key = base64.b64decode(secret[len("whsec_"):])
    signed = f"{message_id}.{timestamp}.".encode() + body
    wanted = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    for entry in headers["webhook-signature"].split():
        version, _, signature = entry.partition(",")
        if version == "v1" and hmac.compare_digest(signature, wanted):
            return "signature verified"
    return "signature WRONG"


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        arrival = {"path": self.path, "verdict": verdict(self.path, self.headers, body),
                   "headers": dict(self.headers), "body": body.decode("utf-8", "replace")}
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()
        print(json.dumps(arrival), flush=True)

    def log_message(self, *args):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
port = FOLDER / "receiver.port"
port.with_suffix(".new").write_text(str(server.server_port))
port.with_suffix(".new").rename(port)
server.serve_forever()
