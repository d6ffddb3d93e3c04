"""What the outline must not show: coloured scraps, filled gaps between strands, pinholes."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from backoffice.photos import matting, matting_colour, matting_edges

HAIR, WALL, YELLOW = (40, 30, 28), (120, 125, 130), (230, 200, 40)


def scene(scrap) -> tuple[np.ndarray, np.ndarray]:
    """A dark head before grey with yellow lettering; the matte took a corner of it for hair."""
    rgb = np.full((400, 300, 3), WALL, np.uint8)
    cv2.rectangle(rgb, (10, 20), (110, 90), YELLOW, -1)
    cv2.ellipse(rgb, (150, 260), (90, 180), 0, 0, 360, HAIR, -1)
    alpha = np.zeros((400, 300), np.float32)
    cv2.ellipse(alpha, (150, 260), (90, 180), 0, 0, 360, 1, -1)
    cv2.rectangle(rgb, (95, 75), (112, 95), scrap, -1)
    cv2.rectangle(alpha, (95, 75), (112, 95), 1, -1)
    return rgb, alpha


@pytest.mark.parametrize(
    ("scrap", "left"), [(YELLOW, 0.1), (HAIR, 1.0), (WALL, 1.0)], ids=["letters", "hair", "pale"]
)
def test_a_scrap_in_a_colour_only_the_background_has_goes(scrap, left):
    """Pale colours stay: white hair and shine look like any wall."""
    cleaned = matting_colour.without_scraps(*scene(scrap))
    assert cleaned[78:92, 98:106].mean() == pytest.approx(left, abs=0.1)
    assert cleaned[200:350, 100:200].min() == 1


def test_a_yellow_shirt_is_no_scrap():
    rgb, alpha = scene(YELLOW)
    rgb[300:] = YELLOW
    alpha[300:] = 1
    assert matting_colour.without_scraps(rgb, alpha)[80, 100] == 1


def test_holes_are_filled_only_where_the_networks_are_sure():
    alpha = np.zeros((200, 200), np.float32)
    alpha[40:, 40:160] = 1
    alpha[80:90, 50:54] = 0  # a gap between strands
    alpha[150:160, 100:104] = 0  # a white collar on a white wall
    coarse = np.zeros((200, 200), np.float32)
    coarse[40:, 40:160] = 1
    coarse[70:100, 44:60] = 0.6
    whole = matting._one_person(alpha, coarse, (100, 100))
    assert whole[85, 52] == 0
    assert whole[155, 102] == 1


def test_the_fast_filter_follows_the_picture_not_the_coarse_matte():
    rgb = np.full((200, 160, 3), 210, np.uint8)
    rgb[:, 83:] = 40
    coarse = np.zeros((200, 160), np.float32)
    coarse[:, 80:] = 1
    coarse = cv2.GaussianBlur(coarse, (0, 0), 4)
    snapped = matting_edges.snap_to_edges(rgb, coarse)
    assert snapped[100, 79] < 0.25 < 0.4 < coarse[100, 79]
    assert snapped[100, 88] > 0.85


def test_mixed_pixels_on_a_plain_wall_get_their_share():
    shares = np.array([0.0, 0.25, 0.5, 0.75, 1.0], np.float32)
    towards = np.tile(np.array(HAIR, np.float32) - 230, (5, 1))
    found = matting_colour._share_of_person(
        shares[:, None] * towards, towards, np.full(5, 20.0), np.full(5, 0.7), 4.0
    )
    assert found == pytest.approx(shares, abs=0.12)
