"""One made-up student: account, list entry, order, pictures, money, parcel and history."""

from __future__ import annotations

import hashlib
import random
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from backoffice.blind_indexes import id_number_index, last4_index, name_index, phone_index
from backoffice.demo_data import invented_resident_id
from backoffice.identity.last_four import last_four, last_four_variants
from backoffice.identity.masking import mask_id, mask_name
from backoffice.models import Batch
from backoffice.seeding.copying import Rows
from backoffice.seeding.histories import Plan, draw_plan, make_events

SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"
GIVEN = "伟芳娜敏静强磊洋艳勇军杰娟涛明超秀兰霞平刚桂英华"
COLLEGES = ("计算机学院", "外国语学院", "机械学院", "医学院", "法学院", "经济学院")
PRICE_FEN = 2000


@dataclass(frozen=True)
class Setting:
    """Where one made-up person belongs, and the number that makes them."""

    batch: Batch
    staff_id: uuid.UUID
    serial: int


def add_life(rows: Rows, rng: random.Random, where: Setting) -> None:
    """Add the rows of one student with one order and its whole history."""
    plan = draw_plan(rng)
    created = datetime.now(UTC) - timedelta(days=rng.uniform(2, 60))
    student_id, enrolment_id = _person(rows, rng, where, created)
    order_id = _uuid(rng)
    people = {"student": str(student_id), "staff": str(where.staff_id)}
    events = list(make_events(rng, order_id, plan, created, people))
    photo_id = _photos(rows, rng, where, order_id, plan, created)
    last = events[-1] if events else None
    rows.add(
        "orders",
        id=order_id,
        number=f"GPV{where.serial:010d}",
        kind="capture",
        workflow="capture_order",
        workflow_version=1,
        state=plan.state,
        version=len(events),
        last_hash=last.hash if last else None,
        school_id=where.batch.school_id,
        batch_id=where.batch.id,
        enrolment_id=enrolment_id,
        student_id=student_id,
        standard_id=where.batch.standard_id,
        amount_fen=PRICE_FEN,
        delivery_method=_delivery(plan),
        photo_id=photo_id,
        expires_at=created + timedelta(days=365) if plan.state == "draft" else None,
        paid_at=events[0].at if "pay" in plan.path else None,
        entered_at=last.at if last else created,
        created_at=created,
    )
    for event in events:
        rows.add("order_events", **vars(event))
        if event.transition in ("approve", "reject"):
            rows.add(
                "review_decisions",
                id=_uuid(rng),
                order_id=order_id,
                photo_id=photo_id,
                event_sequence=event.sequence,
                staff_id=where.staff_id,
                decision=event.transition,
                created_at=event.at,
            )
    _money_and_parcel(rows, rng, order_id, plan, events)


def _person(
    rows: Rows, rng: random.Random, where: Setting, created: datetime
) -> tuple[uuid.UUID, uuid.UUID]:
    serial, batch = where.serial, where.batch
    student_id, enrolment_id = _uuid(rng), _uuid(rng)
    # beyond a few hundred thousand the invented numbers repeat; the index of an account may not
    number, phone = invented_resident_id(serial), f"+8617{serial:09d}"
    name = rng.choice(SURNAMES) + "".join(rng.choices(GIVEN, k=rng.choice((1, 2, 2))))
    gender = "male" if int(number[16]) % 2 else "female"
    rows.add(
        "students",
        id=student_id,
        id_type="resident_id",
        id_number=number,
        id_index=id_number_index(f"volume/{serial}"),
        name=name,
        phone=phone,
        phone_index=phone_index(phone),
        gender=gender,
        password_hash="!",  # noqa: S106 -- nobody can sign in with it
        must_change_password=False,
        created_at=created,
    )
    college = rng.choice(COLLEGES)
    rows.add(
        "enrolments",
        id=enrolment_id,
        batch_id=batch.id,
        source="roster",
        student_no=f"V{serial:011d}",
        name=name,
        name_masked=mask_name(name),
        name_index=name_index(name),
        id_type="resident_id",
        id_number=number,
        id_masked=mask_id(number),
        id_index=id_number_index(number),
        id_last4=last_four(number),
        id_last4_indexes=[last4_index(batch.id, v) for v in last_four_variants(number)],
        gender=gender,
        level="本科",
        college=college,
        class_name=f"{college[:2]}23{serial % 40:02d}",
        student_id=student_id,
        claimed_at=created,
        confirmed_at=created,
        created_at=created,
    )
    return student_id, enrolment_id


