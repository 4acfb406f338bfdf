"""http.so's options: credentials, signatures, CloudEvents, gzip, verdicts, TLS of our own.

SPDX-License-Identifier: MIT
"""
import base64
import gzip
import hashlib
import hmac
import json
import re
import shutil
import socket
import ssl
import subprocess
import threading
import urllib.parse

import pytest

from harness import (CHANNELS, HOOKS, LOOPBACK, QUICK, Receiver, Reply, Service, free_port,
                     signature_fits, tocsin, wait_until)

KEY_PASSWORD = "opens the key"
SOURCE = "/tocsin/tests"


def attempts_of(shown):
    return shown["attempts"] if isinstance(shown["attempts"], list) else shown["attempt_records"]


def refused(service, **configs):
    """Where the only fault of these configs is, and its words."""
    reply = service.call("POST", HOOKS, {
        "webhook_name": "n", "event_types": ["a.b"],
        "channels": [{"channel": "webhook", "configs": dict({"url": "https://r.example/"},
                                                            **configs)}]})
    assert reply.status_code == 422, reply.text
    fault, = reply.json()["detail"]
    assert fault["loc"][:4] == ["body", "channels", 0, "configs"]
    return fault["loc"][4], fault["msg"]


# --- TLS: a CA, certificates, nginx ---------------------------------------------------

def openssl(*words):
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, timeout=60)


class Authority:
    """A CA in a folder, and what it signs."""

    def __init__(self, folder, name):
        self.folder, self.name = folder, name
        self.cert, self.key = folder / f"{name}.pem", folder / f"{name}.key"
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-days", 2, "-subj", f"/CN={name}", "-keyout", self.key, "-out", self.cert)

    def sign(self, name, extension):
        cert, key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        request, more = self.folder / f"{name}.csr", self.folder / f"{name}.ext"
        more.write_text(extension + "\n")
        openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-subj", f"/CN={name}", "-keyout", key, "-out", request)
        openssl("x509", "-req", "-in", request, "-CA", self.cert, "-CAkey", self.key,
                "-CAcreateserial", "-days", 2, "-extfile", more, "-out", cert)
        return cert, key


class Nginx:
    """TLS in front of a receiver; a client certificate of the CA is demanded."""

    def __init__(self, folder, server, clients, behind):
        self.port = free_port()
        conf = folder / "nginx.conf"
        paths = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in
                        ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        conf.write_text(f"""daemon off; master_process off; pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
events {{ }}
http {{ access_log off; {paths}
server {{ listen 127.0.0.1:{self.port} ssl;
  ssl_certificate {server[0]}; ssl_certificate_key {server[1]};
  ssl_client_certificate {clients}; ssl_verify_client on;
  location / {{ proxy_pass http://127.0.0.1:{behind}; proxy_set_header X-Client $ssl_client_s_dn; }}
}} }}
""")
        binary = shutil.which("nginx", path="/usr/sbin:/sbin:/usr/bin")
        self.process = subprocess.Popen([binary, "-c", str(conf), "-e", f"{folder}/nginx.log"],
                                        stdin=subprocess.DEVNULL)

        def listens():
            with socket.socket() as s:
                return s.connect_ex(("127.0.0.1", self.port)) == 0
        wait_until(listens, "nginx")

    def close(self):
        self.process.terminate()
        self.process.wait(20)


class Strict:
    """A server that breaks the handshake off without a client certificate."""

    def __init__(self, server, clients):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*map(str, server))
        context.load_verify_locations(str(clients))
        context.verify_mode = ssl.CERT_REQUIRED
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.context = context
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            peer = self.context.wrap_socket(peer, server_side=True, do_handshake_on_connect=False)
            try:
                peer.do_handshake()
            except OSError:
                # Closing on bytes that were not read would overtake the alert.
                socket.socket.shutdown(peer, socket.SHUT_WR)
                while socket.socket.recv(peer, 65536):
                    pass
            peer.close()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


class Tls:
    def __init__(self, folder):
        folder.mkdir()
        self.folder = folder
        self.ca, self.foreign = Authority(folder, "ca"), Authority(folder, "foreign")
        self.server = self.ca.sign("server", "subjectAltName=IP:127.0.0.1")
        self.client = self.ca.sign("client", "extendedKeyUsage=clientAuth")
        self.stranger = self.foreign.sign("stranger", "extendedKeyUsage=clientAuth")
        self.locked = folder / "locked.key"
        openssl("pkcs8", "-topk8", "-in", self.client[1], "-out", self.locked, "-passout",
                "pass:" + KEY_PASSWORD)
        self.secret = folder / "password"
        self.secret.write_text(KEY_PASSWORD + "\n")


