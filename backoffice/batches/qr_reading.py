"""What a photographed batch or personal QR code says: the way back from `qr.py`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

from backoffice.capture_codes.errors import BatchCodeUnreadable
from backoffice.capture_codes.reading import read_address

PAGE = re.compile(r"/s/([0-9A-Za-z]{4,12})/?$")
TOKEN_MAX = 200


@dataclass(frozen=True)
class BatchCode:
    """feature_code: upper case. personal_token: what `personal_tokens` signed; None on posters."""

    feature_code: str
    personal_token: str | None


def read_batch_code(image_bytes: bytes) -> BatchCode:
    """Return what the code in a picture says, whichever host it names: old posters still count.

    Raises BatchCodeUnreadable, also for a code that leads elsewhere.
    """
    return batch_code_of(read_address(image_bytes))


def batch_code_of(address: str) -> BatchCode:
    """Return what an address says (see `qr.batch_url`). Raises BatchCodeUnreadable."""
    try:
        parts = urlsplit(address.strip())
        query = parse_qs(parts.query, max_num_fields=10)
    except ValueError:
        raise BatchCodeUnreadable from None
    page = PAGE.search(unquote(parts.path))
    if page is None:
        raise BatchCodeUnreadable
    token = query.get("p", [""])[0]
    return BatchCode(page.group(1).upper(), token if 0 < len(token) <= TOKEN_MAX else None)
