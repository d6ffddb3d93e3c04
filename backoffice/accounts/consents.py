"""The texts students agree to: versioned files, both languages, and who agreed to which."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from sqlalchemy.orm import Session

from backoffice.accounts.errors import ConsentOutdated, ConsentRequired
from backoffice.models import Student, StudentConsent

KINDS = ("terms", "privacy", "portrait")
FOLDER = Path(__file__).parent / "consent_texts"


@dataclass(frozen=True)
class ConsentText:
    """One version of one text in one language; `body` is Markdown."""

    kind: str
    version: str
    title: str
    body: str


@lru_cache(maxsize=16)
def consent_text(kind: str, locale: str) -> ConsentText:
    """Return the text in force. Files are `kind.version.locale.md`; the newest version counts."""
    versions = sorted(path.name.split(".")[1] for path in FOLDER.glob(f"{kind}.*.zh.md"))
    version = versions[-1]
    language = "en" if locale == "en" else "zh"
    text = (FOLDER / f"{kind}.{version}.{language}.md").read_text(encoding="utf-8")
    heading, _, body = text.partition("\n")
    return ConsentText(kind, version, heading.lstrip("# ").strip(), body.strip())


def consents_in_force(locale: str) -> list[ConsentText]:
    """Return the three texts a student must agree to."""
    return [consent_text(kind, locale) for kind in KINDS]


def check_consents(given: Mapping[str, str | None]) -> dict[str, str]:
    """Return kind -> version if all three were given in the version in force.

    Raises ConsentRequired or ConsentOutdated. Each text is agreed to by itself (PIPL 29: a
    separate consent for sensitive data).
    """
    accepted = {}
    for kind in KINDS:
        version = given.get(kind)
        current = consent_text(kind, "zh").version
        if not version:
            raise ConsentRequired(kind)
        if version != current:
            raise ConsentOutdated(kind, current)
        accepted[kind] = current
    return accepted


def record_consents(session: Session, student: Student, accepted: Mapping[str, str]) -> None:
    """Write down what the student agreed to; the time is the database's. Flushes."""
    for kind, version in accepted.items():
        session.add(StudentConsent(student_id=student.id, kind=kind, version=version))
    session.flush()
