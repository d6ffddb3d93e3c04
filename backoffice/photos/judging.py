"""What is held against the standard at each stage: the upload, the portrait in its frame, the result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from backoffice.photos import duplicates, reading
from backoffice.photos.arrays import RGB, Floats
from backoffice.photos.checks import (
    Check,
    background,
    eyes,
    face_pose,
    framing,
    hair,
    judge,
    judge_all,
    light,
    mouth,
    provenance,
    sharpness,
)
from backoffice.photos.checks.views import CloseUp, Portrait, close_up
from backoffice.photos.encode import Encoded
from backoffice.photos.face import Face
from backoffice.photos.geometry import Geometry, Solution
from backoffice.photos.matting import Matte
from backoffice.photos.native import native_patch
from backoffice.photos.standards import Limit, Standard

_NOSE = 4


def judge_count(count: int) -> Check:
    """Exactly one face; none at all has a code of its own."""
    if not count:
        return judge("no_face", 0, (Limit("refuse", low=1),))
    return judge("face_count", count, (Limit("refuse", 1, 1),))


def judge_whole(face: Face, shape: tuple[int, ...]) -> Check:
    """A face cut by the picture's edge is refused."""
    outside = framing.outside_share(face, shape)
    return judge("face_complete", outside, (Limit("refuse", high=0.03),))


@dataclass(frozen=True)
class Upload:
    """The upload as it came, its one face found; what several checks need is measured once."""

    data: bytes
    picture: reading.Decoded
    turns: int
    face: Face
    standard: Standard

    @cached_property
    def _view(self) -> CloseUp:
        return close_up(self.picture.rgb, self.face)

    @cached_property
    def _shades(self) -> dict[str, float]:
        return light.measure(self._view)

    @cached_property
    def _sharpness(self) -> float:
        return sharpness.sharpness(self.picture.rgb, self.face)

    def judge_origin(self) -> list[Check]:
        """Judge whether this is a living face before a lens, in colour: up to the first refusal.

        Advice on the mouth of a statue, or of a face on a screen, would help nobody.
        """
        measures: dict[str, Callable[[], float | None]] = {
            "live_face": self._live_face,
            "screen_pattern": self._screen_pattern,
            "colour": self._colour,
        }
        checks: list[Check] = []
        for code, measure in measures.items():
            value = measure() if code in self.standard.limits else None
            if value is not None:
                checks += judge_all({code: value}, self.standard)
            if any(not check.passed and check.severity == "refuse" for check in checks):
                break
        return checks

    def _colour(self) -> float:
        return self._shades["colour"]

    def _screen_pattern(self) -> float | None:
        nose = float(self.face.points[_NOSE, 0]), float(self.face.points[_NOSE, 1])
        side = min(provenance.PATCH_PX, int(self.face.width / self.picture.scale))
        patch = native_patch(self.data, self.picture, self.turns, nose, side)
        return None if patch is None else provenance.screen_pattern(patch)

    def judge_face(self) -> list[Check]:
        """Judge the face, the light on it, and what the file tells of itself."""
        standard, picture = self.standard, self.picture
        values = {
            "face_size": self.face.width / picture.scale,
            "sharpness": self._sharpness,
            **face_pose.measure(self.face),
            **eyes.measure(self._view),
            **mouth.measure(self.face),
            **{code: value for code, value in self._shades.items() if code != "colour"},
            "black_edge": framing.frame_width(picture.rgb),
            **provenance.from_marks(picture.marks),
        }
        if standard.glasses == "allowed":
            values.pop("glasses")
        return [_eye_angle(self.face, standard), *judge_all(values, standard)]

    def _live_face(self) -> float:
        lit = all(
            self._fine(code, self._shades[code]) for code in ("exposure_dark", "exposure_bright")
        )
        around = provenance.scene_chroma(self.picture.rgb)
        quality = self.picture.marks.jpeg_quality
        whole = quality is None or self._fine("compression", quality)  # strong compression smooths
        sharp = whole and self._usable("sharpness", self._sharpness)
        return provenance.live_face(self._view, around, sharp=sharp, lit=lit)

    def _usable(self, code: str, value: float) -> bool:
        limits = self.standard.limits.get(code, ())
        return all(limit.accepts(value) for limit in limits if limit.severity == "refuse")

    def _fine(self, code: str, value: float) -> bool:
        return all(limit.accepts(value) for limit in self.standard.limits.get(code, ()))


UNLIKE = 64.0  # bits: no similar picture is known


def judge_seen(own_rejected: float, others: float) -> list[Check]:
    """Judge the fingerprint distances (bits) to the nearest own rejected and other's picture.

    The same picture again is refused; another student's is for the reviewer to compare.
    """
    return [
        judge("seen_before", own_rejected, (Limit("refuse", low=duplicates.SAME_BITS + 1),)),
        judge("seen_elsewhere", others, (Limit("warn", low=duplicates.NEAR_BITS + 1),)),
    ]


def _eye_angle(face: Face, standard: Standard) -> Check:
    """A tilted eye line is a failed check, never corrected (DOMAIN section 0.4)."""
    most = standard.max_eye_angle
    gentle = round(0.6 * most, 2)
    limits = (Limit("refuse", -most, most), Limit("warn", -gentle, gentle))
    return judge("eye_angle", face.roll, limits)


def judge_portrait(portrait: Portrait, matte: Matte, standard: Standard) -> list[Check]:
    """Judge what needs the matte: hair, shoulders, the wall behind."""
    values = {
        "background_plain": matte.background_rms,
        "matte_confidence": matte.confidence,
        **hair.measure(portrait),
    }
    slope = face_pose.shoulder_slope(portrait)
    if slope is not None:
        values["shoulders_level"] = slope
    if matte.plain:
        values["background_shadow"] = background.wall_shadow(portrait)
    return judge_all(values, standard)


def judge_head(chord: float) -> Check:
    """Hair cut by the picture's upper edge; `chord`: its width there, in face widths."""
    return judge("head_whole", chord, (Limit("refuse", high=0.38), Limit("warn", high=0.2)))


def judge_coverage(solution: Solution) -> list[Check]:
    """Say how many output pixels of the person are missing below, beside or above."""
    codes = {"bottom": "coverage_bottom", "side": "coverage_sides", "top": "coverage_top"}
    return [
        judge(
            code,
            solution.shortfall if solution.problem == problem else 0.0,
            (Limit("refuse", high=0.5),),
        )
        for problem, code in codes.items()
    ]


def judge_size(encoded: Encoded, standard: Standard) -> Check:
    """The finished file's size."""
    bounds = Limit("refuse", standard.min_bytes, standard.max_bytes)
    return judge("file_size", len(encoded.data), (bounds,))


def judge_geometry(geometry: Geometry, standard: Standard) -> list[Check]:
    """Judge the finished picture's geometry against the standard's ranges."""
    offset = standard.max_centre_offset
    ranges = {
        "hair_top": standard.hair_top,
        "eye_line": standard.eye_line,
        "face_width": standard.face_width,
        "centre_offset": (-offset, offset),
    }
    return [
        judge(code, getattr(geometry, code), (Limit("refuse", *bounds),))
        for code, bounds in ranges.items()
    ]


def judge_own_background(picture: RGB, alpha: Floats, standard: Standard) -> Check:
    """The photo keeps its own background: it has to be the standard's colour already."""
    away = background.away_from(picture, alpha, standard.background)
    limits = (Limit("refuse", high=20.0), Limit("warn", high=10.0))
    return judge("background_colour", away, limits)
