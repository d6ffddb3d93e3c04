"""Rows by COPY: a million orders with whole event chains in minutes. No pictures are made.

The triggers that check each row are switched off while the rows go in (they were made right);
`flask audit verify` and the tests prove that they are.
"""

from __future__ import annotations

import random
import secrets
import uuid
from collections.abc import Callable

from sqlalchemy import select
from sqlalchemy.orm import Session

from backoffice.models import Batch, Enrolment, Role, Staff
from backoffice.seeding.copying import Rows, analyze, copy_rows
from backoffice.seeding.lives import Setting, add_life

CHUNK = 5_000


def seed(
    session: Session,
    batches: list[Batch],
    orders: int,
    *,
    seed_number: int | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> int:
    """Write `orders` orders over `batches` and commit after each chunk; return how many.

    Serial numbers continue after what is there, so it can be run again.
    """
    rng = random.Random(seed_number)  # noqa: S311 -- made-up data, no secret
    staff_id = _reviewer(session)
    first = _first_serial(session)
    session.commit()
    done = 0
    while done < orders:
        size = min(CHUNK, orders - done)
        rows = Rows()
        for index in range(size):
            serial = first + done + index
            batch = batches[serial % len(batches)]
            add_life(rows, rng, Setting(batch, staff_id, serial))
        copy_rows(session, rows)
        done += size
        progress(done)
    analyze(session)
    return done


def _reviewer(session: Session) -> uuid.UUID:
    """Return the member of staff who decided all of it, made if absent."""
    email = "volume@demo.example.com"
    staff = session.scalars(select(Staff).where(Staff.email == email)).one_or_none()
    if staff is None:
        role = session.scalars(select(Role).where(Role.name == "reviewer")).one()
        staff = Staff(
            email=email,
            name="演示审核员",
            fs_uniquifier=secrets.token_hex(32),
            active=False,
            roles=[role],
        )
        session.add(staff)
        session.flush()
    return staff.id


def _first_serial(session: Session) -> int:
    """Return a serial number nobody has used: one above the highest student number of ours."""
    newest = session.scalar(
        select(Enrolment.student_no)
        .where(Enrolment.student_no.like("V%"))
        .order_by(Enrolment.student_no.desc())
        .limit(1)
    )
    return int(newest[1:]) + 1 if newest else 1