@pytest.fixture(scope="module")
def tls(base):
    return Tls(base / "tls")


@pytest.fixture(scope="module")
def behind():
    one = Receiver()
    yield one
    one.close()


@pytest.fixture(scope="module")
def nginx(tls, behind):
    one = Nginx(tls.folder, tls.server, tls.ca.cert, behind.port)
    yield one
    one.close()


@pytest.fixture(scope="module")
def service(base, tls):
    rows = f"""
    , {{ name = "member"; plugin = "http.so"; ca_file = "{tls.ca.cert}";
        client_cert = "{tls.client[0]}"; client_key = "{tls.locked}";
        key_password = "file:{tls.secret}"; cloudevents_source = "{SOURCE}"; }}
    , {{ name = "nobody"; plugin = "http.so"; ca_file = "{tls.ca.cert}"; }}
    , {{ name = "stranger"; plugin = "http.so"; ca_file = "{tls.ca.cert}";
        client_cert = "{tls.stranger[0]}"; client_key = "{tls.stranger[1]}"; }}
);
"""
    one = Service(base / "options", conf=LOOPBACK + QUICK + CHANNELS.replace("\n);\n", rows))
    one.start()
    yield one
    one.close()


def hook_add(service, channel, url, event_type, **configs):
    reply = service.call("POST", HOOKS, {
        "webhook_name": channel, "event_types": [event_type],
        "channels": [{"channel": channel, "configs": dict({"url": url}, **configs)}]})
    assert reply.status_code == 201, reply.text
    return reply.json()


def test_client_certificate(service, nginx, behind):
    hook_add(service, "member", f"https://127.0.0.1:{nginx.port}/member", "tls.member")
    sent = service.publish("tls.member", data={"n": 1.50})
    shown = service.settled(sent["event_id"], "delivered")
    arrival, = behind.wait("/member")
    assert arrival.headers["X-Client"] == "CN=client" and arrival.event["data"] == {"n": 1.5}
    assert attempts_of(shown)[0]["timing"]["tls_ms"] is not None


@pytest.mark.parametrize("channel, reason, excerpt", [
    ("webhook", "TLS certificate is not trusted: its issuer is unknown or not sent", None),
    ("nobody", "receiver answered 400 Bad Request", "No required SSL certificate was sent"),
    ("stranger", "receiver answered 400 Bad Request", "The SSL certificate error"),
])
def test_not_a_member(service, nginx, behind, channel, reason, excerpt):
    hook_add(service, channel, f"https://127.0.0.1:{nginx.port}/{channel}", f"tls.{channel}")
    sent = service.publish(f"tls.{channel}")
    shown = attempts_of(service.settled(sent["event_id"], "failed"))
    assert shown[0]["reason"] == reason
    assert excerpt is None or excerpt in shown[0]["reply_excerpt"]
    assert behind.at(f"/{channel}") == []


@pytest.mark.parametrize("channel, reason", [
    ("nobody", "the receiver demands a TLS client certificate"),
    ("stranger", "the receiver does not trust the sender's TLS client certificate"),
])
def test_handshake_broken_off(service, tls, channel, reason):
    strict = Strict(tls.server, tls.ca.cert)
    try:
        hook_add(service, channel, f"https://127.0.0.1:{strict.port}/", f"strict.{channel}")
        sent = service.publish(f"strict.{channel}")
        shown = attempts_of(service.settled(sent["event_id"], "failed"))
        assert shown[0]["reason"] == reason
    finally:
        strict.close()


