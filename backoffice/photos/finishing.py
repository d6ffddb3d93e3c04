"""From the matte to the finished file: the crop, the picture on its background, measured again."""

from __future__ import annotations

from backoffice.photos import (
    check_only,
    compose,
    encode,
    geometry,
    judging,
    making,
    matting,
    reading,
    windows,
)
from backoffice.photos.arrays import RGB, Floats
from backoffice.photos.checks import background, judge, judge_all
from backoffice.photos.checks.views import Portrait, moved
from backoffice.photos.face import MESH_SURE, Face, FaceNets
from backoffice.photos.geometry import Geometry, Solution, Subject
from backoffice.photos.result import Work
from backoffice.photos.standards import Limit, Standard
from backoffice.photos.windows import Crop

_CHIN = 152


def hand_on(
    data: bytes, picture: reading.Decoded, face: Face, frame: Crop, portrait: Portrait, work: Work
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


def find_crop(rgb: RGB, face: Face, frame: Crop, matte: matting.Matte, work: Work) -> Solution:
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


def finish(
    rgb: RGB,
    face: Face,
    frame: Crop,
    matte: matting.Matte,
    solution: Solution,
    work: Work,
    faces: FaceNets,
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
    measured = _measure(work.encoded.data, alpha, face, crop, standard, faces)
    work.geometry = measured.to_dict()
    work.checks += judging.judge_geometry(measured, standard)


def _measure(
    jpeg: bytes, alpha: Floats, face: Face, crop: Crop, standard: Standard, faces: FaceNets
) -> Geometry:
    """Measure the face again on the decoded output; the hair's top comes from the output's matte.

    The mesh is found anew; the pupils keep the place between the lids that the upload showed.
    """
    row = geometry.hair_top_row(alpha, face.width * crop.scale) or 0.0
    expected = moved(face, crop.scale, crop.x0, crop.y0)
    found = faces.again(reading.decode(jpeg).rgb, expected)
    if found.score < MESH_SURE:  # lost again in the finished file: what was planned, then
        return _planned(face, crop.y0 + row / crop.scale, crop, standard)
    return geometry.measure(found, row, standard.width)
