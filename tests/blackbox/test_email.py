"""Mail: through SMTP servers of our own, with and without TLS and login, and through postfix.

SPDX-License-Identifier: MIT
"""
import json
import os
import pwd
import shutil
import smtplib
import subprocess

import pytest

from harness import HOOKS, QUICK, Service, free_port, tocsin, wait_until
from mail_server import MailServer, certificate_make, tls_context

PASSWORD = "s3cret-of-the-relay"
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH")


def channel(name, port, more='starttls = "off";', scheme="smtp", host="127.0.0.1"):
    return f"""{{ name = "{name}"; plugin = "email.so"; relay = "{scheme}://{host}:{port}";
        from = "tocsin@example.org"; helo = "tocsin.example.org"; {more} }}"""


def declared(*channels):
    """No guard = ...: the relay is the operator's, so loopback is fine."""
    return QUICK + "channels = (\n" + ",\n".join(channels) + "\n);\n"


@pytest.fixture(scope="module")
def certificates(base):
    folder = base / "certificates"
    certificate_make(folder, "authority", "none")
    certificate_make(folder, "other", "none")
    certificate_make(folder, "relay", "127.0.0.1", "authority")
    certificate_make(folder, "stranger", "10.1.2.3", "authority")
    return folder


@pytest.fixture(scope="module")
def servers(certificates):
    good = tls_context(certificates / "relay.crt", certificates / "relay.key")
    stranger = tls_context(certificates / "stranger.crt", certificates / "stranger.key")
    all_servers = {
        "plain": MailServer(),
        "starttls": MailServer(passwords={"tocsin": PASSWORD}, tls=good, require_starttls=True),
        "tls": MailServer(passwords={"tocsin": PASSWORD}, tls=good, is_tls_from_start=True),
        "stranger": MailServer(tls=stranger, require_starttls=True),
    }
    yield all_servers
    for one in all_servers.values():
        one.close()


@pytest.fixture(scope="module")
def service(base, servers, certificates):
    port = {name: one.port for name, one in servers.items()}
    ca = f'ca_file = "{certificates}/authority.crt";'
    login = f'username = "tocsin"; password = "{PASSWORD}";'
    one = Service(base / "email", conf=declared(
        channel("email", port["plain"], 'starttls = "off"; from_name = "Tocsin, Alerts"; '
                'reply_to = "help@example.org"; timeout = "2s"; '
                'list_unsubscribe = "https://example.org/u";'),
        channel("starttls", port["starttls"], ca + login + 'auth = "plain";'),
        channel("login", port["starttls"], ca + login + 'auth = "login";'),
        channel("tls", port["tls"], ca + login, scheme="smtps"),
        channel("wrong", port["starttls"], ca + 'username = "tocsin"; password = "wrong-word";'),
        channel("nologin", port["starttls"], ca),
        channel("clear", port["plain"], login),
        channel("untrusted", port["starttls"],
                login + f'ca_file = "{certificates}/other.crt";'),
        channel("stranger", port["stranger"], ca),
        channel("optional", port["plain"], 'starttls = "optional";'),
        channel("down", free_port())))
    one.start()
    yield one
    one.close()


def hook_add(service, event_type, configs, name="Ops", channel="email", status=201):
    reply = service.call("POST", HOOKS, {
        "webhook_name": name, "event_types": [event_type],
        "channels": [{"channel": channel, "configs": configs}]})
    assert reply.status_code == status, reply.text
    return reply.json()


def sent(service, server, event_type, configs, **event):
    """The one mail that this event makes."""
    address = event_type + "@example.com"
    hook_add(service, event_type, dict({"to_addresses": [address]}, **configs))
    service.publish(event_type, **event)
    return server.wait(address)[0]


def attempted(service, event_id, find=lambda d: d["attempts"]):
    """The event's only delivery with its attempts, once find says so."""
    def look():
        rows = service.deliveries(event_id=event_id)
        if not rows:
            return None
        one = service.call("GET", f"/v1/deliveries/{rows[0]['delivery_id']}").json()
        return one if find(one) else None
    return wait_until(look, f"an attempt of {event_id}")


