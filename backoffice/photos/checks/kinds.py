"""What a check is called, which reason of the catalogue it leads to, and what the student can do."""

from __future__ import annotations

from dataclasses import dataclass

from backoffice.i18n import Text


@dataclass(frozen=True)
class Kind:
    """One kind of check.

    `rejection_code`: the reason of DOMAIN section 8 a failure would lead to. `ofiq`: the quality
    component of ISO/IEC 29794-5 (OFIQ) that means the same thing, None where there is none.
    """

    code: str
    title: Text
    rejection_code: str
    advice: Text
    ofiq: str | None = None
