"""The pictures of the demo: real portraits, and degraded ones the system must refuse.

Sources: `skimage.data.astronaut` (NASA, public domain, shipped by a dependency) and the official
portraits in the source archive of face_recognition on PyPI (public domain), fetched and verified.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter


@dataclass(frozen=True)
class Pictures:
    """Paths of the demo's pictures."""

    astronaut: Path
    official: Path
    official_again: Path
    two_people: Path
    nobody: Path
    blurred: Path
    dark: Path
    no_picture: Path


def make_pictures(folder: Path, portraits: Path) -> Pictures:
    """Write the pictures into `folder`; `portraits` holds the fetched official portraits."""
    from skimage.data import astronaut

    folder.mkdir(parents=True, exist_ok=True)
    astronaut_picture = Image.fromarray(astronaut())  # type: ignore[no-untyped-call]
    official = Image.open(portraits / "obama.jpg").convert("RGB")
    # another take stands differently: a copy of the rejected picture would be refused as seen before
    again = official.crop((official.width * 6 // 100, 0, official.width, official.height))
    pair = Image.new("RGB", (2 * official.width, official.height))
    for place in (0, official.width):
        pair.paste(official, (place, 0))
    wall = Image.fromarray(np.full((800, 600, 3), 214, np.uint8))
    made = {
        "astronaut": astronaut_picture,
        "official": official,
        "official_again": again,
        "two_people": pair,
        "nobody": wall,
        "blurred": official.filter(ImageFilter.GaussianBlur(official.width / 60)),
        "dark": ImageEnhance.Brightness(official).enhance(0.12),
    }
    paths = {}
    for name, picture in made.items():
        paths[name] = folder / f"{name}.jpg"
        picture.save(paths[name], quality=92)
    paths["no_picture"] = folder / "no_picture.jpg"
    paths["no_picture"].write_bytes(b"%PDF-1.7 this is no picture")
    return Pictures(**paths)