def all_ended(service, event_id):
    """The event's deliveries by target, once none is under way."""
    def look():
        rows = service.deliveries(event_id=event_id)
        return rows if all(r["state"] in ("delivered", "failed") for r in rows) else None
    return {row["target"]: row for row in wait_until(look, f"the end of {event_id}")}


# --- what a mail looks like ---------------------------------------------------------------


def test_the_default_mail_reads_well(service, servers):
    mail = sent(service, servers["plain"], "mail.default", {"content_type": "html"},
                subject="obj <1>", metadata={"collection": "Über", "score": 0.85},
                data={"list": [1, {"a": None}], "big": 12345678901234567890123})
    message = mail.message
    assert mail.sender == "tocsin@example.org" and mail.helo == "tocsin.example.org"
    assert message["Subject"] == "mail.default (Ops)"
    assert message["From"] == '"Tocsin, Alerts" <tocsin@example.org>'
    assert message["Reply-To"] == "help@example.org" and message["To"] == "mail.default@example.com"
    assert message["Auto-Submitted"] == "auto-generated" and message["MIME-Version"] == "1.0"
    assert message["List-Unsubscribe"] == "<https://example.org/u>"
    assert message["Date"].datetime is not None and not message.defects
    assert message.get_content_type() == "multipart/alternative"
    assert [p.get_content_type() for p in message.iter_parts()] == ["text/plain", "text/html"]
    text, html = mail.part("text/plain"), mail.part("text/html")
    for words in ("mail.default", "Ops", "Über", "0.85", "12345678901234567890123"):
        assert words in text and words in html
    assert "obj <1>" in text and "obj &lt;1&gt;" in html
    assert max(len(line) for line in mail.content.split(b"\r\n")) <= 100
    assert b"\n" not in mail.content.replace(b"\r\n", b"")


def test_templates_make_the_mail(service, servers):
    mail = sent(service, servers["plain"], "mail.html", {
        "subject_template": "Gruß {{metadata.who}}: {event_type} " + "ж" * 60,
        "body_template": "<p>Hi {{metadata.who}}, <a href=\"https://x.example/?a=1\">look</a></p>"},
        metadata={"who": "<Jürgen & Co>"})
    assert mail.message["Subject"] == "Gruß <Jürgen & Co>: mail.html " + "ж" * 60
    assert "<p>Hi &lt;Jürgen &amp; Co&gt;, <a href=" in mail.part("text/html")
    assert mail.part("text/plain") == "Hi <Jürgen & Co>, look <https://x.example/?a=1>\n"
    for line in mail.content.split(b"\r\n"):
        assert len(line) <= 76 or line.startswith(b"Message-ID:"), line


def test_plain_text(service, servers):
    mail = sent(service, servers["plain"], "mail.plain", {
        "content_type": "plain_text",
        "body_template": ".\nFrom {{metadata.a}}\n\n" + "x" * 200 + "\n.\n"}, metadata={"a": "<b>"})
    assert mail.message.get_content_type() == "text/plain"
    assert mail.part("text/plain") == ".\nFrom <b>\n\n" + "x" * 200 + "\n.\n"


def test_markdown_is_safe(service, servers):
    mail = sent(service, servers["plain"], "mail.markdown", {
        "content_type": "markdown",
        "body_template": "# Hi {{metadata.a}}\n\n[ok](https://x.example) [bad](javascript:x)\n\n"
                         "<script>x</script>\n"},
        metadata={"a": "*b* [c](https://evil.example) <i>"})
    html = mail.part("text/html")
    assert "<h1>Hi *b* [c](https://evil.example) &lt;i&gt;</h1>" in html
    assert '<a href="https://x.example">ok</a>' in html
    assert "javascript" not in html and "<script" not in html
    assert "ok <https://x.example>" in mail.part("text/plain")


