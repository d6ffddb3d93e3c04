"""All kinds of checks, by code."""

from __future__ import annotations

from itertools import chain

from backoffice.photos.checks import (
    background,
    eyes,
    face_pose,
    framing,
    hair,
    light,
    mouth,
    provenance,
    sharpness,
)
from backoffice.photos.checks.kinds import Kind

_FAMILIES = (framing, face_pose, eyes, mouth, hair, light, sharpness, background, provenance)

KINDS: dict[str, Kind] = {
    kind.code: kind for kind in chain.from_iterable(family.KINDS for family in _FAMILIES)
}
