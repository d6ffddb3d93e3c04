"""Tokens in personal QR codes: which enrolment a printed code belongs to, signed.

A token names a random enrolment id and nothing of the person; it prefills, it does not identify:
whoever presents it still has to pass identification.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import uuid

from itsdangerous import BadSignature, Signer

from backoffice.errors import BackofficeError
from backoffice.i18n import Text
from backoffice.settings import Settings, SettingsError

TOKEN_MAX = 200


class PersonalTokenInvalid(BackofficeError):
    """The token of a personal QR code is not ours, or not of this batch."""

    code = "personal_token_invalid"
    title = Text("个人二维码无效", "Invalid personal code")
    detail = Text(
        "这个二维码不属于本批次，请扫描学校发放的本人二维码，或直接输入特征码。",
        "This code does not belong to the batch. Scan your own code, or enter the feature code.",
    )


def issue_personal_token(settings: Settings, feature_code: str, enrolment_id: uuid.UUID) -> str:
    """Return the token of an enrolment: 66 URL-safe characters, the same every time.

    It is good in this batch only, and as long as SECRET_KEY stays.
    """
    value = base64.urlsafe_b64encode(enrolment_id.bytes).rstrip(b"=")
    return _signer(settings, feature_code).sign(value).decode()


def read_personal_token(settings: Settings, feature_code: str, token: str) -> uuid.UUID:
    """Return the enrolment id. Raises PersonalTokenInvalid."""
    if len(token) > TOKEN_MAX or not token.isascii():
        raise PersonalTokenInvalid
    try:
        value = _signer(settings, feature_code).unsign(token)
        return uuid.UUID(bytes=base64.urlsafe_b64decode(value + b"=="))
    except (BadSignature, binascii.Error, ValueError):
        raise PersonalTokenInvalid from None


def _signer(settings: Settings, feature_code: str) -> Signer:
    if not settings.secret_key:
        raise SettingsError("SECRET_KEY is empty; see docs/settings.md.")
    return Signer(
        settings.secret_key,
        salt=f"personal-code:{feature_code}",
        key_derivation="hmac",
        digest_method=hashlib.sha256,
    )
