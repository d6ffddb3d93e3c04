"""One line of the report, and how a value is held against its bounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from backoffice.i18n import Text
from backoffice.photos.checks.catalogue import KINDS
from backoffice.photos.standards import Limit, Severity, Standard


@dataclass(frozen=True)
class Check:
    """One line of the report. `severity` is what a failure means: refuse, warn or note."""

    code: str
    passed: bool
    value: float | str | None
    limits: dict[str, float | None]
    severity: Severity
    advice: Text
    rejection_code: str

    @property
    def ofiq(self) -> str | None:
        """The component of ISO/IEC 29794-5 that measures the same, None if there is none."""
        kind = KINDS.get(self.code)
        return kind.ofiq if kind else None

    def to_dict(self, locale: str = "zh") -> dict[str, Any]:
        """Return the JSON of CONTRACT section 1; advice only where the check failed."""
        return {
            "code": self.code,
            "passed": self.passed,
            "value": self.value,
            "limits": self.limits,
            "severity": self.severity,
            "advice": None if self.passed else self.advice.get(locale),
            "rejection_code": None if self.passed else self.rejection_code,
            "ofiq": self.ofiq,
        }


def judge(code: str, value: float, limits: tuple[Limit, ...]) -> Check:
    """Hold `value` against the bounds, strictest first, and return the line of the report."""
    kind = KINDS[code]
    shown = round(float(value), 3)
    for limit in limits:
        if not limit.accepts(float(value)):
            bounds = {"min": limit.low, "max": limit.high}
            return Check(
                code, False, shown, bounds, limit.severity, kind.advice, kind.rejection_code
            )
    tightest = limits[-1] if limits else Limit("note")
    bounds = {"min": tightest.low, "max": tightest.high}
    return Check(code, True, shown, bounds, tightest.severity, kind.advice, kind.rejection_code)


def judge_all(values: dict[str, float], standard: Standard) -> list[Check]:
    """Judge every measured value the standard has bounds for."""
    return [
        judge(code, value, standard.limits[code])
        for code, value in values.items()
        if code in standard.limits
    ]
