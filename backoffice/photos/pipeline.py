"""The way through: a phone picture in, the finished portrait or a report of what is wrong out.

decode -> one face -> landmarks -> matte -> crop -> composite -> JPEG -> measured again.
The face is never altered: only scaling, cropping and the background (CONTRACT section 7).
"""

from __future__ import annotations

import time
from pathlib import Path

import cv2

from backoffice.i18n import Text
from backoffice.photos import (
    bars,
    duplicates,
    finishing,
    geometry,
    judging,
    making,
    matting,
    windows,
)
from backoffice.photos.arrays import RGB
from backoffice.photos.checks import Check
from backoffice.photos.checks.views import Portrait, moved
from backoffice.photos.errors import PhotoRefused
from backoffice.photos.face import Face, FaceNets
from backoffice.photos.finding import find_faces
from backoffice.photos.result import PhotoResult, Work
from backoffice.photos.standards import Standard
from backoffice.photos.windows import Crop

__all__ = ["Check", "PhotoEngine", "PhotoResult", "process"]


class PhotoEngine:
    """The warm models of one process, single-threaded.

    Raises ModelMissing or ModelHashMismatch when a model file is not right.
    """

    def __init__(self, models_dir: Path, matting_model: str = "u2netp") -> None:
        cv2.setNumThreads(1)
        self.faces = FaceNets(Path(models_dir))
        self.mattes = matting.MattingNets(Path(models_dir), matting_model)


def process(data: bytes, standard: Standard, engine: PhotoEngine) -> PhotoResult:
    """Turn a picture file into the finished portrait, or say why not.

    Never raises for a bad picture: an unreadable one comes back as a result with one failed check
    whose code is the error's.
    """
    wall, cpu = time.perf_counter(), time.process_time()
    work = Work(standard, making=making.describe(standard, engine.mattes.model))
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


def _run(data: bytes, work: Work, engine: PhotoEngine) -> None:
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
        finishing.hand_on(data, picture, face, frame, portrait, work)
        return
    solution = finishing.find_crop(rgb, face, frame, matte, work)
    if not work.refused():
        crop = solution.crop
        whole = Crop(crop.scale, crop.x0 + left, crop.y0 + top)
        work.making |= making.describe_cut(picture, whole, work.standard)
        finishing.finish(rgb, face, frame, matte, solution, work, engine.faces)


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