def test_wrong_settings(base, tls):
    cert, key = tls.client
    other = tls.stranger[1]
    empty = tls.folder / "empty"
    empty.write_text("no PEM\n")
    cases = [
        (f'client_cert = "{cert}";', "client_key is missing"),
        (f'client_key = "{key}";', "client_cert is missing"),
        ('key_password = "x";', "client_key, which is missing"),
        (f'client_cert = "{cert}"; client_key = "{other}";', "does not belong to"),
        (f'client_cert = "{cert}"; client_key = "{tls.locked}";', "is encrypted"),
        (f'client_cert = "{cert}"; client_key = "{tls.locked}"; key_password = "wrong";',
         "cannot be decrypted"),
        (f'client_cert = "{empty}"; client_key = "{key}";', "no PEM certificate"),
        (f'client_cert = "{cert}"; client_key = "{empty}";', "no PEM private key"),
        (f'ca_file = "{empty}";', "no PEM certificate"),
        ('ca_file = "/nowhere/ca.pem";', "No such file"),
        ('cloudevents_source = "a b";', "no URI-reference"),
    ]
    for number, (words, found) in enumerate(cases):
        conf = base / f"wrong{number}.conf"
        conf.write_text(f'channels = ( {{ name = "webhook"; plugin = "http.so"; {words} }} );\n'
                        f'store = {{ path = "{base}/wrong.db"; }};\n'
                        f'server = {{ socket = "unix:{base}/wrong.sock"; }};\n')
        done = tocsin("check", conf=conf)
        assert done.returncode != 0 and found in done.stdout + done.stderr, \
            (words, done.stdout, done.stderr)
        assert KEY_PASSWORD not in done.stdout + done.stderr


# --- credentials -------------------------------------------------------------------------

def test_basic(service, receiver):
    hook = service.webhook(receiver.url("/basic"), ["basic.test"], auth="basic",
                           auth_username="grüße", auth_password="pa:ss wörd")
    service.publish("basic.test")
    arrival, = receiver.wait("/basic")
    scheme, value = arrival.headers["Authorization"].split(" ")
    assert scheme == "Basic" and base64.b64decode(value).decode() == "grüße:pa:ss wörd"
    assert "wörd" not in json.dumps(hook, ensure_ascii=False)
    # The masked value, sent back, stands for the password.
    reply = service.call("PUT", HOOKS + hook["webhook_id"], {
        "webhook_name": "again", "event_types": ["basic.test"],
        "channels": [{"channel": "webhook", "configs": hook["channels"][0]["configs"]}]})
    assert reply.status_code == 200, reply.text
    service.publish("basic.test")
    assert receiver.wait("/basic", 2)[1].headers["Authorization"] == f"Basic {value}"


def test_bearer(service, receiver):
    hook = service.webhook(receiver.url("/bearer"), ["bearer.test"], auth="bearer",
                           auth_token="t0ken-of-48_characters~and+more/than=that")
    service.publish("bearer.test")
    arrival, = receiver.wait("/bearer")
    assert arrival.headers["Authorization"] == "Bearer t0ken-of-48_characters~and+more/than=that"
    assert "48_characters" not in json.dumps(hook)


@pytest.mark.parametrize("name", [None, "X-Signature"])
def test_hmac(service, receiver, name):
    path, more = f"/hmac-{name}", {} if name is None else {"hmac_header": name}
    service.webhook(receiver.url(path), [f"hmac.{name}"], auth="hmac", hmac_secret="s3crét",
                    headers={"Authorization": "Bearer mine"}, **more)
    service.publish(f"hmac.{name}", data={"text": "ü"})
    arrival, = receiver.wait(path)
    mac = hmac.new("s3crét".encode(), arrival.body, hashlib.sha256).hexdigest()
    assert arrival.headers[name or "X-Hub-Signature-256"] == "sha256=" + mac
    assert arrival.headers["Authorization"] == "Bearer mine"


