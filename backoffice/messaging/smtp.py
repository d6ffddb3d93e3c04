"""E-mail over SMTP (SMTP_URL=smtp://user:password@host:587, or smtps:// for TLS from the start)."""

from __future__ import annotations

import smtplib
import ssl
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import make_msgid
from urllib.parse import unquote, urlparse

from backoffice.messaging.messages import Email, MaybeSent, NotSent
from backoffice.settings import Settings, SettingsError

TIMEOUT_SECONDS = 20
LOCAL = ("localhost", "127.0.0.1", "::1")


class SmtpEmail:
    """Hands e-mails to one SMTP server; STARTTLS is required unless the server is this machine."""

    name = "smtp"

    def __init__(self, settings: Settings) -> None:
        url = urlparse(settings.smtp_url)
        if url.scheme not in ("smtp", "smtps") or not url.hostname:
            raise SettingsError("EMAIL_PROVIDER=smtp needs SMTP_URL=smtp://user:password@host:587.")
        self._tls = url.scheme == "smtps"
        self._host = url.hostname
        self._port = url.port or (465 if self._tls else 587)
        self._user = unquote(url.username or "")
        self._password = unquote(url.password or "")
        self._sender = settings.email_from

    def send(self, email: Email) -> str:
        """Send one e-mail; its Message-ID is the provider's id. Raises NotSent or MaybeSent."""
        message = self._message(email)
        try:
            server = self._connect()
        except smtplib.SMTPResponseException as error:
            raise NotSent(f"smtp_{error.smtp_code}", permanent=error.smtp_code >= 500) from None
        except (OSError, smtplib.SMTPException):
            raise NotSent("smtp_unreachable", permanent=False) from None
        try:
            server.send_message(message)
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _ in error.recipients.values()]
            raise NotSent(f"smtp_{codes[0]}", permanent=min(codes) >= 500) from None
        except smtplib.SMTPResponseException as error:
            raise NotSent(f"smtp_{error.smtp_code}", permanent=error.smtp_code >= 500) from None
        except (OSError, smtplib.SMTPException):
            raise MaybeSent("smtp_broken") from None
        finally:
            server.close()
        return str(message["Message-ID"])

    def _connect(self) -> smtplib.SMTP:
        context = ssl.create_default_context()
        server: smtplib.SMTP
        if self._tls:
            server = smtplib.SMTP_SSL(
                self._host, self._port, timeout=TIMEOUT_SECONDS, context=context
            )
        else:
            server = smtplib.SMTP(self._host, self._port, timeout=TIMEOUT_SECONDS)
            server.ehlo()
            if server.has_extn("starttls") or self._host not in LOCAL:
                server.starttls(context=context)
                server.ehlo()
        if self._user:
            server.login(self._user, self._password)
        return server

    def _message(self, email: Email) -> EmailMessage:
        message = EmailMessage()
        message["From"] = self._sender
        try:
            name, _, domain = email.to.rpartition("@")
            message["To"] = Address(username=name, domain=domain)
        except ValueError:
            raise NotSent("address_invalid", permanent=True) from None
        message["Subject"] = email.subject
        message["Message-ID"] = make_msgid(idstring=email.reference, domain="backoffice.invalid")
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(email.text)
        for attachment in email.attachments:
            main, _, sub = attachment.media_type.partition("/")
            message.add_attachment(
                attachment.data, maintype=main, subtype=sub, filename=attachment.name
            )
        return message
