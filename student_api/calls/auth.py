"""Registering, signing in and out, tokens, the password."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field

from backoffice.accounts import errors
from backoffice.accounts.registration import Registration, register
from backoffice.accounts.sign_in import change_password, log_in, login_digest
from backoffice.accounts.tokens import (
    TokenPair,
    issue_tokens,
    refresh_tokens,
    revoke_all,
    revoke_family,
)
from backoffice.identity.errors import InvalidIdNumber, InvalidPhone
from student_api.calls.me import StudentAnswer, student_answer
from student_api.errors import TooManyRequests
from student_api.limits import (
    LOGIN_ACCOUNT,
    LOGIN_ADDRESS,
    PASSWORD_ACCOUNT,
    REGISTER_ADDRESS,
    limiter,
)
from student_api.operations import Call, operation
from student_api.schemas import (
    Answer,
    Email,
    Gender,
    Line40,
    Line60,
    Line100,
    Password,
    Request,
    Token,
)

IdTypeName = Literal[
    "resident_id", "hk_macau_permit", "taiwan_permit", "passport", "foreign_pr", "hk_id"
]


class Consents(Request):
    """The version of each text the student agreed to; all three are needed."""

    terms: Line40 | None = None
    privacy: Line40 | None = None
    portrait: Line40 | None = None


class RegisterRequest(Request):
    """A new account."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id_type": "passport",
                    "id_number": "E12345678",
                    "name": "吴小兰",
                    "phone": "13812345678",
                    "consents": {
                        "terms": "2026-11-01",
                        "privacy": "2026-11-01",
                        "portrait": "2026-11-01",
                    },
                }
            ]
        }
    )
    id_type: IdTypeName
    id_number: Line40
    name: Line100
    phone: Line40
    email: Email | None = None
    gender: Gender | None = None
    password: Password | None = Field(
        default=None, description="8 to 128 characters; absent: the last six of the ID number"
    )
    consents: Consents = Field(default_factory=Consents)


class LoginRequest(Request):
    """`login` is an ID number or a phone."""

    login: Line60
    password: Password


class RefreshRequest(Request):
    """The refresh token is spent by this call."""

    refresh_token: Token


class PasswordRequest(Request):
    """The present and the new password."""

    current_password: Password
    new_password: Password


class TokenAnswer(Answer):
    """Tokens to keep. `expires_in`: seconds until the access token dies."""

    access_token: str
    refresh_token: str
    expires_in: int
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 a word of RFC 6750


class SignedInAnswer(TokenAnswer):
    """Tokens and whose they are."""

    student: StudentAnswer


class DoneAnswer(Answer):
    """It is done."""

    status: Literal["ok"] = "ok"


def _tokens(pair: TokenPair) -> dict[str, str | int]:
    return {
        "access_token": pair.access_token,
        "refresh_token": pair.refresh_token,
        "expires_in": pair.expires_in,
    }


@operation(
    "POST",
    "/auth/register",
    tag="auth",
    summary="Register",
    request=RegisterRequest,
    answer=SignedInAnswer,
    status=201,
    auth=False,
    errors=(
        errors.AccountExists,
        InvalidIdNumber,
        InvalidPhone,
        errors.PasswordUnsuitable,
        errors.ConsentRequired,
        errors.ConsentOutdated,
        TooManyRequests,
    ),
)
def register_student(call: Call, body: RegisterRequest) -> SignedInAnswer:
    """Make an account.

    Without `password` the first password is the last six characters of the ID number, and
    `student.must_change_password` is true. The consents carry the versions of GET /consents.
    """
    limiter().take(REGISTER_ADDRESS, call.address)
    entry = Registration(
        id_type=body.id_type,
        id_number=body.id_number,
        name=body.name,
        phone=body.phone,
        email=body.email,
        gender=body.gender,
        password=body.password,
        locale=call.locale,
    )
    student = register(call.session, entry, body.consents.model_dump())
    pair = issue_tokens(call.session, student, call.services.settings)
    return SignedInAnswer.model_validate({**_tokens(pair), "student": student_answer(student)})


@operation(
    "POST",
    "/auth/login",
    tag="auth",
    summary="Sign in",
    request=LoginRequest,
    answer=SignedInAnswer,
    auth=False,
    errors=(errors.InvalidCredentials, TooManyRequests),
)
def login(call: Call, body: LoginRequest) -> SignedInAnswer:
    """Sign in with ID number or phone; unknown and wrong are answered alike."""
    account = login_digest(body.login)
    limiter().check(LOGIN_ACCOUNT, account)
    limiter().check(LOGIN_ADDRESS, call.address)
    try:
        student = log_in(call.session, body.login, body.password)
    except errors.InvalidCredentials:
        limiter().count(LOGIN_ACCOUNT, account)
        limiter().count(LOGIN_ADDRESS, call.address)
        raise
    pair = issue_tokens(call.session, student, call.services.settings)
    return SignedInAnswer.model_validate({**_tokens(pair), "student": student_answer(student)})


@operation(
    "POST",
    "/auth/refresh",
    tag="auth",
    summary="New tokens",
    request=RefreshRequest,
    answer=TokenAnswer,
    auth=False,
    errors=(errors.TokenInvalid, errors.TokenExpired, errors.RefreshTokenReused),
)
def refresh(call: Call, body: RefreshRequest) -> TokenAnswer:
    """Spend a refresh token and get the next pair.

    A refresh token that was spent before revokes every token of its sign-in. Send an
    Idempotency-Key, so that a lost answer can be asked for again.
    """
    pair = refresh_tokens(call.session, body.refresh_token, call.services.settings)
    return TokenAnswer.model_validate(_tokens(pair))


@operation(
    "POST", "/auth/logout", tag="auth", summary="Sign out", answer=DoneAnswer, idempotent=False
)
def logout(call: Call) -> DoneAnswer:
    """Revoke every token of this sign-in."""
    assert call.family is not None, "signed in"
    revoke_family(call.session, call.family)
    return DoneAnswer()


@operation(
    "POST",
    "/auth/password",
    tag="auth",
    summary="Change the password",
    request=PasswordRequest,
    answer=TokenAnswer,
    errors=(errors.WrongPassword, errors.PasswordUnsuitable, TooManyRequests),
)
def password(call: Call, body: PasswordRequest) -> TokenAnswer:
    """Set a new password; every other sign-in ends, new tokens come back."""
    limiter().check(PASSWORD_ACCOUNT, str(call.student.id))
    try:
        change_password(call.student, body.current_password, body.new_password)
    except errors.WrongPassword:
        limiter().count(PASSWORD_ACCOUNT, str(call.student.id))
        raise
    revoke_all(call.session, call.student)
    pair = issue_tokens(call.session, call.student, call.services.settings)
    return TokenAnswer.model_validate(_tokens(pair))
