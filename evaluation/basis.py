"""What each check measures and what its limits rest on, for docs/photos.md.

People and pictures counted are those of the prototype's study (eleven people, mostly studio or made
faces; poses, lids, lips and screens simulated by warping) unless something else is said.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Basis:
    """`measures`: the value, with its unit. `rests_on`: where the limit comes from. `trust`: words."""

    measures: str
    rests_on: str
    trust: str


_LAW = "the standard's own text (DOMAIN section 1)"
_SIMULATED = "eleven people, simulated by warping"
_LOOKED = "a starting value; no study"
HIGH, FAIR, LOW = "high", "fair", "low"

BASIS: dict[str, Basis] = {
    "no_face": Basis("faces found, score at least .5, seen by the mesh too", "false ones on the library's pictures: "
        "mesh at most .1; faces .9 and more, small ones in deep green light less", HIGH),
    "face_count": Basis("faces found, at least 4 % of the width", "as above", HIGH),
    "face_complete": Basis("share of the face's outline outside the picture", "geometry", HIGH),
    "head_whole": Basis("hair cut by the upper edge, in face widths", _LOOKED, FAIR),
    "coverage_top": Basis("output pixels missing above the person", "geometry", HIGH),
    "coverage_bottom": Basis("output pixels missing below the person", "geometry", HIGH),
    "coverage_sides": Basis("output pixels missing beside the person", "geometry", HIGH),
    "black_edge": Basis("widest plain black or white bar, share of the side", _LOOKED, HIGH),
    "hair_top": Basis("px from the upper edge, on the finished file", _LAW, HIGH),
    "eye_line": Basis("px from the upper edge, on the finished file", _LAW, HIGH),
    "face_width": Basis(
        "px cheek to cheek, on the finished file", _LAW, "fair: another model may differ by some px"
    ),
    "centre_offset": Basis("px off the middle, on the finished file", "the word 'centred'", HIGH),
    "file_size": Basis("bytes of the finished file", _LAW, HIGH),
    "finished_size": Basis("1 if a check-only upload has exactly the size", _LAW, HIGH),
    "finished_format": Basis("1 if a check-only upload is a plain JPEG", _LAW, HIGH),
    "eye_angle": Basis(
        "degrees between the eye line and level", "the text says level, the angle is a starting value; error "
        "at most 1.2 degrees over +-15 on eleven people", FAIR),
    "head_yaw": Basis("degrees of turn, from the mesh's depth", _SIMULATED, FAIR),
    "head_pitch": Basis(
        "degrees of nod off neutral", "shows .8 of a nod simulated by the mesh on ten people; these people's "
        "upright pictures alone lie at -7 to +11, one with the chin raised at -20", LOW),
    "shoulders_level": Basis(
        "degrees between the shoulders", "sign right, size not; nothing with long hair", LOW),
    "eyes_open": Basis(
        "gap of the lids over the iris's diameter", "eleven people: open .56 to .80, shut .19 to .51, "
        "one .64; the rendered shut eyes of our set give .22 to .57", LOW),
    "gaze": Basis("iris off the eye's middle, share of its width", _LOOKED, LOW),
    "red_eye": Basis("share of the inner iris that is red", "rendered only", FAIR),
    "glasses": Basis(
        "edge on the bridge of the nose", "one face with glasses, ten without", "low: a hint"),
    "mouth_closed": Basis("gap of the inner lips over their width", _SIMULATED, FAIR),
    "expression": Basis("mouth's width over the eyes' distance", _LOOKED, LOW),
    "hair_brows": Basis("share of the brow strip that is no skin", _LOOKED, LOW),
    "hair_eyes": Basis("share of the strip below the eyes that is no skin", _LOOKED, LOW),
    "hair_ears": Basis("share of the freer ear's strip that is no skin", _LOOKED, LOW),
    "hair_sides": Basis("share of rows above the chin cut at a side", "geometry", FAIR),
    "head_covering": Basis("share of the crown in colours hair has not", _LOOKED, LOW),
    "exposure_dark": Basis("L* of the face, 90th percentile", _LOOKED, FAIR),
    "exposure_bright": Basis("share of the face that is clipped", _LOOKED, FAIR),
    "light_left_right": Basis(
        "difference of the cheeks in L*", "6 to 28 on good pictures, 41 on a dramatic one", FAIR),
    "hot_spots": Basis("share of the skin that shines", _LOOKED, LOW),
    "colour": Basis("mean chroma of the face", "black-and-white pictures have none", HIGH),
    "colour_cast": Basis("Lab units outside the range of skin", "range of OFIQ NaturalColour", LOW),
    "face_size": Basis("px cheek to cheek in the upload", "the finished face is 185 to 215 px", HIGH),
    "sharpness": Basis(
        "share of the eyes' detail a slight blur takes", "blur of 1 and 1.5 % of the face width on "
        "eleven people", FAIR),
    "compression": Basis("JPEG quality by the file's tables", "arithmetic; saved again hides it", FAIR),
    "background_plain": Basis(
        "rms of Lab around a smooth wall", "66 composites of eleven people: plain at most 3.7, clutter "
        "at least 7.4", HIGH),
    "background_shadow": Basis("L* below the wall, 98th percentile", "rendered shadows on three people: a third of the light gone "
        "21 and more, evenly lit walls at most 1.1", LOW),
    "matte_confidence": Basis("share of the person neither model disputes", _LOOKED, FAIR),
    "background_colour": Basis("CIEDE2000 between wall and standard", "no study", FAIR),
    "clothes_contrast": Basis(
        "share of the clothes within CIEDE2000 15", "0 to .01 on all people", FAIR),
    "live_face": Basis("colour and texture of a living face, 0 to 1", "ten people, also dimmed, recompressed, smoothed: .2 "
        "and more; marble at most .04, flat drawings .08; cartoon filters and colour pencil pass", FAIR),
    "screen_pattern": Basis(
        "strongest grid in the spectrum, at the file's own pixels", "simulated grids only; expect less "
        "on real telephones", LOW),
    "screenshot": Basis("marks of a screenshot in the file", "absence proves nothing", FAIR),
    "editing_traces": Basis("marks of editing programs in the file", "absence proves nothing", FAIR),
    "front_camera": Basis("1 if the lens is named a front camera's", "absence proves nothing", LOW),
    "seen_before": Basis("bits to the nearest own rejected picture", _LOOKED, FAIR),
    "seen_elsewhere": Basis("bits to the nearest picture of somebody else", _LOOKED, FAIR),
}  # fmt: skip
