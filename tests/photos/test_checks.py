"""Every check caught at a level that must be caught, and silent on the untouched portrait."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw

from backoffice.photos import checks, face, judging
from backoffice.photos.checks import eyes, face_pose, framing, hair, light, mouth, provenance
from backoffice.photos.checks.views import CloseUp, Portrait, close_up
from backoffice.photos.pipeline import process
from backoffice.photos.standards import BUILTIN, Limit
from tests.photos.conftest import encoded

BLUE = BUILTIN["chsi-degree-blue"]
# What ISO/IEC 29794-5 (OFIQ) calls the quality components that are used here.
OFIQ = {
    "BackgroundUniformity", "CompressionArtifacts", "ExpressionNeutrality", "EyesOpen",
    "EyesVisible", "HeadPosePitch", "HeadPoseRoll", "HeadPoseYaw", "HeadSize",
    "IlluminationUniformity", "InterEyeDistance", "MarginAboveOfTheFaceImage",
    "MarginBelowOfTheFaceImage", "MouthClosed", "NaturalColour", "NoHeadCoverings",
    "OverExposurePrevention", "Sharpness", "SingleFacePresent", "UnderExposurePrevention",
}  # fmt: skip


@pytest.fixture(scope="module")
def portrait_face(engine, astronaut) -> face.Face:
    rgb = np.asarray(astronaut)
    return engine.faces.landmarks(rgb, engine.faces.detect(rgb)[0])


def test_each_kind_is_named_once_and_says_what_to_do():
    kinds = list(checks.KINDS.values())
    assert {kind.ofiq for kind in kinds if kind.ofiq} == OFIQ
    for kind in kinds:
        assert kind.title.zh != kind.title.en
        assert kind.advice.zh.endswith("。")
        assert kind.advice.en.endswith(".")
    assert set(BLUE.limits) <= set(checks.KINDS)


def warm(rgb: np.ndarray) -> np.ndarray:
    return (rgb * np.array([1.0, 0.62, 0.2])).astype(np.uint8)


def green(rgb: np.ndarray) -> np.ndarray:
    return (rgb * np.array([0.6, 1.0, 0.6])).astype(np.uint8)


def side_lit(rgb: np.ndarray) -> np.ndarray:
    ramp = np.clip((np.arange(rgb.shape[1]) - 170) / 100, 0.12, 1)
    return (rgb * ramp[None, :, None]).astype(np.uint8)


def marble(rgb: np.ndarray, seen: face.Face) -> np.ndarray:
    """The head in stone grey, the world around it in colour."""
    x, y = seen.points[1, :2]
    mask = np.zeros(rgb.shape[:2], np.float32)
    axes = int(seen.width * 0.85), int(seen.width * 1.2)
    cv2.ellipse(mask, (int(x), int(y)), axes, 0, 0, 360, 1, -1)
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)[..., None] * np.array([1.0, 0.98, 0.93])
    return (grey * mask[..., None] + rgb * (1 - mask[..., None])).astype(np.uint8)


def drawing() -> np.ndarray:
    """A cartoon portrait: flat colours, sharp lines."""
    picture = Image.new("RGB", (900, 1200), (235, 225, 210))
    pen = ImageDraw.Draw(picture)
    pen.rectangle((150, 900, 750, 1200), fill=(60, 70, 140))
    pen.rectangle((380, 760, 520, 930), fill=(235, 190, 160))
    pen.ellipse((240, 220, 660, 820), fill=(245, 200, 170), outline=(60, 40, 30), width=5)
    pen.pieslice((220, 160, 680, 640), 180, 360, fill=(50, 35, 25))
    for x in (350, 550):
        pen.ellipse((x - 48, 470, x + 48, 520), fill="white", outline=(40, 30, 20), width=4)
        pen.ellipse((x - 22, 472, x + 22, 518), fill=(70, 45, 25))
        pen.arc((x - 60, 420, x + 60, 500), 200, 340, fill=(40, 30, 20), width=10)
    pen.line((450, 520, 435, 620, 465, 625), fill=(180, 120, 95), width=6)
    pen.ellipse((385, 690, 515, 725), fill=(200, 90, 90))
    return np.asarray(picture)


def on_a_screen(rgb: np.ndarray) -> np.ndarray:
    """A phone's picture of a screen: rows of red, green and blue stripes, slightly turned."""
    big = cv2.resize(rgb, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC).astype(np.float32)
    y, x = np.indices(big.shape[:2], np.float32)
    u, v = 0.9976 * x + 0.0698 * y, 0.9976 * y - 0.0698 * x
    for channel in range(3):
        stripes = 1 - 0.18 * (1 - np.cos(2 * np.pi * (u / 4.3 + channel / 3)))
        big[..., channel] *= stripes * (1 - 0.09 * (1 - np.cos(2 * np.pi * v / 4.3)))
    return np.clip(cv2.GaussianBlur(big, (0, 0), 0.7), 0, 255).astype(np.uint8)


