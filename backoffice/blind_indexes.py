"""The search keys of encrypted values: one function per purpose, so that each is computed one way.

Values must be normalised first: `identity.documents` (match key), `identity.phones` (E.164),
`identity.names` and `identity.last_four` do that.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from backoffice.crypto import keyring


def id_number_index(match_key: str) -> bytes:
    """Return the search key of an ID document's match key."""
    return id_number_indexes([match_key])[0]


def id_number_indexes(match_keys: Iterable[str]) -> list[bytes]:
    """Return the search keys of many match keys."""
    return keyring().blind_indexes("id_number", match_keys)


def name_index(name: str) -> bytes:
    """Return the search key of a cleaned full name."""
    return name_indexes([name])[0]


def name_indexes(names: Iterable[str]) -> list[bytes]:
    """Return the search keys of many cleaned full names."""
    return keyring().blind_indexes("name", names)


def phone_index(phone: str) -> bytes:
    """Return the search key of an E.164 phone number."""
    return phone_indexes([phone])[0]


def phone_indexes(phones: Iterable[str]) -> list[bytes]:
    """Return the search keys of many E.164 phone numbers."""
    return keyring().blind_indexes("phone", phones)


def last4_index(batch_id: uuid.UUID, last_four: str) -> bytes:
    """Return the search key of a last four inside one batch.

    There are only some 11,000 values (DOMAIN section 4); mixing in the batch keeps equal ones in
    different batches from showing.
    """
    return keyring().blind_index(f"id_last4/{batch_id}", last_four)


def capture_code_index(text: str) -> bytes:
    """Return the search key of a capture code's text."""
    return keyring().blind_index("capture_code", text)


def wechat_index(openid: str) -> bytes:
    """Return the search key of a WeChat openid, which is kept in no other form."""
    return keyring().blind_index("wechat_openid", openid)
