"""Rows for tests, brought into their states by the real engine; no state is ever set by hand."""

from __future__ import annotations

import hashlib
import itertools
import secrets
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from backoffice.blind_indexes import id_number_index, last4_index, name_index, phone_index
from backoffice.db import uuid7
from backoffice.models import (
    Batch,
    BatchService,
    Enrolment,
    Order,
    OrderItem,
    Payment,
    Photo,
    PhotoStandard,
    Refund,
    Role,
    School,
    Staff,
    Student,
)
from backoffice.models.vocabulary import PaymentStatus, PhotoStatus, RefundStatus
from backoffice.workflows.actors import (
    PAYMENT_PROVIDER,
    REFUND_PROVIDER,
    Actor,
    staff_actor,
    student_actor,
)
from backoffice.workflows.engine import Engine
from backoffice.workflows.orders import engine as process_engine

_numbers = itertools.count(1)
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"


def resident_id(serial: int, birth: str | None = None) -> str:
    """A valid made-up resident ID number: region 310101, MOD 11-2 check character.

    Without `birth`, every thousand serials are born a day later: no two numbers are the same.
    """
    birth = birth or f"{date(2003, 9, 15) + timedelta(days=serial // 1000):%Y%m%d}"
    body = f"310101{birth}{serial % 1000:03d}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(int(d) * w for d, w in zip(body, weights, strict=True))
    return body + "10X98765432"[total % 11]


def make_school(session: Session, **values) -> School:
    n = next(_numbers)
    school = School(**{"code": f"{20000 + n}", "name": f"测试大学{n}"} | values)
    session.add(school)
    session.flush()
    return school


def make_batch(session: Session, school: School | None = None, **values) -> Batch:
    now = datetime.now(UTC)
    standard_name = values.pop("standard", "chsi-degree-blue")
    standard = session.scalars(
        select(PhotoStandard).where(PhotoStandard.name == standard_name)
    ).first()
    school = school or make_school(session)
    defaults = {
        "feature_code": "".join(secrets.choice(_ALPHABET) for _ in range(6)),
        "name": "2027届毕业生图像采集",
        "kind": "graduate",
        "mode": "pay_first",
        "roster_mode": "full",
        "legal_basis": "测试",
        "opens_at": now - timedelta(days=1),
        "closes_at": now + timedelta(days=30),
        "delivery_methods": ["digital", "school", "courier"],
        "layouts": ["one8_two4", "two8"],
    }
    batch = Batch(school=school, standard=standard, **(defaults | values))
    batch.services = [
        BatchService(code="portrait", name_zh="图像采集", name_en="Portrait", price_fen=2000,
                     required=True, position=0),
        BatchService(code="prints", name_zh="纸质照片", name_en="Prints", price_fen=1000,
                     position=1),
    ]  # fmt: skip
    session.add(batch)
    session.flush()
    return batch


def make_student(session: Session, **values) -> Student:
    n = next(_numbers)
    number = values.pop("id_number", resident_id(n))
    phone = values.pop("phone", f"+86138{n:08d}")
    defaults = {
        "id_type": "resident_id",
        "id_number": number,
        "id_index": id_number_index(number),
        "name": "吴小兰",
        "phone": phone,
        "phone_index": phone_index(phone),
        "password_hash": "!",
    }
    student = Student(**(defaults | values))
    session.add(student)
    session.flush()
    return student


def make_enrolment(
    session: Session, batch: Batch, student: Student | None = None, **values
) -> Enrolment:
    """A roster entry; with `student` it is theirs, claimed and confirmed."""
    n = next(_numbers)
    number = student.id_number if student else resident_id(n)
    now = datetime.now(UTC)
    defaults = {
        "source": "roster",
        "student_no": f"2023{n:06d}",
        "name": "吴小兰",
        "name_masked": "吴*兰",
        "name_index": name_index("吴小兰"),
        "id_type": "resident_id",
        "id_number": number,
        "id_masked": number[:3] + "*" * 11 + number[-4:],
        "id_index": id_number_index(number),
        "id_last4": number[-4:],
        "id_last4_indexes": [last4_index(batch.id, number[-4:])],
        "college": "计算机学院",
        "major": "软件工程",
        "class_name": "软工2301",
        "student_id": student.id if student else None,
        "claimed_at": now if student else None,
        "confirmed_at": now if student else None,
    }
    enrolment = Enrolment(batch_id=batch.id, **(defaults | values))
    session.add(enrolment)
    session.flush()
    return enrolment


def make_staff(session: Session, role: str, school: School | None = None, **values) -> Staff:
    n = next(_numbers)
    row = session.scalars(select(Role).where(Role.name == role)).one()
    staff = Staff(
        **{
            "email": f"{role}{n}@example.com",
            "name": f"{role} {n}",
            "fs_uniquifier": secrets.token_hex(16),
            "school_id": school.id if school else None,
            "roles": [row],
            "active": True,
        }
        | values
    )
    session.add(staff)
    session.flush()
    return staff


def actor_for(staff: Staff) -> Actor:
    return staff_actor(staff.id, [r.name for r in staff.roles], staff.school_id)


