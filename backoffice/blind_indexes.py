"""The search keys of encrypted values: one function per purpose, so that each is computed one way.

Values must be normalised first: `identity.documents` (match key), `identity.phones` (E.164),
`identity.names` and `identity.last_four` do that.
"""

from __future__ import annotations

import uuid

from backoffice.crypto import keyring


def id_number_index(match_key: str) -> bytes:
    """Return the search key of an ID document's match key."""
    return keyring().blind_index("id_number", match_key)


def name_index(name: str) -> bytes:
    """Return the search key of a cleaned full name."""
    return keyring().blind_index("name", name)


def phone_index(phone: str) -> bytes:
    """Return the search key of an E.164 phone number."""
    return keyring().blind_index("phone", phone)


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
