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
from backoffice.accounts.wechat import wechat_for
from backoffice.accounts.wechat_sign_in import open_account, student_of_openid
from backoffice.identity.errors import InvalidPhone
from student_api.calls.me import ID_NUMBER_ERRORS, Consents, StudentAnswer, student_answer
from student_api.errors import TooManyRequests
from student_api.limits import (
    LOGIN_ACCOUNT,
    LOGIN_ADDRESS,
    PASSWORD_ACCOUNT,
    REGISTER_ADDRESS,
    WECHAT_ADDRESS,
    limiter,
)
from student_api.operations import Call, operation
from student_api.schemas import (
    Answer,
    Email,
    Gender,
    IdTypeName,
    Line40,
    Line60,
    Line100,
    Password,
    Request,
    Token,
)


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
    """The present password (absent: the account has none yet, WeChat opened it) and the new one."""

    current_password: Password | None = None
    new_password: Password


class WechatRequest(Request):
    """What `wx.login` and, at the first sign-in, `getPhoneNumber` gave the mini-program."""

    code: Token
    phone_code: Token | None = None
    consents: Consents = Field(default_factory=Consents)


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
        *ID_NUMBER_ERRORS,
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
    limiter().take((REGISTER_ADDRESS, call.address))
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
    counted = ((LOGIN_ACCOUNT, account), (LOGIN_ADDRESS, call.address))
    limiter().check(*counted)
    try:
        student = log_in(call.session, body.login, body.password)
    except errors.InvalidCredentials:
        limiter().count(*counted)
        raise
    pair = issue_tokens(call.session, student, call.services.settings)
    return SignedInAnswer.model_validate({**_tokens(pair), "student": student_answer(student)})


@operation(
    "POST",
    "/auth/wechat",
    tag="auth",
    summary="Sign in with WeChat",
    request=WechatRequest,
    answer=SignedInAnswer,
    auth=False,
    errors=(
        errors.WechatNotOffered,
        errors.WechatCodeInvalid,
        errors.WechatPhoneNeeded,
        errors.WechatAccountExists,
        errors.WechatTaken,
        errors.WechatRefused,
        errors.WechatUnavailable,
        errors.ConsentRequired,
        errors.ConsentOutdated,
        errors.InvalidCredentials,
        InvalidPhone,
        TooManyRequests,
    ),
)
def wechat_login(call: Call, body: WechatRequest) -> SignedInAnswer:
    """Sign in as the WeChat user of `code`; a new user gets an account at once.

    The first time `phone_code` and `consents` are needed. The account has no ID document until
    POST /me/identity gives it one; a capture code identifies without. A phone whose account has a
    password is answered `wechat_account_exists`: sign in with the password once, then
    POST /me/wechat. Each code works once; send an Idempotency-Key, so that a lost answer can be
    asked for again.
    """
    limiter().take((WECHAT_ADDRESS, call.address))
    wechat = wechat_for(call.services.settings)
    openid = wechat.openid_of(body.code)
    student = student_of_openid(call.session, openid)
    if student is None:
        phone_code = body.phone_code
        ask_phone = (lambda: wechat.phone_of(phone_code)) if phone_code else None
        given = body.consents.model_dump()
        student = open_account(call.session, openid, ask_phone, given, call.locale)
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
    "POST",
    "/auth/logout",
    tag="auth",
    summary="Sign out",
    answer=DoneAnswer,
    idempotent=False,
    first_password=True,
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
    first_password=True,
    errors=(errors.WrongPassword, errors.PasswordUnsuitable, TooManyRequests),
)
def password(call: Call, body: PasswordRequest) -> TokenAnswer:
    """Set a new password; every other sign-in ends, new tokens come back.

    A first password (the end of the ID number) must be changed within FIRST_PASSWORD_HOURS, a day
    by default; then every call but this one, GET /me and sign-out is `password_change_required`.
    """
    limiter().check((PASSWORD_ACCOUNT, str(call.student.id)))
    try:
        change_password(call.student, body.current_password, body.new_password)
    except errors.WrongPassword:
        limiter().count((PASSWORD_ACCOUNT, str(call.student.id)))
        raise
    revoke_all(call.session, call.student)
    pair = issue_tokens(call.session, call.student, call.services.settings)
    return TokenAnswer.model_validate(_tokens(pair))
