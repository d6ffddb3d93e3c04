"""Degradations of light and colour, of known size."""

from __future__ import annotations

import cv2
import numpy as np

from backoffice.photos.arrays import RGB, Floats
from evaluation.people import Person


def dark(person: Person, gain: float) -> RGB:
    """Scale the brightness down in linear light."""
    return _from_linear(_linear(person.rgb) * gain)


def bright(person: Person, gain: float) -> RGB:
    """Scale the brightness up; what is above white clips."""
    return _from_linear(_linear(person.rgb) * gain)


def side_light(person: Person, left_over: float) -> RGB:
    """Leave so much of the light on one side of the face, all of it on the other."""
    columns = np.arange(person.rgb.shape[1], dtype=np.float32)
    across = (columns - person.face.centre_x) / (0.06 * person.face.width)
    share = 1 / (1 + np.exp(-across))
    return _from_linear(_linear(person.rgb) * (left_over + (1 - left_over) * share)[None, :, None])


def cast(person: Person, strength: float) -> RGB:
    """Colour the light: green up, red and blue down by the share."""
    gains = np.array([1 - strength, 1 + strength / 2, 1 - strength], np.float32)
    return _from_linear(_linear(person.rgb) * gains)


def grey(person: Person, colour_left: float) -> RGB:
    """Take the colour away but for a share."""
    flat = cv2.cvtColor(cv2.cvtColor(person.rgb, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    mixed: RGB = cv2.addWeighted(person.rgb, colour_left, flat, 1 - colour_left, 0)
    return mixed


def hot_spots(person: Person, radius: float) -> RGB:
    """Put white shine on both cheeks; the radius is a share of the face width."""
    out = person.rgb.astype(np.float32)
    rows, columns = np.mgrid[0 : out.shape[0], 0 : out.shape[1]].astype(np.float32)
    for point in (50, 280):
        x, y = person.face.points[point, :2]
        distance = np.hypot(columns - x, rows - y) / max(radius * person.face.width, 1e-3)
        shine = np.clip(1.6 * np.exp(-(distance**2)), 0, 1)[..., None]
        out = out * (1 - shine) + 255 * shine
    return out.astype(np.uint8)


def red_eyes(person: Person, share: float) -> RGB:
    """Colour the pupils flash red; the share is of full red."""
    out = person.rgb.copy()
    mask = np.zeros(out.shape[:2], np.uint8)
    for centre in person.face.iris_centres:
        radius = max(round(0.62 * person.face.iris_radius), 1)
        cv2.circle(mask, (round(float(centre[0])), round(float(centre[1]))), radius, 1, -1)
    red = np.array([210, 30, 40], np.float32)
    out[mask > 0] = ((1 - share) * out[mask > 0] + share * red).astype(np.uint8)
    return out


def _linear(rgb: RGB) -> Floats:
    linear: Floats = (rgb.astype(np.float32) / 255) ** 2.2
    return linear


def _from_linear(light: Floats) -> RGB:
    encoded: RGB = (255 * np.clip(light, 0, 1) ** (1 / 2.2) + 0.5).astype(np.uint8)
    return encoded
