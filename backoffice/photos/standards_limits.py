"""The bounds of the checks: the type, and the bounds a standard has when nothing else is said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["refuse", "warn", "note"]


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
    "head_pitch": (Limit("refuse", high=25), Limit("warn", high=14)),  # degrees off neutral
    "eyes_open": (Limit("refuse", low=0.42), Limit("warn", low=0.56)),  # lid gap / iris diameter
    "mouth_closed": (Limit("warn", high=0.10),),  # inner lip gap / width
    "sharpness": (Limit("refuse", low=0.14), Limit("warn", low=0.26)),  # re-blur ratio at the eyes
    "exposure_dark": (Limit("refuse", low=30), Limit("warn", low=42)),  # L*, 90th percentile
    "exposure_bright": (Limit("refuse", high=0.30), Limit("warn", high=0.10)),  # clipped share
    "light_left_right": (Limit("refuse", high=55), Limit("warn", high=30)),  # L* difference
    "hair_sides": (Limit("warn", high=0.05),),  # share of the rows above the chin
    "colour": (Limit("refuse", low=2.5),),  # mean chroma of the face
    "clothes_contrast": (Limit("warn", high=0.30),),  # share within CIEDE2000 < 15
    "glasses": (Limit("warn", high=0.40),),  # gradient on the nose bridge
    "background_plain": (Limit("note", high=5.5),),  # rms Lab residual
    "background_shadow": (Limit("note", high=14.0),),  # L* below the wall, 98th percentile
    "gaze": (Limit("warn", high=0.16),),  # iris off the middle of the eye, share of its width
    "expression": (Limit("warn", high=0.98),),  # mouth width over eye distance
    "hair_brows": (Limit("note", high=0.50),),  # share of the brow strip that is hair
    "hair_eyes": (Limit("note", high=0.35),),  # share below the eye that is no skin
    "hair_ears": (Limit("note", high=0.85),),  # share of the freer ear's strip that is no skin
    "head_covering": (Limit("warn", high=0.35),),  # share of the crown in colours hair has not
    "shoulders_level": (Limit("warn", high=12.0),),  # degrees
    "compression": (Limit("warn", low=45.0),),  # JPEG quality of the upload by its tables
    "hot_spots": (Limit("warn", high=0.03),),  # share of the skin that shines
    "red_eye": (Limit("warn", high=0.25),),  # share of the pupil that is red
    "colour_cast": (Limit("refuse", high=40.0), Limit("warn", high=8.0)),  # Lab units off skin
    "black_edge": (Limit("warn", high=0.01),),  # width of a plain frame, share of the side
    "screen_pattern": (Limit("refuse", high=3.8), Limit("warn", high=2.6)),  # log spectral peak
    "editing_traces": (Limit("warn", high=0.0),),  # marks of editing software in the file
    "screenshot": (Limit("warn", high=0.0),),  # marks of a screenshot in the file
    "front_camera": (Limit("note", high=0.0),),  # the lens is a front camera's: maybe mirrored
    "live_face": (Limit("refuse", low=0.10), Limit("warn", low=0.30)),  # 0 statue, drawing; 1 photo
    "matte_confidence": (Limit("refuse", low=0.60), Limit("warn", low=0.85)),  # 0..1
}
