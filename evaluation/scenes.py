"""Degradations of sharpness, framing, clothes and surroundings, of known size."""

from __future__ import annotations

import cv2
import numpy as np

from backoffice.photos.arrays import RGB
from evaluation.people import Person

_CHIN, _BROWS = 152, 9


def blur(person: Person, sigma: float) -> RGB:
    """Blur evenly; sigma is a share of the face width."""
    blurred: RGB = cv2.GaussianBlur(person.rgb, (0, 0), sigma * person.face.width)
    return blurred


def low_resolution(person: Person, face_px: float) -> RGB:
    """Shrink the picture until the face is so many pixels wide."""
    scale = face_px / person.face.width
    small: RGB = cv2.resize(person.rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return small


def screen(person: Person, strength: float) -> RGB:
    """Photograph a screen: stripes of red, green and blue dots, slightly turned and scaled."""
    rgb = person.rgb.astype(np.float32)
    rows, columns = np.mgrid[0 : rgb.shape[0], 0 : rgb.shape[1]].astype(np.float32)
    angle = np.radians(2.0)
    along = columns * np.cos(angle) + rows * np.sin(angle)
    across = rows * np.cos(angle) - columns * np.sin(angle)
    for channel in range(3):
        dots = np.cos(2 * np.pi * (along / 3.4 + channel / 3)) + 0.5 * np.cos(
            2 * np.pi * across / 3.4
        )
        rgb[..., channel] *= 1 + strength * dots
    return np.clip(rgb, 0, 255).astype(np.uint8)


def second_face(person: Person, share: float) -> RGB:
    """Put the same person again beside, at a share of the size."""
    height, width = person.rgb.shape[:2]
    wide = np.full((height, width * 2, 3), person.rgb[2, 2], np.uint8)
    wide[:, :width] = person.rgb
    small = cv2.resize(person.rgb, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
    wide[: small.shape[0], width : width + small.shape[1]] = small
    return wide


def cut_head(person: Person, room: float) -> RGB:
    """Cut above the head: room in face widths between the brows and the upper edge."""
    row = float(person.face.points[_BROWS, 1]) - room * person.face.width
    return np.ascontiguousarray(person.rgb[max(round(row), 0) :])


def cut_below(person: Person, room: float) -> RGB:
    """Cut below the chin: room in face widths between the chin and the lower edge."""
    row = float(person.face.points[_CHIN, 1]) + room * person.face.width
    return np.ascontiguousarray(person.rgb[: round(row)])


def clothes(person: Person, colour: tuple[int, int, int]) -> RGB:
    """Dye everything of the person below the chin, its light and shade kept."""
    chin = float(person.face.points[_CHIN, 1]) + 0.12 * person.face.width
    rows = np.arange(person.rgb.shape[0], dtype=np.float32)[:, None]
    part = person.alpha * np.clip((rows - chin) / (0.1 * person.face.width), 0, 1)
    shade = cv2.cvtColor(person.rgb, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    dyed = np.array(colour, np.float32) * (0.9 + 0.12 * shade)[..., None]
    mixed = person.rgb * (1 - part[..., None]) + np.clip(dyed, 0, 255) * part[..., None]
    return np.asarray(mixed, np.uint8)


def wall(person: Person, behind: RGB) -> RGB:
    """Put the person before another background; cut below what the matte knows of the body."""
    width = person.rgb.shape[1]
    height = int(np.flatnonzero(person.alpha.max(axis=1) > 0.5)[-1]) + 1
    scale = max(width / behind.shape[1], height / behind.shape[0])
    large = cv2.resize(behind, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    alpha = person.alpha[:height, :, None]
    mixed = person.rgb[:height] * alpha + large[:height, :width] * (1 - alpha)
    return np.asarray(mixed, np.uint8)


def plain_wall(person: Person, colour: tuple[int, int, int], noise: float) -> RGB:
    """Put the person before a wall lit from one side, with so much noise (standard deviation)."""
    height, width = person.rgb.shape[:2]
    ramp = np.linspace(1.04, 0.94, width, dtype=np.float32)[None, :, None]
    grain = np.random.default_rng(7).normal(0, noise, (height, width, 1)).astype(np.float32)
    behind = np.clip(np.array(colour, np.float32) * ramp + grain, 0, 255)
    return wall(person, np.broadcast_to(behind, (height, width, 3)).astype(np.uint8))


def shadow(person: Person, depth: float) -> RGB:
    """Let the person throw a shadow on a light wall beside the head: so much of its light is gone."""
    height, width = person.rgb.shape[:2]
    reach = round(0.25 * person.face.width)
    moved = np.roll(person.alpha, (reach // 2, reach), axis=(0, 1))
    moved[:, :reach] = 0
    soft = cv2.GaussianBlur(moved, (0, 0), 0.06 * person.face.width)
    grain = np.random.default_rng(7).normal(0, 2, (height, width)).astype(np.float32)
    light = np.array([226, 222, 214], np.float32) * (1 - depth * soft[..., None])
    return wall(person, np.clip(light + grain[..., None], 0, 255).astype(np.uint8))


def glasses(person: Person, thickness: float) -> RGB:
    """Draw dark frames with a bridge; thickness as a share of the face width."""
    out, face = person.rgb.copy(), person.face
    line = max(round(thickness * face.width), 1)
    radius = (round(0.17 * face.width), round(0.13 * face.width))
    centres = [(round(float(x)), round(float(y))) for x, y in face.iris_centres]
    for centre in centres:
        cv2.ellipse(out, centre, radius, face.roll, 0, 360, (24, 20, 20), line, cv2.LINE_AA)
    (ax, ay), (bx, by) = centres
    left, right = (ax + radius[0], ay), (bx - radius[0], by)
    cv2.line(out, left, right, (24, 20, 20), line, cv2.LINE_AA)
    return out


def black_frame(person: Person, share: float) -> RGB:
    """Set the picture into a black frame; the share is of its width."""
    width = max(round(share * person.rgb.shape[1]), 1)
    framed: RGB = cv2.copyMakeBorder(
        person.rgb, width, width, width, width, cv2.BORDER_CONSTANT, value=(0, 0, 0)
    )
    return framed


def drawing(person: Person, levels: int) -> RGB:
    """Redraw the picture in flat grey areas with pencil lines, like a portrait drawn by hand."""
    grey = cv2.cvtColor(person.rgb, cv2.COLOR_RGB2GRAY)
    soft = cv2.medianBlur(cv2.bilateralFilter(grey, 9, 60, 9), 9)
    flat = (np.floor(soft / 256 * levels) * (255 / max(levels - 1, 1))).astype(np.uint8)
    lines = cv2.adaptiveThreshold(
        cv2.medianBlur(grey, 7), 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY, 11, 4
    )
    drawn: RGB = cv2.cvtColor(cv2.min(flat, lines), cv2.COLOR_GRAY2RGB)
    return drawn
