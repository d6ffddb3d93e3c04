"""Providers without a network: a file for the demo, standard error for development."""

from __future__ import annotations

import fcntl
import json
import sys
import uuid
from datetime import UTC, datetime
from pathlib import Path

from backoffice.identity.masking import mask_email, mask_phone
from backoffice.messaging.messages import Email, NotSent, Sms


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
