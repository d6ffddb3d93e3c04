"""What a finished picture has to be: one version of one photo standard.

A standard is stored as JSON by others (`to_dict`, `from_dict`); decided orders keep the version they
were judged by.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, cast

from backoffice.photos.standards_limits import DEFAULT_LIMITS, Limit

GlassesRule = Literal["allowed", "clear_only", "forbidden"]
BackgroundPolicy = Literal["replace", "crop_only", "check_only"]
Range = tuple[float, float]
OLD_POLICY = "background_may_be_replaced"  # what versions stored before the three policies say


@dataclass(frozen=True)
class Standard:
    """One photo standard. Lengths in output pixels, angles in degrees, sizes in bytes.

    `background_policy`: `replace` the background, `crop_only` (cut and scale, the wall stays),
    `check_only` (the file must already be a finished picture; not one pixel is touched).
    `allow_album` and `max_attempts` bound what a batch may allow; None leaves it to the batch.
    `source`: where the rule is written down (keys of DOMAIN section 10).
    `preferred_bytes` is aimed at while the quality is at least `min_quality`; `min_bytes` and
    `max_bytes` are the hard limits. `hair_top` and `eye_line` count from the top edge; `face_width`
    is cheek to cheek.
    """

    name: str
    version: int
    title_zh: str
    title_en: str
    width: int
    height: int
    dpi: int
    background: tuple[int, int, int]
    min_bytes: int
    max_bytes: int
    preferred_bytes: tuple[int, int]
    hair_top: Range
    eye_line: Range
    face_width: Range
    background_policy: BackgroundPolicy = "replace"
    min_quality: int = 60
    max_centre_offset: float = 16.0
    max_eye_angle: float = 8.0  # "eyes level" (DOMAIN section 1) names no angle: a starting value
    glasses: GlassesRule = "clear_only"
    allow_album: bool = True
    max_attempts: int | None = None
    source: str = ""
    limits: dict[str, tuple[Limit, ...]] = field(default_factory=lambda: dict(DEFAULT_LIMITS))

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.width, self.height

    @property
    def background_may_be_replaced(self) -> bool:
        """Whether the finished picture gets the standard's background."""
        return self.background_policy == "replace"

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values that `from_dict` reads back to an equal record."""
        raw = asdict(self)
        for key in ("background", "preferred_bytes", "hair_top", "eye_line", "face_width"):
            raw[key] = list(raw[key])
        raw["limits"] = {
            code: [asdict(limit) for limit in limits] for code, limits in self.limits.items()
        }
        return raw

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> Standard:
        """Return the record stored by `to_dict`; unknown keys are an error (ValueError)."""
        known = {item.name for item in fields(cls)}
        if unknown := set(raw) - known - {OLD_POLICY}:
            raise ValueError(f"unknown standard fields: {', '.join(sorted(unknown))}")
        values = {name: value for name, value in raw.items() if name != OLD_POLICY}
        if OLD_POLICY in raw:
            values["background_policy"] = "replace" if raw[OLD_POLICY] else "crop_only"
        for key in ("background", "preferred_bytes", "hair_top", "eye_line", "face_width"):
            values[key] = tuple(values[key])
        if "limits" in values:
            values["limits"] = {
                code: tuple(Limit(**limit) for limit in limits)
                for code, limits in cast(dict[str, Any], values["limits"]).items()
            }
        return cls(**values)
