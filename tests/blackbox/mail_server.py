"""mail_server.py - an SMTP server that answers each recipient by its script and remembers all.

SPDX-License-Identifier: MIT
"""
import asyncio
import email
import email.policy
import ipaddress
import ssl
import subprocess
import threading
import warnings

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from harness import free_port, wait_until

class Mail:
    """What came for one envelope."""

    def __init__(self, session, envelope):
        self.sender, self.recipients = envelope.mail_from, list(envelope.rcpt_tos)
        self.content = bytes(envelope.original_content)
        self.helo, self.peer = session.host_name, session.peer
        self.is_tls = session.ssl is not None  # by STARTTLS
        self.login = session.auth_data

    @property
    def message(self):
        return email.message_from_bytes(self.content, policy=email.policy.default)

    def part(self, kind):
        found = [p for p in self.message.walk() if p.get_content_type() == kind]
        assert len(found) == 1, self.content
        return found[0].get_content().replace("\r\n", "\n")


class MailServer:
    """scripts: per recipient what RCPT answers, in order; data_scripts: what the final dot
    answers ("hang" keeps the sender waiting). After the last of a script it is 250."""

    def __init__(self, passwords=None, tls=None, is_tls_from_start=False, **options):
        self.mails, self.asked, self.logins = [], [], []
        self.scripts, self.data_scripts = {}, {}
        self.lock, self.passwords = threading.Lock(), passwords
        self.released = asyncio.Event()
        self.port = free_port()
        if passwords is not None:
            # aiosmtpd sees no TLS in a connection that begins with it.
            options.update(authenticator=self.authenticate, auth_required=True,
                           auth_require_tls=not is_tls_from_start)
        if tls is not None and not is_tls_from_start:
            options["tls_context"] = tls
        self.controller = Controller(self, hostname="127.0.0.1", port=self.port,
                                     ident="mail.test",
                                     ssl_context=tls if is_tls_from_start else None, **options)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.controller.start()

    def authenticate(self, server, session, envelope, mechanism, data):
        login = (data.login.decode(), data.password.decode())
        with self.lock:
            self.logins.append((mechanism, *login, session.ssl is not None))
        if self.passwords.get(login[0]) == login[1]:
            return AuthResult(success=True, auth_data=login[0])
        return AuthResult(success=False, handled=False)

    def next_of(self, scripts, key):
        with self.lock:
            script = scripts.get(key, [])
            return script.pop(0) if script else "250 2.0.0 Ok"

    async def handle_RCPT(self, server, session, envelope, address, rcpt_options):
        with self.lock:
            self.asked.append(address)
        answer = self.next_of(self.scripts, address)
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server, session, envelope):
        with self.lock:
            self.mails.append(Mail(session, envelope))
        answer = self.next_of(self.data_scripts, envelope.rcpt_tos[0])
        if answer == "hang":
            await self.released.wait()
        if answer == "250 2.0.0 Ok":
            answer = f"250 2.0.0 Ok: queued as Q{len(self.mails)}"
        return answer

    def to(self, address):
        with self.lock:
            return [m for m in self.mails if m.recipients == [address]]

    def wait(self, address, count=1):
        wait_until(lambda: len(self.to(address)) >= count, f"{count} mails to {address}")
        return self.to(address)

    def close(self):
        self.controller.loop.call_soon_threadsafe(self.released.set)
        self.controller.stop()


def openssl(*words, stdin=None):
    subprocess.run(["openssl", *words], check=True, capture_output=True, input=stdin)


def certificate_make(folder, name, host, issuer=None):
    """NAME.crt and NAME.key for host, by issuer or (an authority) by itself."""
    folder.mkdir(parents=True, exist_ok=True)
    key, request, out = (folder / f"{name}.{end}" for end in ("key", "csr", "crt"))
    openssl("req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", str(key), "-out",
            str(request), "-subj", f"/CN={name}")
    signer = ["-key", str(key)] if issuer is None else \
        ["-CA", str(folder / f"{issuer}.crt"), "-CAkey", str(folder / f"{issuer}.key"),
         "-CAcreateserial"]
    try:
        named = f"IP:{ipaddress.ip_address(host)}"
    except ValueError:
        named = f"DNS:{host}"
    extensions = folder / f"{name}.ext"
    extensions.write_text("basicConstraints=critical,CA:TRUE\n" if issuer is None
                          else f"subjectAltName={named}\n")
    openssl("x509", "-req", "-in", str(request), "-days", "2", "-out", str(out), "-extfile",
            str(extensions), *(["-signkey", str(key)] if issuer is None else signer))
    return out, key


def tls_context(certificate, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context
