"""What a capture code says about its student, and the protocol of those who can read it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any, Protocol

FIELD_MAX = 200  # characters; no school or major name comes near


class PayloadError(ValueError):
    """A decoded payload has not the shape of CONTRACT section 6."""


@dataclass(frozen=True, repr=False)
class CaptureCodePayload:
    """The content of a genuine capture code (CONTRACT section 6); names and numbers masked.

    serial: the code's own number. id_last4: as typed by the student, 6(3) for brackets.
    expires_at: aware, UTC, whole seconds.
    """

    serial: str
    name_masked: str
    id_masked: str
    id_last4: str
    school_code: str
    school_name: str
    level: str
    major: str
    expires_at: datetime

    def to_dict(self) -> dict[str, str]:
        """Return the JSON form; `expires_at` as RFC 3339 UTC."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        stamp = self.expires_at.astimezone(UTC).replace(microsecond=0)
        return values | {"expires_at": stamp.isoformat().replace("+00:00", "Z")}

    @classmethod
    def from_dict(cls, data: Any) -> CaptureCodePayload:
        """Read the JSON form; unknown fields are ignored. Raises PayloadError."""
        if not isinstance(data, dict):
            raise PayloadError("payload is no object")
        texts = {f.name: _text(data, f.name) for f in fields(cls)}
        expires_at = _time(texts.pop("expires_at"))
        return cls(**texts, expires_at=expires_at)

    def expired(self, now: datetime | None = None) -> bool:
        """Return True from the moment of `expires_at` on."""
        return (now or datetime.now(UTC)) >= self.expires_at

    def __repr__(self) -> str:  # even masked, the content stays out of logs
        return f"CaptureCodePayload(school_code={self.school_code!r})"


class CaptureCodeDecoder(Protocol):
    """Who turns the text of a code into its payload."""

    def decode(self, text: str) -> CaptureCodePayload:
        """Return the payload of a genuine, unexpired code.

        Raises CaptureCodeInvalid, CaptureCodeExpired or CaptureCodeUnavailable.
        """
        ...


def _text(data: dict[str, Any], name: str) -> str:
    value = data.get(name)
    if not isinstance(value, str) or not value.strip() or len(value) > FIELD_MAX:
        raise PayloadError(f"payload field {name} is missing or too long")
    return value.strip()


def _time(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise PayloadError("payload field expires_at is no time") from None
    if moment.tzinfo is None:
        raise PayloadError("payload field expires_at has no time zone")
    try:
        return moment.astimezone(UTC)
    except OverflowError:  # 0001-01-01T00:00+08:00 has no UTC form
        raise PayloadError("payload field expires_at is no time") from None
