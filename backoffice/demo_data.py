"""What an empty demo system starts with: two made-up schools, five log-ins, three open batches.

Names, numbers and schools are invented; the ID numbers only satisfy the check digit.
"""

from __future__ import annotations

import json
import secrets
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from backoffice.batches.operations import create_batch, find_school
from backoffice.batches.plans import BatchPlan
from backoffice.blind_indexes import id_number_index, last4_index, name_index
from backoffice.capture_codes.demo import DemoCaptureCodes
from backoffice.capture_codes.payload import CaptureCodePayload
from backoffice.identity.documents import validate
from backoffice.identity.last_four import last_four, last_four_variants
from backoffice.identity.masking import mask_id, mask_name
from backoffice.models import Batch, Enrolment, Role, School, Staff
from backoffice.models.vocabulary import BatchMode, RejectPolicy, StaffRole
from backoffice.security.passwords import hash_staff_password
from backoffice.settings import Settings, SettingsError

SCHOOLS = (("10001", "示例大学"), ("10002", "示范学院"))
LEGAL_BASIS = "演示数据：学校已取得学生单独同意"
STAFF_NAMES = {
    "admin": "系统管理员",
    "school": "学校管理员",
    "reviewer": "审核员",
    "operator": "制作员",
    "finance": "财务",
}
PLANS = (
    ("10001", BatchPlan(name="2027届毕业生图像采集", legal_basis=LEGAL_BASIS)),
    (
        "10002",
        BatchPlan(
            name="2027届毕业生图像采集（先拍后付）",
            mode=BatchMode.PHOTO_FIRST,
            reject_policy=RejectPolicy.REFUND,
            legal_basis=LEGAL_BASIS,
        ),
    ),
    (
        "10001",
        BatchPlan(
            name="2026级新生图像采集",
            kind="freshman",
            standard="freshman-white",
            legal_basis=LEGAL_BASIS,
        ),
    ),
)
SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"
GIVEN = ("伟", "芳", "娜", "敏", "静", "强", "磊", "洋", "艳", "勇", "小兰", "子涵", "欣怡", "浩然")
CLASSES = (
    ("计算机学院", "软件工程", "软工2301"),
    ("计算机学院", "人工智能", "智能2301"),
    ("外国语学院", "英语", "英语2302"),
)
STUDENTS_PER_BATCH = 24
CODE_DAYS = 365


def invented_resident_id(serial: int) -> str:
    """Return the `serial`-th made-up resident ID number (DOMAIN section 4: MOD 11-2)."""
    birth = date(2003, 9, 1) + timedelta(days=serial % 700)
    body = f"110101{birth:%Y%m%d}{serial % 1000:03d}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(int(digit) * weight for digit, weight in zip(body, weights, strict=True))
    return body + "10X98765432"[total % 11]


def is_empty(session: Session) -> bool:
    """True when no school exists yet."""
    return session.scalar(select(School.id).limit(1)) is None


def has_demo_schools(session: Session) -> bool:
    """True when this database was filled by `load`."""
    codes = session.scalars(select(School.code).where(School.name == SCHOOLS[0][1])).all()
    return SCHOOLS[0][0] in codes


def refuse_in_production(session: Session, settings: Settings) -> None:
    """Raise SettingsError if a production system would run on demo data.

    A database that does not answer is the business of /readyz, not of the start.
    """
    if not settings.production:
        return
    try:
        found = has_demo_schools(session)
    except SQLAlchemyError:
        return
    if found:
        raise SettingsError(
            "APP_ENV=production refuses a database with demo data; set DATABASE_URL to another."
        )


def load(session: Session) -> None:
    """Write schools, batches and rosters. Flushes, does not commit."""
    for code, name in SCHOOLS:
        session.add(School(code=code, name=name))
    session.flush()
    for number, (school_code, plan) in enumerate(PLANS):
        batch = create_batch(session, find_school(session, school_code), plan)
        for index in range(STUDENTS_PER_BATCH):
            session.add(_enrolment(batch, number * 100 + index))
    session.flush()


