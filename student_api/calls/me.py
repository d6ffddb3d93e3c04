"""The student's own data, and what they agreed to."""

from __future__ import annotations

from typing import Literal

from backoffice.accounts import errors
from backoffice.accounts.consents import (
    check_versions,
    consents_given,
    consents_in_force,
    record_consents,
)
from backoffice.accounts.profile import request_erasure, update_profile
from backoffice.accounts.wechat import wechat_for
from backoffice.accounts.wechat_sign_in import add_identity, bind
from backoffice.identity.errors import (
    IdNumberBirthDate,
    IdNumberCheckDigit,
    IdNumberFormat,
    IdNumberMissing,
    InvalidPhone,
)
from backoffice.identity.masking import mask_id
from backoffice.models import Student
from student_api.operations import Call, operation
from student_api.paging import ShortListQuery
from student_api.schemas import (
    Answer,
    Email,
    Gender,
    IdTypeName,
    Line40,
    Line100,
    Request,
    Time,
    Token,
)

ID_NUMBER_ERRORS = (IdNumberMissing, IdNumberFormat, IdNumberBirthDate, IdNumberCheckDigit)


class Consents(Request):
    """The version of each text the student agreed to; each is a consent of its own."""

    terms: Line40 | None = None
    privacy: Line40 | None = None
    portrait: Line40 | None = None


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
    wechat: bool
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


class IdentityRequest(Request):
    """The ID document of an account that WeChat opened."""

    id_type: IdTypeName
    id_number: Line40
    name: Line100


class ConnectRequest(Request):
    """A code of `wx.login`."""

    code: Token


class GivenConsentAnswer(Answer):
    """A text the student agreed to; `in_force`: still the newest version."""

    kind: Literal["terms", "privacy", "portrait"]
    version: str
    given_at: Time
    in_force: bool


class GivenConsentsAnswer(Answer):
    """What the student agreed to, the newest first."""

    items: list[GivenConsentAnswer]
    next_cursor: str | None


class AgreedAnswer(Answer):
    """It is on record."""

    status: Literal["ok"] = "ok"


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
            "wechat": student.wechat_index is not None,
            "erasure_requested_at": student.erasure_requested_at,
            "created_at": student.created_at,
        }
    )


@operation("GET", "/me", tag="me", summary="My data", answer=MeAnswer, first_password=True)
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

    Staff settle orders in progress and money owed first; until then the account works. Then its
    tokens end, and orders and payments are kept without anything personal. The same person may
    register anew.
    """
    return ErasureAnswer(requested_at=request_erasure(call.session, call.student))


@operation(
    "POST",
    "/me/identity",
    tag="me",
    summary="Add the ID document",
    request=IdentityRequest,
    answer=MeAnswer,
    errors=(errors.IdentityKnown, errors.AccountExists, *ID_NUMBER_ERRORS),
)
def give_identity(call: Call, body: IdentityRequest) -> MeAnswer:
    """Give an account that WeChat opened its ID document, once.

    Batches without capture codes compare the ID number; then it is needed.
    """
    add_identity(call.session, call.student, body.id_type, body.id_number, body.name)
    return MeAnswer(student=student_answer(call.student))


@operation(
    "POST",
    "/me/wechat",
    tag="me",
    summary="Connect WeChat",
    request=ConnectRequest,
    answer=MeAnswer,
    errors=(
        errors.WechatNotOffered,
        errors.WechatCodeInvalid,
        errors.WechatTaken,
        errors.WechatRefused,
        errors.WechatUnavailable,
    ),
)
def connect_wechat(call: Call, body: ConnectRequest) -> MeAnswer:
    """Let the WeChat user of `code` sign in to this account from now on."""
    openid = wechat_for(call.services.settings).openid_of(body.code)
    bind(call.session, call.student, openid)
    return MeAnswer(student=student_answer(call.student))


@operation(
    "GET",
    "/me/consents",
    tag="me",
    summary="What I agreed to",
    query=ShortListQuery,
    answer=GivenConsentsAnswer,
)
def get_my_consents(call: Call) -> GivenConsentsAnswer:
    """Return every version of every text the student agreed to, with the time."""
    current = {(text.kind, text.version) for text in consents_in_force(call.locale)}
    shown, more = call.query.page(consents_given(call.session, call.student))
    return GivenConsentsAnswer.model_validate(
        {
            "items": [
                {
                    "kind": given.kind,
                    "version": given.version,
                    "given_at": given.given_at,
                    "in_force": (given.kind, given.version) in current,
                }
                for given in shown
            ],
            "next_cursor": more,
        }
    )


@operation(
    "POST",
    "/me/consents",
    tag="me",
    summary="Agree to texts",
    request=Consents,
    answer=AgreedAnswer,
    errors=(errors.ConsentOutdated,),
)
def give_consents(call: Call, body: Consents) -> AgreedAnswer:
    """Agree to texts in the versions in force, after one of them has changed."""
    record_consents(call.session, call.student, check_versions(body.model_dump()))
    return AgreedAnswer()