def codes(result, severity: str) -> set[str]:
    return {c.code for c in result.checks if not c.passed and c.severity == severity}


ALONE = [("live_face", "statue"), ("live_face", "drawing"), ("screen_pattern", "screen")]


@pytest.mark.parametrize(("code", "what"), ALONE, ids=[what for _, what in ALONE])
def test_what_is_no_living_face_is_told_and_nothing_else(
    code, what, astronaut, engine, portrait_face
):
    rgb = np.asarray(astronaut)
    made = {
        "statue": lambda: marble(rgb, portrait_face),
        "drawing": drawing,
        "screen": lambda: on_a_screen(rgb),
    }[what]()
    result = process(encoded(made), BLUE, engine)
    assert [c.code for c in result.checks if not c.passed] == [code]
    assert result.failed
    assert result.jpeg is None


HINTS = [
    ("colour_cast", lambda rgb: encoded(green(rgb)), {"warn", "refuse"}),
    ("light_left_right", lambda rgb: encoded(side_lit(rgb)), {"warn", "refuse"}),
    ("compression", lambda rgb: encoded(rgb, "JPEG", quality=20), {"warn"}),
    ("editing_traces", lambda rgb: encoded(rgb, "JPEG", quality=90, exif=software()), {"warn"}),
]


def software() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0131] = "Adobe Photoshop 25.0"
    return exif


@pytest.mark.parametrize(("code", "spoil", "severities"), HINTS, ids=[h[0] for h in HINTS])
def test_a_fault_is_seen_in_the_whole_picture(code, spoil, severities, astronaut, engine, finished):
    assert {c.code: c.passed for c in finished.checks}.get(code, True)
    result = process(spoil(np.asarray(astronaut)), BLUE, engine)
    seen = {c.code: c for c in result.checks}[code]
    assert not seen.passed
    assert seen.severity in severities


def test_gaze_follows_the_irises(portrait_face):
    assert eyes.gaze_offset(portrait_face) < 0.06
    width = np.linalg.norm(portrait_face.points[33, :2] - portrait_face.points[133, :2])
    aside = replace(
        portrait_face,
        iris_centres=portrait_face.iris_centres + np.array([0.2 * width, 0], np.float32),
    )
    assert eyes.gaze_offset(aside) > 0.16
    near = portrait_face.iris_centres + np.array([[0.15 * width, 0], [-0.15 * width, 0]])
    inwards = replace(portrait_face, iris_centres=near.astype(np.float32))
    assert eyes.gaze_offset(inwards) < 0.06


def test_red_pupils(portrait_face, astronaut):
    rgb = np.array(astronaut)
    assert eyes.red_share(close_up(rgb, portrait_face)) == 0
    for x, y in portrait_face.iris_centres:
        cv2.circle(rgb, (int(x), int(y)), 2, (190, 40, 40), -1)
    assert eyes.red_share(close_up(rgb, portrait_face)) > 0.25


def test_a_smile_is_wider_than_a_quiet_mouth(portrait_face):
    broad = mouth.smile(portrait_face)
    assert broad > 0.98  # she smiles
    points = portrait_face.points.copy()
    middle = points[[61, 291]].mean(axis=0)
    points[[61, 291]] = middle + 0.72 * (points[[61, 291]] - middle)
    assert mouth.smile(replace(portrait_face, points=points)) < 0.98


def test_hot_spots_are_pale_and_light():
    rng = np.random.default_rng(2)
    skin = np.column_stack(
        [rng.normal(65, 5, 4000), rng.normal(14, 2, 4000), rng.normal(18, 2, 4000)]
    )
    assert light.shine(skin.astype(np.float32)) == 0
    skin[:300] = (96, 2, 3)
    assert light.shine(skin.astype(np.float32)) == pytest.approx(0.075)


@pytest.mark.parametrize(
    ("colour", "cast"), [((14, 18), False), ((8, 30), False), ((-10, 20), True), ((12, 55), True)]
)
def test_colour_cast_is_what_lies_outside_the_range_of_skin(colour, cast):
    skin = np.array([[60, *colour]] * 10, np.float32)
    assert (light.colour_cast(skin) > 8) is cast


@pytest.mark.parametrize(
    ("bar", "value"), [((0, 0, 0), 30), ((255, 255, 255), 30), ((90, 90, 90), 0)]
)
def test_black_and_white_bars(bar, value, astronaut):
    rgb = np.array(astronaut)
    assert framing.frame_width(rgb) == 0
    rgb[:30] = bar
    assert framing.frame_width(rgb) == pytest.approx(value / 512)