def _photos(
    rows: Rows,
    rng: random.Random,
    where: Setting,
    order_id: uuid.UUID,
    plan: Plan,
    created: datetime,
) -> uuid.UUID | None:
    """Add one passed photo per submission; return the id of the last one."""
    photo_id = None
    for attempt in range(1, plan.path.count("submit") + 1):
        photo_id = _uuid(rng)
        digest = hashlib.sha256(photo_id.bytes).digest()
        rows.add(
            "photos",
            id=photo_id,
            order_id=order_id,
            attempt=attempt,
            status="passed",
            source=rng.choice(("camera", "album")),
            standard_id=where.batch.standard_id,
            original_key=f"volume/{photo_id}/original",
            original_type="image/jpeg",
            original_bytes=rng.randrange(400_000, 3_000_000),
            original_sha256=digest,
            result_key=f"volume/{photo_id}/result",
            result_bytes=rng.randrange(31_000, 39_500),
            result_sha256=digest,
            perceptual_hash=digest[:8],
            quality=rng.randrange(70, 92),
            created_at=created,
            processed_at=created + timedelta(seconds=1),
        )
    return photo_id


def _money_and_parcel(
    rows: Rows, rng: random.Random, order_id: uuid.UUID, plan: Plan, events: list[Any]
) -> None:
    rows.add(
        "order_items",
        id=_uuid(rng),
        order_id=order_id,
        service_code="portrait",
        name_zh="图像采集",
        name_en="Portrait",
        quantity=1,
        unit_price_fen=PRICE_FEN,
        amount_fen=PRICE_FEN,
    )
    at = {event.transition: event.at for event in events}
    if "pay" in at:
        payment_id = _uuid(rng)
        rows.add(
            "payments",
            id=payment_id,
            order_id=order_id,
            provider="sandbox",
            out_trade_no=f"V{payment_id.hex}",
            trade_no=f"S{payment_id.hex}",
            status="succeeded",
            amount_fen=PRICE_FEN,
            paid_at=at["pay"],
        )
        if "request_refund" in at:
            settled = at.get("refund_succeeded")
            rows.add(
                "refunds",
                id=_uuid(rng),
                order_id=order_id,
                payment_id=payment_id,
                refund_no=f"RV{payment_id.hex}",
                amount_fen=PRICE_FEN,
                status="succeeded" if settled else "pending",
                tries=1,
                settled_at=settled,
            )
    if "ship" in at:
        rows.add(
            "shipments",
            id=_uuid(rng),
            order_id=order_id,
            carrier="顺丰速运",
            tracking_no=f"SF{rng.randrange(10**11, 10**12)}",
            shipped_at=at["ship"],
            received_at=at.get("complete"),
        )
    if plan.state in ("draft", "shipped"):
        name, transition = {"draft": ("unpaid", "expire"), "shipped": ("receipt", "complete")}[
            plan.state
        ]
        rows.add(
            "timers",
            id=_uuid(rng),
            order_id=order_id,
            name=name,
            transition=transition,
            armed_sequence=len(events),
            due_at=datetime.now(UTC) + timedelta(days=365),
        )


def _delivery(plan: Plan) -> str:
    return "courier" if "ship" in plan.path else "digital"


def _uuid(rng: random.Random) -> uuid.UUID:
    return uuid.UUID(int=rng.getrandbits(128), version=4)