@pytest.mark.parametrize("configs, key, words", [
    ({"auth": "basic"}, "auth_username", "is needed"),
    ({"auth": "bearer"}, "auth_token", "is needed"),
    ({"auth": "hmac"}, "hmac_secret", "is needed"),
    ({"auth_token": "t"}, "auth_token", 'for auth "bearer" only'),
    ({"auth": "bearer", "auth_token": "t", "auth_password": "p"}, "auth_password", "basic"),
    ({"auth": "bearer", "auth_token": "a b"}, "auth_token", "visible ASCII"),
    ({"auth": "bearer", "auth_token": "a\nb"}, "auth_token", "control"),
    ({"auth": "basic", "auth_username": "a:b"}, "auth_username", "colon"),
    ({"auth": "basic", "auth_username": "a\nb"}, "auth_username", "control"),
    ({"auth": "bearer", "auth_token": "t", "headers": {"authorization": "x"}}, "headers", "one of"),
    ({"auth": "hmac", "hmac_secret": "s", "hmac_header": "Host"}, "hmac_header", "reserved"),
    ({"auth": "hmac", "hmac_secret": "s", "hmac_header": "A:"}, "hmac_header", "letters"),
    ({"auth": "hmac", "hmac_secret": "s", "headers": {"x-hub-signature-256": "1"}},
     "hmac_header", "too"),
    ({"auth": "digest"}, "auth", "'hmac'"),
    ({"signature": "v2"}, "signature", "'v1a'"),
    ({"format": "cloudevents_binary", "headers": {"content-type": "x/y"}}, "headers", "made by"),
    ({"cloudevents_source": "a b"}, "cloudevents_source", "URI-reference"),
    ({"headers": {"ce-id": "1"}}, "headers", "reserved"),
    ({"gzip": True}, "gzip", "string"),
])
def test_configs_refused(service, configs, key, words):
    found, text = refused(service, **configs)
    assert found == key and words in text


# --- signatures ------------------------------------------------------------------------------

def v1a_fits(public_key, headers, body, folder):
    """Ed25519 by openssl, over what Standard Webhooks sign."""
    assert public_key.startswith("whpk_")
    raw = base64.b64decode(public_key[len("whpk_"):])
    assert len(raw) == 32
    key, content, signature = folder / "v1a.der", folder / "v1a.bin", folder / "v1a.sig"
    key.write_bytes(bytes.fromhex("302a300506032b6570032100") + raw)
    content.write_bytes(
        f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body)
    for one in headers["webhook-signature"].split():
        if not one.startswith("v1a,"):
            continue
        signature.write_bytes(base64.b64decode(one[4:]))
        if subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", str(key),
                           "-keyform", "DER", "-rawin", "-in", str(content), "-sigfile",
                           str(signature)], capture_output=True, timeout=60).returncode == 0:
            return True
    return False


def test_v1a(service, receiver, tmp_path):
    hook = service.webhook(receiver.url("/v1a"), ["v1a.test"], signature="v1a")
    shown = service.call("GET", f"{HOOKS}{hook['webhook_id']}/secret").json()
    service.publish("v1a.test", data={"text": "✓"})
    arrival, = receiver.wait("/v1a")
    assert re.fullmatch("v1a,[A-Za-z0-9+/]{86}==", arrival.headers["webhook-signature"])
    assert v1a_fits(shown["public_key"], arrival.headers, arrival.body, tmp_path)
    assert not v1a_fits(shown["public_key"], arrival.headers, arrival.body + b" ", tmp_path)


def test_both_signatures_and_rotation(service, receiver, tmp_path):
    hook = service.webhook(receiver.url("/both"), ["both.test"], signature="v1,v1a",
                           svix_headers=True)
    path = f"{HOOKS}{hook['webhook_id']}/secret"
    old = service.call("GET", path).json()
    new = service.call("POST", path + "/rotate").json()
    assert new["secret"] != old["secret"]
    service.publish("both.test")
    arrival, = receiver.wait("/both")
    kinds = [s.split(",")[0] for s in arrival.headers["webhook-signature"].split()]
    assert sorted(kinds) == ["v1", "v1", "v1a", "v1a"]
    shown = service.call("GET", path).json()
    for secret in (old, shown):
        assert signature_fits(secret["secret"], arrival.headers, arrival.body)
        assert v1a_fits(secret["public_key"], arrival.headers, arrival.body, tmp_path)
    for name in ("id", "timestamp", "signature"):
        assert arrival.headers["svix-" + name] == arrival.headers["webhook-" + name]


def test_no_svix_headers_by_itself(service, receiver):
    service.webhook(receiver.url("/plain"), ["plain.test"])
    service.publish("plain.test")
    arrival, = receiver.wait("/plain")
    assert not [n for n in arrival.headers if n.lower().startswith(("svix-", "ce-"))]
    assert "Authorization" not in arrival.headers and "Content-Encoding" not in arrival.headers


# --- CloudEvents -------------------------------------------------------------------------------

