"""What is carried: one SMS or e-mail, who carries it (a protocol per channel), how sending fails."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


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
