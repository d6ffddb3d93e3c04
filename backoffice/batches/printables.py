"""Everything printed for a batch, from its rows: QR code, poster, class sheets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from backoffice.batches.class_sheets import PersonalCode, SheetHeading, render_class_sheets
from backoffice.batches.personal_tokens import issue_personal_token
from backoffice.batches.poster import Poster, render_poster
from backoffice.batches.qr import batch_qr_png, batch_qr_svg, batch_url, personal_url
from backoffice.i18n import DEFAULT_LOCALE
from backoffice.models import Batch, Enrolment
from backoffice.models.vocabulary import BatchKind, RejectPolicy
from backoffice.settings import Settings


def write_printables(
    session: Session, batch: Batch, settings: Settings, out: Path, locale: str = DEFAULT_LOCALE
) -> list[Path]:
    """Write QR code (PNG, SVG), poster and class sheets (PDF) into `out`; return the paths.

    The class sheets carry the students' names (masked where the roster has no others) and are
    readable by their owner only. Files of an earlier run are replaced.
    """
    out.mkdir(parents=True, exist_ok=True)
    code, url = batch.feature_code, batch_url(settings.public_url, batch.feature_code)
    heading = SheetHeading(batch.school.name, batch.name, code)
    files = {
        out / f"{code}-qr.png": batch_qr_png(url),
        out / f"{code}-qr.svg": batch_qr_svg(url),
        out / f"{code}-poster.pdf": render_poster(_poster(batch, url, settings), locale),
        out / f"{code}-class-sheets.pdf": render_class_sheets(
            heading, _personal_codes(session, batch, settings), locale
        ),
    }
    for path, data in files.items():
        if "sheets" in path.name:
            path.touch(mode=0o600)
            path.chmod(0o600)
        path.write_bytes(data)
    return list(files)


def _poster(batch: Batch, url: str, settings: Settings) -> Poster:
    return Poster(
        school=batch.school.name,
        batch=batch.name,
        feature_code=batch.feature_code,
        url=url,
        opens_at=batch.opens_at,
        closes_at=batch.closes_at,
        freshman=batch.kind == BatchKind.FRESHMAN,
        refunds_rejected=batch.reject_policy == RejectPolicy.REFUND,
        capture_code=batch.requires_capture_code,
        timezone=settings.timezone,
    )


def _personal_codes(session: Session, batch: Batch, settings: Settings) -> Iterator[PersonalCode]:
    rows = session.execute(
        select(
            Enrolment.id,
            Enrolment.class_name,
            Enrolment.student_no,
            Enrolment.name,
            Enrolment.name_masked,
        ).where(Enrolment.batch_id == batch.id)
    )
    for enrolment_id, class_name, student_no, name, name_masked in rows:
        token = issue_personal_token(settings, batch.feature_code, enrolment_id)
        address = personal_url(settings.public_url, batch.feature_code, token)
        yield PersonalCode(class_name or "", student_no, name or name_masked, address)
