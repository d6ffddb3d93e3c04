"""The student's own data."""

from __future__ import annotations

from typing import Literal

from backoffice.accounts.profile import request_erasure, update_profile
from backoffice.identity.errors import InvalidPhone
from backoffice.identity.masking import mask_id
from backoffice.models import Student
from student_api.operations import Call, operation
from student_api.schemas import Answer, Email, Gender, Line40, Request, Time


class StudentAnswer(Answer):
    """An account as its owner sees it; the ID number is always masked."""

    id: str
    id_type: str | None
    id_number: str | None
    name: str | None
    phone: str
    email: str | None
    gender: Gender | None
    locale: Literal["zh", "en"]
    must_change_password: bool
    erasure_requested_at: Time | None
    created_at: Time


class MeAnswer(Answer):
    """The account."""

    student: StudentAnswer


class ChangeMeRequest(Request):
    """Fields to change; name and ID number are corrected by the school."""

    phone: Line40 | None = None
    email: Email | None = None
    gender: Gender | None = None
    locale: Literal["zh", "en"] | None = None


class ErasureAnswer(Answer):
    """The erasure request is on record."""

    status: Literal["erasure_requested"] = "erasure_requested"
    requested_at: Time


def student_answer(student: Student) -> StudentAnswer:
    """Return an account for its owner."""
    return StudentAnswer.model_validate(
        {
            "id": str(student.id),
            "id_type": student.id_type,
            "id_number": mask_id(student.id_number) if student.id_number else None,
            "name": student.name,
            "phone": student.phone,
            "email": student.email,
            "gender": student.gender,
            "locale": student.locale or "zh",
            "must_change_password": student.must_change_password,
            "erasure_requested_at": student.erasure_requested_at,
            "created_at": student.created_at,
        }
    )


@operation("GET", "/me", tag="me", summary="My data", answer=MeAnswer)
def get_me(call: Call) -> MeAnswer:
    """Return the account."""
    return MeAnswer(student=student_answer(call.student))


@operation(
    "PATCH",
    "/me",
    tag="me",
    summary="Change my data",
    request=ChangeMeRequest,
    answer=MeAnswer,
    errors=(InvalidPhone,),
)
def change_me(call: Call, body: ChangeMeRequest) -> MeAnswer:
    """Change phone, e-mail, gender or language; only e-mail and gender can be emptied."""
    changes = body.model_dump(exclude_unset=True)
    kept = {k: v for k, v in changes.items() if v is not None or k in ("email", "gender")}
    update_profile(call.session, call.student, kept)
    return MeAnswer(student=student_answer(call.student))


@operation("DELETE", "/me", tag="me", summary="Ask for erasure", answer=ErasureAnswer, status=202)
def erase_me(call: Call) -> ErasureAnswer:
    """Ask for the account and its data to be erased.

    Staff settle orders in progress and money owed first; until then the account works.
    """
    return ErasureAnswer(requested_at=request_erasure(call.session, call.student))
