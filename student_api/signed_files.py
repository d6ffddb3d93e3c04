"""Signed picture addresses as one token: the storage key, when it dies, our signature."""

from __future__ import annotations

import base64

from backoffice.settings import Settings
from backoffice.storage import SignedUrlInvalid, expiry, sign_key, verify_signature


def token_for(settings: Settings, key: str) -> str:
    """Return the token of a storage key, good for SIGNED_URL_SECONDS."""
    expires = expiry(settings)
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
