"""Named, versioned photo standards: what a finished picture has to be.

A standard is stored as JSON by others (`to_dict`, `from_dict`); decided orders keep the version they
were judged by. Built-in records: CONTRACT section 7, DOMAIN section 1.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal, cast

Severity = Literal["refuse", "warn", "note"]
GlassesRule = Literal["allowed", "clear_only", "forbidden"]
Range = tuple[float, float]
KB = 1000  # offices count 1000 or 1024; the records below hold under both readings


@dataclass(frozen=True)
class Limit:
    """The bounds of one check; a value outside [low, high] fails it with `severity`."""

    severity: Severity
    low: float | None = None
    high: float | None = None

    def accepts(self, value: float) -> bool:
        """Return whether `value` lies within the bounds."""
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)


# Bounds per check, the strictest first; a check reports the first bound its value breaks.
# Measured starting points (FEASIBILITY section 4), moved where real portraits asked for it.
# Refusals only for what is surely measurable; the rest is told to the reviewer.
DEFAULT_LIMITS: dict[str, tuple[Limit, ...]] = {
    "face_size": (Limit("refuse", low=80), Limit("warn", low=150)),  # source px, cheek to cheek
    "head_yaw": (Limit("refuse", high=20), Limit("warn", high=12)),  # degrees, either side
    "head_pitch": (Limit("refuse", high=18), Limit("warn", high=12)),  # degrees off neutral
    "eyes_open": (Limit("refuse", low=0.42), Limit("warn", low=0.56)),  # lid gap / iris diameter
    "mouth_closed": (Limit("warn", high=0.10),),  # inner lip gap / width
    "sharpness": (Limit("refuse", low=0.14), Limit("warn", low=0.26)),  # re-blur ratio at the eyes
    "exposure_dark": (Limit("refuse", low=30), Limit("warn", low=42)),  # L*, 90th percentile
    "exposure_bright": (Limit("refuse", high=0.30), Limit("warn", high=0.10)),  # clipped share
    "light_left_right": (Limit("refuse", high=55), Limit("warn", high=30)),  # L* difference
    "hair_sides": (Limit("warn", high=0.05),),  # share of the rows above the chin
    "colour": (Limit("refuse", low=2.5),),  # mean chroma of the face
    "clothes_contrast": (Limit("warn", high=0.30),),  # share within CIEDE2000 < 15
    "glasses": (Limit("warn", high=0.25),),  # gradient on the nose bridge
    "background_plain": (Limit("note", high=5.5),),  # rms Lab residual
    "matte_confidence": (Limit("refuse", low=0.60), Limit("warn", low=0.85)),  # 0..1
}


@dataclass(frozen=True)
class Standard:
    """One photo standard. Lengths in output pixels, angles in degrees, sizes in bytes.

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
    background_may_be_replaced: bool = True
    min_quality: int = 60
    max_centre_offset: float = 16.0
    max_eye_angle: float = 6.0
    glasses: GlassesRule = "clear_only"
    limits: dict[str, tuple[Limit, ...]] = field(default_factory=lambda: dict(DEFAULT_LIMITS))

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.width, self.height

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
        if unknown := set(raw) - known:
            raise ValueError(f"unknown standard fields: {', '.join(sorted(unknown))}")
        values = dict(raw)
        for key in ("background", "preferred_bytes", "hair_top", "eye_line", "face_width"):
            values[key] = tuple(values[key])
        if "limits" in values:
            values["limits"] = {
                code: tuple(Limit(**limit) for limit in limits)
                for code, limits in cast(dict[str, Any], values["limits"]).items()
            }
        return cls(**values)


CHSI_BLUE = Standard(
    name="chsi-degree-blue",
    version=1,
    title_zh="学历电子注册图像（浅蓝底）",
    title_en="Graduate registration portrait, light blue",
    width=480,
    height=640,
    dpi=300,
    background=(100, 197, 255),
    min_bytes=20 * 1024,
    max_bytes=40 * KB,
    preferred_bytes=(30 * 1024 + 512, 39_500),
    hair_top=(50, 110),
    eye_line=(200, 300),
    face_width=(180, 300),
)

BUILTIN: dict[str, Standard] = {
    standard.name: standard
    for standard in (
        CHSI_BLUE,
        replace(
            CHSI_BLUE,
            name="chsi-degree-white",
            title_zh="学历电子注册图像（白底）",
            title_en="Graduate registration portrait, white",
            background=(255, 255, 255),
        ),
        replace(
            CHSI_BLUE,
            name="chsi-degree-grey",
            title_zh="学历电子注册图像（浅灰底）",
            title_en="Graduate registration portrait, light grey",
            background=(240, 240, 240),
        ),
        replace(
            CHSI_BLUE,
            name="xinhua-audit-blue",
            title_zh="新华社审核图像（浅蓝底）",
            title_en="Xinhua audit portrait, light blue",
            min_bytes=30 * 1024,
            max_bytes=60 * KB,
            preferred_bytes=(34 * 1024, 56_000),
        ),
        replace(
            CHSI_BLUE,
            name="freshman-white",
            title_zh="新生学籍照片（白底）",
            title_en="Freshman enrolment portrait, white",
            background=(255, 255, 255),
            min_bytes=50 * 1024,
            max_bytes=100 * KB,
            preferred_bytes=(60 * 1024, 92_000),
        ),
        # The same head proportions on the taller frame, widths scaled by 390/480.
        replace(
            CHSI_BLUE,
            name="degree-390x567",
            title_zh="学位证书照片 390×567（蓝底）",
            title_en="Degree certificate portrait 390x567, blue",
            width=390,
            height=567,
            hair_top=(40, 100),
            eye_line=(165, 270),
            face_width=(147, 244),
            max_centre_offset=13.0,
        ),
    )
}
