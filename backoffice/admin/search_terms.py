"""Search terms in addresses: sealed, as names and ID numbers do not belong into logs."""

from __future__ import annotations

import base64

from backoffice.crypto import DecryptionFailed, keyring

SEARCH = b"search-term"


def sealed_term(term: str) -> str | None:
    """Return a search term as an opaque word for the address bar; None for an empty one."""
    if not term:
        return None
    return base64.urlsafe_b64encode(keyring().encrypt(term.encode(), SEARCH)).decode()


def open_term(word: str) -> str:
    """Return the term `sealed_term` hid; empty for anything else."""
    try:
        return keyring().decrypt(base64.urlsafe_b64decode(word.encode()), SEARCH).decode()
    except (ValueError, DecryptionFailed):
        return ""
