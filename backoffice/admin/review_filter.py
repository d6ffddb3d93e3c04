"""The desk's filter: from the address or a call to a `QueueFilter` and back, and its drop-downs."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, cast

from sqlalchemy import select

from backoffice.admin.language import t
from backoffice.admin.orders import batch_options, school_options
from backoffice.admin.people import me, own_school, senior
from backoffice.db import db
from backoffice.models import Enrolment
from backoffice.review.queue import QueueFilter, Reviewer
from backoffice.security.tenancy import visible

ATTEMPTS, CHECKS, AGES = ("first", "again", "mine"), ("clean", "flagged"), ("1", "24", "72")
NAMES = ("school", "batch", "class", "attempt", "checks", "age", "order", "desk")
CLASSES_OFFERED = 300


def reviewer() -> Reviewer:
    """Return the signed-in member as the desk sees them."""
    return Reviewer(me().id, own_school(), senior())


def filter_from(args: Mapping[str, Any]) -> QueueFilter:
    """Return the filter these arguments ask for; what is not understood is left out."""
    given = {name: str(args.get(name) or "") for name in NAMES}
    return QueueFilter(
        school_id=_id(given["school"]),
        batch_id=_id(given["batch"]),
        class_name=given["class"][:100],
        attempt=cast(Any, given["attempt"] if given["attempt"] in ATTEMPTS else ""),
        checks=cast(Any, given["checks"] if given["checks"] in CHECKS else ""),
        older_hours=int(given["age"]) if given["age"] in AGES else 0,
        newest_first=given["order"] == "newest",
        escalated=given["desk"] == "senior",
    )


def arguments(wanted: QueueFilter) -> dict[str, str]:
    """Return the filter as arguments of an address."""
    given = {
        "school": str(wanted.school_id or ""),
        "batch": str(wanted.batch_id or ""),
        "class": wanted.class_name if wanted.batch_id else "",
        "attempt": wanted.attempt,
        "checks": wanted.checks,
        "age": str(wanted.older_hours or ""),
        "order": "newest" if wanted.newest_first else "",
        "desk": "senior" if wanted.escalated else "",
    }
    return {name: value for name, value in given.items() if value}


def options(wanted: QueueFilter, who: Reviewer) -> list[tuple[str, str, list[tuple[str, str]]]]:
    """Return the drop-downs: name, label, and (value, text) pairs, the first one being "all"."""
    found = []
    if who.school_id is None:
        found.append(("school", t("学校", "School"), [_all(), *school_options()]))
    found.append(("batch", t("批次", "Batch"), [_all(), *batch_options()]))
    if wanted.batch_id is not None:
        found.append(("class", t("班级", "Class"), [_all(), *_classes(wanted.batch_id)]))
    found += [
        (
            "attempt",
            t("提交次数", "Attempt"),
            [
                _all(),
                ("first", t("首次提交", "First")),
                ("again", t("重新提交", "Resubmitted")),
                ("mine", t("我驳回过的", "Rejected by me before")),
            ],
        ),
        (
            "checks",
            t("自动检测", "Checks"),
            [
                _all(),
                ("clean", t("全部通过", "All passed")),
                ("flagged", t("有提示", "With remarks")),
            ],
        ),
        (
            "age",
            t("已等待", "Waiting"),
            [
                _all(),
                ("1", t("1 小时以上", "over 1 hour")),
                ("24", t("1 天以上", "over 1 day")),
                ("72", t("3 天以上", "over 3 days")),
            ],
        ),
        (
            "order",
            t("顺序", "Order"),
            [("", t("先到先审", "Oldest first")), ("newest", t("新到先审", "Newest first"))],
        ),
    ]
    if who.senior:
        desk = [
            ("", t("普通队列", "Common queue")),
            ("senior", t("转来的疑难照片", "Escalated to seniors")),
        ]
        found.append(("desk", t("队列", "Queue"), desk))
    return found


def _all() -> tuple[str, str]:
    return "", t("不限", "All")


def _classes(batch_id: uuid.UUID) -> list[tuple[str, str]]:
    names = db.session.scalars(
        select(Enrolment.class_name)
        .where(
            Enrolment.batch_id == batch_id,
            Enrolment.class_name.is_not(None),
            visible(Enrolment, own_school()),
        )
        .distinct()
        .order_by(Enrolment.class_name)
        .limit(CLASSES_OFFERED)
    )
    return [(name, name) for name in names if name]


def _id(raw: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(raw)
    except ValueError:
        return None
