"""One of everything a school owns that has an address of its own in the back office."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select

from backoffice.accounts.tickets import open_ticket
from backoffice.batches.jobs import request_job
from backoffice.db import uuid7
from backoffice.models import (
    Batch,
    BatchJob,
    BulkItem,
    BulkRun,
    EnrolmentRequest,
    ListExport,
    Order,
    OrderEvent,
    Photo,
    RosterImport,
    SavedView,
    SecondOpinion,
    Staff,
)
from backoffice.models.batch_life import BatchJobKind
from tests.admin.house import House


def belongings(house: House, batch: Batch, orders: dict[str, Order], who: Staff) -> dict[str, Any]:
    """Write them for one school, made by `who`; returns the ids by the first part of an endpoint."""
    session = house.session
    waiting, approved = orders["pending_review"], orders["approved"]
    photo = session.scalars(select(Photo).where(Photo.order_id == waiting.id)).one()
    ticket = open_ticket(session, waiting.student, "什么时候审核", "已经三天了。", waiting.id)
    asked = EnrolmentRequest(
        kind="correction", enrolment_id=waiting.enrolment_id, student_id=waiting.student_id,
        details={"changes": {"class_name": "软工2302"}}, created_at=datetime.now(UTC),
    )  # fmt: skip
    run = BulkRun(staff_id=who.id, transition="start_processing", data={})
    export = ListExport(staff_id=who.id, room="orders", args={"filter": {}, "school": ""})
    view = SavedView(staff_id=who.id, room="orders", name=f"{batch.name}待办", args={})
    session.add_all([asked, run, export, view, _import(batch)])
    session.flush()
    session.add(BulkItem(run_id=run.id, order_id=approved.id))
    opinion = _disputed(house, approved, who)
    job = _ready_file(house, batch, who)
    session.commit()
    imported = session.scalars(select(RosterImport).where(RosterImport.batch_id == batch.id)).one()
    return {
        "batches": batch.id, "imports": imported.id, "orders": waiting.id, "pictures": photo.id,
        "review": photo.id, "requests": asked.id, "tickets": ticket.id, "opinions": opinion.id,
        "bulk": run.id, "exports": export.id, "staff": who.id, "job": job.id, "view": view.id,
    }  # fmt: skip


def _import(batch: Batch) -> RosterImport:
    return RosterImport(
        batch_id=batch.id, file_name=f"{batch.name}.xlsx", file_sha256=secrets.token_bytes(32),
        file_bytes=1000, mapping={}, columns={}, state="applied", row_count=1, new_count=1,
        changed_count=0, same_count=0, rejected_count=0,
    )  # fmt: skip


def _disputed(house: House, order: Order, who: Staff) -> SecondOpinion:
    decided = select(OrderEvent).where(
        OrderEvent.order_id == order.id, OrderEvent.transition == "approve"
    )
    event = house.session.scalars(decided).one()
    now = datetime.now(UTC)
    opinion = SecondOpinion(
        order_id=order.id, photo_id=order.photo_id, event_sequence=event.sequence,
        first_decision="approve", first_staff_id=who.id, due_at=now,
        staff_id=house.staff["operator"].id,
        answered_at=now, verdict="reject", reasons=["P03"],
    )  # fmt: skip
    house.session.add(opinion)
    house.session.flush()
    return opinion


def _ready_file(house: House, batch: Batch, who: Staff) -> BatchJob:
    job = request_job(house.session, batch, who.id, BatchJobKind.CLASS_SHEETS, {"locale": "zh"})
    job.state, job.storage_key, job.file_name = "ready", f"test/{uuid7()}", "sheets.pdf"
    job.finished_at, job.file_bytes = datetime.now(UTC), 8
    with house.app.app_context():
        house.app.extensions["backoffice"].storage.put(job.storage_key, b"%PDF-1.7")
    house.session.flush()
    return job
