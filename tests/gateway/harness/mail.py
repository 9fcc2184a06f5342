"""A real SMTP server that does as it is told."""
import email
import email.policy
import ssl

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from . import process
from .wait import until


class Mail:
    """One accepted message."""

    def __init__(self, envelope, session):
        self.sender, self.recipients = envelope.mail_from, envelope.rcpt_tos
        self.encrypted = session.ssl is not None
        self.login = getattr(session, "auth_data", None)
        self.raw = envelope.content
        self.message = email.message_from_bytes(envelope.content, policy=email.policy.default)

    @property
    def text(self):
        return self.message.get_body(("plain",)).get_content()

    @property
    def html(self):
        return self.message.get_body(("html",)).get_content()


class MailServer:
    """Accepts and keeps what it is sent. `then(...)` gives answers to the next messages ("lose": accepted, and the connection
    closed without saying so), `refuse_recipient` one to every RCPT."""

    def __init__(self, certificate=None, login=None):
        self.mails, self.tried = [], []
        self.refuse_recipient = None
        self._plan = []
        options = {}
        if certificate:
            options["tls_context"] = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            options["tls_context"].load_cert_chain(*certificate)
            options["require_starttls"] = True
        if login:
            options["authenticator"] = lambda server, session, envelope, mechanism, data: AuthResult(
                success=(data.login.decode(), data.password.decode()) == login, handled=False, auth_data=data.login.decode())
            options["auth_required"] = True
        self._controller = Controller(self, hostname="127.0.0.1", port=process.free_port(), **options)
        self._controller.start()
        self.port = self._controller.port
        self.url = f"smtp://127.0.0.1:{self.port}"

    def then(self, *answers):
        self._plan += answers

    # aiosmtpd's hooks

    async def handle_RCPT(self, server, session, envelope, address, options):
        if self.refuse_recipient:
            return self.refuse_recipient
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        mail = Mail(envelope, session)
        self.tried.append(mail)
        answer = self._plan.pop(0) if self._plan else "250 OK"
        if answer == "lose":
            self.mails.append(mail)
            server.transport.abort()
            return "250 OK"
        if answer.startswith("2"):
            self.mails.append(mail)
        return answer

    def wait(self, count=1):
        until(lambda: len(self.mails) >= count, f"{count} e-mails (there are {len(self.mails)})")
        return list(self.mails)

    def close(self):
        self._controller.stop()
