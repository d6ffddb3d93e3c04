"""What is known about a picture on its way through, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from backoffice.photos.checks import Check
from backoffice.photos.encode import Encoded
from backoffice.photos.standards import Standard


@dataclass(frozen=True)
class PhotoResult:
    """What came of one picture. `jpeg` is None when it was refused; times in seconds.

    `look`: the upload's perceptual hash, None where it could not be read.
    """

    passed: bool
    jpeg: bytes | None
    checks: list[Check]
    geometry: dict[str, float]
    bytes: int
    quality: int
    seconds: float
    cpu_seconds: float
    edits: list[str] = field(default_factory=list)
    making: dict[str, Any] = field(default_factory=dict)
    look: str | None = None

    @property
    def failed(self) -> list[Check]:
        """The checks that refuse the picture."""
        return [c for c in self.checks if not c.passed and c.severity == "refuse"]

    def to_dict(self, locale: str = "zh") -> dict[str, Any]:
        """Return the JSON of `photo process` (CONTRACT section 1)."""
        return {
            "passed": self.passed,
            "checks": [check.to_dict(locale) for check in self.checks],
            "geometry": self.geometry,
            "bytes": self.bytes,
            "quality": self.quality,
            "seconds": round(self.seconds, 4),
            "cpu_seconds": round(self.cpu_seconds, 4),
            "edits": self.edits,
        }


@dataclass
class Work:
    """What is known about one picture on its way through."""

    standard: Standard
    checks: list[Check] = field(default_factory=list)
    geometry: dict[str, float] = field(default_factory=dict)
    edits: list[str] = field(default_factory=list)
    making: dict[str, Any] = field(default_factory=dict)
    encoded: Encoded | None = None
    look: str | None = None

    def refused(self) -> bool:
        """Return whether anything found so far refuses the picture."""
        return any(not c.passed and c.severity == "refuse" for c in self.checks)