def silhouette(slope: float) -> Portrait:
    """A head on shoulders that fall to the viewer's right by `slope` degrees."""
    alpha = np.zeros((800, 608), np.float32)
    cv2.ellipse(alpha, (304, 350), (110, 150), 0, 0, 360, 1, -1)
    rows, columns = np.indices(alpha.shape)
    alpha[rows > 560 + (columns - 304) * np.tan(np.radians(slope))] = 1
    points = np.zeros((468, 3), np.float32)
    points[[234, 454], :2] = (204, 350), (404, 350)
    points[[33, 133, 362, 263], :2] = (240, 330), (280, 330), (328, 330), (368, 330)
    points[152, :2] = 304, 500
    centres = np.array([[260, 330], [348, 330]], np.float32)
    seen = face.Face(points, centres, 9.0, (0.8, 0.8), 1.0)
    return Portrait(np.zeros((800, 608, 3), np.uint8), alpha, seen)


@pytest.mark.parametrize("slope", [0, 4, 12])
def test_shoulders_are_measured_on_the_silhouette(slope):
    measured = face_pose.shoulder_slope(silhouette(slope))
    assert measured == pytest.approx(1.5 * slope, abs=1)  # the silhouette shows two thirds


def test_shoulders_under_long_hair_are_not_judged():
    portrait = silhouette(5)
    portrait.alpha[380:620, 100:200] = 1
    assert face_pose.shoulder_slope(portrait) is None


def painted(colour) -> Portrait:
    """The portrait of `silhouette` in skin colour, its crown in `colour`."""
    plain = silhouette(0)
    rgb = np.full((800, 608, 3), (205, 160, 135), np.uint8)
    rgb[:240] = colour
    points = plain.face.points.copy()
    points[10, :2] = 304, 250
    return replace(plain, rgb=rgb, face=replace(plain.face, points=points))


@pytest.mark.parametrize(
    ("colour", "strange"),
    [((30, 60, 190), True), ((40, 150, 60), True), ((25, 22, 20), False), ((120, 80, 45), False),
     ((200, 200, 205), False)],
)  # fmt: skip
def test_a_crown_in_a_colour_hair_has_not(colour, strange):
    assert (hair.strange_crown(painted(colour)) > 0.35) is strange


def test_hair_hides_ears_and_brows(engine, astronaut, portrait_face):
    """Paint her own ears' and brows' surroundings in skin and in hair colour."""
    frame_face = portrait_face
    rgb = np.array(astronaut)
    alpha = np.ones(rgb.shape[:2], np.float32)
    width = frame_face.width
    skin = rgb[int(frame_face.points[50, 1]), int(frame_face.points[50, 0])]

    def measured(ear, brow) -> dict[str, float]:
        picture = rgb.copy()
        for side, sign in ((234, -1), (454, 1)):
            x = frame_face.points[side, 0] + sign * 0.06 * width
            cv2.ellipse(
                picture, (int(x), int(frame_face.points[4, 1]) - 6), (7, 24), 0, 0, 360, ear, -1
            )
        for x, y in frame_face.points[[105, 334], :2]:
            cv2.ellipse(picture, (int(x), int(y) - 3), (22, 7), 0, 0, 360, brow, -1)
        return hair.measure(Portrait(picture, alpha, frame_face))

    light_skin, dark = tuple(int(v) for v in skin), (30, 25, 22)
    free, hidden = measured(light_skin, light_skin), measured(dark, dark)
    assert free["hair_ears"] < 0.5 < 0.85 < hidden["hair_ears"]
    assert free["hair_brows"] < 0.5 < hidden["hair_brows"]


def test_seen_before_is_refused_and_another_students_only_flagged():
    def failed(own: float, other: float) -> list[tuple[str, str]]:
        return [(c.code, c.severity) for c in judging.judge_seen(own, other) if not c.passed]

    assert failed(64, 64) == []
    assert failed(2, 64) == [("seen_before", "refuse")]
    assert failed(4, 64) == []  # a new take may look much like the old one
    assert failed(64, 4) == [("seen_elsewhere", "warn")]


def test_a_face_says_nothing_when_blurred_or_badly_lit(astronaut, portrait_face):
    grey = cv2.cvtColor(np.asarray(astronaut), cv2.COLOR_RGB2GRAY)
    view: CloseUp = close_up(np.repeat(grey[..., None], 3, axis=2), portrait_face)
    assert provenance.live_face(view, 40.0, sharp=True, lit=True) < 0.15
    assert provenance.live_face(view, 40.0, sharp=True, lit=False) == 1
    assert provenance.live_face(view, 2.0, sharp=True, lit=True) > 0.4  # black and white


def test_a_severity_moves_with_the_standard(astronaut, engine):
    """What one school only notes, another refuses: data, not code."""
    strict = replace(BLUE, limits=BLUE.limits | {"mouth_closed": (Limit("refuse", high=0.1),)})
    result = process(encoded(astronaut), strict, engine)
    assert codes(result, "refuse") == {"mouth_closed"}