def test_json_is_shown_and_attached(service, servers):
    data = {"n": 1.50, "text": "ж\n"}
    mail = sent(service, servers["plain"], "mail.json", {"content_type": "json"}, data=data)
    attached = [p for p in mail.message.iter_attachments()]
    assert [p.get_content_type() for p in attached] == ["application/json"]
    assert attached[0].get_filename() == "event.json"
    event = json.loads(attached[0].get_content())
    assert event["data"] == data and event["event_type"] == "mail.json"
    assert json.loads(mail.part("text/plain")) == event


def test_nothing_injects_a_header(service, servers):
    evil = "x\r\nBcc: evil@example.com\r\n\r\nbody"
    mail = sent(service, servers["plain"], "mail.evil", {
        "subject_template": "{{{metadata.a}}}{{&metadata.a}}"}, metadata={"a": evil})
    assert mail.message["Bcc"] is None
    assert mail.message["Subject"] == "x Bcc: evil@example.com bodyx Bcc: evil@example.com body"
    for address in ("a@example.com\r\nBcc: b@example.com", "a@example.com\n", "<a@example.com>",
                    "a b@example.com", '"a"@example.com', "a@[127.0.0.1]", "ж@example.com"):
        reply = hook_add(service, "mail.evil2", {"to_addresses": [address]}, status=422)
        assert reply["detail"][0]["loc"][:5] == ["body", "channels", 0, "configs", "to_addresses"]
    assert "evil@example.com" not in servers["plain"].asked


def test_fields_are_checked(service):
    for configs, field in (({}, "to_addresses"), ({"to_addresses": []}, "to_addresses"),
                           ({"to_addresses": ["a@b.example"], "content_type": "rtf"},
                            "content_type"),
                           ({"to_addresses": ["a@b.example"], "body_template": "{{#a}}"},
                            "body_template")):
        reply = hook_add(service, "mail.x", configs, status=422)
        assert field in reply["detail"][0]["loc"], reply


# --- recipients -----------------------------------------------------------------------------


def test_each_recipient_is_a_delivery(service, servers):
    server = servers["plain"]
    server.scripts["many.bad@example.com"] = ["550 5.1.1 no such user"]
    server.scripts["many.late@example.com"] = ["450 4.2.0 greylisted"] * 2
    hook_add(service, "mail.many", {
        "recipients": ["many.good@example.com", "many.bad@example.com", "many.late@example.com"],
        "cc_addresses": ["many.cc@example.com", "many.good@example.com"],
        "bcc_addresses": ["many.bcc@example.com"]})
    published = service.publish("mail.many")
    assert published["deliveries"] == 5

    rows = all_ended(service, published["event_id"])
    assert {t: r["state"] for t, r in rows.items()} == {
        "many.good@example.com": "delivered", "many.bad@example.com": "failed",
        "many.late@example.com": "delivered", "many.cc@example.com": "delivered",
        "many.bcc@example.com": "delivered"}
    assert rows["many.bad@example.com"]["last_status_code"] == 550
    mails = [m for m in server.mails if m.message["Subject"] == "mail.many (Ops)"]
    assert sorted(m.recipients[0] for m in mails) == sorted(
        t for t in rows if t != "many.bad@example.com")
    assert len({m.content for m in mails}) == 1
    assert mails[0].message["To"] == \
        "many.good@example.com, many.bad@example.com, many.late@example.com"
    assert mails[0].message["Cc"] == "many.cc@example.com, many.good@example.com"
    assert b"many.bcc" not in mails[0].content
    assert server.asked.count("many.bad@example.com") == 1
    assert server.asked.count("many.late@example.com") == 3


def test_reasons_tell_what_the_server_said(service, servers):
    servers["plain"].scripts["mail.reason@example.com"] = ["451 4.7.1 come back later"]
    hook_add(service, "mail.reason", {"to_addresses": ["mail.reason@example.com"]})
    done = service.settled(service.publish("mail.reason")["event_id"], "delivered")
    first, second = done["attempts"]
    assert first["status_code"] == 451 and "451 4.7.1 come back later" in first["reason"]
    assert second["status_code"] == 250 and "250 2.0.0 Ok: queued as Q" in second["reason"]


