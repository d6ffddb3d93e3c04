"""The repository's own set: real portraits that packages ship, and what is rendered from them.

Every degradation stands at two levels: one the named check must catch, one it must let pass.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from backoffice.photos.arrays import RGB
from backoffice.photos.pipeline import PhotoEngine
from evaluation import light, scenes, warps
from evaluation.cases import Case
from evaluation.people import Person, people

_SOFTWARE, _MODEL = 0x0131, 0x0110


@dataclass(frozen=True)
class Degradation:
    """`render(person, level)`; `also`: other checks that catch it; `refuse`: noticing is not enough."""

    check: str
    render: Callable[[Person, Any], RGB]
    catch: Any
    let_pass: Any
    unit: str
    also: tuple[str, ...] = ()
    refuse: bool = True


CUT = ("head_whole", "coverage_top", "face_complete", "no_face", "hair_top")
DEGRADATIONS: tuple[Degradation, ...] = (
    Degradation("eye_angle", warps.tilt, 14, 2, "degrees", CUT[:2]),
    Degradation("head_yaw", warps.yaw, 40, 4, "degrees of a cylinder", ("no_face", "head_pitch")),
    Degradation("head_pitch", warps.nod, -40, -10, "degrees of the mesh", ("no_face",)),
    Degradation("eyes_open", warps.close_eyes, 1.0, 0.1, "of the opening", refuse=False),
    Degradation("mouth_closed", warps.open_mouth, 0.35, 0.0, "of its width", refuse=False),
    Degradation("sharpness", scenes.blur, 0.035, 0.002, "sigma / face width", ("no_face",)),
    Degradation("face_size", scenes.low_resolution, 60, 160, "px", ("no_face", "sharpness",
                "image_too_small")),
    Degradation("exposure_dark", light.dark, 0.03, 0.8, "of the light", ("no_face",)),
    Degradation("exposure_bright", light.bright, 6.0, 1.1, "x the light", ("no_face",)),
    Degradation("light_left_right", light.side_light, 0.02, 0.85, "of it left", ("no_face",), False),
    Degradation("colour_cast", light.cast, 0.45, 0.02, "of the light", refuse=False),
    Degradation("colour", light.grey, 0.0, 0.9, "of the colour", ("live_face",)),
    Degradation("hot_spots", light.hot_spots, 0.16, 0.0, "radius / face width", refuse=False),
    Degradation("red_eye", light.red_eyes, 1.0, 0.0, "of full red", refuse=False),
    Degradation("glasses", scenes.glasses, 0.03, 0.0, "line / face width", refuse=False),
    Degradation("screen_pattern", scenes.screen, 0.4, 0.0, "of the light", ("no_face",)),
    Degradation("face_count", scenes.second_face, 0.9, 0.12, "of the size"),
    Degradation("head_whole", scenes.cut_head, 0.12, 9.0, "face widths over the brows", CUT),
    Degradation("coverage_bottom", scenes.cut_below, 0.05, 9.0, "face widths below the chin",
                ("face_complete", "no_face")),
    Degradation("background_shadow", scenes.shadow, 0.3, 0.05, "of the light", refuse=False),
    Degradation("clothes_contrast", scenes.clothes, (100, 197, 255), (96, 30, 38), "RGB",
                refuse=False),
    Degradation("black_edge", scenes.black_frame, 0.06, 0.0, "of the width", refuse=False),
    Degradation("live_face", scenes.drawing, 4, 0, "grey levels", ("no_face", "colour")),
)  # fmt: skip


def own_set(engine: PhotoEngine, portraits: Path | None) -> Iterator[Case]:
    """Yield all pictures of the set; without fetched portraits only those of the astronaut."""
    for person in people(engine, portraits):
        yield from cases_of(person)
    yield from _no_person()


def cases_of(person: Person, checks: Sequence[str] | None = None) -> Iterator[Case]:
    """Yield one person's pictures; `checks` picks some degradations."""
    if checks is None:
        yield Case(f"{person.name}/as it is", as_jpeg(person.rgb), "pass")
        yield from _walls(person)
        yield from _files(person)
    for found in DEGRADATIONS:
        if checks is None or found.check in checks:
            yield from _levels(person, found)


def _levels(person: Person, found: Degradation) -> Iterator[Case]:
    name = f"{person.name}/{found.check}"
    caught = found.render(person, found.catch)
    yield Case(f"{name} {found.catch} {found.unit}", as_jpeg(caught), "catch", found.check,
               found.also, found.refuse)  # fmt: skip
    if found.let_pass:  # nothing of it is the picture as it is
        passing = found.render(person, found.let_pass)
        yield Case(f"{name} {found.let_pass} {found.unit}", as_jpeg(passing), "pass", found.check)


def _walls(person: Person) -> Iterator[Case]:
    from skimage import data

    name = f"{person.name}/background_plain"
    for wall in ("brick", "gravel", "coffee"):
        behind = getattr(data, wall)()
        behind = behind if behind.ndim == 3 else np.repeat(behind[..., None], 3, axis=-1)
        picture = scenes.wall(person, behind)
        yield Case(f"{name} {wall}", as_jpeg(picture), "catch", "background_plain")
    for colour in ((226, 222, 214), (150, 152, 158)):
        picture = scenes.plain_wall(person, colour, 3.0)
        yield Case(f"{name} wall {colour}", as_jpeg(picture), "pass", "background_plain")


def _files(person: Person) -> Iterator[Case]:
    name = person.name
    for quality, expected in ((8, "catch"), (88, "pass")):
        data = as_jpeg(person.rgb, quality=quality)
        yield Case(f"{name}/compression {quality}", data, expected, "compression")  # type: ignore[arg-type]
    for software, expected in (("Adobe Photoshop 25.1", "catch"), ("HUAWEI P60", "pass")):
        exif = Image.Exif()
        exif[_SOFTWARE], exif[_MODEL] = software, "P60"
        data = as_jpeg(person.rgb, exif=exif)
        yield Case(f"{name}/editing_traces {software}", data, expected, "editing_traces")  # type: ignore[arg-type]


def _no_person() -> Iterator[Case]:
    """Pictures without a person, and files that are no picture."""
    from skimage import data

    for name in ("coffee", "chelsea", "rocket", "brick"):
        picture = getattr(data, name)()
        picture = picture if picture.ndim == 3 else np.repeat(picture[..., None], 3, axis=-1)
        yield Case(f"none/{name}", as_jpeg(picture), "catch", "no_face", (), True)
    whole = as_jpeg(data.astronaut())  # type: ignore[no-untyped-call]
    broken = {
        "not_an_image": b"%PDF-1.7 this is no picture",
        "image_truncated": whole[: len(whole) // 3],
        "image_too_small": as_jpeg(np.full((1, 1, 3), 200, np.uint8)),
        "image_panorama": as_jpeg(np.full((500, 2500, 3), 200, np.uint8)),
    }
    for code, content in broken.items():
        yield Case(f"none/{code}", content, "catch", code, (), True)


def as_jpeg(rgb: RGB, quality: int = 93, **options: Any) -> bytes:
    """Return the picture as a JPEG file."""
    out = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(rgb)).save(out, "JPEG", quality=quality, **options)
    return out.getvalue()
