"""`flask capture-code …`: make and read the demo issuer's capture codes (CONTRACT section 6)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from backoffice.batches.operations import find_batch, find_school
from backoffice.capture_codes.payload import CaptureCodePayload
from backoffice.cli.common import (
    CommandGroup,
    answer,
    database_command,
    json_option,
    reports_errors,
    transaction,
)
from backoffice.errors import InvalidInput, NotFound
from backoffice.i18n import Text
from backoffice.models import Batch, Enrolment, School
from backoffice.services import services
from backoffice.settings import load_settings

# A genuine code leaves no field empty, and the decoder refuses one that does.
LEVEL, MAJOR = "本科", "未分专业"
group = CommandGroup("capture-code", help="Capture codes (图像采集码) of the demo issuer.")


class EnrolmentNotFound(NotFound):
    """Nobody has this student number there."""

    code = "enrolment_not_found"
    detail = Text("名单中没有这个学号。", "Nobody on the roster has this student number.")


@group.command("issue")
@click.option("--batch", "code", default=None, help="Feature code of the batch.")
@click.option("--student-no", required=True)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True)
@click.option("--school", "school_code", default=None, help="For somebody who is on no roster.")
@click.option("--name", default=None, help="For somebody who is on no roster.")
@click.option("--id-number", default=None, help="For somebody who is on no roster.")
@click.option(
    "--days", type=int, default=365, show_default=True, help="Validity; negative: expired."
)
@json_option
@database_command
def issue(
    code: str | None,
    student_no: str,
    out: Path,
    school_code: str | None,
    name: str | None,
    id_number: str | None,
    days: int,
    as_json: bool,
) -> None:
    """Make a student's capture code as a QR picture."""
    from backoffice.capture_codes.demo import DemoCaptureCodes
    from backoffice.capture_codes.reading import draw_qr
    from backoffice.identity.last_four import last_four
    from backoffice.identity.masking import mask_id, mask_name

    with transaction() as session:
        batch = find_batch(session, code) if code else None
        if name and id_number:
            school = _school(session, school_code, batch)
            if school is None:
                raise InvalidInput("school", Text("请给出 --school。", "Give --school."))
            person = _Person(mask_name(name), mask_id(id_number), last_four(id_number))
        else:
            enrolment = _enrolment(session, batch, student_no)
            school = enrolment.batch.school
            person = _Person(
                enrolment.name_masked,
                enrolment.id_masked or f"***{enrolment.id_last4}",
                _last_four_of(enrolment),
                enrolment.level or LEVEL,
                enrolment.major or MAJOR,
            )
        payload = _payload(school, student_no, person, days)
    text = DemoCaptureCodes.from_settings(services().settings).issue(payload)
    out.write_bytes(draw_qr(text))

    def lines() -> Iterator[str]:
        yield text

    answer({"text": text, "payload": payload.to_dict()}, as_json, lines)


@dataclass(frozen=True)
class _Person:
    name_masked: str
    id_masked: str
    id_last4: str
    level: str = LEVEL
    major: str = MAJOR


def _payload(school: School, serial: str, person: _Person, days: int) -> CaptureCodePayload:
    return CaptureCodePayload(
        serial=serial,
        name_masked=person.name_masked,
        id_masked=person.id_masked,
        id_last4=person.id_last4,
        school_code=school.code,
        school_name=school.name,
        level=person.level,
        major=person.major,
        expires_at=(datetime.now(UTC) + timedelta(days=days)).replace(microsecond=0),
    )


def _last_four_of(enrolment: Enrolment) -> str:
    if not enrolment.id_last4:
        raise InvalidInput(
            "student_no",
            Text("名单中没有这名学生的证件后四位。", "The roster lacks this student's last four."),
        )
    return enrolment.id_last4


def _school(session: Session, code: str | None, batch: Batch | None) -> School | None:
    if code:
        return find_school(session, code)
    return batch.school if batch else None


def _enrolment(session: Session, batch: Batch | None, student_no: str) -> Enrolment:
    query = select(Enrolment).where(Enrolment.student_no == student_no)
    if batch is not None:
        query = query.where(Enrolment.batch_id == batch.id)
    found = session.scalars(query.limit(2)).all()
    if not found:
        raise EnrolmentNotFound()
    if len(found) > 1:
        raise InvalidInput(
            "batch",
            Text(
                "多个批次都有这个学号，请给出 --batch。", "Several batches have it: give --batch."
            ),
        )
    return found[0]


@group.command("read", with_appcontext=False)
@click.argument("picture", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@json_option
@reports_errors
def read(picture: Path, as_json: bool) -> None:
    """Read a capture code from a picture."""
    from backoffice.capture_codes.providers import decoder_for
    from backoffice.capture_codes.reading import read_qr

    text = read_qr(picture.read_bytes())
    payload = decoder_for(load_settings()).decode(text)

    def lines() -> Iterator[str]:
        yield text

    answer({"text": text, "payload": payload.to_dict()}, as_json, lines)
