"""SMS: Twilio's documented answers, any HTTP gateway, and a real Kannel.

SPDX-License-Identifier: MIT
"""
import base64
import itertools
import json
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from harness import (HOOKS, LOOPBACK, QUICK, WAIT_S, Service, free_port, tocsin,
                     wait_until)

SID, TOKEN, KANNEL_PASSWORD = "AC" + "0" * 32, "t0ken-of-twilio", "s3cret-of-kannel"
A, B, C = "+14155550101", "+14155550102", "+14155550103"
numbers = (f"+1415556{n:04d}" for n in itertools.count())
kinds = (f"sms.t{n}" for n in itertools.count())


class Request:
    def __init__(self, handler, body):
        self.method, self.headers, self.body = handler.command, handler.headers, body
        self.path, _, self.query = handler.path.partition("?")
        self.at = time.monotonic()

    @property
    def form(self):
        return dict(urllib.parse.parse_qsl(self.body.decode(), keep_blank_values=True))

    def arguments(self, encoding="utf-8"):
        return dict(urllib.parse.parse_qsl(self.query, keep_blank_values=True,
                                           encoding=encoding))


class Gateway:
    """Keeps every request; answer(request) is (status, body), or None for silence."""

    def __init__(self, answer):
        self.requests, self.answer, self.lock = [], answer, threading.Lock()
        self.released = threading.Event()
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def take(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                request = Request(self, body)
                with gateway.lock:
                    gateway.requests.append(request)
                    reply = gateway.answer(request)
                if reply is None:
                    gateway.released.wait(60)
                    self.close_connection = True
                    return
                status, body = reply
                body = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_PUT = take

            def log_message(self, *args):
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def all(self, fits):
        with self.lock:
            return [r for r in self.requests if fits(r)]

    def close(self):
        self.released.set()
        self.server.shutdown()
        self.server.server_close()


class Twilio(Gateway):
    """Answers a number by its script; without one it accepts."""

    def __init__(self):
        self.scripts = {}
        super().__init__(self.judge)

    def judge(self, request):
        script = self.scripts.get(request.form["To"], [])
        if script:
            return script.pop(0) if len(script) > 1 else script[0]
        return 201, {"sid": "SM" + "a" * 32, "status": "queued", "num_segments": "1",
                     "error_code": None, "error_message": None, "to": request.form["To"]}

    def at(self, number):
        return self.all(lambda r: r.form.get("To") == number)


def refusal(status, code, words="No"):
    return status, {"code": code, "message": words, "more_info": "x", "status": status}


FAKESMSC = "/usr/lib/kannel/test/fakesmsc"


class Kannel:
    """bearerbox and smsbox; what they send goes to sink, part by part, or, by the route
    named fake, to Kannel's own fake SMSC."""

    def __init__(self, folder, sink):
        self.admin, self.link, self.port, self.back, self.fake = (free_port() for _ in range(5))
        self.log = os.path.join(folder, "kannel.log")
        conf = os.path.join(folder, "kannel.conf")
        with open(conf, "w") as out:
            out.write(f"""group = core
admin-port = {self.admin}
admin-interface = 127.0.0.1
admin-password = a
status-password = a
smsbox-port = {self.link}
smsbox-interface = 127.0.0.1
box-allow-ip = 127.0.0.1
dlr-storage = internal

group = smsc
smsc = http
smsc-id = sink
system-type = kannel
send-url = http://127.0.0.1:{sink.port}/sink
port = {self.back}
connect-allow-ip = 127.0.0.1
smsc-username = u
smsc-password = p
denied-smsc-id = fake

group = smsc
smsc = fake
smsc-id = fake
port = {self.fake}
connect-allow-ip = 127.0.0.1
allowed-smsc-id = fake

group = smsbox
smsbox-id = box
bearerbox-host = 127.0.0.1
bearerbox-port = {self.link}
sendsms-port = {self.port}
sendsms-interface = 127.0.0.1
global-sender = 13013

group = sendsms-user
username = tocsin
password = {KANNEL_PASSWORD}
concatenation = true
max-messages = 10

group = sms-service
keyword = default
text = none
""")
        self.boxes = []
        self.start("bearerbox", conf, self.link)
        self.start("smsbox", conf, self.port)
        self.messages = os.path.join(folder, "fakesmsc.log")
        with open(self.messages, "ab") as log:
            # It ends when its standard input does.
            self.boxes.append(subprocess.Popen(
                [FAKESMSC, "-H", "127.0.0.1", "-r", str(self.fake), "-i", "1", "-m", "0"],
                stdout=log, stderr=log, stdin=subprocess.PIPE))

    def start(self, name, conf, port):
        program = shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/sbin")
        assert program, f"{name} is missing: package kannel"
        with open(self.log, "ab") as log:
            box = subprocess.Popen([program, conf], stdout=log, stderr=log,
                                   stdin=subprocess.DEVNULL)
        self.boxes.append(box)

        def listens():
            assert box.poll() is None, open(self.log, errors="replace").read()[-4000:]
            with socket.socket() as s:
                return s.connect_ex(("127.0.0.1", port)) == 0
        wait_until(listens, name)

    def close(self):
        # The bearerbox tells the smsbox to end.
        self.boxes[0].terminate()
        self.boxes[-1].stdin.close()
        for box in self.boxes:
            try:
                box.wait(WAIT_S)
            except subprocess.TimeoutExpired:
                box.kill()
                box.wait(WAIT_S)


class World:
    """All servers of this file."""

    def __init__(self, base):
        self.open = []
        self.folder = tempfile.mkdtemp(dir=base)
        self.twilio = self.opened(Twilio())
        self.gateway = self.opened(Gateway(self.gateway_judge))
        self.sink = self.opened(Gateway(lambda r: (202, b"0: Accepted for delivery")))
        self.service = None

    def opened(self, server):
        self.open.append(server)
        return server

    @staticmethod
    def gateway_judge(request):
        if request.path == "/text":
            good = request.arguments()["to"].endswith("1")
            return 200, b"OK: 0815" if good else b"ERR: 105 no credit"
        to = json.loads(request.body)["to"]
        status = {"7": "1", "8": "4", "9": "6"}.get(to[-1], "0")
        return 200, {"messages": [{"status": status, "message-id": "0A1",
                                   "error-text": "because"}]}

    def conf(self, kannel_port):
        twilio = (f'api_base = "http://127.0.0.1:{self.twilio.port}"; account_sid = "{SID}"; '
                  f'auth_token = "env:TWILIO"; sender = "+15005550006"; rate = 0.0; '
                  f'timeout = "1s";')
        slow = twilio.replace("rate = 0.0", "rate = 5.0")
        kannel = (f'plugin = "sms.so"; provider = "kannel"; username = "tocsin"; rate = 0.0; '
                  f'url = "http://127.0.0.1:{kannel_port}/cgi-bin/sendsms"; '
                  f'sender = "Tocsin"; ')
        gateway = f"http://127.0.0.1:{self.gateway.port}"
        body = (r'{\"to\":\"{{to_digits}}\",\"text\":\"{{text}}\",\"ref\":\"{{id}}\",'
                r'\"n\":{{parts}},\"key\":\"{{key}}\"}')
        return LOOPBACK + QUICK + f"""channels = (
    {{ name = "webhook"; plugin = "http.so"; }},
    {{ name = "sms"; plugin = "sms.so"; provider = "twilio"; {twilio} }},
    {{ name = "one"; plugin = "sms.so"; provider = "twilio"; parts_max = 1; {twilio} }},
    {{ name = "slow"; plugin = "sms.so"; provider = "twilio"; {slow} }},
    {{ name = "kannel"; {kannel} password = "env:KANNEL"; }},
    {{ name = "fake"; {kannel} password = "env:KANNEL"; smsc = "fake"; }},
    {{ name = "wrong"; {kannel} password = "nonsense-pw"; }},
    {{ name = "gateway"; plugin = "sms.so"; provider = "http"; rate = 0.0;
       url = "{gateway}/json"; body = "{body}"; secrets = {{ key = "env:TWILIO"; }};
       headers = {{ Authorization = "env:BEARER"; }};
       success_path = "messages.0.status"; success_value = "0";
       retry_values = [ "1" ]; operator_values = [ "4" ];
       id_path = "messages.0.message-id"; error_path = "messages.0.error-text"; }},
    {{ name = "text"; plugin = "sms.so"; provider = "http"; method = "GET"; rate = 0.0;
       url = "{gateway}/text"; query = "to={{{{to}}}}&text={{{{text}}}}&u={{{{unicode}}}}";
       username = "me"; password = "env:KANNEL";
       success_match = "^OK: ([0-9]+)"; }}
);
"""

    def start(self, kannel_port):
        self.service = self.opened(Service(
            self.folder, conf=self.conf(kannel_port),
            env={"TWILIO": TOKEN, "KANNEL": KANNEL_PASSWORD, "BEARER": "Bearer b3arer"}))
        self.service.start()

    def close(self):
        for server in reversed(self.open):
            server.close()

    # --- use ---

    def hook(self, channel, to, **configs):
        kind = next(kinds)
        reply = self.service.call("POST", HOOKS, {
            "webhook_name": "Ops", "event_types": [kind],
            "channels": [{"channel": channel, "configs": dict({"phone_numbers": to}, **configs)}]})
        assert reply.status_code == 201, reply.text
        return kind

    def send(self, channel, *to, text="hello"):
        """Publish text to numbers: the event's id."""
        kind = self.hook(channel, list(to), message_template="{{data.text}}")
        return self.service.publish(kind, data={"text": text})["event_id"]

    def sent(self, channel, to, text="hello", state="delivered"):
        return self.service.settled(self.send(channel, to, text=text), state)

    def tried(self, event, count=1):
        """Its only delivery, once it has so many attempts."""
        def find():
            rows = self.service.deliveries(event_id=event)
            return rows if rows and rows[0]["attempts"] >= count else None
        row = wait_until(find, f"{count} attempts of {event}")[0]
        return self.service.call("GET", f"/v1/deliveries/{row['delivery_id']}").json()

    def log_is_clean(self):
        text = self.service.log_text()
        for secret in (TOKEN, KANNEL_PASSWORD, "nonsense-pw", "b3arer", "+1415", "1415555"):
            assert secret not in text
        return text


def reason(delivery):
    return delivery["attempts"][-1]["reason"]


@pytest.fixture(scope="module")
def kannel_folder(base):
    return tempfile.mkdtemp(dir=base)


@pytest.fixture(scope="module")
def world(base, kannel_folder):
    one = World(base)
    try:
        kannel = one.opened(Kannel(kannel_folder, one.sink))
        one.start(kannel.port)
        yield one
    finally:
        one.close()


# --- Twilio ---

def test_twilio_takes_it(world):
    to = next(numbers)
    done = world.sent("sms", to, text="50 % + ü & more")
    request = world.twilio.at(to)[0]
    assert request.path == f"/2010-04-01/Accounts/{SID}/Messages.json"
    assert request.form == {"To": to, "From": "+15005550006", "Body": "50 % + ü & more"}
    basic = base64.b64encode(f"{SID}:{TOKEN}".encode()).decode()
    assert request.headers["Authorization"] == "Basic " + basic
    assert request.headers["User-Agent"].startswith("Tocsin/")
    assert reason(done) == f"accepted as SM{'a' * 32}, 1 part (GSM-7)"
    assert done["attempts"][-1]["status_code"] == 201


def test_default_text(world):
    to = next(numbers)
    kind = world.hook("sms", [to])
    world.service.publish(kind, subject="disk 7", occurred_at="2026-11-24T05:27:39Z")
    request = wait_until(lambda: world.twilio.at(to), "the message")[0]
    assert request.form["Body"] == f"Ops: {kind} (disk 7), 24 Nov 2026, 05:27:39 UTC"


@pytest.mark.parametrize("code", [21211, 21408, 21610, 21612, 21614, 21617, 21606, 99999])
def test_twilio_refuses_for_good(world, code):
    to = next(numbers)
    world.twilio.scripts[to] = [refusal(400, code, "Not this one")]
    done = world.sent("sms", to, state="failed")
    assert reason(done) == f"Twilio answered 400 (code {code}): Not this one"
    assert len(world.twilio.at(to)) == 1


@pytest.mark.parametrize("answer", [
    refusal(429, 20429), refusal(400, 21611), (500, b""), (503, b"<html>")])
def test_twilio_is_busy(world, answer):
    to = next(numbers)
    world.twilio.scripts[to] = [answer, (201, {"sid": "SM1", "num_segments": "1"})]
    done = world.sent("sms", to)
    assert [a["outcome"] for a in done["attempts"]][-1] == "delivered"
    assert len(world.twilio.at(to)) == len(done["attempts"]) == 2


@pytest.mark.parametrize("answer", [refusal(401, 20003, "Authenticate"), refusal(403, 10001)])
def test_twilio_refuses_the_account(world, answer):
    to = next(numbers)
    world.twilio.scripts[to] = [answer]
    waiting = world.tried(world.send("sms", to))
    assert waiting["state"] == "due"
    assert waiting["next_attempt_at"][:13] > waiting["attempts"][0]["started_at"][:13]
    assert f"code {answer[1]['code']}" in reason(waiting)
    assert "provider=twilio" in world.log_is_clean()


def test_one_refused_number_among_three(world):
    world.twilio.scripts[B] = [refusal(400, 21211)]
    event = world.send("sms", A, B, C)
    rows = wait_until(lambda: [d for d in [world.service.deliveries(event_id=event)]
                               if len(d) == 3 and all(x["done_at"] for x in d)], "all three")[0]
    assert {d["target"]: d["state"] for d in rows} == {A: "delivered", B: "failed",
                                                       C: "delivered"}
    assert [len(world.twilio.at(n)) for n in (A, B, C)] == [1, 1, 1]


def test_one_late_number_among_three(world):
    to = [next(numbers) for _ in range(3)]
    world.twilio.scripts[to[1]] = [(503, b""), (503, b""), (201, {"sid": "SM2"})]
    event = world.send("sms", *to)
    wait_until(lambda: [d["state"] for d in world.service.deliveries(event_id=event)]
               == ["delivered"] * 3, "all three")
    assert [len(world.twilio.at(n)) for n in to] == [1, 3, 1]


def test_silence_may_have_been_sent(world):
    to = next(numbers)
    world.twilio.scripts[to] = [None, (201, {"sid": "SM3"})]
    done = world.sent("sms", to)
    first = done["attempts"][0]["reason"]
    assert first.startswith("timed out after ") and first.endswith("; may have been sent")


def test_parts(world):
    to = [next(numbers) for _ in range(4)]
    assert "2 parts (GSM-7)" not in reason(world.sent("sms", to[0], text="a" * 160))
    world.twilio.scripts[to[1]] = [(201, {"sid": "SM4"})]
    assert reason(world.sent("sms", to[1], text="a" * 161)) == "accepted as SM4, 2 parts (GSM-7)"
    world.twilio.scripts[to[2]] = [(201, {"sid": "SM5"})]
    assert reason(world.sent("one", to[2], text="😀" * 40)) == \
        "accepted as SM5, 1 part (UCS-2), text cut"
    assert world.twilio.at(to[2])[0].form["Body"] == "😀" * 34 + "…"
    world.sent("one", to[3], text="“Ende” – " + "b" * 200)
    assert world.twilio.at(to[3])[0].form["Body"] == '"Ende" - ' + "b" * 148 + "..."


def test_rate_of_the_sender(world):
    to = [next(numbers) for _ in range(6)]
    for half in (to[:3], to[3:]):  # of the sender, not of one webhook
        world.send("slow", *half)
    wait_until(lambda: all(world.twilio.at(n) for n in to), "all six")
    moments = sorted(world.twilio.at(n)[0].at for n in to)
    assert moments[-1] - moments[0] > 0.9
    assert min(b - a for a, b in zip(moments, moments[1:])) > 0.1


def test_empty_text_fails(world):
    to = next(numbers)
    failed = world.sent("sms", to, text=" \n ", state="failed")
    assert "empty" in json.dumps(failed)
    assert not world.twilio.at(to)


# --- saving ---

@pytest.mark.parametrize("bad", ["0049170", "+0170", "12", "+49 170 x", "+1234567890123456", ""])
def test_numbers_are_checked(world, bad):
    reply = world.service.call("POST", HOOKS, {
        "webhook_name": "w", "event_types": ["a.b"],
        "channels": [{"channel": "sms", "configs": {"phone_numbers": [A, bad]}}]})
    assert reply.status_code == 422
    assert ["body", "channels", 0, "configs", "phone_numbers", 1] in \
        [d["loc"] for d in reply.json()["detail"]]


def test_numbers_are_required_and_tidied(world):
    def create(configs):
        return world.service.call("POST", HOOKS, {
            "webhook_name": "w", "event_types": ["a.b"],
            "channels": [{"channel": "sms", "configs": configs}]})
    for configs in ({}, {"phone_numbers": []}):
        reply = create(configs)
        assert reply.status_code == 422
        assert ["body", "channels", 0, "configs", "phone_numbers"] in \
            [d["loc"] for d in reply.json()["detail"]]
    reply = create({"phone_numbers": [A], "message_template": "{{#a}}"})
    assert reply.status_code == 422
    assert reply.json()["detail"][0]["loc"][-1] == "message_template"
    reply = create({"phone_numbers": ["+1 (415) 555-0101"]})
    assert reply.status_code == 201
    assert reply.json()["channels"][0]["configs"]["phone_numbers"] == [A]


# --- any gateway ---

def test_gateway_json(world):
    nasty = 'say "hi"\\ {{to}}\nü'
    done = world.sent("gateway", "+14155550110", text=nasty)
    request = world.gateway.all(lambda r: b"50110" in r.body)[0]
    assert json.loads(request.body) == {"to": "14155550110", "text": nasty, "n": 1,
                                        "ref": done["delivery_id"], "key": TOKEN}
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["Authorization"] == "Bearer b3arer"
    assert reason(done) == "accepted as 0A1, 1 part (GSM-7)"


def test_gateway_results(world):
    failed = world.sent("gateway", "+14155550119", state="failed")
    assert reason(failed) == 'the gateway refuses it: it says "6": because'
    assert len(failed["attempts"]) == 1
    world.tried(world.send("gateway", "+14155550117"), count=2)
    waiting = world.tried(world.send("gateway", "+14155550118"))
    assert waiting["state"] == "due"
    assert reason(waiting) == 'the gateway refuses the account: it says "4"'
    assert "provider=http" in world.log_is_clean()


def test_gateway_text(world):
    done = world.sent("text", "+14155550111", text="a&b=c ✓")
    request = world.gateway.all(lambda r: r.path == "/text")[0]
    assert request.method == "GET" and request.body == b""
    assert request.arguments() == {"to": "+14155550111", "text": "a&b=c ✓", "u": "1"}
    basic = base64.b64encode(f"me:{KANNEL_PASSWORD}".encode()).decode()
    assert request.headers["Authorization"] == "Basic " + basic
    assert reason(done) == "accepted as 0815, 1 part (UCS-2)"
    failed = world.sent("text", "+14155550112", state="failed")
    assert reason(failed) == 'the gateway refuses it: it says "ERR: 105 no credit"'


# --- Kannel ---

def kannel_text(world, to, parts):
    """What the network got for a number, put together in the order of its parts."""
    def find():
        got = world.sink.all(lambda r: r.arguments().get("to") == to)
        return got if len(got) >= parts else None
    got = wait_until(find, f"{parts} parts to {to}")
    assert len(got) == parts
    raw = [r.arguments("latin-1") for r in got]
    raw.sort(key=lambda q: q.get("udh", "")[-1:])
    assert {q["from"] for q in raw} == {"Tocsin"}
    charset = "utf-16-be" if raw[0]["coding"] == "2" else "utf-8"
    return raw[0]["coding"], "".join(q["text"] for q in raw).encode("latin-1").decode(charset)


@pytest.mark.parametrize("text, coding, parts, told", [
    ("Grüße [1] {2} 3 € @ Ω ~", "0", 1, "1 part (GSM-7)"),
    ("Grüße ✓ 😀 中文", "2", 1, "1 part (UCS-2)"),
    ("ä" * 160 + "z", "0", 2, "2 parts (GSM-7)"),
    ("😀 " * 40, "2", 2, "2 parts (UCS-2)"),
    ("two\r\nlines", "0", 1, "1 part (GSM-7)"),
])
def test_kannel_sends_it_whole(world, text, coding, parts, told):
    to = next(numbers)
    done = world.sent("kannel", to, text=text)
    assert reason(done) in (f"accepted by the gateway, {told}", f"queued by the gateway, {told}")
    assert kannel_text(world, to, parts) == (coding, text.replace("\r\n", "\n").strip())


def test_kannel_fake_smsc(world):
    """Through a real SMSC connection to the package's own fake centre."""
    kannel = next(s for s in world.open if isinstance(s, Kannel))
    to = next(numbers)
    done = world.sent("fake", to, text="to the fake centre")
    assert reason(done).endswith("1 part (GSM-7)")

    def came():
        with open(kannel.messages, encoding="utf-8", errors="replace") as got:
            return [line for line in got if f"{to} text to the fake centre" in line]
    assert len(wait_until(came, "the message at the fake SMSC")) == 1


def test_kannel_three_numbers(world):
    to = [next(numbers) for _ in range(3)]
    event = world.send("kannel", *to)
    wait_until(lambda: [d["state"] for d in world.service.deliveries(event_id=event)]
               == ["delivered"] * 3, "all three")
    for number in to:
        assert kannel_text(world, number, 1) == ("0", "hello")


def test_kannel_wrong_password(world):
    to = next(numbers)
    waiting = world.tried(world.send("wrong", to))
    assert waiting["state"] == "due"
    assert waiting["next_attempt_at"][:13] > waiting["attempts"][0]["started_at"][:13]
    assert reason(waiting) == "the gateway refuses username or password: it answered 403"
    assert "provider=kannel" in world.log_is_clean()
    assert not world.sink.all(lambda r: r.arguments().get("to") == to)


def test_kannel_is_gone(world, base):
    """No connection is worth a retry; last, because it ends the Kannel."""
    kannel = next(s for s in world.open if isinstance(s, Kannel))
    kannel.close()
    tried = world.tried(world.send("kannel", next(numbers)))
    assert reason(tried) == "connection refused"


# --- configuration ---

@pytest.mark.parametrize("settings, words", [
    ('provider = "twilio";', "account_sid and auth_token"),
    ('provider = "twilio"; account_sid = "AC1"; auth_token = "x";', "messaging_service_sid"),
    ('provider = "kannel"; url = "http://127.0.0.1:1/x";', "username and password"),
    ('provider = "http"; url = "http://127.0.0.1:1/x";', "query or body"),
    ('provider = "http"; url = "http://127.0.0.1:1/x"; query = "a={{#b}}";', "query"),
    ('provider = "pigeon";', "provider"),
    ("", "provider"),
])
def test_settings_are_checked(base, settings, words):
    folder = tempfile.mkdtemp(dir=base)
    conf = os.path.join(folder, "tocsin.conf")
    with open(conf, "w") as out:
        out.write(f'channels = ( {{ name = "sms"; plugin = "sms.so"; {settings} }} );\n')
    done = tocsin("serve", "-o", f"server.socket=unix:{folder}/s", "-o",
                  f"store.path={folder}/t.db", conf=conf)
    assert done.returncode != 0
    assert words in done.stderr + done.stdout
