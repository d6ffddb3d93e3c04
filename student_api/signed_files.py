"""Signed picture addresses as one token: the storage key, when it dies, our signature."""

from __future__ import annotations

import base64

from backoffice.settings import Settings
from backoffice.storage import SignedUrlInvalid, expiry, sign_key, verify_signature


def token_for(settings: Settings, key: str) -> str:
    """Return the token of a storage key, good for SIGNED_URL_SECONDS or a fifth less.

    Times are cut to a grid, so that a client that polls sees the same address for a while and its
    ETag holds.
    """
    expires = expiry(settings)
    expires -= expires % max(1, settings.signed_url_seconds // 5)
    name = base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")
    return f"{name}.{expires}.{sign_key(settings, key, expires)}"


def open_token(settings: Settings, token: str) -> str:
    """Return the storage key. Raises SignedUrlInvalid, SignedUrlExpired."""
    name, _, rest = token.partition(".")
    expires, _, signature = rest.partition(".")
    try:
        key = base64.urlsafe_b64decode(name + "=" * (-len(name) % 4)).decode()
        moment = int(expires)
    except ValueError:
        raise SignedUrlInvalid() from None
    verify_signature(settings, key, moment, signature)
    return key