EVENT = {
    "subject": "Grüße \"100 %\" ✓\n\u0085\ufdd0.",
    "namespace_id": "ns_1",
    "metadata": {"traceid": "a b", "count": 2147483647, "big": 2147483648, "low": -2147483648,
                 "ratio": 0.50, "flag": True, "nothing": None, "list": [1], "inner": {"a": 1},
                 "Upper": "no", "under_score": "no", "id": "no", "time": "no", "empty": "",
                 "dataschema": "https://schema.example/1", "text": "ü\u007f"},
    "data": {"n": 1.50, "text": "Grüße ✓"},
}
SUBJECT = "Grüße \"100 %\" ✓   ."
WANTED = {"specversion": "1.0", "type": "ce.test", "subject": SUBJECT, "namespaceid": "ns_1",
          "dataschema": "https://schema.example/1", "traceid": "a b", "count": 2147483647,
          "big": "2147483648", "low": -2147483648, "ratio": "0.50", "flag": True, "empty": "",
          "text": "ü ", "source": "tocsin"}


def binary_read(arrival):
    """The attributes of a binary CloudEvent, as HTTP 3.1.3.2 says; all are texts."""
    found = {}
    for name, value in arrival.headers.items():
        if name.lower().startswith("ce-"):
            assert all(0x20 < ord(c) < 0x7F and c != '"' for c in value)
            assert re.fullmatch("[a-z0-9]+", name[3:]) and name[3:] not in found
            found[name[3:]] = urllib.parse.unquote(value, errors="strict")
    return found


def event_text(data=b'{"n":1.50,"text":"Gr\xc3\xbc\xc3\x9fe \xe2\x9c\x93"}', **more):
    event = dict({k: v for k, v in EVENT.items() if k != "data"}, event_type="ce.test", **more)
    text = json.dumps(event).replace('"ratio": 0.5', '"ratio": 0.50').encode()
    return text if data is None else text[:-1] + b',"data":' + data + b"}"


@pytest.fixture(scope="module")
def cloud(service, behind):
    """One event to a webhook of each mode."""
    hooks = {mode: service.webhook(behind.url(f"/ce-{mode}"), ["ce.test"], format=f"cloudevents_{mode}")
             for mode in ("structured", "binary")}
    reply = service.call("POST", "/v1/events", data=event_text(
        event_id="order 4711/ü", occurred_at="2026-11-24T05:27:39.123456+01:00"))
    assert reply.status_code == 202, reply.text
    wanted = dict(WANTED, id="order 4711/ü", time="2026-11-24T04:27:39.123456Z")
    return hooks, wanted, {mode: behind.wait(f"/ce-{mode}")[0] for mode in hooks}


def test_structured(service, cloud):
    hooks, wanted, arrivals = cloud
    arrival = arrivals["structured"]
    assert arrival.headers["Content-Type"] == "application/cloudevents+json; charset=utf-8"
    found = json.loads(arrival.body)
    assert b'"data":{"n":1.50,"text":"Gr\xc3\xbc\xc3\x9fe \xe2\x9c\x93"}' in arrival.body
    assert found.pop("data") == {"n": 1.5, "text": "Grüße ✓"}
    assert found.pop("datacontenttype") == "application/json"
    assert found == dict(wanted, webhookid=hooks["structured"]["webhook_id"])
    assert all(re.fullmatch("[a-z0-9]+", name) for name in found)
    assert not [n for n in arrival.headers if n.lower().startswith("ce-")]
    assert signature_fits(service.secret(hooks["structured"]["webhook_id"]), arrival.headers,
                          arrival.body)


def test_binary(service, cloud):
    hooks, wanted, arrivals = cloud
    arrival = arrivals["binary"]
    assert arrival.headers["Content-Type"] == "application/json"
    assert arrival.body == b'{"n":1.50,"text":"Gr\xc3\xbc\xc3\x9fe \xe2\x9c\x93"}'
    texts = {n: json.dumps(v) if isinstance(v, (int, bool)) else v for n, v in wanted.items()}
    assert binary_read(arrival) == dict(texts, webhookid=hooks["binary"]["webhook_id"])
    # Upper-case hex, and nothing encoded that need not be.
    assert arrival.headers["ce-subject"].startswith("Gr%C3%BC%C3%9Fe%20%22100%20%25%22%20%E2%9C%93")
    assert arrival.headers["ce-dataschema"] == "https://schema.example/1"
    assert signature_fits(service.secret(hooks["binary"]["webhook_id"]), arrival.headers,
                          arrival.body)