def test_silence_after_the_dot_is_told(service, servers):
    """Nobody knows whether it arrived; the second mail is the first one again."""
    server = servers["plain"]
    server.data_scripts["mail.silent@example.com"] = ["hang"]
    hook_add(service, "mail.silent", {"to_addresses": ["mail.silent@example.com"]})
    done = service.settled(service.publish("mail.silent")["event_id"], "delivered")
    assert "fell silent after the message was sent; it may have arrived" in \
        done["attempts"][0]["reason"]
    first, second = server.to("mail.silent@example.com")
    assert first.content == second.content
    assert first.message["Message-ID"].endswith("@example.org>")


def test_a_refused_mail_is_final(service, servers):
    servers["plain"].data_scripts["mail.spam@example.com"] = ["554 5.7.1 looks like spam"]
    hook_add(service, "mail.spam", {"to_addresses": ["mail.spam@example.com"]})
    done = service.settled(service.publish("mail.spam")["event_id"], "failed")
    assert done["attempts"][0]["reason"] == "the mail was refused: 554 5.7.1 looks like spam"
    assert len(servers["plain"].to("mail.spam@example.com")) == 1


def test_connections_are_used_again(service, servers):
    hook_add(service, "mail.reuse", {"to_addresses": ["mail.reuse@example.com"]})
    for _ in range(3):
        reply = service.call("POST", "/v1/events/batch", {
            "events": [{"event_type": "mail.reuse"}] * 40})
        assert reply.status_code == 202
    mails = servers["plain"].wait("mail.reuse@example.com", 120)
    assert len(mails) == 120 and len({m.message["Message-ID"] for m in mails}) == 120
    assert len({m.peer for m in mails}) <= 20


# --- TLS and login --------------------------------------------------------------------------


@pytest.mark.parametrize("name,server,mechanism", [
    ("starttls", "starttls", "PLAIN"), ("login", "starttls", "LOGIN"), ("tls", "tls", None)])
def test_tls_and_login(service, servers, name, server, mechanism):
    address = f"to.{name}@example.com"
    hook_add(service, "mail." + name, {"to_addresses": [address]}, channel=name)
    service.publish("mail." + name)
    mail = servers[server].wait(address)[0]
    assert mail.login == "tocsin"
    if mechanism:
        assert mail.is_tls and all(is_tls for _, _, _, is_tls in servers[server].logins)
        assert mechanism in [m for m, *_ in servers[server].logins]


@pytest.mark.parametrize("name,words", [
    ("wrong", "the relay refuses the login: 535"),
    ("nologin", "the relay wants a login: 530"),
    ("clear", "offers no STARTTLS"),
    ("untrusted", "certificate is not trusted"),
    ("stranger", "certificate is not trusted")])
def test_the_operators_faults_fail_nobody(service, servers, name, words):
    hook_add(service, "mail." + name, {"to_addresses": [f"to.{name}@example.com"]}, channel=name)
    event = service.publish("mail." + name)["event_id"]
    shown = attempted(service, event)
    assert shown["state"] == "due"
    wait_until(lambda: words in json.dumps(attempted(service, event)), words)
    wait_until(lambda: words in service.log_text(), "a line in the log")
    assert PASSWORD not in service.log_text() and "wrong-word" not in service.log_text()
    for server in servers.values():
        assert not server.to(f"to.{name}@example.com")
        assert f"to.{name}@example.com" not in server.asked
    assert not servers["plain"].logins


def test_starttls_if_offered(service, servers):
    hook_add(service, "mail.optional", {"to_addresses": ["opt@example.com"]}, channel="optional")
    service.publish("mail.optional")
    assert not servers["plain"].wait("opt@example.com")[0].is_tls


def test_a_relay_that_is_down_is_tried_again(service):
    hook_add(service, "mail.down", {"to_addresses": ["down@example.com"]}, channel="down")
    done = service.settled(service.publish("mail.down")["event_id"], "failed")
    assert "no connection to the mail server" in json.dumps(done)


