"""The way through: a phone picture in, the finished portrait or a report of what is wrong out.

decode -> one face -> landmarks -> matte -> crop -> composite -> JPEG -> measured again.
The face is never altered: only scaling, cropping and the background (CONTRACT section 7).
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2

from backoffice.i18n import Text
from backoffice.photos import (
    bars,
    check_only,
    compose,
    duplicates,
    encode,
    geometry,
    judging,
    making,
    matting,
    reading,
    windows,
)
from backoffice.photos.arrays import RGB, Floats
from backoffice.photos.checks import (
    Check,
    background,
    judge,
    judge_all,
)
from backoffice.photos.checks.views import Portrait, moved
from backoffice.photos.errors import PhotoRefused
from backoffice.photos.face import MESH_SURE, Face, FaceNets
from backoffice.photos.finding import find_faces
from backoffice.photos.geometry import Geometry, Solution, Subject
from backoffice.photos.standards import Limit, Standard
from backoffice.photos.windows import Crop

__all__ = ["Check", "PhotoEngine", "PhotoResult", "process"]

_CHIN = 152


class PhotoEngine:
    """The warm models of one process, single-threaded.

    Raises ModelMissing or ModelHashMismatch when a model file is not right.
    """

    def __init__(self, models_dir: Path, matting_model: str = "u2netp") -> None:
        cv2.setNumThreads(1)
        self.faces = FaceNets(Path(models_dir))
        self.mattes = matting.MattingNets(Path(models_dir), matting_model)


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
class _Work:
    """What is known about one picture on its way through."""

    standard: Standard
    checks: list[Check] = field(default_factory=list)
    geometry: dict[str, float] = field(default_factory=dict)
    edits: list[str] = field(default_factory=list)
    making: dict[str, Any] = field(default_factory=dict)
    encoded: encode.Encoded | None = None
    look: str | None = None

    def refused(self) -> bool:
        return any(not c.passed and c.severity == "refuse" for c in self.checks)


def process(data: bytes, standard: Standard, engine: PhotoEngine) -> PhotoResult:
    """Turn a picture file into the finished portrait, or say why not.

    Never raises for a bad picture: an unreadable one comes back as a result with one failed check
    whose code is the error's.
    """
    wall, cpu = time.perf_counter(), time.process_time()
    work = _Work(standard, making=making.describe(standard, engine.mattes.model))
    try:
        _run(data, work, engine)
    except PhotoRefused as refusal:
        advice = Text(refusal.text("zh"), refusal.text("en"))
        work.checks.append(
            Check(refusal.code, False, None, {}, "refuse", advice, refusal.rejection_code)
        )
    passed = not work.refused() and work.encoded is not None
    encoded = work.encoded if passed else None
    return PhotoResult(
        passed=passed,
        jpeg=encoded.data if encoded else None,
        checks=work.checks,
        geometry=work.geometry,
        bytes=len(encoded.data) if encoded else 0,
        quality=encoded.quality if encoded else 0,
        seconds=time.perf_counter() - wall,
        cpu_seconds=time.process_time() - cpu,
        edits=work.edits,
        making=work.making,
        look=work.look,
    )


def _run(data: bytes, work: _Work, engine: PhotoEngine) -> None:
    picture, turns, found = find_faces(data, engine.faces)
    work.look = duplicates.look_of(picture.rgb)
    work.checks.append(judging.judge_count(len(found)))
    if work.refused():
        return
    work.edits += picture.edits
    work.making |= making.describe_source(picture, turns)
    if turns:
        work.edits.append(f"turned_{90 * turns}")
    untouched = work.standard.background_policy == "check_only"
    rgb, left, top = (picture.rgb, 0, 0) if untouched else bars.cut_off(picture.rgb)
    shown = engine.faces.landmarks(picture.rgb, found[0])
    face = moved(shown, 1.0, left, top)
    work.checks.append(judging.judge_whole(face, rgb.shape))
    if work.refused():
        return
    upload = judging.Upload(data, picture, turns, shown, work.standard)
    work.checks += upload.judge_origin()
    if work.refused():
        return
    work.checks += upload.judge_face()
    frame, portrait, matte = _matte(rgb, face, engine)
    work.checks += judging.judge_portrait(portrait, matte, work.standard)
    if untouched:
        _check_only(data, picture, face, frame, portrait, work)
        return
    solution = _crop(rgb, face, frame, matte, work)
    if not work.refused():
        crop = solution.crop
        whole = Crop(crop.scale, crop.x0 + left, crop.y0 + top)
        work.making |= making.describe_cut(picture, whole, work.standard)
        _finish(rgb, face, frame, matte, solution, work, engine)


def _check_only(
    data: bytes, picture: reading.Decoded, face: Face, frame: Crop, portrait: Portrait, work: _Work
) -> None:
    """Measure the file as it is and hand on the same picture."""
    standard, crop = work.standard, check_only.whole(picture)
    work.checks += check_only.judge_form(picture, standard)
    if work.refused():
        return
    alpha = windows.move_plane(portrait.alpha, frame, crop, standard.size)
    shown = windows.resample(picture.rgb, crop, standard.size)
    work.checks.append(judging.judge_own_background(shown, alpha, standard))
    row = geometry.hair_top_row(portrait.alpha, geometry.FRAME_FACE)
    hair_top = frame.y0 + (-1.0 if row is None else row / frame.scale)
    measured = _planned(face, hair_top, crop, standard)
    work.geometry = measured.to_dict()
    work.checks += judging.judge_geometry(measured, standard)
    work.making |= making.describe_cut(picture, crop, standard)
    work.encoded = check_only.finished(data, picture.marks.jpeg_quality)
    work.checks.append(judging.judge_size(work.encoded, standard))


def _matte(rgb: RGB, face: Face, engine: PhotoEngine) -> tuple[Crop, Portrait, matting.Matte]:
    frame = geometry.working_frame(face)
    width, height = geometry.FRAME_SIZE
    left, top = frame.to_output(0, 0)
    right, bottom = frame.to_output(rgb.shape[1], rgb.shape[0])
    valid = (
        max(0, round(left)),
        max(0, round(top)),
        min(width, round(right)),
        min(height, round(bottom)),
    )
    picture = windows.glance(rgb, frame, geometry.FRAME_SIZE)
    middle = frame.to_output(face.centre_x, float(face.points[1, 1]))
    matte = matting.person_matte(engine.mattes, picture, valid, middle)
    portrait = Portrait(picture, matte.alpha, moved(face, frame.scale, frame.x0, frame.y0))
    return frame, portrait, matte


def _crop(rgb: RGB, face: Face, frame: Crop, matte: matting.Matte, work: _Work) -> Solution:
    """Solve the crop and report what of the person is missing."""
    row = geometry.hair_top_row(matte.alpha, geometry.FRAME_FACE)
    row = geometry.FRAME_EYES - 1.1 * geometry.FRAME_FACE if row is None else row
    hair_top = row / frame.scale + frame.y0
    chord = geometry.cut_chord(matte.alpha, frame)
    work.checks.append(judging.judge_head(chord))
    body_left, body_right = geometry.touching_rows(matte.alpha, frame, (rgb.shape[1], rgb.shape[0]))
    subject = Subject(
        hair_top=hair_top,
        eye_line=face.pupil_line,
        face_width=face.width,
        centre_x=face.centre_x,
        source_width=rgb.shape[1],
        source_height=rgb.shape[0],
        body_left=body_left,
        body_right=body_right,
        wall_may_be_filled=work.standard.background_may_be_replaced,
    )
    solution = geometry.solve_crop(subject, work.standard)
    work.checks += judging.judge_coverage(solution)
    if solution.problem is not None:
        planned = _planned(face, hair_top, solution.crop, work.standard)
        work.geometry = planned.to_dict()
        if solution.problem == "head_shape":
            short = Limit("refuse", *work.standard.hair_top)
            bad = [c for c in judging.judge_geometry(planned, work.standard) if not c.passed]
            work.checks += bad or [judge("hair_top", -1.0, (short,))]
    return solution


def _planned(face: Face, hair_top: float, crop: Crop, standard: Standard) -> Geometry:
    centre, eye_line = crop.to_output(face.centre_x, face.pupil_line)
    return Geometry(
        hair_top=crop.to_output(0, hair_top)[1],
        eye_line=eye_line,
        face_width=face.width * crop.scale,
        centre_offset=centre - standard.width / 2,
        eye_angle=face.roll,
    )


def _finish(
    rgb: RGB,
    face: Face,
    frame: Crop,
    matte: matting.Matte,
    solution: Solution,
    work: _Work,
    engine: PhotoEngine,
) -> None:
    """Cut, set on the background, encode, and measure the finished file."""
    standard, crop = work.standard, solution.crop
    picture = windows.resample(rgb, crop, standard.size)
    alpha = compose.settle(windows.move_plane(matte.alpha, frame, crop, standard.size))
    chin = crop.to_output(0, float(face.points[_CHIN, 1]))[1]
    contrast = background.clothes_contrast(picture, alpha, chin, standard.background)
    sides = geometry.cut_sides(alpha, chin)
    work.checks += judge_all({"clothes_contrast": contrast, "hair_sides": sides}, standard)
    if standard.background_may_be_replaced:
        ycc = compose.compose(picture, alpha, standard.background)
        work.edits += ["crop", "scale", "background"]
    else:
        ycc = compose.as_ycc(picture)
        work.checks.append(judging.judge_own_background(picture, alpha, standard))
        work.edits += ["crop", "scale"]
    work.encoded = encode.encode(ycc, standard)
    work.checks.append(judging.judge_size(work.encoded, standard))
    measured = _measure(work.encoded.data, alpha, face, crop, standard, engine)
    work.geometry = measured.to_dict()
    work.checks += judging.judge_geometry(measured, standard)


def _measure(
    jpeg: bytes, alpha: Floats, face: Face, crop: Crop, standard: Standard, engine: PhotoEngine
) -> Geometry:
    """Measure the face again on the decoded output; the hair's top comes from the output's matte."""
    row = geometry.hair_top_row(alpha, face.width * crop.scale) or 0.0
    expected = moved(face, crop.scale, crop.x0, crop.y0)
    found = engine.faces.again(reading.decode(jpeg).rgb, expected.points)
    if found.score < MESH_SURE:  # lost again in the finished file: what was planned, then
        return _planned(face, crop.y0 + row / crop.scale, crop, standard)
    return geometry.measure(found, row, standard.width)