@pytest.mark.parametrize("mode", ["structured", "binary"])
def test_no_data(service, receiver, mode):
    path = f"/bare-{mode}"
    hook = service.webhook(receiver.url(path), [f"bare.{mode}"], format=f"cloudevents_{mode}")
    sent = service.publish(f"bare.{mode}")
    arrival, = receiver.wait(path)
    assert signature_fits(service.secret(hook["webhook_id"]), arrival.headers, arrival.body)
    if mode == "binary":
        assert arrival.body == b"" and "Content-Type" not in arrival.headers
        assert arrival.headers["ce-id"] == sent["event_id"]
    else:
        assert "data" not in arrival.event and "datacontenttype" not in arrival.event


@pytest.mark.parametrize("given, wanted", [
    ({}, SOURCE),
    ({"metadata": {"source": "https://shop.example/orders?a=%20"}},
     "https://shop.example/orders?a=%20"),
    ({"metadata": {"source": "not a reference"}}, SOURCE),
    ({"metadata": {"source": 5}}, SOURCE),
])
def test_source(service, nginx, behind, given, wanted):
    name = str(abs(hash(json.dumps(given))))
    hook_add(service, "member", f"https://127.0.0.1:{nginx.port}/{name}", f"source.t{name}",
             format="cloudevents_structured")
    service.publish(f"source.t{name}", **given)
    arrival, = behind.wait(f"/{name}")
    assert arrival.event["source"] == wanted


def test_source_of_the_webhook(service, receiver):
    service.webhook(receiver.url("/mine"), ["mine.test"], format="cloudevents_binary",
                    cloudevents_source="urn:shop:%C3%BC")
    service.publish("mine.test", metadata={"source": "other"})
    arrival, = receiver.wait("/mine")
    assert binary_read(arrival)["source"] == "urn:shop:%C3%BC"


@pytest.mark.parametrize("mode", ["structured", "binary"])
def test_template_is_data(service, receiver, mode):
    path = f"/shaped-{mode}"
    service.webhook(receiver.url(path), [f"shaped.{mode}"], format=f"cloudevents_{mode}",
                    payload_template={"count": "{{data.count}}", "hello": "Hi {{data.name}}"})
    service.publish(f"shaped.{mode}", data={"count": 7, "name": "\"Ü\""})
    arrival, = receiver.wait(path)
    data = arrival.event["data"] if mode == "structured" else arrival.event
    assert data == {"count": 7, "hello": "Hi \"Ü\""}


def test_large_metadata(service, receiver):
    """A header has its limits: what does not fit is left out, what comes after it is not."""
    service.webhook(receiver.url("/large"), ["large.test"], format="cloudevents_binary")
    service.publish("large.test", metadata={
        "big": "x" * 9000, **{f"a{i}": "y" * 1000 for i in range(10)}, "last": "z"})
    arrival, = receiver.wait("/large")
    found = binary_read(arrival)
    assert "big" not in found and found["a0"] == "y" * 1000 and found["last"] == "z"
    assert "a9" not in found


# --- gzip ----------------------------------------------------------------------------------------

def test_gzip(service, receiver):
    hook = service.webhook(receiver.url("/gzip"), ["gzip.test"], gzip="large", auth="hmac",
                           hmac_secret="s")
    secret = service.secret(hook["webhook_id"])
    service.publish("gzip.test", data={"text": "small"})
    service.publish("gzip.test", data={"text": "Grüße ✓ " * 5000})
    small, large = sorted(receiver.wait("/gzip", 2), key=lambda a: "gzip" in str(a.headers))
    if small.headers["Content-Encoding"]:
        small, large = large, small
    assert "Content-Encoding" not in small.headers and small.event["data"] == {"text": "small"}
    assert large.headers["Content-Encoding"] == "gzip"
    plain = gzip.decompress(large.body)
    assert json.loads(plain)["data"] == {"text": "Grüße ✓ " * 5000}
    assert len(large.body) < len(plain) / 10
    assert signature_fits(secret, small.headers, small.body)
    assert signature_fits(secret, large.headers, plain)
    assert large.headers["X-Hub-Signature-256"] == \
        "sha256=" + hmac.new(b"s", plain, hashlib.sha256).hexdigest()


# --- payload templates ------------------------------------------------------------------------------

