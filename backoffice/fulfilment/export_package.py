"""The school's export package: finished pictures, a manifest, and who is missing and why.

File names and manifest columns: DOMAIN section 6. No ID numbers, names masked.
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Row, func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from backoffice.batches.progress import Progress, no_progress
from backoffice.fulfilment.package_names import check_name_template, file_name
from backoffice.imports.safe_cells import FORMULA_START
from backoffice.models import Batch, Enrolment, Order, OrderEvent, Photo
from backoffice.models.vocabulary import OrderKind, OrderState
from backoffice.storage import ObjectDamaged, ObjectMissing, Storage
from backoffice.workflows.capture_order import CAPTURE_ORDER

FINISHED = (
    OrderState.APPROVED,
    OrderState.PROCESSING,
    OrderState.SHIPPED,
    OrderState.COMPLETED,
)
MANIFEST = ("学号", "姓名（脱敏）", "院系", "班级", "文件", "字节数", "SHA-256", "审核通过时间")
EXCEPTIONS = ("学号", "姓名（脱敏）", "院系", "班级", "状态")
NOT_STARTED = "未下单"
FILE_MISSING = "照片文件缺失或损坏"
PAGE = 500


@dataclass(frozen=True)
class ExportReport:
    """What went into the package: pictures, people without one, size of the ZIP in bytes."""

    photos: int
    exceptions: int
    bytes: int


def export_package(
    session: Session,
    storage: Storage,
    batch: Batch,
    out: Path,
    *,
    name_template: str = "{student_no}.jpg",
    progress: Progress = no_progress,
) -> ExportReport:
    """Write the package of `batch` to `out` (a ZIP) and return what it holds.

    Pictures: approved or further, under photos/. A picture that cannot be read or whose SHA-256
    differs from what was approved becomes an exception, never a silent gap. `out` appears whole or
    not at all, readable by its owner only. name_template: see `package_names.check_name_template`.
    progress is told how many pictures are done, of how many. Raises InvalidInput for a template
    that is not safe.
    """
    check_name_template(name_template)
    total = _count(session, batch)
    out.parent.mkdir(parents=True, exist_ok=True)
    draft = out.with_name(f".{out.name}.{os.getpid()}.part")
    manifest: list[Sequence[object]] = []
    exceptions: list[Sequence[object]] = []
    used: set[str] = set()
    try:
        draft.touch(mode=0o600)
        with zipfile.ZipFile(draft, "w") as package:
            for done, row in enumerate(_finished(session, batch), 1):
                progress(min(done, total), total)
                data = _picture(storage, row)
                if data is None:
                    exceptions.append((*_person(row), FILE_MISSING))
                    continue
                name = f"photos/{file_name(name_template, row, len(manifest), used)}"
                _add(package, name, data)
                manifest.append(
                    (
                        *_person(row),
                        name,
                        len(data),
                        row.result_sha256.hex(),
                        _iso(row.approved_at),
                    )
                )
            exceptions.extend(_unfinished(session, batch))
            _add(package, "manifest.csv", _csv(MANIFEST, manifest))
            _add(package, "exceptions.csv", _csv(EXCEPTIONS, exceptions))
        draft.replace(out)
    finally:
        draft.unlink(missing_ok=True)
    return ExportReport(len(manifest), len(exceptions), out.stat().st_size)


def _count(session: Session, batch: Batch) -> int:
    query = select(func.count()).where(
        Order.batch_id == batch.id, Order.kind == OrderKind.CAPTURE, Order.state.in_(FINISHED)
    )
    return session.scalar(query) or 0


def _finished(session: Session, batch: Batch) -> Iterator[Row[Any]]:
    approved = (
        select(OrderEvent.order_id, func.max(OrderEvent.at).label("approved_at"))
        .join(Order, Order.id == OrderEvent.order_id)
        .where(OrderEvent.transition == "approve", Order.batch_id == batch.id)
        .group_by(OrderEvent.order_id)
        .subquery()
    )
    query = (
        select(
            Enrolment.student_no,
            Enrolment.name_masked,
            Enrolment.college,
            Enrolment.class_name,
            Photo.result_key,
            Photo.result_sha256,
            approved.c.approved_at,
        )
        .join(Order, Order.enrolment_id == Enrolment.id)
        # outer: an order whose picture is lost must show up as an exception
        .outerjoin(Photo, Photo.id == Order.photo_id)
        .outerjoin(approved, approved.c.order_id == Order.id)
        .where(
            Order.batch_id == batch.id,
            Order.kind == OrderKind.CAPTURE,
            Order.state.in_(FINISHED),
        )
        .order_by(Enrolment.student_no)
    )
    yield from session.execute(query.execution_options(yield_per=PAGE))


def _unfinished(session: Session, batch: Batch) -> Iterator[Sequence[object]]:
    """Yield everyone on the list without an approved picture, with the state of their order."""
    latest = (
        select(Order.enrolment_id, Order.state)
        .where(Order.batch_id == batch.id, Order.kind == OrderKind.CAPTURE)
        .ext(distinct_on(Order.enrolment_id))
        .order_by(
            Order.enrolment_id,
            Order.state.in_(FINISHED).desc(),
            Order.created_at.desc(),
            Order.id.desc(),
        )
        .subquery()
    )
    query = (
        select(
            Enrolment.student_no,
            Enrolment.name_masked,
            Enrolment.college,
            Enrolment.class_name,
            latest.c.state,
        )
        .outerjoin(latest, latest.c.enrolment_id == Enrolment.id)
        .where(
            Enrolment.batch_id == batch.id,
            latest.c.state.is_(None) | latest.c.state.not_in(FINISHED),
        )
        .order_by(Enrolment.student_no)
    )
    labels = {s.name: s.label.zh for s in CAPTURE_ORDER.states}
    for row in session.execute(query.execution_options(yield_per=PAGE)):
        yield (*_person(row), labels.get(row.state, NOT_STARTED))


def _person(row: Any) -> tuple[object, ...]:
    return (row.student_no, row.name_masked, row.college or "", row.class_name or "")


def _picture(storage: Storage, row: Any) -> bytes | None:
    if row.result_key is None or row.approved_at is None:
        return None
    try:
        data = storage.get(row.result_key)
    except (ObjectMissing, ObjectDamaged):
        return None  # a store that is down stops the export instead
    return data if hashlib.sha256(data).digest() == row.result_sha256 else None


def _add(package: zipfile.ZipFile, name: str, data: bytes) -> None:
    info = zipfile.ZipInfo(name, date_time=datetime.now(UTC).timetuple()[:6])
    info.compress_type = zipfile.ZIP_STORED if name.endswith(".jpg") else zipfile.ZIP_DEFLATED
    info.external_attr = 0o600 << 16
    package.writestr(info, data)


def _csv(header: Sequence[str], rows: Sequence[Sequence[object]]) -> bytes:
    """Return a CSV that Excel opens as Chinese text and that carries no formulas."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(header)
    writer.writerows([_harmless(value) for value in row] for row in rows)
    return text.getvalue().encode("utf-8-sig")


def _harmless(value: object) -> object:
    text = str(value)
    return f"'{text}" if text.startswith(FORMULA_START) else value


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
