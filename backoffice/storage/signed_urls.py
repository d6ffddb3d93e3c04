"""Short-lived addresses of pictures: signed, so that nobody makes one up."""

from __future__ import annotations

import hashlib
import hmac
import time

from backoffice.errors import BackofficeError
from backoffice.i18n import Text
from backoffice.settings import Settings, SettingsError
from backoffice.storage.errors import StorageKeyInvalid
from backoffice.storage.store import checked_key


class SignedUrlInvalid(BackofficeError):
    """The signature of a picture address is not ours."""

    code = "signed_url_invalid"
    title = Text("链接无效", "Invalid link")
    detail = Text(
        "链接无效，请返回页面重新打开图片。", "The link is invalid; open the picture again."
    )


class SignedUrlExpired(BackofficeError):
    """The picture address was ours and its time is over."""

    code = "signed_url_expired"
    title = Text("链接已过期", "The link has expired")
    detail = Text(
        "链接已过期，请返回页面重新打开图片。", "The link has expired; open the picture again."
    )


def sign_key(settings: Settings, key: str, expires: int) -> str:
    """Return the signature (hex) of a picture address.

    key: the storage key. expires: Unix seconds from which on the address is dead.
    """
    message = f"{checked_key(key)}\n{expires}".encode()
    signing_key = settings.url_signing_key.encode()
    if not signing_key:
        raise SettingsError("URL_SIGNING_KEY is empty; see docs/settings.md.")
    return hmac.new(signing_key, message, hashlib.sha256).hexdigest()


def expiry(settings: Settings, now: float | None = None) -> int:
    """Return the Unix second at which an address signed now dies (SIGNED_URL_SECONDS)."""
    return int(time.time() if now is None else now) + settings.signed_url_seconds


def verify_signature(
    settings: Settings, key: str, expires: int, signature: str, now: float | None = None
) -> None:
    """Accept a signed address or raise SignedUrlInvalid or SignedUrlExpired.

    The signature is judged first: a forged address never learns whether its time was right.
    """
    try:
        genuine = sign_key(settings, key, expires)
    except StorageKeyInvalid:
        raise SignedUrlInvalid from None
    if not hmac.compare_digest(genuine.encode(), signature.encode(errors="replace")):
        raise SignedUrlInvalid
    if (time.time() if now is None else now) >= expires:
        raise SignedUrlExpired