def _enrolment(batch: Batch, serial: int) -> Enrolment:
    document = validate("resident_id", invented_resident_id(serial))
    name = SURNAMES[serial % len(SURNAMES)] + GIVEN[serial * 5 % len(GIVEN)]
    college, major, class_name = CLASSES[serial % len(CLASSES)]
    return Enrolment(
        batch_id=batch.id,
        source="roster",
        student_no=f"{2023000000 + serial}",
        name=name,
        name_masked=mask_name(name),
        name_index=name_index(name),
        id_type=document.id_type,
        id_number=document.number,
        id_masked=mask_id(document.number),
        id_index=id_number_index(document.match_key),
        id_last4=last_four(document.number),
        id_last4_indexes=[last4_index(batch.id, v) for v in last_four_variants(document.number)],
        gender=document.gender,
        birth_date=document.birth_date,
        level="本科",
        college=college,
        major=major,
        class_name=class_name,
    )


def reset_staff(session: Session) -> dict[str, dict[str, str]]:
    """Create the demo log-ins, or give them new passwords; return role -> email and password."""
    school = session.scalars(select(School).where(School.code == SCHOOLS[0][0])).one_or_none()
    logins = {}
    for role in StaffRole:
        email, password = f"{role}@demo.example.com", secrets.token_urlsafe(9)
        staff = session.scalars(select(Staff).where(Staff.email == email)).one_or_none()
        if staff is None:
            staff = Staff(
                email=email,
                name=STAFF_NAMES[role],
                fs_uniquifier=secrets.token_hex(32),
                school=school if role == StaffRole.SCHOOL else None,
                roles=[session.scalars(select(Role).where(Role.name == role)).one()],
                active=True,
            )
            session.add(staff)
        staff.password = hash_staff_password(password)
        logins[role.value] = {"email": email, "password": password}
    session.flush()
    return logins


def known_logins(session: Session, path: Path) -> dict[str, dict[str, str]] | None:
    """Return the log-ins of an earlier demo.json, or None when it does not hold them all."""
    try:
        staff: dict[str, dict[str, str]] = json.loads(path.read_text())["staff"]
        emails = [staff[role.value]["email"] for role in StaffRole if staff[role.value]["password"]]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    found = session.scalars(select(Staff.id).where(Staff.email.in_(emails))).all()
    return staff if len(found) == len(StaffRole) else None


def demo_content(
    session: Session, settings: Settings, staff: dict[str, dict[str, str]] | None = None
) -> dict[str, Any]:
    """Return what demo.json says (CONTRACT section 2); without `staff`, with new log-ins."""
    batches = session.scalars(
        select(Batch)
        .join(School)
        .where(School.code.in_([code for code, _ in SCHOOLS]))
        .order_by(Batch.id)
        .limit(len(PLANS))
    ).all()
    return {
        "base_url": settings.public_url,
        "staff": staff or reset_staff(session),
        "batches": [
            {
                "feature_code": batch.feature_code,
                "mode": batch.mode,
                "kind": batch.kind,
                "school_code": batch.school.code,
            }
            for batch in batches
        ],
        "capture_code_keys": {
            "format": "GPC1. followed by a compact JWE: alg dir, enc A256GCM, payload JSON",
            "key_base64url": settings.capture_code_key,
            "issue": ".venv/bin/flask --app wsgi capture-code issue --batch CODE "
            "--student-no NUMBER --out code.png --json",
        },
        "students": [_sample_student(session, settings, batch) for batch in batches],
    }


def write_demo_file(content: dict[str, Any], path: Path) -> None:
    """Write demo.json, whole or not at all, readable by its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".tmp")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(content, ensure_ascii=False, indent=1))
    draft.replace(path)


def _sample_student(session: Session, settings: Settings, batch: Batch) -> dict[str, str]:
    """Return somebody of the made-up roster to register as, with a capture code."""
    enrolment = session.scalars(
        select(Enrolment).where(Enrolment.batch_id == batch.id).order_by(Enrolment.student_no)
    ).first()
    assert enrolment is not None
    payload = CaptureCodePayload(
        serial=enrolment.student_no,
        name_masked=enrolment.name_masked,
        id_masked=enrolment.id_masked or "",
        id_last4=enrolment.id_last4 or "",
        school_code=batch.school.code,
        school_name=batch.school.name,
        level=enrolment.level or "",
        major=enrolment.major or "",
        expires_at=(batch.closes_at + timedelta(days=CODE_DAYS)).replace(microsecond=0),
    )
    return {
        "feature_code": batch.feature_code,
        "student_no": enrolment.student_no,
        "name": enrolment.name or "",
        "id_number": enrolment.id_number or "",
        "capture_code": DemoCaptureCodes.from_settings(settings).issue(payload),
    }