def make_photo(session: Session, order: Order, status: str = "passed", **values) -> Photo:
    attempt = 1 + len(session.scalars(select(Photo.id).where(Photo.order_id == order.id)).all())
    digest = hashlib.sha256(f"{order.id}/{attempt}".encode()).digest()
    result = (
        {"result_key": f"test/{uuid7()}", "result_bytes": 35000, "result_sha256": digest}
        if status == PhotoStatus.PASSED
        else {}
    )
    defaults = {
        "attempt": attempt,
        "status": status,
        "source": "camera",
        "standard_id": order.standard_id,
        "original_key": f"test/{uuid7()}",
        "original_type": "image/jpeg",
        "original_bytes": 100_000,
        "original_sha256": digest,
    }
    photo = Photo(order_id=order.id, **(defaults | result | values))
    session.add(photo)
    session.flush()
    return photo


def add_payment(session: Session, order: Order, **values) -> Payment:
    """A payment the provider has confirmed (the order itself is not moved)."""
    n = secrets.token_hex(8)
    defaults = {
        "provider": "sandbox",
        "out_trade_no": f"T{n}",
        "trade_no": f"S{n}",
        "status": PaymentStatus.SUCCEEDED,
        "amount_fen": order.amount_fen,
        "paid_at": datetime.now(UTC),
    }
    payment = Payment(order_id=order.id, **(defaults | values))
    session.add(payment)
    session.flush()
    return payment


def settle_refund(session: Session, order: Order, status: str) -> None:
    live = Refund.order_id == order.id, Refund.status != RefundStatus.CANCELLED
    refund = session.scalars(select(Refund).where(*live)).one()
    refund.status = RefundStatus(status)
    refund.tries += 1
    session.flush()


# How to get into each state from draft: (transition, data) in order.
PATHS: dict[str, tuple[str, ...]] = {
    "draft": (),
    "closed": ("cancel",),
    "paid": ("pay",),
    "pending_review": ("pay", "submit"),
    "rejected": ("pay", "submit", "reject"),
    "approved": ("pay", "submit", "approve"),
    "processing": ("pay", "submit", "approve", "start_processing"),
    "shipped": ("pay", "submit", "approve", "start_processing", "ship"),
    "completed": ("pay", "submit", "approve", "start_processing", "ship", "complete"),
    "refunding": ("pay", "request_refund"),
    "refunded": ("pay", "request_refund", "refund_succeeded"),
}
DATA = {
    "reject": {"reasons": ["L01"], "note": "光线过暗"},
    "ship": {"carrier": "顺丰速运", "tracking_no": "SF1234567890"},
    "revoke": {"note": "误操作"},
}
ROLE_OF = {
    "approve": "reviewer",
    "reject": "reviewer",
    "revoke": "reviewer",
    "start_processing": "operator",
    "ship": "operator",
    "request_refund": "finance",
}


def actor_of(session: Session, order: Order, transition: str) -> Actor:
    if transition == "pay":
        return PAYMENT_PROVIDER
    if transition in ("refund_succeeded", "refund_failed"):
        return REFUND_PROVIDER
    if transition in ROLE_OF:
        return actor_for(make_staff(session, ROLE_OF[transition]))
    return student_actor(order.student_id)


def make_order(
    session: Session,
    batch: Batch | None = None,
    state: str = "draft",
    *,
    student: Student | None = None,
    engine: Engine | None = None,
    delivery_method: str = "courier",
    **values,
) -> Order:
    """An order walked into `state` by the engine, with the payments and photos that takes."""
    engine = engine or process_engine()
    batch = batch or make_batch(session)
    student = student or make_student(session)
    enrolment = values.pop("enrolment", None) or make_enrolment(session, batch, student)
    defaults = {
        "number": f"GP{secrets.token_hex(6).upper()}",
        "amount_fen": 3000,
        "expires_at": datetime.now(UTC) + timedelta(minutes=batch.unpaid_minutes),
        "delivery_method": delivery_method,
        "delivery_address": {"recipient": "吴小兰", "phone": "+8613800000000"}
        if delivery_method == "courier"
        else None,
    }
    order = Order(
        batch=batch,
        school_id=batch.school_id,
        enrolment=enrolment,
        student=student,
        standard_id=batch.standard_id,
        **(defaults | values),
    )
    order.items = [
        OrderItem(service_code="portrait", name_zh="图像采集", name_en="Portrait",
                  unit_price_fen=2000, amount_fen=2000),
        OrderItem(service_code="prints", name_zh="纸质照片", name_en="Prints",
                  unit_price_fen=1000, amount_fen=1000, position=1),
    ]  # fmt: skip
    engine.start(session, order)
    for transition in PATHS[state]:
        advance(session, order, transition, engine)
    return order


def advance(session: Session, order: Order, transition: str, engine: Engine | None = None) -> None:
    """Fire one transition with everything it needs in place."""
    engine = engine or process_engine()
    if transition == "pay":
        add_payment(session, order)
    elif transition == "submit":
        make_photo(session, order)
    elif transition == "refund_succeeded":
        settle_refund(session, order, "succeeded")
    elif transition == "refund_failed":
        settle_refund(session, order, "failed")
    engine.fire(
        session,
        order.id,
        transition,
        actor=actor_of(session, order, transition),
        data=DATA.get(transition),
    )
