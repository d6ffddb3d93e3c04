"""Workbooks of a list's rows: asked for, written in the background, kept a day, deleted.

The row says how far it is. The file is sealed in the store like every picture. Who asked is read
again when it is written and when it is fetched: a role taken away meanwhile opens nothing.
"""

from __future__ import annotations

import io
import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font
from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from backoffice.errors import BackofficeError, NotFound
from backoffice.i18n import Text
from backoffice.lists.specs import SPECS, Cell, ListSpec
from backoffice.models import ListExport, Order, OutboxRow, Staff
from backoffice.security.permissions import may_enter
from backoffice.services import services
from backoffice.storage import Storage
from backoffice.workflows import timers

EFFECT, EXPIRE = "list.export", "list.expire"
KEPT = timedelta(hours=24)
ROWS_MAX = 100_000
PAGE = 1000
DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n")  # ASVS 1.2.10: what a table program may run


class ExportForbidden(BackofficeError):
    """The account may not take this list out, or no longer may."""

    code = "export_forbidden"
    title = Text("没有导出权限", "Not permitted to export")
    detail = Text(
        "您的账号不能导出此列表，或在导出期间权限已改变。",
        "Your account may not export this list, or its roles changed meanwhile.",
    )


def start_export(
    session: Session,
    staff: Staff,
    room: str,
    args: Mapping[str, str],
    locale: str,
    expected: int | None,
) -> ListExport:
    """Write an export and the task that carries it out. Flushes. Raises NotFound, ExportForbidden."""
    if room not in SPECS:
        raise NotFound()
    _require(staff, room)
    row = ListExport(
        staff_id=staff.id,
        room=room,
        args={"filter": dict(args), "school": str(staff.school_id or "")},
        locale=locale,
        rows_expected=expected,
    )
    session.add(row)
    session.flush()
    session.add(
        OutboxRow(
            effect=EFFECT, payload={"export_id": str(row.id)}, dedupe_key=f"{EFFECT}/{row.id}"
        )
    )
    session.flush()
    return row


def _require(staff: Staff, room: str) -> None:
    if not (may_enter(staff, room) and may_enter(staff, f"{room}.export")):
        raise ExportForbidden()


def still_allowed(export: ListExport, staff: Staff) -> bool:
    """Return whether this account may still see what the export holds."""
    try:
        _require(staff, export.room)
    except ExportForbidden:
        return False
    return export.staff_id == staff.id and export.args["school"] == str(staff.school_id or "")


def run_export(session: Session, export_id: uuid.UUID, storage: Storage) -> None:
    """Write the workbook, commit by commit; safe to run again from the beginning."""
    export = session.get_one(ListExport, export_id, with_for_update=True)
    if export.state in ("done", "failed", "expired"):
        return
    staff = session.get_one(Staff, export.staff_id)
    if not still_allowed(export, staff):
        fail_export(session, export_id, ExportForbidden.code)
        return
    export.state, export.rows_written = "running", 0
    session.commit()
    spec = SPECS[export.room]
    data = _workbook(session, export, spec, staff.school_id)
    now = datetime.now(UTC)
    export.storage_key = f"exports/{export.id}.xlsx"
    storage.put(export.storage_key, data)
    export.state, export.file_bytes = "done", len(data)
    export.finished_at, export.expires_at = now, now + KEPT
    timers.arm(session, EXPIRE, export.id, export.expires_at)
    session.commit()


def fail_export(session: Session, export_id: uuid.UUID, code: str) -> None:
    """Give an export up; the caller commits."""
    export = session.get_one(ListExport, export_id)
    if export.state != "done":
        export.state, export.failure_code = "failed", code
        export.finished_at = datetime.now(UTC)


def expire_export(session: Session, export_id: uuid.UUID, now: datetime) -> str:
    """Delete the file of an export whose time is over (the timer's action)."""
    export = session.get_one(ListExport, export_id, with_for_update=True)
    if export.state != "done" or export.storage_key is None:
        return "no_file"
    services().storage.delete(export.storage_key)
    export.state, export.storage_key = "expired", None
    return "deleted"


def _workbook(
    session: Session, export: ListExport, spec: ListSpec, school_id: uuid.UUID | None
) -> bytes:
    book = Workbook(write_only=True)
    sheet = book.create_sheet(spec.title.get(export.locale))
    sheet.freeze_panes = "A2"
    head = [WriteOnlyCell(sheet, column.title.get(export.locale)) for column in spec.columns]
    for cell in head:
        cell.font = Font(bold=True)
    sheet.append(head)
    for page in _pages(session, spec, export.args["filter"], school_id):
        for row in page:
            sheet.append([safe(column.cell(row, export.locale)) for column in spec.columns])
        export.rows_written += len(page)
        session.commit()  # the progress bar moves
        if export.rows_written >= ROWS_MAX:
            break
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _pages(
    session: Session, spec: ListSpec, args: Mapping[str, str], school_id: uuid.UUID | None
) -> Iterator[Sequence[Any]]:
    """Yield the rows newest first, a page at a time, each behind the last one seen."""
    model, seen = spec.model, None
    while True:
        query = spec.query(args, school_id).options(*spec.options)
        if seen is not None:
            query = query.where(tuple_(model.created_at, model.id) < tuple_(*seen))
        query = query.order_by(model.created_at.desc(), model.id.desc()).limit(PAGE)
        rows = session.scalars(query).all()
        if not rows:
            return
        seen = (rows[-1].created_at, rows[-1].id)
        _name_orders(session, rows)
        yield rows
        if len(rows) < PAGE:
            return


def _name_orders(session: Session, rows: Sequence[Any]) -> None:
    if isinstance(rows[0], Order) or not hasattr(rows[0], "order_id"):
        return
    ids = {row.order_id for row in rows}
    found = session.execute(select(Order.id, Order.number).where(Order.id.in_(ids)))
    numbers = {row.id: row.number for row in found}
    for row in rows:
        row.order_number = numbers.get(row.order_id, "")


def safe(value: Cell) -> Cell:
    """Return a cell no table program runs: text that looks like a formula gets a quote in front.

    Times become the pages' local time, for a workbook has no zones.
    """
    if isinstance(value, datetime):
        zone = ZoneInfo(services().settings.timezone)
        return value.astimezone(zone).replace(tzinfo=None, microsecond=0)
    if isinstance(value, str) and value.startswith(DANGEROUS):
        return f"'{value}"
    return value
