"""Everything printed for a batch, from its rows: QR code, poster, class sheets."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select, true
from sqlalchemy.orm import Session

from backoffice.batches.class_sheets import PersonalCode, SheetHeading, render_class_sheets
from backoffice.batches.personal_tokens import issue_personal_token
from backoffice.batches.poster import Poster, render_poster
from backoffice.batches.progress import Progress, no_progress
from backoffice.batches.qr import batch_qr_png, batch_qr_svg, batch_url, personal_url
from backoffice.batches.stages import ClassRef
from backoffice.i18n import DEFAULT_LOCALE
from backoffice.models import Batch, Enrolment
from backoffice.models.vocabulary import BatchKind, RejectPolicy
from backoffice.settings import Settings


def write_printables(
    session: Session,
    batch: Batch,
    settings: Settings,
    out: Path,
    locale: str = DEFAULT_LOCALE,
    progress: Progress = no_progress,
) -> list[Path]:
    """Write QR code (PNG, SVG), poster and class sheets (PDF) into `out`; return the paths.

    The class sheets carry the students' names (masked where the roster has no others) and are
    readable by their owner only. Files of an earlier run are replaced.
    """
    out.mkdir(parents=True, exist_ok=True)
    code, url = batch.feature_code, batch_url(settings.public_url, batch.feature_code)
    files = {
        out / f"{code}-qr.png": batch_qr_png(url),
        out / f"{code}-qr.svg": batch_qr_svg(url),
        out / f"{code}-poster.pdf": poster_pdf(batch, settings, locale),
        out / f"{code}-class-sheets.pdf": class_sheets_pdf(
            session, batch, settings, locale, progress=progress
        ),
    }
    for path, data in files.items():
        if "sheets" in path.name:
            path.touch(mode=0o600)
            path.chmod(0o600)
        path.write_bytes(data)
    return list(files)


def poster_pdf(batch: Batch, settings: Settings, locale: str = DEFAULT_LOCALE) -> bytes:
    """Return the batch's A4 poster."""
    poster = Poster(
        school=batch.school.name,
        batch=batch.name,
        feature_code=batch.feature_code,
        url=batch_url(settings.public_url, batch.feature_code),
        opens_at=batch.opens_at,
        closes_at=batch.closes_at,
        freshman=batch.kind == BatchKind.FRESHMAN,
        refunds_rejected=batch.reject_policy == RejectPolicy.REFUND,
        capture_code=batch.requires_capture_code,
        timezone=settings.timezone,
    )
    return render_poster(poster, locale)


def class_sheets_pdf(
    session: Session,
    batch: Batch,
    settings: Settings,
    locale: str = DEFAULT_LOCALE,
    class_ref: ClassRef | None = None,
    progress: Progress = no_progress,
) -> bytes:
    """Return the sheets of personal codes of a batch, or of one class of it."""
    heading = SheetHeading(batch.school.name, batch.name, batch.feature_code)
    codes = personal_codes(session, batch, settings, class_ref)
    return render_class_sheets(heading, codes, locale, progress)


def personal_codes(
    session: Session, batch: Batch, settings: Settings, class_ref: ClassRef | None = None
) -> list[PersonalCode]:
    """Return the personal code of every student on the list; names masked where it has no others."""
    rows = session.execute(
        select(
            Enrolment.id,
            Enrolment.college,
            Enrolment.class_name,
            Enrolment.student_no,
            Enrolment.name,
            Enrolment.name_masked,
        ).where(
            Enrolment.batch_id == batch.id,
            class_ref.condition() if class_ref else true(),
        )
    )
    code, url = batch.feature_code, settings.public_url
    return [
        PersonalCode(
            row.class_name or "",
            row.student_no,
            row.name or row.name_masked,
            personal_url(url, code, issue_personal_token(settings, code, row.id)),
            row.college or "",
        )
        for row in rows
    ]
