"""Print sheets: exact paper, exact prints, nothing stretched, the caption readable."""

from __future__ import annotations

import io
from itertools import combinations

import numpy as np
import pypdfium2
import pytest
from PIL import Image
from pypdf import PdfReader

from backoffice.photos.layouts import (
    LAYOUTS,
    ONE_INCH,
    TWO_INCH,
    TWO_INCH_TALL,
    Layout,
    Row,
    _places,
    fit,
    mixed_sheet,
    render_sheet,
)
from tests.photos.conftest import encoded

CAPTION = "欧阳明月 2026010203"


def portrait() -> bytes:
    """Three bands and a circle, so that a stretched print would show."""
    yy, xx = np.mgrid[0:640, 0:480]
    rgb = np.full((640, 480, 3), (100, 197, 255), np.uint8)
    rgb[(xx - 240) ** 2 + (yy - 260) ** 2 < 100**2] = (200, 30, 30)
    return encoded(rgb, "JPEG", quality=95)


@pytest.mark.parametrize("name", sorted(LAYOUTS))
def test_the_page_is_the_paper(name: str):
    layout = LAYOUTS[name]
    pdf = render_sheet(portrait(), layout, CAPTION)
    reader = PdfReader(io.BytesIO(pdf))
    assert len(reader.pages) == 1
    box = reader.pages[0].mediabox
    assert float(box.width) * 25.4 / 72 == pytest.approx(layout.paper_size[0], abs=0.01)
    assert float(box.height) * 25.4 / 72 == pytest.approx(layout.paper_size[1], abs=0.01)
    assert render_sheet(portrait(), layout, CAPTION) == pdf
    text = reader.pages[0].extract_text()
    assert text.count("欧阳明月") == (layout.prints if layout.caption_band else 0)


@pytest.mark.parametrize("name", sorted(LAYOUTS))
def test_prints_lie_on_the_paper_and_apart(name: str):
    layout = LAYOUTS[name]
    boxes = []
    for row, left, bottom in _places(layout):
        width, height = row.cell(layout.caption_band)
        assert left >= -1e-6
        assert bottom >= -1e-6
        assert left + width <= layout.paper_size[0] + 1e-6
        assert bottom + height <= layout.paper_size[1] + 1e-6
        boxes.append((left, bottom, left + width, bottom + height))
    assert len(boxes) == layout.prints
    for a, b in combinations(boxes, 2):
        apart = max(a[0] - b[2], b[0] - a[2], a[1] - b[3], b[1] - a[3])
        assert apart >= layout.gap - 1e-6


@pytest.mark.parametrize("size", [ONE_INCH, TWO_INCH, TWO_INCH_TALL])
def test_a_print_is_cropped_not_stretched(size):
    source = Image.open(io.BytesIO(portrait()))
    cut = np.asarray(fit(source, size)).astype(int)
    assert cut.shape[1] == round(size[0] / 25.4 * 300)
    red = (cut[..., 0] > 150) & (cut[..., 1] < 100)
    across, down = np.flatnonzero(red.any(axis=0)), np.flatnonzero(red.any(axis=1))
    assert np.ptp(across) == pytest.approx(np.ptp(down), rel=0.01)
    assert across.mean() == pytest.approx(cut.shape[1] / 2, abs=1.5)


def test_the_sheet_as_seen():
    layout = LAYOUTS["two-inch-8"]
    page = pypdfium2.PdfDocument(render_sheet(portrait(), layout))[0]
    seen = np.asarray(page.render(scale=300 / 72).to_pil().convert("RGB")).astype(int)
    assert seen.shape[:2] == (pytest.approx(1205, abs=2), pytest.approx(1795, abs=2))
    blue = np.abs(seen - (100, 197, 255)).max(axis=2) < 20
    red = (seen[..., 0] > 150) & (seen[..., 1] < 100)
    printed = 8 * (35 / 25.4 * 300) * (49 / 25.4 * 300)
    assert (blue | red).sum() == pytest.approx(printed, rel=0.03)


def test_the_two_sheets_the_schools_use():
    sizes = [(row.size, row.count) for row in LAYOUTS["mixed-8-4"].rows]
    assert sum(n for size, n in sizes if size == ONE_INCH) == 8
    assert sum(n for size, n in sizes if size == TWO_INCH) == 4
    assert LAYOUTS["two-inch-8"].prints == 8
    assert all(layout.title.zh != layout.title.en for layout in LAYOUTS.values())


def test_what_does_not_fit_is_refused():
    """DOMAIN section 5: the taller 2寸 do not fit on 6寸 paper."""
    with pytest.raises(ValueError, match="do not fit"):
        mixed_sheet("x", "6寸", TWO_INCH_TALL)
    with pytest.raises(ValueError, match="do not fit"):
        Layout("x", "x", "x", "5寸", (Row(TWO_INCH, 4),))
