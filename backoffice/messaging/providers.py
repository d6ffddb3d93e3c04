"""Who carries messages: one protocol per channel, chosen by SMS_PROVIDER and EMAIL_PROVIDER."""

from __future__ import annotations

import fcntl
import json
import sys
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from backoffice.identity.masking import mask_phone
from backoffice.settings import Settings, SettingsError


@dataclass(frozen=True)
class Sms:
    """One short message. `to`: E.164. `reference`: our message id."""

    reference: str
    to: str
    text: str
    locale: str
    template: str


@dataclass(frozen=True)
class Attachment:
    """A file that travels with an e-mail."""

    name: str
    media_type: str
    data: bytes


@dataclass(frozen=True)
class Email:
    """One e-mail in plain text."""

    reference: str
    to: str
    subject: str
    text: str
    locale: str
    template: str
    attachments: tuple[Attachment, ...] = ()


class NotSent(Exception):
    """The provider surely did not take the message. `code` holds no personal data.

    permanent: sending it again would be refused again.
    """

    def __init__(self, code: str, *, permanent: bool) -> None:
        self.code = code
        self.permanent = permanent
        super().__init__(code)


class MaybeSent(Exception):
    """Nobody knows whether the message left (a time-out, a broken connection)."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


class SmsProvider(Protocol):
    """Carries SMS."""

    name: str

    def send(self, sms: Sms) -> str:
        """Send and return the provider's id. Raises NotSent or MaybeSent."""
        ...


class EmailProvider(Protocol):
    """Carries e-mails."""

    name: str

    def send(self, email: Email) -> str:
        """Send and return the provider's id. Raises NotSent or MaybeSent."""
        ...


def mask_email(address: str) -> str:
    """Return an address with its name hidden: w***@example.com."""
    name, _, domain = address.rpartition("@")
    return f"{name[:1]}***@{domain}"


class FileProvider:
    """Stands for the networks in the demo: one JSON line per message, recipients masked."""

    name = "file"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def send_sms(self, sms: Sms) -> str:
        """Append an SMS."""
        return self._append("sms", sms.reference, mask_phone(sms.to), sms.locale, sms.template,
                            {"text": sms.text})  # fmt: skip

    def send_email(self, email: Email) -> str:
        """Append an e-mail; attachments are named, not kept."""
        extra = {
            "subject": email.subject,
            "text": email.text,
            "attachments": [
                {"name": a.name, "media_type": a.media_type, "bytes": len(a.data)}
                for a in email.attachments
            ],
        }
        return self._append(
            "email", email.reference, mask_email(email.to), email.locale, email.template, extra
        )

    def _append(
        self, channel: str, reference: str, to: str, locale: str, template: str, extra: object
    ) -> str:
        provider_id = f"F{uuid.uuid4().hex}"
        line = {
            "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "channel": channel,
            "id": provider_id,
            "reference": reference,
            "to": to,
            "locale": locale,
            "template": template,
        } | dict(extra)  # type: ignore[call-overload]
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with (self._folder / "messages.jsonl").open("a", encoding="utf-8") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
        except OSError:
            raise NotSent("file_not_writable", permanent=False) from None
        return provider_id


class FileSms:
    """SMS into the file."""

    name = "file"

    def __init__(self, folder: Path) -> None:
        self._file = FileProvider(folder)

    def send(self, sms: Sms) -> str:
        """Append one line."""
        return self._file.send_sms(sms)


class FileEmail:
    """E-mail into the file."""

    name = "file"

    def __init__(self, folder: Path) -> None:
        self._file = FileProvider(folder)

    def send(self, email: Email) -> str:
        """Append one line."""
        return self._file.send_email(email)


class ConsoleSms:
    """Prints to standard error, for development; the number is masked."""

    name = "console"

    def send(self, sms: Sms) -> str:
        """Print one line."""
        print(f"SMS {mask_phone(sms.to)}: {sms.text}", file=sys.stderr, flush=True)
        return f"C{uuid.uuid4().hex}"


def sms_provider(settings: Settings) -> SmsProvider:
    """Return the provider SMS_PROVIDER names. Raises SettingsError for an unknown one."""
    if settings.sms_provider == "file":
        return FileSms(settings.var)
    if settings.sms_provider == "console":
        return ConsoleSms()
    if settings.sms_provider == "twilio":
        from backoffice.messaging.twilio import TwilioSms  # the SDK loads slowly

        return TwilioSms(settings)
    raise SettingsError("SMS_PROVIDER must be file, console or twilio.")


def email_provider(settings: Settings) -> EmailProvider:
    """Return the provider EMAIL_PROVIDER names. Raises SettingsError for an unknown one."""
    if settings.email_provider == "file":
        return FileEmail(settings.var)
    if settings.email_provider == "smtp":
        from backoffice.messaging.smtp import SmtpEmail

        return SmtpEmail(settings)
    raise SettingsError("EMAIL_PROVIDER must be file or smtp.")