def test_types_kept(service, receiver):
    service.webhook(receiver.url("/types"), ["types.test"], payload_template={
        "number": "{{data.number}}", "list": "{{data.list}}", "object": "{{data.object}}",
        "yes": "{{data.yes}}", "none": "{{data.none}}", "missing": "{{data.missing}}",
        "text": "{{data.number}} and {{{data.quote}}}", "fixed": [1, 2.50, None, {"a": False}],
        "type": "{event_type}", "plain": "{{data.quote}}"})
    reply = service.call("POST", "/v1/events", data=b"""{"event_type": "types.test", "data":
        {"number": 1.210, "list": [1, "2", [3]], "object": {"k": "v"}, "yes": true, "none": null,
         "quote": "a\\"b\\\\c\\nd"}}""")
    assert reply.status_code == 202, reply.text
    arrival, = receiver.wait("/types")
    assert arrival.event == {
        "number": 1.21, "list": [1, "2", [3]], "object": {"k": "v"}, "yes": True, "none": None,
        "missing": None, "text": "1.210 and a\"b\\c\nd", "fixed": [1, 2.5, None, {"a": False}],
        "type": "types.test", "plain": "a\"b\\c\nd"}
    assert b'"number":1.210' in arrival.body


# --- verdicts ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("status, attempts", [
    (400, 1), (401, 1), (403, 1), (404, 1), (413, 1), (422, 1), (499, 1),
    (408, 4), (409, 4), (425, 4), (429, 4), (500, 4), (503, 4), (302, 4),
])
def test_fail_on_4xx(service, receiver, status, attempts):
    receiver.script(f"/{status}", Reply(status))
    service.webhook(receiver.url(f"/{status}"), [f"final.s{status}"], fail_on_4xx=True)
    sent = service.publish(f"final.s{status}")
    shown = service.settled(sent["event_id"], "failed")
    assert len(receiver.at(f"/{status}")) == attempts
    assert ("fail_on_4xx" in attempts_of(shown)[-1]["reason"]) == (attempts == 1)


def channel_of(service, hook):
    return service.call("GET", HOOKS + hook["webhook_id"]).json()["channels"][0]


@pytest.mark.parametrize("status", [500, 404, 429])
def test_abort(service, receiver, status):
    path = f"/abort-{status}"
    receiver.script(path, Reply(status, headers={"Webhook-Delivery": "Abort-Message"}))
    hook = service.webhook(receiver.url(path), [f"abort.s{status}"], control_headers=True)
    sent = service.publish(f"abort.s{status}")
    shown = service.settled(sent["event_id"], "failed")
    assert len(receiver.at(path)) == 1
    assert attempts_of(shown)[0]["reason"] == \
        f"receiver answered {status} and asked not to send this event again"
    assert channel_of(service, hook)["status"] != "disabled"


@pytest.mark.parametrize("status", [200, 503])
def test_disable(service, receiver, status):
    path = f"/disable-{status}"
    receiver.script(path, Reply(status, headers={"webhook-delivery": "disable"}))
    hook = service.webhook(receiver.url(path), [f"disable.s{status}"], control_headers=True)
    sent = service.publish(f"disable.s{status}")
    service.settled(sent["event_id"], "failed")
    wait_until(lambda: channel_of(service, hook)["status"] == "disabled", "disabled")
    assert "no more events" in channel_of(service, hook)["disabled_reason"]


@pytest.mark.parametrize("configs, headers, state, arrivals", [
    ({}, {"webhook-delivery": "disable"}, "delivered", 2),
    ({"control_headers": True}, {"webhook-delivery": "keep-going"}, "delivered", 2),
], ids=["not asked for", "unknown word"])
def test_control_ignored(service, receiver, configs, headers, state, arrivals, request):
    kind = "ignored." + request.node.name.split("[")[1][:-1].replace(" ", "")
    receiver.script("/" + kind, Reply(500, headers=headers), Reply(200))
    service.webhook(receiver.url("/" + kind), [kind], **configs)
    sent = service.publish(kind)
    service.settled(sent["event_id"], state)
    assert len(receiver.at("/" + kind)) == arrivals


def test_abort_after_success(service, receiver):
    receiver.script("/late", Reply(200, headers={"webhook-delivery": "abort-message"}))
    service.webhook(receiver.url("/late"), ["late.test"], control_headers=True)
    service.settled(service.publish("late.test")["event_id"], "delivered")
