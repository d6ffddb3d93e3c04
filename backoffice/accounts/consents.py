"""The texts students agree to: versioned files, both languages, and who agreed to which."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from backoffice.accounts.errors import ConsentOutdated, ConsentRequired
from backoffice.db import uuid7
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
    """Write down what the student agreed to; the time is the database's. Flushes.

    Agreeing again to the same version changes nothing: the first time counts.
    """
    for kind, version in accepted.items():
        session.execute(
            insert(StudentConsent)
            .values(id=uuid7(), student_id=student.id, kind=kind, version=version)
            .on_conflict_do_nothing(index_elements=["student_id", "kind", "version"])
        )


def check_versions(given: Mapping[str, str | None]) -> dict[str, str]:
    """Return kind -> version of those that were given, all in force. Raises ConsentOutdated."""
    accepted = {kind: version for kind in KINDS if (version := given.get(kind))}
    for kind, version in accepted.items():
        current = consent_text(kind, "zh").version
        if version != current:
            raise ConsentOutdated(kind, current)
    return accepted


def consents_given(session: Session, student: Student) -> list[StudentConsent]:
    """Return what the student agreed to, the newest first."""
    return list(
        session.scalars(
            select(StudentConsent)
            .where(StudentConsent.student_id == student.id)
            .order_by(StudentConsent.id.desc())
        )
    )


def require_consents(session: Session, student: Student) -> None:
    """Raise ConsentOutdated or ConsentRequired unless every text in force was agreed to.

    A text may have changed since the registration, and nothing is taken without consent.
    """
    given = {(consent.kind, consent.version) for consent in consents_given(session, student)}
    for kind in KINDS:
        version = consent_text(kind, "zh").version
        if (kind, version) in given:
            continue
        if any(known == kind for known, _ in given):
            raise ConsentOutdated(kind, version)
        raise ConsentRequired(kind)