def test_passwords_never_go_in_clear(base):
    for number, (scheme, more) in enumerate((("smtp", 'starttls = "off";'),
                                             ("smtp", 'starttls = "optional";'))):
        conf = base / f"clear{number}.conf"
        conf.write_text(declared(channel("email", 25, more + 'username = "u"; password = "pw1";',
                                         scheme)))
        done = tocsin("check", conf=conf)
        assert done.returncode != 0 and "in clear" in done.stderr, done.stderr
        assert "pw1" not in done.stderr


# --- a real mail server ------------------------------------------------------------------------

MAIN_CF = """compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
myhostname = relay.example.net
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
virtual_mailbox_domains = example.net
virtual_mailbox_base = {folder}/mail
virtual_mailbox_maps = texthash:{folder}/mailboxes
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_minimum_uid = 1
smtpd_relay_restrictions = reject_unauth_destination
smtpd_reject_unlisted_recipient = yes
smtpd_tls_security_level = encrypt
smtpd_tls_cert_file = {certificates}/relay.crt
smtpd_tls_key_file = {certificates}/relay.key
"""
MASTER_CF = """127.0.0.1:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
virtual unix - n n - - virtual
error unix - - n - - error
retry unix - - n - - error
proxymap unix - - n - - proxymap
anvil unix - - n - 1 anvil
"""


@pytest.fixture
def postfix(base, certificates):
    """Port of a postfix in a folder of its own, and the folder of its mailboxes."""
    command = shutil.which("postfix", path=os.environ["PATH"] + ":/usr/sbin")
    if command is None or os.geteuid() != 0:
        pytest.skip("needs postfix, and root to start it")
    folder, port = base / "postfix", free_port()
    user = pwd.getpwnam("postfix")
    for name in ("", "conf", "queue", "data", "mail"):
        (folder / name).mkdir(exist_ok=True)
        (folder / name).chmod(0o755)
    for name in ("data", "mail"):
        shutil.chown(folder / name, "postfix", "postfix")
    (folder / "mailboxes").write_text("known@example.net known/\n")
    (folder / "conf" / "main.cf").write_text(MAIN_CF.format(
        folder=folder, uid=user.pw_uid, gid=user.pw_gid, certificates=certificates))
    (folder / "conf" / "master.cf").write_text(MASTER_CF.format(port=port))
    run = [command, "-c", str(folder / "conf")]
    subprocess.run([*run, "start"], check=True, capture_output=True, timeout=60)
    try:
        def greets():
            try:
                with smtplib.SMTP("127.0.0.1", port, timeout=5):
                    return True
            except OSError:
                return False
        wait_until(greets, "postfix")
        yield port, folder / "mail"
    finally:
        subprocess.run([*run, "stop"], check=True, capture_output=True, timeout=60)


def test_postfix_takes_our_mail(base, postfix, certificates):
    port, mailboxes = postfix
    service = Service(base / "email-postfix", conf=declared(
        channel("email", port, f'ca_file = "{certificates}/authority.crt";')))
    service.start()
    try:
        hook_add(service, "mail.real", {
            "to_addresses": ["known@example.net", "unknown@example.net"],
            "subject_template": "Grüße {{event_type}}",
            "content_type": "plain_text", "body_template": "a\n.\nb\n"})
        event = service.publish("mail.real")["event_id"]
        rows = all_ended(service, event)
        assert rows["known@example.net"]["state"] == "delivered"
        assert rows["unknown@example.net"]["state"] == "failed"
        assert rows["unknown@example.net"]["last_status_code"] == 550
        shown = service.call("GET",
                             f"/v1/deliveries/{rows['known@example.net']['delivery_id']}").text
        assert "queued as" in shown
        arrived = wait_until(lambda: list(mailboxes.glob("known/new/*")), "the mail")
        assert len(arrived) == 1
        text = arrived[0].read_bytes()
        assert b"Subject: =?UTF-8?B?" in text and b"\n\na\n=2E\nb\n" in text
        assert b"with ESMTPS" in text and b"Message-ID: <" in text
    finally:
        service.close()
